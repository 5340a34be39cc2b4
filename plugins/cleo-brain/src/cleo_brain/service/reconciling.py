"""What ``cleo reconcile`` finds in this store beside the declared references."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from cleo_brain.api import STORE
from cleo_brain.search import maintaining
from cleo_brain.search.extension import ready
from cleo_brain.store import health
from cleo_core.api import Repair

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
    scanned = len(maintaining.rows_inside(db))
    superfluous = maintaining.out_of_step(db)[0]
    if not apply or not superfluous:
        return Repair(name, scanned, len(superfluous), 0, len(superfluous), 0)
    ready(app)

    def body(unit: Any) -> int:
        seqs = maintaining.out_of_step(unit)[0]
        maintaining.mend(unit, seqs, ())
        return len(seqs)

    return Repair(name, scanned, len(superfluous), 0, len(superfluous), app.write("brain", body))


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
