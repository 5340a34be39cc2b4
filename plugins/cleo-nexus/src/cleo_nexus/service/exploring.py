"""Looking at what waits for what across projects."""

from __future__ import annotations

from typing import Any

from cleo_core.errors import UsageError
from cleo_nexus.errors import NexusError
from cleo_nexus.records.edges import Blocking, CriticalPath, Entry, Tree
from cleo_nexus.service import access
from cleo_nexus.service.elsewhere import (
    Unreadable,
    deadline,
    no_task,
    require_tasks,
    tasks_of,
)
from cleo_nexus.service.graph import Graph, Node, walk
from cleo_nexus.service.longest import longest, loop_among
from cleo_nexus.service.work import Verbs

#: Edges that a walk may be told to follow at most.
DEEPEST = 1_000_000


class ExploreVerbs(Verbs):
    """``deps_show``, ``blocking`` and ``critical_path``."""

    def deps_show(
        self,
        reference: Any,
        *,
        reverse: bool = False,
        depth: int | None = None,
        timeout: float | None = None,
    ) -> Tree:
        """What a task waits for, over all projects: dependencies, and a parent's children.

        :param reverse: who waits for it instead.
        :param depth: edges at most, by default all.
        :param timeout: seconds for all projects.
        :returns: each task once, as near to the root as it is, and after what led to it.
        :raises CleoError: 4, there is no such task; 71, 72, 73, 77; what its file is.
        """
        if depth is not None and (
            not isinstance(depth, int) or depth is True or not 1 <= depth <= DEEPEST
        ):
            raise UsageError(f"A depth is from 1 to {DEEPEST}.", fix="--depth 3")
        graph, root = self._begin(reference, timeout)
        onward = graph.held if reverse else graph.waits
        found = walk(root, onward, within=depth)
        entries = graph.entries(
            (node, before is not None and before[0] != node[0], distance)
            for node, before, distance in _as_tree(graph, found)
        )
        skipped = graph.warn_of_skipped()
        return Tree(graph.ref(root), entries[1:], skipped, not skipped)

    def blocking(self, reference: Any, *, timeout: float | None = None) -> Blocking:
        """The open tasks that wait for a task, directly or through other open ones, nearest first.

        :param timeout: seconds for all projects.
        :raises CleoError: 4, there is no such task; 71, 72, 73, 77; what its file is.
        """
        graph, root = self._begin(reference, timeout)
        found = dependants(graph, root)
        entries = graph.entries(
            (node, before is not None and before[0] != node[0], distance)
            for node, (before, distance) in found.items()
            if node != root
        )
        skipped = graph.warn_of_skipped()
        return Blocking(graph.ref(root), entries, len(entries), skipped, not skipped)

    def critical_path(self, reference: Any = None, *, timeout: float | None = None) -> CriticalPath:
        """The longest chain of open tasks that wait for each other.

        :param reference: the task that the chain leads to; by default any, of any project.
        :param timeout: seconds for all projects.
        :returns: the chain from the first to be done to the last; of equally long ones the one that
            comes first by slugs and numbers.
        :raises CleoError: 4; 14, the tasks wait for each other; 71, 72, 73, 77.
        """
        if reference is None:
            require_tasks(self.app)
            graph, root = self._graph(timeout), None
            nodes = _every_open(graph)
        else:
            graph, root = self._begin(reference, timeout)
            nodes = _open_before(graph, root)
        chain = chain_of(graph, nodes)
        entries = graph.entries(
            (node, place > 0 and chain[place - 1][0] != node[0], place)
            for place, node in enumerate(chain)
        )
        skipped = graph.warn_of_skipped()
        return CriticalPath(
            None if root is None else graph.ref(root),
            entries,
            _blocked_by(graph, entries),
            skipped,
            not skipped,
        )

    def _graph(self, timeout: float | None) -> Graph:
        until = deadline(timeout)
        return Graph(self.app, self.db, access.reader_id(self.app), until=until)

    def _begin(self, reference: Any, timeout: float | None) -> tuple[Graph, Node]:
        """A graph, and the task that a walk begins at.

        :raises CleoError: 4, there is no such task; 71, 72, 73, 77; what its file is.
        """
        graph = self._graph(timeout)
        row, named = access.locate(self.app, self.db, reference, "read")
        try:
            with tasks_of(self.app, row, graph.current) as tasks:
                found = tasks.features([named.task])
        except Unreadable as reason:
            raise reason.cause from reason
        if not found:
            raise no_task(row, named.task)
        return graph, (row["project_id"], found[0].id)


def dependants(graph: Graph, root: Node) -> dict[Node, tuple[Node | None, int]]:
    """A task and the open ones that wait for it through open ones, as :func:`walk` answers."""

    def onward(node: Node) -> list[Node]:
        return sorted((one for one in graph.held(node) if graph.is_open(one)), key=graph.order)

    return walk(root, onward)


def _as_tree(
    graph: Graph, found: dict[Node, tuple[Node | None, int]]
) -> list[tuple[Node, Node | None, int]]:
    """What a walk reached, each task followed by those that it led to."""
    below: dict[Node | None, list[Node]] = {}
    for node, (before, _) in found.items():
        below.setdefault(before, []).append(node)
    for nodes in below.values():
        nodes.sort(key=graph.order, reverse=True)
    listed = []
    stack = below[None]
    while stack:
        node = stack.pop()
        listed.append((node, *found[node]))
        stack += below.get(node, ())
    return listed


def _every_open(graph: Graph) -> list[Node]:
    """The open tasks of all projects, in order."""
    return [
        (project, task)
        for project in graph.load_everything()
        for local in [graph.local(project)]
        if local is not None
        for task in local.statuses
        if graph.is_open((project, task))
    ]


def _open_before(graph: Graph, root: Node) -> list[Node]:
    """An open task and the open ones that it waits for through open ones, in order."""
    if not graph.is_open(root):
        return []
    found = walk(root, lambda node: (one for one in graph.waits(node) if graph.is_open(one)))
    return sorted(found, key=graph.order)


def chain_of(graph: Graph, nodes: list[Node]) -> list[Node]:
    """The longest chain among tasks that are in order.

    :raises NexusError: 14 with the loop.
    """
    places: dict[str, dict[str, int]] = {}
    for place, (project, task) in enumerate(nodes):
        places.setdefault(project, {})[task] = place
    waits: list[list[int]] = []
    holders = [0] * len(nodes)
    for project, task in nodes:
        own, local = places[project], graph.local(project)
        targets = [
            own[one]
            for one in (local.waits.get(task, ()) if local is not None else ())
            if one in own
        ]
        for other, one in graph.out(project).get(task, ()):
            if one in places.get(other, {}):
                targets.append(places[other][one])
        # A child may also be a dependency.
        targets = list(dict.fromkeys(targets))
        for target in targets:
            holders[target] += 1
        waits.append(targets)
    chain, left = longest(waits, holders)
    if left:
        raise cycle(graph, [nodes[place] for place in loop_among(left, waits)])
    return [nodes[place] for place in chain]


def cycle(graph: Graph, path: list[Node], fix: str | None = None) -> NexusError:
    """Exit 14 with the whole loop."""
    names = [graph.name(node) for node in path]
    return NexusError(
        "E_CYCLE",
        f"The tasks would wait for each other: {' → '.join(names)}.",
        fix=fix or f"cleo nexus deps show {names[0]}",
        details={"path": names},
    )


def _blocked_by(graph: Graph, entries: list[Entry]) -> Any:
    for entry in entries:
        if entry.status != "active":
            return graph.ref((entry.project_id, entry.task_id))
    return None
