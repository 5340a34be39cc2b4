"""Times and lengths of time: as callers write them, and counted back from now."""

from __future__ import annotations

from cleo_core import clock
from cleo_core.errors import UsageError, echoed


def moment(text: str, option: str = "--since") -> str:
    """A time as callers write it (ISO-8601, or a date) in the form that is stored.

    :param option: what gave it, for the message.
    :raises UsageError: it is no time.
    """
    try:
        return clock.format_time(clock.parse_time(text))
    except (ValueError, OverflowError, AttributeError, TypeError):
        raise UsageError(
            f"{echoed(text)} is not a time; write 2026-03-25 or 2026-03-25T14:30:00Z.",
            fix=f"{option} 2026-03-25",
        ) from None


def seconds_of(value: str | float, option: str, example: str) -> float:
    """A number of seconds, or a duration such as ``24h``, in seconds.

    :param option: what gave it, ``example`` what it could have been.
    :raises UsageError: it is neither.
    """
    from cleo_core.api import ConfigKey
    from cleo_core.config.values import WrongValueError, from_file, from_text

    key = ConfigKey(option.strip("-").replace("-", "_"), "duration", None)
    try:
        return float(from_file(key, from_text(key, str(value))))
    except WrongValueError as wrong:
        raise UsageError(
            f"{str(value)[:80]!r} is no age: expected {wrong}.", fix=f"{option} {example}"
        ) from None


def ago(seconds: float) -> str:
    """A time so many seconds before now, within what can be stored."""
    return clock.format_time(max(0.0, clock.seconds() - max(0.0, seconds)))
