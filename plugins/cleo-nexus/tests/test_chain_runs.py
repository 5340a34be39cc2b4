"""Epics that go through chains, from the first stage to the last."""

from __future__ import annotations

import json
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_courses = runpy.run_path(str(Path(__file__).with_name("courses.py")))
Courses, refused, verified, gate = (
    _courses[name] for name in ("Courses", "refused", "verified", "gate")
)
stage, link, chain, before = (_courses[name] for name in ("stage", "link", "chain", "before"))

#: What every verb that changes an instance is called with.
VERBS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "chain_advance": ((), {}),
    "chain_skip": (("a",), {"reason": "because"}),
    "chain_run": ((), {}),
    "chain_fail": ((), {"reason": "because"}),
    "chain_resume": ((), {}),
    "chain_cancel": ((), {"reason": "because"}),
}


@pytest.fixture
def courses(cleo_home: Path) -> Iterator[Any]:
    folder = cleo_home / "projects"
    folder.mkdir()
    made = Courses(folder)
    yield made
    made.close()


def finish(tasks: Any, name: str, **options: Any) -> None:
    """Complete a stage of T001's pipeline, its gates passed."""
    for one in tasks.lifecycle_stages()[0]:
        if one.stage_name == name:
            for gate in one.gates:
                tasks.lifecycle_gate("T001", gate, "pass")
    tasks.lifecycle_complete("T001", name, **options)


def verify(tasks: Any, *gates: str) -> None:
    for name in gates:
        tasks.verify("T001", gate=name, result="warn", reason="looked at by hand")


def to_release(courses: Any, id_: str) -> None:
    """Do the work of every stage in the epic's pipeline, and let the instance follow it."""
    run, tasks = courses.chains.chain_run, courses.tasks("web")
    tasks.lifecycle_start("T001")
    finish(tasks, "research", advance=True)
    assert run(id_).instance.active_stages == ["consensus"]
    tasks.lifecycle_skip("T001", "consensus", reason="one person decides")
    tasks.lifecycle_skip("T001", "architecture_decision", reason="nothing to decide")
    for name in ("consensus", "architecture_decision"):
        courses.chains.chain_skip(id_, name, reason="one person decides")
    assert courses.outcomes(id_)["specification-after-consensus"] == "passed"
    for name, gates in {
        "specification": ("documented",),
        "decomposition": ("cleanupDone",),
        "implementation": ("implemented",),
        "validation": ("qaPassed", "securityPassed"),
        "testing": ("testsPassed",),
    }.items():
        tasks.lifecycle_start("T001", name)
        finish(tasks, name)
        if name == "implementation":
            tasks.lifecycle_complete("T001", "contribution", note="all of it by one person")
        found = run(id_)
        assert [one.stage for one in found.stops] == [name], "its verification is still asked for"
        verify(tasks, *gates)
        moved = run(id_).moves
        assert [one.stage for one in moved] == [name]
    tasks.lifecycle_start("T001", "release")
    (courses.root("web") / "notes.md").write_text("all of it")
    finish(tasks, "release", artifacts=["notes.md"])


@pytest.mark.guarantee(
    "nexus-20",
    "An epic that does its work goes from research to release with `chain run` alone, a stage that "
    "is skipped holds up none of those after it, and when it is over nothing changes it any more.",
)
def test_an_instance_goes_from_research_to_release_and_is_then_over(courses: Any) -> None:
    courses.project("web", titles=1)
    id_ = courses.start("rcasd-ivtrc")
    to_release(courses, id_)
    found = courses.chains.chain_run(id_)
    assert [(one.stage, one.completed) for one in found.moves] == [("release", True)]
    assert found.instance.status == "completed"
    assert (found.instance.active_stages, found.stops) == ([], [])
    assert found.instance.finished_at is not None
    failed = [name for name, outcome in courses.outcomes(id_).items() if outcome != "passed"]
    assert failed == ["consensus-protocol-consensus"], "it was asked before consensus was skipped"
    assert courses.events(id_, "completed") == [("completed", None, None)]
    history = courses.events(id_)
    for verb, (arguments, options) in VERBS.items():
        error = refused(getattr(courses.chains, verb), id_, *arguments, **options)
        assert (error.exit, error.code) == (17, "E_ALREADY_DONE"), verb
    assert courses.events(id_) == history
    assert courses.chains.chain_check(id_).gates == []


def test_a_chain_goes_through_three_projects_fails_goes_on_and_is_done(courses: Any) -> None:
    for name in ("web", "api", "quality"):
        courses.project(name, titles=1)
    definition = chain(
        "build",
        "check",
        "ship",
        gates=[
            verified("built", "build"),
            verified("checked", "check", "testsPassed"),
            before("after-build", "ship", {"type": "stage_complete", "stageId": "build"}),
            gate(
                "shipped",
                "ship",
                {"type": "artifact_exists", "artifactType": "note", "path": "out/ship.txt"},
            ),
        ],
    )
    id_ = courses.start(definition, tasks={"build": "api:T001", "check": "quality:T001"})
    assert courses.chains.chain_status(id_).status == "pending"
    error = refused(courses.chains.chain_advance, id_)
    assert error.exit == 79
    assert "api:T001" in error.message
    verify(courses.tasks("web"), "implemented")
    assert refused(courses.chains.chain_advance, id_).exit == 79, "the epic is not what is asked"
    verify(courses.tasks("api"), "implemented")
    moved = courses.chains.chain_advance(id_)
    assert (moved.instance.status, moved.instance.active_stages) == ("active", ["check"])
    failed = courses.chains.chain_fail(id_, reason="no machine to test on").instance
    assert (failed.status, failed.active_stages, failed.finished_at) == ("failed", ["check"], None)
    for verb in ("chain_advance", "chain_run"):
        error = refused(getattr(courses.chains, verb), id_)
        assert (error.exit, error.fix) == (6, f"cleo chain resume {id_}")
    assert refused(courses.chains.chain_fail, id_, reason="again").exit == 6
    resumed = courses.chains.chain_resume(id_).instance
    assert (resumed.status, resumed.attempt, resumed.active_stages) == ("active", 2, ["check"])
    assert refused(courses.chains.chain_resume, id_).exit == 6
    verify(courses.tasks("quality"), "implemented", "testsPassed")
    found = courses.chains.chain_run(id_)
    assert [one.stage for one in found.moves] == ["check"]
    assert [one.reason for one in found.stops] == ["gate"]
    (courses.root("web") / "out").mkdir()
    (courses.root("web") / "out" / "ship.txt").write_text("shipped")
    assert courses.chains.chain_run(id_).instance.status == "completed"
    attempts = courses.rows(
        "SELECT attempt, type FROM warp_instance_events WHERE instance_id = ? "
        "AND type NOT IN ('gate', 'entered', 'left') ORDER BY seq",
        id_,
    )
    assert attempts == [(1, "created"), (1, "failed"), (2, "resumed"), (2, "completed")]


