"""Counting tasks, and the short lists of what goes on: all tasks, a phase, or what is below one.

A statement of the *selection* is made for each way of choosing tasks, so that each has an index of
its own to read: ``phase`` and ``within`` name the parameters that are set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any

from cleo_core.database import Backend, Row
from cleo_tasks.store import claims

#: A selection: ``phase`` and ``within``, those that are set.
Selection = Mapping[str, str]

_OPEN = "('pending', 'active', 'blocked', 'proposed')"
_WAITS = "t.open_dependency_count > 0"
_BELOW = (
    "WITH RECURSIVE down(id, depth) AS (SELECT id, 0 FROM tasks WHERE id = :within "
    "UNION SELECT t.id, down.depth + 1 FROM down "
    "JOIN tasks AS t ON t.parent_id = down.id WHERE down.depth < 64) "
)
_ORDER = (
    "CASE t.priority WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END, "
    "t.seq"
)
_COMPLETED = "(t.status = 'done' OR (t.status = 'archived' AND t.archive_reason = 'completed'))"

PHASES = "SELECT slug, name, status, started_at FROM phases ORDER BY position"
PHASE_EXISTS = "SELECT EXISTS (SELECT 1 FROM phases WHERE slug = :slug)"
#: The open dependencies of a task, the first few.
WAITS_FOR = (
    "SELECT d.id FROM task_dependencies AS e JOIN tasks AS d ON d.id = e.depends_on "
    f"WHERE e.task_id = :id AND d.status IN {_OPEN} ORDER BY d.seq LIMIT :limit"
)

#: Name of a statement over a selection -> columns, terms, and what follows.
SELECTED = {
    # Each is read from an index that holds all it asks for, but for the open tasks themselves.
    "types": ("t.type, t.status, count(*) AS tasks", "true", "GROUP BY t.type, t.status"),
    "phases": (
        "t.phase, t.status, count(*) AS tasks",
        "t.phase IS NOT NULL",
        "GROUP BY t.phase, t.status",
    ),
    "open": (
        "t.priority, count(*) AS tasks, "
        f"count(*) FILTER (WHERE {_WAITS}) AS waiting, "
        f"count(*) FILTER (WHERE t.status = 'blocked' OR {_WAITS}) AS held_up, "
        "count(*) FILTER (WHERE t.assignee IS NOT NULL) AS claimed",
        f"t.status IN {_OPEN}",
        "GROUP BY t.priority",
    ),
    "active": (
        "t.id, t.title, t.priority, t.assignee, t.started_at, (SELECT s.id FROM sessions AS s "
        "WHERE s.status = 'active' AND s.current_task_id = t.id "
        "ORDER BY s.last_activity_at DESC LIMIT 1) AS session_id",
        "t.status = 'active'",
        "ORDER BY t.started_at DESC, t.seq DESC LIMIT :limit",
    ),
    "blocked": (
        "t.id, t.title, t.status, t.priority, t.assignee, t.blocked_reason, "
        "t.open_dependency_count",
        f"t.status IN {_OPEN} AND (t.status = 'blocked' OR {_WAITS})",
        f"ORDER BY t.status = 'blocked' DESC, {_ORDER} LIMIT :limit",
    ),
    "stale": (
        "t.id, t.title, t.status, t.assignee, t.claimed_at, count(*) OVER () AS total",
        claims.STALE_TERMS,
        "ORDER BY t.claimed_at, t.seq LIMIT :limit",
    ),
    "completed": (
        "t.id, t.title, t.completed_at, t.assignee",
        _COMPLETED,
        "ORDER BY t.completed_at DESC, t.seq DESC LIMIT :limit",
    ),
    "completions": ("count(*) AS total", _COMPLETED, ""),
}


def selected(db: Backend, name: str, selection: Selection, **params: Any) -> list[Row]:
    """Rows of one of the statements over a selection."""
    return db.read(selected_statement(name, selection), **selection, **params)


def selected_statement(name: str, selection: Iterable[str]) -> str:
    """The statement of :func:`selected`."""
    columns, terms, after = SELECTED[name]
    chosen = set(selection)
    before, source = "", "tasks AS t"
    if "within" in chosen:
        before = _BELOW
        source = "(SELECT DISTINCT id FROM down) AS m CROSS JOIN tasks AS t ON t.id = m.id"
    elif name == "stale" and not chosen:
        source += " INDEXED BY ix_tasks_assignee_status"
    if "phase" in chosen:
        terms += " AND t.phase = :phase"
    return f"{before}SELECT {columns} FROM {source} WHERE {terms} {after}".rstrip()


def sessions_statement(selection: Iterable[str]) -> str:
    """Active sessions that work on a task of the selection, or whose scope is one; else all."""
    chosen = set(selection)
    columns = "SELECT s.*, count(*) OVER () AS total FROM sessions AS s WHERE s.status = 'active'"
    after = "ORDER BY s.last_activity_at DESC, s.seq DESC LIMIT :limit"
    if not chosen:
        return f"{columns} {after}"
    terms = ["t.id IN (s.current_task_id, s.scope_task_id)"]
    if "within" in chosen:
        terms.append("t.id IN (SELECT id FROM down)")
    if "phase" in chosen:
        terms.append("t.phase = :phase")
    before = _BELOW if "within" in chosen else ""
    return (
        f"{before}{columns} AND EXISTS (SELECT 1 FROM tasks AS t WHERE {' AND '.join(terms)}) "
        f"{after}"
    )


def active_sessions(db: Backend, selection: Selection, limit: int) -> tuple[list[Row], int]:
    """Rows of ``sessions``, the latest activity first, and how many there are."""
    rows = db.read(sessions_statement(selection), **selection, limit=limit)
    return rows, int(rows[0]["total"]) if rows else 0


def phases(db: Backend) -> list[Row]:
    """``{slug, name, status, started_at}`` in their order."""
    return db.read(PHASES)


def phase_exists(db: Backend, slug: str) -> bool:
    """Whether there is such a phase."""
    return bool(db.scalar(PHASE_EXISTS, slug=slug))


def waits_for(db: Backend, id_: str, limit: int) -> list[str]:
    """The first open dependencies of a task."""
    return [row["id"] for row in db.read(WAITS_FOR, id=id_, limit=limit)]


def statements() -> Iterator[str]:
    """The statements that are put together from parts."""
    for size in range(3):
        for selection in combinations(("phase", "within"), size):
            yield sessions_statement(selection)
            for name in SELECTED:
                yield selected_statement(name, selection)
