"""In which session a command runs, and what its scope allows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.errors import CleoError

Open = Callable[..., App]
Cli = Callable[..., Any]


def tasks(app: App) -> Any:
    return app.service("tasks")


def refused(call: Callable[..., Any], *args: Any, **options: Any) -> CleoError:
    with pytest.raises(CleoError) as caught:
        call(*args, **options)
    return caught.value


def tree(app: App) -> None:
    """T001 epic > T002 task > T003 subtask; T004 epic > T005 task; T006 task."""
    service = tasks(app)
    service.add("epic one", type="epic")
    service.add("task one", parent="T001")
    service.add("subtask one", parent="T002")
    service.add("epic two", type="epic")
    service.add("task two", parent="T004")
    service.add("alone")


def test_everything_done_in_a_session_names_it_and_keeps_it_fresh(
    cleo_open: Open, cleo_clock: Any
) -> None:
    app = cleo_open("ada")
    session = tasks(app).session_start()
    cleo_clock.advance(60)

    task = tasks(app).add("write the parser").task

    assert task.session_id == session.id
    shown = tasks(app).session_show(session.id)
    assert (shown.last_activity_at, shown.version) == (task.created_at, 1)
    db = app.store("tasks")
    assert db.scalar("SELECT session_id FROM audit_log WHERE task_id = 'T001'") == session.id
    kinds = db.read("SELECT kind FROM session_tasks WHERE session_id = :id", id=session.id)
    assert [row["kind"] for row in kinds] == ["created"]


def test_of_several_sessions_the_narrowest_around_the_task_is_taken(cleo_open: Open) -> None:
    app = cleo_open("ada")
    tree(app)
    wide = tasks(app).session_start("epic:T001").id
    narrow = tasks(app).session_start("epic:T004").id
    # Only moving a scope below another lets one agent's sessions nest.
    tasks(app).reparent("T004", to="T001")
    db = app.store("tasks")
    newest = "SELECT session_id FROM audit_log WHERE task_id = :id ORDER BY id DESC LIMIT 1"
    for id_, session in (("T005", narrow), ("T002", wide), ("T003", wide), ("T006", None)):
        tasks(app).claim(id_)
        assert db.scalar(newest, id=id_) == session


def test_a_named_session_goes_before_the_agent_s_own(cleo_cli: Cli, cleo_open: Open) -> None:
    mine = tasks(cleo_open("ada")).session_start().id
    other = tasks(cleo_open()).session_start().id
    for arguments, variables, session in (
        ((), {}, mine),
        (("--session", other), {}, other),
        ((), {"CLEO_SESSION_ID": other}, other),
        (("--session", mine), {"CLEO_SESSION_ID": other}, mine),
    ):
        outcome = cleo_cli(
            *("add", f"task {arguments} {variables}", *arguments), agent="ada", env=variables
        )
        assert outcome.data["task"]["sessionId"] == session


@pytest.mark.parametrize(
    ("mode", "scope", "arguments", "code", "warning"),
    [
        ("off", None, ("add", "x"), 0, None),
        ("warn", None, ("add", "x"), 0, "W_SESSION_REQUIRED"),
        ("block", None, ("add", "x"), 36, None),
        ("block", None, ("update", "T002", "--size", "small"), 36, None),
        ("block", None, ("start", "T006"), 36, None),
        ("block", None, ("complete", "T003"), 36, None),
        ("block", None, ("claim", "T006"), 0, None),
        ("block", "global", ("add", "x"), 0, None),
        ("block", "global", ("start", "T006"), 0, None),
        ("off", "epic:T001", ("start", "T006"), 0, None),
        ("warn", "epic:T001", ("start", "T006"), 0, "W_OUT_OF_SCOPE"),
        ("block", "epic:T001", ("start", "T006"), 34, None),
        ("block", "epic:T001", ("claim", "T006"), 34, None),
        ("block", "epic:T001", ("claim", "T006", "--start"), 34, None),
        ("block", "epic:T001", ("add", "x"), 34, None),
        ("block", "epic:T001", ("add", "x", "--parent", "T004"), 34, None),
        ("block", "epic:T001", ("add", "x", "--parent", "T001"), 0, None),
        ("block", "epic:T001", ("start", "T003"), 0, None),
        ("block", "task:T002", ("start", "T003"), 0, None),
        ("block", "task:T002", ("update", "T001", "--size", "small"), 34, None),
        ("block", "epic:T001", ("unclaim", "T005"), 102, None),
    ],
)
def test_enforcement_asks_for_a_session_and_its_scope(
    cleo_cli: Cli,
    cleo_open: Open,
    mode: str,
    scope: str | None,
    arguments: tuple[str, ...],
    code: int,
    warning: str | None,
) -> None:
    app = cleo_open("ada")
    tree(app)
    if scope:
        tasks(app).session_start(scope)
    assert cleo_cli("config", "set", "tasks.session.enforce", mode).code == 0

    outcome = cleo_cli(*arguments, agent="ada")

    assert outcome.code == code, outcome
    assert [one["code"] for one in outcome.warnings] == ([warning] if warning else [])


def test_a_closed_session_that_is_named_does_not_count_under_enforcement(
    cleo_cli: Cli, cleo_open: Open
) -> None:
    app = cleo_open("ada")
    session = tasks(app).session_start()
    tasks(app).session_end()
    cleo_cli("config", "set", "tasks.session.enforce", "block")
    outcome = cleo_cli("add", "x", "--session", session.id, agent="ada")
    assert outcome.code == 36
    assert outcome.error["fix"] == f"cleo session resume {session.id}"


def session_of(app: App, id_: str) -> list[Any]:
    """The sessions that a task names, by column, by list and by log."""
    db = app.store("tasks")
    return [
        db.scalar("SELECT session_id FROM tasks WHERE id = :id", id=id_),
        db.scalar("SELECT session_id FROM session_tasks WHERE task_id = :id", id=id_),
        db.scalar("SELECT session_id FROM audit_log WHERE task_id = :id", id=id_),
    ]


@pytest.mark.parametrize("mode", ["off", "warn", "block"])
@pytest.mark.parametrize("named", ["option", "variable"])
@pytest.mark.parametrize("status", ["ended", "suspended", "orphaned"])
def test_a_session_that_is_not_active_is_not_worked_in(
    cleo_cli: Cli, cleo_open: Open, cleo_clock: Any, status: str, named: str, mode: str
) -> None:
    app = cleo_open("ada")
    session = tasks(app).session_start().id
    if status == "orphaned":
        cleo_clock.advance(3600)
        tasks(cleo_open()).session_gc(max_age="1m")
    else:
        getattr(tasks(app), "session_end" if status == "ended" else "session_suspend")()
    assert tasks(app).session_show(session).status == status
    cleo_cli("config", "set", "tasks.session.enforce", mode)
    words = ("--session", session) if named == "option" else ()
    variables = {"CLEO_SESSION_ID": session} if named == "variable" else {}

    outcome = cleo_cli("add", "x", *words, agent="ada", env=variables)

    if mode == "block":
        assert outcome.code == 36
        return
    assert [one["code"] for one in outcome.warnings] == ["W_SESSION_NOT_ACTIVE"]
    assert outcome.data["task"]["sessionId"] is None
    assert session_of(app, "T001") == [None, None, None]
    for command in (("start", "T001"), ("stop",)):
        assert cleo_cli(*command, *words, agent="ada", env=variables).code == 36
    renamed = cleo_cli("update", "T001", "--title", "y", *words, agent="ada", env=variables)
    assert [one["code"] for one in renamed.warnings] == ["W_SESSION_NOT_ACTIVE"]


@pytest.mark.parametrize("status", ["active", "suspended"])
@pytest.mark.parametrize(
    "words",
    [
        ("add", "x"),
        ("update", "T006", "--size", "small"),
        ("complete", "T006"),
        ("claim", "T006"),
        ("claim", "--next"),
        ("start", "T006"),
        ("stop",),
        ("label", "rename", "one", "two"),
        ("session", "note", "text"),
        ("session", "suspend"),
        ("session", "end"),
        ("session", "resume"),
    ],
)
def test_nobody_acts_in_another_agents_session(
    cleo_cli: Cli, cleo_open: Open, words: tuple[str, ...], status: str
) -> None:
    app = cleo_open("bob")
    tree(app)
    tasks(app).update("T001", labels=["one"])
    session = tasks(app).session_start().id
    if status == "suspended":
        tasks(app).session_suspend()
    before = app.store("tasks").scalar("SELECT count(*) FROM audit_log")

    refused = cleo_cli(*words, "--session", session, agent="alice")

    assert refused.error == {
        "code": "E_SESSION_REQUIRED",
        "exit": 36,
        "message": f"Session {session} belongs to bob.",
        "fix": "cleo session start --agent alice",
        "details": {"session": session, "agent": "bob"},
    }
    assert app.store("tasks").scalar("SELECT count(*) FROM audit_log") == before
    assert tasks(app).session_show(session).status == status


def test_anybody_reads_a_session_and_who_is_nobody_acts_in_it(
    cleo_cli: Cli, cleo_open: Open
) -> None:
    session = tasks(cleo_open("bob")).session_start().id
    assert cleo_cli("session", "show", session, agent="alice").data["agentId"] == "bob"
    assert len(cleo_cli("session", "list", "--session", session, agent="alice").data) == 1
    by_name = cleo_cli("session", "resume", session, agent="alice")
    assert by_name.code == 36
    added = cleo_cli("add", "x", "--session", session).data["task"]
    assert added["sessionId"] == session
    # The way out works although the environment still names the other's session.
    own = cleo_cli("session", "start", agent="alice", env={"CLEO_SESSION_ID": session})
    assert own.data["agentId"] == "alice"


@pytest.mark.parametrize("verb", ["status", "end", "suspend", "note", "resume"])
def test_a_verb_without_any_session_says_so(cleo_cli: Cli, cleo_project: Path, verb: str) -> None:
    words = ("session", verb, *(["text"] if verb == "note" else []))
    outcome = cleo_cli(*words, agent="ada")
    assert outcome.code == (31 if verb == "resume" else 36), outcome
    named = cleo_cli(*words, "--session", "ses_none")
    assert named.error["code"] == "E_SESSION_NOT_FOUND"
    assert named.code == 31


def test_the_caller_s_session_names_its_current_task(cleo_open: Open) -> None:
    app = cleo_open("ada")
    tree(app)
    tasks(app).session_start()
    tasks(app).start("T006")
    assert tasks(app).session_status().current_task_id == "T006"
