"""Values of documents as callers give them."""

from __future__ import annotations

import re
from typing import Any

from cleo_conduit.enums import DOCUMENT_FORMAT, DOCUMENT_MODE
from cleo_conduit.service.documents.differing import as_text
from cleo_core import clock, inputs
from cleo_core.errors import UsageError, ValidationError, echoed

TITLE_LENGTH = 200
SUMMARY_LENGTH = 1000
COMMENT_LENGTH = 4000
MOST_APPROVALS = 100
MOST_REVIEWERS = 100
#: Seconds that a document may live: a second to a hundred years.
LEAST_TTL, MOST_TTL = 1.0, 100 * 365 * 86400.0

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def content(value: Any, format: str) -> bytes:
    """The bytes of a version; text is stored as UTF-8.

    :raises UsageError: it is neither text nor bytes.
    :raises ValidationError: 6, it is no text and the format is not ``binary``.
    """
    if isinstance(value, str):
        try:
            value = value.encode()
        except UnicodeEncodeError:
            raise ValidationError("The content contains half a surrogate pair.") from None
    if not isinstance(value, (bytes, bytearray)):
        raise UsageError(
            f"The content is text or bytes, not {type(value).__name__}.", field="content"
        )
    data = bytes(value)
    if format != "binary" and as_text(data) is None:
        raise ValidationError(
            f"The content is no UTF-8 text without NUL characters, as format {format} has it.",
            fix="the content as UTF-8, or a document created with --format binary",
            field="content",
        )
    return data


def title(value: Any) -> str | None:
    """The title, or None."""
    if value is None:
        return None
    return inputs.line(value, "title", TITLE_LENGTH, fix="--title 'Plan of the migration'")


def format_word(value: Any) -> str:
    """The format."""
    return inputs.as_filter(inputs.word_of(DOCUMENT_FORMAT, "format"), value)


def mode_word(value: Any) -> str:
    """The mode."""
    if value not in DOCUMENT_MODE:
        raise UsageError(
            f"The mode {echoed(value)} is unknown; it is one of {', '.join(DOCUMENT_MODE)}.",
            fix="cleo doc mode SLUG review",
        )
    return str(value)


def passage(value: Any, name: str, most: int) -> str | None:
    """A text of several lines, or None where it is missing or blank.

    :raises ValidationError: 6, it is no text, or too long.
    """
    if value is None:
        return None
    text = inputs.plain_text(value, f"The {name}").strip()
    if len(text) > most:
        raise ValidationError(
            f"The {name} has {len(text)} characters; at most {most} are kept.",
            fix=f"a shorter --{name}",
            field=name,
        )
    return text or None


def approvals(value: Any) -> int:
    """How many approvals a document needs before it can be locked.

    :raises UsageError: it is no such number.
    """
    if type(value) is not int or not 0 <= value <= MOST_APPROVALS:
        raise UsageError(
            f"A document requires 0 to {MOST_APPROVALS} approvals, not {echoed(value)}.",
            fix="--required-approvals 1",
        )
    return value


def conversation(value: Any) -> str | None:
    """The id of a conversation, or None.

    :raises UsageError: it can be none.
    """
    if value is None:
        return None
    if not isinstance(value, str) or _UUID.fullmatch(value) is None:
        raise UsageError(
            f"{echoed(value)} is no id of a conversation.", fix="cleo conduit conversations"
        )
    return value


def lifetime(value: Any) -> float | None:
    """For how many seconds a document lives; None for ever.

    :raises UsageError: it is no such length of time.
    """
    if value is None:
        return None
    from cleo_core.durations import seconds_of

    seconds = seconds_of(value, "--ttl", "7d")
    if not LEAST_TTL <= seconds <= MOST_TTL:
        raise UsageError("A document lives for 1s to 36500d.", fix="--ttl 7d")
    return seconds


def expiry(now: str, seconds: float | None) -> str | None:
    """When a document ends that is made now."""
    return None if seconds is None else clock.format_time(clock.parse_time(now) + seconds)
