"""Health checks of what waits for what across projects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cleo_nexus.service import access
from cleo_nexus.service.checking import MOST, Finding, Status, fine, looked
from cleo_nexus.service.graph import Graph, Node, way
from cleo_nexus.service.longest import knots
from cleo_nexus.service.orphaned import gone_ends
from cleo_nexus.service.refreshing import plans_of
from cleo_nexus.store import edges

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Database


def check_orphans(app: App, deep: bool = False) -> Finding:
    """Edges and instances that name tasks that are gone."""

    def look(db: Database) -> Finding:
        gone, _, unknown = gone_ends(app, db)
        ids = list(dict.fromkeys(end.id for end in gone))
        return _found(ids, "tasks that are named and gone", "cleo nexus orphans", unknown)

    return looked(app, look, tasks=True)


def check_cycles(app: App, deep: bool = False) -> Finding:
    """Tasks of several projects that wait for each other."""

    def look(db: Database) -> Finding:
        graph = Graph(app, db, access.own_id(app))
        starts: list[Node] = [
            (project, task) for project in edges.through(db) for task in graph.out(project)
        ]
        loops = []
        for knot in knots(starts, graph.waits):
            first = min(knot, key=graph.order)
            inside = set(knot)
            after = next(node for node in graph.waits(first) if node in inside)
            names = [graph.name(node) for node in [first, *(way(graph, after, first) or ())]]
            loops.append(" → ".join(names))
        unread = len(graph.skipped())
        return _found(loops, "loops of tasks that wait for each other", None, unread, "error")

    return looked(app, look, tasks=True)


def check_blocked(app: App, deep: bool = False) -> Finding:
    """Tasks that are blocked though nothing holds them, and that are not though something does.

    :param deep: also in projects of which neither an edge nor a record says that they had one.
    """

    def look(db: Database) -> Finding:
        plans, skipped = plans_of(app, db, access.own_id(app), everywhere=deep)
        wrong = [f"{plan.row['slug']}:{task}" for plan in plans for task in plan.waits]
        unknown = len(skipped) + sum(plan.unknown for plan in plans)
        what = "tasks whose block does not fit what they wait for"
        return _found(wrong, what, "cleo nexus deps refresh", unknown)

    return looked(app, look, tasks=True)


def _found(
    ids: Sequence[str], what: str, fix: str | None, unknown: int, status: Status = "warning"
) -> Finding:
    details: dict[str, Any] = {"count": len(ids), "ids": list(ids[:MOST]), "unknown": unknown}
    if ids:
        named = fix or f"cleo nexus deps show {ids[0].partition(' ')[0]}"
        return Finding(status, f"{what[0].upper()}{what[1:]}: {len(ids)}.", details, named)
    if unknown:
        return Finding(
            "info", f"There are no {what}, as far as the projects can be read.", details, None
        )
    return fine(f"There are no {what}.")
