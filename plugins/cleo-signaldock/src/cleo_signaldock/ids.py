"""The ids of agents, and the commands that help who gives another text."""

from __future__ import annotations

from typing import Any

from cleo_core import agent_ids
from cleo_core.agent_ids import is_reserved
from cleo_core.errors import UsageError

__all__ = ["is_reserved", "new_agent_id", "parse_agent_id"]


def parse_agent_id(value: Any) -> str:
    """An agent's id as it is stored.

    :raises UsageError: it can be no agent's id.
    """
    return agent_ids.parse_agent_id(value, fix="cleo agent list --global")


def new_agent_id(value: Any) -> str:
    """An id that an agent may be given.

    :raises UsageError: it is none, or it is reserved.
    """
    agent_id = parse_agent_id(value)
    if is_reserved(agent_id):
        raise UsageError(
            f"The agent id {agent_id!r} is reserved.", fix="cleo agent register ANOTHER-ID"
        )
    return agent_id
