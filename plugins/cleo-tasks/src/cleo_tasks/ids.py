"""Task ids as people write them."""

from __future__ import annotations

from collections.abc import Iterable

from cleo_core.errors import UsageError, echoed, shortened

#: A number beyond this cannot have been given out; SQLite's integers end soon after.
MAX_DIGITS = 15
HIGHEST = 10**MAX_DIGITS - 1


def task_id(seq: int) -> str:
    """The id of a number: ``T`` and at least three digits."""
    return f"T{seq:03d}"


def parse_id(text: str) -> str:
    """``T123``, ``t123``, ``123``, ``T0123`` and ``T123-some-slug`` as ``T123``.

    :raises UsageError: the text is none of these, or no text.
    """
    word = text.strip() if isinstance(text, str) else ""
    head = word.replace("_", "-").partition("-")[0]
    if head[:1] in ("T", "t"):
        digits = head[1:]
    else:
        digits = head if head == word else ""
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MAX_DIGITS):
        shown = shortened(text) if isinstance(text, str) else echoed(text)
        raise UsageError(
            f"{echoed(text)} is not a task id; ids look like T123.", fix="cleo list", id=shown
        )
    return task_id(int(digits))


def parse_ids(texts: Iterable[str]) -> list[str]:
    """Each id once, in the order given.

    :raises UsageError: as :func:`parse_id`; it is no list.
    """
    if isinstance(texts, str) or not isinstance(texts, Iterable):
        raise UsageError(f"{echoed(texts)} is not a list of task ids.", fix="cleo list")
    return list(dict.fromkeys(parse_id(text) for text in texts))
