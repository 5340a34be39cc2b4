"""Focus: which task each session works on now, and the history of it."""

from __future__ import annotations

from typing import Any

from cleo_core.database import Backend, Row

HISTORY = (
    "SELECT task_id, set_at, cleared_at FROM task_work_history WHERE session_id = :session "
    "ORDER BY id"
)
CLEAR_TASK = (
    "UPDATE sessions SET current_task_id = NULL, task_started_at = NULL "
    "WHERE current_task_id = :task"
)
CLOSE_TASK = (
    "UPDATE task_work_history SET cleared_at = :now WHERE task_id = :task AND cleared_at IS NULL"
)
CLEAR_SESSION = (
    "UPDATE sessions SET current_task_id = NULL, task_started_at = NULL WHERE id = :session"
)
CLOSE_SESSION = (
    "UPDATE task_work_history SET cleared_at = :now "
    "WHERE session_id = :session AND cleared_at IS NULL"
)
SET_SESSION = (
    "UPDATE sessions SET current_task_id = :task, task_started_at = :now WHERE id = :session"
)
OPEN_ROW = (
    "INSERT INTO task_work_history (session_id, task_id, set_at) VALUES (:session, :task, :now)"
)


def history(db: Backend, session: str) -> list[Row]:
    """What a session worked on, oldest first: ``{task_id, set_at, cleared_at}``."""
    return db.read(HISTORY, session=session)


def leave_task(db: Any, task: str, now: str) -> None:
    """Nobody works on the task any more: in every session."""
    db.execute(CLEAR_TASK, task=task)
    db.execute(CLOSE_TASK, task=task, now=now)


def leave(db: Any, session: str, now: str) -> None:
    """The session works on nothing."""
    db.execute(CLEAR_SESSION, session=session)
    db.execute(CLOSE_SESSION, session=session, now=now)


def turn_to(db: Any, session: str, task: str, now: str) -> None:
    """The session works on the task from now on; what it worked on before is closed."""
    db.execute(CLOSE_SESSION, session=session, now=now)
    db.execute(SET_SESSION, session=session, task=task, now=now)
    db.execute(OPEN_ROW, session=session, task=task, now=now)
