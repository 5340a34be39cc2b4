"""``verify``: gates, rounds and evidence, and what completing makes of them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core.app import App
from cleo_core.database import driver
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome
from cleo_tasks.enums import GATES
from cleo_tasks.service import evidence

Cli = Callable[..., Outcome]
Open = Callable[..., App]

GIT = ("git", "-c", "user.name=x", "-c", "user.email=x@example.org")
JUNIT = '<testsuite><testcase name="a"/><testcase name="b"/></testsuite>'


def git(cwd: Path, *words: str) -> str:
    return subprocess.run(
        [*GIT, *words], cwd=cwd, check=True, capture_output=True, text=True
    ).stdout.strip()


def refused(call: Callable[[], Any]) -> CleoError:
    with pytest.raises(CleoError) as caught:
        call()
    assert caught.value.fix
    return caught.value


class Fresh:
    """The service as each next command finds it, with the configuration as it is by then."""

    def __init__(self, open_: Open, agent: str | None = None) -> None:
        self.open = open_
        self.agent = agent

    def __getattr__(self, verb: str) -> Any:
        return getattr(self.open(agent=self.agent).service("tasks"), verb)


def attempt(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except CleoError as error:
        return error


@pytest.fixture
def tasks(cleo_open: Open, cleo_project: Path) -> Any:
    """The service, one task, and files that can be shown."""
    (cleo_project / "a.md").write_text("text")
    (cleo_project / "junit.xml").write_text(JUNIT)
    service = Fresh(cleo_open)
    service.add("At hand")
    return service


@pytest.fixture
def verify(tasks: Any) -> Callable[..., Any]:
    """Record a result of T001: ``verify("implemented", "pass", "files:a.md")``."""

    def record(gate: str, result: str = "pass", *evidence: str, **more: Any) -> Any:
        if result != "pass":
            more.setdefault("reason", "because")
        return tasks.verify("T001", gate=gate, result=result, evidence=evidence, **more)

    return record


def test_without_a_gate_it_says_how_far_the_verification_is(
    tasks: Any, verify: Any, cleo_cli: Cli
) -> None:
    assert cleo_cli("verify", "1").data == {
        "id": "T001",
        "round": 1,
        "maxRounds": 3,
        "gates": {},
        "missing": [],
        "results": [],
        "version": 1,
    }
    cleo_cli("config", "set", "tasks.verification.mode", "warn")
    verify("implemented", "pass", "files:a.md")
    data = cleo_cli("verify", "T001").data
    entry = {"atom": "files", "path": "a.md", "sha256": hashlib.sha256(b"text").hexdigest()}
    (result,) = data["results"]
    assert data["gates"] == {"implemented": result}
    assert {**result, "checkedAt": None} == {
        "gate": "implemented",
        "result": "pass",
        "round": 1,
        "agentId": None,
        "evidence": [entry],
        "reason": None,
        "checkedAt": None,
    }
    assert data["missing"] == ["testsPassed", "qaPassed"]
    assert cleo_cli("show", "T001", "--gates").data["gates"] == data["gates"]
    people = cleo_cli("verify", "T001", "--human").out
    assert "round 1 of 3" in people
    assert "a.md" in people
    assert cleo_cli("verify", "T001", "--quiet").out == "T001\n"


def test_each_result_is_one_row_one_version_and_one_audit_row(tasks: Any, verify: Any) -> None:
    assert verify("documented", "pass", "files:a.md").version == 2
    assert verify("documented", "warn").version == 3
    state = verify("documented", "fail", "tool:vale=1")
    assert (state.version, state.round, state.gates) == (4, 2, {})
    assert [(one.result, one.round) for one in state.results] == [
        ("pass", 1),
        ("warn", 1),
        ("fail", 1),
    ]
    rows, page = tasks.log_list(action="task.verify")
    assert page.total == 3
    assert [(row["before"], row["after"], row["reason"]) for row in reversed(rows)] == [
        ({"gates": {"documented": None}}, {"gates": {"documented": "pass"}}, None),
        ({"gates": {"documented": "pass"}}, {"gates": {"documented": "warn"}}, "because"),
        (
            {"gates": {"documented": "warn"}, "verification_round": 1},
            {"gates": {"documented": "fail"}, "verification_round": 2},
            "because",
        ),
    ]


@pytest.mark.guarantee(
    "tasks-23", "each thing that a gate can be refused for has an exit code of its own, 41 to 47"
)
def test_each_refusal_has_its_code_and_writes_nothing(
    tasks: Any, verify: Any, cleo_cli: Cli, cleo_open: Open, cleo_app: App
) -> None:
    cleo_cli("config", "set", "tasks.verification.independent_qa", "true")
    cleo_cli("config", "set", "tasks.verification.max_rounds", "2")
    one, other = (Fresh(cleo_open, name) for name in ("a1", "a2"))

    def code(*words: str, by: Any = tasks, **more: Any) -> int:
        def whole() -> Any:
            db = cleo_app.store("tasks")
            return db.read("SELECT * FROM audit_log"), db.read("SELECT * FROM task_gate_results")

        gate, result, *evidence = words
        more.setdefault("reason", "because" if result != "pass" else None)
        before = whole()
        error = refused(
            lambda: by.verify("T001", gate=gate, result=result, evidence=evidence, **more)
        )
        assert whole() == before
        return error.exit

    assert refused(lambda: tasks.verify("T099", gate="x", result="pass")).exit == 4
    assert code("reviewed", "warn") == 42
    assert code("implemented", "warn", round=2) == 47
    for gate in ("testsPassed", "qaPassed", "securityPassed"):
        assert code(gate, "pass", "tool:x=0") == 45
        assert code(gate, "warn") == 45
    assert code("implemented", "pass") == 41
    one.verify("T001", gate="implemented", result="pass", evidence=["files:a.md"])
    assert code("qaPassed", "pass", "note:looks good", by=one) == 43
    other.verify("T001", gate="qaPassed", result="pass", evidence=["note:looks good"])
    assert code("implemented", "warn", by=other) == 43
    for _ in range(2):
        verify("cleanupDone", "fail")
    assert code("implemented", "warn") == 44
    assert refused(lambda: tasks.verify("T001", reset=True)).exit == 2
    tasks.verify("T001", reset=True, reason="the flaky test is gone")
    assert refused(lambda: tasks.verify("T001", reset=True, reason="again")).exit == 102
    verify("implemented", "warn")
    tasks.complete("T001")
    assert code("implemented", "warn") == 46
    assert refused(lambda: tasks.verify("T001", reset=True, reason="x")).exit == 46
    tasks.archive("T001")
    error = refused(lambda: verify("documented", "warn"))
    assert (error.exit, error.fix) == (46, "cleo unarchive T001")


@pytest.mark.guarantee(
    "tasks-23", "the first of several reasons to refuse a gate is always the same one"
)
def test_the_first_of_several_refusals_is_told(
    tasks: Any, cleo_cli: Cli, cleo_open: Open, cleo_project: Path
) -> None:
    cleo_cli("config", "set", "tasks.verification.independent_qa", "true")
    cleo_cli("config", "set", "tasks.verification.max_rounds", "1")
    service = Fresh(cleo_open, "a1")

    def exit_of(gate: str, round_: int) -> int:
        return refused(
            lambda: service.verify(
                "T001", gate=gate, result="pass", evidence=["tool:x=1"], round=round_
            )
        ).exit

    service.cancel("T001")
    assert exit_of("none", 9) == 46
    service.reopen("T001")
    service.verify("T001", gate="cleanupDone", result="fail", reason="because")
    assert exit_of("none", 9) == 42
    assert exit_of("qaPassed", 9) == 47
    assert exit_of("qaPassed", 2) == 44
    service.verify("T001", reset=True, reason="because")
    assert exit_of("qaPassed", 1) == 45
    service.verify("T001", gate="implemented", result="warn", reason="because")
    assert exit_of("qaPassed", 1) == 43
    assert exit_of("testsPassed", 1) == 41


@pytest.mark.guarantee(
    "tasks-23", "completing needs its gates: 40, 44, 45, and 41 when evidence has changed since"
)
def test_completing_reads_what_was_verified(
    tasks: Any, verify: Any, cleo_cli: Cli, cleo_project: Path
) -> None:
    cleo_cli("config", "set", "tasks.verification.mode", "block")

    def exit_of() -> int:
        return refused(lambda: tasks.complete("T001")).exit

    error = refused(lambda: tasks.complete("T001"))
    assert error.exit == 40
    assert error.fix == "cleo verify T001 --gate implemented --result pass --evidence ATOM"
    for _ in range(3):
        verify("implemented", "pass", "files:a.md")
        verify("testsPassed", "fail", "test-run:junit.xml")
    error = refused(lambda: tasks.complete("T001"))
    assert (error.exit, error.fix) == (44, "cleo verify T001 --reset --reason TEXT")
    tasks.verify("T001", reset=True, reason="understood now")
    assert exit_of() == 45
    verify("implemented", "pass", "files:a.md")
    verify("testsPassed", "pass", "test-run:junit.xml")
    assert exit_of() == 45
    verify("qaPassed", "pass", "note:read it twice")
    (cleo_project / "a.md").write_text("changed")
    (cleo_project / "junit.xml").write_text(JUNIT + "\n")
    error = refused(lambda: tasks.complete("T001"))
    assert error.exit == 41
    assert error.details == {
        "files": ["a.md", "junit.xml"],
        "gates": ["implemented", "testsPassed"],
    }
    verify("implemented", "pass", "files:a.md")
    (cleo_project / "junit.xml").unlink()
    assert exit_of() == 41
    verify("testsPassed", "warn", reason="the report was cleaned away")
    assert tasks.complete("T001")[0].task.status == "done"


@pytest.mark.guarantee(
    "tasks-23", "a task that is only text or a decision is finished with a warn at each gate"
)
def test_a_text_only_task_is_finished_with_warns(cleo_cli: Cli, cleo_project: Path) -> None:
    cleo_cli("config", "preset", "apply", "strict")
    for key in ("acceptance.mode", "session.enforce"):
        cleo_cli("config", "set", f"tasks.{key}", "off")
    cleo_cli("add", "Decide on the name")
    assert cleo_cli("complete", "T001").code == 40
    for gate in ("implemented", "testsPassed", "qaPassed"):
        assert cleo_cli("complete", "T001").code in (40, 45)
        words = ("--gate", gate, "--result", "warn", "--reason", "a decision, no code")
        assert cleo_cli("verify", "T001", *words).code == 0
    assert cleo_cli("complete", "T001").data["task"]["status"] == "done"


@pytest.mark.guarantee(
    "tasks-22", "a failed gate stays visible, and passes of an earlier round no longer count"
)
def test_a_fail_begins_a_new_round(tasks: Any, verify: Any, cleo_cli: Cli) -> None:
    cleo_cli("config", "set", "tasks.verification.mode", "block")
    cleo_cli("config", "set", "tasks.verification.gates", "implemented,documented")
    verify("implemented", "warn")
    verify("documented", "fail")
    state = verify("documented", "pass", "url:https://example.org/manual")
    assert (state.round, state.missing) == (2, ["implemented"])
    assert refused(lambda: tasks.complete("T001")).exit == 45
    state = verify("implemented", "warn")
    assert [(one.gate, one.result, one.round) for one in state.results] == [
        ("implemented", "warn", 1),
        ("documented", "fail", 1),
        ("documented", "pass", 2),
        ("implemented", "warn", 2),
    ]
    assert tasks.complete("T001")[0].task.status == "done"


@pytest.mark.guarantee(
    "tasks-22", "results of a task's gates are neither changed nor deleted, but for its purge"
)
def test_results_are_only_ever_added_to(tasks: Any, verify: Any, cleo_app: App) -> None:
    verify("implemented", "fail")
    for statement in (
        "UPDATE task_gate_results SET result = 'pass'",
        "DELETE FROM task_gate_results",
        "INSERT OR REPLACE INTO task_gate_results "
        "SELECT id, task_id, gate, 'pass', 1, NULL, '[]', NULL, checked_at FROM task_gate_results",
    ):
        with pytest.raises(Exception, match="append-only"):
            cleo_app.write("tasks", lambda unit, sql=statement: unit.execute(sql))
    tasks.delete("T001")
    tasks.delete("T001", purge=True)
    assert cleo_app.store("tasks").scalar("SELECT count(*) FROM task_gate_results") == 0


@pytest.mark.parametrize("most", [1, 2, 3])
def test_after_a_reset_nothing_of_before_counts(
    tasks: Any, verify: Any, cleo_cli: Cli, most: int
) -> None:
    cleo_cli("config", "set", "tasks.verification.max_rounds", str(most))
    for round_ in range(1, most + 1):
        verify("implemented", "warn", round=round_)
        verify("documented", "warn")
        outcome = verify("cleanupDone", "fail")
    assert outcome.round == most + 1
    assert refused(lambda: verify("documented", "fail")).exit == 44
    state = tasks.verify("T001", reset=True, reason="once more")
    assert (state.round, state.gates) == (1, {})
    assert refused(lambda: verify("testsPassed", "warn")).exit == 45
    assert list(verify("implemented", "warn").gates) == ["implemented"]
    (row,), _ = tasks.log_list(action="task.verify_reset")
    assert (row["before"], row["after"], row["reason"]) == (
        {"verification_round": most + 1},
        {"verification_round": 1},
        "once more",
    )


def test_the_last_round_is_warned_of_when_it_is_gone(tasks: Any, cleo_cli: Cli) -> None:
    words = ("--gate", "documented", "--result", "fail", "--reason", "empty")
    assert not cleo_cli("verify", "T001", *words).warnings
    assert not cleo_cli("verify", "T001", *words).warnings
    (warning,) = cleo_cli("verify", "T001", *words).warnings
    assert warning["code"] == "W_ROUNDS"


NEEDED = {
    "implemented": {"commit", "files"},
    "testsPassed": {"test-run", "tool"},
    "qaPassed": {"tool", "test-run", "note"},
    "documented": {"files", "url"},
    "securityPassed": {"tool", "test-run", "note"},
    "cleanupDone": {"files", "note"},
}


@pytest.mark.parametrize("gate", GATES)
def test_a_pass_needs_what_can_show_it(
    gate: str, tasks: Any, verify: Any, cleo_project: Path
) -> None:
    git(cleo_project, "init", "-q")
    git(cleo_project, "commit", "-q", "--allow-empty", "-m", "first")
    shown = {
        "commit": "commit:HEAD",
        "files": "files:a.md",
        "test-run": "test-run:junit.xml",
        "tool": "tool:ruff check=0",
        "url": "url:https://example.org",
        "note": "note:seen",
    }
    verify("implemented", "warn")
    assert refused(lambda: verify(gate)).exit == 41
    for kind, atom in shown.items():
        if kind in NEEDED[gate]:
            assert verify(gate, "pass", atom).gates[gate].evidence[0]["atom"] == kind
        else:
            assert refused(lambda atom=atom: verify(gate, "pass", atom)).exit == 41
    # More than is needed is welcome, and looked at just the same.
    assert len(verify(gate, "pass", *shown.values()).gates[gate].evidence) == 6
    assert refused(lambda: verify(gate, "pass", *shown.values(), "files:no")).exit == 41


def test_a_commit_is_looked_up_and_recorded_whole(
    tasks: Any, verify: Any, cleo_project: Path, cleo_home: Path, monkeypatch: Any
) -> None:
    assert "git repository" in refused(lambda: verify("implemented", "pass", "commit:HEAD")).message
    git(cleo_project, "init", "-q")
    assert refused(lambda: verify("implemented", "pass", "commit:HEAD")).exit == 41
    git(cleo_project, "commit", "-q", "--allow-empty", "-m", "first")
    sha = git(cleo_project, "rev-parse", "HEAD")
    git(cleo_project, "tag", "-a", "-m", "t", "v1")
    tree, tag = (git(cleo_project, "rev-parse", name) for name in ("HEAD^{tree}", "v1"))
    for name in ("HEAD", sha, sha[:7], sha[:7].upper()):
        state = verify("implemented", "pass", f"commit:{name}")
        assert state.gates["implemented"].evidence == [{"atom": "commit", "sha": sha}]
    # A branch whose name looks like a hash, another kind of object, one that is not there.
    git(cleo_project, "branch", "abcd")
    for name in ("abcd", tree, tag, "0" * 40, "f" * 64):
        error = refused(lambda name=name: verify("implemented", "pass", f"commit:{name}"))
        assert (error.exit, error.details["evidence"]) == (41, [f"commit:{name}"])
    for name in ("main", "--help", "-1", "HEAD~1", "abc", "abcg", "HEAD\nx", "a" * 65, "@"):
        error = refused(lambda name=name: verify("implemented", "pass", f"commit:{name}"))
        assert error.exit == 2, name
    other = cleo_home / "other"
    other.mkdir()
    git(other, "init", "-q")
    git(other, "commit", "-q", "--allow-empty", "-m", "elsewhere")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    verify("implemented", "pass", f"commit:{sha}")
    monkeypatch.setenv("PATH", str(cleo_home))
    assert (
        "git cannot be run" in refused(lambda: verify("implemented", "pass", "commit:HEAD")).message
    )


def test_evidence_is_read_in_the_work_tree_that_one_stands_in(
    tasks: Any, cleo_cli: Cli, cleo_project: Path, cleo_home: Path
) -> None:
    git(cleo_project, "init", "-q")
    git(cleo_project, "commit", "-q", "--allow-empty", "-m", "first")
    git(cleo_project, "worktree", "add", "-q", "-b", "wip", str(cleo_home / "tree"))
    (cleo_home / "tree" / "new.md").write_text("here alone")
    git(cleo_home / "tree", "commit", "-q", "--allow-empty", "-m", "second")
    words = ("verify", "T001", "--gate", "implemented", "--result", "pass", "--evidence")
    assert cleo_cli(*words, "files:new.md").code == 41
    outcome = cleo_cli(*words, "files:new.md", "--evidence", "commit:HEAD", cwd=cleo_home / "tree")
    file, commit = outcome.data["gates"]["implemented"]["evidence"]
    assert file["path"] == "new.md"
    assert commit["sha"] == git(cleo_home / "tree", "rev-parse", "HEAD")


def test_files_are_hashed_each_and_none_may_be_missing(
    tasks: Any, verify: Any, cleo_project: Path, cleo_home: Path
) -> None:
    (cleo_project / "src").mkdir()
    (cleo_project / "src" / "ünï").write_text("b")
    (cleo_home / "outside.md").write_text("secret")
    (cleo_project / "link.md").symlink_to(cleo_home / "outside.md")
    os.mkfifo(cleo_project / "pipe")
    state = verify("implemented", "pass", "files: a.md , src/ünï,./a.md,src/../a.md", "files:a.md")
    paths = [entry["path"] for entry in state.gates["implemented"].evidence]
    assert paths == ["a.md", "src/ünï", "a.md", "a.md", "a.md"]
    error = refused(lambda: verify("implemented", "pass", "files:a.md,gone.md,lost.md"))
    assert error.exit == 41
    assert "gone.md" in error.message
    assert "lost.md" in error.message
    for path in ("src", "pipe", "link.md", "../outside.md", str(cleo_home / "outside.md"), "/"):
        assert refused(lambda path=path: verify("implemented", "pass", f"files:{path}")).exit == 41
    (cleo_project / "a.md").chmod(0)
    if os.geteuid():
        assert refused(lambda: verify("implemented", "pass", "files:a.md")).exit == 41


def test_a_test_run_is_parsed_and_its_counts_are_kept(
    tasks: Any, verify: Any, cleo_project: Path, cleo_home: Path
) -> None:
    verify("implemented", "warn")
    suite = cleo_home / "suite"
    suite.mkdir()
    (suite / "test_it.py").write_text(
        "import pytest\ndef test_one(): pass\n@pytest.mark.skip\ndef test_two(): pass\n"
    )
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull),
            f"--junitxml={cleo_project / 'junit.xml'}",
            str(suite),
        ],
        cwd=suite,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        check=True,
        capture_output=True,
    )
    state = verify("testsPassed", "pass", "test-run:junit.xml")
    assert state.gates["testsPassed"].evidence == [
        {
            "atom": "test-run",
            "path": "junit.xml",
            "sha256": hashlib.sha256((cleo_project / "junit.xml").read_bytes()).hexdigest(),
            "format": "junit",
            "tests": 2,
            "passed": 1,
            "failed": 0,
            "errors": 0,
            "skipped": 1,
        }
    ]
    (cleo_project / "red.json").write_text(
        json.dumps({"exitcode": 1, "summary": {"total": 2, "passed": 1, "failed": 1}})
    )
    (cleo_project / "none.tap").write_text("1..0\n")
    (cleo_project / "large.xml").write_bytes(b"<testsuite>" + b" " * (33 << 20))
    for path, words in (
        ("red.json", "1 of 2 tests failed"),
        ("none.tap", "no test was run"),
        ("large.xml", "larger than the 32 MB"),
        ("a.md", "none of JUnit XML"),
        ("gone.xml", "cannot be read"),
        (".", "no regular file"),
    ):
        error = refused(lambda path=path: verify("testsPassed", "pass", f"test-run:{path}"))
        assert error.exit == 41
        assert words in error.message
    # What speaks against it is evidence of a fail.
    state = verify("testsPassed", "fail", "test-run:red.json", "tool:pytest=1")
    report, tool = state.results[-1].evidence
    assert (report["failed"], tool) == (1, {"atom": "tool", "name": "pytest", "exit": 1})
    assert refused(lambda: verify("implemented", "fail", "test-run:gone.xml")).exit == 41


#: What is written like no evidence.
NO_ATOMS: tuple[Any, ...] = (
    "",
    " ",
    "nothing",
    "file:a.md",
    "Files:a.md",
    "files:",
    "files:a.md,",
    "files:,",
    "commit:",
    "tool:pytest",
    "tool:=0",
    "tool:pytest=",
    "tool:pytest=ok",
    "tool:pytest=0x0",
    "tool:pytest=٠",
    "tool:pytest=99999999999999999999",
    "url:example.org",
    "url:https://",
    "url:https://a b",
    "url:https://user:secret@example.org/",
    r"url:https:/\user:secret@example.org/",
    "note:",
    "note:a\0b",
    "note:\ud800",
    "note:" + "x" * 4001,
    "files:" + ",".join(f"f{n}" for n in range(1001)),
    5,
    None,
    b"note:x",
)


def test_evidence_that_is_not_written_as_evidence_is_bad_usage(verify: Any) -> None:
    for atom in NO_ATOMS:
        error = refused(lambda atom=atom: verify("cleanupDone", "pass", "note:fine", atom))
        assert (error.code, error.exit) == ("E_USAGE", 2), atom
        assert "secret" not in error.message


#: Arguments that do not fit together, or have the wrong type.
MISFITS: tuple[dict[str, Any], ...] = (
    {"result": "pass"},
    {"evidence": ["note:x"]},
    {"reason": "x"},
    {"round": 1},
    {"if_version": 1},
    {"gate": "implemented"},
    {"gate": "implemented", "result": "maybe"},
    {"gate": "implemented", "result": ["pass"]},
    {"gate": "implemented", "result": "warn"},
    {"gate": "implemented", "result": "fail"},
    {"gate": "implemented", "result": "warn", "reason": " "},
    {"gate": "implemented", "result": "warn", "reason": "x" * 501},
    {"gate": "implemented", "result": "warn", "reason": "a\0b"},
    {"gate": "implemented", "result": "warn", "reason": 5},
    {"gate": "implemented", "result": "warn", "reason": "x", "round": 0},
    {"gate": "implemented", "result": "warn", "reason": "x", "round": True},
    {"gate": "implemented", "result": "warn", "reason": "x", "round": "1"},
    {"gate": "implemented", "result": "warn", "reason": "x", "evidence": "note:x"},
    {"gate": "implemented", "result": "warn", "reason": "x", "evidence": [[]]},
    {
        "gate": "implemented",
        "result": "warn",
        "reason": "x",
        "evidence": [f"note:{n}" for n in range(101)],
    },
    {"reset": True},
    {"reset": 1, "reason": "x"},
    {"reset": True, "reason": "x", "gate": "implemented"},
    {"reset": True, "reason": "x", "evidence": ["note:x"]},
)


def test_what_does_not_fit_together_is_bad_usage(tasks: Any) -> None:
    for words in MISFITS:
        error = refused(lambda words=words: tasks.verify("T001", **words))
        assert (error.code, error.exit) == ("E_USAGE", 2), words
    assert tasks.verify("T001").results == []


def test_any_other_word_is_no_gate(tasks: Any) -> None:
    for gate in ("", "x" * 5000, "\0", "\ud800", 5, ["implemented"], "IMPLEMENTED"):
        error = refused(
            lambda gate=gate: tasks.verify("T001", gate=gate, result="warn", reason="x")
        )
        assert (error.code, error.details["gates"]) == ("E_GATE_UNKNOWN", list(GATES))
        assert error.fix == "cleo verify T001 --gate implemented"


def test_the_version_and_the_round_guard_against_a_second_try(
    tasks: Any, verify: Any, cleo_cli: Cli
) -> None:
    verify("documented", "fail", round=1, if_version=1)
    assert refused(lambda: verify("documented", "fail", round=1)).exit == 47
    assert refused(lambda: verify("documented", "fail", if_version=1)).exit == 21
    assert refused(lambda: verify("documented", "pass", "files:no", if_version=1)).exit == 21
    assert cleo_cli("verify", "T001", "--round", "0").code == 2
    assert refused(lambda: verify("documented", "fail", round=10**30)).exit == 47


def test_nobody_named_is_one_agent_where_qa_is_independent(
    tasks: Any, verify: Any, cleo_cli: Cli, cleo_open: Open
) -> None:
    verify("implemented", "warn")
    assert verify("qaPassed", "pass", "note:fine").gates["qaPassed"].result == "pass"
    cleo_cli("config", "set", "tasks.verification.independent_qa", "true")
    assert refused(lambda: verify("qaPassed", "warn")).exit == 43
    named = cleo_open(agent="a1").service("tasks")
    named.verify("T001", gate="qaPassed", result="pass", evidence=["note:fine"])


def test_the_session_rules_hold(tasks: Any, verify: Any, cleo_cli: Cli) -> None:
    cleo_cli("config", "set", "tasks.session.enforce", "block")
    assert refused(lambda: verify("implemented", "warn")).exit == 36
    assert tasks.verify("T001").round == 1


def test_a_gate_of_the_configuration_must_be_one(tasks: Any, verify: Any, cleo_cli: Cli) -> None:
    cleo_cli("config", "set", "tasks.verification.gates", "implemented,reviewed")
    assert tasks.verify("T001").missing == []
    cleo_cli("config", "set", "tasks.verification.mode", "block")
    error = refused(lambda: tasks.complete("T001"))
    assert (error.code, error.fix) == ("E_CONFIG", "cleo config unset tasks.verification.gates")


def test_the_presets_are_those_of_the_rules(cleo_cli: Cli, cleo_project: Path) -> None:
    modes = ("acceptance.mode", "session.enforce", "verification.mode")
    for preset, word, lifecycle in (
        ("strict", "block", "strict"),
        ("standard", "warn", "advisory"),
        ("minimal", "off", "off"),
    ):
        shown = cleo_cli("config", "preset", "show", preset).data
        values = shown.get("values", shown)
        assert {f"tasks.{name}": word for name in modes} | {"tasks.lifecycle.mode": lifecycle} == {
            key: value for key, value in values.items() if key.startswith("tasks.")
        }


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    text=st.one_of(
        st.text(max_size=60),
        st.sampled_from(("commit", "files", "test-run", "tool", "url", "note")).flatmap(
            lambda kind: st.text(max_size=40).map(lambda value: f"{kind}:{value}")
        ),
    )
)
def test_any_text_as_evidence_is_recorded_or_refused(verify: Any, text: str) -> None:
    found = attempt(lambda: verify("cleanupDone", "warn", text))
    if isinstance(found, CleoError):
        assert found.exit in (2, 41)
        assert found.fix
    else:
        assert found.results[-1].evidence


class Reading:
    """Stands for the hash of a file; it counts, and asks whether others may write meanwhile."""

    def __init__(self, store: Path, monkeypatch: Any) -> None:
        self.store = store
        self.files: list[str] = []
        self.meanwhile: Callable[[], Any] = lambda: None
        self.sha256 = evidence.sha256
        monkeypatch.setattr(evidence, "sha256", self)

    def __call__(self, path: str) -> str:
        self.files.append(Path(path).name)
        other = driver().connect(self.store, timeout=0, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
        finally:
            other.close()
        call, self.meanwhile = self.meanwhile, lambda: None
        call()
        return self.sha256(path)


@pytest.fixture
def blocking(tasks: Any, cleo_cli: Cli) -> None:
    cleo_cli("config", "set", "tasks.verification.mode", "block")
    cleo_cli("config", "set", "tasks.verification.gates", "implemented")


@pytest.fixture
def reading(cleo_project: Path, monkeypatch: Any) -> Reading:
    return Reading(cleo_project / ".cleo" / "tasks.db", monkeypatch)


def shown(tasks: Any, id_: str, path: str) -> None:
    tasks.verify(id_, gate="implemented", result="pass", evidence=[f"files:{path}"])


@pytest.mark.guarantee("tasks-23", "Others may write while evidence is read for completing")
def test_evidence_is_read_before_the_unit_that_completes(
    tasks: Any, blocking: None, cleo_project: Path, reading: Reading
) -> None:
    above = tasks.add("Above", type="epic").task.id
    ids = [tasks.add(f"Below {n}", parent=above).task.id for n in range(4)]
    for id_ in (above, *ids):
        (cleo_project / f"{id_}.md").write_text(id_)
        shown(tasks, id_, f"{id_}.md")
    reading.files.clear()
    done = tasks.complete(*ids)
    assert [one.task.status for one in done] == ["done"] * 4
    assert [one.auto_completed for one in done if one.auto_completed] == [[above]]
    assert sorted(reading.files) == sorted(f"{id_}.md" for id_ in (above, *ids)), "each once"


def test_a_parents_evidence_is_read_before_the_unit_as_well(
    tasks: Any, blocking: None, cleo_project: Path, reading: Reading
) -> None:
    above = tasks.add("Above", type="epic").task.id
    below = tasks.add("Below", parent=above).task.id
    shown(tasks, above, "a.md")
    tasks.verify(below, gate="implemented", result="warn", reason="a decision")
    (cleo_project / "a.md").write_text("changed")
    reading.files.clear()
    (done,) = tasks.complete(below)
    assert done.auto_complete_refused == [{"id": above, "code": "E_EVIDENCE"}]
    assert reading.files == ["a.md"]


def test_what_is_recorded_while_evidence_is_read_is_read_too(
    tasks: Any, blocking: None, cleo_project: Path, reading: Reading
) -> None:
    shown(tasks, "T001", "a.md")
    (cleo_project / "b.md").write_text("more")
    reading.files.clear()

    def record() -> None:
        shown(tasks, "T001", "b.md")
        (cleo_project / "b.md").write_text("changed")

    reading.meanwhile = record
    error = refused(lambda: tasks.complete("T001"))
    assert (error.exit, error.details["files"]) == (41, ["b.md"])
    # Once to be recorded, once to be compared.
    assert reading.files == ["a.md", "b.md", "b.md"]


def test_updating_to_done_reads_evidence_before_its_unit(
    tasks: Any, blocking: None, cleo_project: Path, reading: Reading
) -> None:
    shown(tasks, "T001", "a.md")
    (cleo_project / "a.md").write_text("changed")
    assert refused(lambda: tasks.update("T001", status="done")).exit == 41
    (cleo_project / "a.md").write_text("text")
    assert tasks.update("T001", status="done").task.status == "done"


def test_reconciling_reads_evidence_before_the_unit_that_completes(
    tasks: Any, blocking: None, cleo_project: Path, cleo_home: Path, reading: Reading
) -> None:
    record = {"external_id": "A-1", "title": "At hand", "status": "done"}
    path = cleo_home / "records.jsonl"
    path.write_text(json.dumps(record) + "\n")
    tasks.link_add("T001", "A-1", "jira")
    shown(tasks, "T001", "a.md")
    reading.files.clear()
    (action,) = tasks.link_reconcile("jira", str(path)).actions
    assert (action.action, action.code, reading.files) == ("complete", None, ["a.md"])


def test_nothing_is_read_where_nothing_is_asked_for(tasks: Any, reading: Reading) -> None:
    shown(tasks, "T001", "a.md")
    reading.files.clear()
    tasks.complete("T001")
    assert reading.files == []
