"""``verify_legacy``: whether what an import added is there and the file is sound."""

from __future__ import annotations

import json

from cleo_conduit.api import STORE
from cleo_conduit.records.refs import LegacyCheck
from cleo_conduit.service import legacy_values
from cleo_conduit.service.work import Verbs
from cleo_conduit.store import health, legacy, meta
from cleo_core.database import driver
from cleo_core.errors import CleoError


class LegacyCheckVerbs(Verbs):
    """Looks at a file after an import."""

    def verify_legacy(self, run_id: str) -> LegacyCheck:
        """Look for the rows that an import added, and at keys, pages and index of the whole file.

        :param run_id: of the import.
        """
        run = legacy_values.run_id(run_id)
        db = self.db
        text = meta.get(db, f"legacy:{run}")
        faults = [] if text is not None else [f"conduit.db knows no import {run}"]
        rows = {} if text is None else json.loads(text)["rows"]
        counts = {}
        for table, keys in rows.items():
            here = legacy.rows(db, table, keys)
            counts[table] = len(here)
            faults += [f"{table} {key} is not there" for key in keys if key not in here]
        faults += [f"conduit.db: {dict(row)}" for row in db.read(health.FOREIGN_KEYS)]
        words = [str(row["words"]) for row in db.read(health.QUICK)]
        faults += [f"conduit.db: {word}" for word in words if word != "ok"]
        missing = health.unindexed(db)
        if missing or health.superfluous(db):
            faults.append("the search index does not agree with the messages")
        try:
            self.app.write(STORE.name, lambda unit: unit.execute(health.COMPARE))
        except (CleoError, driver().DatabaseError) as error:
            faults.append(f"the search index is damaged: {error}")
        return LegacyCheck(run, counts, faults)
