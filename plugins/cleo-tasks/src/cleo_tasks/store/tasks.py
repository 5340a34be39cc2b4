"""Tasks: reading, inserting, changing columns, lists."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cleo_core.database import Backend, Row
from cleo_tasks.records import Line, Task

#: Columns of ``tasks`` that hold JSON, by the record's field name.
JSON_FIELDS = ("acceptance", "notes", "files", "metadata")

#: What services may write, by the record's field name.
COLUMNS = (
    *("id", "seq", "title", "description", "status", "priority", "type", "role", "scope"),
    *("severity", "size", "parent_id", "phase", "position", "acceptance", "notes", "files"),
    *("metadata", "blocked_reason", "no_auto_complete", "assignee", "claimed_at"),
    *("pipeline_stage", "verification_round", "session_id", "origin", "created_by"),
    *("modified_by", "created_at", "updated_at", "started_at", "completed_at", "cancelled_at"),
    *("archived_at", "cancellation_reason", "archive_reason", "archived_from", "version"),
)

#: Ready as a row shows it: nothing open to wait for, no epic, no open children.
READY = (
    "(t.status = 'pending' AND t.open_dependency_count = 0 AND t.type <> 'epic' AND NOT EXISTS ("
    "SELECT 1 FROM tasks AS child WHERE child.parent_id = t.id "
    "AND child.status IN ('pending', 'active', 'blocked', 'proposed')))"
)

TASK_BY_ID = f"SELECT t.*, {READY} AS ready FROM tasks AS t WHERE t.id = :id"
ROW_BY_ID = "SELECT * FROM tasks WHERE id = :id"
LABELS_OF = "SELECT label FROM task_labels WHERE task_id = :id ORDER BY label"
DEPENDENCIES_OF = (
    "SELECT d.depends_on, t.status FROM task_dependencies AS d "
    "JOIN tasks AS t ON t.id = d.depends_on WHERE d.task_id = :id ORDER BY t.seq"
)
EXISTING = "SELECT id FROM tasks WHERE id IN (SELECT value FROM json_each(:ids))"
CHILDREN = (
    "SELECT id, status, type, position FROM tasks WHERE parent_id = :id ORDER BY position, seq"
)
OPEN_CHILDREN = (
    "SELECT id FROM tasks WHERE parent_id = :id "
    "AND status IN ('pending', 'active', 'blocked', 'proposed') ORDER BY position, seq"
)
LINE_COLUMNS = (
    "t.id, t.title, t.status, t.priority, t.type, t.phase, t.parent_id, t.assignee, "
    "(SELECT json_group_array(label) FROM (SELECT label FROM task_labels "
    f"WHERE task_id = t.id ORDER BY label)) AS labels, {READY} AS ready, t.version"
)
LINES_BY_ID = (
    f"SELECT {LINE_COLUMNS} FROM json_each(:ids) AS wanted "
    "JOIN tasks AS t ON t.id = wanted.value ORDER BY wanted.key"
)
INSERT_LABELS = (
    "INSERT INTO task_labels (label, task_id) SELECT value, :id FROM json_each(:labels) "
    "WHERE true ON CONFLICT DO NOTHING"
)
DELETE_LABELS = (
    "DELETE FROM task_labels WHERE task_id = :id "
    "AND label IN (SELECT value FROM json_each(:labels))"
)
#: One look at the end of each status's range: reading every sibling would make adding slower and
#: slower as a project grows.
LAST_POSITION = (
    "SELECT coalesce(max((SELECT max(position) FROM tasks "
    "WHERE parent_id IS :parent AND status = word.value)), 0) FROM json_each("
    '\'["pending","active","blocked","done","cancelled","archived","proposed"]\') AS word'
)
SHIFT_POSITIONS = (
    "UPDATE tasks SET position = position + 1 WHERE parent_id IS :parent AND position >= :position"
)
DUPLICATE = (
    "SELECT id FROM tasks WHERE title = :title AND description IS :description "
    "AND parent_id IS :parent AND phase IS :phase AND created_by IS :actor "
    "AND created_at > :since AND status IN ('pending', 'active', 'blocked', 'proposed') "
    "ORDER BY seq DESC LIMIT 1"
)
ANCESTORS = (
    "WITH RECURSIVE up(id, parent_id, type, depth) AS ("
    "SELECT id, parent_id, type, 0 FROM tasks WHERE id = :id "
    "UNION SELECT t.id, t.parent_id, t.type, up.depth + 1 FROM up "
    "JOIN tasks AS t ON t.id = up.parent_id WHERE up.depth < 64) "
    "SELECT id, parent_id, type, depth FROM up ORDER BY depth"
)
SUBTREE = (
    "WITH RECURSIVE down(id, depth) AS (SELECT id, 0 FROM tasks WHERE id = :id "
    "UNION SELECT t.id, down.depth + 1 FROM down "
    "JOIN tasks AS t ON t.parent_id = down.id WHERE down.depth < 64) "
    "SELECT down.id AS id, min(down.depth) AS depth, t.status AS status, t.type AS type "
    "FROM down JOIN tasks AS t ON t.id = down.id GROUP BY down.id ORDER BY depth, t.seq"
)
EPIC_PIPELINE_ABOVE = (
    "WITH RECURSIVE up(id, parent_id, type, depth) AS ("
    "SELECT id, parent_id, type, 0 FROM tasks WHERE id = :id "
    "UNION SELECT t.id, t.parent_id, t.type, up.depth + 1 FROM up "
    "JOIN tasks AS t ON t.id = up.parent_id WHERE up.depth < 64) "
    "SELECT up.id AS epic, s.stage_name AS stage FROM up "
    "JOIN lifecycle_pipelines AS p ON p.task_id = up.id "
    "AND p.status IN ('active', 'blocked', 'failed') "
    "JOIN lifecycle_stages AS s ON s.id = p.current_stage_id "
    "WHERE up.type = 'epic' ORDER BY up.depth LIMIT 1"
)
OWN_PIPELINE = (
    "SELECT p.status AS status, s.stage_name AS stage FROM lifecycle_pipelines AS p "
    "LEFT JOIN lifecycle_stages AS s ON s.id = p.current_stage_id WHERE p.task_id = :id"
)

#: Words of ``list --sort`` and the ORDER BY they stand for.
SORTS = {
    "id": "t.seq",
    "priority": "CASE t.priority WHEN 'critical' THEN 0 WHEN 'high' THEN 1 "
    "WHEN 'medium' THEN 2 ELSE 3 END, t.seq",
    "updated": "t.updated_at DESC, t.seq DESC",
    "created": "t.created_at, t.seq",
    "title": "t.title, t.seq",
    "position": "t.parent_id, t.position, t.seq",
}

#: Filters of ``list``: name -> SQL term. ``:<name>_json`` are JSON lists of words.
FILTERS = {
    "status": "t.status IN (SELECT value FROM json_each(:status))",
    "parent": "t.parent_id = :parent",
    "type": "t.type = :type",
    "priority": "t.priority = :priority",
    "phase": "t.phase = :phase",
    "role": "t.role = :role",
    "assignee": "t.assignee = :assignee",
    "stage": "t.pipeline_stage = :stage",
    "since": "t.updated_at >= :since",
    "label": "(SELECT count(*) FROM task_labels AS l WHERE l.task_id = t.id "
    "AND l.label IN (SELECT value FROM json_each(:label))) = json_array_length(:label)",
    "ready": "t.open_dependency_count = 0 AND t.status = 'pending' AND t.type <> 'epic' "
    f"AND {READY}",
}
NOT_ARCHIVED = "t.status IN ('pending', 'active', 'blocked', 'done', 'cancelled', 'proposed')"


def get(db: Backend, id_: str) -> Task | None:
    """One task with its labels and dependencies, or None."""
    row = db.one(TASK_BY_ID, id=id_)
    return None if row is None else _task(db, row)


def row(db: Backend, id_: str) -> Row | None:
    """One task's columns with JSON decoded under the record's field names, or None."""
    found = db.one(ROW_BY_ID, id=id_)
    return None if found is None else decoded(found)


def existing(db: Backend, ids: Sequence[str]) -> set[str]:
    """Those of the ids that exist, in any status."""
    return {found["id"] for found in db.read(EXISTING, ids=json.dumps(list(ids)))}


def lines(db: Backend, ids: Sequence[str]) -> list[Line]:
    """The tasks in the order of the ids; missing ones are left out."""
    return [line(found) for found in db.read(LINES_BY_ID, ids=json.dumps(list(ids)))]


def line(found: Mapping[str, Any]) -> Line:
    """A Line of a row that has LINE_COLUMNS."""
    return Line(
        id=found["id"],
        title=found["title"],
        status=found["status"],
        priority=found["priority"],
        type=found["type"],
        phase=found["phase"],
        parent_id=found["parent_id"],
        assignee=found["assignee"],
        labels=json.loads(found["labels"]),
        ready=bool(found["ready"]),
        version=found["version"],
    )


def listing(
    db: Backend, filters: Mapping[str, Any], *, sort: str, limit: int, offset: int
) -> tuple[list[Line], int]:
    """A page of tasks and the number of all that match.

    :param filters: name of :data:`FILTERS` -> value; lists are matched as sets.
    """
    params = {
        name: json.dumps(value) if isinstance(value, (list, tuple)) else value
        for name, value in filters.items()
    }
    page, count = list_statements(filters, sort)
    found = db.read(page, **params, limit=limit, offset=offset)
    total = int(db.scalar(count, **params))
    return [line(one) for one in found], total


def list_statements(filters: Iterable[str], sort: str) -> tuple[str, str]:
    """The two statements of a list: its page and its total."""
    names = list(filters)
    terms = [FILTERS[name] for name in names]
    if "status" not in names and "ready" not in names:
        terms.append(NOT_ARCHIVED)
    where = " AND ".join(terms)
    return (
        f"SELECT {LINE_COLUMNS} FROM tasks AS t WHERE {where} "
        f"ORDER BY {SORTS[sort]} LIMIT :limit OFFSET :offset",
        f"SELECT count(*) FROM tasks AS t WHERE {where}",
    )


def statements() -> Iterator[str]:
    """The statements that are put together from parts, for the test that prepares all."""
    for sort in SORTS:
        yield from list_statements(FILTERS, sort)
        yield from list_statements((), sort)
    yield insert_statement(COLUMNS)
    yield update_statement(COLUMNS, bump=True)


def insert(db: Any, values: Mapping[str, Any]) -> None:
    """Insert one task; keys are the record's field names and ``seq``."""
    db.execute(insert_statement(values), **encoded(values))


