"""What a reader may see."""

from __future__ import annotations

#: Whether ``:reader`` may read message ``m`` of conversation ``c``. ``:attached`` is 1 for a reader
#: whom the project sees.
VISIBLE = (
    "(m.from_agent_id = :reader "
    "OR EXISTS (SELECT 1 FROM receipts AS v WHERE v.message_seq = m.seq "
    "AND v.agent_id = :reader) "
    "OR EXISTS (SELECT 1 FROM participants AS p WHERE p.conversation_id = m.conversation_id "
    "AND p.agent_id = :reader AND m.seq > p.joined_seq "
    "AND (p.left_seq IS NULL OR m.seq <= p.left_seq)) "
    "OR (:attached AND c.visibility <> 'private'))"
)
CAN_READ = (
    "SELECT 1 FROM messages AS m JOIN conversations AS c ON c.id = m.conversation_id "
    f"WHERE m.seq = :seq AND {VISIBLE}"
)
#: Whether ``:reader`` may know of conversation ``c``.
KNOWS = (
    "(EXISTS (SELECT 1 FROM participants AS p WHERE p.conversation_id = c.id "
    "AND p.agent_id = :reader) "
    "OR (:attached AND c.visibility <> 'private') "
    "OR EXISTS (SELECT 1 FROM messages AS m JOIN receipts AS v ON v.message_seq = m.seq "
    "WHERE m.conversation_id = c.id AND v.agent_id = :reader))"
)
#: The same for many: what the reader has is looked up once.
KNOWN = (
    "((:attached AND c.visibility <> 'private') OR c.id IN ("
    "SELECT p.conversation_id FROM participants AS p WHERE p.agent_id = :reader "
    "UNION SELECT m.conversation_id FROM receipts AS v CROSS JOIN messages AS m "
    "ON m.seq = v.message_seq WHERE v.agent_id = :reader))"
)
KNOWS_CONVERSATION = f"SELECT 1 FROM conversations AS c WHERE c.id = :id AND {KNOWS}"
