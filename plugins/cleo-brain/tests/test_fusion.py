"""One order of both arms: what vectors may move, and what they may not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cleo_brain.search import fusion

WEIGHT = 0.7


def order(
    lexical: dict[int, float],
    covered: dict[int, float],
    cosines: dict[int, float],
    weight: float = WEIGHT,
) -> list[int]:
    """The fused order."""
    return fusion.ordered(fusion.fuse(lexical, covered, cosines, weight))


class TestAHitThatHoldsMostOfTheQuery:
    def test_keeps_its_place_before_one_that_is_nearer_but_holds_less(self) -> None:
        assert order({1: 1.24, 2: 1.18}, {1: 0.8, 2: 0.6}, {1: 0.1, 2: 0.4}) == [1, 2]

    def test_keeps_a_later_place_too(self) -> None:
        lexical = {1: 1.3, 2: 1.2, 3: 1.1}
        assert order(lexical, {1: 0.5, 2: 1.0, 3: 0.5}, {1: 0.9, 2: 0.1, 3: 0.9}) == [1, 2, 3]

    def test_may_be_lifted_by_its_own_cosine(self) -> None:
        assert order({1: 1.24, 2: 1.18}, {1: 0.6, 2: 0.8}, {1: 0.1, 2: 0.4}) == [2, 1]

    def test_gives_way_to_one_that_holds_as_much(self) -> None:
        assert order({1: 1.24, 2: 1.18}, {1: 0.8, 2: 0.8}, {1: 0.1, 2: 0.4}) == [2, 1]

    def test_gives_way_where_even_the_best_holds_little(self) -> None:
        assert order({1: 1.24, 2: 1.18}, {1: 0.5, 2: 0.25}, {1: 0.1, 2: 0.4}) == [2, 1]

    def test_gives_way_where_the_lexical_arm_has_it_after_the_first_ones(self) -> None:
        first = dict.fromkeys(range(1, 1 + fusion.FIRST), 2.0)
        lexical = {**first, 20: 1.24, 21: 1.18}
        covered = {**dict.fromkeys(first, 0.5), 20: 0.8, 21: 0.6}
        assert order(lexical, covered, {20: 0.1, 21: 0.4})[-2:] == [21, 20]

    def test_leaves_those_behind_it_in_their_own_order(self) -> None:
        lexical = {1: 1.24, 2: 1.2, 3: 1.19, 4: 1.18}
        cosines = {1: 0.0, 2: 0.9, 3: 0.7, 4: 0.8}
        covered = {1: 1.0, 2: 0.5, 3: 0.5, 4: 0.5}
        assert order(lexical, covered, cosines) == [1, 2, 4, 3]


_SHARES = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])


@given(
    st.lists(st.tuples(st.floats(0.125, 2), _SHARES, st.floats(0, 1)), min_size=1, max_size=30),
)
def test_no_vectors_push_what_holds_most_below_its_place(
    hits: list[tuple[float, float, float]],
) -> None:
    lexical = {seq: score for seq, (score, _, _) in enumerate(hits)}
    covered = {seq: share for seq, (_, share, _) in enumerate(hits)}
    cosines = {seq: cosine for seq, (_, _, cosine) in enumerate(hits)}
    scores = fusion.fuse(lexical, covered, cosines, WEIGHT)
    assert all(0 <= score <= 1 for score in scores.values())
    before = fusion.ordered(lexical)
    after = fusion.ordered(scores)
    best = max(covered.values())
    for seq in before[: fusion.FIRST]:
        if covered[seq] == best >= fusion.KNOWN:
            less = {one for one in lexical if covered[one] < best}
            assert less.intersection(after[: after.index(seq)]) <= set(before[: before.index(seq)])


@given(st.lists(st.tuples(st.floats(0, 2), _SHARES), min_size=1, max_size=30))
def test_without_vectors_the_order_is_the_lexical_one(hits: list[tuple[float, float]]) -> None:
    lexical = {seq: score for seq, (score, _) in enumerate(hits)}
    covered = {seq: share for seq, (_, share) in enumerate(hits)}
    assert order(lexical, covered, {}, 0.0) == fusion.ordered(lexical)
