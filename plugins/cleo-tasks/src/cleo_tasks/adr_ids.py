"""Ids of architecture decisions as people write them."""

from __future__ import annotations

from collections.abc import Iterable

from cleo_core.errors import UsageError, echoed

#: More digits than any number of decisions has.
MAX_DIGITS = 9
HIGHEST = 10**MAX_DIGITS - 1


def adr_id(number: int) -> str:
    """The id of a number: ``ADR-`` and at least three digits."""
    return f"ADR-{number:03d}"


def is_adr_id(text: object) -> bool:
    """Whether a text means a decision rather than a task: it begins with ``ADR``."""
    return isinstance(text, str) and text.strip()[:3].upper() == "ADR"


def parse_adr_id(text: str) -> str:
    """``ADR-7``, ``adr-007``, ``ADR7``, ``7`` and ``ADR-007-some-slug`` as ``ADR-007``.

    :raises UsageError: the text is none of these, or no text.
    """
    word = text.strip() if isinstance(text, str) else ""
    digits = word
    if is_adr_id(word):
        digits = word[3:].lstrip("-_").replace("_", "-").partition("-")[0]
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MAX_DIGITS):
        raise UsageError(
            f"{echoed(text)} is no id of a decision; ids look like ADR-012.",
            fix="cleo adr list",
        )
    return adr_id(int(digits))


def parse_adr_ids(texts: Iterable[str]) -> list[str]:
    """Each id once, in the order given.

    :raises UsageError: as :func:`parse_adr_id`; it is no list.
    """
    if isinstance(texts, str) or not isinstance(texts, Iterable):
        raise UsageError(f"{echoed(texts)} is no list of ids.", fix="cleo adr list")
    return list(dict.fromkeys(parse_adr_id(text) for text in texts))
