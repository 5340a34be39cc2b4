"""Copies of agents' credentials; key material is ciphertext, read for its owner only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cleo_core.database import Backend, Row
from cleo_tasks.agent_records import CachedAgent

#: Columns that the cache copies, by field name.
COLUMNS = (
    *("agent_id", "display_name", "api_key_encrypted", "api_base_url", "classification"),
    *("privacy_tier", "capabilities", "skills", "transport_config", "is_active"),
    *("last_used_at", "source_updated_at"),
)
_JSON_FIELDS = ("capabilities", "skills", "transport_config")

BY_AGENT = "SELECT * FROM agent_credentials WHERE agent_id = :agent"
ALL = "SELECT * FROM agent_credentials ORDER BY agent_id"
NAMES = (
    "SELECT agent_id, display_name, is_active, last_used_at, source_updated_at "
    "FROM agent_credentials ORDER BY agent_id LIMIT :limit OFFSET :offset"
)
COUNT = "SELECT count(*) FROM agent_credentials"
DELETE = "DELETE FROM agent_credentials WHERE agent_id = :agent"


def get(db: Backend, agent: str) -> Row | None:
    """What is cached of an agent under the field names of :data:`COLUMNS`."""
    found = db.one(BY_AGENT, agent=agent)
    return None if found is None else _decoded(found)


def everything(db: Backend) -> list[Row]:
    """All that is cached, by agent."""
    return [_decoded(row) for row in db.read(ALL)]


def names(db: Backend, *, limit: int, offset: int) -> tuple[list[CachedAgent], int]:
    """A page of what may be shown, and how many agents are cached; no key is read."""
    rows = [
        CachedAgent(**{**row, "is_active": bool(row["is_active"])})
        for row in db.read(NAMES, limit=limit, offset=offset)
    ]
    return rows, int(db.scalar(COUNT))


def insert(db: Any, values: Mapping[str, Any], now: str) -> None:
    """Insert a copy; keys are :data:`COLUMNS`."""
    given = {**_encoded(values), "created_at": now, "updated_at": now}
    db.execute(insert_statement(given), **given)


def update(db: Any, agent: str, values: Mapping[str, Any], now: str) -> None:
    """Change columns of a copy."""
    given = {**_encoded(values), "updated_at": now}
    db.execute(update_statement(given), **given, _agent=agent)


def delete(db: Any, agent: str) -> None:
    """Remove a copy."""
    db.execute(DELETE, agent=agent)


def insert_statement(columns: Iterable[str]) -> str:
    """The INSERT for these columns."""
    listed = list(columns)
    return (
        f"INSERT INTO agent_credentials ({', '.join(listed)}) "
        f"VALUES ({', '.join(':' + name for name in listed)})"
    )


def update_statement(columns: Iterable[str]) -> str:
    """The UPDATE for these columns."""
    terms = ", ".join(f"{name} = :{name}" for name in columns)
    return f"UPDATE agent_credentials SET {terms} WHERE agent_id = :_agent"


def statements() -> Iterator[str]:
    """The statements that are put together from parts."""
    columns = [*map(_column, COLUMNS), "created_at", "updated_at"]
    yield insert_statement(columns)
    yield update_statement(columns)


def _column(name: str) -> str:
    return name + "_json" if name in _JSON_FIELDS else name


def _encoded(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        _column(name): json.dumps(value, ensure_ascii=False)
        if name in _JSON_FIELDS
        else int(value)
        if name == "is_active"
        else value
        for name, value in values.items()
    }


def _decoded(row: Mapping[str, Any]) -> Row:
    found = {name: row[_column(name)] for name in COLUMNS}
    for name in _JSON_FIELDS:
        found[name] = json.loads(found[name])
    found["is_active"] = bool(found["is_active"])
    return found
