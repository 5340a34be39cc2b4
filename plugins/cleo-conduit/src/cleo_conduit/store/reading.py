"""Messages and conversations as their readers see them."""

from __future__ import annotations

from typing import Any

from cleo_conduit.store.access import CAN_READ, KNOWN, KNOWS_CONVERSATION, VISIBLE
from cleo_conduit.store.columns import MESSAGE_COLUMNS
from cleo_core.database import Backend, Row

_ASKED = "r.ack_required = 1 AND r.state NOT IN ('acked', 'rejected', 'expired', 'dead')"
_OPEN = "r.state IN ('pending', 'relayed', 'delivered')"
_FILTERS = (
    "AND (:sender IS NULL OR m.from_agent_id = :sender) "
    "AND (:conversation IS NULL OR m.conversation_id = :conversation) "
    "AND (:urgent = 0 OR m.importance = 'urgent') "
)
_INBOX = (
    f"SELECT {MESSAGE_COLUMNS}, r.state FROM receipts AS r "
    "CROSS JOIN messages AS m ON m.seq = r.message_seq WHERE r.agent_id = :agent_id "
    "AND r.message_seq > :after "
)
_ORDER = "ORDER BY r.message_seq LIMIT :limit"
INBOX = f"{_INBOX}AND {_OPEN} {_FILTERS}{_ORDER}"
INBOX_ALL = f"{_INBOX}{_FILTERS}{_ORDER}"
#: One that is to be acknowledged may have been read.
INBOX_NEEDS_ACK = f"{_INBOX}AND {_ASKED} {_FILTERS}{_ORDER}"
UNREAD = (
    "SELECT count(*) FROM receipts WHERE agent_id = :agent_id "
    "AND state IN ('pending', 'relayed', 'delivered')"
)
NEEDS_ACK = f"SELECT count(*) FROM receipts AS r WHERE r.agent_id = :agent_id AND {_ASKED}"
MESSAGE = (
    f"SELECT {MESSAGE_COLUMNS}, (SELECT r.state FROM receipts AS r WHERE r.message_seq = m.seq "
    "AND r.agent_id = :reader) AS state FROM messages AS m WHERE m.seq = :seq"
)
THREAD = (
    f"SELECT {MESSAGE_COLUMNS}, (SELECT r.state FROM receipts AS r WHERE r.message_seq = m.seq "
    "AND r.agent_id = :reader) AS state FROM messages AS m "
    "JOIN conversations AS c ON c.id = m.conversation_id "
    f"WHERE m.thread_id = :id AND m.seq > :after AND {VISIBLE} ORDER BY m.seq LIMIT :limit"
)
CONVERSATION = (
    f"SELECT {MESSAGE_COLUMNS}, (SELECT r.state FROM receipts AS r WHERE r.message_seq = m.seq "
    "AND r.agent_id = :reader) AS state FROM messages AS m "
    "JOIN conversations AS c ON c.id = m.conversation_id "
    f"WHERE m.conversation_id = :id AND m.seq > :after AND {VISIBLE} ORDER BY m.seq LIMIT :limit"
)
CONVERSATIONS = (
    f"SELECT c.* FROM conversations AS c WHERE {KNOWN} "
    "AND (:topics = 1) = (c.kind = 'topic') AND (c.last_seq IS NULL OR c.last_seq > :after) "
    "ORDER BY c.last_seq DESC, c.id LIMIT :limit OFFSET :offset"
)
COUNT_CONVERSATIONS = (
    f"SELECT count(*) FROM conversations AS c WHERE {KNOWN} "
    "AND (:topics = 1) = (c.kind = 'topic') AND (c.last_seq IS NULL OR c.last_seq > :after)"
)
NAMES = (
    "SELECT p.conversation_id, p.agent_id FROM participants AS p "
    "JOIN json_each(:ids) AS i ON i.value = p.conversation_id WHERE p.left_at IS NULL "
    "ORDER BY p.agent_id"
)
SEEN_UNTIL = (
    "SELECT count(*) AS message_count, max(seq) AS last_seq, max(created_at) AS last_message_at "
    "FROM messages WHERE conversation_id = :id AND seq <= :seq"
)
_OVERDUE = (
    "FROM messages AS m CROSS JOIN receipts AS r ON r.message_seq = m.seq "
    "WHERE m.ack_required = 1 AND m.ack_due_at <= :now AND r.role = 'to' "
    "AND r.state NOT IN ('acked', 'rejected', 'expired', 'dead') "
    "AND (r.agent_id = :reader OR (:mine = 0 AND m.from_agent_id = :reader))"
)
OVERDUE = (
    "SELECT m.seq, m.id, m.from_agent_id, r.agent_id, r.state, m.ack_due_at, r.escalated_at, "
    f"m.subject {_OVERDUE} ORDER BY m.ack_due_at, m.seq, r.agent_id LIMIT :limit OFFSET :offset"
)
COUNT_OVERDUE = f"SELECT count(*) {_OVERDUE}"


def inbox(db: Backend, *, everything: bool, needs_ack: bool, **params: Any) -> list[Row]:
    """Messages for an agent, in their order: not yet read, to be acknowledged, or all."""
    if needs_ack:
        return db.read(INBOX_NEEDS_ACK, **params)
    return db.read(INBOX_ALL if everything else INBOX, **params)


def can_read(db: Backend, seq: int, reader: str, *, attached: bool) -> bool:
    """Whether somebody may read a message."""
    found = db.scalar(CAN_READ, seq=seq, reader=reader, attached=int(attached))
    return found is not None


def knows(db: Backend, id_: str, reader: str, *, attached: bool) -> bool:
    """Whether somebody may know of a conversation."""
    found = db.scalar(KNOWS_CONVERSATION, id=id_, reader=reader, attached=int(attached))
    return found is not None


def names(db: Backend, ids: list[str]) -> dict[str, list[str]]:
    """Conversation -> those who take part now."""
    import json

    found: dict[str, list[str]] = {id_: [] for id_ in ids}
    for row in db.read(NAMES, ids=json.dumps(ids)):
        found[row["conversation_id"]].append(row["agent_id"])
    return found


def seen_until(db: Backend, id_: str, seq: int) -> Row:
    """The counters of a conversation as they were for somebody who left it."""
    row = db.one(SEEN_UNTIL, id=id_, seq=seq)
    assert row is not None
    return row
