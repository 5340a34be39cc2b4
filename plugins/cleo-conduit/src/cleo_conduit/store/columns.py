"""The columns that statements of several modules select."""

from __future__ import annotations

#: All of a message ``m`` that its readers see.
MESSAGE_COLUMNS = (
    "m.seq, m.id, m.from_agent_id, m.verified, m.conversation_id, m.thread_id, m.reply_to, "
    "m.kind, m.importance, m.subject, m.content, m.content_type, m.attachments, m.metadata, "
    "m.payload, m.ack_required, m.ack_due_at, m.created_at"
)
