"""Mail from elsewhere: cursors, and what its server was told."""

from __future__ import annotations

from typing import Any

from cleo_core.database import Backend, Row

CURSOR = "SELECT last_seq FROM remote_cursors WHERE agent_id = :agent_id AND base_url = :base_url"
SET_CURSOR = (
    "INSERT INTO remote_cursors (agent_id, base_url, last_seq, updated_at) "
    "VALUES (:agent_id, :base_url, :seq, :now) ON CONFLICT (agent_id, base_url) DO UPDATE "
    "SET last_seq = max(remote_cursors.last_seq, excluded.last_seq), "
    "updated_at = excluded.updated_at"
)
ADD_RECEIPT = (
    "INSERT INTO receipts (message_seq, agent_id, role, route, state, reported_state, "
    "ack_required) VALUES (:seq, :agent_id, :role, :route, :state, :reported, :ack_required) "
    "ON CONFLICT DO NOTHING"
)
UNREPORTED = (
    "SELECT r.message_seq AS seq, m.id, r.agent_id, r.state FROM receipts AS r "
    "CROSS JOIN messages AS m ON m.seq = r.message_seq "
    "WHERE r.reported_state <> r.state AND r.agent_id = :agent_id AND m.origin = :base_url "
    "ORDER BY r.message_seq LIMIT :limit"
)
REPORTED = (
    "UPDATE receipts SET reported_state = :state WHERE message_seq = :seq AND agent_id = :agent_id"
)
#: The first two conditions are those of the partial index.
RELAYED = (
    "SELECT r.message_seq AS seq, m.id, r.agent_id, m.from_agent_id AS sender "
    "FROM receipts AS r CROSS JOIN messages AS m ON m.seq = r.message_seq "
    "WHERE r.route <> 'local' AND (r.state = 'relayed' "
    "OR (r.ack_required = 1 AND r.state IN ('delivered', 'read'))) AND m.origin = 'local' "
    "AND m.created_at > :since AND r.message_seq > :after ORDER BY r.message_seq LIMIT :limit"
)
RELAYED_OF = (
    "SELECT r.message_seq AS seq, m.id, r.agent_id, m.from_agent_id AS sender "
    "FROM receipts AS r JOIN messages AS m ON m.seq = r.message_seq "
    "WHERE r.state IN ('relayed', 'delivered', 'read') AND r.route <> 'local' "
    "AND m.origin = 'local' AND r.message_seq = :seq"
)
FOR_AGENT = (
    "SELECT m.*, c.kind AS conversation_kind, c.topic, r.role FROM receipts AS r "
    "JOIN messages AS m ON m.seq = r.message_seq "
    "JOIN conversations AS c ON c.id = m.conversation_id "
    "WHERE r.agent_id = :agent_id AND r.message_seq > :after "
    "AND r.state IN ('pending', 'relayed', 'delivered') "
    "AND r.state IN ('pending', 'relayed') ORDER BY r.message_seq LIMIT :limit"
)
STATES = (
    "SELECT m.id, r.agent_id, r.state FROM receipts AS r JOIN messages AS m "
    "ON m.seq = r.message_seq JOIN json_each(:ids) AS i ON i.value = m.id "
    "WHERE m.from_agent_id = :sender"
)


def cursor(db: Backend, agent_id: str, base_url: str) -> int:
    """The last number that was fetched for an agent from a server."""
    found = db.scalar(CURSOR, agent_id=agent_id, base_url=base_url)
    return 0 if found is None else int(found)


def unreported(db: Backend, agent_id: str, base_url: str, limit: int) -> list[Row]:
    """Receipts whose server does not know their state yet."""
    return db.read(UNREPORTED, agent_id=agent_id, base_url=base_url, limit=limit)


def reported(tx: Any, seq: int, agent_id: str, state: str) -> None:
    """Note what the server was told."""
    tx.execute(REPORTED, seq=seq, agent_id=agent_id, state=state)
