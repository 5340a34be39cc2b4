"""Values as callers give them: text that can be stored, words of an enum, filters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from cleo_core.errors import UsageError, ValidationError, echoed

#: SQLite's JSON functions and Python's recursion end at a thousand.
MOST_LEVELS = 100
#: What stands between the slashes and the path; browsers take other slashes, and more of them.
_AUTHORITY = r"\s*[A-Za-z][A-Za-z0-9+.-]*:[/\\]{2,}([^/\\?#]*)"
#: The sign in all forms that Unicode's normalisation, and so a browser, takes for it.
_AT = "[@\uff20\ufe6b]"

T = TypeVar("T")


def plain_text(value: Any, field: str) -> str:
    """Text that every tool can read back: no NUL, no half of a surrogate pair.

    :raises ValidationError: it is not text, or not such text.
    """
    if not isinstance(value, str):
        raise ValidationError(f"{field} must be text, not {type(value).__name__}.")
    if "\0" in value:
        raise ValidationError(f"{field} contains a NUL character.")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise ValidationError(f"{field} contains half a surrogate pair.") from None
    return value


def line(value: Any, field: str, most: int, *, fix: str, printable: bool = False) -> str:
    """One line of text, trimmed, of 1 to ``most`` characters.

    :param field: the argument's name.
    :param printable: for names and ids of things: without what cannot be seen.
    :raises ValidationError: it is none.
    """
    name = field.replace("_", " ")
    text = plain_text(value, name).strip()
    hidden = printable and not text.isprintable()
    if not 1 <= len(text) <= most or len(text.splitlines()) > 1 or hidden:
        kind = "printable characters" if printable else "characters"
        raise ValidationError(
            f"The {name} is one line of 1 to {most} {kind}.", fix=fix, field=field
        )
    return text


def texts(value: Any, field: str) -> list[str]:
    """A list of texts, never split and never trimmed.

    :raises ValidationError: it is no list of texts.
    """
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise ValidationError(f"{field} must be a list of texts.")
    return [plain_text(item, field) for item in value]


def names_user(text: str) -> bool:
    """Whether an address names who opens it: ``scheme://name:password@host``."""
    return without_user(text) != text


def without_user(text: str) -> str:
    """An address as anybody would write it, without ``name:password@``."""
    found = re.match(_AUTHORITY, text)
    if found is None:
        return text
    return text[: found.start(1)] + re.split(_AT, found[1])[-1] + text[found.end(1) :]


def as_filter(check: Callable[[Any], T], value: Any) -> T:
    """What a check makes of a filter's value.

    :raises UsageError: the check refuses it: nothing is stored that could be wrong, only asked.
    """
    try:
        return check(value)
    except ValidationError as error:
        raise UsageError(error.message, fix=error.fix, **error.details) from None


def word_of(choices: Sequence[str], field: str) -> Callable[[Any], str]:
    """A check that a value is one of the words of an enum."""

    def check(value: Any) -> str:
        if value not in choices:
            raise ValidationError(
                f"{field} {echoed(value)} is unknown; it is one of {', '.join(choices)}.",
                fix=f"--{field} {choices[0]}",
            )
        return str(value)

    return check


def too_deep(value: Any) -> bool:
    """Whether JSON-ready lists and objects are nested deeper than is stored."""
    level = [value]
    for _ in range(MOST_LEVELS + 1):
        level = [
            item
            for one in level
            if isinstance(one, (Mapping, list, tuple))
            for item in (one.values() if isinstance(one, Mapping) else one)
        ]
        if not level:
            return False
    return True
