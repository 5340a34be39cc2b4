"""The codes of this store beside core's: code -> (exit, cause, usual fix)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from cleo_core.errors import CleoError, NotFoundError, shortened

CODES: Mapping[str, tuple[int, str, str]] = {
    "E_GATE_REJECTED": (6, "What was to be remembered says nothing.", "cleo observe TEXT"),
    "E_INVALID_STATE": (6, "The note is not in a state that allows this.", "cleo sticky show ID"),
    "E_MAINTENANCE": (6, "A step of the maintenance failed.", "cleo doctor"),
    "E_CYCLE": (14, "An entry would supersede itself.", "cleo memory fetch ID"),
    "E_ALREADY_DONE": (17, "The entry is superseded or final.", "cleo memory fetch ID"),
    "E_ID_COLLISION": (22, "No free id was found.", "the same command"),
}


class BrainError(CleoError):
    """An error with one of this store's codes."""

    codes: ClassVar[Mapping[str, tuple[int, str, str]]] = CODES


def entry_not_found(*ids: str) -> NotFoundError:
    """Exit 4 for ids of entries that do not exist."""
    named = shortened(", ".join(shortened(id_) for id_ in ids), 400)
    word = "entry" if len(ids) == 1 else "entries"
    return NotFoundError(
        f"There is no {word} {named}.", fix="cleo memory find", ids=[shortened(i) for i in ids]
    )
