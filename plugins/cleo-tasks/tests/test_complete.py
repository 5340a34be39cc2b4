"""Completing: the conditions in their order, what becomes free, and the parents that follow."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core import clock
from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]
Open = Callable[..., App]

NOW = "2026-03-25T14:30:00.000Z"


def execute(app: App, sql: str, **params: Any) -> None:
    """Put something into the store that no verb under test writes."""
    app.write("tasks", lambda unit: unit.execute(sql, **params))


def add(app: App, title: str, **more: Any) -> str:
    """Add a task and return its id."""
    return str(app.service("tasks").add(title, allow_duplicate=True, **more).task.id)


def configure(cli: Cli, **values: Any) -> None:
    """Set keys below ``tasks.``; two underscores stand for the dot."""
    for name, value in values.items():
        outcome = cli("config", "set", f"tasks.{name.replace('__', '.')}", str(value))
        assert outcome.code == 0, repr(outcome)


def record_gate(
    app: App, id_: str, gate: str, result: str = "pass", round: int = 1, evidence: str = "[]"
) -> None:
    """Record the result of a verification gate."""
    execute(
        app,
        "INSERT INTO task_gate_results (task_id, gate, result, round, evidence_json, reason, "
        "checked_at) VALUES (:id, :gate, :result, :round, :evidence, 'because', :now)",
        id=id_,
        gate=gate,
        result=result,
        round=round,
        evidence=evidence,
        now=NOW,
    )


def start_pipeline(
    app: App, id_: str, stage: str = "implementation", status: str = "active"
) -> None:
    """Give a task a pipeline that stands in one stage."""
    execute(
        app,
        "INSERT INTO lifecycle_pipelines (id, task_id, status, started_at, updated_at) "
        "VALUES ('pl_' || :id, :id, :status, :now, :now)",
        id=id_,
        status=status,
        now=NOW,
    )
    execute(
        app,
        "INSERT INTO lifecycle_stages (id, pipeline_id, stage_name, status, sequence) "
        "VALUES ('pl_' || :id || '/' || :stage, 'pl_' || :id, :stage, 'in_progress', 6)",
        id=id_,
        stage=stage,
    )
    execute(
        app,
        "UPDATE lifecycle_pipelines SET current_stage_id = id || '/' || :stage WHERE task_id = :id",
        id=id_,
        stage=stage,
    )


def set_status(app: App, id_: str, status: str) -> None:
    """Put a task into a status past all rules."""
    stage = {"done": "contribution", "cancelled": "cancelled"}.get(status, "implementation")
    execute(
        app,
        "UPDATE tasks SET status = :status, pipeline_stage = :stage, "
        "completed_at = CASE WHEN :status = 'done' THEN :now END, "
        "cancelled_at = CASE WHEN :status = 'cancelled' THEN :now END WHERE id = :id",
        id=id_,
        status=status,
        stage=stage,
        now=NOW,
    )


def refusal(app: App, *ids: str, **more: Any) -> CleoError:
    """The error that completing ends in; nothing may be written."""
    before = app.store("tasks").read("SELECT * FROM audit_log"), whole(app)
    with pytest.raises(CleoError) as caught:
        app.service("tasks").complete(*ids, **more)
    assert (app.store("tasks").read("SELECT * FROM audit_log"), whole(app)) == before
    return caught.value


def whole(app: App) -> list[dict[str, Any]]:
    """All rows of tasks."""
    return app.store("tasks").read("SELECT * FROM tasks ORDER BY seq")


def ids_of(lines: Sequence[Any]) -> list[str]:
    """The ids of records."""
    return [line.id for line in lines]


def test_a_fresh_project_asks_for_no_ceremony(cleo_cli: Cli, cleo_project: Path) -> None:
    cleo_cli("add", "x")
    data = cleo_cli("complete", "T001").data
    assert data["task"]["status"] == "done"
    assert data["task"]["pipelineStage"] == "contribution"
    assert data["task"]["completedAt"] is not None
    assert {name: data[name] for name in data if name != "task"} == {
        "unblockedTasks": [],
        "autoCompleted": [],
        "autoCompleteRefused": [],
        "warnings": [],
    }


@pytest.mark.guarantee(
    "tasks-14", "complete names the first thing that stands in its way, always in the same order"
)
def test_each_condition_is_asked_in_its_order(
    cleo_cli: Cli, cleo_open: Open, cleo_project: Path
) -> None:
    configure(
        cleo_cli,
        session__enforce="block",
        acceptance__mode="block",
        verification__mode="block",
        lifecycle__mode="strict",
    )
    setup = cleo_open(agent="a2")
    tasks = setup.service("tasks")
    tasks.session_start("global")
    acceptance = ["one", "two", "three"]
    first = add(setup, "first", acceptance=acceptance)
    id_ = add(setup, "at hand", depends=[first], acceptance=acceptance)
    child = add(setup, "child", parent=id_, acceptance=acceptance)
    start_pipeline(setup, id_)
    tasks.claim(id_)
    execute(setup, "UPDATE tasks SET acceptance_json = '[]' WHERE id = :id", id=id_)
    evidence = cleo_project / "report.txt"
    evidence.write_text("verified")
    digest = hashlib.sha256(b"verified").hexdigest()

    app = cleo_open(agent="a1")
    mine = app.service("tasks")
    assert refusal(app, "T999").exit == 4
    assert refusal(app, id_).exit == 36
    mine.session_start(f"task:{first}")
    assert refusal(app, id_).exit == 34
    mine.session_end()
    mine.session_start("global")
    set_status(app, id_, "done")
    assert refusal(app, id_).exit == 35
    execute(app, "UPDATE tasks SET assignee = 'a1' WHERE id = :id", id=id_)
    assert refusal(app, id_).exit == 17
    for closed in ("cancelled", "blocked", "proposed"):
        set_status(app, id_, closed)
        assert refusal(app, id_).code == "E_INVALID_TRANSITION"
    set_status(app, id_, "active")
    assert refusal(app, id_).exit == 5
    set_status(app, first, "done")
    assert refusal(app, id_).code == "E_VALIDATION"
    mine.update(id_, acceptance=acceptance)
    assert refusal(app, id_).exit == 40
    record_gate(app, id_, "implemented", "fail")
    execute(app, "UPDATE tasks SET verification_round = 4 WHERE id = :id", id=id_)
    assert refusal(app, id_).exit == 44
    execute(app, "UPDATE tasks SET verification_round = 2 WHERE id = :id", id=id_)
    for gate in ("implemented", "testsPassed", "qaPassed"):
        record_gate(app, id_, gate, "pass", round=1)
        assert refusal(app, id_).exit == 45
    record_gate(
        app,
        id_,
        "implemented",
        round=2,
        evidence=f'[{{"kind": "files", "path": "report.txt", "sha256": "{digest}"}}]',
    )
    record_gate(app, id_, "testsPassed", "warn", round=2)
    record_gate(app, id_, "qaPassed", round=2)
    evidence.write_text("changed")
    refused = refusal(app, id_)
    assert (refused.exit, refused.details["files"]) == (41, ["report.txt"])
    evidence.write_text("verified")
    refused = refusal(app, id_)
    assert (refused.exit, refused.details["children"]) == (16, [child])
    mine.cancel(child)
    assert refusal(app, id_).exit == 80
    execute(app, "UPDATE lifecycle_pipelines SET status = 'completed'")
    (done,) = mine.complete(id_)
    assert done.task.status == "done"


def test_a_caller_without_agent_passes_a_claim(cleo_open: Open) -> None:
    held = add(cleo_open(), "held")
    cleo_open(agent="a1").service("tasks").claim(held)
    refused = refusal(cleo_open(agent="a2"), held)
    assert (refused.code, refused.details["holder"]) == ("E_CLAIMED", "a1")
    assert cleo_open().service("tasks").complete(held)[0].task.status == "done"


@pytest.mark.guarantee(
    "tasks-14", "A dependency that was cancelled or archived never holds a task up"
)
@pytest.mark.parametrize("end", ["done", "cancelled", "archived", "deleted"])
def test_a_closed_dependency_never_blocks(cleo_app: App, end: str) -> None:
    tasks = cleo_app.service("tasks")
    first = add(cleo_app, "first")
    waiting = add(cleo_app, "waiting", depends=[first])
    assert refusal(cleo_app, waiting).details["openDependencies"] == [first]
    if end == "deleted":
        execute(
            cleo_app,
            "UPDATE tasks SET status = 'archived', archived_at = :now, archived_from = 'pending', "
            "archive_reason = 'deleted' WHERE id = :id",
            id=first,
            now=NOW,
        )
    elif end == "cancelled":
        tasks.cancel(first)
    else:
        tasks.complete(first)
        if end == "archived":
            tasks.archive(first)
    (result,) = tasks.complete(waiting)
    assert result.task.status == "done"
    named = [warning["code"] for warning in result.warnings]
    assert named == (["W_DEPENDENCY_CANCELLED"] if end == "cancelled" else [])


@pytest.mark.guarantee(
    "tasks-14", "complete names exactly the tasks that can be started because of it"
)
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    edges=st.lists(st.sets(st.integers(0, 30), max_size=4), min_size=2, max_size=9),
    blocked=st.sets(st.integers(0, 8)),
)
def test_unblocked_tasks_are_exactly_those_that_waited_for_nothing_else(
    cleo_app: App, edges: list[set[int]], blocked: set[int]
) -> None:
    ids: list[str] = []
    waits: dict[str, set[str]] = {}
    for number, earlier in enumerate(edges):
        depends = {ids[one % number] for one in earlier} if number else set()
        id_ = add(
            cleo_app,
            f"task {number}",
            depends=sorted(depends),
            status="blocked" if number in blocked else "pending",
        )
        ids.append(id_)
        waits[id_] = depends
    done: set[str] = set()
    for number, id_ in enumerate(ids):
        if number in blocked:
            cleo_app.service("tasks").update(id_, status="pending")
        (result,) = cleo_app.service("tasks").complete(id_)
        still_blocked = {ids[one] for one in blocked if number < one < len(ids)}
        assert set(ids_of(result.unblocked_tasks)) == {
            other
            for other in ids
            if id_ in waits[other] and waits[other] <= done | {id_} and other not in still_blocked
        }
        done.add(id_)


def test_a_freed_task_with_a_cancelled_dependency_is_named_in_a_warning(cleo_app: App) -> None:
    given_up, first = add(cleo_app, "given up"), add(cleo_app, "first")
    waiting = add(cleo_app, "waiting", depends=[given_up, first])
    cleo_app.service("tasks").cancel(given_up)
    (result,) = cleo_app.service("tasks").complete(first)
    assert ids_of(result.unblocked_tasks) == [waiting]
    assert result.warnings == [
        {
            "code": "W_DEPENDENCY_CANCELLED",
            "message": f"{waiting} depends on {given_up}, which was cancelled.",
        }
    ]


@pytest.mark.guarantee(
    "tasks-15", "When the last child is finished its parents are finished too, level by level"
)
def test_completion_goes_up_several_levels(cleo_app: App) -> None:
    top = add(cleo_app, "top", type="epic")
    middle = add(cleo_app, "middle", type="epic", parent=top)
    task = add(cleo_app, "task", parent=middle)
    after = add(cleo_app, "after", depends=[middle])
    (result,) = cleo_app.service("tasks").complete(task)
    assert result.auto_completed == [middle, top]
    assert ids_of(result.unblocked_tasks) == [after]
    shown = cleo_app.service("tasks").show(middle, top, history=True)
    assert [one.status for one in shown] == ["done", "done"]
    assert [one.history[-1]["action"] for one in shown] == ["task.auto_complete"] * 2


@pytest.mark.guarantee(
    "tasks-15", "A parent that may not be finished yet is named with the reason and left alone"
)
@pytest.mark.parametrize(
    ("obstacle", "code"),
    [
        ("dependency", "E_DEPENDENCIES_OPEN"),
        ("gate", "E_NOT_VERIFIED"),
        ("pipeline", "E_GATE_UNMET"),
        ("claim", "E_CLAIMED"),
        ("status", "E_INVALID_TRANSITION"),
    ],
)
def test_a_parent_that_is_refused_does_not_fail_its_child(
    cleo_cli: Cli, cleo_open: Open, cleo_project: Path, obstacle: str, code: str
) -> None:
    setup = cleo_open(agent="a1")
    parent = add(setup, "parent", type="epic")
    child = add(setup, "child", parent=parent)
    if obstacle == "dependency":
        setup.service("tasks").update(parent, depends=[add(setup, "open")])
    elif obstacle == "gate":
        configure(cleo_cli, verification__mode="block")
        for gate in ("implemented", "testsPassed", "qaPassed"):
            record_gate(setup, child, gate)
    elif obstacle == "pipeline":
        start_pipeline(setup, parent)
    elif obstacle == "claim":
        cleo_open(agent="a2").service("tasks").claim(parent)
    else:
        setup.service("tasks").update(parent, status="blocked")
    app = cleo_open(agent="a1")
    (before,) = app.service("tasks").show(parent, history=True)
    (result,) = app.service("tasks").complete(child)
    assert result.task.status == "done"
    assert result.auto_completed == []
    assert result.auto_complete_refused == [{"id": parent, "code": code}]
    assert result.warnings == []
    (after,) = app.service("tasks").show(parent, history=True)
    assert after == before


def test_a_refused_parent_leaves_no_warning(
    cleo_cli: Cli, cleo_open: Open, cleo_project: Path
) -> None:
    app = cleo_open()
    parent = add(app, "parent", type="epic")
    child = add(app, "child", parent=parent, acceptance=["1", "2", "3"])
    start_pipeline(app, parent)
    configure(cleo_cli, acceptance__mode="warn")
    outcome = cleo_cli("complete", child)
    assert outcome.data["autoCompleteRefused"] == [{"id": parent, "code": "E_GATE_UNMET"}]
    assert outcome.warnings == outcome.data["warnings"] == []


@pytest.mark.guarantee("tasks-15", "A parent marked no_auto_complete waits for its own completion")
def test_a_parent_can_ask_not_to_be_completed(cleo_app: App) -> None:
    tasks = cleo_app.service("tasks")
    parent = add(cleo_app, "parent", type="epic")
    child = add(cleo_app, "child", parent=parent)
    tasks.update(parent, no_auto_complete=True)
    (result,) = tasks.complete(child)
    assert (result.auto_completed, result.auto_complete_refused) == ([], [])
    assert tasks.show(parent)[0].status == "pending"
    assert tasks.complete(parent)[0].task.status == "done"


@pytest.mark.guarantee("tasks-15", "A parent whose children were all cancelled stays open")
def test_a_parent_of_cancelled_children_stays_open(cleo_app: App) -> None:
    tasks = cleo_app.service("tasks")
    parent = add(cleo_app, "parent", type="epic")
    one, two = add(cleo_app, "one", parent=parent), add(cleo_app, "two", parent=parent)
    tasks.cancel(one, two)
    assert tasks.show(parent)[0].status == "pending"
    tasks.reopen(one)
    assert tasks.complete(one)[0].auto_completed == [parent]


def test_a_child_that_was_done_and_archived_counts(cleo_app: App) -> None:
    tasks = cleo_app.service("tasks")
    parent = add(cleo_app, "parent", type="epic")
    one, two = add(cleo_app, "one", parent=parent), add(cleo_app, "two", parent=parent)
    tasks.complete(one)
    tasks.archive(one)
    tasks.cancel(two)
    tasks.reopen(two)
    assert tasks.complete(two)[0].auto_completed == [parent]


@pytest.mark.parametrize("order", [("T001", "T002", "T003"), ("T003", "T002", "T001")])
def test_several_ids_are_completed_in_an_order_that_works(
    cleo_cli: Cli, cleo_project: Path, order: tuple[str, ...]
) -> None:
    cleo_cli("add", "epic", "--type", "epic")
    cleo_cli("add", "child", "--parent", "T001")
    cleo_cli("add", "waits for it", "--depends", "T002", "--parent", "T001")
    data = cleo_cli("complete", *order).data
    assert [one["task"]["id"] for one in data] == list(order)
    assert all(one["autoCompleted"] == [] for one in data)


def test_what_is_completed_by_the_same_command_is_not_freed_by_it(cleo_app: App) -> None:
    first = add(cleo_app, "first")
    second = add(cleo_app, "second", depends=[first])
    add(cleo_app, "later", depends=[second])
    epic = add(cleo_app, "epic", type="epic", depends=[first])
    child = add(cleo_app, "child", parent=epic)

    results = cleo_app.service("tasks").complete(first, second, child)

    assert [ids_of(one.unblocked_tasks) for one in results] == [[], ["T003"], []]
    assert [one.auto_completed for one in results] == [[], [], [epic]]


def test_several_ids_are_all_or_nothing(cleo_app: App) -> None:
    free, other = add(cleo_app, "free"), add(cleo_app, "other")
    waiting = add(cleo_app, "waiting", depends=[other])
    refused = refusal(cleo_app, free, waiting)
    assert (refused.exit, refused.details["field"]) == (5, waiting)
    blocked = add(cleo_app, "blocked", status="blocked")
    refused = refusal(cleo_app, free, waiting, blocked)
    assert refused.exit == 6
    assert [(one["field"], one["exit"]) for one in refused.details["problems"]] == [
        (waiting, 5),
        (blocked, 6),
    ]
    missing = refusal(cleo_app, free, "T998", "T999")
    assert (missing.exit, missing.details["ids"]) == (4, ["T998", "T999"])


def test_the_note_is_added_and_the_older_ones_stay(cleo_cli: Cli, cleo_project: Path) -> None:
    cleo_cli("add", "x", "--note", "first")
    data = cleo_cli("complete", "T001", "--note", "a | b\n'c' 🦀", agent="a1").data
    assert [(note["by"], note["text"]) for note in data["task"]["notes"]] == [
        ("user", "first"),
        ("a1", "a | b\n'c' 🦀"),
    ]


def test_completing_leaves_the_task_and_is_noted_in_the_session(cleo_open: Open) -> None:
    app = cleo_open(agent="a1")
    tasks = app.service("tasks")
    id_ = add(app, "at hand")
    session = tasks.session_start("global").id
    tasks.start(id_)
    execute(
        app,
        "INSERT INTO agent_instances (id, agent_id, agent_type, status, task_id, started_at, "
        "last_heartbeat_at) VALUES ('i1', 'a1', 'executor', 'active', :id, :long_ago, :now), "
        "('i2', 'a1', 'executor', 'stopped', :id, :long_ago, :now), "
        "('i3', 'a1', 'executor', 'active', :id, :long_ago, :long_ago)",
        id=id_,
        now=clock.now(),
        long_ago=NOW,
    )
    (result,) = tasks.complete(id_)
    assert result.task.assignee == "a1"
    db = app.store("tasks")
    assert db.scalar("SELECT current_task_id FROM sessions WHERE id = :id", id=session) is None
    assert db.scalar("SELECT count(*) FROM task_work_history WHERE cleared_at IS NULL") == 0
    assert db.read(
        "SELECT kind, task_id FROM session_tasks WHERE session_id = :id", id=session
    ) == [{"kind": "completed", "task_id": id_}]
    assert db.read("SELECT id, total_tasks_completed AS n FROM agent_instances ORDER BY id") == [
        {"id": "i1", "n": 1},
        {"id": "i2", "n": 0},
        {"id": "i3", "n": 0},
    ]


@pytest.mark.parametrize(("mode", "code"), [("strict", 80), ("advisory", 0), ("off", 0)])
def test_an_unfinished_pipeline_by_mode(
    cleo_cli: Cli, cleo_open: Open, cleo_project: Path, mode: str, code: int
) -> None:
    configure(cleo_cli, lifecycle__mode=mode)
    app = cleo_open()
    start_pipeline(app, add(app, "x"))
    outcome = cleo_cli("complete", "T001")
    assert outcome.code == code
    assert [one["code"] for one in outcome.warnings] == (
        ["W_GATE_UNMET"] if mode == "advisory" else []
    )


def test_verification_may_warn_only(cleo_cli: Cli, cleo_open: Open, cleo_project: Path) -> None:
    configure(cleo_cli, verification__mode="warn", acceptance__mode="warn")
    add(cleo_open(), "x")
    data = cleo_cli("complete", "T001").data
    assert [one["code"] for one in data["warnings"]] == ["W_ACCEPTANCE", "W_NOT_VERIFIED"]


def test_evidence_that_is_gone_counts_as_changed(
    cleo_cli: Cli, cleo_open: Open, cleo_project: Path
) -> None:
    configure(cleo_cli, verification__mode="block", verification__gates="documented")
    app = cleo_open()
    id_ = add(app, "x")
    record_gate(app, id_, "documented", evidence='[{"path": "../nowhere\\u0000", "sha256": "00"}]')
    assert refusal(app, id_).exit == 41
    record_gate(app, id_, "documented", evidence='[1, {"path": 5, "sha256": "00"}, {"url": "u"}]')
    assert app.service("tasks").complete(id_)[0].task.status == "done"


def test_evidence_is_read_in_the_work_tree_that_one_stands_in(
    cleo_cli: Cli, cleo_open: Open, cleo_project: Path, cleo_home: Path
) -> None:
    configure(cleo_cli, verification__mode="block", verification__gates="documented")
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (
        ["init", "-q"],
        ["commit", "-q", "--allow-empty", "-m", "first"],
        ["worktree", "add", "-q", str(cleo_home / "tree")],
    ):
        subprocess.run([*git, *words], cwd=cleo_project, check=True)
    (cleo_home / "tree" / "a.md").write_text("here")
    digest = hashlib.sha256(b"here").hexdigest()
    app = cleo_open()
    id_ = add(app, "x")
    record_gate(app, id_, "documented", evidence=f'[{{"path": "a.md", "sha256": "{digest}"}}]')
    assert cleo_cli("complete", id_).code == 41
    assert cleo_cli("complete", id_, cwd=cleo_home / "tree").code == 0


def test_an_older_version_is_refused(cleo_cli: Cli, cleo_project: Path) -> None:
    cleo_cli("add", "x")
    cleo_cli("update", "T001", "--priority", "high")
    refused = cleo_cli("complete", "T001", "--if-version", "1")
    assert refused.code == 21
    assert refused.error["details"]["version"] == 2
    assert cleo_cli("complete", "T001", "T001", "--if-version", "2").code == 0
    cleo_cli("add", "y")
    assert cleo_cli("complete", "T001", "T002", "--if-version", "2").code == 2


def test_a_dry_run_changes_no_byte(
    cleo_cli: Cli, cleo_project: Path, frozen_bytes: Callable[[Path], Any]
) -> None:
    cleo_cli("add", "x")
    with frozen_bytes(cleo_project):
        assert cleo_cli("complete", "T001", "--dry-run").data["task"]["status"] == "done"
    assert cleo_cli("show", "T001").data["status"] == "pending"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 2),
        (("",), 2),
        (("nonsense",), 2),
        (("T-1",), 2),
        (("T" + "9" * 400,), 2),
        (("T999999999999999",), 4),
        (("T001; DROP TABLE tasks",), 2),
        (("T001", "--note", "a\0b"), 6),
        (("T001", "--if-version", "0"), 2),
        (("T001", "--if-version", "99"), 21),
    ],
)
def test_bad_words_end_in_one_clear_error(
    cleo_cli: Cli, cleo_project: Path, words: tuple[str, ...], code: int
) -> None:
    cleo_cli("add", "x")
    outcome = cleo_cli("complete", *words)
    assert outcome.code == code, repr(outcome)
    assert outcome.error["fix"]
    assert cleo_cli("show", "T001").data["version"] == 1
