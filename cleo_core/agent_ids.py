"""The ids of agents, which every store names them by: compared exactly, kept for ever."""

from __future__ import annotations

from typing import Any

from cleo_core.errors import UsageError, echoed

LONGEST = 128
#: Ids that no agent can have, whatever their case.
RESERVED = ("HumanOverseer", "cleo-system", "cleo-orchestrator", "all", "me")

_ALNUM = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
_ALLOWED = _ALNUM | frozenset("._-")
_RESERVED = frozenset(word.casefold() for word in RESERVED)


def parse_agent_id(value: Any, *, fix: str) -> str:
    """An agent's id as it is stored.

    :param fix: the command that helps who gave another text.
    :raises UsageError: it can be no agent's id.
    """
    if not is_agent_id(value):
        raise UsageError(
            f"{echoed(value)} is no agent id: 1 to {LONGEST} letters, digits, dots, underscores "
            "and hyphens, the first a letter or a digit.",
            fix=fix,
        )
    found: str = value
    return found


def is_agent_id(value: Any) -> bool:
    """Whether a value can be an agent's id, reserved or not."""
    return (
        isinstance(value, str)
        and 1 <= len(value) <= LONGEST
        and value[0] in _ALNUM
        and _ALLOWED.issuperset(value)
    )


def is_reserved(agent_id: str) -> bool:
    """Whether an id is kept for the person at the keyboard or for the program, in any case."""
    return agent_id.casefold() in _RESERVED
