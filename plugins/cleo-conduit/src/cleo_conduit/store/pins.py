"""Pinned messages, and messages whose text is taken out."""

from __future__ import annotations

from typing import Any

from cleo_core.database import Backend, Row

OF = "SELECT * FROM message_pins WHERE message_seq = :seq AND pinned_by = :agent_id"
ADD = (
    "INSERT INTO message_pins (id, message_seq, conversation_id, pinned_by, note, created_at) "
    "VALUES (:id, :seq, :conversation_id, :pinned_by, :note, :now)"
)
NOTE = "UPDATE message_pins SET note = :note WHERE id = :id"
DELETE = "DELETE FROM message_pins WHERE id = :id"
LISTED = (
    "SELECT p.id, m.id AS message_id, m.seq, p.conversation_id, p.pinned_by, p.note, m.subject, "
    "m.content, p.created_at FROM message_pins AS p JOIN messages AS m ON m.seq = p.message_seq "
    "WHERE p.pinned_by = :agent_id "
    "AND (:conversation IS NULL OR p.conversation_id = :conversation) "
    "ORDER BY p.created_at DESC, p.id LIMIT :limit OFFSET :offset"
)
COUNT = (
    "SELECT count(*) FROM message_pins WHERE pinned_by = :agent_id "
    "AND (:conversation IS NULL OR conversation_id = :conversation)"
)
REDACT = (
    "UPDATE messages SET subject = CASE WHEN subject IS NULL THEN NULL ELSE '[redacted]' END, "
    "content = '[redacted]', attachments = '[]', payload = NULL, metadata = :metadata, "
    "redacted_at = :now WHERE seq = :seq"
)
REDACT_TITLE = "UPDATE conversations SET title = '[redacted]' WHERE id = :id AND title = :subject"
JOBS = "SELECT id, payload, history FROM delivery_jobs WHERE message_seq = :seq"
SET_JOB = (
    "UPDATE delivery_jobs SET payload = :payload, history = :history, last_error = NULL, "
    "updated_at = :now WHERE id = :id"
)
LETTERS = "SELECT id, payload, history FROM dead_letters WHERE message_id = :id"
SET_LETTER = (
    "UPDATE dead_letters SET payload = :payload, history = :history, last_error = NULL "
    "WHERE id = :id"
)


def of(db: Backend, seq: int, agent_id: str) -> Row | None:
    """The pin that somebody set on a message."""
    return db.one(OF, seq=seq, agent_id=agent_id)


def add(tx: Any, row: Row) -> None:
    """Add a pin."""
    tx.execute(ADD, **row)