def update(db: Any, id_: str, values: Mapping[str, Any], *, bump: bool) -> None:
    """Change columns of one task; ``bump`` raises its version."""
    db.execute(update_statement(values, bump=bump), **encoded(values), _id=id_)


def insert_statement(names: Iterable[str]) -> str:
    """The INSERT for these field names."""
    listed = list(names)
    columns = ", ".join(map(_column, listed))
    return f"INSERT INTO tasks ({columns}) VALUES ({', '.join(':' + name for name in listed)})"


def update_statement(names: Iterable[str], *, bump: bool) -> str:
    """The UPDATE for these field names."""
    terms = [f"{_column(name)} = :{name}" for name in names if name != "version"]
    if bump:
        terms.append("version = version + 1")
    return f"UPDATE tasks SET {', '.join(terms)} WHERE id = :_id"


def encoded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Field values as the columns store them."""
    return {
        name: json.dumps(value, ensure_ascii=False)
        if name in JSON_FIELDS
        else int(value)
        if isinstance(value, bool)
        else value
        for name, value in values.items()
    }


def decoded(found: Mapping[str, Any]) -> Row:
    """A row's columns under the record's field names, JSON and booleans decoded."""
    result = dict(found)
    for name in JSON_FIELDS:
        result[name] = json.loads(result.pop(name + "_json"))
    result["no_auto_complete"] = bool(result["no_auto_complete"])
    return result


def labels(db: Backend, id_: str) -> list[str]:
    """A task's labels in order."""
    return [found["label"] for found in db.read(LABELS_OF, id=id_)]


def add_labels(db: Any, id_: str, words: Sequence[str]) -> int:
    """Give a task labels; returns how many were new."""
    return int(db.execute(INSERT_LABELS, id=id_, labels=json.dumps(list(words))))


def remove_labels(db: Any, id_: str, words: Sequence[str]) -> int:
    """Take labels from a task; returns how many it had."""
    return int(db.execute(DELETE_LABELS, id=id_, labels=json.dumps(list(words))))


def _task(db: Backend, found: Row) -> Task:
    values = decoded(found)
    for name in (
        "seq",
        "dependency_count",
        "open_dependency_count",
        "has_dependencies",
        "created_week",
    ):
        del values[name]
    dependencies = db.read(DEPENDENCIES_OF, id=values["id"])
    values["ready"] = bool(values["ready"])
    return Task(
        **values,
        labels=labels(db, values["id"]),
        depends_on=[one["depends_on"] for one in dependencies],
        open_dependencies=[
            one["depends_on"]
            for one in dependencies
            if one["status"] in ("pending", "active", "blocked", "proposed")
        ],
    )


def _column(name: str) -> str:
    return name + "_json" if name in JSON_FIELDS else name
