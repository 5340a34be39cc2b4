"""Subscribers of topics, and what they missed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cleo_core.database import Row

#: Messages that are read at once, and a number that no message has.
AT_ONCE = 500
LAST = 2**63 - 1
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
    "AND r.agent_id = :agent_id) AND m.seq < :before ORDER BY m.seq DESC LIMIT :limit"
)


def missed(tx: Any, id_: str, agent_id: str, now: str) -> Iterator[Row]:
    """Messages of a topic that somebody has no receipt of, the newest first."""
    before = LAST
    while rows := tx.read(MISSED, id=id_, agent_id=agent_id, now=now, before=before, limit=AT_ONCE):
        yield from rows
        before = rows[-1]["seq"]
