"""``import … --update`` and ``link reconcile``: rules of the project hold for what changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]

AT = "20260116T072109Z"
STORED = "2026-01-16T07:21:09.000Z"


def row(number: int, description: str = "", **fields: Any) -> dict[str, Any]:
    """A task of an export of Taskwarrior."""
    return {
        "uuid": f"192fc139-4ae9-4d68-8190-fc39e6fe2a{number:02}",
        "description": description or f"Task {number}",
        "status": "pending",
        "entry": AT,
        "modified": AT,
        **fields,
    }


def done(number: int, description: str = "", **fields: Any) -> dict[str, Any]:
    return row(number, description, status="completed", end=AT, **fields)


@pytest.fixture
def bring(cleo_cli: Cli, cleo_home: Path, cleo_project: Path) -> Callable[..., Outcome]:
    """Import rows with options; returns the outcome."""

    def make(*rows: Any, options: tuple[str, ...] = ("--update",)) -> Outcome:
        path = cleo_home / "export.json"
        path.write_text(json.dumps(rows))
        return cleo_cli("import", "taskwarrior", str(path), *options)

    return make


@pytest.fixture
def tasks(cleo_app: App) -> Any:
    return cleo_app.service("tasks")


@pytest.fixture
def three(bring: Any, cleo_cli: Cli) -> None:
    """T001, where the session of ada works; T002, which bob holds; T003."""
    assert bring(row(1), row(2), row(3), options=()).data["imported"] == 3
    cleo_cli("session", "start", "--scope", "task:T001", "--agent", "ada")
    assert cleo_cli("claim", "T002", "--agent", "bob").code == 0


def configure(cli: Cli, **values: str) -> None:
    """Set keys below ``tasks.``; two underscores stand for the dot."""
    for name, value in values.items():
        assert cli("config", "set", f"tasks.{name.replace('__', '.')}", value).code == 0


def states(tasks: Any) -> list[tuple[str, str, int]]:
    return [(one.title, one.status, one.version) for one in tasks.show("T001", "T002", "T003")]


ADA = ("--update", "--agent", "ada")


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_a_changed_row_outside_of_the_session_is_skipped_whole(
    dry: tuple[str, ...], three: None, bring: Any, cleo_cli: Cli, tasks: Any, cleo_home: Path
) -> None:
    configure(cleo_cli, session__enforce="block")
    before = states(tasks)
    report = cleo_home / "report.jsonl"
    changed = row(2, "Theirs", project="new", tags=["late"], depends=[row(3)["uuid"]])
    found = bring(
        row(1, "Ours"),
        changed,
        row(3),
        row(4),
        options=(*ADA, "--report", str(report), *dry),
    ).data
    assert (found["imported"], found["updated"], found["skipped"]) == (1, 1, 2)
    assert found["reasons"] == {"out of scope": 1, "unchanged": 1}
    assert (found["phases"], found["edges"]["dependencies"]) == (0, 0)
    if dry:
        assert states(tasks) == before
        return
    assert states(tasks)[1:] == before[1:]
    assert tasks.show("T001")[0].title == "Ours"
    assert tasks.show("T002")[0].labels == []
    second = json.loads(report.read_text().splitlines()[1])
    assert (second["outcome"], second["reason"]) == ("skipped", "out of scope")
    assert second["code"] == "E_OUT_OF_SCOPE"
    assert "T001" in second["message"]
    # It is a change still, for whoever may make it.
    configure(cleo_cli, session__enforce="off")
    assert bring(changed).data["updated"] == 1
    assert tasks.show("T002")[0].title == "Theirs"


def test_without_a_session_no_changed_row_goes_in_where_one_is_needed(
    three: None, bring: Any, cleo_cli: Cli
) -> None:
    configure(cleo_cli, session__enforce="block")
    found = bring(row(1, "A"), row(2, "B"), row(5)).data
    assert (found["imported"], found["reasons"]) == (1, {"no session": 2})


def test_what_another_agent_holds_is_not_completed(
    three: None, bring: Any, tasks: Any, cleo_cli: Cli
) -> None:
    before = states(tasks)
    found = bring(done(2, "Theirs"), options=ADA).data
    assert found["reasons"] == {"held by another agent": 1}
    assert states(tasks) == before
    # Only complete asks who holds a task, and only an agent.
    assert bring(row(2, "Theirs"), options=ADA).data["updated"] == 1
    assert bring(done(2, "Theirs"), options=("--update", "--agent", "bob")).data["updated"] == 1
    assert tasks.show("T002")[0].status == "done"


def test_the_conditions_of_complete_hold_for_rows_that_are_done(
    three: None, bring: Any, tasks: Any, cleo_cli: Cli, cleo_app: App
) -> None:
    before = states(tasks)
    configure(cleo_cli, acceptance__mode="block")
    assert bring(done(1, "X")).data["reasons"] == {"too little acceptance": 1}
    configure(cleo_cli, acceptance__mode="off", verification__mode="block")
    assert bring(done(1, "X")).data["reasons"] == {"not verified": 1}
    assert states(tasks) == before
    gates = ("implemented", "testsPassed", "qaPassed")
    gate(cleo_app, "T001", gates[0])
    assert bring(done(1, "X")).data["reasons"] == {"gate not passed": 1}
    for name in gates[1:]:
        gate(cleo_app, "T001", name)
    assert bring(done(1, "X")).data["updated"] == 1
    configure(cleo_cli, verification__gates='["documented"]')
    # What was done before is not asked about again.
    assert bring(done(1, "Y")).data["updated"] == 1


def test_evidence_that_changed_keeps_a_row_out(
    three: None, bring: Any, tasks: Any, cleo_cli: Cli, cleo_app: App
) -> None:
    configure(cleo_cli, verification__mode="block", verification__gates='["implemented"]')
    proof = json.dumps([{"path": "proof.txt", "sha256": "0" * 64}])
    for id_ in ("T001", "T003"):
        gate(cleo_app, id_, "implemented", proof)
    assert bring(done(1), done(3)).data["reasons"] == {"evidence changed": 2}
    assert [status for _, status, _ in states(tasks)] == ["pending"] * 3


def test_where_the_rules_only_warn_each_kind_is_told_once(
    three: None, bring: Any, cleo_cli: Cli, tasks: Any
) -> None:
    configure(cleo_cli, session__enforce="warn", verification__mode="warn")
    outcome = bring(done(1), row(2, "B"), done(3), options=ADA)
    assert outcome.data["updated"] == 3
    told = {one["code"]: one["message"] for one in outcome.warnings}
    assert len(told) == len(outcome.warnings)
    assert told["W_OUT_OF_SCOPE"].startswith("2 rows, first: T002 lies outside")
    assert told["W_NOT_VERIFIED"].startswith("2 rows, first: Nothing is verified of T001")
    assert [status for _, status, _ in states(tasks)] == ["done", "pending", "done"]


def test_a_task_that_is_taken_while_the_file_is_imported_is_not_completed(
    three: None, bring: Any, cleo_app: App, tasks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleo_tasks.importers import engine, writing

    def claimed(run: engine.Import) -> None:
        sql = "UPDATE tasks SET assignee = 'bob', claimed_at = :now WHERE id = 'T003'"
        cleo_app.write("tasks", lambda unit: unit.execute(sql, now=STORED))

    monkeypatch.setattr(writing, "insert_edges", claimed)
    found = bring(done(1), done(3), options=ADA).data
    assert (found["updated"], found["reasons"]) == (1, {"held by another agent": 1})
    assert tasks.show("T003")[0].status == "pending"


def test_a_named_session_that_does_not_exist_is_no_matter_of_single_rows(
    three: None, bring: Any
) -> None:
    assert bring(row(1, "A"), options=(*ADA, "--session", "ses_none")).code == 31


def test_reconciling_keeps_to_the_scope_where_no_status_changes_too(
    cleo_cli: Cli, tasks: Any, cleo_home: Path, cleo_project: Path
) -> None:
    path = cleo_home / "records.jsonl"

    def record(number: int, title: str) -> str:
        made = {"external_id": f"A-{number}", "title": title, "status": "open"}
        return json.dumps(made) + "\n"

    path.write_text(record(1, "One") + record(2, "Two") + record(3, "Three"))
    assert cleo_cli("link", "reconcile", "jira", str(path)).code == 0
    cleo_cli("session", "start", "--scope", "task:T001", "--agent", "ada")
    path.write_text(record(1, "Uno") + record(2, "Due") + record(3, "Tre"))
    again = ("link", "reconcile", "jira", str(path), "--agent", "ada")
    configure(cleo_cli, session__enforce="block")
    found = cleo_cli(*again).data
    assert (found["counts"]["update"], found["counts"]["conflict"]) == (1, 2)
    assert found["actions"][1]["code"] == "E_OUT_OF_SCOPE"
    assert [one.title for one in tasks.show("T001", "T002")] == ["Uno", "Two"]
    configure(cleo_cli, session__enforce="warn")
    outcome = cleo_cli(*again)
    assert outcome.data["counts"]["update"] == 2
    [warning] = outcome.warnings
    assert warning["message"].startswith("2 rows, first: T002 lies outside")


def gate(app: App, id_: str, name: str, evidence: str = "[]") -> None:
    """Record a gate as passed."""
    sql = (
        "INSERT INTO task_gate_results (task_id, gate, result, round, evidence_json, reason, "
        "checked_at) VALUES (:id, :gate, 'pass', 1, :evidence, 'because', :now)"
    )
    values = {"id": id_, "gate": name, "evidence": evidence, "now": STORED}
    app.write("tasks", lambda unit: unit.execute(sql, **values))
