"""What an agent holds in the project beside its ref: leases and places in conversations."""

from __future__ import annotations

from typing import Any

from cleo_core.database import Row

HELD = "SELECT * FROM leases WHERE agent_id = :agent_id AND released_at IS NULL ORDER BY fence"
RELEASE = (
    "UPDATE leases SET released_at = :now, release_kind = :kind, broken_by = :broken_by "
    "WHERE id = :id"
)
TAKEN_PART = (
    "SELECT conversation_id FROM participants WHERE agent_id = :agent_id AND left_at IS NULL "
    "ORDER BY conversation_id"
)
LEAVE = (
    "UPDATE participants SET left_at = :now, left_seq = coalesce((SELECT c.last_seq "
    "FROM conversations AS c WHERE c.id = participants.conversation_id), 0) "
    "WHERE agent_id = :agent_id AND left_at IS NULL"
)


def held(tx: Any, agent_id: str) -> list[Row]:
    """Leases that were not released yet; their time may be over."""
    rows: list[Row] = tx.read(HELD, agent_id=agent_id)
    return rows


def release(tx: Any, lease_id: str, now: str, kind: str, broken_by: str | None) -> None:
    """End a lease."""
    tx.execute(RELEASE, id=lease_id, now=now, kind=kind, broken_by=broken_by)


def leave(tx: Any, agent_id: str, now: str) -> list[str]:
    """End the agent's part in every conversation; what was said until now stays readable to it.

    :returns: the conversations.
    """
    left = [row["conversation_id"] for row in tx.read(TAKEN_PART, agent_id=agent_id)]
    if left:
        tx.execute(LEAVE, agent_id=agent_id, now=now)
    return left
