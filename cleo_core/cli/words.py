"""Numbers as people read them: counts, sizes, ages."""

from __future__ import annotations

_UNITS = ("B", "kB", "MB", "GB", "TB")
_AGES = ((86400, "day"), (3600, "hour"), (60, "minute"))


def counted(number: int, word: str) -> str:
    """``1 set``, ``2 sets``."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def size(number: int) -> str:
    """``4.2 MB`` for a number of bytes."""
    amount, place = float(number), 0
    while amount >= 1000 and place < len(_UNITS) - 1:
        amount /= 1000
        place += 1
    return f"{amount:.1f} {_UNITS[place]}" if place else f"{number} B"


def ago(seconds: float) -> str:
    """``3 hours ago``, or ``just now`` for less than a minute and for what is still to come."""
    for length, word in _AGES:
        if seconds >= length:
            return f"{counted(int(seconds // length), word)} ago"
    return "just now"
