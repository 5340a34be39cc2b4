"""What people and programs may type about sessions, and what they see."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


@pytest.mark.parametrize("age", ["soon", "-1h", "", "1h2", "nan", "inf", "\ud800"])
def test_an_age_that_is_none_is_refused(cleo_open: Open, age: str) -> None:
    assert refused(tasks(cleo_open()).session_gc, max_age=age).exit == 2


@pytest.mark.parametrize("age", ["90", 90, 90.0, "1.5m", "90s", "90000ms"])
def test_ages_are_seconds_or_durations(cleo_open: Open, cleo_clock: Any, age: Any) -> None:
    app = cleo_open("ada")
    tasks(app).session_start()
    cleo_clock.advance(90)
    assert tasks(app).session_gc(max_age=age).orphaned == []
    cleo_clock.advance(1)
    assert len(tasks(app).session_gc(max_age=age).orphaned) == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("start", "--name", ""), 6),
        (("start", "--name", "x" * 201), 6),
        (("start", "--name", "a\nb"), 6),
        (("start", "--name", "\ud800"), 6),
        (("start", "--name", "a\x00b"), 6),
        (("start", "--scope", "\ud800"), 33),
        (("start", "--idempotency-key", ""), 2),
        (("start", "--idempotency-key", "k" * 201), 2),
        (("list", "--status", "gone"), 2),
        (("list", "--limit", "0"), 2),
        (("list", "--limit", str(10**30)), 0),
        (("list", "--of-agent", "\ud800"), 2),
        (("list", "--of-agent", ""), 2),
        (("list", "--status", "ended", "--status", "gone"), 2),
        (("show", "ses_none"), 31),
        (("show", "\ud800"), 31),
        (("show", "x" * 10_000), 31),
        (("resume", "'; DROP TABLE sessions"), 31),
        (("handoff", "ses_none"), 31),
        (("handoff",), 4),
        (("handoff", "--scope", "global"), 4),
        (("handoff", "--scope", "epic:T001", "ses_none"), 2),
        (("handoff", "--scope", "nowhere"), 33),
        (("briefing", "--max-chars", "10"), 2),
        (("briefing", "--max-chars", "-1"), 2),
        (("briefing", "--max-chars", str(10**30)), 0),
        (("briefing", "--scope", "task:T001"), 33),
        (("gc", "--max-age", "yesterday"), 2),
        (("gc", "--max-age", "1e300"), 2),
        (("gc", "--max-age", "9" * 15 + "w"), 2),
    ],
)
def test_bad_input_gives_one_clear_error_and_changes_nothing(
    cleo_cli: Cli, cleo_project: Path, frozen_bytes: Any, arguments: tuple[str, ...], code: int
) -> None:
    with frozen_bytes(cleo_project):
        outcome = cleo_cli("session", *arguments, agent="ada")
    assert outcome.code == code, outcome
    if code:
        assert outcome.error["fix"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("note", ""), 6),
        (("note", " \n"), 6),
        (("note", "\ud800"), 6),
        (("end", "--note", "\x00"), 6),
        (("end", "--next-action", "\ud800"), 6),
        (("suspend", "--reason", ""), 6),
        (("suspend", "--reason", "x" * 501), 6),
        (("end", "--if-version", "7"), 21),
    ],
)
def test_bad_input_inside_a_session_leaves_it_as_it_is(
    cleo_cli: Cli, cleo_project: Path, frozen_bytes: Any, arguments: tuple[str, ...], code: int
) -> None:
    assert cleo_cli("session", "start", agent="ada").code == 0
    with frozen_bytes(cleo_project):
        outcome = cleo_cli("session", *arguments, agent="ada")
    assert outcome.code == code, outcome


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.text(max_size=220),
    note=st.text(max_size=300),
    action=st.text(max_size=60),
)
def test_any_text_is_kept_as_it_is_or_refused(
    cleo_open: Open, name: str, note: str, action: str
) -> None:
    app = cleo_open("ada")
    try:
        session = tasks(app).session_start(name=name)
    except CleoError as error:
        if error.exit != 6:
            raise
        session = tasks(app).session_start()
    else:
        assert session.name == name.strip()
    try:
        noted = tasks(app).session_note(note, next_action=action)
    except CleoError as error:
        if error.exit != 6:
            raise
    else:
        assert [one["text"] for one in noted.notes] == [note]
        assert noted.next_action == (action.strip() or None)
    handoff = tasks(app).session_end().handoff
    assert handoff["notes"] == tasks(app).session_show(session.id).notes


@pytest.mark.parametrize(
    "arguments",
    [
        ("session", "start", "--scope", "epic:T001"),
        ("session", "status"),
        ("session", "list"),
        ("session", "note", "x"),
        ("session", "briefing"),
        ("start", "T002"),
        ("claim", "--next"),
        ("current",),
        ("stop", "--release"),
        ("session", "suspend"),
        ("session", "resume"),
        ("session", "end"),
        ("session", "handoff"),
        ("session", "gc"),
        ("unclaim", "--stale"),
    ],
)
def test_people_get_lines_and_quiet_gets_ids(
    cleo_cli: Cli, cleo_open: Open, arguments: tuple[str, ...]
) -> None:
    app = cleo_open("ada")
    tasks(app).add("epic\x1b[31m one", type="epic")
    tasks(app).add("task one", parent="T001")
    if arguments[1:2] != ("start",):
        tasks(app).session_start("epic:T001")
        tasks(app).start("T002")
        tasks(app).session_note("hello")
        if arguments[0] == "claim":
            tasks(app).add("task two", parent="T001")
        if arguments[1:] == ("resume",):
            tasks(app).session_suspend()
        if arguments[1:] == ("handoff",):
            tasks(app).session_end()
    outcome = cleo_cli(*arguments, "--human", agent="ada")
    assert outcome.code == 0, outcome
    assert outcome.out.strip()
    assert "\x1b" not in outcome.out
