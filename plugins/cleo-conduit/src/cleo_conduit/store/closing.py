"""Receipts and jobs that end without delivery."""

from __future__ import annotations

from typing import Any

#: Whose it was is kept: its number still confirms what was handed over together with it.
CLOSE_RECEIPT = (
    "UPDATE receipts SET state = :state, closed_at = :now, reason = :reason "
    "WHERE message_seq = :seq AND agent_id = :agent_id AND state IN ('pending', 'relayed')"
)
CLOSE_JOBS = (
    "UPDATE delivery_jobs SET state = :state, lease_owner = NULL, lease_until = NULL, "
    "parked_for = NULL, finished_at = :now, updated_at = :now WHERE message_seq = :seq "
    "AND recipient = :agent_id AND state IN ('pending', 'leased', 'parked')"
)
CANCEL_JOBS = (
    "UPDATE delivery_jobs SET state = 'cancelled', parked_for = NULL, lease_owner = NULL, "
    "lease_until = NULL, finished_at = :now, updated_at = :now WHERE message_seq = :seq "
    "AND recipient = :agent_id AND state IN ('pending', 'parked', 'leased')"
)
ROLE = "SELECT role FROM receipts WHERE message_seq = :seq AND agent_id = :agent_id"


def close_receipt(
    tx: Any, seq: int, agent_id: str, state: str, reason: str | None, now: str
) -> bool:
    """Close a receipt that nobody took delivery of."""
    changed = tx.execute(
        CLOSE_RECEIPT, seq=seq, agent_id=agent_id, state=state, reason=reason, now=now
    )
    return bool(changed)


def close_jobs(tx: Any, seq: int, agent_id: str, state: str, now: str) -> None:
    """End the jobs of a receipt; a worker that holds one finds its lease gone."""
    tx.execute(CLOSE_JOBS, seq=seq, agent_id=agent_id, state=state, now=now)


def cancel_jobs(tx: Any, seq: int, agent_id: str, now: str) -> None:
    """End the jobs of a message that its recipient has got here."""
    tx.execute(CANCEL_JOBS, seq=seq, agent_id=agent_id, now=now)


def role(tx: Any, seq: int, agent_id: str) -> str | None:
    """The role of a recipient."""
    found: str | None = tx.scalar(ROLE, seq=seq, agent_id=agent_id)
    return found
