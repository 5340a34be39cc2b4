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
    if (
        not isinstance(value, str)
        or not 1 <= len(value) <= LONGEST
        or value[0] not in _ALNUM
        or not _ALLOWED.issuperset(value)
    ):
        raise UsageError(
            f"{echoed(value)} is no agent id: 1 to {LONGEST} letters, digits, dots, underscores "
            "and hyphens, the first a letter or a digit.",
            fix=fix,
        )
    return value


def is_reserved(agent_id: str) -> bool:
    """Whether an id is kept for the person at the keyboard or for the program, in any case."""
    return agent_id.casefold() in _RESERVED
