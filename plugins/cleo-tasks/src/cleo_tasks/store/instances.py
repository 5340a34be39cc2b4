"""Instances of agents: who runs where, since when, and when it was last heard of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cleo_core.database import Backend, Row
from cleo_tasks.agent_records import Instance
from cleo_tasks.enums import INSTANCE_RUNNING
from cleo_tasks.store import words

#: Columns that services write, by the record's field name.
COLUMNS = (
    *("id", "agent_id", "agent_type", "status", "session_id", "task_id", "parent_instance_id"),
    *("host", "pid", "started_at", "last_heartbeat_at", "stopped_at", "error_count"),
    *("total_tasks_completed", "last_error", "last_error_kind", "capacity", "metadata"),
)
#: What a list can be narrowed to.
FILTERS = {
    "status": "status IN (SELECT value FROM json_each(:status))",
    "type": "agent_type = :type",
    "task": "task_id = :task",
    "parent": "parent_instance_id = :parent",
    "agent": "agent_id = :agent",
}

BY_ID = "SELECT * FROM agent_instances WHERE id = :id"
SILENT = f"SELECT * FROM agent_instances WHERE {words.SILENT} ORDER BY seq"
RUNNING_OF = (
    "SELECT * FROM agent_instances WHERE agent_id = :agent "
    f"AND status IN {words.RUNNING} ORDER BY seq"
)
OF_AGENTS = (
    "SELECT * FROM agent_instances WHERE agent_id IN (SELECT value FROM json_each(:agents)) "
    "ORDER BY seq"
)


def get(db: Backend, id_: str) -> Row | None:
    """One instance's columns, JSON decoded under the record's field names, or None."""
    found = db.one(BY_ID, id=id_)
    return None if found is None else _decoded(found)


def silent(db: Backend, alive: str) -> list[Row]:
    """Instances that have not ended and were not heard of since a time."""
    return [_decoded(row) for row in db.read(SILENT, alive=alive)]


def running_of(db: Backend, agent: str) -> list[Row]:
    """The instances of an agent that have not ended."""
    return [_decoded(row) for row in db.read(RUNNING_OF, agent=agent)]


def of_agents(db: Backend, agents: Sequence[str]) -> list[Row]:
    """All instances of some agents, ended ones too."""
    return [_decoded(row) for row in db.read(OF_AGENTS, agents=json.dumps(list(agents)))]


def listing(
    db: Backend, filters: Mapping[str, Any], *, alive: str, limit: int, offset: int
) -> tuple[list[Instance], int]:
    """A page of instances, newest first, and the number of all that match.

    :param filters: name of :data:`FILTERS` -> value.
    :param alive: as for :func:`record`.
    """
    given = {
        name: json.dumps(list(value)) if name == "status" else value
        for name, value in filters.items()
    }
    page, count = list_statements(given)
    rows = db.read(page, **given, limit=limit, offset=offset)
    return [record(_decoded(row), alive) for row in rows], int(db.scalar(count, **given))


def list_statements(filters: Iterable[str]) -> tuple[str, str]:
    """The two statements of a list: its page and its total."""
    where = " AND ".join(FILTERS[name] for name in filters) or "true"
    return (
        f"SELECT * FROM agent_instances WHERE {where} ORDER BY seq DESC "
        "LIMIT :limit OFFSET :offset",
        f"SELECT count(*) FROM agent_instances WHERE {where}",
    )


def insert(db: Any, values: Mapping[str, Any]) -> None:
    """Insert one instance; keys are :data:`COLUMNS`."""
    db.execute(insert_statement(values), **_encoded(values))


def update(db: Any, id_: str, values: Mapping[str, Any]) -> None:
    """Change columns of one instance."""
    db.execute(update_statement(values), **_encoded(values), _id=id_)


def insert_statement(names: Iterable[str]) -> str:
    """The INSERT for these field names."""
    listed = list(names)
    columns = ", ".join(map(_column, listed))
    values = ", ".join(":" + name for name in listed)
    return f"INSERT INTO agent_instances ({columns}) VALUES ({values})"


def update_statement(names: Iterable[str]) -> str:
    """The UPDATE for these field names."""
    terms = ", ".join(f"{_column(name)} = :{name}" for name in names)
    return f"UPDATE agent_instances SET {terms} WHERE id = :_id"


def statements() -> Iterator[str]:
    """The statements that are put together from parts."""
    yield from list_statements(())
    yield from list_statements(FILTERS)
    yield insert_statement(COLUMNS)
    yield update_statement(COLUMNS)


def record(row: Mapping[str, Any], alive: str, **more: Any) -> Instance:
    """An instance as services return it, of a decoded row.

    :param alive: a heartbeat since then is a sign of life.
    """
    running = row["status"] in INSTANCE_RUNNING
    live = running and row["last_heartbeat_at"] >= alive
    return Instance(**{name: row[name] for name in COLUMNS}, live=live, **more)


def _column(name: str) -> str:
    return "metadata_json" if name == "metadata" else name


def _encoded(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: json.dumps(value, ensure_ascii=False) if name == "metadata" else value
        for name, value in values.items()
    }


def _decoded(row: Mapping[str, Any]) -> Row:
    found = dict(row)
    found["metadata"] = json.loads(found.pop("metadata_json"))
    return found
