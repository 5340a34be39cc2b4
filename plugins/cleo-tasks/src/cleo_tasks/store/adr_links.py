"""Links between decisions and tasks."""

from __future__ import annotations

from typing import Any

from cleo_core.database import Backend, Row

ADD = (
    "INSERT INTO adr_task_links (adr_id, task_id, link_type, source, created_at) "
    "VALUES (:adr, :task, :type, :source, :now) ON CONFLICT DO NOTHING"
)
REMOVE = (
    "DELETE FROM adr_task_links WHERE adr_id = :adr AND task_id = :task "
    "AND (:type IS NULL OR link_type = :type)"
)
OF_ADR = (
    "SELECT l.task_id, l.link_type, l.source, l.created_at FROM adr_task_links AS l "
    "JOIN tasks AS t ON t.id = l.task_id WHERE l.adr_id = :adr ORDER BY t.seq, l.link_type"
)
OF_TASK = (
    "SELECT l.adr_id, l.link_type, l.source, l.created_at FROM adr_task_links AS l "
    "JOIN architecture_decisions AS d ON d.id = l.adr_id "
    "WHERE l.task_id = :task ORDER BY d.number, l.link_type"
)


def add(db: Any, adr: str, task: str, type_: str, *, source: str, now: str) -> bool:
    """Link a decision and a task; returns whether the link is new."""
    return bool(db.execute(ADD, adr=adr, task=task, type=type_, source=source, now=now))


def remove(db: Any, adr: str, task: str, type_: str | None = None) -> int:
    """Remove the links of one type, or of every type; returns how many there were."""
    return int(db.execute(REMOVE, adr=adr, task=task, type=type_))


def of_adr(db: Backend, adr: str) -> list[Row]:
    """The tasks of a decision: ``{task_id, link_type, source, created_at}``."""
    return db.read(OF_ADR, adr=adr)


def of_task(db: Backend, task: str) -> list[Row]:
    """The decisions of a task: ``{adr_id, link_type, source, created_at}``."""
    return db.read(OF_TASK, task=task)
