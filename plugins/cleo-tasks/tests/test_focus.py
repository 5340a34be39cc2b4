"""What each session works on: starting, stopping, and the history of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.errors import CleoError

Open = Callable[..., App]


def tasks(app: App) -> Any:
    return app.service("tasks")


def refused(call: Callable[..., Any], *args: Any, **options: Any) -> CleoError:
    with pytest.raises(CleoError) as caught:
        call(*args, **options)
    return caught.value


def history(app: App) -> list[tuple[str, bool]]:
    """Every focus there was: its task, and whether it is over."""
    rows = app.store("tasks").read("SELECT * FROM task_work_history ORDER BY id")
    return [(row["task_id"], row["cleared_at"] is not None) for row in rows]


def test_start_claims_activates_and_turns_the_session(cleo_open: Open, cleo_clock: Any) -> None:
    app = cleo_open("ada")
    id_ = tasks(app).add("write the parser", stage="specification").task.id
    cleo_clock.advance(5)

    result = tasks(app).start(id_)

    task = result.task
    assert (task.status, task.assignee, task.pipeline_stage) == ("active", "ada", "implementation")
    assert task.started_at == task.claimed_at == task.updated_at
    assert task.version == 2
    assert result.session.current_task_id == id_
    assert result.changed is True
    now = tasks(app).current()
    assert (now.task.id, now.since) == (id_, task.started_at)


def test_starting_again_changes_nothing(cleo_open: Open) -> None:
    app = cleo_open("ada")
    id_ = tasks(app).add("write the parser").task.id
    first = tasks(app).start(id_)

    again = tasks(app).start(id_)

    assert (again.changed, again.session.created) == (False, False)
    assert again.task.version == first.task.version
    assert history(app) == [(id_, False)]


def test_started_at_is_set_once(cleo_open: Open, cleo_clock: Any) -> None:
    app = cleo_open("ada")
    id_ = tasks(app).add("write the parser").task.id
    first = tasks(app).start(id_).task.started_at
    tasks(app).stop(release=True)
    cleo_clock.advance(60)

    again = tasks(app).start(id_).task

    assert again.started_at == first
    assert again.claimed_at > first


def test_without_a_session_an_implicit_one_is_made_and_told(cleo_open: Open) -> None:
    app = cleo_open("ada")
    one, two = (tasks(app).add(title).task.id for title in ("one", "two"))

    first, second = tasks(app).start(one), tasks(app).start(two)

    assert (first.session.created, first.session.origin) == (True, "implicit")
    assert (first.session.scope_kind, first.session.agent_id) == ("global", "ada")
    assert (second.session.created, second.session.id) == (False, first.session.id)
    rows = app.store("tasks").read("SELECT * FROM audit_log WHERE action = 'session.start'")
    assert [row["session_id"] for row in rows] == [first.session.id]


def test_nobody_may_start_a_held_task_with_a_warning(cleo_open: Open) -> None:
    ada, nobody = cleo_open("ada"), cleo_open()
    id_ = tasks(ada).add("write the parser").task.id
    tasks(ada).claim(id_)

    result = tasks(nobody).start(id_)

    assert result.task.assignee == "ada"
    assert [warning["code"] for warning in nobody.warnings] == ["W_HELD"]
    assert refused(tasks(cleo_open("bob")).start, id_).exit == 35


def test_start_waits_for_dependencies_and_does_not_start_what_is_blocked(cleo_open: Open) -> None:
    app = cleo_open("ada")
    tasks(app).add("first")
    tasks(app).add("second", depends=["T001"])
    tasks(app).add("third", status="blocked")

    waiting, blocked = refused(tasks(app).start, "T002"), refused(tasks(app).start, "T003")

    assert (waiting.exit, waiting.details["openDependencies"]) == (5, ["T001"])
    assert (blocked.code, blocked.exit) == ("E_INVALID_TRANSITION", 6)
    assert tasks(app).show("T002")[0].assignee is None
    assert history(app) == []


def test_stop_keeps_the_claim_and_release_gives_it_back(cleo_open: Open) -> None:
    app = cleo_open("ada")
    id_ = tasks(app).add("write the parser").task.id
    tasks(app).start(id_)

    stopped = tasks(app).stop()
    assert (stopped.task.status, stopped.task.assignee) == ("active", "ada")
    assert stopped.session.current_task_id is None
    assert refused(tasks(app).stop).code == "E_NO_CURRENT"

    tasks(app).start(id_)
    released = tasks(app).stop(release=True)
    assert (released.task.status, released.task.assignee) == ("pending", None)
    assert history(app) == [(id_, True), (id_, True)]


def test_release_of_what_another_holds_is_refused_whole(cleo_open: Open) -> None:
    ada, nobody = cleo_open("ada"), cleo_open()
    id_ = tasks(ada).add("write the parser").task.id
    tasks(ada).claim(id_)
    tasks(nobody).start(id_)

    assert refused(tasks(nobody).stop, release=True).exit == 35
    assert tasks(nobody).current().task.id == id_


def test_a_task_that_closes_leaves_every_focus(cleo_open: Open) -> None:
    ada, nobody = cleo_open("ada"), cleo_open()
    id_ = tasks(ada).add("write the parser").task.id
    tasks(ada).start(id_)
    tasks(nobody).start(id_)

    tasks(ada).complete(id_)

    assert refused(tasks(ada).current).exit == 100
    assert refused(tasks(nobody).current).exit == 100
    assert history(ada) == [(id_, True), (id_, True)]


@pytest.mark.guarantee(
    "tasks-18",
    "Every agent has its own current task: starting, switching or stopping in one session never "
    "touches another's, and each turn is kept in the history once.",
)
def test_each_session_has_its_own_current_task(cleo_open: Open) -> None:
    ada, bob = cleo_open("ada"), cleo_open("bob")
    for title in ("one", "two", "three"):
        tasks(ada).add(title)
    for app in (ada, bob):
        tasks(app).session_start()
    tasks(ada).start("T001")
    tasks(bob).start("T002")
    assert (tasks(ada).current().task.id, tasks(bob).current().task.id) == ("T001", "T002")

    tasks(ada).start("T003")
    assert (tasks(ada).current().task.id, tasks(bob).current().task.id) == ("T003", "T002")

    tasks(ada).stop()
    assert refused(tasks(ada).current).code == "E_NO_CURRENT"
    assert tasks(bob).current().task.id == "T002"
    assert history(ada) == [("T001", True), ("T002", False), ("T003", True)]

    tasks(bob).session_end()
    assert history(ada) == [("T001", True), ("T002", True), ("T003", True)]


def test_focus_is_kept_in_the_named_session_of_several(cleo_open: Open) -> None:
    app = cleo_open("ada")
    for title in ("one", "two"):
        tasks(app).add(title, type="epic")
    inside = [tasks(app).add("x", parent=epic).task.id for epic in ("T001", "T002")]
    first, second = (tasks(app).session_start(f"epic:{epic}").id for epic in ("T001", "T002"))

    for id_ in inside:
        tasks(app).start(id_)

    assert refused(tasks(app).current).code == "E_SESSION_REQUIRED"
    error = refused(tasks(app).stop)
    assert (error.exit, error.details["sessions"]) == (36, [first, second])
    for session, id_ in zip((first, second), inside, strict=True):
        assert tasks(cleo_open("ada", session)).current().task.id == id_
    tasks(cleo_open("ada", first)).stop()
    assert tasks(cleo_open("ada", second)).current().task.id == inside[1]


def test_focus_and_activity_are_bookkeeping_without_audit_rows(
    cleo_open: Open, cleo_clock: Any
) -> None:
    app = cleo_open("ada")
    id_ = tasks(app).add("write the parser").task.id
    tasks(app).start(id_)
    count = "SELECT count(*) FROM audit_log"
    before = app.store("tasks").scalar(count)
    cleo_clock.advance(30)

    session = tasks(app).stop().session
    assert session.last_activity_at == "2026-03-25T14:30:45.000Z"
    tasks(app).start(id_)

    assert app.store("tasks").scalar(count) == before
    version = app.store("tasks").scalar("SELECT version FROM sessions")
    assert version == session.version == 1


def test_what_start_does_is_one_audit_row_of_the_task(cleo_open: Open) -> None:
    app = cleo_open("ada")
    id_ = tasks(app).add("write the parser").task.id
    session = tasks(app).start(id_).session

    rows = app.store("tasks").read("SELECT * FROM audit_log WHERE action = 'task.start'")

    (row,) = rows
    assert (row["task_id"], row["session_id"]) == (id_, session.id)
    assert json.loads(row["before_json"])["status"] == "pending"
    assert json.loads(row["after_json"])["status"] == "active"
