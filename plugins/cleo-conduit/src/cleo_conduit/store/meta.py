"""The store's own keys and values."""

from __future__ import annotations

from typing import Any

from cleo_core.database import Backend

GET = "SELECT value FROM conduit_meta WHERE key = :key"
BREAKERS = "SELECT key, value FROM conduit_meta WHERE key LIKE 'breaker:%' ORDER BY key"
SET = (
    "INSERT INTO conduit_meta (key, value) VALUES (:key, :value) "
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)
DELETE = "DELETE FROM conduit_meta WHERE key = :key"


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
