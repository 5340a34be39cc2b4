"""Moving through the stages: entries, jumps, skips, ways back, force, and what follows."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome
from cleo_tasks.enums import STAGES
from cleo_tasks.service.lifecycle import definitions, editing
from cleo_tasks.service.work import Work

Cli = Callable[..., Outcome]
MODES = ("strict", "advisory", "off")
ENTERED = STAGES[:-1]


@pytest.fixture
def tasks(cleo_app: App) -> Any:
    service = cleo_app.service("tasks")
    service.add("The parser", type="epic")
    service.add("Tokens", parent="T001")
    service.add("Digits", parent="T002")
    return service


@pytest.fixture(params=MODES)
def by_mode(request: pytest.FixtureRequest, cleo_cli: Cli, cleo_open: Any) -> tuple[str, Any]:
    """A mode and a service in it, with the epic T001."""
    service = in_mode(cleo_cli, cleo_open, request.param)
    service.add("The parser", type="epic")
    return request.param, service


def in_mode(cleo_cli: Cli, cleo_open: Any, mode: str) -> Any:
    app = cleo_open()
    assert cleo_cli("config", "set", "tasks.lifecycle.mode", mode).code == 0
    return app.service("tasks")


def refusal(verb: Callable[[], Any]) -> CleoError:
    with pytest.raises(CleoError) as caught:
        verb()
    assert caught.value.fix
    return caught.value


def state(tasks: Any, id_: str = "T001") -> dict[str, Any]:
    """Stage -> status, for those that are not as in the beginning."""
    found = tasks.lifecycle_show(id_).stages
    return {one.stage_name: one.status for one in found if one.status != "not_started"}


def attempts(tasks: Any, id_: str = "T001") -> dict[str, int]:
    found = tasks.lifecycle_show(id_).stages
    return {one.stage_name: one.attempt for one in found if one.attempt > 1}


def moves(tasks: Any, id_: str = "T001") -> list[tuple[str | None, str, str]]:
    found = tasks.lifecycle_show(id_).transitions
    return [(one.from_stage, one.to_stage, one.transition_type) for one in found]


def warned(tasks: Any) -> set[str]:
    found = {one["code"] for one in tasks.app.warnings}
    tasks.app.warnings.clear()
    return found


def pass_gates(tasks: Any, stage: str, id_: str = "T001") -> None:
    for gate in definitions.BY_NAME[stage].gates:
        tasks.lifecycle_gate(id_, gate, "pass")


def reach(tasks: Any, stage: str, id_: str = "T001") -> None:
    """Go to a stage through all before it, by the rules."""
    found = tasks.lifecycle_start(id_)
    while found.pipeline.current_stage != stage:
        pass_gates(tasks, found.pipeline.current_stage, id_)
        found = tasks.lifecycle_complete(id_, advance=True)


def audit(tasks: Any, kind: str = "pipeline") -> list[dict[str, Any]]:
    rows = tasks.app.store("tasks").read(
        "SELECT * FROM audit_log WHERE entity_kind = :kind ORDER BY id", kind=kind
    )
    for row in rows:
        for name in ("before", "after", "details"):
            row[name] = json.loads(row[f"{name}_json"] or "null")
    return rows


# The definitions


def test_the_stages_are_those_of_the_lifecycle(cleo_cli: Cli, cleo_project: Any) -> None:
    data = cleo_cli("lifecycle", "stages").data
    assert [(one["sequence"], one["stageName"], one["skippable"]) for one in data] == [
        (1, "research", False),
        (2, "consensus", True),
        (3, "architecture_decision", True),
        (4, "specification", False),
        (5, "decomposition", False),
        (6, "implementation", False),
        (7, "validation", False),
        (8, "testing", False),
        (9, "release", True),
        (10, "contribution", False),
    ]
    needs = {one["stageName"]: "".join(name[:2] for name in one["prerequisites"]) for one in data}
    assert list(needs.values()) == [
        *("", "re", "reco", "recoar", "resp", "respde", "im", "imva", "imvate", ""),
    ]
    gates = {one["stageName"]: one["gates"] for one in data}
    assert gates["consensus"] == ["research-complete", "agreement-reached"]
    assert gates["architecture_decision"] == ["decisions-documented", "review-completed"]
    assert gates["specification"] == ["spec-complete", "spec-reviewed"]
    assert gates["decomposition"] == ["tasks-created", "dependencies-mapped"]
    assert gates["implementation"] == ["code-complete", "lint-passing"]
    assert gates["validation"] == ["static-analysis-pass", "type-check-pass"]
    assert gates["testing"] == ["tests-pass", "coverage-met"]
    assert gates["release"] == ["version-bumped", "changelog-updated", "artifacts-published"]
    assert (gates["research"], gates["contribution"]) == ([], [])
    assert data[0]["computedGates"] == ["prerequisites-met"]
    page = cleo_cli("lifecycle", "stages", "--limit", "2", "--offset", "1")
    assert [one["sequence"] for one in page.data] == [2, 3]
    assert page.page == {"limit": 2, "offset": 1, "total": 10, "hasMore": True}


# Starting


@pytest.mark.guarantee(
    "tasks-20", "A lifecycle of a missing task or a subtask is refused and makes nothing"
)
def test_a_lifecycle_belongs_to_an_epic_or_a_task_that_is_there(tasks: Any) -> None:
    before = len(audit(tasks)), len(audit(tasks, "task"))
    assert refusal(lambda: tasks.lifecycle_start("T999")).exit == 4
    subtask = refusal(lambda: tasks.lifecycle_start("T003"))
    assert (subtask.exit, subtask.fix) == (4, "cleo lifecycle start T002")
    assert not tasks.exists("T999")
    for verb in (
        lambda: tasks.lifecycle_show("T001"),
        lambda: tasks.lifecycle_complete("T001"),
        lambda: tasks.lifecycle_history("T001"),
        lambda: tasks.lifecycle_start("T001", if_version=1),
    ):
        error = refusal(verb)
        assert (error.exit, error.fix) == (4, "cleo lifecycle start T001")
    assert (len(audit(tasks)), len(audit(tasks, "task"))) == before
    assert tasks.lifecycle_start("T002").pipeline.current_stage == "research"


@pytest.mark.guarantee("tasks-20", "A pipeline begins with its ten stages and one move")
def test_starting_makes_ten_stages_and_one_transition(tasks: Any) -> None:
    version = tasks.show("T002")[0].version
    found = tasks.lifecycle_start("T002")
    assert [one.stage_name for one in found.stages] == list(STAGES)
    assert [one.sequence for one in found.stages] == list(range(1, 11))
    assert moves(tasks, "T002") == [(None, "research", "manual")]
    assert (found.pipeline.id, found.pipeline.version) == ("pl_T002", 1)
    task = tasks.show("T002")[0]
    assert task.pipeline_stage == "research"
    assert task.pipeline == {"id": "pl_T002", "status": "active", "stage": "research"}
    # The task was in that stage already, by its epic, and so did not change.
    assert task.version == version
    (row,) = audit(tasks)
    assert (row["action"], row["entity_id"], row["before"]) == ("pipeline.start", "pl_T002", None)
    assert row["after"]["current_stage_id"] == "pl_T002/research"
    assert len(row["after"]["stages"]) == 10


@pytest.mark.guarantee(
    "tasks-20", "From research to release, each move is one transition and the task follows it"
)
def test_a_pipeline_goes_the_whole_way(tasks: Any) -> None:
    tasks.lifecycle_start("T001")
    for number, stage in enumerate(ENTERED, 1):
        found = tasks.lifecycle_show("T001")
        assert found.pipeline.current_stage == stage
        assert tasks.show("T001")[0].pipeline_stage == stage
        assert len(found.transitions) == number
        assert len(found.stages) == 10
        pass_gates(tasks, stage)
        version = tasks.lifecycle_show("T001").pipeline.version
        after = tasks.lifecycle_complete("T001", advance=True)
        assert after.pipeline.version == version + 1
    assert moves(tasks) == [
        (None, "research", "manual"),
        *((before, after, "automatic") for before, after in pairwise(ENTERED)),
    ]
    assert (after.pipeline.status, after.pipeline.completed_at is not None) == ("completed", True)
    assert warned(tasks) == {"W_LAST_STAGE"}
    assert refusal(lambda: tasks.lifecycle_start("T001")).exit == 102
    # The epic is completed with its children, now that its pipeline is.
    assert tasks.complete("T003")[0].auto_completed == ["T002", "T001"]


def test_a_stage_has_many_spellings_and_a_wrong_one_is_refused(tasks: Any) -> None:
    tasks.lifecycle_start("T001")
    for word in ("adr", "Architecture-Decision", " spec ", "decompose", "test", "VERIFY"):
        assert refusal(lambda word=word: tasks.lifecycle_start("T001", word)).exit in (80, 83)
    for bad in ("party", "", 3, None, ["research"], "re\0search", "\ud800"):
        error = refusal(lambda bad=bad: tasks.lifecycle_back("T001", bad, reason="x"))
        assert (error.exit, error.fix) == (6, "cleo lifecycle stages")


@pytest.mark.guarantee(
    "tasks-21", "A stage is entered when what comes before is complete; the mode says what if not"
)
def test_an_entry_without_its_prerequisites(by_mode: tuple[str, Any]) -> None:
    mode, tasks = by_mode
    for stage in ENTERED[1:]:
        fixed = [
            name
            for name in definitions.prerequisites(stage)
            if not definitions.BY_NAME[name].skippable
        ]
        id_ = tasks.add("x", allow_duplicate=True).task.id
        if mode == "strict":
            error = refusal(lambda i=id_, to=stage: tasks.lifecycle_start(i, to))
            assert (error.exit, error.code) == (80, "E_GATE_UNMET")
            assert error.details["prerequisites"] == fixed
            assert all(name in error.message for name in fixed)
            assert error.fix == f"cleo lifecycle start {id_} {fixed[0]}"
            assert refusal(lambda i=id_: tasks.lifecycle_show(i)).exit == 4
            continue
        found = tasks.lifecycle_start(id_, stage)
        assert found.pipeline.current_stage == stage
        assert warned(tasks) == ({"W_GATE_UNMET"} if mode == "advisory" else set())
        assert moves(tasks, id_) == [(None, stage, "manual")]
        assert tasks.show(id_)[0].pipeline_stage == stage


@pytest.mark.guarantee(
    "tasks-21", "A jump forward leaves out what may be left out, and nothing else, in every mode"
)
def test_a_jump_forward(by_mode: tuple[str, Any]) -> None:
    mode, tasks = by_mode
    tasks.lifecycle_start("T001")
    for stage in ("decomposition", "implementation", "testing", "release"):
        error = refusal(lambda stage=stage: tasks.lifecycle_start("T001", stage))
        assert (error.exit, error.code) == (83, "E_STAGE_ORDER")
        assert "specification" in error.message
        assert error.fix == "cleo lifecycle complete T001"
    tasks.lifecycle_complete("T001")
    error = refusal(lambda: tasks.lifecycle_start("T001", "decomposition"))
    assert (error.exit, error.fix) == (83, "cleo lifecycle start T001 specification")
    tasks.lifecycle_start("T001", "specification", reason="it is small")
    assert state(tasks) == {
        "research": "completed",
        "consensus": "skipped",
        "architecture_decision": "skipped",
        "specification": "in_progress",
    }
    skipped = [one for one in tasks.lifecycle_show("T001").stages if one.status == "skipped"]
    assert {one.skip_reason for one in skipped} == {"it is small"}
    assert moves(tasks)[1:] == [("research", "specification", "manual")]
    assert warned(tasks) == set(), mode


def test_a_stage_that_is_passed_over_says_why(tasks: Any) -> None:
    tasks.lifecycle_start("T001")
    tasks.lifecycle_complete("T001")
    found = tasks.lifecycle_start("T001", "adr")
    assert found.stages[1].skip_reason == "passed over on the way to architecture_decision"


def test_the_current_stage_is_not_entered_again(tasks: Any) -> None:
    tasks.lifecycle_start("T001")
    for verb in (
        lambda: tasks.lifecycle_start("T001"),
        lambda: tasks.lifecycle_start("T001", "research"),
    ):
        error = refusal(verb)
        assert (error.exit, error.fix) == (102, "cleo lifecycle complete T001")
    tasks.lifecycle_set("T001", "blocked", reason="no licence")
    error = refusal(lambda: tasks.lifecycle_start("T001"))
    assert (error.exit, error.fix) == (83, "cleo lifecycle set T001 in_progress")
    tasks.lifecycle_set("T001", "in_progress")
    tasks.lifecycle_complete("T001")
    assert refusal(lambda: tasks.lifecycle_start("T001", "research")).exit == 83
    again = tasks.lifecycle_start("T001", "research", force=True, reason="new sources")
    assert (again.stages[0].status, again.stages[0].attempt) == ("in_progress", 2)
    assert moves(tasks)[-1] == (None, "research", "forced")


def test_contribution_is_never_entered(by_mode: tuple[str, Any]) -> None:
    _, tasks = by_mode
    for force in (False, True):
        error = refusal(
            lambda force=force: tasks.lifecycle_start(
                "T001", "contribution", force=force, reason="x"
            )
        )
        assert error.exit == 83
        assert "lifecycle complete T001 contribution" in error.fix
    assert refusal(lambda: tasks.lifecycle_show("T001")).exit == 4


def test_a_task_is_not_ahead_of_its_epic(tasks: Any) -> None:
    tasks.lifecycle_start("T001")
    tasks.lifecycle_start("T002")
    tasks.lifecycle_complete("T002")
    error = refusal(lambda: tasks.lifecycle_start("T002"))
    assert (error.exit, error.fix) == (83, "cleo lifecycle show T001")
    tasks.lifecycle_start("T002", force=True, reason="it cannot wait")
    tasks.lifecycle_set("T001", "failed", reason="no result")
    assert refusal(lambda: tasks.add("x", parent="T001", stage="testing")).exit == 83
    tasks.lifecycle_abort("T001", reason="no lifecycle after all")
    tasks.add("x", parent="T001", stage="testing")


# Skipping


@pytest.mark.guarantee("tasks-21", "Only a stage that may be left out is skipped, for a reason")
def test_skipping(by_mode: tuple[str, Any]) -> None:
    _, tasks = by_mode
    tasks.lifecycle_start("T001")
    assert refusal(lambda: tasks.lifecycle_skip("T001", "consensus")).exit == 84
    assert refusal(lambda: tasks.lifecycle_skip("T001", "consensus", reason=" ")).exit == 84
    for stage in ("research", "specification", "implementation", "testing"):
        error = refusal(lambda stage=stage: tasks.lifecycle_skip("T001", stage, reason="x"))
        assert (error.exit, error.code) == (83, "E_STAGE_ORDER")
    for force in (False, True):
        error = refusal(
            lambda force=force: tasks.lifecycle_skip(
                "T001", "contribution", reason="x", force=force
            )
        )
        assert error.exit == 83
    tasks.lifecycle_skip("T001", "consensus", reason="one person decides")
    assert state(tasks) == {"research": "in_progress", "consensus": "skipped"}
    assert refusal(lambda: tasks.lifecycle_skip("T001", "consensus", reason="x")).exit == 102
    assert len(moves(tasks)) == 1
    tasks.lifecycle_skip("T001", "research", reason="known ground", force=True)
    assert audit(tasks)[-1]["forced"]
    assert tasks.lifecycle_start("T001").pipeline.current_stage == "architecture_decision"
    skipped = tasks.lifecycle_skip("T001", reason="nothing to decide")
    assert skipped.pipeline.current_stage == "architecture_decision"
    assert refusal(lambda: tasks.lifecycle_complete("T001")).exit == 83


def test_skipping_release_ends_the_pipeline_and_waits_for_the_tests(
    by_mode: tuple[str, Any],
) -> None:
    mode, tasks = by_mode
    reach(tasks, "testing")
    if mode == "strict":
        error = refusal(lambda: tasks.lifecycle_skip("T001", "release", reason="a library"))
        assert (error.exit, error.fix) == (80, "cleo lifecycle complete T001")
        pass_gates(tasks, "testing")
        tasks.lifecycle_complete("T001")
    found = tasks.lifecycle_skip("T001", "release", reason="a library")
    assert warned(tasks) == ({"W_GATE_UNMET"} if mode == "advisory" else set())
    assert (found.pipeline.status, found.pipeline.current_stage) == ("completed", "testing")
    assert refusal(lambda: tasks.lifecycle_set("T001", "failed", reason="x")).exit == 83
    if mode == "strict":
        again = tasks.lifecycle_back("T001", "implementation", reason="a bug")
        assert (again.pipeline.status, again.pipeline.completed_at) == ("active", None)
        assert state(tasks)["implementation"] == "in_progress"
        assert "release" not in state(tasks)


# Ways back


@pytest.mark.guarantee(
    "tasks-21", "Three ways lead back for a reason; every other one is refused unless it is forced"
)
def test_every_way_back(by_mode: tuple[str, Any]) -> None:
    mode, tasks = by_mode
    known = {
        ("validation", "implementation"),
        ("testing", "validation"),
        ("testing", "implementation"),
    }
    for source in ENTERED if mode == "strict" else ("validation", "testing"):
        for to in ENTERED[: ENTERED.index(source)]:
            id_ = tasks.add("x", allow_duplicate=True).task.id
            tasks.lifecycle_start(id_, source, force=True, reason="adopted")
            assert refusal(lambda i=id_, t=to: tasks.lifecycle_back(i, t)).exit == 84
            assert refusal(lambda i=id_, t=to: tasks.lifecycle_start(i, t, reason="x")).exit == 83
            if (source, to) in known:
                tasks.lifecycle_back(id_, to, reason="it fails")
                kind = "manual"
            else:
                error = refusal(lambda i=id_, t=to: tasks.lifecycle_back(i, t, reason="x"))
                assert error.exit == 83
                assert error.fix == f"cleo lifecycle back {id_} {to} --force --reason TEXT"
                tasks.lifecycle_back(id_, to, reason="it fails", force=True)
                kind = "forced"
            assert moves(tasks, id_)[-1] == (source, to, kind)
            assert tasks.show(id_)[0].pipeline_stage == to
            assert state(tasks, id_)[to] == "in_progress"
            assert source not in state(tasks, id_)
    assert refusal(lambda: tasks.lifecycle_back(id_, "release", reason="x", force=True)).exit == 83


@pytest.mark.guarantee("tasks-22", "After going back, stages are due again in another attempt")
def test_going_back_reopens_what_lies_between(tasks: Any) -> None:
    reach(tasks, "testing")
    tasks.lifecycle_gate("T001", "tests-pass", "fail", reason="two of forty")
    found = tasks.lifecycle_back("T001", "implementation", reason="two tests fail")
    assert attempts(tasks) == {"implementation": 2, "validation": 2, "testing": 2}
    assert [state(tasks).get(one) for one in ("implementation", "validation", "testing")] == [
        "in_progress",
        None,
        None,
    ]
    assert found.transitions[-1].reason == "two tests fail"
    error = refusal(lambda: tasks.lifecycle_complete("T001"))
    assert (error.exit, error.details["gates"]) == (80, ["code-complete", "lint-passing"])
    assert found.gates["tests-pass"].result is None
    assert [(one.result, one.counts) for one in found.gates["tests-pass"].results] == [
        ("fail", False)
    ]
    reach_again = [tasks.lifecycle_show("T001").pipeline.current_stage]
    while reach_again[-1] != "testing":
        pass_gates(tasks, reach_again[-1])
        reach_again.append(tasks.lifecycle_complete("T001", advance=True).pipeline.current_stage)
    assert reach_again == ["implementation", "validation", "testing"]


# Force


@pytest.mark.guarantee(
    "tasks-21", "A forced move needs a reason and is called forced in the move and in the log"
)
def test_force_needs_a_reason_and_is_recorded(by_mode: tuple[str, Any]) -> None:
    mode, tasks = by_mode
    for reason in (None, "", "  "):
        error = refusal(
            lambda reason=reason: tasks.lifecycle_start(
                "T001", "testing", force=True, reason=reason
            )
        )
        assert (error.exit, error.code) == (84, "E_REASON_REQUIRED")
    found = tasks.lifecycle_start("T001", "testing", force=True, reason="inherited")
    (move,) = found.transitions
    assert (move.transition_type, move.reason) == ("forced", "inherited")
    assert warned(tasks) == (set() if mode == "off" else {"W_GATE_UNMET"})
    pipeline, task = audit(tasks)[-1], audit(tasks, "task")[-1]
    assert (pipeline["forced"], pipeline["reason"]) == (True, "inherited")
    assert (task["forced"], task["reason"]) == (True, "inherited")
    assert task["after"] == {"pipeline_stage": "testing"}
    assert pipeline["details"]["passed"][0]["code"] == "E_GATE_UNMET"
    if mode == "strict":
        error = refusal(lambda: tasks.lifecycle_complete("T001", advance=True))
        assert (error.exit, error.details["gates"]) == (80, ["tests-pass", "coverage-met"])
    tasks.lifecycle_complete("T001", advance=True, force=True, reason="seen by hand")
    assert moves(tasks)[-1] == ("testing", "release", "forced")


# Sessions and scope


@pytest.mark.guarantee(
    "tasks-21", "An agent whose session holds only a child does not move the epic, in any mode"
)
@pytest.mark.parametrize("enforce", ["off", "block"])
def test_a_session_on_a_child_does_not_move_the_epic(
    by_mode: tuple[str, Any], cleo_cli: Cli, enforce: str
) -> None:
    _, tasks = by_mode
    tasks.add("Tokens", parent="T001")
    tasks.lifecycle_start("T001")
    cleo_cli("config", "set", "tasks.session.enforce", enforce)
    assert cleo_cli("session", "start", "--scope", "task:T002", agent="sub").code == 0
    tries = (
        ("start", "T001", "consensus"),
        ("complete", "T001"),
        ("complete", "T001", "--force", "--reason", "x"),
        ("skip", "T001", "consensus", "--reason", "x"),
        ("set", "T001", "blocked", "--reason", "x"),
        ("abort", "T001", "--reason", "x"),
    )
    for words in tries:
        error = cleo_cli("lifecycle", *words, agent="sub").error
        assert (error["exit"], error["code"]) == (34, "E_OUT_OF_SCOPE")
    assert state(tasks) == {"research": "in_progress"}
    assert cleo_cli("lifecycle", "show", "T001", agent="sub").code == 0
    assert cleo_cli("lifecycle", "start", "T002", agent="sub").code == 0
    assert cleo_cli("session", "start", "--scope", "epic:T001", agent="lead").code == 0
    move = cleo_cli("lifecycle", "complete", "T001", "--advance", agent="lead").data
    assert move["transitions"][-1]["transitionedBy"] == "lead"
    assert move["transitions"][-1]["sessionId"].startswith("ses_")


def test_two_narrow_sessions_reach_no_further_than_one(tasks: Any, cleo_cli: Cli) -> None:
    tasks.add("Grammar", parent="T001")
    for scope in ("task:T002", "task:T004"):
        assert cleo_cli("session", "start", "--scope", scope, agent="sub").code == 0
    assert cleo_cli("lifecycle", "start", "T001", agent="sub").code == 34
    assert cleo_cli("lifecycle", "start", "T004", agent="sub").code == 0
    suspended = cleo_cli("session", "start", "--scope", "task:T002", agent="other").data["id"]
    assert cleo_cli("session", "suspend", agent="other").code == 0
    named = cleo_cli("lifecycle", "start", "T001", "--session", suspended, agent="other")
    assert named.code == 34


# Status of stages and pipelines


@pytest.mark.parametrize(
    ("before", "to", "allowed"),
    [
        ("in_progress", "blocked", True),
        ("in_progress", "failed", True),
        ("blocked", "in_progress", True),
        ("blocked", "failed", True),
        ("failed", "in_progress", True),
        ("failed", "blocked", False),
        ("completed", "failed", False),
        ("completed", "in_progress", False),
    ],
)
def test_a_stage_is_set_and_its_pipeline_follows(
    tasks: Any, before: str, to: str, allowed: bool
) -> None:
    tasks.lifecycle_start("T001")
    if before == "completed":
        tasks.lifecycle_complete("T001")
    elif before != "in_progress":
        tasks.lifecycle_set("T001", before, reason="no licence")
    if not allowed:
        assert refusal(lambda: tasks.lifecycle_set("T001", to, reason="x")).exit == 83
        return
    if to != "in_progress":
        assert refusal(lambda: tasks.lifecycle_set("T001", to)).exit == 84
    found = tasks.lifecycle_set("T001", to, "research", reason="the parser")
    stage = found.stages[0]
    assert stage.status == to
    assert stage.block_reason == (None if to == "in_progress" else "the parser")
    assert (stage.blocked_at is not None) == (to == "blocked")
    assert found.pipeline.status == ("active" if to == "in_progress" else to)
    assert refusal(lambda: tasks.lifecycle_set("T001", to, reason="x")).exit == 102
    assert len(found.transitions) == 1


def test_what_set_does_not_do_names_the_verb_that_does(tasks: Any, cleo_cli: Cli) -> None:
    tasks.lifecycle_start("T001")
    for word, verb in (("completed", "complete"), ("skipped", "skip"), ("not_started", "back")):
        error = refusal(lambda word=word: tasks.lifecycle_set("T001", word))
        assert (error.exit, error.fix) == (6, f"cleo lifecycle {verb} T001")
    assert refusal(lambda: tasks.lifecycle_set("T001", "done", reason="x")).exit == 6
    assert refusal(lambda: tasks.lifecycle_set("T001", "failed", "spec", reason="x")).exit == 83
    one = cleo_cli("lifecycle", "set", "T001", "research", "blocked", "--reason", "x")
    assert one.data["stages"][0]["status"] == "blocked"
    other = cleo_cli("lifecycle", "set", "T001", "in_progress", "research")
    assert other.data["stages"][0]["status"] == "in_progress"
    assert cleo_cli("lifecycle", "set", "T001", "a", "b", "c").code == 2


def test_a_failed_stage_holds_up_the_next_by_mode(by_mode: tuple[str, Any]) -> None:
    mode, tasks = by_mode
    tasks.lifecycle_start("T001")
    tasks.lifecycle_set("T001", "failed", reason="nothing found")
    if mode == "strict":
        error = refusal(lambda: tasks.lifecycle_start("T001", "consensus"))
        assert (error.exit, error.fix) == (80, "cleo lifecycle set T001 in_progress")
        return
    found = tasks.lifecycle_start("T001", "consensus")
    assert (found.pipeline.status, found.stages[0].status) == ("active", "failed")
    # The stage that was left behind can still be mended, and the pipeline does not move.
    tasks.lifecycle_set("T001", "in_progress", "research")
    error = refusal(lambda: tasks.lifecycle_complete("T001", "research", advance=True))
    assert error.exit == 83
    found = tasks.lifecycle_complete("T001", "research")
    assert (found.pipeline.current_stage, found.stages[0].status) == ("consensus", "completed")


def test_aborting_a_pipeline(tasks: Any) -> None:
    tasks.lifecycle_start("T002")
    assert refusal(lambda: tasks.lifecycle_abort("T002")).exit == 84
    found = tasks.lifecycle_abort("T002", reason="the plan changed")
    assert found.pipeline.status == "aborted"
    assert audit(tasks)[-1]["reason"] == "the plan changed"
    assert refusal(lambda: tasks.lifecycle_abort("T002", reason="x")).exit == 102
    for verb in (
        lambda: tasks.lifecycle_complete("T002"),
        lambda: tasks.lifecycle_complete("T002", force=True, reason="x"),
        lambda: tasks.lifecycle_gate("T002", "spec-complete", "pass"),
        lambda: tasks.lifecycle_set("T002", "failed", reason="x"),
        lambda: tasks.lifecycle_skip("T002", "consensus", reason="x"),
        lambda: tasks.lifecycle_start("T002", "research"),
        lambda: tasks.lifecycle_start("T002"),
    ):
        assert refusal(verb).exit == 83
    tasks.complete("T003")
    assert tasks.show("T002")[0].status == "done"
    tasks.reopen("T001", "T002")
    assert tasks.show("T002")[0].pipeline_stage == "research"
    back = tasks.lifecycle_start("T002", force=True, reason="the plan is back")
    assert (back.pipeline.status, back.pipeline.current_stage) == ("active", "research")


@pytest.mark.guarantee("tasks-16", "The pipeline of a closed task stands still until it reopens")
def test_the_pipeline_of_a_closed_task_does_not_move(tasks: Any) -> None:
    reach(tasks, "implementation", "T002")
    for close, undo, verb in (
        ("cancel", "reopen", "reopen"),
        ("delete", "unarchive", "unarchive"),
    ):
        getattr(tasks, close)("T002", children="cascade")
        for move in (
            lambda: tasks.lifecycle_complete("T002", force=True, reason="x"),
            lambda: tasks.lifecycle_start("T002", "validation", force=True, reason="x"),
            lambda: tasks.lifecycle_back("T002", "research", force=True, reason="x"),
            lambda: tasks.lifecycle_gate("T002", "code-complete", "pass"),
            lambda: tasks.lifecycle_abort("T002", reason="x"),
        ):
            error = refusal(move)
            assert (error.exit, error.fix) == (6, f"cleo {verb} T002")
        getattr(tasks, undo)("T002")
        task = tasks.show("T002")[0]
        assert (task.pipeline_stage, task.pipeline["status"]) == ("implementation", "active")
    fresh = tasks.add("x").task.id
    tasks.cancel(fresh)
    assert refusal(lambda: tasks.lifecycle_start(fresh)).exit == 6
    assert "pipeline" not in tasks.show(fresh)[0].__dict__ or tasks.show(fresh)[0].pipeline is None


@pytest.mark.guarantee("tasks-22", "The purge of a task takes the records of its pipeline along")
def test_purging_a_task_takes_its_pipeline_along(tasks: Any, cleo_app: App) -> None:
    reach(tasks, "specification", "T002")
    tasks.lifecycle_gate("T002", "spec-complete", "pass", evidence=["url:https://example.org/"])
    tasks.delete("T002", children="cascade")
    tasks.delete("T003", purge=True)
    tasks.delete("T002", purge=True)
    db = cleo_app.store("tasks")
    for table in ("pipelines", "stages", "transitions", "gate_results", "evidence"):
        assert db.scalar(f"SELECT count(*) FROM lifecycle_{table}") == 0


# Versions and keys


@pytest.mark.guarantee("tasks-21", "A move that was based on an older pipeline is refused")
def test_a_pipeline_that_moved_on_is_not_moved(tasks: Any) -> None:
    tasks.lifecycle_start("T001")
    tasks.lifecycle_complete("T001", if_version=1)
    for verb in (
        lambda: tasks.lifecycle_start("T001", if_version=1),
        lambda: tasks.lifecycle_complete("T001", if_version=1),
        lambda: tasks.lifecycle_skip("T001", "consensus", reason="x", if_version=1),
        lambda: tasks.lifecycle_back("T001", "research", reason="x", if_version=1),
        lambda: tasks.lifecycle_set("T001", "failed", reason="x", if_version=1),
        lambda: tasks.lifecycle_gate("T001", "spec-complete", "pass", if_version=1),
        lambda: tasks.lifecycle_abort("T001", reason="x", if_version=1),
    ):
        error = refusal(verb)
        assert (error.exit, error.fix) == (21, "cleo lifecycle show T001")
        assert error.details["version"] == 2
        assert error.details["expected"] == 1
        assert error.details["current"]["status"] == "active"
    assert tasks.lifecycle_start("T001", if_version=2).pipeline.version == 3


def test_the_version_is_compared_in_the_statement_that_sets_it(tasks: Any, cleo_app: App) -> None:
    tasks.lifecycle_start("T001")

    def body(work: Work) -> None:
        edit = editing.begin(work, "T001")
        edit.change("research", output_file="x")
        work.execute("UPDATE lifecycle_pipelines SET version = version + 1")
        edit.finish()

    error = refusal(lambda: _write(cleo_app, body))
    assert error.exit == 21
    assert tasks.lifecycle_show("T001").pipeline.version == 1


def _write(app: App, body: Callable[[Work], None]) -> None:
    app.write("tasks", lambda unit: body(Work(unit, app, "pipeline.test")))


def test_the_same_key_moves_once(tasks: Any) -> None:
    first = tasks.lifecycle_start("T001", idempotency_key="k")
    again = tasks.lifecycle_start("T001", idempotency_key="k")
    assert again == first
    assert refusal(lambda: tasks.lifecycle_start("T002", idempotency_key="k")).exit == 6
    tasks.lifecycle_complete("T001", advance=True)
    one = tasks.lifecycle_gate("T001", "research-complete", "pass", idempotency_key="g")
    assert tasks.lifecycle_gate("T001", "research-complete", "pass", idempotency_key="g") == one
    assert len(tasks.lifecycle_gate_history("T001")[0]) == 1


# Beside other verbs


def test_update_leaves_the_stage_of_a_pipeline_to_the_lifecycle(tasks: Any) -> None:
    reach(tasks, "specification")
    error = refusal(lambda: tasks.update("T001", stage="research"))
    assert (error.exit, error.fix) == (83, "cleo lifecycle back T001 research --reason TEXT")
    error = refusal(lambda: tasks.update("T001", stage="testing"))
    assert (error.exit, error.fix) == (83, "cleo lifecycle start T001 testing")
    tasks.start("T001")
    assert tasks.show("T001")[0].pipeline_stage == "specification"


@pytest.mark.guarantee("tasks-16", "An import that changes tasks leaves their pipelines in step")
def test_an_import_does_not_move_a_pipeline(
    cleo_cli: Cli, cleo_project: Any, cleo_open: Any
) -> None:
    path = cleo_project / "tasks.json"

    def bring(status: str, **more: str) -> None:
        row = {"id": "T900", "title": "From before", "status": status, "pipelineStage": "testing"}
        path.write_text(json.dumps([{**row, **more}]))
        outcome = cleo_cli("import", "cleo", str(path), "--update")
        assert outcome.code == 0, outcome

    bring("pending")
    assert cleo_cli("lifecycle", "start", "T001", "research").code == 0
    tasks = cleo_open().service("tasks")
    for status, stage, pipeline in (
        ("active", "research", "active"),
        ("cancelled", "cancelled", "cancelled"),
        ("pending", "research", "active"),
    ):
        times = {"cancelledAt": "2026-01-01T00:00:00Z"} if status == "cancelled" else {}
        bring(status, **times)
        task = tasks.show("T001")[0]
        assert (task.status, task.pipeline_stage) == (status, stage)
        assert task.pipeline["status"] == pipeline


def test_history_is_paged(tasks: Any, cleo_cli: Cli) -> None:
    reach(tasks, "decomposition")
    page = cleo_cli("lifecycle", "history", "T001", "--limit", "2", "--offset", "1")
    assert [(one["fromStage"], one["toStage"]) for one in page.data] == [
        ("research", "consensus"),
        ("consensus", "architecture_decision"),
    ]
    assert page.page == {"limit": 2, "offset": 1, "total": 5, "hasMore": True}
    gates = cleo_cli("lifecycle", "history", "T001", "--gates", "--limit", "1")
    assert gates.data[0]["gateName"] == "research-complete"
    assert gates.page["total"] == 6


def test_people_read_where_a_pipeline_stands(tasks: Any, cleo_cli: Cli) -> None:
    started = cleo_cli("lifecycle", "start", "T001", "--human")
    assert started.out == "T001: active, in research (in_progress)\n"
    advanced = cleo_cli("lifecycle", "complete", "T001", "--advance", "--human")
    assert "gates before it is complete: research-complete, agreement-reached" in advanced.out
    cleo_cli("lifecycle", "gate", "T001", "agreement-reached", "fail", "--reason", "[b]no[/b]")
    cleo_cli("lifecycle", "set", "T001", "blocked", "--reason", "[red]licence[/red]")
    shown = cleo_cli("lifecycle", "show", "T001", "--human").out
    assert "held up: [red]licence[/red]" in shown
    assert "gate agreement-reached: fail (recorded: fail in attempt 1)" in shown
    assert "[b]no[/b]" in cleo_cli("lifecycle", "history", "T001", "--gates", "--human").out
    assert "automatic" in cleo_cli("lifecycle", "history", "T001", "--human").out
    assert "prerequisites-met" in cleo_cli("lifecycle", "stages", "--human").out
    assert "cleo lifecycle show T001" in cleo_cli("show", "T001", "--human").out
    assert cleo_cli("lifecycle", "show", "T001", "--quiet").out == "T001\n"
