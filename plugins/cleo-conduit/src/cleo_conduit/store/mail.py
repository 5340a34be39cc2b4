"""Conversations, who takes part in them, messages and receipts as they are written."""

from __future__ import annotations

from typing import Any

from cleo_core.database import Backend, Row

CONVERSATION = "SELECT * FROM conversations WHERE id = :id"
DIRECT = "SELECT * FROM conversations WHERE dm_key = :key"
TOPIC = "SELECT * FROM conversations WHERE topic = :topic"
ADD_CONVERSATION = (
    "INSERT INTO conversations (id, kind, visibility, dm_key, topic, epic_id, wave, title, "
    "created_by, created_at, updated_at) VALUES (:id, :kind, :visibility, :dm_key, :topic, "
    ":epic_id, :wave, :title, :created_by, :now, :now) ON CONFLICT DO NOTHING"
)
PARTICIPANTS = (
    "SELECT * FROM participants WHERE conversation_id = :id AND left_at IS NULL ORDER BY agent_id"
)
PARTICIPANT = "SELECT * FROM participants WHERE conversation_id = :id AND agent_id = :agent_id"
ADD_PARTICIPANT = (
    "INSERT INTO participants (conversation_id, agent_id, role, joined_seq, joined_at, filter) "
    "VALUES (:id, :agent_id, :role, :joined_seq, :now, :filter)"
)
REJOIN = (
    "UPDATE participants SET left_at = NULL, left_seq = NULL, joined_seq = :joined_seq, "
    "joined_at = :now, filter = :filter WHERE conversation_id = :id AND agent_id = :agent_id"
)
ADD_MESSAGE = (
    "INSERT INTO messages (id, conversation_id, from_agent_id, verified, subject, content, "
    "content_type, kind, importance, ack_required, ack_due_at, attachments, payload, metadata, "
    "reply_to, in_reply_to, thread_id, expires_at, origin, body_hash, redacted_at, "
    "created_at) VALUES (:id, :conversation_id, :from_agent_id, :verified, :subject, :content, "
    ":content_type, :kind, :importance, :ack_required, :ack_due_at, :attachments, :payload, "
    ":metadata, :reply_to, :in_reply_to, :thread_id, :expires_at, :origin, :body_hash, "
    ":redacted_at, :created_at) "
    "RETURNING seq"
)
ADD_RECEIPT = (
    "INSERT INTO receipts (message_seq, agent_id, role, route, ack_required) VALUES (?, ?, ?, ?, ?)"
)
COUNT = (
    "UPDATE conversations SET message_count = message_count + :number, last_seq = :seq, "
    "last_message_at = max(coalesce(last_message_at, :at), :at), updated_at = :now WHERE id = :id"
)
MESSAGE = "SELECT * FROM messages WHERE id = :id"
MESSAGE_BY_SEQ = "SELECT * FROM messages WHERE seq = :seq"
RECEIPTS_OF = "SELECT * FROM receipts WHERE message_seq = :seq ORDER BY role, agent_id"
RECEIPT = "SELECT * FROM receipts WHERE message_seq = :seq AND agent_id = :agent_id"
#: The first list is that of the partial index.
PENDING = (
    "SELECT count(*) FROM receipts WHERE agent_id = :agent_id "
    "AND state IN ('pending', 'relayed', 'delivered') AND state IN ('pending', 'relayed')"
)
LAST_SEQ = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'messages'), 0)"


def conversation(db: Backend, id_: str) -> Row | None:
    """A conversation."""
    return db.one(CONVERSATION, id=id_)


def direct(db: Backend, key: str) -> Row | None:
    """The direct conversation of a pair."""
    return db.one(DIRECT, key=key)


def topic(db: Backend, name: str) -> Row | None:
    """The conversation of a topic."""
    return db.one(TOPIC, topic=name)


def add_conversation(tx: Any, row: Row) -> bool:
    """Add a conversation; False where that pair, topic or id has one."""
    return bool(tx.execute(ADD_CONVERSATION, **row))


def participants(db: Backend, id_: str) -> list[Row]:
    """Those who take part now, by agent id."""
    return db.read(PARTICIPANTS, id=id_)


def participant(db: Backend, id_: str, agent_id: str) -> Row | None:
    """The place of an agent in a conversation, also one that it has left."""
    return db.one(PARTICIPANT, id=id_, agent_id=agent_id)


def message(db: Backend, id_: str | int) -> Row | None:
    """A message by its id or its number."""
    if isinstance(id_, int):
        return db.one(MESSAGE_BY_SEQ, seq=id_)
    return db.one(MESSAGE, id=id_)


def receipts_of(db: Backend, seq: int) -> list[Row]:
    """The receipts of a message."""
    return db.read(RECEIPTS_OF, seq=seq)


def receipt(db: Backend, seq: int, agent_id: str) -> Row | None:
    """A recipient's receipt of a message."""
    return db.one(RECEIPT, seq=seq, agent_id=agent_id)


def pending(db: Backend, agent_id: str) -> int:
    """How many messages wait for an agent."""
    return int(db.scalar(PENDING, agent_id=agent_id))


def last_seq(db: Backend) -> int:
    """The number of the newest message; 0 without one."""
    return int(db.scalar(LAST_SEQ))
