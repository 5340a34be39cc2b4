"""Reading all tasks of a file at once, a few columns of each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from sys import intern

from cleo_core.database import Backend, Database, Row

STATUSES = "SELECT id, status FROM tasks ORDER BY seq"
#: Who waits, and all it waits for. Put together here, a third of the rows have to be made, which is
#: where the time goes.
DEPENDENCIES = (
    "SELECT task_id, group_concat(depends_on, char(31)) FROM task_dependencies GROUP BY task_id"
)
CHILDREN = (
    "SELECT parent_id, group_concat(id, char(31)) FROM tasks WHERE parent_id IS NOT NULL "
    "GROUP BY parent_id"
)
COUNTS = "SELECT status, count(*) AS tasks FROM tasks GROUP BY status"
LABELS = (
    "SELECT l.label, count(*) AS tasks FROM task_labels AS l JOIN tasks AS t ON t.id = l.task_id "
    "WHERE t.status <> 'archived' GROUP BY l.label ORDER BY l.label"
)

_FEATURES = (
    "SELECT t.id, t.title, t.status, (SELECT json_group_array(label) FROM (SELECT label "
    "FROM task_labels WHERE task_id = t.id ORDER BY label)), t.description, t.files_json "
)
FEATURES = f"{_FEATURES}FROM tasks AS t ORDER BY t.seq"
FEATURES_OF = (
    f"{_FEATURES}FROM tasks AS t WHERE t.id IN (SELECT value FROM json_each(:ids)) ORDER BY t.seq"
)

_SEPARATOR = "\x1f"


def statuses(db: Database) -> dict[str, str]:
    """Every task and its status, in order of number."""
    return {id_: intern(status) for id_, status in db.iterate(STATUSES)}


def waits(db: Database) -> dict[str, list[str]]:
    """Who waits, and for what: dependencies, then children."""
    found = {id_: ids.split(_SEPARATOR) for id_, ids in db.iterate(DEPENDENCIES)}
    for id_, ids in db.iterate(CHILDREN):
        children = ids.split(_SEPARATOR)
        if id_ in found:
            found[id_] += children
        else:
            found[id_] = children
    return found


def counts(db: Backend) -> list[Row]:
    """``{status, tasks}`` of each status that a task has."""
    return db.read(COUNTS)


def labels(db: Backend) -> dict[str, int]:
    """How many tasks have each label; the archived ones do not count."""
    return {row["label"]: row["tasks"] for row in db.read(LABELS)}


def features(db: Database, ids: Sequence[str] | None) -> Iterator[tuple[str, ...]]:
    """``(id, title, status, labels, description, files)``, both lists as JSON; None is all."""
    if ids is None:
        return db.iterate(FEATURES)
    return db.iterate(FEATURES_OF, ids=json.dumps(list(ids)))
