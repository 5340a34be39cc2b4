"""The hierarchy: what stands below what, and in which order."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from cleo_core.database import Backend, Row
from cleo_tasks.store.tasks import LINE_COLUMNS

HEIGHT = (
    "WITH RECURSIVE down(id, depth) AS (SELECT id, 0 FROM tasks WHERE id = :id "
    "UNION SELECT t.id, down.depth + 1 FROM down "
    "JOIN tasks AS t ON t.parent_id = down.id WHERE down.depth < 64) "
    "SELECT max(depth) FROM (SELECT min(depth) AS depth FROM down GROUP BY id)"
)
SIBLINGS = "SELECT id, position FROM tasks WHERE parent_id IS :parent ORDER BY position, seq"
RENUMBER = (
    "UPDATE tasks SET position = wanted.key + 1 FROM json_each(:ids) AS wanted "
    "WHERE tasks.id = wanted.value AND tasks.id <> :but AND tasks.position <> wanted.key + 1"
)
#: Ordered like siblings; the root's rows come first because SQLite sorts NULL first.
NODES = (
    f"SELECT {LINE_COLUMNS} FROM tasks AS t "
    "WHERE t.status IN ('pending', 'active', 'blocked', 'done', 'cancelled', 'proposed') "
    "ORDER BY t.parent_id, t.position, t.seq"
)
NODES_BELOW = (
    "WITH RECURSIVE down(id, depth) AS (SELECT id, 0 FROM tasks WHERE id = :id "
    "UNION SELECT t.id, down.depth + 1 FROM down "
    "JOIN tasks AS t ON t.parent_id = down.id WHERE down.depth < 64) "
    f"SELECT {LINE_COLUMNS} FROM tasks AS t "
    "WHERE t.id IN (SELECT id FROM down) AND (t.id = :id OR t.status IN "
    "('pending', 'active', 'blocked', 'done', 'cancelled', 'proposed')) "
    "ORDER BY t.parent_id, t.position, t.seq"
)


def height(db: Backend, id_: str) -> int:
    """Levels below a task; 0 for one without children, whatever their status."""
    return int(db.scalar(HEIGHT, id=id_) or 0)


def siblings(db: Backend, parent: str | None) -> list[Row]:
    """``{id, position}`` of all children of a parent, or of all roots, in order."""
    return db.read(SIBLINGS, parent=parent)


def renumber(db: Any, ids: Sequence[str], *, but: str) -> None:
    """Give siblings the positions 1…n in this order; the row of ``but`` is left to the caller."""
    db.execute(RENUMBER, ids=json.dumps(list(ids)), but=but)


def nodes(db: Backend, root: str | None) -> list[Row]:
    """Rows with LINE_COLUMNS of everything but the archive, or of one task and what is below it."""
    return db.read(NODES) if root is None else db.read(NODES_BELOW, id=root)
