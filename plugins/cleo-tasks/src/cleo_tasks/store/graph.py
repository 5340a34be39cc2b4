"""The waiting graph: who depends on whom, and parents on their children."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cleo_core.database import Backend, Database, Row

#: One level outward: a task waits for its dependencies, a parent for its children.
WAITS_FOR = (
    "SELECT task_id AS source, depends_on AS target FROM task_dependencies "
    "WHERE task_id IN (SELECT value FROM json_each(:ids)) "
    "UNION ALL SELECT parent_id, id FROM tasks "
    "WHERE parent_id IN (SELECT value FROM json_each(:ids))"
)
INSERT_EDGES = (
    "INSERT INTO task_dependencies (task_id, depends_on, created_at, created_by) "
    "SELECT :id, value, :now, :actor FROM json_each(:targets) WHERE true ON CONFLICT DO NOTHING"
)
DELETE_EDGES = (
    "DELETE FROM task_dependencies WHERE task_id = :id "
    "AND depends_on IN (SELECT value FROM json_each(:targets))"
)
DEPENDANTS_OF = (
    "SELECT e.task_id FROM task_dependencies AS e JOIN tasks AS t ON t.id = e.task_id "
    "WHERE e.depends_on = :id ORDER BY t.seq"
)
#: One level inward, open tasks only: who waits for these.
HELD_BY = (
    "SELECT e.task_id AS id, t.seq FROM task_dependencies AS e JOIN tasks AS t ON t.id = e.task_id "
    "WHERE e.depends_on IN (SELECT value FROM json_each(:ids)) "
    "AND t.status IN ('pending', 'active', 'blocked', 'proposed') "
    "UNION SELECT p.id, p.seq FROM tasks AS c JOIN tasks AS p ON p.id = c.parent_id "
    "WHERE c.id IN (SELECT value FROM json_each(:ids)) "
    "AND p.status IN ('pending', 'active', 'blocked', 'proposed') ORDER BY 2"
)
_OPEN = "t.status IN ('pending', 'active', 'blocked', 'proposed')"
_ANY = "t.status IN ('pending', 'active', 'blocked', 'proposed', 'done', 'cancelled', 'archived')"
_BELOW = (
    "WITH RECURSIVE down(id, depth) AS (SELECT id, 0 FROM tasks WHERE id = :within "
    "UNION SELECT t.id, down.depth + 1 FROM down "
    "JOIN tasks AS t ON t.parent_id = down.id WHERE down.depth < 64) "
)
BELOW = _BELOW + "SELECT DISTINCT id FROM down"
OUTSIDE = (
    f"{_BELOW}SELECT DISTINCT t.id, t.seq FROM tasks AS t "
    "CROSS JOIN task_dependencies AS e ON e.task_id = t.id "
    "JOIN tasks AS d ON d.id = e.depends_on "
    f"WHERE t.id IN (SELECT id FROM down) AND {_OPEN} "
    "AND d.status IN ('pending', 'active', 'blocked', 'proposed') "
    "AND d.id NOT IN (SELECT id FROM down) ORDER BY t.seq"
)


def path_between(db: Backend, starts: Iterable[str], target: str) -> list[str] | None:
    """A shortest way along the waiting graph from any start to the target, both included.

    Breadth first, one statement per level over a visited set, so that a corrupt loop ends too.
    """
    came_from: dict[str, str | None] = dict.fromkeys(starts)
    if target in came_from:
        return [target]
    frontier: Sequence[str] = list(came_from)
    while frontier:
        reached = []
        for edge in db.read(WAITS_FOR, ids=json.dumps(frontier)):
            node = edge["target"]
            if node in came_from:
                continue
            came_from[node] = edge["source"]
            if node == target:
                return _way(came_from, node)
            reached.append(node)
        frontier = reached
    return None


def add_edges(db: Any, id_: str, targets: Sequence[str], *, now: str, actor: str) -> int:
    """Let a task wait for others; returns how many edges were new."""
    return int(
        db.execute(INSERT_EDGES, id=id_, targets=json.dumps(list(targets)), now=now, actor=actor)
    )


def remove_edges(db: Any, id_: str, targets: Sequence[str]) -> int:
    """Take edges away; returns how many there were."""
    return int(db.execute(DELETE_EDGES, id=id_, targets=json.dumps(list(targets))))


def dependants(db: Backend, id_: str) -> list[str]:
    """The tasks that depend on a task, whatever their status."""
    return [row["task_id"] for row in db.read(DEPENDANTS_OF, id=id_)]


def held_by(db: Backend, ids: Sequence[str]) -> list[str]:
    """The open tasks that wait for any of these: dependants and parents, in order of number."""
    return [row["id"] for row in db.read(HELD_BY, ids=json.dumps(list(ids)))]


def below(db: Backend, id_: str) -> set[str]:
    """A task and everything below it."""
    return {row["id"] for row in db.read(BELOW, within=id_)}


def outside(db: Backend, id_: str) -> list[str]:
    """The open tasks at or below a task that depend on an open one elsewhere."""
    return [row["id"] for row in db.read(OUTSIDE, within=id_)]


def nodes(db: Database, *, within: str | None, closed: bool) -> list[Row]:
    """``{id, parent_id, status, type}`` in order of number.

    :param within: of this task and what is below it only.
    :param closed: of closed tasks too.
    """
    return db.read(nodes_statement(within is not None, closed), **_bound(within))


def edges(db: Database, *, within: str | None, closed: bool) -> Iterator[tuple[str, str]]:
    """(task, what it depends on) of the same tasks; the other end may be any task."""
    return db.iterate(edges_statement(within is not None, closed), **_bound(within))


def nodes_statement(within: bool, closed: bool) -> str:
    """The statement of :func:`nodes`."""
    return (
        f"{_BELOW if within else ''}SELECT t.id, t.parent_id, t.status, t.type FROM tasks AS t "
        f"WHERE {_members(within, closed)} ORDER BY t.seq"
    )


def edges_statement(within: bool, closed: bool) -> str:
    """The statement of :func:`edges`; its CROSS JOIN keeps SQLite from reading all edges."""
    return (
        f"{_BELOW if within else ''}SELECT e.task_id, e.depends_on FROM tasks AS t "
        f"CROSS JOIN task_dependencies AS e ON e.task_id = t.id WHERE {_members(within, closed)}"
    )


def statements() -> Iterator[str]:
    """The statements that are put together from parts."""
    for within in (False, True):
        for closed in (False, True):
            yield nodes_statement(within, closed)
            yield edges_statement(within, closed)


def _members(within: bool, closed: bool) -> str:
    terms = ["t.id IN (SELECT id FROM down)"] if within else []
    return " AND ".join([*terms, _ANY if closed else _OPEN])


def _bound(within: str | None) -> dict[str, str]:
    return {} if within is None else {"within": within}


def _way(came_from: dict[str, str | None], end: str) -> list[str]:
    way = [end]
    while (before := came_from[way[-1]]) is not None:
        way.append(before)
    return way[::-1]
