"""What becomes due with time: expiry of messages, acknowledgements that are missing."""

from __future__ import annotations

from typing import Any

from cleo_core.database import Row

MARKS = "SELECT key, value FROM conduit_meta WHERE key IN ('expired_until', 'overdue_until')"
EXPIRED = (
    "SELECT m.expires_at, r.message_seq, r.agent_id FROM messages AS m "
    "JOIN receipts AS r ON r.message_seq = m.seq WHERE m.expires_at IS NOT NULL "
    "AND m.expires_at > :after AND m.expires_at <= :now AND r.state IN ('pending', 'relayed') "
    "AND (r.claim_until IS NULL OR r.claim_until <= :now OR r.claim_until > :latest) "
    "ORDER BY m.expires_at, r.message_seq, r.agent_id LIMIT :limit"
)
#: One statement, as each write unit begins with it. The namespaces are named, so that the index of
#: leases that are held answers.
IS_DUE = (
    "SELECT EXISTS (SELECT 1 FROM messages WHERE expires_at IS NOT NULL AND expires_at > "
    "coalesce((SELECT value FROM conduit_meta WHERE key = 'expired_until'), '') "
    "AND expires_at <= :now) AS expired, "
    "EXISTS (SELECT 1 FROM messages WHERE ack_required = 1 AND ack_due_at > "
    "coalesce((SELECT value FROM conduit_meta WHERE key = 'overdue_until'), '') "
    "AND ack_due_at <= :now) AS overdue, "
    "EXISTS (SELECT 1 FROM leases WHERE released_at IS NULL "
    "AND namespace IN ('file', 'tool', 'resource') AND expires_at <= :now) AS leases"
)
#: What somebody is dealing with may still be confirmed. A claim that ends later than one can is of
#: a clock that was set back since.
HELD = (
    "SELECT min(m.expires_at) FROM messages AS m JOIN receipts AS r ON r.message_seq = m.seq "
    "WHERE m.expires_at IS NOT NULL AND m.expires_at > :after AND m.expires_at <= :now "
    "AND r.state IN ('pending', 'relayed') AND r.claim_until > :now AND r.claim_until <= :latest"
)
#: Those of whom nobody was told begin after the time up to which overdue ones were looked for.
OVERDUE = (
    "SELECT m.seq, m.id, m.from_agent_id, m.ack_due_at, r.agent_id, r.state "
    "FROM messages AS m CROSS JOIN receipts AS r ON r.message_seq = m.seq "
    "WHERE m.ack_required = 1 AND m.ack_due_at > :after AND m.ack_due_at <= :now "
    "AND m.origin = 'local' AND r.role = 'to' AND r.escalated_at IS NULL "
    "AND r.state NOT IN ('acked', 'rejected', 'expired', 'dead') "
    "ORDER BY m.ack_due_at, m.seq, r.agent_id LIMIT :limit"
)
ESCALATE = (
    "UPDATE receipts SET escalated_at = :now WHERE message_seq = :seq AND agent_id = :agent_id"
)


def is_due(tx: Any, now: str) -> Row:
    """Whether messages expired, acknowledgements are overdue, and leases ended."""
    found: Row = tx.one(IS_DUE, now=now)
    return found


def marks(tx: Any) -> dict[str, str]:
    """Up to when expired messages, and overdue acknowledgements, were seen to."""
    return {row["key"]: row["value"] for row in tx.read(MARKS)}


def expired(tx: Any, after: str, now: str, latest: str, limit: int) -> list[Row]:
    """Receipts of messages that expired after a time, which nobody took or is dealing with.

    :param latest: when a claim can end at the latest.
    """
    rows: list[Row] = tx.read(EXPIRED, after=after, now=now, latest=latest, limit=limit)
    return rows


def held(tx: Any, after: str, now: str, latest: str) -> str | None:
    """When the first of the messages expired that somebody is dealing with."""
    found: str | None = tx.scalar(HELD, after=after, now=now, latest=latest)
    return found


def overdue(tx: Any, after: str, now: str, limit: int) -> list[Row]:
    """Receipts whose acknowledgement became due after a time, and whose sender was not told."""
    rows: list[Row] = tx.read(OVERDUE, after=after, now=now, limit=limit)
    return rows
