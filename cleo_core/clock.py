"""The one clock: every stored time comes from here, so that tests can set it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC

_now: Callable[[], float] = time.time


def now() -> str:
    """The time as stored everywhere: ISO-8601 UTC, milliseconds, ``Z``."""
    return format_time(_now())


def seconds() -> float:
    """Seconds since the epoch by the same clock."""
    return _now()


def format_time(epoch: float) -> str:
    """Seconds since the epoch as ``YYYY-MM-DDTHH:MM:SS.mmmZ``."""
    milliseconds = int(epoch * 1000 + 1e-4)
    whole, part = divmod(milliseconds, 1000)
    at = time.gmtime(whole)
    # strftime asks for the time zone first, and writes years before 1000 with fewer digits on some
    # systems.
    return (
        f"{at.tm_year:04d}-{at.tm_mon:02d}-{at.tm_mday:02d}"
        f"T{at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d}.{part:03d}Z"
    )


def parse_time(text: str) -> float:
    """Seconds since the epoch of a stored time.

    :raises ValueError: the text is not an ISO-8601 time.
    """
    from datetime import datetime

    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()


def is_set() -> bool:
    """Whether another clock than the system's is in use."""
    return _now is not time.time


def set_clock(clock: Callable[[], float] | None) -> None:
    """Replace the clock (None: the system's). For tests."""
    global _now
    _now = clock or time.time
