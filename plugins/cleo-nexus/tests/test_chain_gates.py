"""Gates: what each kind looks at, what blocks, and what may be forced."""

from __future__ import annotations

import json
import os
import runpy
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_courses = runpy.run_path(str(Path(__file__).with_name("courses.py")))
Courses, refused, verified, gate = (
    _courses[name] for name in ("Courses", "refused", "verified", "gate")
)
custom, validator, chain, before = (
    _courses[name] for name in ("custom", "validator", "chain", "before")
)
behind = _courses["behind"]


@pytest.fixture
def courses(cleo_home: Path) -> Iterator[Any]:
    folder = cleo_home / "projects"
    folder.mkdir()
    made = Courses(folder)
    made.once("web", lambda: made.project("web", titles=1))
    yield made
    made.close()


def artifact(type_: str = "note", path: str | None = None) -> dict[str, Any]:
    check = {"type": "artifact_exists", "artifactType": type_}
    return check | ({} if path is None else {"path": path})


def protocol(name: str) -> dict[str, Any]:
    return {"type": "protocol_valid", "protocolType": name}


@pytest.mark.guarantee(
    "nexus-19",
    "A blocking gate that is not passed stops an instance whatever its caller says; only a gate "
    "that may be forced is gone past, for a reason, and the history names who did it.",
)
def test_a_blocking_gate_blocks_and_only_some_are_forced_with_a_reason(courses: Any) -> None:
    definition = chain(
        "a",
        "b",
        gates=[
            verified("soft", "a", canForce=True),
            verified("hard", "b"),
            custom("unsaid", "b", "nobody", canForce=True),
            verified("advice", "a", "documented", severity="warning"),
        ],
        variables={"soft": {"type": "string"}, "implemented": {"type": "boolean"}},
    )
    # Whatever a caller says of gates is a value of a variable and no more.
    id_ = courses.start(definition, variables={"soft": "passed", "implemented": True})
    error = refused(courses.chains.chain_advance, id_)
    assert (error.exit, error.code, error.fix) == (
        79,
        "E_GATE_BLOCKED",
        f"cleo chain check {id_}",
    )
    assert [one.gate_id for one in error.details["gates"]] == ["soft"]
    assert courses.outcomes(id_) == {"soft": "failed", "advice": "failed"}
    assert courses.chains.chain_status(id_).status == "pending"
    for given in ({"gates": ["soft"]}, {"outcomes": {"soft": "passed"}}):
        with pytest.raises(TypeError):
            courses.chains.chain_advance(id_, **given)
    unknown = {"variables": {"gateResults": [{"gateId": "soft", "outcome": "passed"}]}}
    nexus = courses.chains
    assert refused(nexus.chain_instantiate, "work", "web:T001", **unknown).exit == 6

    before_force = courses.events(id_)
    why = "it was looked at by two"
    for force, reason, exit_ in (
        (("soft",), None, 2),
        (("soft",), "why", 6),
        ((), why, 2),
        ("soft", why, 2),
        (("hard",), why, 6),
        (("advice",), why, 6),
        (("missing",), why, 6),
        (("unsaid",), why, 6),
        ((["soft"],), why, 6),
    ):
        error = refused(nexus.chain_advance, id_, force=force, reason=reason)
        assert error.exit == exit_, (force, reason, error.message)
    assert courses.events(id_) == before_force
    agent = courses.app("web", agent="ada").service("nexus")
    moved = agent.chain_advance(id_, force=["soft"], reason=why)
    assert (moved.moves[0].forced, moved.instance.active_stages) == (["soft"], ["b"])
    forced = courses.rows(
        "SELECT gate_id, outcome, reason, actor FROM warp_instance_events WHERE forced = 1"
    )
    assert forced == [("soft", "failed", why, "ada")]
    results = {one.gate_id: one for one in courses.chains.chain_status(id_).gate_results}
    assert (results["soft"].forced, results["advice"].forced) == (True, False)

    error = refused(nexus.chain_advance, id_, force=["unsaid"], reason=why)
    assert error.exit == 79, "the other gate is not forced by it"
    assert courses.outcomes(id_)["unsaid"] == "unknown"
    assert courses.chains.chain_status(id_).active_stages == ["b"]


def test_a_gate_is_not_forced_where_another_one_is_in_the_way(courses: Any) -> None:
    gates = [verified("soft", "a", canForce=True), before("next", "b", artifact(path="README"))]
    id_ = courses.start(chain("a", "b", gates=gates))
    force = {"force": ["soft"], "reason": "it was looked at by two"}
    error = refused(courses.chains.chain_advance, id_, **force)
    assert [one.gate_id for one in error.details["gates"]] == ["next"]
    assert courses.rows("SELECT COUNT(*) FROM warp_instance_events WHERE forced = 1") == [(0,)]
    (courses.root("web") / "README").write_text("read me")
    assert courses.chains.chain_advance(id_, **force).moves[0].forced == ["soft"]


