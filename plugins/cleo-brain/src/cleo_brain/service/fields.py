"""Values as callers give them: limits, tags, lists, words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from cleo_core import inputs
from cleo_core.errors import UsageError, ValidationError, echoed

BODY_LENGTH = 65_536
TITLE_LENGTH = 200
LINE_LENGTH = 1_000
MOST_TAGS = 50
MOST_ITEMS = 100
TAG_LENGTH = 64
_NO_TAG = r"[\s,\x00-\x1f\x7f-\x9f]"


def text(value: Any, field: str, most: int = BODY_LENGTH) -> str:
    """A text of any number of lines; blank is empty.

    :raises UsageError: it is no text, has a NUL or half a surrogate pair, or is too long.
    """
    if isinstance(value, str) and value.isascii() and "\0" not in value:
        found = value
    else:
        found = inputs.as_filter(lambda given: inputs.plain_text(given, field), value)
    if len(found) > most:
        raise UsageError(
            f"{field} has {len(found)} characters; at most {most} are allowed.", field=field
        )
    return found if found.strip() else ""


def optional(value: Any, field: str, most: int = LINE_LENGTH) -> str | None:
    """As :func:`text`; None where nothing is given or it is blank."""
    return None if value is None else text(value, field, most) or None


def items(value: Any, field: str, most: int = MOST_ITEMS) -> list[str]:
    """A list of texts without blank ones.

    :raises UsageError: it is none, or has too many.
    """
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise UsageError(f"{field} must be a list of texts.", field=field)
    if len(value) > most:
        raise UsageError(
            f"{field} has {len(value)} items; at most {most} are allowed.", field=field
        )
    found = [text(one, field) for one in value]
    return [one for one in found if one]


def ids(value: Any, field: str) -> list[str]:
    """A list of ids, none of them blank: an unset variable must not pass for nothing.

    :raises UsageError: it is none, has too many, or one is blank.
    """
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        for one in value:
            named(one, field)
    return items(value, field)


def named(value: Any, field: str) -> str | None:
    """The id of something, or None where none is given.

    :raises UsageError: it is blank or no text.
    """
    if value is None:
        return None
    found = text(value, field, TITLE_LENGTH)
    if not found:
        raise UsageError(f"--{field} is blank.", fix=f"--{field} ID", field=field)
    return found


def tags(value: Any) -> list[str]:
    """Tags, casefolded, each once.

    :raises UsageError: one of them has a blank, a comma or a control character, or is too long.
    """
    found: dict[str, None] = {}
    for one in items(value, "tag", MOST_TAGS):
        tag = one.strip().casefold()
        if not 1 <= len(tag) <= TAG_LENGTH or re.search(_NO_TAG, tag):
            raise UsageError(
                f"The tag {echoed(one)} is not valid: 1 to {TAG_LENGTH} characters without blanks "
                "and commas.",
                fix="--tag words-like-this",
            )
        found[tag] = None
    return list(found)


def word(value: Any, choices: Sequence[str], option: str) -> str:
    """A word of an enum.

    :raises UsageError: another one.
    """
    return inputs.as_filter(inputs.word_of(choices, option), value)


def share(value: Any, field: str) -> float:
    """A number from 0 to 1.

    :raises UsageError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise UsageError(f"{field} is a number from 0 to 1.", fix=f"--{field} 0.5")
    return float(value)


def flag(value: Any, field: str) -> bool:
    """Yes or no.

    :raises UsageError: it is neither.
    """
    if not isinstance(value, bool):
        raise UsageError(f"{field} is true or false.", field=field)
    return value


def count(value: Any, field: str) -> int:
    """A whole number from 0.

    :raises UsageError: it is none, or larger than anything that is counted.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**62:
        raise UsageError(f"{field} is a whole number from 0.", fix=f"--{field} 0")
    return value


def required(value: str, field: str, option: str) -> str:
    """A text that was given.

    :raises ValidationError: it is empty.
    """
    if not value:
        raise ValidationError(f"A {field} is needed.", fix=f"{option} TEXT", field=field)
    return value
