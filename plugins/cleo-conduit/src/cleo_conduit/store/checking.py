"""What the health checks and reconcile look for."""

from __future__ import annotations

from cleo_core.database import Backend, Row

_RECOUNT = (
    "SELECT c.id, c.message_count, c.last_seq, c.last_message_at, count(m.seq) AS number, "
    "max(m.seq) AS newest, max(m.created_at) AS latest FROM conversations AS c "
    "LEFT JOIN messages AS m ON m.conversation_id = c.id GROUP BY c.id"
)
MISCOUNTED = (
    f"SELECT id FROM ({_RECOUNT}) WHERE message_count <> number OR last_seq IS NOT newest "
    "OR last_message_at IS NOT latest"
)
CONVERSATIONS = "SELECT count(*) FROM conversations"
STUCK = (
    "SELECT id FROM delivery_jobs WHERE state = 'leased' "
    "AND state IN ('pending', 'leased', 'parked') AND lease_until <= :before"
)
CLAIMED_OFTEN = (
    "SELECT m.id FROM receipts AS r JOIN messages AS m ON m.seq = r.message_seq "
    "WHERE r.state IN ('pending', 'relayed', 'delivered') AND r.state IN ('pending', 'relayed') "
    "AND r.claims >= 20"
)
LETTERS = "SELECT id FROM dead_letters WHERE replayed_at IS NULL ORDER BY created_at DESC"
OVERDUE = (
    "SELECT DISTINCT m.id FROM messages AS m CROSS JOIN receipts AS r ON r.message_seq = m.seq "
    "WHERE m.ack_required = 1 AND m.ack_due_at <= :now AND r.role = 'to' "
    "AND r.state NOT IN ('acked', 'rejected', 'expired', 'dead')"
)
UNCLOSED = (
    "SELECT DISTINCT j.id, j.message_seq, j.recipient, j.state FROM delivery_jobs AS j "
    "JOIN receipts AS r ON r.message_seq = j.message_seq AND r.agent_id = j.recipient "
    "WHERE (j.state IN ('dead', 'expired') AND r.state IN ('pending', 'relayed') "
    "AND NOT EXISTS (SELECT 1 FROM delivery_jobs AS n WHERE n.message_seq = j.message_seq "
    "AND n.recipient = j.recipient AND n.state IN ('pending', 'leased', 'parked')) "
    "AND NOT EXISTS (SELECT 1 FROM dead_letters AS d WHERE d.job_id = j.id "
    "AND d.replayed_at IS NOT NULL)) "
    "OR (j.state = 'done' AND r.state = 'pending')"
)
JOBS = "SELECT count(*) FROM delivery_jobs"
TOKENS = "SELECT count(*) FROM project_agent_refs WHERE token_hash IS NOT NULL"


def miscounted(db: Backend) -> list[str]:
    """Conversations whose counters are not those of their messages."""
    return [row["id"] for row in db.read(MISCOUNTED)]


def unclosed(db: Backend) -> list[Row]:
    """Jobs in a final state whose receipts do not say so."""
    return db.read(UNCLOSED)
