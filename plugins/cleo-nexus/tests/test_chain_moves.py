"""Forks, branches and joins: which stages a move enters, and when."""

from __future__ import annotations

import os
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_nexus.definitions import parse_definition
from cleo_nexus.moves import Chart, ChoiceError, State

_courses = runpy.run_path(str(Path(__file__).with_name("courses.py")))
Courses, refused, verified = (_courses[name] for name in ("Courses", "refused", "verified"))
custom, validator = _courses["custom"], _courses["validator"]
stage, link, chain = (_courses[name] for name in ("stage", "link", "chain"))


@pytest.fixture
def courses(cleo_home: Path) -> Iterator[Any]:
    folder = cleo_home / "projects"
    folder.mkdir()
    made = Courses(folder)
    made.once("web", lambda: made.project("web", titles=1))
    yield made
    made.close()


def fork(start: str, *ends: str) -> list[Any]:
    return [link(start, end, "fork") for end in ends]


def join(*starts: str, end: str) -> list[Any]:
    return [link(start, end) for start in starts]


def three_ways(**more: Any) -> Any:
    links = [*fork("a", "b", "c", "d"), *join("b", "c", "d", end="e")]
    return chain("a", "b", "c", "d", "e", links=links, **more)


@pytest.mark.guarantee(
    "nexus-21",
    "Three paths that were begun together are joined once, after the last of them, and of two "
    "processes that move one stage on at the same moment one does and the other one is told.",
)
def test_three_paths_are_joined_once_after_the_last(courses: Any) -> None:
    id_ = courses.start(three_ways())
    chains = courses.chains
    forked = chains.chain_advance(id_)
    assert forked.moves[0].entered == ["b", "c", "d"]
    error = refused(chains.chain_advance, id_)
    assert (error.exit, error.fix) == (6, f"cleo chain advance {id_} --stage b")
    for name in ("c", "b"):
        moved = chains.chain_advance(id_, stage=name)
        assert (moved.moves[0].entered, moved.moves[0].waiting) == ([], ["e"])
        assert moved.instance.waiting_stages == ["e"]
    last = chains.chain_advance(id_, stage="d")
    assert last.moves[0].entered == ["e"]
    assert last.instance.waiting_stages == []
    assert chains.chain_advance(id_).instance.status == "completed"
    assert courses.events(id_, "entered") == [("entered", one, None) for one in "abcde"]
    assert courses.events(id_, "waiting") == [("waiting", one, "e") for one in "cb"]
    assert courses.events(id_, "left")[0] == ("left", "a", None)
    assert courses.events(id_, "left")[1] == ("left", "c", "e")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.guarantee(
    "nexus-21",
    "Three paths that were begun together are joined once, after the last of them, and of two "
    "processes that move one stage on at the same moment one does and the other one is told.",
)
def test_of_two_processes_that_move_one_stage_one_wins(courses: Any, monkeypatch: Any) -> None:
    plugins = courses.elsewhere()
    validator(plugins, monkeypatch, "meets", lambda *_: (True, "both are there"))
    gates = [custom("both", "a", "meets")]
    id_ = courses.start(chain("a", "b", "c", gates=gates))
    courses.close()
    ready, go = os.pipe(), os.pipe()
    children = [_child(courses, monkeypatch, id_, ready, go) for _ in range(2)]
    for end in (ready[1], go[0]):
        os.close(end)
    # Both have asked their gates, and neither has recorded anything yet.
    for _ in children:
        assert os.read(ready[0], 1) == b"."
    os.write(go[1], b"..")
    exits = sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)
    assert exits == [0, 21]
    assert courses.events(id_) == [
        ("created", None, None),
        ("entered", "a", None),
        ("gate", "a", None),
        ("left", "a", "b"),
        ("entered", "b", None),
    ]
    assert courses.chains.chain_status(id_).active_stages == ["b"]
    audited = courses.rows(
        "SELECT success, error_code FROM nexus_audit_log WHERE action = 'nexus.chain.advance' "
        "ORDER BY success"
    )
    assert audited == [(0, "E_CONCURRENT_MODIFICATION"), (1, None)]


