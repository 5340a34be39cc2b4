"""The audit of the map: reading it, and putting old rows away."""

from __future__ import annotations

import re
from typing import Any

from cleo_core.durations import moment
from cleo_core.errors import CleoError, UsageError, echoed
from cleo_core.output import Page
from cleo_nexus.api import STORE
from cleo_nexus.errors import NexusError, project_unknown
from cleo_nexus.ids import is_project_id
from cleo_nexus.records.projects import Pruned
from cleo_nexus.service import access
from cleo_nexus.service.work import Verbs, Work, mutating, reading
from cleo_nexus.store import audit

_ACTION = re.compile(r"[a-z]+(\.[a-z-]+)*", re.ASCII)


class AuditVerbs(Verbs):
    """``audit_list``, ``audit_prune``."""

    def audit_list(
        self,
        *,
        action: str | None = None,
        in_project: str | None = None,
        since: str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> tuple[list[dict[str, Any]], Page]:
        """What was done and refused, newest first.

        :param action: ``nexus.register`` and so on.
        :param in_project: rows about one project; by its id also when it is no longer registered.
        :param since: ISO-8601; rows written at or after it.
        :raises UsageError: a filter's value can be no such thing, or a number is out of range.
        :raises NexusError: 71, the project is not registered.
        """
        limit, offset = self.page(limit, offset)
        if action is not None and not (isinstance(action, str) and _ACTION.fullmatch(action)):
            raise UsageError(
                f"{echoed(action)} is no action.",
                fix="cleo nexus audit list --action nexus.register",
            )
        given = {
            "action": action,
            "project": None if in_project is None else self._project_id(in_project),
            "since": None if since is None else moment(since),
        }
        filters = {name: value for name, value in given.items() if value is not None}
        with reading():
            rows, total = audit.listing(self.db, filters, limit=limit, offset=offset)
        return rows, Page(limit, offset, total)

    @mutating("nexus.audit.prune")
    def audit_prune(self, *, before: str) -> Pruned:
        """Archive the audit rows written before a time, then delete them.

        :param before: ISO-8601.
        :raises UsageError: it is no time.
        :raises CleoError: ``E_ARCHIVE_FAILED`` (60), the rows are kept; 100, there are none.
        """
        moment_ = moment(before, "--before")
        with self.db.snapshot() as db:
            extent = audit.extent(db, moment_)
        rows, last = int(extent["rows"]), extent["last"]
        if not rows:
            raise CleoError(
                "E_NOTHING",
                f"The audit has no row from before {moment_}.",
                fix="cleo nexus audit list",
            )
        if self.app.dry_run:
            return Pruned(rows, rows, None)
        from contextlib import closing

        from cleo_core.archive import archive_and_delete

        with closing(audit.old_rows(self.db, moment_, last)) as old:
            path = archive_and_delete(
                self.app.stores.directory(self.app.stores.spec(STORE.name)),
                f"nexus-audit-{extent['first']}-{last}",
                old,
                lambda: self._delete(moment_, last, rows),
                expected=rows,
            )
        return Pruned(rows, rows, path)

    def _delete(self, before: str, last: int, expected: int) -> int:
        def body(work: Work) -> int:
            deleted = audit.prune(work, before, last)
            if deleted != expected:
                # Another process pruned meanwhile; what it took is in its own archive.
                raise NexusError(
                    "E_ARCHIVE_FAILED",
                    f"{expected} rows were archived, and {deleted} of them are still there",
                    fix="the same command",
                )
            work.note(deleted=deleted)
            return deleted

        return self.write(body)

    def _project_id(self, key: str) -> str:
        row = access.find(self.app, self.db, key, reads=True)
        if row is not None:
            return str(row["project_id"])
        plain = key.removeprefix("@")
        if not is_project_id(plain):
            raise project_unknown(key)
        return plain
