"""Longest chains and knots of a waiting graph; nothing recurses, so that no depth is too great."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

N = TypeVar("N")


def longest(waits: Sequence[Sequence[int]], holders: Sequence[int]) -> tuple[list[int], set[int]]:
    """The longest chain of nodes that wait for each other, first to be done first.

    Of several it is the one that is least when compared node by node. Each node's edges are looked
    at once: a node comes up when all that wait for it have come up, and by then its own chain is
    as long as it gets.

    :param waits: node -> the nodes that it waits for, each once.
    :param holders: node -> how many nodes wait for it.
    :returns: the chain, and the nodes that are in a loop or waited for by one. With loops the chain
        says nothing.
    """
    size = len(waits)
    missing = [*holders]
    length = [1] * size
    above = [-1] * size
    free = [node for node in range(size) if not missing[node]]
    left = set(range(size)) if len(free) < size else set()
    while free:
        node = free.pop()
        left.discard(node)
        longer = length[node] + 1
        for target in waits[node]:
            if longer > length[target] or (longer == length[target] and node < above[target]):
                length[target] = longer
                above[target] = node
            missing[target] -= 1
            if not missing[target]:
                free.append(target)
    chain: list[int] = []
    if size:
        node = min(range(size), key=lambda one: (-length[one], one))
        while node >= 0:
            chain.append(node)
            node = above[node]
    return chain, left


def loop_among(left: Iterable[int], waits: Sequence[Sequence[int]]) -> list[int]:
    """A loop among what :func:`longest` left over, each waiting for the next, first repeated last.

    Everything left over is waited for by something left over, so that going that way comes round.
    """
    inside = set(left)
    waiting = {target: node for node in inside for target in waits[node] if target in inside}
    node = min(inside)
    seen: dict[int, int] = {}
    trail: list[int] = []
    while node not in seen:
        seen[node] = len(trail)
        trail.append(node)
        node = waiting[node]
    found = trail[seen[node] :][::-1]
    return [*found, found[0]]


def knots(starts: Iterable[N], waits: Callable[[N], Iterable[N]]) -> list[list[N]]:
    """Groups of nodes that wait for each other, among all that can be reached.

    Tarjan's algorithm (1972) with a stack of its own; each node is visited once. A node that waits
    for itself alone is no group.
    """
    order: dict[N, int] = {}
    low: dict[N, int] = {}
    stack: list[N] = []
    on_stack: set[N] = set()
    found: list[list[N]] = []
    for root in starts:
        if root in order:
            continue
        path: list[tuple[N, Iterator[N]]] = []
        _enter(root, order, low, stack, on_stack, path, waits)
        while path:
            node, onward = path[-1]
            for target in onward:
                if target not in order:
                    _enter(target, order, low, stack, on_stack, path, waits)
                    break
                if target in on_stack:
                    low[node] = min(low[node], order[target])
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[node])
                if low[node] == order[node]:
                    place = _place(stack, node)
                    group = stack[place:]
                    del stack[place:]
                    on_stack.difference_update(group)
                    if len(group) > 1:
                        found.append(group)
    return found


def _enter(
    node: N,
    order: dict[N, int],
    low: dict[N, int],
    stack: list[N],
    on_stack: set[N],
    path: list[tuple[N, Iterator[N]]],
    waits: Callable[[N], Iterable[N]],
) -> None:
    order[node] = low[node] = len(order)
    stack.append(node)
    on_stack.add(node)
    path.append((node, iter(waits(node))))


def _place(stack: Sequence[N], node: N) -> int:
    """Where a node lies on the stack, looked for from its top."""
    place = len(stack) - 1
    while stack[place] != node:
        place -= 1
    return place
