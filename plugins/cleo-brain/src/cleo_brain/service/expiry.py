"""How long a sticky note lives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cleo_core import clock
from cleo_core.errors import UsageError, echoed

if TYPE_CHECKING:
    from cleo_core.app import App

#: The last time that is stored.
_LAST = 253_402_300_799.0
_EXAMPLE = "--expires 3d"


def default_expiry(app: App) -> str | None:
    """The time that config ``brain.sticky.ttl_days`` gives a note; None is for ever."""
    days = int(app.config.get("brain.sticky.ttl_days"))
    return None if days <= 0 else clock.format_time(min(_LAST, clock.seconds() + days * 86400.0))


def expiry_of(app: App, text: Any) -> str | None:
    """The time that a caller means: a duration, a date or time, ``never``, or None for the usual.

    :raises UsageError: it is none of these, or past.
    """
    from cleo_core.durations import moment, seconds_of

    if text is None:
        return default_expiry(app)
    if not isinstance(text, str) or not text.strip():
        raise UsageError(f"{echoed(text)} is no time to live.", fix=_EXAMPLE)
    word = text.strip()
    if word.casefold() == "never":
        return None
    if word[-1:].isalpha() and word[-1] not in "Zz":
        seconds = seconds_of(word, "--expires", "3d")
        at = clock.format_time(min(_LAST, clock.seconds() + seconds))
    else:
        at = moment(word, "--expires")
    if at <= clock.now():
        raise UsageError(f"{echoed(text)} is past already.", fix=_EXAMPLE)
    return at


def is_past(typed: Mapping[str, Any], now: str) -> bool:
    """Whether a note's time is over."""
    return typed["expires_at"] is not None and typed["expires_at"] <= now


def as_read(
    row: Mapping[str, Any], typed: Mapping[str, Any], now: str
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """A row as every read shows it: a note past its time is archived before that is written."""
    if row["kind"] != "sticky" or row["invalid_at"] is not None or not is_past(typed, now):
        return row, typed
    withdrawn = {**row, "invalid_at": typed["expires_at"], "invalid_reason": "expired"}
    return withdrawn, {**typed, "status": "archived"}
