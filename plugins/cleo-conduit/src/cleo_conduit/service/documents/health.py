"""Health of what is stored of documents; it only reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_conduit.api import STORE
from cleo_conduit.errors import ConduitError
from cleo_conduit.service.documents import contents
from cleo_conduit.service.health import MOST, Finding
from cleo_conduit.store import blobs
from cleo_core.errors import CleoError

if TYPE_CHECKING:
    from cleo_core.app import App

#: Contents that are looked at where not all are, chosen anew each time.
SAMPLE = 50


def check_blobs(app: App, deep: bool = False) -> Finding:
    """Whether stored contents are what they were; of many only a sample, unless ``deep``."""
    if app.project_or_none is None:
        return Finding("ok", "There is no project here.", {}, None)
    try:
        if app.stores.state(STORE).state == "absent":
            return Finding("ok", "There is no conduit.db yet.", {}, None)
        db = app.store(STORE.name)
        total = blobs.count(db)
        wanted = blobs.hashes(db, None if deep else SAMPLE)
        damaged: list[tuple[str, str]] = []
        for hash_ in wanted:
            try:
                contents.load(db, hash_)
            except ConduitError as error:
                damaged.append((hash_, error.message))
        orphans = blobs.orphans(db)
    except CleoError as error:
        return Finding("unknown", error.message, {"code": error.code}, error.fix)
    details = {"stored": total, "checked": len(wanted), "orphans": orphans}
    if not damaged:
        return Finding("ok", f"{len(wanted)} of {total} contents are whole.", details, None)
    shown = damaged[:MOST]
    return Finding(
        "error",
        f"{len(damaged)} of {len(wanted)} contents of documents are damaged: {shown[0][1]}",
        {**details, "count": len(damaged), "hashes": [hash_ for hash_, _ in shown]},
        "cleo doc list",
    )
