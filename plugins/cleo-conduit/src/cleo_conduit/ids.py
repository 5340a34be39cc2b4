"""The ids of agents, and the commands that help who gives another text."""

from __future__ import annotations

from typing import Any

from cleo_core import agent_ids
from cleo_core.agent_ids import is_reserved
from cleo_core.errors import UsageError

__all__ = ["is_reserved", "parse_agent_id", "project_agent_id"]


def parse_agent_id(value: Any) -> str:
    """An agent's id as it is stored.

    :raises UsageError: it can be no agent's id.
    """
    return agent_ids.parse_agent_id(value, fix="cleo conduit agents")


def project_agent_id(value: Any) -> str:
    """The id of an agent that a project may see.

    :raises UsageError: it is none, or it is reserved.
    """
    agent_id = parse_agent_id(value)
    if is_reserved(agent_id):
        raise UsageError(f"The agent id {agent_id!r} is reserved.", fix="cleo conduit agents")
    return agent_id
