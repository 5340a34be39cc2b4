"""What stages need and leave: gates, artifacts, evidence, decisions, the contribution."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome
from cleo_tasks.service.lifecycle import definitions

Cli = Callable[..., Outcome]
APPEND_ONLY = ("lifecycle_gate_results", "lifecycle_evidence", "lifecycle_transitions")


@pytest.fixture
def tasks(cleo_app: App) -> Any:
    """T001 is an epic in research."""
    service = cleo_app.service("tasks")
    service.add("The parser", type="epic")
    service.lifecycle_start("T001")
    return service


def refusal(verb: Callable[[], Any]) -> CleoError:
    with pytest.raises(CleoError) as caught:
        verb()
    assert caught.value.fix
    return caught.value


def read(tasks: Any, sql: str) -> list[dict[str, Any]]:
    return tasks.app.store("tasks").read(sql)


def at(tasks: Any, stage: str) -> None:
    tasks.lifecycle_start("T001", stage, force=True, reason="adopted")


def decide(tasks: Any, number: int = 7) -> str:
    """Add a decision to the store; returns its id."""
    tasks.app.write(
        "tasks",
        lambda unit: unit.execute(
            "INSERT INTO architecture_decisions "
            "(id, number, title, content, content_hash, date, created_at, updated_at) "
            "VALUES (printf('ADR-%03d', :n), :n, 'One file', 'text', 'h', '2026-01-01', "
            ":now, :now)",
            n=number,
            now=unit.now,
        ),
    )
    return f"ADR-{number:03d}"


# Gates


@pytest.mark.guarantee(
    "tasks-21", "A stage is not completed before its gates have passed, unless the mode is lenient"
)
@pytest.mark.parametrize("mode", ["strict", "advisory", "off"])
def test_gates_hold_a_stage_up_by_mode(cleo_cli: Cli, cleo_open: Any, mode: str) -> None:
    app = cleo_open()
    assert cleo_cli("config", "set", "tasks.lifecycle.mode", mode).code == 0
    tasks = app.service("tasks")
    tasks.add("The parser", type="epic")
    at(tasks, "testing")
    app.warnings.clear()
    tasks.lifecycle_gate("T001", "tests-pass", "pass")
    if mode == "strict":
        error = refusal(lambda: tasks.lifecycle_complete("T001"))
        assert (error.exit, error.code) == (80, "E_GATE_UNMET")
        assert error.message == "Gates of testing have not passed: coverage-met (no result)."
        assert error.fix == "cleo lifecycle gate T001 coverage-met pass"
        tasks.lifecycle_gate("T001", "coverage-met", "warn", reason="91 of 95 percent")
    found = tasks.lifecycle_complete("T001")
    assert found.stages[7].status == "completed"
    assert [one["code"] for one in app.warnings] == ["W_GATE_UNMET"] * (mode == "advisory")


@pytest.mark.guarantee("tasks-22", "A failed gate stays to be seen after a later pass")
def test_a_later_pass_leaves_the_failure_visible(tasks: Any, cleo_cli: Cli) -> None:
    at(tasks, "testing")
    tasks.lifecycle_gate("T001", "coverage-met", "pass")
    tasks.lifecycle_gate("T001", "tests-pass", "fail", reason="2 of 40", note="lexer, unicode")
    error = refusal(lambda: tasks.lifecycle_complete("T001"))
    assert (error.exit, error.message) == (
        80,
        "Gates of testing have not passed: tests-pass (fail).",
    )
    tasks.lifecycle_gate("T001", "tests-pass", "pass")
    gate = cleo_cli("lifecycle", "show", "T001").data["gates"]["tests-pass"]
    assert (gate["stage"], gate["result"], gate["computed"]) == ("testing", "pass", False)
    fail, passed = gate["results"]
    assert (fail["result"], fail["reason"], fail["details"]) == (
        "fail",
        "2 of 40",
        "lexer, unicode",
    )
    assert (fail["checkedBy"], fail["attempt"], passed["result"]) == ("user", 1, "pass")
    tasks.lifecycle_complete("T001")
    history, _ = tasks.lifecycle_gate_history("T001")
    assert [one.result for one in history] == ["pass", "fail", "pass"]


@pytest.mark.guarantee("tasks-22", "A gate that passed before going back has to pass again")
def test_earlier_passes_do_not_count_after_going_back(tasks: Any) -> None:
    for stage in ("implementation", "validation", "testing"):
        at(tasks, stage)
        for gate in definitions.BY_NAME[stage].gates:
            tasks.lifecycle_gate("T001", gate, "pass")
        tasks.lifecycle_complete("T001")
    tasks.lifecycle_back("T001", "validation", reason="a rule was missing")
    for gate in ("static-analysis-pass", "type-check-pass"):
        tasks.lifecycle_gate("T001", gate, "pass")
    found = tasks.lifecycle_complete("T001", advance=True)
    assert (found.pipeline.current_stage, found.stages[7].attempt) == ("testing", 2)
    error = refusal(lambda: tasks.lifecycle_complete("T001"))
    assert (error.exit, error.details["gates"]) == (80, ["tests-pass", "coverage-met"])
    assert error.details["attempt"] == 2
    assert [one.counts for one in found.gates["tests-pass"].results] == [False]


@pytest.mark.guarantee("tasks-22", "What is recorded of a pipeline is neither changed nor deleted")
@pytest.mark.parametrize("table", APPEND_ONLY)
def test_records_are_append_only(tasks: Any, table: str) -> None:
    at(tasks, "testing")
    tasks.lifecycle_gate("T001", "tests-pass", "pass", evidence=["url:https://example.org/1"])
    before = read(tasks, f"SELECT * FROM {table}")
    assert before
    column = {"lifecycle_evidence": "uri = 'x'"}.get(table, "reason = 'x'")
    for sql in (f"UPDATE {table} SET {column}", f"DELETE FROM {table}"):
        with pytest.raises(Exception, match="append-only"):
            tasks.app.write("tasks", lambda unit, sql=sql: unit.execute(sql))
    assert read(tasks, f"SELECT * FROM {table}") == before


def test_a_gate_of_another_stage_or_of_none_is_refused(tasks: Any) -> None:
    at(tasks, "testing")
    error = refusal(lambda: tasks.lifecycle_gate("T001", "spec-complete", "pass"))
    assert (error.exit, error.code) == (42, "E_GATE_UNKNOWN")
    assert error.fix == "the same command with --stage specification"
    assert "tests-pass, coverage-met" in error.message
    for bad in ("tests_pass", "TESTS-PASS", "", "x" * 5000, "tests-pass;"):
        error = refusal(lambda bad=bad: tasks.lifecycle_gate("T001", bad, "pass"))
        assert (error.exit, error.fix) == (42, "cleo lifecycle stages")
    error = refusal(lambda: tasks.lifecycle_gate("T001", "tests-pass", "pass", stage="research"))
    assert error.exit == 42
    assert refusal(lambda: tasks.lifecycle_gate("T001", "tests-pass", "maybe")).exit == 6
    assert len(read(tasks, "SELECT id FROM lifecycle_stages")) == 10


def test_the_gate_of_research_is_computed(tasks: Any) -> None:
    gate = tasks.lifecycle_show("T001").gates["prerequisites-met"]
    assert (gate.stage, gate.result, gate.computed, gate.results) == ("research", "pass", True, [])
    error = refusal(lambda: tasks.lifecycle_gate("T001", "prerequisites-met", "pass"))
    assert (error.exit, error.fix) == (42, "cleo lifecycle show T001")


@pytest.mark.parametrize("result", ["fail", "warn"])
def test_a_gate_that_does_not_pass_says_why(tasks: Any, result: str) -> None:
    at(tasks, "testing")
    for reason in (None, "", " \n"):
        error = refusal(
            lambda reason=reason: tasks.lifecycle_gate("T001", "tests-pass", result, reason=reason)
        )
        assert (error.exit, error.code) == (84, "E_REASON_REQUIRED")


def test_results_are_recorded_while_a_stage_is_worked_on(tasks: Any) -> None:
    error = refusal(
        lambda: tasks.lifecycle_gate("T001", "agreement-reached", "pass", stage="consensus")
    )
    assert (error.exit, error.fix) == (83, "cleo lifecycle start T001 consensus")
    at(tasks, "consensus")
    tasks.lifecycle_set("T001", "blocked", reason="nobody is here")
    tasks.lifecycle_gate("T001", "agreement-reached", "fail", reason="nobody is here")
    tasks.lifecycle_set("T001", "in_progress")
    tasks.lifecycle_complete("T001", force=True, reason="decided alone")
    error = refusal(lambda: tasks.lifecycle_gate("T001", "agreement-reached", "pass"))
    assert (error.exit, error.code) == (83, "E_STAGE_ORDER")


def test_a_gate_result_raises_the_version_and_is_in_the_log(tasks: Any) -> None:
    at(tasks, "testing")
    tasks.lifecycle_gate("T001", "tests-pass", "fail", reason="2 of 40")
    found = tasks.lifecycle_gate("T001", "tests-pass", "pass")
    assert found.pipeline.version == 4
    row = read(tasks, "SELECT * FROM audit_log ORDER BY id DESC LIMIT 1")[0]
    assert (row["action"], row["entity_id"]) == ("pipeline.gate", "pl_T001")
    assert row["before_json"] == '{"gates": {"tests-pass": "fail"}}'
    assert row["after_json"] == '{"gates": {"tests-pass": "pass"}}'


# Evidence


def test_evidence_of_a_gate(tasks: Any, cleo_project: Path, cleo_cli: Cli) -> None:
    at(tasks, "testing")
    (cleo_project / "reports").mkdir()
    (cleo_project / "reports" / "tests.xml").write_bytes(b"<ok/>")
    (cleo_project / "reports" / "x:y").write_bytes(b"colon")
    words = ("tests-pass", "pass", "--note", "unit tests")
    for one in (
        *("reports/tests.xml", "file:reports/x:y", "url:https://ci.example.org/7?a=b"),
        *("HTTP://example.org", "reports/tests.xml", str(cleo_project / "reports" / "tests.xml")),
    ):
        words += ("--evidence", one)
    data = cleo_cli("lifecycle", "gate", "T001", *words).data
    evidence = data["stages"][7]["evidence"]
    assert [(one["type"], one["uri"]) for one in evidence] == [
        ("file", "reports/tests.xml"),
        ("file", "reports/x:y"),
        ("url", "https://ci.example.org/7?a=b"),
        ("url", "HTTP://example.org"),
    ]
    assert evidence[0]["sha256"] == hashlib.sha256(b"<ok/>").hexdigest()
    assert evidence[2]["sha256"] is None
    result = data["gates"]["tests-pass"]["results"][0]
    assert {one["gateResultId"] for one in evidence} == {result["id"]}
    assert {one["description"] for one in evidence} == {"unit tests"}
    assert {one["recordedBy"] for one in evidence} == {"user"}


@pytest.mark.parametrize(
    ("evidence", "exit"),
    [
        ("nothing.xml", 6),
        ("../outside.txt", 6),
        ("link", 6),
        (".", 6),
        ("", 6),
        ("  ", 6),
        ("a\0b", 6),
        ("\ud800", 6),
        ("url:", 6),
        ("url:ftp://example.org", 6),
        ("url:https://", 6),
        ("url:https://[broken", 6),
        ("https://example.org/a b", 6),
        ("url:https://ada:secret@example.org/x", 6),
        ("https://ada@example.org/x", 6),
        (r"https:/\ada:secret@example.org", 6),
        ("manifest:", 6),
        ("manifest:me_missing", 4),
        ("file:", 6),
    ],
)
def test_evidence_that_is_none_is_refused(
    tasks: Any, cleo_project: Path, evidence: str, exit: int
) -> None:
    (cleo_project.parent / "outside.txt").write_text("x")
    (cleo_project / "link").symlink_to(cleo_project.parent / "outside.txt")
    at(tasks, "testing")
    before = read(tasks, "SELECT count(*) AS n FROM audit_log")
    for verb in (
        lambda: tasks.lifecycle_gate("T001", "tests-pass", "pass", evidence=[evidence]),
        lambda: tasks.lifecycle_complete("T001", force=True, reason="x", evidence=[evidence]),
    ):
        assert refusal(verb).exit == exit
    assert read(tasks, "SELECT id FROM lifecycle_gate_results") == []
    assert read(tasks, "SELECT count(*) AS n FROM audit_log") == before


# Artifacts


def test_what_a_stage_delivers(tasks: Any, cleo_project: Path, cleo_cli: Cli) -> None:
    (cleo_project / "research.md").write_text("It can be done.")
    (cleo_project / "notes.md").write_text("Notes.")
    found = tasks.lifecycle_complete(
        "T001",
        artifacts=["research.md", "./notes.md"],
        topics=["parsers", "a, b"],
        findings=["LL(1) is enough"],
        agent_type="researcher",
        evidence=["url:https://example.org/paper"],
        note="two days",
        metadata={"sources": 3},
    )
    stage = found.stages[0]
    assert (stage.status, stage.output_file) == ("completed", "research.md")
    assert [note["text"] for note in stage.notes] == ["two days"]
    assert stage.metadata == {"sources": 3}
    digest = hashlib.sha256(b"It can be done.").hexdigest()
    assert [(one.type, one.uri, one.description) for one in stage.evidence] == [
        ("file", "research.md", "artifact"),
        ("file", "notes.md", "artifact"),
        ("url", "https://example.org/paper", "two days"),
    ]
    assert stage.evidence[0].sha256 == digest
    entries = read(tasks, "SELECT * FROM manifest_entries ORDER BY seq")
    assert [one["output_file"] for one in entries] == ["research.md", "notes.md"]
    one = entries[0]
    assert one["id"].startswith("me_")
    assert (one["pipeline_id"], one["stage_id"]) == ("pl_T001", "pl_T001/research")
    assert (one["status"], one["agent_type"]) == ("completed", "researcher")
    assert one["topics_json"] == '["parsers", "a, b"]'
    assert one["findings_json"] == '["LL(1) is enough"]'
    assert one["date"] == one["created_at"][:10]
    links = read(tasks, "SELECT * FROM manifest_entry_tasks")
    assert {link["task_id"] for link in links} == {"T001"}
    kinds = read(tasks, "SELECT entity_kind, entity_id FROM audit_log ORDER BY id DESC LIMIT 3")
    assert [row["entity_kind"] for row in kinds] == ["pipeline", "manifest", "manifest"]
    at(tasks, "testing")
    shown = tasks.lifecycle_gate(
        "T001", "tests-pass", "pass", evidence=[f"manifest:{one['id']}"]
    ).stages[7]
    assert [(piece.type, piece.uri) for piece in shown.evidence] == [("manifest", one["id"])]


def test_the_same_artifact_of_a_stage_is_stored_once(tasks: Any, cleo_project: Path) -> None:
    (cleo_project / "research.md").write_text("It can be done.")

    def deliver(**more: Any) -> None:
        tasks.lifecycle_complete("T001", artifacts=["research.md"], **more)
        tasks.lifecycle_start("T001", "research", force=True, reason="again")

    deliver(topics=["one"])
    deliver(topics=["one"])
    assert len(read(tasks, "SELECT id FROM manifest_entries")) == 1
    tasks.app.warnings.clear()
    deliver(topics=["two"])
    assert [one["code"] for one in tasks.app.warnings] == ["W_ENTRY_KEPT"]
    assert len(read(tasks, "SELECT id FROM manifest_entries")) == 1
    assert len(read(tasks, "SELECT id FROM lifecycle_evidence")) == 3
    (cleo_project / "research.md").write_text("It cannot be done.")
    deliver()
    assert len(read(tasks, "SELECT id FROM manifest_entries")) == 2
    tasks.lifecycle_complete("T001", advance=True)
    tasks.lifecycle_complete(
        "T001", artifacts=["research.md"], force=True, reason="the same file, another stage"
    )
    assert len(read(tasks, "SELECT id FROM manifest_entries")) == 3


def test_findings_need_no_file(tasks: Any) -> None:
    tasks.lifecycle_complete("T001", findings=["LL(1) is enough"])
    (entry,) = read(tasks, "SELECT * FROM manifest_entries")
    assert (entry["output_file"], entry["title"]) == (None, "research of T001")
    assert entry["findings_json"] == '["LL(1) is enough"]'


def test_a_linked_worktree_has_artifacts_of_its_own(
    tasks: Any, cleo_project: Path, cleo_cli: Cli, cleo_home: Path
) -> None:
    import subprocess

    def git(*words: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *words],
            cwd=cleo_project,
            check=True,
            capture_output=True,
        )

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "one")
    git("worktree", "add", "-q", "../linked")
    linked = cleo_home / "linked"
    (linked / "research.md").write_text("from the worktree")
    outcome = cleo_cli("lifecycle", "complete", "T001", "--artifact", "research.md", cwd=linked)
    digest = hashlib.sha256(b"from the worktree").hexdigest()
    assert outcome.data["stages"][0]["evidence"][0]["sha256"] == digest


def test_what_is_delivered_is_checked_before_anything_is_written(tasks: Any) -> None:
    before = read(tasks, "SELECT count(*) AS n FROM audit_log")
    bad: list[tuple[dict[str, Any], int]] = [
        ({"artifacts": ["missing.md"]}, 6),
        ({"artifacts": "research.md"}, 6),
        ({"artifacts": [7]}, 6),
        ({"artifacts": ["-x\0"]}, 6),
        ({"topics": [" "]}, 6),
        ({"findings": "text"}, 6),
        ({"agent_type": ""}, 6),
        ({"agent_type": 3}, 6),
        ({"note": "\ud800"}, 6),
        ({"metadata": [1]}, 6),
        ({"metadata": {"a": float("nan")}}, 6),
        ({"adrs": ["ADR-x"]}, 2),
        ({"adrs": ["ADR-7 or 8"]}, 2),
        ({"adrs": ["٧"]}, 2),
        ({"adrs": ["ADR-" + "9" * 400]}, 2),
        ({"adrs": ["ADR-7"]}, 4),
        ({"reason": "x" * 501}, 6),
        ({"reason": 5}, 6),
    ]
    for given_, exit in bad:
        error = refusal(lambda given_=given_: tasks.lifecycle_complete("T001", **given_))
        assert error.exit == exit, given_
    several = refusal(
        lambda: tasks.lifecycle_complete("T001", "party", artifacts=["missing.md"], note="")
    )
    assert several.exit == 6
    assert [one["field"] for one in several.details["problems"]] == ["stage", "artifacts", "note"]
    assert read(tasks, "SELECT count(*) AS n FROM audit_log") == before
    assert tasks.lifecycle_show("T001").stages[0].status == "in_progress"


# Decisions


def test_decisions_govern_the_task(tasks: Any) -> None:
    decide(tasks, 7)
    decide(tasks, 1234)
    at(tasks, "architecture_decision")
    tasks.lifecycle_complete(
        "T001", adrs=["adr-7", "7", "ADR1234"], force=True, reason="reviewed elsewhere"
    )
    links = read(tasks, "SELECT adr_id, task_id, link_type, source FROM adr_task_links")
    assert links == [
        {"adr_id": adr, "task_id": "T001", "link_type": "governed_by", "source": "manual"}
        for adr in ("ADR-007", "ADR-1234")
    ]
    error = refusal(lambda: tasks.lifecycle_complete("T001", "contribution", adrs=["8"], note="x"))
    assert error.exit == 80
    at(tasks, "specification")
    error = refusal(
        lambda: tasks.lifecycle_complete("T001", adrs=["8", "7"], force=True, reason="x")
    )
    assert (error.exit, error.details["ids"]) == (4, ["ADR-008"])


def test_a_link_made_beside_a_stage_is_a_change_of_its_decision(
    tasks: Any, cleo_clock: Any
) -> None:
    decide(tasks)
    cleo_clock.advance(60)
    at(tasks, "architecture_decision")
    tasks.lifecycle_complete("T001", adrs=["ADR-007-one-file"], force=True, reason="reviewed")
    changed = read(
        tasks,
        "SELECT action, task_id, before_json, after_json FROM audit_log WHERE entity_kind = 'adr'",
    )
    assert changed == [
        {
            "action": "pipeline.complete",
            "task_id": "T001",
            "before_json": '{"tasks": []}',
            "after_json": '{"tasks": [{"task": "T001", "type": "governed_by"}]}',
        }
    ]
    (decision,) = read(tasks, "SELECT created_at, updated_at FROM architecture_decisions")
    assert decision["updated_at"] > decision["created_at"]


def test_a_decision_that_governs_already_is_passed_over(tasks: Any) -> None:
    decide(tasks)
    at(tasks, "architecture_decision")
    tasks.adr_link("7", "T001", type="governed_by")
    before = read(tasks, "SELECT count(*) AS n FROM audit_log WHERE entity_kind = 'adr'")
    found = tasks.lifecycle_complete("T001", adrs=["7"], force=True, reason="reviewed")
    assert found.stages[2].status == "completed"
    assert before == read(tasks, "SELECT count(*) AS n FROM audit_log WHERE entity_kind = 'adr'")


# The contribution


@pytest.mark.guarantee(
    "tasks-21", "The contribution is recorded once implementation is completed, and moves nothing"
)
def test_the_contribution_is_recorded(tasks: Any, cleo_project: Path) -> None:
    at(tasks, "implementation")
    error = refusal(lambda: tasks.lifecycle_complete("T001", "contribution", note="ada"))
    assert (error.exit, error.fix) == (80, "cleo lifecycle complete T001")
    for gate in definitions.BY_NAME["implementation"].gates:
        tasks.lifecycle_gate("T001", gate, "pass")
    tasks.lifecycle_complete("T001", advance=True)
    before = tasks.lifecycle_show("T001")
    assert refusal(lambda: tasks.lifecycle_complete("T001", "contribution")).exit == 2
    assert (
        refusal(
            lambda: tasks.lifecycle_complete("T001", "contribution", note="x", advance=True)
        ).exit
        == 2
    )
    (cleo_project / "AUTHORS").write_text("ada\n")
    found = tasks.lifecycle_complete("T001", "contribution", artifacts=["AUTHORS"], note="by ada")
    record = found.stages[9]
    assert (record.status, record.output_file) == ("completed", "AUTHORS")
    assert found.pipeline.current_stage == before.pipeline.current_stage
    assert found.transitions == before.transitions
    assert tasks.show("T001")[0].pipeline_stage == "validation"
    assert refusal(lambda: tasks.lifecycle_complete("T001", "contribution", note="x")).exit == 102


def test_the_contribution_to_a_done_task_is_recorded(tasks: Any) -> None:
    at(tasks, "implementation")
    tasks.lifecycle_complete("T001", force=True, reason="done by hand")
    at(tasks, "testing")
    tasks.lifecycle_complete("T001", force=True, reason="done by hand")
    tasks.lifecycle_skip("T001", "release", reason="a library", force=True)
    tasks.complete("T001")
    found = tasks.lifecycle_complete("T001", "contribution", note="by ada")
    assert (found.stages[9].status, found.pipeline.status) == ("completed", "completed")
    assert tasks.show("T001")[0].pipeline_stage == "contribution"


# Hostile words


WORDS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["T001", "research", "pass", "manifest:x", "url:http://x", "--", "ADR-1"]),
    st.none(),
    st.integers(),
    st.binary(max_size=4),
    st.lists(st.text(max_size=5), max_size=2),
    st.booleans(),
    st.floats(),
)
VERBS = {
    "show": (1, ()),
    "history": (1, ("limit", "offset")),
    "start": (2, ("reason", "force", "idempotency_key")),
    "complete": (
        2,
        (
            *("artifacts", "topics", "findings", "agent_type", "adrs", "evidence", "note"),
            *("metadata", "reason", "force"),
        ),
    ),
    "skip": (2, ("reason", "force")),
    "back": (2, ("reason", "force")),
    "set": (3, ("reason",)),
    "gate": (3, ("stage", "evidence", "reason", "note")),
    "abort": (1, ("reason",)),
}


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_no_value_of_any_kind_breaks_a_verb(tasks: Any, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(VERBS)))
    places, options = VERBS[name]
    first = data.draw(st.sampled_from(["T001", "T001", "T002", 5, None, "T\0"]))
    words = [first, *(data.draw(WORDS) for _ in range(places - 1))]
    chosen = data.draw(st.lists(st.sampled_from(options), unique=True)) if options else []
    more = {option: data.draw(WORDS) for option in chosen if option not in ("limit", "offset")}
    exit = 0
    try:
        getattr(tasks, f"lifecycle_{name}")(*words, **more)
    except CleoError as error:
        exit = error.exit
    assert exit in {0, 2, 4, 6, 42, 80, 83, 84, 102}
