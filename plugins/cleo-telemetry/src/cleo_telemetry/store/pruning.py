"""Letting old rows go, some at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cleo_core import clock
from cleo_telemetry.store import meta

if TYPE_CHECKING:
    from cleo_core.config import Config

#: Rows that go at a time.
BLOCK = 500
#: Before every stored time.
BEGINNING = "0000-01-01T00:00:00.000Z"

BY_AGE = (
    "DELETE FROM telemetry_events WHERE id IN (SELECT id FROM telemetry_events "
    "WHERE timestamp < :before ORDER BY timestamp LIMIT :limit)"
)
# A negative LIMIT would be none.
BY_COUNT = (
    "DELETE FROM telemetry_events WHERE id IN (SELECT id FROM telemetry_events ORDER BY id "
    "LIMIT min(:limit, max(0, (SELECT count(*) FROM telemetry_events) - :most)))"
)


class Limits(NamedTuple):
    """Up to when rows are too old, and how many there may be; None for no limit."""

    before: str
    most: int | None


class Deleted(NamedTuple):
    """How many rows went, and why."""

    by_age: int
    by_count: int


def limits(config: Config) -> Limits:
    """What the configuration says; what is no number of days or rows deletes nothing."""
    most = int(config.get("telemetry.max_rows"))
    days = int(config.get("telemetry.retention_days"))
    return Limits(days_ago(days) if days > 0 else BEGINNING, most if most > 0 else None)


def days_ago(days: int) -> str:
    """A time so many days ago, as it is stored."""
    moment = clock.seconds() - days * 86400
    return clock.format_time(moment) if moment > 0 else BEGINNING


def prune(tx: Any, limits: Limits, most: int) -> Deleted:
    """Delete what is too old, then the oldest of what is too many.

    :param most: rows that go at most.
    """
    by_age = 0
    if limits.before != BEGINNING:
        by_age = tx.execute(BY_AGE, before=limits.before, limit=most)
    by_count = 0
    if limits.most is not None and by_age < most:
        by_count = tx.execute(BY_COUNT, most=limits.most, limit=most - by_age)
    meta.put(tx, meta.LAST_PRUNE, clock.now())
    return Deleted(by_age, by_count)
