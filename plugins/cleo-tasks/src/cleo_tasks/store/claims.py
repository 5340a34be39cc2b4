"""Claims: taking a task in one statement, and finding the claims that somebody holds."""

from __future__ import annotations

from typing import Any

from cleo_core.database import Backend
from cleo_tasks.store import words

CLAIM = (
    "UPDATE tasks SET assignee = :agent, claimed_at = :now, updated_at = :now, "
    "modified_by = :actor, version = version + 1 "
    "WHERE id = :id AND assignee IS NULL AND status IN ('pending', 'active', 'blocked')"
)
#: What an agent can take up again: work that it began, then work that it may begin.
RESUMABLE = (
    "SELECT id FROM tasks WHERE assignee = :agent AND type <> 'epic' AND (status = 'active' "
    "OR status = 'pending' AND open_dependency_count = 0) "
    "ORDER BY status = 'active' DESC, claimed_at, seq LIMIT 1"
)
HELD_BY = (
    "SELECT id FROM tasks WHERE assignee = :agent "
    "AND status IN ('pending', 'active', 'blocked', 'proposed') ORDER BY seq"
)
#: Of a task ``t``: its claim is old and its agent shows no sign of life.
STALE_TERMS = (
    "t.assignee >= '' AND t.claimed_at < :before "
    "AND t.status IN ('pending', 'active', 'blocked', 'proposed') "
    "AND NOT EXISTS (SELECT 1 FROM sessions AS s "
    "WHERE s.agent_id = t.assignee AND s.status = 'active') "
    "AND NOT EXISTS (SELECT 1 FROM agent_instances AS i WHERE i.agent_id = t.assignee "
    f"AND i.status IN {words.RUNNING} "
    "AND i.last_heartbeat_at >= :alive)"
)
STALE = (
    f"SELECT t.id FROM tasks AS t INDEXED BY ix_tasks_assignee_status WHERE {STALE_TERMS} "
    "ORDER BY t.seq"
)


def claim(db: Any, id_: str, *, agent: str, actor: str, now: str) -> bool:
    """Take an open task that nobody holds; returns whether it was taken."""
    return bool(db.execute(CLAIM, id=id_, agent=agent, actor=actor, now=now))


def resumable(db: Backend, agent: str) -> str | None:
    """The task that an agent holds and can go on with; of several the one begun first."""
    found: str | None = db.scalar(RESUMABLE, agent=agent)
    return found


def held_by(db: Backend, agent: str) -> list[str]:
    """The open tasks that an agent holds."""
    return [row["id"] for row in db.read(HELD_BY, agent=agent)]


def stale(db: Backend, *, before: str, alive: str) -> list[str]:
    """Open tasks whose claim is older than a time and whose agent shows no sign of life.

    :param alive: an instance with a heartbeat since then is live.
    """
    return [row["id"] for row in db.read(STALE, before=before, alive=alive)]