def _child(courses: Any, monkeypatch: Any, id_: str, ready: Any, go: Any) -> int:
    """A process that advances an instance, and waits for the other one inside of its gate."""
    pid = os.fork()
    if pid:
        return pid
    code = 99
    try:

        def meet(*_: Any) -> tuple[bool, str]:
            os.write(ready[1], b".")
            os.read(go[0], 1)
            return True, "both are there"

        validator(courses.elsewhere(), monkeypatch, "meets", meet)
        try:
            courses.chains.chain_advance(id_)
            code = 0
        except Exception as error:
            code = getattr(error, "exit", 98)
    finally:
        os._exit(code)


def test_a_change_of_an_instance_that_has_moved_is_refused(courses: Any, monkeypatch: Any) -> None:
    """Somebody else cancels it while its gates are asked."""
    rival = courses.app("web").service("nexus")
    id_ = courses.start(chain("a", "b", gates=[custom("g", "a", "slow")]))

    def cancel(*_: Any) -> tuple[bool, str]:
        rival.chain_cancel(id_, reason="not needed any more")
        return True, "fine"

    validator(courses.elsewhere(), monkeypatch, "slow", cancel)
    error = refused(courses.chains.chain_advance, id_)
    assert (error.exit, error.code) == (21, "E_CONCURRENT_MODIFICATION")
    assert courses.events(id_, "gate", "left") == []
    assert courses.chains.chain_status(id_).status == "cancelled"


def test_a_run_goes_on_from_where_somebody_else_moved_it(courses: Any, monkeypatch: Any) -> None:
    rival = courses.app("web").service("nexus")
    id_ = courses.start(chain("a", "b", "c", gates=[custom("g", "b", "slow")]))
    moved: list[str] = []

    def advance(*_: Any) -> tuple[bool, str]:
        if not moved:
            moved.append("b")
            rival.chain_advance(id_)
        return True, "fine"

    validator(rival.app, monkeypatch, "slow", advance)
    found = courses.chains.chain_run(id_)
    assert found.instance.status == "completed"
    assert [one.stage for one in found.moves] == ["a", "c"]
    assert courses.events(id_, "left") == [
        ("left", "a", "b"),
        ("left", "b", "c"),
        ("left", "c", None),
    ]


def test_a_branch_is_chosen_by_its_condition_or_by_name(courses: Any) -> None:
    branches = [
        link("a", "b", "branch", condition="size == 1"),
        link("a", "c", "branch", condition='size != 1 and kind == "bug"'),
        link("a", "d", "branch"),
    ]
    definition = chain(
        *"abcde",
        links=[*branches, *join("b", "c", "d", end="e")],
        variables={"size": {"type": "number", "default": 1}, "kind": {"type": "string"}},
    )
    small = courses.start(definition)
    bug = courses.start("work", words={"size": "2", "kind": "bug"})
    other = courses.start("work", words={"size": "2"})
    chains = courses.chains
    assert chains.chain_run(small).moves[0].entered == ["b"]
    assert chains.chain_advance(bug).moves[0].entered == ["c"]
    assert chains.chain_advance(bug).moves[0].entered == ["e"], "no other path can come"
    error = refused(chains.chain_advance, other)
    assert (error.exit, error.fix) == (6, f"cleo chain advance {other} --stage a --to b")
    stops = chains.chain_run(other).stops
    assert [(one.stage, one.reason) for one in stops] == [("a", "choice")]
    error = refused(chains.chain_advance, other, to="e")
    assert (error.exit, error.details["targets"]) == (78, ["b", "c", "d"])
    assert error.fix == f"cleo chain advance {other} --stage a --to b"
    assert refused(chains.chain_advance, other, to=["d"]).exit == 78
    assert chains.chain_advance(other, to="d").moves[0].entered == ["d"]
    assert refused(chains.chain_advance, small, stage="x").exit == 17


