"""Rows of finished commands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cleo_core.database import Backend, Database, Row

#: All columns, in the order in which they are shown and exported.
COLUMNS = (
    *("id", "anonymous_id", "domain", "gateway", "operation", "command"),
    *("exit_code", "duration_ms", "error_code", "timestamp"),
)
_ALL = ", ".join(COLUMNS)

COUNT = "SELECT count(*) FROM telemetry_events"
SPAN = "SELECT min(timestamp) AS oldest, max(timestamp) AS newest FROM telemetry_events"
NEWEST = f"SELECT {_ALL} FROM telemetry_events ORDER BY id DESC LIMIT :limit OFFSET :offset"
SINCE = f"SELECT {_ALL} FROM telemetry_events WHERE timestamp >= :since ORDER BY id"
FIGURES = (
    "SELECT command, duration_ms, exit_code, error_code FROM telemetry_events "
    "WHERE timestamp >= :since AND (:command IS NULL OR command = :command) "
    "ORDER BY command, duration_ms"
)
DELETE_ALL = "DELETE FROM telemetry_events"
DELETE_BEFORE = "DELETE FROM telemetry_events WHERE timestamp < :before"
COUNT_BEFORE = "SELECT count(*) FROM telemetry_events WHERE timestamp < :before"
# How often a command ran before is of the past as well.
FORGET_NUMBERS = "DELETE FROM sqlite_sequence WHERE name = 'telemetry_events'"


def count(db: Backend) -> int:
    """How many rows there are."""
    return int(db.scalar(COUNT))


def span(db: Backend) -> tuple[str | None, str | None]:
    """The times of the oldest and the newest row."""
    row = db.one(SPAN) or {}
    return row.get("oldest"), row.get("newest")


def newest(db: Backend, limit: int, offset: int) -> list[Row]:
    """Rows, the newest first."""
    return db.read(NEWEST, limit=limit, offset=offset)


def since(db: Backend, at: str) -> list[Row]:
    """Rows from a time on, the newest last."""
    return db.read(SINCE, since=at)


def figures(db: Database, at: str, command: str | None) -> Iterator[tuple[Any, ...]]:
    """(command, duration_ms, exit_code, error_code), by command and duration."""
    return db.iterate(FIGURES, since=at, command=command)


def delete_all(tx: Any) -> int:
    """Delete every row and the numbers that were given out; how many rows."""
    deleted = int(tx.execute(DELETE_ALL))
    tx.execute(FORGET_NUMBERS)
    return deleted


def delete_before(tx: Any, at: str) -> int:
    """Delete the rows before a time; how many."""
    return int(tx.execute(DELETE_BEFORE, before=at))


def count_before(db: Backend, at: str) -> int:
    """How many rows are before a time."""
    return int(db.scalar(COUNT_BEFORE, before=at))
