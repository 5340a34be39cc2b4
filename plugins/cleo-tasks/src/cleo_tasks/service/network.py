"""The waiting graph in memory: levels, longest chain, loops, reach; all over integer arrays."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence

#: Bits of one pass over the graph when reach is counted; bounds the memory of a pass.
BLOCK = 8192
#: Between the ids of :func:`has_loop`.
SEPARATOR = "\x1f"


class Network:
    """Tasks numbered from 0 and who waits for whom.

    :param size: number of tasks.
    :param edges: (task, task it waits for).
    """

    def __init__(self, size: int, edges: Iterable[tuple[int, int]]) -> None:
        self.size = size
        sources, targets = array("l"), array("l")
        for source, target in edges:
            sources.append(source)
            targets.append(target)
        self.waits = _Neighbours(size, sources, targets)
        self.held = _Neighbours(size, targets, sources)

    def levels(self) -> tuple[list[list[int]], int]:
        """Topological levels, each in order: what waits for nothing, then what waits for that …

        :returns: the levels, and how many tasks are in none because they wait for a loop.
        """
        missing = array("l", (self.waits.count(node) for node in range(self.size)))
        level = [node for node in range(self.size) if not missing[node]]
        levels, left = [], self.size
        while level:
            levels.append(level)
            left -= len(level)
            freed = []
            for node in level:
                for above in self.held.of(node):
                    missing[above] -= 1
                    if not missing[above]:
                        freed.append(above)
            level = sorted(freed)
        return levels, left

    def longest(self) -> list[int]:
        """The longest chain, first to be done first; of several the one with lower numbers.

        The graph has no loop.
        """
        levels, _ = self.levels()
        length = array("l", bytes(array("l").itemsize * self.size))
        for level in reversed(levels):
            for node in level:
                length[node] = 1 + max((length[above] for above in self.held.of(node)), default=0)
        chain: list[int] = []
        onward: Sequence[int] = range(self.size)
        while onward:
            chain.append(min(onward, key=lambda node: (-length[node], node)))
            onward = self.held.of(chain[-1])
        return chain

    def loops(self) -> list[tuple[list[int], int]]:
        """Each knot of tasks that wait for each other: a shortest loop through its first task, and
        how many tasks the knot has.
        """
        found = []
        for knot in self._components():
            first = min(knot)
            if len(knot) > 1 or first in self.waits.of(first):
                found.append((self._loop(first, set(knot)), len(knot)))
        return sorted(found)

    def reach(self) -> list[int]:
        """For each task how many others wait for it, directly or through others."""
        knots = self._components()
        knot_of = array("l", bytes(array("l").itemsize * self.size))
        for number, knot in enumerate(knots):
            for node in knot:
                knot_of[node] = number
        # Tasks that nothing waits for come last in ``knots``, so they are passed on first.
        downward = [
            {knot_of[below] for node in knot for below in self.waits.of(node)} - {number}
            for number, knot in enumerate(knots)
        ]
        counts = [len(knot) - 1 for knot in knots]
        for first in range(0, self.size, BLOCK):
            waiting = [0] * len(knots)
            for number in range(len(knots) - 1, -1, -1):
                bits, waiting[number] = waiting[number], 0
                counts[number] += bits.bit_count()
                for node in knots[number]:
                    if first <= node < first + BLOCK:
                        bits |= 1 << (node - first)
                if bits:
                    for below in downward[number]:
                        waiting[below] |= bits
        return [counts[knot_of[node]] for node in range(self.size)]

    def _components(self) -> list[list[int]]:
        """Strongly connected components, each after all that it waits for.

        Tarjan's algorithm (1972) with a stack of its own in place of recursion.
        """
        unseen = -1
        order = array("l", [unseen]) * self.size
        low = array("l", [unseen]) * self.size
        on_stack = bytearray(self.size)
        stack: list[int] = []
        found: list[list[int]] = []
        count = 0
        for root in range(self.size):
            if order[root] != unseen:
                continue
            order[root] = low[root] = count
            count += 1
            stack.append(root)
            on_stack[root] = 1
            path: list[tuple[int, Iterator[int]]] = [(root, iter(self.waits.of(root)))]
            while path:
                node, onward = path[-1]
                for target in onward:
                    if order[target] == unseen:
                        order[target] = low[target] = count
                        count += 1
                        stack.append(target)
                        on_stack[target] = 1
                        path.append((target, iter(self.waits.of(target))))
                        break
                    if on_stack[target]:
                        low[node] = min(low[node], order[target])
                else:
                    path.pop()
                    if path:
                        low[path[-1][0]] = min(low[path[-1][0]], low[node])
                    if low[node] == order[node]:
                        component = []
                        while True:
                            member = stack.pop()
                            on_stack[member] = 0
                            component.append(member)
                            if member == node:
                                break
                        found.append(component)
        return found

    def _loop(self, first: int, knot: set[int]) -> list[int]:
        """A shortest way from a task back to itself inside its knot."""
        came_from: dict[int, int] = {}
        frontier = [first]
        while True:
            reached = []
            for node in frontier:
                for target in self.waits.of(node):
                    if target == first:
                        way = [first, node]
                        while way[-1] != first:
                            way.append(came_from[way[-1]])
                        return way[::-1]
                    if target in knot and target not in came_from:
                        came_from[target] = node
                        reached.append(target)
            frontier = reached


def has_loop(waits: dict[str, int], holds: dict[str, str], parents: dict[str, str]) -> bool:
    """Whether some of these tasks wait for each other; the arguments are used up.

    What waits for nothing is taken away, and with it what then waits for nothing, and so on; who
    is left waits for a loop. That is a third of the work of telling the loops themselves.

    :param waits: task -> how many it depends on.
    :param holds: task -> those that depend on it, separated by U+001F.
    :param parents: child -> parent, which waits for it.
    """
    for parent in parents.values():
        waits[parent] = waits.get(parent, 0) + 1
    free = [task for task in {**holds, **parents} if task not in waits]
    while free:
        task = free.pop()
        above = holds.get(task)
        held = above.split(SEPARATOR) if above is not None else []
        if task in parents:
            held.append(parents[task])
        for one in held:
            left = waits[one] - 1
            if left:
                waits[one] = left
            else:
                del waits[one]
                free.append(one)
    return bool(waits)


class _Neighbours:
    """Adjacency in two arrays: the neighbours of a node lie side by side."""

    def __init__(self, size: int, sources: array[int], targets: array[int]) -> None:
        self._first = array("l", bytes(array("l").itemsize * (size + 1)))
        for source in sources:
            self._first[source + 1] += 1
        for node in range(size):
            self._first[node + 1] += self._first[node]
        self._targets = array("l", bytes(array("l").itemsize * len(targets)))
        place = self._first[:]
        for source, target in zip(sources, targets, strict=True):
            self._targets[place[source]] = target
            place[source] += 1

    def of(self, node: int) -> array[int]:
        """The neighbours of a node."""
        return self._targets[self._first[node] : self._first[node + 1]]

    def count(self, node: int) -> int:
        """How many neighbours a node has."""
        return self._first[node + 1] - self._first[node]