def test_all_ways_of_a_fork_are_taken_and_an_exit_leads_nowhere(courses: Any) -> None:
    id_ = courses.start(three_ways())
    chains = courses.chains
    assert refused(chains.chain_advance, id_, to="b").exit == 6
    assert refused(chains.chain_advance, id_, to="e").exit == 78
    assert refused(chains.chain_advance, id_, stage="b").exit == 6
    assert chains.chain_run(id_).instance.status == "completed"
    other = courses.start("work")
    chains.chain_advance(other)
    for name in "bcd":
        chains.chain_advance(other, stage=name)
    assert refused(chains.chain_advance, other, to="a").exit == 78


def test_only_a_skippable_active_stage_is_skipped_and_for_a_reason(courses: Any) -> None:
    stages = [stage("a", skippable=True), stage("b"), stage("c")]
    id_ = courses.start(chain(*stages, gates=[verified("g", "a")]))
    chains = courses.chains
    assert refused(chains.chain_skip, id_, "a").exit == 2
    for arguments in (("b",), ("x",), (["a"],)):
        assert refused(chains.chain_skip, id_, *arguments, reason="because").exit == 6
    for reason in (" ", "x" * 501, 7, "\0"):
        assert refused(chains.chain_skip, id_, "a", reason=reason).exit == 6
    moved = chains.chain_skip(id_, "a", reason="nothing to do")
    assert (moved.moves[0].skipped, moved.moves[0].entered, moved.gates) == (["a"], ["b"], [])
    assert refused(chains.chain_skip, id_, "b", reason="because").exit == 6
    rows = courses.rows(
        "SELECT stage_id, to_stage_id, reason FROM warp_instance_events WHERE type = 'skipped'"
    )
    assert rows == [("a", "b", "nothing to do")]


def test_stages_that_are_skipped_on_entry_lead_on_and_count_as_complete(courses: Any) -> None:
    skipped = {"skippable": True, "skip": True}
    stages = [stage("a"), stage("b", **skipped), stage("c", **skipped), stage("d"), stage("e")]
    links = [link("a", "b"), *fork("b", "c", "d"), *join("c", "d", end="e")]
    before = _courses["before"]("g", "e", {"type": "stage_complete", "stageId": "c"})
    id_ = courses.start(chain(*stages, links=links, gates=[verified("x", "c"), before]))
    moved = courses.chains.chain_advance(id_).moves[0]
    assert (moved.skipped, moved.entered, moved.waiting) == (["b", "c"], ["d"], ["e"])
    assert courses.chains.chain_run(id_).instance.status == "completed"
    assert courses.events(id_, "skipped") == [("skipped", "b", None), ("skipped", "c", "e")]


def test_a_stage_that_is_skipped_but_branches_waits_for_a_choice(courses: Any) -> None:
    stages = [stage("a"), stage("b", skippable=True, skip=True), stage("c"), stage("d")]
    links = [link("a", "b"), *(link("b", one, "branch") for one in "cd")]
    definition = chain(*stages, links=links, exitPoints=["c", "d"], gates=[verified("g", "b")])
    id_ = courses.start(definition)
    found = courses.chains.chain_run(id_)
    assert [(one.stage, one.reason) for one in found.stops] == [("b", "choice")]
    moved = courses.chains.chain_advance(id_, to="d")
    assert (moved.moves[0].skipped, moved.moves[0].entered, moved.gates) == (["b"], ["d"], [])


# Chains of any form against a plain interpreter


