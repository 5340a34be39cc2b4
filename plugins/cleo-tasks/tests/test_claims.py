"""Claiming tasks: who gets which, and who is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core.app import App
from cleo_core.errors import CleoError

Open = Callable[..., App]
Cli = Callable[..., Any]

#: What any order of claiming and stopping may be answered with.
REFUSALS = {"E_CLAIMED", "E_NO_CHANGE", "E_NO_CURRENT", "E_NOTHING_READY"}


def tasks(app: App) -> Any:
    return app.service("tasks")


def refused(call: Callable[..., Any], *args: Any, **options: Any) -> CleoError:
    with pytest.raises(CleoError) as caught:
        call(*args, **options)
    return caught.value


def audits(app: App, id_: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = app.store("tasks").read(
        "SELECT * FROM audit_log WHERE task_id = :id ORDER BY id", id=id_
    )
    return rows


def test_a_claim_says_who_holds_the_task_and_since_when(cleo_open: Open) -> None:
    app = cleo_open("ada")
    id_ = tasks(app).add("write the parser").task.id

    result = tasks(app).claim(id_)

    assert (result.changed, result.started) == (True, False)
    assert (result.task.assignee, result.task.status) == ("ada", "pending")
    assert result.task.claimed_at == result.task.updated_at
    assert result.task.version == 2


def test_claiming_again_changes_nothing(cleo_open: Open) -> None:
    app = cleo_open("ada")
    id_ = tasks(app).add("write the parser").task.id
    first = tasks(app).claim(id_)

    again = tasks(app).claim(id_)

    assert again.changed is False
    assert (again.task.version, again.task.claimed_at) == (2, first.task.claimed_at)
    assert len(audits(app, id_)) == 2


def test_a_task_that_another_agent_holds_is_refused_with_its_name(cleo_open: Open) -> None:
    ada, bob = cleo_open("ada"), cleo_open("bob")
    id_ = tasks(ada).add("write the parser").task.id
    held = tasks(ada).claim(id_).task

    error = refused(tasks(bob).claim, id_)

    assert (error.code, error.exit) == ("E_CLAIMED", 35)
    assert error.details == {"holder": "ada", "claimedAt": held.claimed_at}
    assert tasks(bob).show(id_)[0].version == held.version


def test_nobody_cannot_claim(cleo_app: App) -> None:
    id_ = tasks(cleo_app).add("write the parser").task.id
    assert refused(tasks(cleo_app).claim, id_).code == "E_AGENT_REQUIRED"
    assert refused(tasks(cleo_app).claim, next=True).exit == 2


@pytest.mark.parametrize(
    ("columns", "fix"),
    [
        ("status = 'done', pipeline_stage = 'contribution', completed_at = :now", "reopen"),
        ("status = 'cancelled', pipeline_stage = 'cancelled', cancelled_at = :now", "reopen"),
        (
            "status = 'archived', archived_at = :now, archived_from = 'pending', "
            "archive_reason = 'deleted'",
            "unarchive",
        ),
        ("status = 'proposed'", "update"),
    ],
)
@pytest.mark.parametrize("verb", ["claim", "start"])
def test_what_is_not_open_for_work_is_refused_with_the_way_out(
    cleo_open: Open, columns: str, fix: str, verb: str
) -> None:
    app = cleo_open("ada")
    id_ = tasks(app).add("write the parser").task.id
    # Even to its former holder, whose name is kept as history.
    app.write(
        "tasks",
        lambda unit: unit.execute(
            f"UPDATE tasks SET {columns}, assignee = 'ada', claimed_at = :now WHERE id = :id",
            now=unit.now,
            id=id_,
        ),
    )

    error = refused(getattr(tasks(app), verb), id_)

    assert (error.code, error.exit) == ("E_INVALID_TRANSITION", 6)
    assert error.fix.startswith(f"cleo {fix} {id_}")


def test_a_claim_writes_one_audit_row_with_both_columns(cleo_open: Open) -> None:
    app = cleo_open("ada")
    id_ = tasks(app).add("write the parser").task.id
    tasks(app).claim(id_)

    row = audits(app, id_)[-1]

    assert (row["action"], row["actor"], row["forced"]) == ("task.claim", "ada", 0)
    assert json.loads(row["before_json"]) == {"assignee": None, "claimed_at": None}
    assert json.loads(row["after_json"])["assignee"] == "ada"


def test_claim_and_start_together_are_one_change(cleo_open: Open) -> None:
    app = cleo_open("ada")
    id_ = tasks(app).add("write the parser").task.id

    result = tasks(app).claim(id_, start=True)

    assert (result.changed, result.started, result.task.version) == (True, True, 2)
    assert result.session.created is True
    assert [row["action"] for row in audits(app, id_)] == ["task.add", "task.claim"]
    assert json.loads(audits(app, id_)[-1]["after_json"]).keys() == {
        *("assignee", "claimed_at", "status", "started_at")
    }


def test_the_next_claim_is_what_next_would_say_and_never_what_is_held(cleo_open: Open) -> None:
    ada, bob = cleo_open("ada"), cleo_open("bob")
    low = tasks(ada).add("low", priority="low").task.id
    high = tasks(ada).add("high", priority="high").task.id
    critical = tasks(ada).add("critical", priority="critical").task.id

    taken = [tasks(app).claim(next=True).task.id for app in (ada, bob, ada)]

    assert taken == [critical, high, low]
    assert refused(tasks(bob).claim, next=True).code == "E_NOTHING_READY"


@pytest.mark.parametrize(
    ("filters", "title"),
    [
        ({"labels": ["cli"]}, "labelled"),
        ({"priority": "low"}, "low"),
        ({"priority": 8}, "low"),
        ({"role": "bug"}, "bug"),
        ({"type": "subtask"}, "subtask"),
        ({"phase": "later"}, "later"),
    ],
)
def test_filters_choose_what_is_claimed(
    cleo_open: Open, filters: dict[str, Any], title: str
) -> None:
    app = cleo_open("ada")
    tasks(app).add("critical", priority="critical")
    tasks(app).add("labelled", labels=["cli"])
    tasks(app).add("low", priority="low")
    tasks(app).add("bug", role="bug")
    tasks(app).add("later", phase="later", add_phase=True)
    parent = tasks(app).add("parent").task.id
    tasks(app).add("subtask", parent=parent)

    assert tasks(app).claim(next=True, **filters).task.title == title
    assert refused(tasks(app).claim, next=True, **filters).exit == 100


def test_a_narrow_session_claims_only_below_its_scope(cleo_open: Open) -> None:
    app = cleo_open("ada")
    tasks(app).add("elsewhere", priority="critical")
    epic = tasks(app).add("epic", type="epic").task.id
    inside = tasks(app).add("inside", parent=epic, priority="low").task.id
    tasks(app).session_start(f"epic:{epic}")

    assert tasks(app).claim(next=True).task.id == inside
    assert refused(tasks(app).claim, next=True).code == "E_NOTHING_READY"


def test_resume_gives_back_what_is_held_the_begun_task_first(cleo_open: Open) -> None:
    app = cleo_open("ada")
    for title in ("one", "two", "three", "waits"):
        tasks(app).add(title)
    tasks(app).claim("T001")
    tasks(app).claim("T002", start=True)

    assert tasks(app).claim(next=True, resume=True).task.id == "T002"
    tasks(app).stop(release=True)
    held = tasks(app).claim(next=True, resume=True)
    assert (held.task.id, held.changed) == ("T001", False)
    tasks(app).unclaim("T001")
    assert tasks(app).claim(next=True, resume=True).changed is True


def test_resume_passes_over_what_has_to_wait(cleo_open: Open) -> None:
    app = cleo_open("ada")
    tasks(app).add("first", priority="low")
    tasks(app).add("second", depends=["T001"])
    tasks(app).claim("T002")

    assert tasks(app).claim(next=True, resume=True, start=True).task.id == "T001"


def test_a_claim_based_on_an_older_row_is_refused(cleo_open: Open) -> None:
    app = cleo_open("ada")
    id_ = tasks(app).add("write the parser").task.id
    tasks(app).claim(id_)
    for verb in ("claim", "start", "unclaim"):
        error = refused(getattr(tasks(app), verb), id_, if_version=1)
        assert (error.exit, error.details["version"]) == (21, 2)
    assert tasks(app).unclaim(id_, if_version=2).released


@pytest.mark.parametrize(
    "arguments",
    [
        ("claim", "T001"),
        ("claim", "--next", "--start"),
        ("start", "T001"),
        ("unclaim", "T002", "--force", "--reason", "why not"),
        ("unclaim", "--held-by", "bob"),
        ("unclaim", "--stale"),
        ("session", "start"),
    ],
)
def test_a_dry_run_changes_no_byte(
    cleo_cli: Cli, cleo_project: Any, frozen_bytes: Any, arguments: tuple[str, ...]
) -> None:
    cleo_cli("add", "one")
    cleo_cli("add", "two")
    cleo_cli("claim", "T002", agent="bob")
    with frozen_bytes(cleo_project):
        outcome = cleo_cli(*arguments, "--dry-run", agent="ada")
        assert outcome.code == 0, outcome
    session = outcome.data.get("session") if isinstance(outcome.data, dict) else None
    if session:
        assert session["id"] == "ses_???"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("claim",), 2),
        (("claim", "T001", "--next"), 2),
        (("claim", "T001", "--label", "x"), 2),
        (("claim", "T001", "--resume"), 2),
        (("claim", "--next", "--if-version", "1"), 2),
        (("claim", "--next", "--label", "Not A Label"), 2),
        (("claim", "--next", "--phase", "../.."), 2),
        (("claim", "--next", "--priority", "urgent"), 2),
        (("claim", "--next", "--type", "\x1b[31m"), 2),
        (("claim", "T999"), 4),
        (("claim", "T" + "9" * 40), 2),
        (("claim", "'; DROP TABLE tasks; --"), 2),
        (("claim", "T001\ud800"), 2),
        (("claim", ""), 2),
        (("unclaim",), 2),
        (("unclaim", "T001", "--stale"), 2),
        (("unclaim", "T001"), 102),
        (("unclaim", "T999"), 4),
        (("unclaim", "T001", "--force", "--reason", ""), 6),
        (("unclaim", "T001", "--force", "--reason", "x" * 501), 6),
        (("unclaim", "T001", "--force", "--reason", "\ud800"), 6),
        (("unclaim", "--held-by", "no\x00body"), 2),
        (("unclaim", "--held-by", ""), 2),
        (("unclaim", "--stale", "--force", "--reason", "x"), 2),
        (("start", "T999"), 4),
        (("start", ""), 2),
        (("stop",), 100),
        (("current",), 100),
        (("claim", "T001", "--session", "ses_none"), 31),
        (("start", "T001", "--session", "ses_none"), 31),
        (("stop", "--session", "ses_none"), 31),
        (("unclaim", "T001", "--session", "ses_none"), 31),
        (("current", "--session", "ses_none"), 31),
        (("claim", "T001", "--agent", "a\x07b"), 2),
        (("claim", "T001", "--agent", "a" * 201), 2),
        (("claim", "T001", "--agent", "\ud800"), 2),
    ],
)
def test_bad_input_gives_one_clear_error_and_changes_nothing(
    cleo_cli: Cli, cleo_project: Any, frozen_bytes: Any, arguments: tuple[str, ...], code: int
) -> None:
    cleo_cli("add", "one")
    with frozen_bytes(cleo_project):
        outcome = cleo_cli(*arguments, env={"CLEO_AGENT_ID": "ada"})
    assert outcome.code == code, outcome
    assert outcome.error["message"]
    assert outcome.error["fix"]


@settings(
    max_examples=18, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["claim", "start", "unclaim", "stop", "stop --release", "next"]),
            st.sampled_from(["ada", "bob", "cyd"]),
            st.integers(0, 3),
        ),
        max_size=25,
    )
)
def test_any_sequence_of_claims_leaves_one_holder_one_focus_and_one_row_per_change(
    cleo_open: Open, steps: list[tuple[str, str, int]]
) -> None:
    apps = {agent: cleo_open(agent) for agent in ("ada", "bob", "cyd")}
    some = apps["ada"]
    ids = [tasks(some).add("x", allow_duplicate=True).task.id for _ in range(4)]
    holder: dict[str, str | None] = dict.fromkeys(ids)
    focus: dict[str, str | None] = {
        row["agent_id"]: row["current_task_id"]
        for row in some.store("tasks").read("SELECT * FROM sessions")
    }
    for verb, agent, number in steps:
        id_, service = ids[number], tasks(apps[agent])
        try:
            if verb == "next":
                holder[service.claim(next=True).task.id] = agent
            elif verb == "claim":
                service.claim(id_)
                holder[id_] = agent
            elif verb == "start":
                service.start(id_)
                holder[id_], focus[agent] = agent, id_
            elif verb == "unclaim":
                service.unclaim(id_)
                holder[id_] = None
            else:
                task = service.stop(release=verb.endswith("release")).task
                focus[agent] = None
                if verb.endswith("release"):
                    holder[task.id] = None
        except CleoError as error:
            if error.code not in REFUSALS:
                raise
    db = some.store("tasks")
    for id_ in ids:
        task = tasks(some).show(id_)[0]
        assert task.assignee == holder[id_]
        assert (task.claimed_at is None) == (task.assignee is None)
        assert len(audits(some, id_)) == task.version
    for row in db.read("SELECT * FROM sessions WHERE status = 'active'"):
        opened = db.read(
            "SELECT task_id FROM task_work_history WHERE session_id = :id AND cleared_at IS NULL",
            id=row["id"],
        )
        assert [one["task_id"] for one in opened] == [
            one for one in [row["current_task_id"]] if one
        ]
        assert row["current_task_id"] == focus[row["agent_id"]]
    for id_ in ids:
        tasks(some).delete(id_)
