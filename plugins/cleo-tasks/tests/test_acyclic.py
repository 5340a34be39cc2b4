"""Which edges of an import close a loop."""

from __future__ import annotations

from array import array

from hypothesis import given, settings
from hypothesis import strategies as st

from cleo_tasks.importers.acyclic import closing

Edges = list[tuple[int, int]]


def found(edges: Edges, nodes: int, settled: int = 0) -> set[int]:
    return closing(
        array("i", (source for source, _ in edges)),
        array("i", (target for _, target in edges)),
        nodes,
        settled,
    )


def one_by_one(edges: Edges, settled: int) -> set[int]:
    """Each edge in turn: does its target lead back to its source?"""
    heads: dict[int, list[int]] = {}
    closed = set()
    for index, (source, target) in enumerate(edges):
        reached, stack = {target}, [target]
        while stack:
            for node in heads.get(stack.pop(), ()):
                if node not in reached:
                    reached.add(node)
                    stack.append(node)
        if source not in reached:
            heads.setdefault(source, []).append(target)
        elif index >= settled:
            closed.add(index)
    return closed


@given(
    st.integers(1, 12).flatmap(
        lambda nodes: st.tuples(
            st.just(nodes),
            st.lists(st.tuples(st.integers(0, nodes - 1), st.integers(0, nodes - 1)), max_size=40),
            st.integers(0, 5),
        )
    )
)
@settings(max_examples=150, deadline=None)
def test_the_same_edges_are_found_as_by_trying_each_in_turn(case: tuple[int, Edges, int]) -> None:
    nodes, edges, settled = case
    assert found(edges, nodes, settled) == one_by_one(edges, settled)


def test_ten_thousand_tasks_in_a_ring_lose_one_edge() -> None:
    count = 10_000
    ring = [(node, (node + 1) % count) for node in range(count)]
    assert found(ring, count) == {count - 1}
    assert found(ring[::-1], count) == {count - 1}


def test_nothing_is_found_where_there_is_nothing() -> None:
    assert found([], 0) == set()
    assert found([], 5) == set()
    assert found([(0, 1), (1, 2), (0, 2)], 3) == set()
