"""How much the store holds."""

from __future__ import annotations

from cleo_core.database import Backend

REFS = (
    "SELECT coalesce(sum(enabled), 0) AS enabled, coalesce(sum(1 - enabled), 0) AS disabled "
    "FROM project_agent_refs"
)
CONVERSATIONS = "SELECT count(*) FROM conversations"
MESSAGES = "SELECT count(*) FROM messages"
RECEIPTS = "SELECT state, count(*) AS number FROM receipts GROUP BY state"
JOBS = "SELECT state, count(*) AS number FROM delivery_jobs GROUP BY state"
OLDEST_PENDING = (
    "SELECT min(m.created_at) FROM receipts AS r JOIN messages AS m ON m.seq = r.message_seq "
    "WHERE r.state = 'pending'"
)
DEAD_LETTERS = "SELECT count(*) FROM dead_letters WHERE replayed_at IS NULL"
LEASES = "SELECT count(*) FROM leases WHERE released_at IS NULL AND expires_at > :now"


def refs(db: Backend) -> dict[str, int]:
    """Refs that are enabled, and those that are not."""
    row = db.one(REFS)
    assert row is not None
    return dict(row)


def by_state(db: Backend, sql: str) -> dict[str, int]:
    """State -> how many; states without any are left out."""
    return {row["state"]: row["number"] for row in db.read(sql)}
