"""The store's own keys: who is measured, since when, and when it was pruned last."""

from __future__ import annotations

from typing import Any

from cleo_core.database import Backend

ANONYMOUS_ID, ENABLED_AT, DISABLED_AT = "anonymous_id", "enabled_at", "disabled_at"
LAST_PRUNE = "last_prune"

GET = "SELECT value FROM telemetry_schema_meta WHERE key = :key"
SET = (
    "INSERT INTO telemetry_schema_meta (key, value) VALUES (:key, :value) "
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)
DELETE = "DELETE FROM telemetry_schema_meta WHERE key = :key"
CLEAR = "DELETE FROM telemetry_schema_meta"


def get(db: Backend, key: str) -> str | None:
    """A value, or None."""
    found: str | None = db.scalar(GET, key=key)
    return found


def put(tx: Any, key: str, value: str) -> None:
    """Set a value."""
    tx.execute(SET, key=key, value=value)


def delete(tx: Any, key: str) -> None:
    """Delete a value."""
    tx.execute(DELETE, key=key)


def clear(tx: Any) -> None:
    """Delete all values."""
    tx.execute(CLEAR)
