"""Subscribers of topics, and what they missed."""

from __future__ import annotations

from typing import Any

from cleo_core.database import Row

LEAVE = (
    "UPDATE participants SET left_at = :now, left_seq = :seq WHERE conversation_id = :id "
    "AND agent_id = :agent_id AND left_at IS NULL"
)
FILTER = (
    "UPDATE participants SET filter = :filter, joined_seq = min(joined_seq, :joined_seq) "
    "WHERE conversation_id = :id AND agent_id = :agent_id"
)
MISSED = (
    "SELECT m.seq, m.kind, m.subject, m.content, m.metadata FROM messages AS m "
    "WHERE m.conversation_id = :id AND m.from_agent_id <> :agent_id "
    "AND (m.expires_at IS NULL OR m.expires_at > :now) AND m.redacted_at IS NULL "
    "AND NOT EXISTS (SELECT 1 FROM receipts AS r WHERE r.message_seq = m.seq "
    "AND r.agent_id = :agent_id) ORDER BY m.seq DESC LIMIT :limit"
)


def missed(tx: Any, id_: str, agent_id: str, now: str, limit: int) -> list[Row]:
    """Messages of a topic that somebody has no receipt of, the newest so many, oldest first."""
    rows: list[Row] = tx.read(MISSED, id=id_, agent_id=agent_id, now=now, limit=limit)
    return rows[::-1]
