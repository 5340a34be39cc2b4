"""What waits for what: dependencies, and what follows from the whole waiting graph.

The waiting graph has two kinds of edges: a task waits for what it depends on, and a parent waits
for its children.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.database import Database, Row
from cleo_core.errors import CleoError, UsageError
from cleo_core.output import Page
from cleo_tasks.errors import TasksError, task_not_found
from cleo_tasks.ids import parse_id, parse_ids
from cleo_tasks.records import Line, Task
from cleo_tasks.service import hierarchy
from cleo_tasks.service.network import Network
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.service.work import Work
from cleo_tasks.store import graph as store
from cleo_tasks.store import tasks


@record
class Dependencies(Declared):
    """What a task depends on, and what depends on it, in any status."""

    depends_on: list[Line]
    dependants: list[Line]


@record
class DependencyChange(Declared):
    """A task after a change of its dependencies, and the ids that were added or removed."""

    task: Task
    added: list[str]
    removed: list[str]


@record
class Waves(Declared):
    """Open tasks in the order in which they can be done.

    ``waves[0]`` waits for nothing, each later wave only for earlier ones. ``outside``: with
    ``within``, ids of shown tasks that also depend on an open task elsewhere.
    """

    waves: list[list[Line]]
    outside: list[str]


@record
class CriticalPath(Declared):
    """The longest chain of open tasks, the first to be done first."""

    path: list[Line]


@record
class Held(Declared):
    """An open task that waits for another one, over ``distance`` edges."""

    task: Line
    distance: int


@record
class Impact(Declared):
    """The open tasks that wait for a task, directly or through other open ones; nearest first."""

    dependants: list[Held]


@record
class Loop(Declared):
    """Tasks that wait for each other: a loop, first id repeated last; ``tasks``: in the knot."""

    path: list[str]
    tasks: int


@record
class Cycles(Declared):
    """The loops of a corrupted file; CLEO closes none."""

    cycles: list[Loop]


@record
class Overview(Declared):
    """Counts of open tasks.

    ``dependencies``: edges between open tasks. ``waiting``: tasks that depend on an open one.
    ``blockers``: tasks that something waits for. ``waves``: how many there are, which is also the
    length of the critical path; None where loops leave no such number.
    """

    open: int
    ready: int
    waiting: int
    blockers: int
    dependencies: int
    waves: int | None
    cycles: int


@record
class Blocker(Declared):
    """An open task that ``dependants`` open tasks wait for, directly or through others.

    ``root``: it waits for nothing itself.
    """

    task: Line
    dependants: int
    root: bool


class GraphVerbs(Verbs):
    """``deps …`` and ``blockers``."""

    def deps_show(self, id: str) -> Dependencies:
        """What a task depends on, and what depends on it.

        :raises NotFoundError: there is no such task.
        """
        id_ = self._existing(id)
        with self.db.snapshot() as db:
            below = [one["depends_on"] for one in db.read(tasks.DEPENDENCIES_OF, id=id_)]
            above = store.dependants(db, id_)
            return Dependencies(tasks.lines(db, below), tasks.lines(db, above))

    def deps_add(
        self, id: str, depends_on: str | Sequence[str], *, if_version: int | None = None
    ) -> DependencyChange:
        """Let a task wait for others.

        :param depends_on: one id or several; those that it waits for already stay.
        :raises CleoError: 4; ``E_CYCLE`` (14) with the loop in ``details.path``; 21, 34, 36;
            ``E_NO_CHANGE`` (102), it waits for all of them already.
        """
        id_, others = parse_id(id), _others(depends_on)

        def body(work: Work) -> DependencyChange:
            row = _editable(work, id_, if_version)
            _require(work, others)
            hierarchy.check_cycle(work, id_, depends_on=others)
            before = {one["depends_on"] for one in work.read(tasks.DEPENDENCIES_OF, id=id_)}
            added = [one for one in others if one not in before]
            if not added:
                raise CleoError(
                    "E_NO_CHANGE",
                    f"{id_} waits for {', '.join(others)} already.",
                    fix=f"cleo deps show {id_}",
                )
            work.change_edges(row, add=added)
            return DependencyChange(work.record(id_), added, [])

        return self.write("task.deps_add", body)

    def deps_remove(
        self, id: str, depends_on: str | Sequence[str], *, if_version: int | None = None
    ) -> DependencyChange:
        """Let a task no longer wait for others.

        :param depends_on: one id or several; those that it does not wait for are passed over.
        :raises CleoError: 4, 21, 34, 36; ``E_NO_CHANGE`` (102), it waits for none of them.
        """
        id_, others = parse_id(id), _others(depends_on)

        def body(work: Work) -> DependencyChange:
            row = _editable(work, id_, if_version)
            _require(work, others)
            before = {one["depends_on"] for one in work.read(tasks.DEPENDENCIES_OF, id=id_)}
            removed = [one for one in others if one in before]
            if not removed:
                raise CleoError(
                    "E_NO_CHANGE",
                    f"{id_} waits for none of {', '.join(others)}.",
                    fix=f"cleo deps show {id_}",
                )
            work.change_edges(row, remove=removed)
            return DependencyChange(work.record(id_), [], removed)

        return self.write("task.deps_remove", body)

    def deps_waves(self, *, within: str | None = None) -> Waves:
        """Open tasks by topological levels of the waiting graph.

        :param within: only this task and what is below it.
        :raises CleoError: 4; ``E_CYCLE`` (14), the file holds a loop.
        """
        below = self._within(within)
        with self.db.snapshot() as db:
            found = Graph(db, below)
            levels, left = found.network.levels()
            if left:
                raise found.cycle()
            lines = iter(tasks.lines(db, [found.ids[node] for level in levels for node in level]))
            return Waves(
                [list(islice(lines, len(level))) for level in levels],
                [] if below is None else store.outside(db, below),
            )

    def deps_critical_path(self, *, within: str | None = None) -> CriticalPath:
        """The longest chain of open tasks that wait for each other; of equal ones the lower ids.

        :param within: only this task and what is below it.
        :raises CleoError: 4; ``E_CYCLE`` (14), the file holds a loop.
        """
        below = self._within(within)
        with self.db.snapshot() as db:
            found = Graph(db, below)
            if found.network.levels()[1]:
                raise found.cycle()
            return CriticalPath(
                tasks.lines(db, [found.ids[node] for node in found.network.longest()])
            )

    def deps_impact(self, id: str, *, within: str | None = None) -> Impact:
        """The open tasks that wait for a task, directly or through other open ones.

        :param within: list only those at or below this task.
        :raises NotFoundError: there is no such task.
        """
        id_, inside = self._existing(id), self._within(within)
        with self.db.snapshot() as db:
            distances = {id_: 0}
            frontier = [id_]
            while frontier:
                distance = distances[frontier[0]] + 1
                frontier = [one for one in store.held_by(db, frontier) if one not in distances]
                distances.update(dict.fromkeys(frontier, distance))
            shown = None if inside is None else store.below(db, inside)
            ids = [one for one in distances if one != id_ and (shown is None or one in shown)]
            return Impact([Held(line, distances[line.id]) for line in tasks.lines(db, ids)])

    def deps_cycles(self, *, within: str | None = None) -> Cycles:
        """Loops of the waiting graph, closed tasks included; only a corrupted file has any.

        :param within: only among this task and what is below it.
        :raises NotFoundError: there is no such task.
        """
        below = self._within(within)
        with self.db.snapshot() as db:
            return Cycles(Graph(db, below, closed=True).loops())

    def deps_overview(self, *, within: str | None = None) -> Overview:
        """Counts of open tasks, of what they wait for and of what can be started.

        :param within: only this task and what is below it.
        :raises NotFoundError: there is no such task.
        """
        below = self._within(within)
        with self.db.snapshot() as db:
            found = Graph(db, below)
            outside = set() if below is None else set(store.outside(db, below))
            return _overview(found, outside)

    def blockers(self, *, limit: int | None = None, offset: int = 0) -> tuple[list[Blocker], Page]:
        """A page of the open tasks that others wait for, those that hold most up first.

        :raises UsageError: limit or offset is out of range.
        """
        limit, offset = self.page(limit, offset)
        with self.db.snapshot() as db:
            found = Graph(db, None)
            reach = found.network.reach()
            ranked = sorted(
                (node for node in range(found.network.size) if reach[node]),
                key=lambda node: (-reach[node], node),
            )
            shown = ranked[offset : offset + limit]
            lines = tasks.lines(db, [found.ids[node] for node in shown])
        return [
            Blocker(line, reach[node], not found.network.waits.count(node))
            for line, node in zip(lines, shown, strict=True)
        ], Page(limit, offset, len(ranked))

    def _existing(self, id: str) -> str:
        id_ = parse_id(id)
        if not tasks.existing(self.db, [id_]):
            raise task_not_found(id_)
        return id_

    def _within(self, within: str | None) -> str | None:
        return None if within is None else self._existing(within)


class Graph:
    """The waiting graph of open tasks.

    :param within: of this task and what is below it only.
    :param closed: of closed tasks too.
    """

    def __init__(self, db: Database, within: str | None, *, closed: bool = False) -> None:
        self.rows = store.nodes(db, within=within, closed=closed)
        self.ids: list[str] = [row["id"] for row in self.rows]
        self._number = {id_: number for number, id_ in enumerate(self.ids)}
        #: Pairs (task, what it depends on) inside the graph.
        self.dependencies = [
            (self._number[task], self._number[target])
            for task, target in store.edges(db, within=within, closed=closed)
            if target in self._number
        ]
        self.network = Network(len(self.ids), [*self.dependencies, *self._children()])

    def loops(self) -> list[Loop]:
        """One loop of each knot."""
        return [
            Loop([self.ids[node] for node in path], size) for path, size in self.network.loops()
        ]

    def cycle(self) -> TasksError:
        """The refusal to sort what cannot be sorted."""
        path = self.loops()[0].path
        return TasksError(
            "E_CYCLE",
            f"The file holds tasks that wait for each other: {' → '.join(path)}.",
            fix="cleo deps cycles",
            details={"path": path},
        )

    def _children(self) -> Iterator[tuple[int, int]]:
        for number, row in enumerate(self.rows):
            parent = self._number.get(row["parent_id"])
            if parent is not None:
                yield parent, number


def _overview(found: Graph, outside: set[str]) -> Overview:
    network = found.network
    levels, left = network.levels()
    waiting = {found.ids[task] for task, _ in found.dependencies} | outside
    loops = found.loops() if left else []
    return Overview(
        open=network.size,
        ready=sum(
            _ready(row) and not network.waits.count(number) and row["id"] not in outside
            for number, row in enumerate(found.rows)
        ),
        waiting=len(waiting),
        blockers=sum(network.held.count(node) > 0 for node in range(network.size)),
        dependencies=len(found.dependencies),
        waves=None if left else len(levels),
        cycles=len(loops),
    )


def _ready(row: Row) -> bool:
    return bool(row["status"] == "pending" and row["type"] != "epic")


def _others(depends_on: str | Sequence[str]) -> list[str]:
    others = parse_ids([depends_on] if isinstance(depends_on, str) else depends_on)
    if not others:
        raise UsageError("Name the tasks it waits for.", fix="cleo deps add T002 T001")
    return others


def _editable(work: Work, id_: str, if_version: int | None) -> Row:
    row = work.task(id_)
    work.require_version(row, if_version)
    work.enter(id_)
    return row


def _require(work: Work, ids: Sequence[str]) -> None:
    missing = set(ids) - tasks.existing(work, ids)
    if missing:
        raise task_not_found(*sorted(missing))
