"""What is not worth remembering: the gate that every text passes before it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cleo_brain.errors import BrainError

_NOISE_STARTS = (
    *("task start:", "session note:", "started work on:", "fix evidence:", "verified:"),
    *("completed:", "auto-generated:"),
)
_NOISE = "status: undefined"

_WORDS = {
    "empty": "the {name} is empty.",
    "only-private": "the {name} holds nothing but private text.",
    "no-words": "the {name} has neither a letter nor a digit.",
    "noise": "it is a line that programs write about themselves.",
    "low-confidence": "the confidence is below brain.gate.min_confidence.",
}
#: Kind -> the columns without which it says nothing; the first is what it says.
REQUIRED = {
    "decision": ("decision", "rationale"),
    "pattern": ("pattern", "context"),
    "learning": ("insight",),
    "observation": ("narrative",),
    "sticky": ("content",),
}
#: Kinds of which a command stores what the gate would not.
_FORCED = ("pattern", "learning", "observation")
_COMMAND = {
    "decision": "cleo memory decide --decision TEXT --rationale TEXT",
    "pattern": "cleo memory store --type pattern --content TEXT --context TEXT",
    "learning": "cleo memory store --type learning --content TEXT",
    "observation": "cleo observe TEXT",
    "sticky": "cleo sticky add TEXT",
}
_FIXES = {"noise": "the same command with --force", "low-confidence": "--confidence 0.5"}


def refuse(
    kind: str,
    typed: Mapping[str, Any],
    *,
    private_spans: int,
    owner: bool,
    min_confidence: float,
    force: bool,
) -> None:
    """Refuse a text that says nothing.

    :param typed: the columns of the kind's table, private text already taken out.
    :raises BrainError: ``E_GATE_REJECTED`` (6), with outcome, reason and rule in the details.
    """
    said = [str(typed[name]) for name in REQUIRED[kind]]
    for name, text in zip(REQUIRED[kind], said, strict=True):
        if not text.strip():
            raise rejected(kind, "only-private" if private_spans else "empty", name)
    if not any(character.isalnum() for character in said[0]):
        raise rejected(kind, "no-words", REQUIRED[kind][0])
    given = [] if typed.get("title_derived", True) else [typed["title"]]
    if force:
        return
    for text in (said[0], *given):
        lowered = text.casefold().lstrip()
        if lowered.startswith(_NOISE_STARTS):
            start = next(one for one in _NOISE_STARTS if lowered.startswith(one))
            raise rejected(kind, "noise", start)
        if _NOISE in lowered:
            raise rejected(kind, "noise", _NOISE)
    if kind == "learning" and typed["confidence"] < min_confidence and not owner:
        raise rejected(kind, "low-confidence", f"confidence >= {min_confidence:g}")


def rejected(kind: str, reason: str, rule: str) -> BrainError:
    """The error of a text that the gate refuses."""
    return BrainError(
        "E_GATE_REJECTED",
        f"Not stored: {_WORDS[reason].format(name=rule)}",
        fix=_FIXES[reason] if kind in _FORCED and reason in _FIXES else _COMMAND[kind],
        details={"outcome": "rejected", "reason": reason, "rule": rule},
    )
