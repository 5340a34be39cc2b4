"""The ids of agents, and the commands that help who gives another text."""

from __future__ import annotations

import re
from typing import Any

from cleo_core import agent_ids
from cleo_core.agent_ids import is_reserved
from cleo_core.errors import UsageError, echoed

__all__ = [
    "conversation_id",
    "is_reserved",
    "is_uuid",
    "message_id",
    "parse_agent_id",
    "project_agent_id",
    "recipient_id",
]

_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def is_uuid(text: str) -> bool:
    """Whether a text is a UUID as ids are stored."""
    return re.fullmatch(_UUID, text) is not None


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


def recipient_id(value: Any) -> str:
    """The id of somebody that a message is addressed to: an agent, or the person.

    :raises UsageError: it is none, or stands for nobody that can be written to.
    """
    agent_id = parse_agent_id(value)
    if not is_reserved(agent_id) or agent_id == "HumanOverseer":
        return agent_id
    folded = agent_id.casefold()
    if folded == "all":
        raise UsageError("To write to everybody is a broadcast.", fix="--broadcast")
    if folded == "humanoverseer":
        raise UsageError("The person is written HumanOverseer.", fix="--to HumanOverseer")
    if agent_id in ("cleo-system", "cleo-orchestrator"):
        # Whether it can be written to is asked with the other recipients.
        return agent_id
    raise UsageError(f"The agent id {agent_id!r} is reserved.", fix="cleo conduit agents")


def message_id(value: Any) -> str | int:
    """A message as callers name it: by its id, or by its number.

    :raises UsageError: it can be neither.
    """
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63:
        return value
    if isinstance(value, str):
        if is_uuid(value.lower()):
            return value.lower()
        if value.isascii() and value.isdecimal() and len(value) <= 18 and int(value) > 0:
            return int(value)
    raise UsageError(f"{echoed(value)} is no message's id.", fix="cleo conduit inbox --all")


def conversation_id(value: Any) -> str:
    """A conversation's id.

    :raises UsageError: it can be none.
    """
    if isinstance(value, str) and is_uuid(value.lower()):
        return value.lower()
    raise UsageError(f"{echoed(value)} is no conversation's id.", fix="cleo conduit conversations")
