"""A task's own lifecycle pipeline."""

from __future__ import annotations

from typing import Any

from cleo_core.database import Backend, Row

OF_TASK = (
    "SELECT p.id, p.task_id, p.status, p.current_stage_id, p.version, s.stage_name, "
    "s.status AS stage_status FROM lifecycle_pipelines AS p "
    "LEFT JOIN lifecycle_stages AS s ON s.id = p.current_stage_id WHERE p.task_id = :task"
)
SET_STATUS = (
    "UPDATE lifecycle_pipelines SET status = :status, updated_at = :now, version = version + 1 "
    "WHERE id = :id"
)


def of_task(db: Backend, task: str) -> Row | None:
    """A task's pipeline with its current stage as ``stage_name`` and ``stage_status``, or None."""
    return db.one(OF_TASK, task=task)


def set_status(db: Any, id_: str, status: str, now: str) -> None:
    """Give a pipeline another status."""
    db.execute(SET_STATUS, id=id_, status=status, now=now)
