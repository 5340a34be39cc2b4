"""What ``cleo reconcile`` finds in this store beside the declared references."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from cleo_brain.api import STORE
from cleo_brain.search.extension import ready
from cleo_brain.store import entries, health, vec0, vectors
from cleo_core.api import Repair
from cleo_core.database import Backend

if TYPE_CHECKING:
    from cleo_core.app import App


def repairs(app: App, apply: bool) -> list[Repair]:
    """Rows of the vec0 tables without a current vector, and edges to files that are gone.

    The first are removed, at once or by the next process that can load sqlite-vec; the second are
    reported: a file that is gone may come back with the next checkout.
    """
    if app.project_or_none is None or app.stores.state(STORE).state != "head":
        return []
    return [_vec0_rows(app, apply), _gone_files(app)]


def _vec0_rows(app: App, apply: bool) -> Repair:
    name = "brain.vec0_rows"
    db = app.store("brain")
    scanned, superfluous = _superfluous(db)
    if not apply or not superfluous:
        return Repair(name, scanned, len(superfluous), 0, len(superfluous), 0)
    loads = ready(app)[0]

    def body(unit: Any) -> int:
        seqs = _superfluous(unit)[1]
        for table in vec0.there(unit) if loads else ():
            vec0.delete(unit, table, seqs)
        statement = vectors.DROP_STALE if loads else vectors.ADD_STALE
        unit.execute(statement, seqs=vectors.listed(seqs))
        return len(seqs)

    return Repair(name, scanned, len(superfluous), 0, len(superfluous), app.write("brain", body))


def _superfluous(db: Backend) -> tuple[int, list[int]]:
    """How many rows the tables have, and which have no vector that belongs there.

    Those that a process without sqlite-vec has noted are to go already.
    """
    inside = {seq for table in vec0.there(db) for seq in vec0.rows(db, table)}
    if not inside:
        return 0, []
    known = vectors.model(db, entries.meta(db, vectors.EMBEDDER))
    current = db.read(health.CURRENT, slot=None if known is None else known[0])
    noted = vectors.seqs(db, vectors.STALE, n=-1)
    return len(inside), sorted(inside - {row["seq"] for row in current} - set(noted))


def _gone_files(app: App) -> Repair:
    edges = health.files(app.store("brain"))
    root = str(app.project.root)
    gone = sum(1 for edge in edges if not _exists(os.path.join(root, edge["path"])))
    return Repair("brain.edge_file", len(edges), gone, 0, 0, 0)


def _exists(path: str) -> bool:
    try:
        return os.path.lexists(path)
    except ValueError:
        # No file system takes such a name.
        return False
