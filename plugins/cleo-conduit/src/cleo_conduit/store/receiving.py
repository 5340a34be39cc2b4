"""Claiming and confirming receipts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cleo_conduit.store.columns import MESSAGE_COLUMNS
from cleo_core.database import Backend, Row

#: The first list of states is that of the partial index.
WAITING = (
    f"SELECT {MESSAGE_COLUMNS}, m.expires_at, r.state, r.claim_owner, r.claim_until, r.claims "
    "FROM receipts AS r JOIN messages AS m ON m.seq = r.message_seq "
    "WHERE r.agent_id = :agent_id AND r.message_seq >= :from_seq "
    "AND r.state IN ('pending', 'relayed', 'delivered') AND r.state IN ('pending', 'relayed') "
    "ORDER BY r.message_seq LIMIT :limit"
)
CLAIM = (
    "UPDATE receipts SET claim_owner = :consumer, claim_until = :until, claims = claims + 1 "
    "WHERE message_seq = :seq AND agent_id = :agent_id AND state IN ('pending', 'relayed') "
    "AND (claim_until IS NULL OR claim_until <= :now OR claim_until > :latest)"
)
CLAIMED = (
    "SELECT r.message_seq AS seq, m.id, r.claim_until FROM receipts AS r "
    "JOIN messages AS m ON m.seq = r.message_seq WHERE r.agent_id = :agent_id "
    "AND r.message_seq >= :from_seq AND r.message_seq <= :to_seq AND r.claim_owner = :consumer "
    "AND r.state IN ('pending', 'relayed', 'delivered') AND r.state IN ('pending', 'relayed') "
    "ORDER BY r.message_seq"
)
CLAIM_OF = (
    "SELECT claim_until FROM receipts WHERE message_seq = :seq AND agent_id = :agent_id "
    "AND claim_owner = :consumer"
)
#: What was dealt with keeps whose it was: its number still confirms what came together with it.
MARK = {
    "delivered": (
        "UPDATE receipts SET state = 'delivered', delivered_at = :now "
        "WHERE message_seq = :seq AND agent_id = :agent_id AND state IN ('pending', 'relayed')"
    ),
    "read": (
        "UPDATE receipts SET state = 'read', delivered_at = coalesce(delivered_at, :now), "
        "read_at = :now WHERE message_seq = :seq "
        "AND agent_id = :agent_id AND state IN ('pending', 'relayed', 'delivered')"
    ),
    "acked": (
        "UPDATE receipts SET state = 'acked', delivered_at = coalesce(delivered_at, :now), "
        "read_at = coalesce(read_at, :now), acked_at = :now "
        "WHERE message_seq = :seq AND agent_id = :agent_id "
        "AND state IN ('pending', 'relayed', 'delivered', 'read')"
    ),
    "rejected": (
        "UPDATE receipts SET state = 'rejected', delivered_at = coalesce(delivered_at, :now), "
        "read_at = coalesce(read_at, :now), closed_at = :now, reason = :reason "
        "WHERE message_seq = :seq "
        "AND agent_id = :agent_id AND state IN ('pending', 'relayed', 'delivered', 'read')"
    ),
}
CLAIM_ENDS = (
    "SELECT min(claim_until) FROM receipts WHERE agent_id = :agent_id "
    "AND message_seq >= :from_seq AND state IN ('pending', 'relayed', 'delivered') "
    "AND state IN ('pending', 'relayed') AND claim_until IS NOT NULL"
)
RENEW = (
    "UPDATE receipts SET claim_until = :until WHERE message_seq = :seq AND agent_id = :agent_id "
    "AND claim_owner = :consumer AND claims = :claims AND state IN ('pending', 'relayed')"
)
IS_MINE = (
    "SELECT 1 FROM receipts WHERE message_seq = :seq AND agent_id = :agent_id "
    "AND claim_owner = :consumer AND claims = :claims AND state IN ('pending', 'relayed')"
)
IS_WAITING = (
    "SELECT 1 FROM receipts WHERE message_seq = :seq AND agent_id = :agent_id "
    "AND state IN ('pending', 'relayed')"
)
HAS_JOBS = (
    "SELECT 1 FROM delivery_jobs WHERE message_seq = :seq AND recipient = :agent_id "
    "AND state IN ('pending', 'leased', 'parked')"
)


def statements() -> list[str]:
    """Statements that a table holds."""
    return list(MARK.values())


def waiting(db: Backend, agent_id: str, from_seq: int, limit: int) -> list[Row]:
    """Messages that an agent has not taken delivery of, in their order, claimed or not."""
    return db.read(WAITING, agent_id=agent_id, from_seq=from_seq, limit=limit)


def claim(tx: Any, claims: Iterable[Mapping[str, Any]]) -> None:
    """Hand receipts over to a consumer."""
    tx.executemany(CLAIM, claims)


def claimed(tx: Any, agent_id: str, consumer: str, from_seq: int, to_seq: int) -> list[Row]:
    """Number and id of the messages that a consumer was handed and has not confirmed."""
    rows: list[Row] = tx.read(
        CLAIMED, agent_id=agent_id, consumer=consumer, from_seq=from_seq, to_seq=to_seq
    )
    return rows


def claim_of(tx: Any, agent_id: str, consumer: str, seq: int) -> str | None:
    """Until when a consumer was handed a message, whatever became of that since."""
    found: str | None = tx.scalar(CLAIM_OF, agent_id=agent_id, consumer=consumer, seq=seq)
    return found


def mark(tx: Any, state: str, seq: int, agent_id: str, now: str, reason: str | None = None) -> bool:
    """Move a receipt up to a state; False where it is there or beyond, or closed."""
    params = {"seq": seq, "agent_id": agent_id, "now": now}
    if state == "rejected":
        params["reason"] = reason
    return bool(tx.execute(MARK[state], **params))


def has_jobs(tx: Any, seq: int, agent_id: str) -> bool:
    """Whether a job is still to carry the message to this recipient."""
    return tx.scalar(HAS_JOBS, seq=seq, agent_id=agent_id) is not None


def renew(tx: Any, seq: int, agent_id: str, consumer: str, claims: int, until: str) -> bool:
    """Keep a message for the consumer that works on it.

    :param claims: how often it had been handed over when this consumer got it.
    :returns: False where it was handed to somebody else since, or has arrived.
    """
    return bool(
        tx.execute(RENEW, seq=seq, agent_id=agent_id, consumer=consumer, claims=claims, until=until)
    )


def is_mine(tx: Any, seq: int, agent_id: str, consumer: str, claims: int) -> bool:
    """Whether a message still is the consumer's that it was handed to.

    :param claims: how often it had been handed over when this consumer got it.
    """
    found = tx.scalar(IS_MINE, seq=seq, agent_id=agent_id, consumer=consumer, claims=claims)
    return found is not None


def is_waiting(tx: Any, seq: int, agent_id: str) -> bool:
    """Whether somebody is still to take delivery of a message."""
    return tx.scalar(IS_WAITING, seq=seq, agent_id=agent_id) is not None


def claim_ends(db: Backend, agent_id: str, from_seq: int) -> str | None:
    """When the first claim on an agent's messages ends."""
    found: str | None = db.scalar(CLAIM_ENDS, agent_id=agent_id, from_seq=from_seq)
    return found
