"""Labels over all tasks, in any status."""

from __future__ import annotations

from cleo_core.database import Backend, Row

COUNTS = (
    "SELECT label, count(*) AS tasks FROM task_labels GROUP BY label ORDER BY label "
    "LIMIT :limit OFFSET :offset"
)
TOTAL = "SELECT count(DISTINCT label) FROM task_labels"
COUNT_OF = "SELECT count(*) FROM task_labels WHERE label = :label"
TASKS_OF = (
    "SELECT t.id FROM task_labels AS l JOIN tasks AS t ON t.id = l.task_id "
    "WHERE l.label = :label ORDER BY t.seq LIMIT :limit OFFSET :offset"
)


def counts(db: Backend, *, limit: int, offset: int) -> tuple[list[Row], int]:
    """A page of ``{label, tasks}``, and how many labels there are."""
    return db.read(COUNTS, limit=limit, offset=offset), int(db.scalar(TOTAL))


def count(db: Backend, label: str) -> int:
    """How many tasks have a label."""
    return int(db.scalar(COUNT_OF, label=label))


def tasks_of(db: Backend, label: str, *, limit: int = -1, offset: int = 0) -> list[str]:
    """The ids of the tasks that have a label, in order; all of them for a limit of -1."""
    return [row["id"] for row in db.read(TASKS_OF, label=label, limit=limit, offset=offset)]