@st.composite
def shapes(draw: Any) -> dict[str, Any]:
    """A valid chain of up to nine stages; earlier ones lead to each but the first."""
    count = draw(st.integers(1, 9))
    ahead: dict[int, set[int]] = {at: set() for at in range(count)}
    for end in range(1, count):
        starts = st.sets(st.integers(0, end - 1), min_size=1, max_size=3)
        for start in draw(starts):
            ahead[start].add(end)
    links = []
    for start, ends in ahead.items():
        type_ = "linear" if len(ends) == 1 else draw(st.sampled_from(("fork", "branch")))
        links += [link(f"s{start}", f"s{end}", type_) for end in sorted(ends)]
    stages = []
    for at in range(count):
        skip = at > 0 and draw(st.integers(0, 4)) == 0
        stages.append(stage(f"s{at}", skippable=skip, skip=skip))
    exits = [f"s{at}" for at, ends in ahead.items() if not ends]
    definition: dict[str, Any] = chain(*stages, links=links, exitPoints=exits)
    return definition


class Plain:
    """The rules of moves, said in the plainest way: by sets, asked again until nothing changes."""

    def __init__(self, definition: dict[str, Any]) -> None:
        shape = definition["shape"]
        self.ahead: dict[str, list[str]] = {one["id"]: [] for one in shape["stages"]}
        self.kind: dict[str, str] = {}
        for one in shape["links"]:
            self.ahead[one["from"]].append(one["to"])
            self.kind[one["from"]] = one["type"]
        self.skip = {one["id"] for one in shape["stages"] if one["skip"]}
        self.active = {shape["entryPoint"]}
        self.arrived: set[str] = set()
        self.complete: set[str] = set()
        self.entered = [shape["entryPoint"]]

    def reaches(self, one: str, other: str) -> bool:
        return any(end == other or self.reaches(end, other) for end in self.ahead[one])

    def branches(self, one: str) -> bool:
        return self.kind.get(one) == "branch"

    def leave(self, one: str, to: str | None) -> None:
        self.active.discard(one)
        self.complete.add(one)
        self.arrived |= {to} if to is not None else set(self.ahead[one])
        while free := [
            stage
            for stage in self.arrived
            if not any(self.reaches(other, stage) for other in self.active | self.arrived)
        ]:
            stage = free[0]
            self.arrived.discard(stage)
            if stage in self.skip and not self.branches(stage):
                self.complete.add(stage)
                self.arrived |= set(self.ahead[stage])
            else:
                self.active.add(stage)
                self.entered.append(stage)


@settings(max_examples=60, deadline=None)
@given(shape=shapes(), data=st.data())
def test_chains_of_any_form_move_as_a_plain_interpreter_says(shape: Any, data: Any) -> None:
    chart, plain = Chart(parse_definition(shape), {}), Plain(shape)
    state = State((shape["shape"]["entryPoint"],))
    while plain.active:
        name = data.draw(st.sampled_from(sorted(plain.active)))
        to = data.draw(st.sampled_from(plain.ahead[name])) if plain.branches(name) else None
        if to is not None:
            with pytest.raises(ChoiceError):
                chart.move(state, name)
        move = chart.move(state, name, to)
        plain.leave(name, to)
        state = move.after
        assert set(state.active) == plain.active
        assert set(state.arrived) == plain.arrived
        assert state.complete == plain.complete
        assert move.completes is (not plain.active)
    assert len(plain.entered) == len(set(plain.entered)), "no stage is entered twice"
    assert not plain.arrived, "no path waits for ever"


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(shape=shapes(), data=st.data())
def test_stored_instances_move_as_a_plain_interpreter_says(
    courses: Any, shape: Any, data: Any
) -> None:
    number = courses.rows("SELECT COUNT(*) FROM warp_chains")[0][0]
    id_, plain = courses.start({**shape, "id": f"c{number}"}), Plain(shape)
    while plain.active:
        name = data.draw(st.sampled_from(sorted(plain.active)))
        to = data.draw(st.sampled_from(plain.ahead[name])) if plain.branches(name) else None
        moved = courses.chains.chain_advance(id_, stage=name, to=to).instance
        plain.leave(name, to)
        assert set(moved.active_stages) == plain.active
        assert set(moved.waiting_stages) == plain.arrived
    assert moved.status == "completed"
    entered = [stage for _, stage, _ in courses.events(id_, "entered")]
    assert sorted(entered) == sorted(plain.entered)
