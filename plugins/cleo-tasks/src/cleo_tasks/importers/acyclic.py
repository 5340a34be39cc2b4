"""Which edges of a long list may stand so that nothing waits for itself, over integer arrays."""

from __future__ import annotations

from array import array


def closing(sources: array[int], targets: array[int], nodes: int, settled: int = 0) -> set[int]:
    """Indexes of the edges that close a loop with the edges before them.

    Taken in order, as if each were added where it closes no loop; an edge found closing one is left
    out and does not count for those after it. Linear but for the edges between nodes of one knot.

    :param sources: node from which each edge leads; nodes count from 0.
    :param settled: that many edges at the front are there already and are never found.
    """
    knots = _knots(sources, targets, nodes)
    inside = array(
        "i",
        (
            index
            for index in range(len(sources))
            if knots[sources[index]] and knots[sources[index]] == knots[targets[index]]
        ),
    )
    order = _Order(sources, targets, inside)
    found = {index for index in range(settled, len(sources)) if sources[index] == targets[index]}
    for index in inside:
        if not order.add(sources[index], targets[index]) and index >= settled:
            found.add(index)
    return found


def _knots(sources: array[int], targets: array[int], nodes: int) -> array[int]:
    """For each node the number of the knot it is part of: nodes that all lead to each other.

    0 for a node that is by itself. The method is R. Tarjan's, "Depth-first search and linear graph
    algorithms", SIAM J. Comput. 1 (1972), without recursion.
    """
    starts, ends = _adjacency(sources, targets, nodes)
    place = array("i", starts)
    seen = array("i", bytes(4 * nodes))
    lowest = array("i", bytes(4 * nodes))
    knots = array("i", bytes(4 * nodes))
    waiting = bytearray(nodes)
    stack, count, knot = array("i"), 0, 0
    for start in range(nodes):
        if seen[start]:
            continue
        way = array("i", [start])
        while way:
            node = way[-1]
            if not seen[node]:
                count += 1
                seen[node] = lowest[node] = count
                stack.append(node)
                waiting[node] = 1
            if place[node] < starts[node + 1]:
                head = ends[place[node]]
                place[node] += 1
                if not seen[head]:
                    way.append(head)
                elif waiting[head]:
                    lowest[node] = min(lowest[node], seen[head])
                continue
            way.pop()
            if way:
                lowest[way[-1]] = min(lowest[way[-1]], lowest[node])
            if lowest[node] == seen[node]:
                knot += stack[-1] != node
                alone = stack[-1] == node
                while waiting[node]:
                    member = stack.pop()
                    waiting[member] = 0
                    knots[member] = 0 if alone else knot
    return knots


def _adjacency(tails: array[int], heads: array[int], nodes: int) -> tuple[array[int], array[int]]:
    """The heads of each node's edges: those of ``node`` lie between two entries of the first."""
    starts = array("i", bytes(4 * (nodes + 1)))
    for tail in tails:
        starts[tail + 1] += 1
    for node in range(nodes):
        starts[node + 1] += starts[node]
    place = array("i", starts)
    ends = array("i", bytes(4 * len(tails)))
    for index in range(len(tails)):
        tail = tails[index]
        ends[place[tail]] = heads[index]
        place[tail] += 1
    return starts, ends


def _initial(sources: array[int], targets: array[int], inside: array[int]) -> list[int]:
    """The nodes of some edges, those that others lead to later, as far as loops allow."""
    forward: dict[int, list[int]] = {}
    for index in inside:
        forward.setdefault(sources[index], []).append(targets[index])
    done: list[int] = []
    seen: set[int] = set()
    for start in sorted(forward):
        if start in seen:
            continue
        seen.add(start)
        stack = [(start, iter(forward[start]))]
        while stack:
            node, heads = stack[-1]
            head = next(heads, None)
            if head is None:
                stack.pop()
                done.append(node)
            elif head not in seen:
                seen.add(head)
                stack.append((head, iter(forward[head])))
    done.reverse()
    return done


class _Order:
    """Nodes in an order that every edge follows, mended as edges are added.

    The method is that of D. J. Pearce and P. H. J. Kelly, "A dynamic topological sort algorithm for
    directed acyclic graphs", ACM JEA 11 (2006): only what lies between the two ends is searched.
    """

    def __init__(self, sources: array[int], targets: array[int], inside: array[int]) -> None:
        nodes = _initial(sources, targets, inside)
        self._rank = {node: rank for rank, node in enumerate(nodes)}
        self._heads: dict[int, list[int]] = {node: [] for node in nodes}
        self._tails: dict[int, list[int]] = {node: [] for node in nodes}

    def add(self, source: int, target: int) -> bool:
        """Add an edge; False, and nothing is added, if it would close a loop."""
        if source == target:
            return False
        if self._rank[source] > self._rank[target]:
            after = self._reached(self._heads, target, self._rank[source], 1)
            if source in after:
                return False
            before = self._reached(self._tails, source, self._rank[target], -1)
            self._mend(before, after)
        self._heads[source].append(target)
        self._tails[target].append(source)
        return True

    def _reached(self, edges: dict[int, list[int]], start: int, limit: int, sign: int) -> set[int]:
        """What the edges lead to without going beyond a rank."""
        reached = {start}
        stack = [start]
        while stack:
            for node in edges[stack.pop()]:
                if node not in reached and (limit - self._rank[node]) * sign >= 0:
                    reached.add(node)
                    stack.append(node)
        return reached

    def _mend(self, before: set[int], after: set[int]) -> None:
        """Put what comes before in front of what comes after, on the ranks they have together."""
        nodes = sorted(before, key=self._rank.__getitem__)
        nodes += sorted(after, key=self._rank.__getitem__)
        ranks = sorted(self._rank[node] for node in nodes)
        self._rank.update(zip(nodes, ranks, strict=True))
