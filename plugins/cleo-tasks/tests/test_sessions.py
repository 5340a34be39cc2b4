"""Sessions: starting, adopting, suspending, resuming, collecting."""

from __future__ import annotations

import json
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


def audits(app: App, id_: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = app.store("tasks").read(
        "SELECT * FROM audit_log WHERE entity_kind = 'session' AND entity_id = :id ORDER BY id",
        id=id_,
    )
    return rows


def test_a_session_knows_its_agent_scope_and_name(cleo_open: Open, cleo_clock: Any) -> None:
    app = cleo_open("ada")
    tree(app)

    session = tasks(app).session_start("epic:1")

    assert session.id.startswith("ses_20260325143015_")
    assert len(session.id) == len("ses_20260325143015_1a2b3c")
    assert (session.name, session.status, session.origin) == ("epic one", "active", "explicit")
    assert (session.scope_kind, session.scope_task_id) == ("epic", "T001")
    assert (session.agent_id, session.created, session.adopted) == ("ada", True, False)
    (row,) = audits(app, session.id)
    assert (row["action"], row["before_json"], row["session_id"]) == (
        "session.start",
        None,
        session.id,
    )
    assert json.loads(row["after_json"])["scope_task_id"] == "T001"


@pytest.mark.guarantee(
    "tasks-19",
    "A second session of the same agent is refused where it is the same (30) or overlaps (32), a "
    "scope that is none is refused (33), and in each case nothing was ended or started.",
)
@pytest.mark.parametrize(
    ("active", "wanted", "exit_code"),
    [
        ("global", "global", 30),
        ("epic:T001", "epic:T001", 30),
        ("task:T006", "task:T006", 30),
        ("global", "epic:T001", 32),
        ("epic:T001", "global", 32),
        ("epic:T001", "task:T003", 32),
        ("task:T003", "epic:T001", 32),
        ("task:T002", "task:T003", 32),
        ("epic:T001", "epic:T004", None),
        ("task:T003", "task:T006", None),
        ("epic:T001", "epic:T002", 33),
        ("epic:T001", "task:T001", 33),
        ("epic:T001", "epic:T999", 33),
        ("epic:T001", "epic:", 33),
        ("epic:T001", "everything", 33),
        ("epic:T001", "global:T001", 33),
        ("epic:T001", "", 33),
        ("epic:T001", "epic:T001; DROP TABLE sessions", 33),
        ("epic:T001", "task:" + "9" * 60, 33),
    ],
)
def test_a_second_session_of_an_agent_needs_a_scope_of_its_own(
    cleo_open: Open, active: str, wanted: str, exit_code: int | None
) -> None:
    app = cleo_open("ada")
    tree(app)
    first = tasks(app).session_start(active)

    if exit_code is None:
        tasks(app).session_start(wanted)
    else:
        error = refused(tasks(app).session_start, wanted)
        assert error.exit == exit_code
        assert error.fix
        if exit_code != 33:
            assert error.fix == f"cleo session end --session {first.id}"
    shown = tasks(app).session_show(first.id)
    assert (shown.status, shown.version) == ("active", 1)
    assert tasks(app).session_list()[1].total == (2 if exit_code is None else 1)


def test_different_agents_and_nobody_may_overlap_freely(cleo_open: Open) -> None:
    for agent in ("ada", "bob", None):
        assert tasks(cleo_open(agent)).session_start().created
    assert refused(tasks(cleo_open()).session_start).exit == 30


def test_an_archived_task_is_no_scope(cleo_open: Open) -> None:
    app = cleo_open("ada")
    tree(app)
    tasks(app).delete("T006")
    error = refused(tasks(app).session_start, "task:T006")
    assert (error.exit, error.fix) == (33, "cleo unarchive T006")


def test_start_adopts_the_implicit_session(cleo_open: Open) -> None:
    app = cleo_open("ada")
    tree(app)
    implicit = tasks(app).start("T006").session

    assert refused(tasks(app).session_start, "epic:T001").exit == 32
    adopted = tasks(app).session_start(name="morning")

    assert (adopted.id, adopted.created, adopted.adopted) == (implicit.id, False, True)
    assert (adopted.origin, adopted.name, adopted.current_task_id) == (
        "explicit",
        "morning",
        "T006",
    )
    assert [row["action"] for row in audits(app, implicit.id)] == [
        "session.start",
        "session.start",
    ]
    assert refused(tasks(app).session_start).exit == 30


def test_a_session_follows_the_last_of_its_scope(cleo_open: Open) -> None:
    ada, bob = cleo_open("ada"), cleo_open("bob")
    tree(ada)
    first = tasks(ada).session_start("epic:T001")
    tasks(ada).session_end()
    other = tasks(ada).session_start("epic:T004")

    second = tasks(bob).session_start("epic:T001")

    assert second.previous_session_id == first.id
    assert other.previous_session_id is None


def test_the_same_idempotency_key_gives_the_first_session_again(
    cleo_cli: Cli, cleo_project: Path
) -> None:
    arguments = ("session", "start", "--name", "x", "--idempotency-key", "k1")
    first = cleo_cli(*arguments, agent="ada")
    again = cleo_cli(*arguments, agent="ada")
    assert again.data == first.data
    assert again.envelope["meta"]["replayed"] is True
    other = cleo_cli(*arguments[:3], "y", *arguments[4:], agent="ada")
    assert other.error["code"] == "E_IDEMPOTENCY_MISMATCH"
    for another in ("bob", None):
        assert cleo_cli(*arguments, agent=another).error["code"] == "E_IDEMPOTENCY_MISMATCH"


def test_suspend_keeps_everything_for_resume(cleo_open: Open) -> None:
    app = cleo_open("ada")
    tree(app)
    session = tasks(app).session_start()
    tasks(app).start("T006")

    suspended = tasks(app).session_suspend(reason="lunch")
    assert (suspended.status, suspended.suspend_reason) == ("suspended", "lunch")
    assert (suspended.current_task_id, suspended.ended_at) == ("T006", None)
    assert refused(tasks(app).session_status).exit == 36
    assert refused(tasks(app).current).exit == 100
    named = cleo_open("ada", session.id)
    assert refused(tasks(named).session_suspend).exit == 102
    assert refused(tasks(named).start, "T005").exit == 36

    resumed = tasks(app).session_resume()
    assert (resumed.id, resumed.status, resumed.resume_count) == (session.id, "active", 1)
    assert resumed.suspend_reason is None
    assert tasks(app).current().task.id == "T006"
    assert refused(tasks(app).session_resume, session.id).exit == 102


def test_resume_is_refused_where_start_would_be(cleo_open: Open) -> None:
    app = cleo_open("ada")
    tree(app)
    session = tasks(app).session_start("epic:T001")
    tasks(app).session_suspend()

    again = tasks(app).session_start("epic:T001")
    assert refused(tasks(app).session_resume).exit == 30
    tasks(cleo_open("ada", again.id)).session_suspend()
    tasks(app).session_start("task:T003")
    error = refused(tasks(app).session_resume, session.id)
    assert error.exit == 32
    several = refused(tasks(app).session_resume)
    assert (several.exit, several.details["sessions"]) == (36, [again.id, session.id])


def test_an_ended_session_has_a_successor(cleo_open: Open) -> None:
    app = cleo_open("ada")
    tree(app)
    ended = tasks(app).session_start("epic:T001", name="morning")
    tasks(app).session_end()

    successor = tasks(cleo_open()).session_resume(ended.id)

    assert successor.successor_of == successor.previous_session_id == ended.id
    assert (successor.name, successor.agent_id, successor.scope_task_id) == (
        *("morning", "ada", "T001"),
    )
    assert successor.id != ended.id
    assert tasks(app).session_show(ended.id).status == "ended"
    assert refused(tasks(app).session_resume, ended.id).exit == 30


def test_notes_and_next_action_are_kept_with_their_writer(cleo_open: Open) -> None:
    app = cleo_open("ada")
    tasks(app).session_start()

    text = 'a | "b"\n\tc 🎉 '
    tasks(app).session_note("first")
    session = tasks(app).session_note(text, next_action="wire it up")

    assert [note["text"] for note in session.notes] == ["first", text]
    assert {note["by"] for note in session.notes} == {"ada"}
    assert (session.next_action, session.version) == ("wire it up", 3)


def test_two_processes_that_edit_one_session_notice_each_other(cleo_open: Open) -> None:
    app = cleo_open("ada")
    session = tasks(app).session_start()
    tasks(app).session_note("first", if_version=1)
    for verb, arguments in (
        ("session_note", ("second",)),
        ("session_end", ()),
        ("session_suspend", ()),
    ):
        error = refused(getattr(tasks(app), verb), *arguments, if_version=1)
        assert (error.exit, error.details["version"]) == (21, 2)
    assert refused(tasks(app).session_resume, session.id, if_version=1).exit == 21


def test_sessions_are_listed_newest_first_by_status_and_agent(
    cleo_cli: Cli, cleo_open: Open
) -> None:
    for agent in ("ada", "bob", "cyd"):
        app = cleo_open(agent)
        tasks(app).session_start()
        if agent != "ada":
            tasks(app).session_end()
    whole = cleo_cli("session", "list", "--limit", "2")
    assert [row["agentId"] for row in whole.data] == ["cyd", "bob"]
    assert whole.page == {"limit": 2, "offset": 0, "total": 3, "hasMore": True}
    rest = cleo_cli("session", "list", "--limit", "2", "--offset", "2")
    assert [row["agentId"] for row in rest.data] == ["ada"]
    ended = cleo_cli("session", "list", "--status", "ended", "--of-agent", "bob")
    assert [(row["agentId"], row["scope"]) for row in ended.data] == [("bob", "global")]
    both = cleo_cli("session", "list", "--status", "ended", "--status", "active")
    assert both.page["total"] == 3
    assert cleo_cli("session", "list", "--of-agent", "nobody").data == []


@pytest.mark.guarantee(
    "tasks-19",
    "Collecting idle sessions changes only active ones that were idle for longer than asked, and "
    "deletes nothing.",
)
def test_gc_turns_only_idle_active_sessions_into_orphans(cleo_open: Open, cleo_clock: Any) -> None:
    apps = {name: cleo_open(name) for name in ("idle", "ended", "suspended", "busy", "beside")}
    for name, app in apps.items():
        tasks(app).add(name)
        tasks(app).session_start()
        tasks(app).claim(next=True, start=True)
    tasks(apps["ended"]).session_end()
    tasks(apps["suspended"]).session_suspend()
    tables = ("sessions", "session_tasks", "task_work_history", "audit_log")
    db = apps["idle"].store("tasks")
    before = {table: db.scalar(f"SELECT count(*) FROM {table}") for table in tables}
    cleo_clock.advance(23 * 3600)
    # Any mutation in a session shows that somebody is there.
    tasks(apps["busy"]).add("still here")
    cleo_clock.advance(3600 + 1)

    result = tasks(cleo_open()).session_gc()

    assert {row.agent_id for row in result.orphaned} == {"idle", "beside"}
    assert {row.status for row in result.orphaned} == {"orphaned"}
    assert result.released == []
    rows = {row["agent_id"]: row for row in db.read("SELECT * FROM sessions")}
    assert {agent: row["status"] for agent, row in rows.items()} == {
        "idle": "orphaned",
        "beside": "orphaned",
        "ended": "ended",
        "suspended": "suspended",
        "busy": "active",
    }
    assert rows["idle"]["current_task_id"] is None
    assert rows["suspended"]["current_task_id"] is not None
    for table in tables:
        assert db.scalar(f"SELECT count(*) FROM {table}") >= before[table]
    assert tasks(cleo_open()).session_gc().orphaned == []

    resumed = tasks(apps["idle"]).session_resume()
    assert (resumed.status, resumed.ended_at, resumed.resume_count) == ("active", None, 1)


def test_gc_frees_the_claims_of_agents_that_have_no_session_left(
    cleo_open: Open, cleo_clock: Any
) -> None:
    ada, bob = cleo_open("ada"), cleo_open("bob")
    tree(ada)
    tasks(ada).session_start("epic:T001")
    tasks(bob).session_start("epic:T001")
    tasks(ada).claim("T002")
    tasks(bob).claim("T003")
    cleo_clock.advance(100)
    tasks(bob).session_start("epic:T004")
    cleo_clock.advance(30)

    result = tasks(bob).session_gc(max_age="1m", release=True)

    assert [row.agent_id for row in result.orphaned] == ["ada", "bob"]
    assert result.released == ["T002"]
    assert tasks(ada).show("T003")[0].assignee == "bob"
