"""Chains made of chains."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleo_core.errors import ValidationError
from cleo_nexus.definitions import parse_definition, reachable, stage_order, substitute, validate
from cleo_nexus.definitions.composing import compose
from cleo_nexus.definitions.packaged import IDS, packaged

from .shapes import chain, gate, good, link

SPLIT = chain(
    *"abc",
    links=[link("a", "b", "branch", condition="x == 1"), link("a", "c", "branch")],
    exitPoints=["b", "c"],
    gates=[gate("g", "b"), gate("h", "c")],
    variables={"x": {"type": "number", "default": 1}},
)
AFTER = {
    "id": "k",
    "name": "K",
    "stageId": "b",
    "position": "before",
    "type": "entry",
    "severity": "blocking",
    "check": {"type": "stage_complete", "stageId": "a"},
}


def test_a_sequence_links_every_exit_to_the_next_entry() -> None:
    made = compose("sequence", [SPLIT, good(), SPLIT], "all")
    assert validate(made).errors == ()
    one = parse_definition(substitute(made, {}))
    assert one.id == "all"
    assert one.version == "1.0.0"
    assert one.entry_point == "s0_a"
    assert one.exit_points == ("s2_b", "s2_c")
    assert [(way.from_, way.type) for way in one.links_to("s1_a")] == [
        ("s0_b", "linear"),
        ("s0_c", "linear"),
    ]
    assert stage_order(one)[0] == "s0_a"
    assert reachable(one, "s0_b") == {"s1_a", "s1_b", "s2_a", "s2_b", "s2_c"}
    assert list(one.variables) == ["x"]
    assert one.links_from("s2_a")[0].condition == "x == 1"


def test_parallel_parts_stand_between_a_fork_and_a_join() -> None:
    made = compose("parallel", [good(), SPLIT], "all")
    assert validate(made).errors == ()
    one = parse_definition(substitute(made, {}))
    assert one.entry_point == "fork"
    assert one.exit_points == ("join",)
    assert {one.stage(id_).category for id_ in ("fork", "join")} == {"custom"}
    assert [(way.to, way.type) for way in one.links_from("fork")] == [
        ("p0_a", "fork"),
        ("p1_a", "fork"),
    ]
    assert [(way.from_, way.type) for way in one.links_to("join")] == [
        ("p0_b", "linear"),
        ("p1_b", "linear"),
        ("p1_c", "linear"),
    ]


def test_ids_and_targets_of_checks_get_the_prefix_of_their_part() -> None:
    part = good()
    part["gates"].append(copy.deepcopy(AFTER))
    before = copy.deepcopy(part)
    made = compose("sequence", [part, part], "all")
    assert part == before
    assert [one["id"] for one in made["gates"]] == ["s0_g", "s0_h", "s0_k", "s1_g", "s1_h", "s1_k"]
    assert [one["stageId"] for one in made["gates"]] == [
        *("s0_a", "s0_b", "s0_b"),
        *("s1_a", "s1_b", "s1_b"),
    ]
    assert [made["gates"][at]["check"]["stageId"] for at in (2, 5)] == ["s0_a", "s1_a"]


@pytest.mark.parametrize(
    "other",
    [{"type": "string"}, {"type": "number"}, {"type": "number", "default": 1, "required": True}],
)
def test_variables_of_one_name_are_declared_equally(other: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        compose("sequence", [SPLIT, good(id="two", variables={"x": other})], "all")
    assert caught.value.details["path"] == "$.variables.x"
    same = {"type": "number", "default": 1, "required": False, "description": "in other words"}
    assert compose("parallel", [SPLIT, good(variables={"x": same})], "all")["variables"].keys() == {
        "x"
    }


def test_names_of_many_parts_are_cut_to_a_count() -> None:
    made = compose("parallel", [good(name="n" * 200)] * 3, "all")
    assert made["name"] == "parallel of 3 chains"
    assert validate(made).valid


def test_an_id_that_is_too_long_with_its_prefix_is_a_fault() -> None:
    made = compose("sequence", [chain("a" * 127, "b"), good()], "all")
    assert {one.code for one in validate(made).errors} == {"BAD_ID"}


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("sequence", "parallel")),
            st.lists(st.integers(0, 2), min_size=2, max_size=3),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_compositions_of_valid_chains_are_valid(steps: list[tuple[str, list[int]]]) -> None:
    shelf = [good(), SPLIT, packaged(IDS[1])]
    for at, (mode, chosen) in enumerate(steps):
        parts = [shelf[one] for one in chosen]
        made = compose(mode, parts, f"made{at}")
        if len(made["gates"]) > 300:
            return
        assert validate(made).errors == ()
        sizes = [len(part["shape"]["stages"]) for part in parts]
        assert len(made["shape"]["stages"]) == sum(sizes) + (2 if mode == "parallel" else 0)
        shelf[at] = made
