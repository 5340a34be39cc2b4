"""What waits for what, over all projects: local and cross edges as one graph.

A project's local edges are read when a walk first enters it, by one read, and its file is closed
before the next is opened; its cross edges come from the registry by two indexed queries.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cleo_nexus.records.edges import Entry
from cleo_nexus.records.found import Skipped
from cleo_nexus.records.projects import Ref
from cleo_nexus.service.elsewhere import (
    ABSENT,
    OPEN,
    Unreadable,
    Waits,
    features_of,
    waits_of,
    warn_of,
)
from cleo_nexus.service.work import reading
from cleo_nexus.store import edges, registry

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Backend, Row

#: A task: the project's id and its own.
Node = tuple[str, str]

NOT_FOUND = "not_found"
NOT_REGISTERED = "project_not_registered"
UNKNOWN = "unknown"


class NotLoadedError(Exception):
    """A walk that must not open files has reached a project that was not read before.

    :ivar row: the project's row of the registry.
    """

    def __init__(self, row: Row) -> None:
        super().__init__(row["slug"])
        self.row = row


class Graph:
    """The waiting graph of all projects, as far as it was asked for.

    :param db: the registry.
    :param current: the id of the project that asks.
    :param known: project id -> its waiting graph, or why there is none; shared between walks.
    :param loads: whether projects are read when they are first reached; otherwise
        :class:`NotLoadedError` says which one is missing.
    :param until: when no more projects are read, of :func:`time.monotonic`.
    """

    def __init__(
        self,
        app: App,
        db: Backend,
        current: str | None,
        known: dict[str, Waits | Unreadable] | None = None,
        *,
        loads: bool = True,
        until: float | None = None,
    ) -> None:
        self.app = app
        self.db = db
        self.current = current
        self.known = {} if known is None else known
        self._loads = loads
        self._until = until
        self._untitled: dict[str, Unreadable] = {}
        self._rows: dict[str, Row | None] = {}
        self._out: dict[str, dict[str, list[Node]]] = {}
        self._into: dict[str, dict[str, list[Node]]] = {}
        self._held: dict[str, Mapping[str, Sequence[str]]] = {}

    # Projects

    def row(self, project: str) -> Row | None:
        """A project's row of the registry; None where it is not registered."""
        if project not in self._rows:
            with reading():
                self._rows[project] = registry.by_id(self.db, project)
        return self._rows[project]

    def local(self, project: str) -> Waits | None:
        """A project's own waiting graph; None where it cannot be read, or is not registered."""
        row = self.row(project)
        if row is None:
            return None
        found = self.known.get(project)
        if found is None:
            if not self._loads:
                raise NotLoadedError(row)
            found = self.known[project] = read(self.app, row, self.current, until=self._until)
        return None if isinstance(found, Unreadable) else found

    def load_everything(self) -> list[str]:
        """Read all registered projects and all cross edges; returns the ids in order of slugs."""
        with reading():
            rows, joined = registry.everything(self.db), edges.everything(self.db)
        self._rows.update({row["project_id"]: row for row in rows})
        for row in rows:
            self.local(row["project_id"])
            self._out.setdefault(row["project_id"], {})
        named: set[str] = set()
        for edge in joined:
            source = (edge["source_project_id"], edge["source_task_id"])
            target = (edge["target_project_id"], edge["target_task_id"])
            self._out.setdefault(source[0], {}).setdefault(source[1], []).append(target)
            named |= {source[0], target[0]}
        for project, found in [*self.known.items()]:
            if isinstance(found, Unreadable) and found.reason == ABSENT and project not in named:
                # It keeps no tasks, and nothing says that it ever did.
                del self.known[project]
        return [row["project_id"] for row in rows if row["project_id"] in self.known]

    def skipped(self) -> list[Skipped]:
        """The projects that were reached and could not be read, by slug."""
        known = (one for one in self.known.values() if isinstance(one, Unreadable))
        found = {one.slug: one for one in (*self._untitled.values(), *known)}
        return [found[slug].skipped for slug in sorted(found)]

    def warn_of_skipped(self) -> list[Skipped]:
        """The same, and a warning that the answer is not whole."""
        skipped = self.skipped()
        warn_of(self.app, skipped)
        return skipped

    # Edges

    def waits(self, node: Node) -> Iterator[Node]:
        """What a task waits for: local dependencies and children, then tasks elsewhere."""
        project, task = node
        local = self.local(project)
        if local is not None:
            for target in local.waits.get(task, ()):
                yield project, target
        yield from self.out(project).get(task, ())

    def held(self, node: Node) -> Iterator[Node]:
        """Who waits for a task: in its own project, then elsewhere."""
        project, task = node
        local = self.local(project)
        if local is not None:
            if project not in self._held:
                self._held[project] = local.held()
            for source in self._held[project].get(task, ()):
                yield project, source
        if project not in self._into:
            into = self._into[project] = {}
            with reading():
                joined = edges.into(self.db, project)
            for edge in joined:
                source_node = (edge["source_project_id"], edge["source_task_id"])
                into.setdefault(edge["target_task_id"], []).append(source_node)
        yield from self._into[project].get(task, ())

    def out(self, project: str) -> dict[str, list[Node]]:
        """A project's cross edges: task -> the tasks elsewhere that it waits for."""
        if project not in self._out:
            out = self._out[project] = {}
            with reading():
                joined = edges.out_of(self.db, project)
            for edge in joined:
                target = (edge["target_project_id"], edge["target_task_id"])
                out.setdefault(edge["source_task_id"], []).append(target)
        return self._out[project]

    # Tasks

    def status(self, node: Node) -> str:
        """A task's status, or one of the three words for one that has none."""
        if self.row(node[0]) is None:
            return NOT_REGISTERED
        local = self.local(node[0])
        return UNKNOWN if local is None else local.statuses.get(node[1], NOT_FOUND)

    def is_open(self, node: Node) -> bool:
        """Whether a task is known to be open."""
        return self.status(node) in OPEN

    def slug(self, project: str) -> str:
        """What a reference calls a project: its slug, or ``@`` and the id where it has none."""
        row = self.row(project)
        return f"@{project}" if row is None else str(row["slug"])

    def name(self, node: Node) -> str:
        """A task as a reference."""
        return f"{self.slug(node[0])}:{node[1]}"

    def ref(self, node: Node) -> Ref:
        """A task as services answer it."""
        return Ref(self.name(node), *node)

    def order(self, node: Node) -> tuple[str, int]:
        """Where a task stands among others: by slug, then by number."""
        return self.slug(node[0]), number(node[1])

    def entries(self, steps: Iterable[tuple[Node, bool, int]]) -> list[Entry]:
        """Tasks with titles, from (task, whether a cross edge led to it, how far it is)."""
        wanted = list(steps)
        titles = self._titles(node for node, _, _ in wanted)
        return [
            Entry(self.name(node), *node, titles.get(node), self.status(node), cross, depth)
            for node, cross, depth in wanted
        ]

    def _titles(self, nodes: Iterable[Node]) -> dict[Node, str]:
        by_project: dict[str, list[str]] = {}
        for project, task in nodes:
            by_project.setdefault(project, []).append(task)
        found: dict[Node, str] = {}
        for project, tasks in by_project.items():
            row = self.row(project)
            if row is None or self.local(project) is None:
                continue
            try:
                features = features_of(self.app, row, self.current, tasks, until=self._until)
            except Unreadable as reason:
                # It was there a moment ago; its tasks are listed without titles.
                self._untitled[project] = reason
                continue
            found |= {(project, task): title for task, (title, _) in features.items()}
        return found