def test_a_gate_that_passes_needs_no_force(courses: Any) -> None:
    id_ = courses.start(chain("a", "b", gates=[verified("soft", "a", canForce=True)]))
    courses.tasks("web").verify("T001", gate="implemented", result="warn", reason="seen")
    moved = courses.chains.chain_advance(id_, force=["soft"], reason="to be sure")
    assert (moved.moves[0].forced, moved.gates[0].outcome) == ([], "passed")


def test_a_verification_gate_counts_in_the_round_that_is_on(courses: Any) -> None:
    id_ = courses.start(chain("a", "b", gates=[verified("g", "a")]))
    tasks = courses.tasks("web")
    told = []
    for result in ("warn", "fail"):
        tasks.verify("T001", gate="implemented", result=result, reason="seen")
        told.append(courses.checked(id_)["g"])
    assert [outcome for outcome, _ in told] == ["passed", "failed"]
    assert told[1][1] == "implemented of web:T001 has not passed in round 2."
    assert courses.events(id_, "gate") == [], "a check writes nothing"


def test_protocols_look_at_the_pipeline_of_the_task(courses: Any) -> None:
    names = ("research", "architecture-decision", "artifact-publish", "provenance")
    gates = [gate(name, "a", protocol(name)) for name in names]
    id_ = courses.start(chain("a", gates=gates))
    assert set(courses.checked(id_).values()) == {("failed", "web:T001 has no pipeline.")}
    tasks = courses.tasks("web")
    tasks.lifecycle_start("T001")
    assert courses.checked(id_)["research"][0] == "failed"
    tasks.lifecycle_complete("T001")
    found = courses.checked(id_)
    assert {name: found[name][0] for name in names} == {
        "research": "passed",
        "architecture-decision": "failed",
        "artifact-publish": "failed",
        "provenance": "failed",
    }
    why = {"reason": "all of it is there", "force": True}
    tasks.lifecycle_start("T001", "architecture_decision", **why)
    tasks.lifecycle_complete("T001", **why)
    tasks.lifecycle_start("T001", "release", **why)
    tasks.lifecycle_gate("T001", "artifacts-published", "warn", reason="only one of them")
    (courses.root("web") / "notes.md").write_text("all")
    tasks.lifecycle_complete("T001", artifacts=["notes.md"], **why)
    assert {outcome for outcome, _ in courses.checked(id_).values()} == {"passed"}


def test_an_artifact_is_a_regular_file_inside_the_project(courses: Any) -> None:
    root, outside = courses.root("web"), courses.folder / "outside.txt"
    outside.write_text("elsewhere")
    paths = ("there.txt", "missing.txt", "folder", "out.txt", "in.txt", "up/there.txt", "loop")
    gates = [gate(f"g{at}", "a", artifact(path=path)) for at, path in enumerate(paths)]
    id_ = courses.start(chain("a", gates=gates))
    (root / "there.txt").write_text("here")
    (root / "folder").mkdir()
    (root / "out.txt").symlink_to(outside)
    (root / "in.txt").symlink_to(root / "there.txt")
    (root / "up").symlink_to(root.parent)
    (root / "loop").symlink_to(root / "loop")
    found = courses.checked(id_)
    outcomes = [found[f"g{at}"][0] for at in range(len(paths))]
    assert outcomes[:-1] == ["passed", "failed", "failed", "failed", "passed", "failed"]
    assert outcomes[-1] in ("failed", "unknown")
    assert found["g3"][1] == "out.txt leads out of project web."


@pytest.mark.skipif(os.name == "nt", reason="no pipes in directories there")
def test_a_pipe_is_no_artifact_and_is_not_opened(courses: Any) -> None:
    os.mkfifo(courses.root("web") / "pipe")
    id_ = courses.start(chain("a", gates=[gate("g", "a", artifact(path="pipe"))]))
    assert courses.checked(id_)["g"] == ("failed", "pipe is no regular file.")


def test_an_artifact_without_a_path_is_a_manifest_of_the_task(courses: Any) -> None:
    gates = [gate(type_, "a", artifact(type_)) for type_ in ("note", "decision", "wishes")]
    id_ = courses.start(chain("a", gates=gates))
    tasks = courses.tasks("web")
    made = tasks.manifest_add("A note", type="note", task="T001", content="text")
    assert [courses.checked(id_)[type_][0] for type_ in ("note", "decision", "wishes")] == [
        "passed",
        "failed",
        "failed",
    ]
    tasks.manifest_archive(made.id)
    assert courses.checked(id_)["note"][0] == "failed"


