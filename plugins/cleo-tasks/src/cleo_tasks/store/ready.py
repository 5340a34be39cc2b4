"""Tasks that can be begun, read in the order of their scores from the indexes made for it.

Where a statement must not read more than it shows, ``INDEXED BY`` makes SQLite refuse any other
way. The terms of the partial indexes are literals, because bound values would hide the match.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any

from cleo_core.database import Backend, Row

ACTIVE_PHASE = "SELECT slug FROM phases WHERE status = 'active'"
LABELLED = "SELECT count(*) FROM (SELECT 1 FROM task_labels WHERE label = :label LIMIT :most)"

_COLUMNS = "t.id, t.seq, t.priority, t.has_dependencies, t.created_week, t.phase, t.assignee"
_FREE = (
    "t.status = 'pending' AND t.open_dependency_count = 0 AND t.assignee IS NULL "
    "AND t.type <> 'epic'"
)
_STARTABLE = "t.status = 'pending' AND t.open_dependency_count = 0 AND t.type <> 'epic'"
_NO_OPEN_CHILD = (
    "NOT EXISTS (SELECT 1 FROM tasks AS child WHERE child.parent_id = t.id "
    "AND child.status IN ('pending', 'active', 'blocked', 'proposed'))"
)
# Counting fetches no rows: the id is made of the number, which the index holds. Where there is no
# open subtask at all, only epics have open children. The + spares three of four descents per row.
_NO_OPEN_CHILD_BY_SEQ = (
    "(NOT EXISTS (SELECT 1 FROM tasks WHERE type = 'subtask' "
    "AND status IN ('pending', 'active', 'blocked', 'proposed')) "
    "OR NOT EXISTS (SELECT 1 FROM tasks AS child WHERE child.parent_id = printf('T%03d', t.seq) "
    "AND +child.status IN ('pending', 'active', 'blocked', 'proposed')))"
)
_SUBTREE = (
    "WITH RECURSIVE down(id, depth) AS (SELECT id, 0 FROM tasks WHERE id = :scope "
    "UNION SELECT t.id, down.depth + 1 FROM down "
    "JOIN tasks AS t ON t.parent_id = down.id WHERE down.depth < 64) "
)
#: Where a list of candidates comes from when it is not read from the ranges.
SOURCES = {
    "subtree": (_SUBTREE, "t.id IN (SELECT id FROM down)"),
    "label": ("", "t.id IN (SELECT task_id FROM task_labels WHERE label = :rarest)"),
    "agent": ("", "t.assignee = :agent"),
    "agents": ("", "t.assignee >= ''"),
}
#: Filter -> SQL term. ``priority`` chooses among the ranges and is a term elsewhere.
FILTERS = {
    "labels": "(SELECT count(*) FROM task_labels AS l WHERE l.task_id = t.id "
    "AND l.label IN (SELECT value FROM json_each(:labels))) = json_array_length(:labels)",
    "type": "t.type = :type",
    "role": "t.role = :role",
    "phase": "t.phase = :phase",
    "priority": "t.priority = :priority",
}


def active_phase(db: Backend) -> str | None:
    """Slug of the phase that is active, of which there is at most one."""
    found: str | None = db.scalar(ACTIVE_PHASE)
    return found


def labelled(db: Backend, label: str, most: int) -> int:
    """How many tasks have a label, counted up to ``most``."""
    return int(db.scalar(LABELLED, label=label, most=most))


def first_of_range(
    db: Backend,
    n: int,
    *,
    priority: str,
    has_dependencies: int,
    phase: str | None,
    filters: Mapping[str, Any],
) -> list[Row]:
    """The first n unassigned ready tasks of one range, oldest week first.

    :param phase: read the range of this phase, in place of that of all phases.
    :param filters: ``labels``, ``type`` and ``role``, those that are set.
    """
    return db.read(
        range_statement(filters, in_phase=phase is not None),
        **_bound(filters),
        priority=priority,
        has=has_dependencies,
        **({} if phase is None else {"phase": phase}),
        n=n,
    )


def range_statement(filters: Iterable[str], *, in_phase: bool) -> str:
    """The statement of :func:`first_of_range`."""
    index = "ix_tasks_ready_phase" if in_phase else "ix_tasks_ready"
    terms = [_FREE, *(["t.phase IS NOT NULL AND t.phase = :phase"] if in_phase else [])]
    terms += ["t.priority = :priority AND t.has_dependencies = :has", _NO_OPEN_CHILD]
    terms += [FILTERS[name] for name in filters]
    return (
        f"SELECT {_COLUMNS} FROM tasks AS t INDEXED BY {index} WHERE {' AND '.join(terms)} "
        "ORDER BY t.created_week, t.seq LIMIT :n"
    )


def listed(
    db: Backend, source: str, filters: Mapping[str, Any], *, whose: str, **params: Any
) -> list[Row]:
    """All ready tasks of a small set.

    :param source: a key of :data:`SOURCES`, its parameter among ``params``.
    :param whose: ``free`` (unassigned), ``mine`` (also those of ``agent``) or ``all``.
    """
    return db.read(listed_statement(source, filters, whose), **_bound(filters), **params)


#: ``whose`` of :func:`listed` -> SQL term.
WHOSE = {
    "free": "t.assignee IS NULL",
    "mine": "(t.assignee IS NULL OR t.assignee = :agent)",
    "all": "true",
}


def listed_statement(source: str, filters: Iterable[str], whose: str) -> str:
    """The statement of :func:`listed`."""
    before, members = SOURCES[source]
    terms = [members, _STARTABLE, WHOSE[whose], _NO_OPEN_CHILD]
    terms += [FILTERS[name] for name in filters]
    return f"{before}SELECT {_COLUMNS} FROM tasks AS t WHERE {' AND '.join(terms)}"


def count_free(db: Backend, filters: Mapping[str, Any]) -> int:
    """How many unassigned tasks are ready."""
    return int(db.scalar(count_statement(filters), **_bound(filters)))


def count_statement(filters: Iterable[str]) -> str:
    """The statement of :func:`count_free`; without filters it reads nothing but the index."""
    in_phase = "phase" in filters
    terms = [_FREE, *(["t.phase IS NOT NULL"] if in_phase else [])]
    terms += ["t.priority IN ('critical', 'high', 'medium', 'low')", _NO_OPEN_CHILD_BY_SEQ]
    terms += [FILTERS[name] for name in filters]
    index = "ix_tasks_ready_phase" if in_phase else "ix_tasks_ready"
    return f"SELECT count(*) FROM tasks AS t INDEXED BY {index} WHERE {' AND '.join(terms)}"


def count_below(db: Backend, scope: str, filters: Mapping[str, Any]) -> int:
    """How many unassigned tasks are ready at or below a task."""
    return int(db.scalar(count_below_statement(filters), **_bound(filters), scope=scope))


def count_below_statement(filters: Iterable[str]) -> str:
    """The statement of :func:`count_below`."""
    before, members = SOURCES["subtree"]
    terms = [members, _FREE, _NO_OPEN_CHILD, *(FILTERS[name] for name in filters)]
    return f"{before}SELECT count(*) FROM tasks AS t WHERE {' AND '.join(terms)}"


def statements() -> Iterator[str]:
    """Every statement that is put together from parts."""
    for chosen in _choices(("labels", "type", "role")):
        for in_phase in (False, True):
            yield range_statement(chosen, in_phase=in_phase)
    for chosen in _choices(FILTERS):
        yield count_statement(chosen)
        yield count_below_statement(chosen)
        for source in SOURCES:
            for whose in WHOSE:
                yield listed_statement(source, chosen, whose)


def _choices(names: Iterable[str]) -> Iterator[tuple[str, ...]]:
    listed = tuple(names)
    for size in range(len(listed) + 1):
        yield from combinations(listed, size)


def _bound(filters: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: json.dumps(value) if name == "labels" else value for name, value in filters.items()
    }
