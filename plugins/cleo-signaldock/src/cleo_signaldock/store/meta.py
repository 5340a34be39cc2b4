"""The store's own keys, its audit, and what it answers others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cleo_signaldock.postgres import twins
from cleo_signaldock.store.agents import Reader, Row, Writer, blocks

GET = "SELECT value FROM signaldock_meta WHERE key = :key"
PUT = (
    "INSERT INTO signaldock_meta (key, value) VALUES (:key, :value) "
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)
DROP = "DELETE FROM signaldock_meta WHERE key = :key"
AUDIT = (
    "INSERT INTO signaldock_audit (at, actor, action, subject_kind, subject_id, details) "
    "VALUES (:at, :actor, :action, :subject_kind, :subject_id, :details)"
)
OF_REFS = (
    "SELECT subject_id, action, details FROM signaldock_audit WHERE subject_kind = 'agent' "
    "AND action IN ('agent.register', 'agent.attach', 'agent.detach', 'agent.remove_ref') "
    "ORDER BY seq"
)
#: Kind -> its table and the column of its ids.
IDS = {
    "agent": ("agents", "agent_id"),
    "organization": ("organization", "id"),
    "user": ("users", "id"),
}


def value(db: Reader, key: str) -> str | None:
    """The value of a key of the store's own, or None."""
    found: str | None = db.scalar(GET, key=key)
    return found


def held(tx: Writer, key: str) -> str | None:
    """The same, with other writers kept off the key until the unit ends."""
    twins.hold(tx, "meta.hold", key=key)
    return value(tx, key)


def put(tx: Writer, key: str, value: str) -> None:
    """Set a key of the store's own."""
    tx.execute(PUT, key=key, value=value)


def drop(tx: Writer, key: str) -> None:
    """Forget a key of the store's own."""
    tx.execute(DROP, key=key)


def audit(tx: Writer, rows: Iterable[Mapping[str, Any]]) -> None:
    """Audit rows; ``details`` are names, counts and ids, never values of secrets."""
    for row in rows:
        details = json.dumps(row["details"], ensure_ascii=False, sort_keys=True)
        tx.execute(AUDIT, **{**row, "details": details})


def of_refs(db: Reader) -> list[Row]:
    """Audit rows that say what became of projects' refs, in order."""
    return db.read(OF_REFS)


def existing(db: Reader, kind: str, ids: Sequence[str]) -> frozenset[str]:
    """Those of the ids of a kind that exist."""
    table, column = IDS[kind]
    found: set[str] = set()
    for names, params in blocks(ids):
        rows = db.read(f"SELECT {column} AS id FROM {table} WHERE {column} IN ({names})", **params)
        found.update(row["id"] for row in rows)
    return frozenset(found)


def statements() -> list[str]:
    """The composed statements, for the tests to prepare."""
    return [
        f"SELECT {column} AS id FROM {table} WHERE {column} IN (:id0)"
        for table, column in IDS.values()
    ]
