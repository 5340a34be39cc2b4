"""What a session leaves when it ends, who takes it over, and what a briefing tells."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.output import dumps, to_json

Open = Callable[..., App]
Cli = Callable[..., Any]


def tasks(app: App) -> Any:
    return app.service("tasks")


def refused(call: Callable[..., Any], *args: Any, **options: Any) -> CleoError:
    with pytest.raises(CleoError) as caught:
        call(*args, **options)
    return caught.value


def ids(refs: list[dict[str, Any]]) -> list[str]:
    return [ref["id"] for ref in refs]


def sets(project: Path) -> list[str]:
    backups = project / ".cleo" / "backups"
    found = backups.iterdir() if backups.exists() else ()
    return sorted(one.name for one in found if one.name[0].isdigit())


def test_a_handoff_tells_what_was_done_and_what_is_left(cleo_open: Open, cleo_clock: Any) -> None:
    app = cleo_open("ada")
    service = tasks(app)
    epic = service.add("epic", type="epic").task.id
    elsewhere = service.add("elsewhere", priority="critical").task.id
    service.add("bug elsewhere", role="bug", severity="P0")
    session = service.session_start(f"epic:{epic}", name="morning")
    done = service.add("done", parent=epic).task.id
    stuck = service.add("stuck", parent=epic).task.id
    service.update(stuck, status="blocked", blocked_reason="waits for the vendor")
    bugs = [
        service.add(f"bug {severity}", parent=epic, role="bug", severity=severity).task.id
        for severity in ("P2", None, "P0")
    ]
    low = service.add("low", parent=epic, priority="low").task.id
    last = service.add("last", parent=epic, priority="critical").task.id
    service.start(done)
    service.complete(done)
    service.start(last)
    service.session_note("the lexer needs a second pass")
    cleo_clock.advance(3661)

    ended = service.session_end(note="tired", next_action="look at the bugs")

    handoff = ended.handoff
    assert (handoff["sessionId"], handoff["agentId"]) == (session.id, "ada")
    assert (handoff["scope"], handoff["durationSeconds"]) == (f"epic:{epic}", 3661)
    assert handoff["lastTask"]["id"] == last
    assert ids(handoff["created"]) == [done, stuck, *bugs, low, last]
    assert ids(handoff["completed"]) == [done]
    assert ids(handoff["next"]) == bugs
    assert [(ref["id"], ref["reason"]) for ref in handoff["blocked"]] == [
        (stuck, "waits for the vendor")
    ]
    assert [ref.get("severity") for ref in handoff["bugs"]] == ["P0", "P2", None]
    assert [note["text"] for note in handoff["notes"]] == [
        *("the lexer needs a second pass", "tired"),
    ]
    assert handoff["nextAction"] == "look at the bugs"
    assert handoff["totals"] == {"created": 7, "completed": 1, "blocked": 1, "bugs": 3}
    assert elsewhere not in dumps(handoff)
    assert service.session_show(session.id).handoff == handoff


def test_the_last_task_is_named_although_it_was_stopped(cleo_open: Open) -> None:
    app = cleo_open("ada")
    for title in ("one", "two"):
        tasks(app).start(tasks(app).add(title).task.id)
    tasks(app).stop()
    assert tasks(app).session_end().handoff["lastTask"]["id"] == "T002"
    assert tasks(app).show("T002")[0].status == "active"


def test_long_lists_are_cut_and_counted(cleo_open: Open) -> None:
    app = cleo_open("ada")
    tasks(app).session_start()
    for number in range(60):
        tasks(app).add(f"bug {number}", role="bug", status="blocked")
    handoff = tasks(app).session_end().handoff
    for name in ("created", "blocked", "bugs"):
        assert len(handoff[name]) == 50
        assert handoff["totals"][name] == 60


@pytest.mark.guarantee(
    "tasks-19",
    "A session's handoff is written once, when it ends, and exactly one successor takes it over, "
    "also after the session was resumed.",
)
def test_a_handoff_is_written_once_and_taken_over_once(cleo_open: Open) -> None:
    ada, bob, cyd = (cleo_open(agent) for agent in ("ada", "bob", "cyd"))
    ended = tasks(ada).session_start()
    tasks(ada).session_end(note="first words")
    named = cleo_open("ada", ended.id)
    assert refused(tasks(named).session_end, note="other words").exit == 102
    assert refused(tasks(named).session_note, "later").exit == 36
    with pytest.raises(Exception, match="written once"):
        ada.write(
            "tasks",
            lambda unit: unit.execute("UPDATE sessions SET handoff_json = '{}'"),
        )

    resumed = tasks(ada).session_resume(ended.id)
    assert (resumed.successor_of, resumed.handoff) == (ended.id, None)
    kept = tasks(ada).session_show(ended.id)
    assert [note["text"] for note in kept.handoff["notes"]] == ["first words"]

    taken = tasks(bob).session_handoff(ended.id, consume=True)
    assert (taken.consumed_by, taken.handoff) == ("bob", kept.handoff)
    assert refused(tasks(cyd).session_handoff, ended.id, consume=True).exit == 102
    read = tasks(cyd).session_handoff(ended.id)
    assert (read.consumed_by, read.consumed_at) == ("bob", taken.consumed_at)

    tasks(ada).session_end(note="second words")
    second = tasks(cyd).session_start(consume=True)
    assert second.previous_session_id == resumed.id
    assert [note["text"] for note in second.consumed["notes"]] == ["second words"]
    error = refused(tasks(bob).session_start, consume=True)
    assert (error.exit, error.fix) == (102, "the same command without --consume")
    assert tasks(bob).session_list(of_agent="bob")[1].total == 0
    assert tasks(bob).session_start().previous_session_id == resumed.id


def test_two_agents_that_take_over_at_once_get_one_yes(
    cleo_open: Open, cleo_processes: Any
) -> None:
    import sys

    app = cleo_open("ada")
    tasks(app).session_start()
    tasks(app).session_end()
    results = cleo_processes(
        [
            [sys.executable, "-m", "cleo_core", "session", "start", "--consume", "--agent", agent]
            for agent in ("bob", "cyd")
        ]
    )
    assert sorted(code for code, _, _ in results) == [0, 102], results


def test_nothing_to_take_over_is_only_a_warning(cleo_open: Open) -> None:
    app = cleo_open("ada")
    assert tasks(app).session_start(consume=True).consumed is None
    assert [warning["code"] for warning in app.warnings] == ["W_NO_HANDOFF"]


def test_a_session_that_was_never_ended_does_not_hide_the_handoff_before_it(
    cleo_open: Open, cleo_clock: Any
) -> None:
    app = cleo_open("ada")
    tasks(app).session_start()
    tasks(app).session_end(note="words")
    lost = tasks(app).session_start()
    cleo_clock.advance(100)
    tasks(app).session_gc(max_age=60)

    session = tasks(app).session_start(consume=True)

    assert session.previous_session_id == lost.id
    assert session.consumed["notes"][0]["text"] == "words"


def test_the_handoff_asked_for_is_that_of_the_scope_at_hand(cleo_open: Open) -> None:
    app = cleo_open("ada")
    epic = tasks(app).add("epic", type="epic").task.id
    narrow = tasks(app).session_start(f"epic:{epic}").id
    tasks(app).session_end()
    wide = tasks(app).session_start().id
    tasks(app).session_end()

    assert tasks(app).session_handoff().session_id == wide
    assert tasks(app).session_handoff(scope=f"epic:{epic}").session_id == narrow
    tasks(app).session_start(f"epic:{epic}")
    assert tasks(app).session_handoff().session_id == narrow
    error = refused(tasks(app).session_handoff, tasks(app).session_status().id)
    assert (error.code, error.exit) == ("E_NOT_FOUND", 4)


def test_the_end_of_a_session_asks_for_a_backup_unless_one_is_fresh(
    cleo_open: Open, cleo_project: Path, cleo_clock: Any
) -> None:
    app = cleo_open("ada")
    for seconds, expected in ((0, 1), (29, 1), (1, 2)):
        cleo_clock.advance(seconds)
        tasks(app).session_start()
        ended = tasks(app).session_end()
        made = sets(cleo_project)
        assert len(made) == expected
        assert (ended.backup is not None) == (seconds != 29)
    assert made[-1].endswith("-session-end")
    assert os.path.basename(ended.backup) == made[-1]


def test_a_backup_that_fails_is_a_warning_and_the_session_has_ended(
    cleo_cli: Cli, cleo_project: Path
) -> None:
    session = cleo_cli("session", "start", agent="ada").data["id"]
    backups = cleo_project / ".cleo" / "backups"
    shutil.rmtree(backups, ignore_errors=True)
    backups.write_text("not a directory")

    outcome = cleo_cli("session", "end", agent="ada")

    assert outcome.data["status"] == "ended"
    assert "backup" not in outcome.data
    assert [warning["code"] for warning in outcome.warnings] == ["W_BACKUP_FAILED"]
    assert cleo_cli("session", "show", session).data["handoff"]["sessionId"] == session


def test_a_dry_run_of_end_shows_the_handoff_and_leaves_every_byte(
    cleo_cli: Cli, cleo_project: Path, frozen_bytes: Any
) -> None:
    cleo_cli("session", "start", agent="ada")
    with frozen_bytes(cleo_project):
        outcome = cleo_cli("session", "end", "--note", "x", "--dry-run", agent="ada")
    assert outcome.data["handoff"]["notes"][0]["text"] == "x"
    assert cleo_cli("session", "status", agent="ada").data["status"] == "active"


def many(cleo_open: Open) -> App:
    """A project with something in each section of a briefing."""
    app = cleo_open("ada")
    service = tasks(app)
    service.session_start()
    for number in range(12):
        service.add(f"stuck {number}", status="blocked")
        service.add(f"free {number}")
    service.session_note("words " * 40)
    service.session_end()
    for agent in ("bob", "cyd", "dan"):
        tasks(cleo_open(agent)).session_start()
    service.session_start()
    service.claim("T002")
    service.start("T004")
    return app


def test_a_briefing_tells_what_an_agent_should_know(cleo_open: Open) -> None:
    app = many(cleo_open)
    whole = tasks(app).session_briefing(max_chars=100_000)

    assert (whole.scope, whole.session_id) == ("global", tasks(app).session_status().id)
    assert whole.handoff["notes"][0]["text"].startswith("words")
    assert whole.current.id == "T004"
    assert [ref.id for ref in whole.claims] == ["T002", "T004"]
    assert [ref.id for ref in whole.next] == ["T002", "T006", "T008", "T010", "T012"]
    assert len(whole.blocked) == whole.totals["blocked"] == 12
    assert {line.agent_id for line in whole.others} == {"bob", "cyd", "dan"}
    assert whole.truncated is False


def test_a_briefing_leaves_out_a_handoff_that_was_taken_over(cleo_open: Open) -> None:
    app = cleo_open("ada")
    tasks(app).session_start()
    tasks(app).session_end()
    assert tasks(app).session_briefing().handoff is not None
    tasks(app).session_handoff(consume=True)
    assert tasks(app).session_briefing().handoff is None


def test_a_briefing_may_be_asked_for_before_a_session_starts(cleo_open: Open) -> None:
    app = cleo_open("ada")
    epic = tasks(app).add("epic", type="epic").task.id
    inside = tasks(app).add("inside", parent=epic).task.id
    tasks(app).add("outside", priority="critical")
    briefing = tasks(app).session_briefing(scope=f"epic:{epic}")
    assert (briefing.scope, briefing.session_id) == (f"epic:{epic}", None)
    assert [ref.id for ref in briefing.next] == [inside]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(most=st.integers(600, 8000))
def test_a_briefing_keeps_to_its_length_and_loses_its_end_first(
    cleo_open: Open, cleo_project: Path, most: int
) -> None:
    app = cleo_open("ada")
    if not tasks(app).session_list()[0]:
        many(cleo_open)
    whole = to_json(tasks(app).session_briefing(max_chars=10**6))

    short = to_json(tasks(app).session_briefing(max_chars=most))

    assert len(dumps(short)) <= most
    assert short["truncated"] is (len(dumps(whole)) > most)
    for name in ("others", "blocked", "next", "claims"):
        assert short[name] == whole[name][: len(short[name])]
    sections = ["handoff", "current", "claims", "next", "blocked", "others"]
    first = next((n for n, name in enumerate(sections) if short[name] != whole[name]), None)
    if first is not None:
        assert all(not short[name] for name in sections[first + 1 :])
