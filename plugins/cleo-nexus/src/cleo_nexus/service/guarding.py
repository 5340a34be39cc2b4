"""What edges between projects do not allow, and what follows from a change of a task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from cleo_core.api import Veto
from cleo_nexus.service.elsewhere import Unreadable, Waits
from cleo_nexus.service.enforcing import Targets, enforce, warn
from cleo_nexus.service.graph import Graph, Node, way
from cleo_nexus.service.longest import knots

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Database, Row


def veto(
    app: App,
    db: Database,
    project: str,
    grown: Sequence[tuple[str, str]],
    waiting: Sequence[Row],
    needed: Sequence[Row],
) -> Veto | None:
    """The first thing that a change breaks, of three.

    :param grown: (who waits, for what) that is new in the project.
    :param waiting: the edges of tasks that are taken up or finished.
    :param needed: the edges into tasks that are deleted.
    """
    found = None
    loop = _loop(app, db, project, grown) if grown else None
    if loop is not None:
        found = Veto(
            f"{loop.source} would wait for itself: {loop.path}.",
            f"cleo nexus deps show {loop.names[0]}",
        )
    if found is None and waiting:
        found = _waiting(app, db, project, waiting)
    if found is None and needed:
        found = _needed(app, db, project, needed)
    return found


def follow(app: App, db: Database, project: str, rows: Sequence[Row]) -> None:
    """Hold and release the sources of edges, of which an end was changed in a project."""
    sources: dict[str, dict[str, None]] = {}
    for edge in rows:
        sources.setdefault(edge["source_project_id"], {})[edge["source_task_id"]] = None
    targets = Targets(app, db, project)
    for source, tasks in sources.items():
        warn(app, targets.row(source), enforce(targets, source, tasks, hurried=True))


def warn_of_loop(app: App, db: Database, project: str, grown: Sequence[tuple[str, str]]) -> None:
    """Tell of a loop that is there although every end of it was looked at before.

    :param grown: (who waits, for what) that is new in the project.
    """
    loop = _loop(app, db, project, grown)
    if loop is None:
        return
    source, target = loop.source, loop.target
    (task,) = app.service("tasks").show(source)
    fix = f"cleo deps remove {source} {target}"
    if target not in task.depends_on:
        fix = f"cleo reparent {target} --to root"
    app.warn(
        "W_NEXUS_CYCLE",
        f"{source} waits for itself since another project changed in the same moment: "
        f"{loop.path}. `{fix}` takes the new edge away.",
        path=list(loop.names),
        fix=fix,
    )


class _Loop(NamedTuple):
    """A loop through a new local edge: its ends, and every task on the way, the first repeated."""

    source: str
    target: str
    names: tuple[str, ...]

    @property
    def path(self) -> str:
        return " → ".join(self.names)


def _loop(app: App, db: Database, project: str, grown: Sequence[tuple[str, str]]) -> _Loop | None:
    """A loop that a new local edge closes: both its ends are then in one knot."""
    known: dict[str, Waits | Unreadable] = {}
    graph = Graph(app, db, project, known)
    # This project as the unit leaves it, not as it was committed before.
    known[project] = app.service("tasks").edges()
    if graph.row(project) is None:
        return None
    knot_of = {
        node: place
        for place, knot in enumerate(knots(((project, one) for one, _ in grown), graph.waits))
        for node in knot
    }
    _unchecked(app, [one for one in known.values() if isinstance(one, Unreadable)])
    for source, target in grown:
        one: Node = (project, source)
        other: Node = (project, target)
        if one not in knot_of or knot_of[one] != knot_of.get(other):
            continue
        back = way(graph, other, one)
        return _Loop(source, target, tuple(map(graph.name, [one, *(back or [other])])))
    return None


def _waiting(app: App, db: Database, project: str, rows: Sequence[Row]) -> Veto | None:
    """A task that is taken up or finished while what it waits for elsewhere is open."""
    others = _others(app, db, project, rows, "target")
    for task in dict.fromkeys(row["source_task_id"] for row in rows):
        names = _open(others, rows, "target", ("source_task_id", task))
        if names:
            return Veto(
                f"{task} waits for {', '.join(names)}.",
                f"cleo nexus deps show {others.name(project, task)}",
            )
    return None


def _needed(app: App, db: Database, project: str, rows: Sequence[Row]) -> Veto | None:
    """A task that is deleted while an open task elsewhere waits for it."""
    others = _others(app, db, project, rows, "source")
    for task in dict.fromkeys(row["target_task_id"] for row in rows):
        names = _open(others, rows, "source", ("target_task_id", task))
        if names:
            return Veto(
                f"{', '.join(names)} {'waits' if len(names) == 1 else 'wait'} for {task}.",
                f"cleo nexus deps show {others.name(project, task)} --reverse",
            )
    return None


def _others(app: App, db: Database, project: str, rows: Sequence[Row], end: str) -> Targets:
    """The tasks elsewhere at one end of edges, asked for; what cannot be read is told."""
    found = Targets(app, db, project)
    found.ask((row[f"{end}_project_id"], row[f"{end}_task_id"]) for row in rows)
    unread = [
        found.unreadable(id_) for id_ in dict.fromkeys(row[f"{end}_project_id"] for row in rows)
    ]
    _unchecked(app, [reason for reason in unread if reason is not None])
    return found


def _open(others: Targets, rows: Sequence[Row], end: str, own: tuple[str, str]) -> list[str]:
    """The open tasks at one end of the edges of a task."""
    column, task = own
    ends = [
        (row[f"{end}_project_id"], row[f"{end}_task_id"]) for row in rows if row[column] == task
    ]
    return [others.name(*one) for one in ends if others.is_open(*one)]


def _unchecked(app: App, reasons: Sequence[Unreadable]) -> None:
    for one in reasons:
        app.warn(
            "W_NEXUS_UNCHECKED",
            f"Project {one.slug} cannot be read ({one.reason}), so what waits for what there was "
            "not looked at.",
        )