def test_what_cannot_be_looked_at_is_unknown_and_blocks(courses: Any, monkeypatch: Any) -> None:
    courses.project("api", titles=1)
    gates = [
        verified("checked", "a"),
        gate("filed", "a", artifact(path="README")),
        gate("held", "b", protocol("research")),
        before("entered", "b", {"type": "stage_complete", "stageId": "a"}),
    ]
    id_ = courses.start(chain("a", "b", gates=gates), tasks={"a": "api:T001"})
    courses.close()
    behind(courses.file("api"))
    assert courses.checked(id_)["checked"][0] == "unknown"
    assert refused(courses.chains.chain_advance, id_).exit == 79
    shutil.rmtree(courses.root("api"))
    assert courses.checked(id_)["checked"][0] == "unknown"
    courses.rows("DELETE FROM project_registry WHERE slug = 'api'")
    outcome, message = courses.checked(id_)["checked"]
    assert (outcome, "is not registered" in message) == ("unknown", True)
    shutil.move(courses.root("web"), courses.root("moved"))
    outcome, message = courses.checked(id_)["filed"]
    assert (outcome, "Project web is not at" in message) == ("unknown", True)
    found = courses.chains.chain_cancel(id_, reason="its project is gone")
    assert found.instance.status == "cancelled"


def test_without_a_service_for_tasks_nobody_can_say(courses: Any, monkeypatch: Any) -> None:
    id_ = courses.start(chain("a", gates=[verified("g", "a")]))
    monkeypatch.delitem(courses.elsewhere().plugins.services, "tasks")
    assert courses.checked(id_)["g"][0] == "unknown"


def test_a_validator_answers_yes_or_no_and_everything_else_is_unknown(
    courses: Any, monkeypatch: Any
) -> None:
    answers: dict[str, tuple[Any, str, str | None]] = {
        "yes": (lambda *_: (True, "fine"), "passed", "fine"),
        "no": (lambda *_: (False, "not fine"), "failed", "not fine"),
        "bare": (lambda *_: True, "unknown", None),
        "number": (lambda *_: (1, "one is not true"), "unknown", None),
        "mute": (lambda *_: (True, None), "unknown", None),
        "text": (lambda *_: "ok", "unknown", None),
        "raises": (lambda *_: 1 / 0, "unknown", None),
        "odd": (lambda *_: (False, "\0 and \ud800"), "failed", " and ?"),
        "long": (lambda *_: (True, "x" * 9000), "passed", "x" * 499 + "…"),
    }
    for name, (answer, _, _) in answers.items():
        validator(courses.elsewhere(), monkeypatch, name, answer)
    id_ = courses.start(chain("a", gates=[custom(name, "a", name) for name in answers]))
    error = refused(courses.chains.chain_advance, id_)
    assert error.exit == 79
    assert len(error.details["gates"]) == len(answers) - 2
    found = {one.gate_id: one for one in courses.chains.chain_status(id_).gate_results}
    for name, (_, outcome, message) in answers.items():
        assert found[name].outcome == outcome, name
        assert message in (None, found[name].message), name


def test_a_validator_is_shown_the_instance_the_stage_and_its_own_parameters(
    courses: Any, monkeypatch: Any
) -> None:
    seen: list[Any] = []

    def answer(*given: Any) -> tuple[bool, str]:
        seen.append(given)
        given[2]["deep"]["most"] = 0
        return True, "seen"

    validator(courses.elsewhere(), monkeypatch, "lint", answer)
    params = {"deep": {"most": 3}}
    id_ = courses.start(chain("a", gates=[custom("g", "a", "lint", params=params)]))
    for _ in range(2):
        courses.checked(id_)
    instance, stage, given = seen[1]
    assert given == {"deep": {"most": 0}}, "what it changed is its own copy"
    assert (instance.id, instance.epic.ref, stage.id) == (id_, "web:T001", "a")
    assert json.loads(courses.rows("SELECT definition FROM warp_chain_instances")[0][0])["gates"][
        0
    ]["check"]["params"] == {"deep": {"most": 3}}


def test_gates_before_the_first_stage_are_asked_when_it_is_left(courses: Any) -> None:
    gates = [before("first", "a", artifact(path="README"))]
    id_ = courses.start(chain("a", "b", gates=gates))
    assert refused(courses.chains.chain_advance, id_).exit == 79
    (courses.root("web") / "README").write_text("read me")
    assert courses.chains.chain_advance(id_).moves[0].stage == "a"


def test_gates_of_what_comes_next_are_asked_once_the_stage_may_be_left(courses: Any) -> None:
    gates = [verified("left", "a"), before("next", "b", {"type": "stage_complete", "stageId": "a"})]
    id_ = courses.start(chain("a", "b", gates=gates))
    assert refused(courses.chains.chain_advance, id_).exit == 79
    assert courses.outcomes(id_) == {"left": "failed"}
    assert set(courses.checked(id_)) == {"left", "next"}, "who only looks sees all"
    courses.tasks("web").verify("T001", gate="implemented", result="warn", reason="seen")
    found = courses.chains.chain_advance(id_)
    assert {one.gate_id: one.message for one in found.gates}["next"] == (
        "a is complete with this move."
    )
