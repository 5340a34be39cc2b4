"""What validation finds in a definition, each fault alone."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleo_nexus.definitions import (
    NotJsonError,
    loads,
    parse_definition,
    preceding,
    reachable,
    stage_order,
    validate,
)
from cleo_nexus.definitions.packaged import DEFAULT, IDS, TEMPLATE, packaged
from cleo_nexus.errors import NexusError

from .faults import BRANCH, FAULTS, FORK, conditional, entry, gated
from .shapes import chain, gate, good, link, stage

NAMED = (
    *("EMPTY", "DUPLICATE_ID", "BAD_ID", "ENTRY_MISSING", "EXIT_MISSING", "LINK_END_MISSING"),
    *("SELF_LINK", "CYCLE", "UNREACHABLE", "DEAD_END", "EXIT_HAS_LINKS", "MIXED_LINKS"),
    *("BAD_CONDITION", "TOO_LARGE", "UNKNOWN_VALUE", "GATE_STAGE_MISSING"),
    *("CHECK_TARGET_MISSING", "TYPE_POSITION", "BAD_PATH", "UNSATISFIABLE"),
)


@pytest.mark.guarantee(
    "nexus-18", "Every fault of a chain's definition is found and named with its place."
)
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found_alone(fault: str) -> None:
    code, path, definition = FAULTS[fault]
    found = validate(definition)
    assert [(one.code, one.path) for one in found.errors] == [(code, path)], found.errors
    assert not (found.well_formed and found.gate_satisfiable)


def test_each_named_code_has_its_fault() -> None:
    assert {code for code, _, _ in FAULTS.values()} >= set(NAMED)


@pytest.mark.guarantee(
    "nexus-18",
    "The chains that come with CLEO have no fault; the default one has 9 stages, "
    "8 links and 35 gates.",
)
def test_packaged_chains_are_valid() -> None:
    for id_ in IDS:
        found = validate(packaged(id_))
        assert found.errors == ()
        assert found.well_formed
        assert found.gate_satisfiable
        assert found.artifact_complete
    one = parse_definition(packaged(DEFAULT))
    assert (len(one.stages), len(one.links), len(one.gates)) == (9, 8, 35)
    assert (one.id, one.version) == ("rcasd-ivtrc", "1.0.0")
    by_type = [gate.check.type for gate in one.gates]
    assert {kind: by_type.count(kind) for kind in sorted(set(by_type))} == {
        "protocol_valid": 12,
        "stage_complete": 17,
        "verification_gate": 6,
    }
    assert all(one.can_force is (one.check.type == "verification_gate") for one in one.gates)
    assert all(one.blocking for one in one.gates)
    assert [one.id for one in one.stages if one.skippable] == [
        "consensus",
        "architecture_decision",
        "release",
    ]
    needed = {(gate.stage_id, gate.check.stage_id) for gate in one.gates if gate.check.stage_id}
    assert ("decomposition", "specification") in needed
    assert ("decomposition", "consensus") not in needed
    assert packaged(TEMPLATE)["variables"].keys() == {"epicId", "projectName", "skipResearch"}  # type: ignore[index] # it is there


def test_a_good_chain_has_neither_errors_nor_warnings() -> None:
    found = validate(good())
    assert (found.errors, found.warnings) == ((), ())
    assert found.valid
    assert found.artifact_complete


def test_warnings_name_skippable_targets_and_open_exits() -> None:
    loose = chain(stage("a", skippable=True), "b", gates=[entry("a", severity="info")])
    found = validate(loose)
    assert found.valid
    assert [(one.code, one.path) for one in found.warnings] == [
        ("SKIPPABLE_TARGET", "$.gates[0].check.stageId"),
        ("OPEN_EXITS", "$.shape.exitPoints"),
    ]


def test_a_stage_without_a_gate_is_incomplete_unless_it_can_be_skipped() -> None:
    assert not validate(chain("a", "b", gates=[gate("g", "b")])).artifact_complete
    skippable = chain(stage("a", skippable=True), "b", gates=[gate("g", "b")])
    assert validate(skippable).artifact_complete


def test_a_fault_of_a_gate_leaves_the_shape_well_formed() -> None:
    found = validate(gated(gate("k", "z")))
    assert (found.well_formed, found.gate_satisfiable) == (True, False)
    found = validate(chain("a", "b", links=[link("a", "b"), link("a", "a")]))
    assert (found.well_formed, found.gate_satisfiable) == (False, True)


def test_the_cycle_is_named() -> None:
    ((_, _, definition),) = [one for one in FAULTS.values() if one[0] == "CYCLE"]
    assert "b → c → b" in validate(definition).errors[0].message


def test_several_faults_are_all_told() -> None:
    made = chain("a", "b", gates=[gate("g", "z"), gate("g", "a")], name=3)
    made["shape"]["links"].append(link("a", "a"))
    codes = [one.code for one in validate(made).errors]
    assert sorted(codes) == ["BAD_TYPE", "DUPLICATE_ID", "GATE_STAGE_MISSING", "SELF_LINK"]


def test_a_list_that_holds_itself_many_times_is_too_large() -> None:
    value: Any = ["x"]
    for _ in range(60):
        value = [value, value]
    assert [one.code for one in validate(good(metadata={"v": value})).errors] == ["TOO_LARGE"]
    value.append(value)
    assert [one.code for one in validate(good(metadata={"v": value})).errors] == ["TOO_LARGE"]


def test_forks_and_branches_that_join_are_valid() -> None:
    for links in (FORK, BRANCH):
        made = chain(*"abcd", links=links)
        assert validate(made).errors == ()
        one = parse_definition(made)
        assert stage_order(one) == ("a", "b", "c", "d")
        assert reachable(one, "b") == {"d"}
        assert preceding(one, "d") == {"a", "b", "c"}
        assert one.links_to("d") == one.links[2:]


def test_a_chain_of_the_largest_size_is_valid() -> None:
    ids = [f"s{at}" for at in range(500)]
    gates = [gate(f"g{at}", ids[at % 500]) for at in range(2000)]
    made = chain(*ids, gates=gates)
    assert validate(made).valid
    assert stage_order(parse_definition(made)) == tuple(ids)


def test_gates_are_got_by_stage_and_position() -> None:
    one = parse_definition(gated(entry("a")))
    assert [gate.id for gate in one.gates_of("b", "before")] == ["k"]
    assert [gate.id for gate in one.gates_of("b", "after")] == ["h"]
    assert [gate.id for gate in one.gates_of("b")] == ["h", "k"]
    assert one.stage("b").name == "B"
    assert one.is_exit("b")
    assert not one.is_exit("a")


def test_parsing_an_invalid_definition_tells_all_errors() -> None:
    with pytest.raises(NexusError) as caught:
        parse_definition(chain("a", "b", entryPoint="z", exitPoints=[]))
    assert caught.value.exit == 78
    assert [one.code for one in caught.value.details["errors"]] == ["ENTRY_MISSING", "EXIT_MISSING"]


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ("id", "name", "version", "shape", "stages", "links", "entryPoint", "exitPoints")
            )
            | st.sampled_from(("gates", "check", "type", "stageId", "from", "to", "variables"))
            | st.text(max_size=4),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)


@given(ANY_JSON)
def test_validation_never_raises_on_any_json(value: Any) -> None:
    found = validate(value)
    assert found.valid or found.errors
    json.dumps([one.message for one in found.errors])


def _places(value: Any, steps: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    return [steps, *(place for key, one in items for place in _places(one, (*steps, key)))]


def _large() -> dict[str, Any]:
    check = {"type": "custom", "validator": "v", "params": {}}
    return conditional('size == "{{size}}"') | {"gates": [entry("a"), gate("z", "d", check)]}


PLACES = [place for place in _places(_large()) if place]


@given(st.sampled_from(PLACES), ANY_JSON | st.sampled_from(("{{size}}", "{{urgent}}", "a", "d")))
def test_validation_never_raises_on_a_chain_with_one_value_changed(
    place: tuple[Any, ...], value: Any
) -> None:
    made = _large()
    target: Any = made
    for step in place[:-1]:
        target = target[step]
    target[place[-1]] = value
    found = validate(made)
    if found.valid:
        assert validate(made) == found


@given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_text_is_json_or_refused(data: bytes) -> None:
    with contextlib.suppress(NotJsonError):
        assert validate(loads(data)).errors


@pytest.mark.parametrize(
    "data",
    [
        *("", "{", "{} {}", '{"a": NaN}', '{"a": Infinity}', '{"a": 1, "a": 2}', "[" * 100_000),
        *(b"\xff\xfe", b"\x80", '{"n": ' + "1" * 5000 + "}"),
    ],
)
def test_text_that_is_no_json_is_refused(data: str | bytes) -> None:
    with pytest.raises(NotJsonError):
        loads(data)
