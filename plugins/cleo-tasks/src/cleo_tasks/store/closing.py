"""What closing and reopening tasks asks of the tables around them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from cleo_core.database import Backend, Row
from cleo_tasks.store import words

DEPENDANTS = (
    "SELECT DISTINCT t.seq, t.id, t.status, t.open_dependency_count AS waiting "
    "FROM task_dependencies AS d JOIN tasks AS t ON t.id = d.task_id "
    "WHERE d.depends_on IN (SELECT value FROM json_each(:ids)) ORDER BY t.seq"
)
WAITING = (
    "SELECT id, status, open_dependency_count AS waiting FROM tasks "
    "WHERE id IN (SELECT value FROM json_each(:ids)) ORDER BY seq"
)
CANCELLED_DEPENDENCIES = (
    "SELECT d.task_id, d.depends_on FROM task_dependencies AS d "
    "JOIN tasks AS t ON t.id = d.depends_on "
    "WHERE d.task_id IN (SELECT value FROM json_each(:ids)) "
    "AND (t.status = 'cancelled' OR t.archived_from = 'cancelled') ORDER BY d.task_id, t.seq"
)
EDGES_INTO = (
    "SELECT d.task_id, d.depends_on, t.status FROM task_dependencies AS d "
    "JOIN tasks AS t ON t.id = d.task_id "
    "WHERE d.depends_on IN (SELECT value FROM json_each(:ids)) ORDER BY t.seq, d.depends_on"
)
DONE = "SELECT id FROM tasks WHERE status = 'done' ORDER BY seq"
DONE_BEFORE = "SELECT id FROM tasks WHERE status = 'done' AND completed_at < :before ORDER BY seq"
CANCELLED = "SELECT id FROM tasks WHERE status = 'cancelled' ORDER BY seq"
RELATED_TO = "SELECT DISTINCT task_id FROM task_relations WHERE related_to = :id ORDER BY task_id"
RELEASES_OF = "SELECT release_id FROM release_tasks WHERE task_id = :id ORDER BY release_id"
SESSIONS_ON = "SELECT id FROM sessions WHERE status = 'active' AND scope_task_id = :id ORDER BY seq"
DELETE = "DELETE FROM tasks WHERE id = :id"
COUNT_COMPLETED = (
    "UPDATE agent_instances SET total_tasks_completed = total_tasks_completed + 1 "
    "WHERE agent_id = :agent AND task_id = :task "
    f"AND status IN {words.RUNNING} AND last_heartbeat_at >= :alive"
)


def dependants(db: Backend, ids: Iterable[str]) -> list[Row]:
    """Who depends on any of the tasks: ``{seq, id, status, waiting}``, each once."""
    return db.read(DEPENDANTS, ids=_listed(ids))


def waiting(db: Backend, ids: Iterable[str]) -> list[Row]:
    """For how many open dependencies each task waits: ``{id, status, waiting}``."""
    return db.read(WAITING, ids=_listed(ids))


def cancelled_dependencies(db: Backend, ids: Iterable[str]) -> list[Row]:
    """Dependencies of the tasks that were given up: ``{task_id, depends_on}``."""
    return db.read(CANCELLED_DEPENDENCIES, ids=_listed(ids))


def edges_into(db: Backend, ids: Iterable[str]) -> list[Row]:
    """Edges that lead to the tasks: ``{task_id, depends_on, status}``, status of the task_id."""
    return db.read(EDGES_INTO, ids=_listed(ids))


def closed(
    db: Backend, *, done: bool = False, done_before: str | None = None, cancelled: bool = False
) -> list[str]:
    """Ids of tasks that are done, were done before a time, or are cancelled."""
    found: list[Row] = []
    if done:
        found += db.read(DONE)
    elif done_before is not None:
        found += db.read(DONE_BEFORE, before=done_before)
    if cancelled:
        found += db.read(CANCELLED)
    return [one["id"] for one in found]


def delete(db: Any, id_: str) -> None:
    """Remove one task's row and what hangs on it."""
    db.execute(DELETE, id=id_)


def count_completed(db: Any, agent: str, task: str, *, alive: str) -> None:
    """Count a completed task for the agent's live instances that work on it.

    :param alive: an instance with a heartbeat since then is live.
    """
    db.execute(COUNT_COMPLETED, agent=agent, task=task, alive=alive)


def _listed(ids: Iterable[str]) -> str:
    return json.dumps(list(ids))
