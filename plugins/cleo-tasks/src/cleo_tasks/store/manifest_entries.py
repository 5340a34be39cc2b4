"""Outputs of pipeline stages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cleo_core.database import Backend, Row

INSERT = (
    "INSERT INTO manifest_entries (id, pipeline_id, stage_id, title, date, status, agent_type, "
    "output_file, created_by, topics_json, findings_json, created_at) "
    "VALUES (:id, :pipeline_id, :stage_id, :title, :date, :status, :agent_type, "
    ":output_file, :created_by, :topics, :findings, :created_at) ON CONFLICT (id) DO NOTHING"
)
INSERT_TASK = (
    "INSERT INTO manifest_entry_tasks (entry_id, task_id) VALUES (:entry, :task) "
    "ON CONFLICT DO NOTHING"
)
_COLUMNS = (
    "e.*, (SELECT json_group_array(task_id) FROM (SELECT task_id FROM manifest_entry_tasks "
    "WHERE entry_id = e.id ORDER BY task_id)) AS tasks_json"
)
SET_STATUS = "UPDATE manifest_entries SET status = :status WHERE id = :id"
EXISTING = "SELECT id FROM manifest_entries WHERE id IN (SELECT value FROM json_each(:ids))"
BY_ID = f"SELECT {_COLUMNS} FROM manifest_entries AS e WHERE e.id = :id"

#: Filters of a list: name -> SQL term.
FILTERS = {
    "task": "EXISTS (SELECT 1 FROM manifest_entry_tasks AS m "
    "WHERE m.entry_id = e.id AND m.task_id = :task)",
    "pipeline": "e.pipeline_id = :pipeline",
    "stage": "e.stage_id = :stage",
    "status": "e.status = :status",
    "before": "e.created_at < :before",
}


def insert(db: Any, values: Mapping[str, Any], tasks: Sequence[str]) -> bool:
    """Insert one entry and link it to tasks.

    :param values: every column but ``seq``; ``topics`` and ``findings`` are lists.
    :returns: False where an entry of that id is there already; it is linked all the same.
    """
    new = bool(
        db.execute(
            INSERT,
            **{
                **values,
                "topics": json.dumps(values["topics"], ensure_ascii=False),
                "findings": json.dumps(values["findings"], ensure_ascii=False),
            },
        )
    )
    for task in tasks:
        db.execute(INSERT_TASK, entry=values["id"], task=task)
    return new


def set_status(db: Any, id_: str, status: str) -> None:
    """Give an entry another status."""
    db.execute(SET_STATUS, id=id_, status=status)


def get(db: Backend, id_: str) -> Row | None:
    """One entry with ``topics``, ``findings`` and ``tasks`` as lists, or None."""
    found = db.one(BY_ID, id=id_)
    return None if found is None else _decoded(found)


def existing(db: Backend, ids: Sequence[str]) -> set[str]:
    """Those of the ids that outputs of stages have."""
    return {found["id"] for found in db.read(EXISTING, ids=json.dumps(list(ids)))}


def listing(
    db: Backend, filters: Mapping[str, Any], *, limit: int, offset: int
) -> tuple[list[Row], int]:
    """A page of the entries, newest first, and the number of all that match.

    :param filters: name of :data:`FILTERS` -> value.
    """
    page, count = list_statements(filters)
    rows = db.read(page, **filters, limit=limit, offset=offset)
    return [_decoded(row) for row in rows], int(db.scalar(count, **filters))


def list_statements(filters: Iterable[str]) -> tuple[str, str]:
    """The two statements of a list: its page and its total."""
    where = " AND ".join(FILTERS[name] for name in filters) or "true"
    return (
        f"SELECT {_COLUMNS} FROM manifest_entries AS e WHERE {where} "
        "ORDER BY e.seq DESC LIMIT :limit OFFSET :offset",
        f"SELECT count(*) FROM manifest_entries AS e WHERE {where}",
    )


def statements() -> Iterator[str]:
    """The statements that are put together from parts."""
    yield from list_statements(())
    yield from list_statements(FILTERS)


def _decoded(found: Row) -> Row:
    for name in ("topics", "findings", "tasks"):
        found[name] = json.loads(found.pop(f"{name}_json"))
    return found