def test_an_instance_that_is_cancelled_is_over(courses: Any) -> None:
    courses.project("web", titles=1)
    id_ = courses.start(chain("a", "b"))
    found = courses.chains.chain_cancel(id_, reason="not needed any more").instance
    assert (found.status, found.active_stages) == ("cancelled", ["a"])
    assert found.finished_at is not None
    for verb, (arguments, options) in VERBS.items():
        assert refused(getattr(courses.chains, verb), id_, *arguments, **options).exit == 17
    row = ("UPDATE warp_chain_instances SET status = 'active' WHERE id = ?", id_)
    with pytest.raises(Exception, match="does not change"):
        courses.rows(*row)


@pytest.mark.guarantee(
    "nexus-22",
    "Two instances of one template keep the values that each was begun with, and a chain that is "
    "replaced changes no instance that runs.",
)
def test_instances_keep_the_definition_that_they_began_with(courses: Any) -> None:
    courses.project("web", titles=2)
    first = courses.start("tessera-rcasd", variables={"projectName": "Web"})
    second = courses.start("tessera-rcasd", "web:T002", words={"skipResearch": "true"})
    definitions = {
        id_: json.loads(definition)
        for id_, definition in courses.rows("SELECT id, definition FROM warp_chain_instances")
    }
    web = courses.id("web")
    said = [definitions[id_]["description"] for id_ in (first, second)]
    assert said[0].startswith(f"Web: epic @{web}:T001 ")
    assert said[1].startswith(f"unnamed: epic @{web}:T002 ")
    research = [definitions[id_]["shape"]["stages"][0] for id_ in (first, second)]
    assert [one["skip"] for one in research] == [False, True]
    assert refused(courses.chains.chain_advance, first).exit == 79
    moved = courses.chains.chain_advance(second)
    assert (moved.moves[0].skipped, moved.moves[0].entered) == (["research"], ["consensus"])

    old = courses.start(chain("a", "b", gates=[verified("g", "a")]))
    courses.chains.chain_add(chain("a", "c", version="2.0.0"), replace=True)
    new = courses.start("work")
    assert [courses.chains.chain_status(id_).chain_version for id_ in (old, new)] == [
        "1.0.0",
        "2.0.0",
    ]
    assert refused(courses.chains.chain_advance, old).exit == 79
    assert courses.chains.chain_advance(new).moves[0].entered == ["c"]
    verify(courses.tasks("web"), "implemented")
    assert courses.chains.chain_advance(old).moves[0].entered == ["b"]
    assert refused(courses.chains.chain_delete, "work").exit == 19


@pytest.mark.guarantee(
    "nexus-17", "`chain run --dry-run` says how far an instance would go and changes no byte."
)
def test_a_dry_run_moves_nothing_and_tells_the_truth(
    courses: Any, cleo_cli: Any, cleo_home: Path, frozen_bytes: Any
) -> None:
    courses.project("web", titles=1)
    forks = [link("a", one, "fork") for one in ("b", "c")] + [link(one, "d") for one in ("b", "c")]
    id_ = courses.start(chain("a", "b", "c", "d", links=forks, gates=[verified("g", "d")]))
    other = courses.start("work")
    courses.close()
    with frozen_bytes(cleo_home):
        told = cleo_cli("chain", "run", id_, "--dry-run").data
        everything = cleo_cli("chain", "run", "--all", "--dry-run").data
    assert [one["instance"]["id"] for one in everything["runs"]] == [id_, other]
    done = cleo_cli("chain", "run", id_).data
    assert told["moves"] == done["moves"]
    assert [one["stage"] for one in done["moves"]] == ["a", "b", "c"]
    assert told["stops"] == done["stops"]
    for key in ("status", "activeStages", "waitingStages", "currentStage"):
        assert told["instance"][key] == done["instance"][key], key


def test_all_instances_are_run_and_one_that_cannot_be_stops_no_other(courses: Any) -> None:
    courses.project("web", titles=1)
    first = courses.start(chain("a", "b"))
    broken, failed, last = (courses.start("work") for _ in range(3))
    courses.chains.chain_fail(failed, reason="because")
    courses.rows("UPDATE warp_chain_instances SET definition = '{}' WHERE id = ?", broken)
    found = courses.chains.chain_run_all()
    assert [one.instance.id for one in found.runs] == [first, last]
    assert [(one.instance, one.code) for one in found.failed] == [(broken, "E_CHAIN_INVALID")]
    assert courses.chains.chain_status(last).status == "completed"
    assert courses.chains.chain_run_all().runs == []