def read(
    app: App, row: Row, current: str | None, *, until: float | None = None
) -> Waits | Unreadable:
    """A project's waiting graph, or why there is none."""
    try:
        return waits_of(app, row, current, until=until)
    except Unreadable as reason:
        return reason


def number(task: str) -> int:
    """The number of a task's id."""
    return int(task[1:])


def walk(
    start: Node, onward: Any, *, within: int | None = None
) -> dict[Node, tuple[Node | None, int]]:
    """All tasks that can be reached from one, breadth first, each once and the start included.

    :param onward: called with a task, gives the next ones.
    :param within: edges at most.
    :returns: task -> (what led to it, how far it is), in the order in which they were reached.
    """
    found: dict[Node, tuple[Node | None, int]] = {start: (None, 0)}
    frontier, depth = [start], 0
    while frontier and (within is None or depth < within):
        depth += 1
        reached = []
        for node in frontier:
            for target in onward(node):
                if target not in found:
                    found[target] = node, depth
                    reached.append(target)
        frontier = reached
    return found


def way(graph: Graph, start: Node, end: Node) -> list[Node] | None:
    """A shortest way along what waits for what, both ends included; None where there is none."""
    if start == end:
        return [start]
    came_from: dict[Node, Node | None] = {start: None}
    frontier = [start]
    while frontier:
        reached = []
        for node in frontier:
            for target in graph.waits(node):
                if target in came_from:
                    continue
                came_from[target] = node
                if target == end:
                    return _back(came_from, end)
                reached.append(target)
        frontier = reached
    return None


def _back(came_from: Mapping[Node, Node | None], end: Node) -> list[Node]:
    found = [end]
    while (before := came_from[found[-1]]) is not None:
        found.append(before)
    return found[::-1]
