"""Phases: their verbs, their order, the active one, and what ``next`` makes of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Clock, Outcome

Cli = Callable[..., Outcome]

POINTS = {"critical": 100, "high": 75, "medium": 50, "low": 25}
WEEK = 7 * 24 * 3600


@pytest.fixture
def tasks(cleo_app: App) -> Any:
    service = cleo_app.service("tasks")
    service.phase_add("alpha", name="First")
    service.phase_add("beta")
    return service


def order(tasks: Any) -> list[tuple[str, int]]:
    return [(one.slug, one.position) for one in tasks.phase_list()[0]]


def refused(call: Callable[[], Any]) -> CleoError:
    with pytest.raises(CleoError) as caught:
        call()
    assert caught.value.fix
    return caught.value


def test_phases_are_listed_in_their_order_with_their_tasks(tasks: Any) -> None:
    for title, phase in (("a", "alpha"), ("b", "alpha"), ("c", "beta"), ("d", None)):
        tasks.add(title, phase=phase)
    tasks.complete("T001")
    tasks.delete("T002")
    found, page = tasks.phase_list(limit=1)
    assert page.as_json(1) == {"limit": 1, "offset": 0, "total": 2, "hasMore": True}
    (alpha,) = found
    assert (alpha.slug, alpha.name, alpha.status, alpha.tasks) == ("alpha", "First", "pending", 2)
    assert {status: number for status, number in alpha.counts.items() if number} == {
        "done": 1,
        "archived": 1,
    }
    assert len(alpha.counts) == 7
    assert tasks.phase_show("beta").counts["pending"] == 1


def test_a_phase_is_added_at_its_place(tasks: Any) -> None:
    made = tasks.phase_add("zero", position=1)
    assert (made.position, made.status, made.tasks) == (1, "pending", 0)
    assert order(tasks) == [("zero", 1), ("alpha", 2), ("beta", 3)]
    assert tasks.phase_add("middle", position=3).position == 3
    assert tasks.phase_add("last", position=99).position == 5
    tasks.add("x", phase="later", add_phase=True)
    assert [slug for slug, _ in order(tasks)] == [
        *("zero", "alpha", "middle", "beta", "last", "later"),
    ]
    tasks.phase_delete("middle")
    assert [place for _, place in order(tasks)] == [1, 2, 3, 4, 5]


def test_gaps_that_an_import_leaves_are_closed_by_the_next_change(
    tasks: Any, cleo_app: App
) -> None:
    cleo_app.write(
        "tasks",
        lambda unit: unit.execute(
            "UPDATE phases SET position = CASE slug WHEN 'alpha' THEN 4611686018427387903 "
            "ELSE -7 END"
        ),
    )
    tasks.phase_add("gamma", position=2)
    assert order(tasks) == [("beta", 1), ("gamma", 2), ("alpha", 3)]


def test_one_phase_is_active_at_a_time(tasks: Any, cleo_clock: Clock) -> None:
    started = tasks.phase_start("alpha")
    assert (started.status, started.completed_at) == ("active", None)
    error = refused(lambda: tasks.phase_start("beta"))
    assert (error.exit, error.fix) == (6, "cleo phase complete alpha")
    assert refused(lambda: tasks.phase_start("alpha")).exit == 102
    cleo_clock.advance(60)
    completed = tasks.phase_complete("alpha")
    assert completed.status == "completed"
    assert completed.completed_at > completed.started_at
    assert refused(lambda: tasks.phase_complete("alpha")).exit == 102
    assert tasks.phase_start("beta").status == "active"
    tasks.phase_complete("beta")
    # A completed phase can be taken up again, and began when it first began.
    again = tasks.phase_start("alpha")
    assert (again.started_at, again.completed_at) == (started.started_at, None)


def test_a_phase_is_completed_when_it_was_started_and_nothing_is_open(tasks: Any) -> None:
    error = refused(lambda: tasks.phase_complete("alpha"))
    assert (error.exit, error.fix) == (6, "cleo phase start alpha")
    for number in range(22):
        tasks.add(f"task {number}", phase="alpha")
    tasks.update("T001", status="blocked")
    tasks.phase_start("alpha")
    error = refused(lambda: tasks.phase_complete("alpha"))
    assert error.exit == 6
    assert error.details["tasks"] == [f"T{number:03d}" for number in range(1, 21)]
    assert error.details["more"] is True
    assert error.message.endswith("T020 and more.")
    tasks.cancel(*(f"T{number:03d}" for number in range(2, 23)))
    assert refused(lambda: tasks.phase_complete("alpha")).details["tasks"] == ["T001"]
    tasks.delete("T001")
    assert tasks.phase_complete("alpha").status == "completed"


def test_renaming_keeps_the_tasks_in_the_phase_and_their_versions(tasks: Any) -> None:
    tasks.add("x", phase="alpha")
    renamed = tasks.phase_rename("alpha", "first")
    assert (renamed.slug, renamed.name, renamed.tasks) == ("first", "First", 1)
    (task,) = tasks.show("T001")
    assert (task.phase, task.version) == ("first", 1)
    assert refused(lambda: tasks.phase_show("alpha")).exit == 4
    # A name that is the slug follows it.
    assert tasks.phase_rename("beta", "second").name == "second"
    assert tasks.phase_rename("second", name="The second").slug == "second"
    assert refused(lambda: tasks.phase_rename("second", "first")).exit == 6
    assert refused(lambda: tasks.phase_rename("second", "second")).exit == 102
    assert refused(lambda: tasks.phase_rename("second", name="The second")).exit == 102
    assert refused(lambda: tasks.phase_rename("second")).exit == 2
    assert refused(lambda: tasks.phase_rename("none", "second")).exit == 4
    tasks.phase_start("first")
    assert tasks.phase_rename("first", "one", name="1").status == "active"


def test_a_phase_with_tasks_is_not_deleted(tasks: Any) -> None:
    tasks.add("x", phase="alpha")
    tasks.delete("T001")
    error = refused(lambda: tasks.phase_delete("alpha"))
    assert (error.exit, error.details["tasks"]) == (19, ["T001"])
    assert error.fix == "cleo update T001 --clear phase"
    tasks.update("T001", clear=["phase"])
    assert tasks.phase_delete("alpha").slug == "alpha"
    assert refused(lambda: tasks.phase_delete("alpha")).exit == 4
    tasks.phase_start("beta")
    tasks.phase_delete("beta")
    assert tasks.phase_list()[0] == []


def test_each_change_is_one_audit_row(tasks: Any) -> None:
    tasks.add("x", phase="alpha")
    tasks.phase_rename("alpha", "first")
    started = tasks.phase_start("first").started_at
    tasks.cancel("T001")
    ended = tasks.phase_complete("first").completed_at
    tasks.phase_delete("beta")
    rows = [
        (row["action"], row["entityId"], row["before"], row["after"])
        for row in reversed(tasks.log_list(limit=100)[0])
        if row["entityKind"] == "phase"
    ]
    beta = {
        "slug": "beta",
        "name": "beta",
        "position": 2,
        "status": "pending",
        "started_at": None,
        "completed_at": None,
    }
    assert rows[1:] == [
        ("phase.add", "beta", None, beta),
        ("phase.rename", "alpha", {"slug": "alpha"}, {"slug": "first"}),
        (
            *("phase.start", "first", {"status": "pending", "started_at": None}),
            {"status": "active", "started_at": started},
        ),
        (
            *("phase.complete", "first", {"status": "active", "completed_at": None}),
            {"status": "completed", "completed_at": ended},
        ),
        ("phase.delete", "beta", beta, None),
    ]


#: Verb, arguments, options, exit code.
REFUSED: tuple[tuple[str, list[Any], dict[str, Any], int], ...] = (
    ("phase_add", ["alpha"], {}, 6),
    ("phase_add", ["Not A Slug"], {}, 6),
    ("phase_add", ["1st"], {}, 6),
    ("phase_add", ["x" * 65], {}, 6),
    ("phase_add", ["a\0"], {}, 6),
    ("phase_add", ["\ud800"], {}, 6),
    ("phase_add", [None], {}, 6),
    ("phase_add", ["new"], {"name": " "}, 6),
    ("phase_add", ["new"], {"name": "two\nlines"}, 6),
    ("phase_add", ["new"], {"name": "x" * 201}, 6),
    ("phase_add", ["new"], {"name": 5}, 6),
    ("phase_add", ["new"], {"position": 0}, 6),
    ("phase_add", ["new"], {"position": 10**30}, 6),
    ("phase_add", ["new"], {"position": "1"}, 6),
    ("phase_add", ["new"], {"position": True}, 6),
    ("phase_rename", ["alpha", ""], {}, 6),
    ("phase_rename", ["alpha", "Beta"], {}, 6),
    ("phase_rename", ["alpha"], {"name": ""}, 6),
    ("phase_start", ["none"], {}, 4),
    ("phase_complete", ["none"], {}, 4),
    ("phase_delete", ["none"], {}, 4),
    ("phase_show", ["none"], {}, 4),
    ("phase_show", [["alpha"]], {}, 6),
)


def test_what_cannot_be_done_is_one_error_and_changes_nothing(tasks: Any) -> None:
    before = order(tasks), tasks.log_list()[1].total
    for verb, arguments, more, exit_code in REFUSED:
        error = refused(partial(getattr(tasks, verb), *arguments, **more))
        assert error.exit == exit_code, (verb, arguments, more)
    assert (order(tasks), tasks.log_list()[1].total) == before


def test_the_same_key_adds_a_phase_once(cleo_cli: Cli, cleo_project: Path) -> None:
    words = ("phase", "add", "beta", "--name", "Beta", "--idempotency-key", "k1")
    first = cleo_cli(*words)
    again = cleo_cli(*words)
    assert again.data == first.data
    assert again.envelope["meta"]["replayed"] is True
    other = cleo_cli(*words[:3], "--name", "Other", "--idempotency-key", "k1")
    assert other.error["code"] == "E_IDEMPOTENCY_MISMATCH"


def test_the_commands(tasks: Any, cleo_cli: Cli, frozen_bytes: Any, cleo_project: Path) -> None:
    tasks.add("x", phase="alpha")
    assert cleo_cli("phase", "list", "--quiet").out == "alpha\nbeta\n"
    assert "First" in cleo_cli("phase", "list", "--human").out
    assert cleo_cli("phase", "show", "alpha").data["counts"]["pending"] == 1
    assert "1 task: 1 pending" in cleo_cli("phase", "show", "alpha", "--human").out
    with frozen_bytes(cleo_project):
        for words in (
            ("add", "gamma", "--position", "1"),
            ("rename", "alpha", "one"),
            ("start", "beta"),
            ("delete", "beta"),
        ):
            assert cleo_cli("phase", *words, "--dry-run").code == 0
    assert cleo_cli("phase", "start", "alpha", "--human").out == "Started phase alpha: First\n"
    assert cleo_cli("phase", "complete", "alpha").error["fix"].startswith("cleo list --phase alpha")
    assert cleo_cli("phase", "add", "Not A Slug").error["fix"] == "cleo phase add not-a-slug"
    assert cleo_cli("phase", "show", "gone").error["fix"] == "cleo phase list"
    assert cleo_cli("phase", "add", "x", "--position", "0").code == 6
    cleo_cli("phase", "delete", "beta")
    assert cleo_cli("phase", "add", "markup", "--name", "[red]x[/red]").code == 0
    assert "[red]x[/red]" in cleo_cli("phase", "list", "--human").out


@pytest.mark.guarantee(
    "tasks-07", "next gives tasks of the active phase twenty points more, and follows its change"
)
def test_next_prefers_the_active_phase(tasks: Any) -> None:
    tasks.add("sooner", priority="high", phase="beta")
    tasks.add("of the phase", priority="high", phase="alpha")
    tasks.add("critical", priority="critical")

    def ids() -> list[str]:
        return [one.task.id for one in tasks.next(3)]

    assert ids() == ["T003", "T001", "T002"]
    tasks.phase_start("alpha")
    assert ids() == ["T003", "T002", "T001"]
    (_, second, _) = tasks.next(3, explain=True)
    assert (second.score, second.parts["phase"]) == (95, 20)
    tasks.phase_rename("alpha", "renamed")
    assert ids() == ["T003", "T002", "T001"]
    tasks.update("T002", clear=["phase"])
    tasks.phase_complete("renamed")
    tasks.phase_start("beta")
    assert ids() == ["T003", "T001", "T002"]


@pytest.mark.guarantee(
    "tasks-07", "next equals sorting the ready tasks, whichever phase was started by its verb"
)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    drafts=st.lists(
        st.tuples(
            st.sampled_from(sorted(POINTS)),
            st.sampled_from((None, "alpha", "beta")),
            st.integers(0, 20),
        ),
        min_size=1,
        max_size=5,
    ),
    active=st.sampled_from(("alpha", "beta")),
    n=st.integers(1, 6),
)
def test_next_equals_sorting_with_real_phases(
    tasks: Any, cleo_clock: Clock, drafts: list[tuple[str, str | None, int]], active: str, n: int
) -> None:
    now = cleo_clock.now
    for one in tasks.next(100):
        tasks.cancel(one.task.id)
    made = {}
    for priority, phase, weeks in drafts:
        cleo_clock.now = now - weeks * WEEK
        id_ = tasks.add("x", priority=priority, phase=phase, allow_duplicate=True).task.id
        made[id_] = (priority, phase, cleo_clock.now)
    cleo_clock.now = now
    for phase in tasks.phase_list()[0]:
        if phase.status == "active" and phase.slug != active:
            # Only a phase without open tasks is completed: they are moved aside for that.
            held = [id_ for id_, (_, of, _) in made.items() if of == phase.slug]
            for id_ in held:
                tasks.update(id_, clear=["phase"])
            tasks.phase_complete(phase.slug)
            for id_ in held:
                tasks.update(id_, phase=phase.slug)
    if tasks.phase_show(active).status != "active":
        tasks.phase_start(active)
    week = int(now // WEEK)
    expected = sorted(
        (
            -POINTS[priority]
            - (20 if phase == active else 0)
            - min(15, max(0, week - int(born // WEEK))),
            int(born // WEEK),
            int(id_[1:]),
        )
        for id_, (priority, phase, born) in made.items()
    )
    found = [(-one.score, int(one.task.id[1:])) for one in tasks.next(n)]
    assert found == [(score, number) for score, _, number in expected[:n]]
