"""Who is there, and who is retired. Presence moves neither version nor ``updated_at``."""

from __future__ import annotations

from cleo_signaldock.store.agents import Reader, Row, Writer

SEEN = "UPDATE agents SET status = :status, last_seen = :now WHERE agent_id = :agent_id"
OFFLINE = "UPDATE agents SET status = 'offline' WHERE agent_id = :agent_id"
RETIRE = (
    "UPDATE agents SET is_active = :is_active, status = 'offline', updated_at = :now "
    "WHERE agent_id = :agent_id"
)
USED = (
    "UPDATE agents SET last_used_at = :now "
    "WHERE agent_id = :agent_id AND (last_used_at IS NULL OR last_used_at < :before)"
)
STALE = (
    "SELECT agent_id FROM agents WHERE is_active = 1 AND last_seen IS NOT NULL "
    "AND last_seen < :before ORDER BY agent_id"
)
PRESENT = "SELECT agent_id FROM agents WHERE status <> 'offline' ORDER BY agent_id"


def seen(tx: Writer, agent_id: str, status: str, now: str) -> None:
    """An agent is there."""
    tx.execute(SEEN, agent_id=agent_id, status=status, now=now)


def offline(tx: Writer, agent_id: str) -> None:
    """An agent went away; when it was last seen stays."""
    tx.execute(OFFLINE, agent_id=agent_id)


def retire(tx: Writer, agent_id: str, is_active: int, now: str) -> None:
    """An agent is retired, or is not any more; that is a change of it."""
    tx.execute(RETIRE, agent_id=agent_id, is_active=is_active, now=now)


def used(tx: Writer, agent_id: str, now: str, before: str) -> None:
    """An agent acts, unless that was noted since ``before``."""
    tx.execute(USED, agent_id=agent_id, now=now, before=before)


def stale(db: Reader, before: str) -> list[Row]:
    """Active agents that were last seen before a time, by id."""
    return db.read(STALE, before=before)


def present(db: Reader) -> list[Row]:
    """Agents that are not offline, by id."""
    return db.read(PRESENT)
