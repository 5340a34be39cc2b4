"""What became of sent messages since one looked."""

from __future__ import annotations

from cleo_core.database import Backend, Row

LAST = "SELECT coalesce(max(seq), 0) FROM conduit_audit"
STATES = (
    "SELECT a.seq, a.at, m.id, substr(a.subject_id, 38) AS agent_id, "
    "substr(a.action, 9) AS state FROM conduit_audit AS a "
    "JOIN messages AS m ON m.id = substr(a.subject_id, 1, 36) "
    "WHERE a.seq > :after AND a.seq <= :until AND a.subject_kind = 'receipt' "
    "AND a.action <> 'receipt.overdue' AND m.from_agent_id = :agent_id ORDER BY a.seq"
)


def last(db: Backend) -> int:
    """The number of the newest audit row."""
    return int(db.scalar(LAST))


def states(db: Backend, agent_id: str, after: int, until: int) -> list[Row]:
    """Changes of receipts of an agent's messages, from audit rows between two numbers."""
    return db.read(STATES, agent_id=agent_id, after=after, until=until)
