"""Conversations, who takes part in them, messages and receipts as they are written."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from cleo_conduit.store import bulk
from cleo_conduit.store.bulk import REQUIRED
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
MESSAGE_COLUMNS = {
    **dict.fromkeys(("seq", "id", "conversation_id", "from_agent_id"), REQUIRED),
    "verified": 0,
    "subject": None,
    "content": REQUIRED,
    "content_type": "text",
    "kind": "message",
    "importance": "normal",
    "ack_required": 0,
    "ack_due_at": None,
    "attachments": "[]",
    "payload": None,
    "metadata": "{}",
    "reply_to": None,
    "in_reply_to": None,
    "thread_id": REQUIRED,
    "expires_at": None,
    "origin": "local",
    "body_hash": REQUIRED,
    "redacted_at": None,
    "created_at": REQUIRED,
}
#: The values of a message, in the order of its columns.
values_of = itemgetter(*MESSAGE_COLUMNS)
RECEIPT_COLUMNS = {
    **dict.fromkeys(("message_seq", "agent_id"), REQUIRED),
    "role": "to",
    "route": "local",
    "ack_required": 0,
}
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
LAST_SEQ = (
    "SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'messages'), 0), "
    "coalesce((SELECT max(seq) FROM messages), 0))"
)


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


def add(tx: Any, messages: Sequence[Sequence[Any]], receipts: Sequence[Sequence[Any]]) -> None:
    """Add messages and receipts, as values in the order of their columns."""
    bulk.insert(tx, "messages", MESSAGE_COLUMNS, messages)
    add_receipts(tx, receipts)


def add_receipts(tx: Any, receipts: Sequence[Sequence[Any]]) -> None:
    """Add receipts, as values in the order of their columns."""
    bulk.insert(tx, "receipts", RECEIPT_COLUMNS, receipts)


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
