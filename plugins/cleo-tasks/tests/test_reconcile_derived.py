"""Mending what is derived, called as ``cleo reconcile`` calls it."""

from __future__ import annotations

import runpy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core.api import Repair
from cleo_core.app import App, open_app
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome
from cleo_tasks.api import CHECKS
from cleo_tasks.service import health, reconcile
from cleo_tasks.store import health as store

_graphs = runpy.run_path(str(Path(__file__).with_name("random_graphs.py")))
projects, write, forced = (_graphs[name] for name in ("projects", "write", "forced"))

Cli = Callable[..., Outcome]

AT = "2026-01-01T00:00:00.000Z"
LATER = "2026-02-02T00:00:00.000Z"

#: One of each that can be mended.
FAULTS = (
    "UPDATE tasks SET dependency_count = 7, open_dependency_count = 7 WHERE id = 'T001'",
    "UPDATE tasks SET open_dependency_count = 0 WHERE id = 'T003'",
    "UPDATE tasks_fts SET title = 'other' WHERE rowid = 1",
    "DELETE FROM tasks_fts WHERE rowid = 2",
    "INSERT INTO tasks_fts (rowid, title) VALUES (99, 'ghost')",
    "UPDATE schema_meta SET value = '1' WHERE key = 'task_sequence'",
    "INSERT INTO sessions (id, name, status, started_at, last_activity_at, ended_at, "
    f"current_task_id, task_started_at) VALUES ('s1', 's', 'ended', '{AT}', '{LATER}', '{LATER}', "
    f"'T001', '{AT}')",
    f"INSERT INTO task_work_history (session_id, task_id, set_at) VALUES ('s1', 'T001', '{AT}')",
)


def run(app: App, *, apply: bool) -> dict[str, Repair]:
    """Repairs by name, asked for as core asks."""
    found: list[Repair] = []
    for outcome in app.plugins.call("cleo_reconcile", app=app, apply=apply):
        assert outcome.error is None, outcome.error
        found += outcome.value
    return {
        repair.name.removeprefix("tasks."): repair
        for repair in found
        if repair.name.startswith("tasks.")
    }


def told(repairs: dict[str, Repair]) -> dict[str, tuple[int, int]]:
    """Name -> (planned, repaired), of those that have something to do."""
    assert all(one.refused is None and one.unknown == 0 for one in repairs.values()), repairs
    assert all(one.missing == one.planned for one in repairs.values())
    return {
        name: (one.planned, one.repaired)
        for name, one in repairs.items()
        if one.planned or one.repaired
    }


def faults(app: App) -> list[str]:
    """What the checks still find."""
    found = [getattr(health, f"check_{name}")(app, True) for name in CHECKS]
    return [one.message for one in found if one.status != "ok"]


@pytest.fixture
def broken(cleo_app: App, cleo_project: Path) -> Callable[..., App]:
    """Three tasks, the third waiting for the second, and statements forced into the file."""
    service = cleo_app.service("tasks")
    service.add("Tokens", acceptance=["brackets", "words"], notes=["by hand"])
    service.add("Grammar", description="Of the language.")
    service.add("Errors", depends=["T002"])
    cleo_app.close()

    def force(statements: Sequence[str] = FAULTS) -> App:
        with forced(cleo_project) as tx:
            for statement in statements:
                tx.execute(statement)
        return open_app(str(cleo_project))

    return force


def test_a_sound_file_has_nothing_to_mend(broken: Any) -> None:
    with broken(()) as app:
        assert told(run(app, apply=False)) == told(run(app, apply=True)) == {}
        assert list(run(app, apply=False)) == ["counters", "search", "focus", "sequence"]
        assert run(app, apply=False)["counters"].scanned == 3


def test_what_would_be_mended_is_counted_without_writing_a_byte(
    broken: Any, cleo_project: Path, frozen_bytes: Any
) -> None:
    broken().close()
    with frozen_bytes(cleo_project), open_app(str(cleo_project)) as app:
        assert told(run(app, apply=False)) == {
            "counters": (2, 0),
            "search": (3, 0),
            "focus": (1, 0),
            "sequence": (1, 0),
        }
    with frozen_bytes(cleo_project), open_app(str(cleo_project)) as app, app.dry_running():
        assert told(run(app, apply=True))["counters"] == (2, 0)


def test_mending_mends_everything_derived_and_a_second_time_nothing(
    broken: Any, cleo_cli: Cli, cleo_project: Path
) -> None:
    app = broken()
    versions = app.store("tasks").read("SELECT id, version, updated_at FROM tasks")
    audits = app.store("tasks").scalar("SELECT count(*) FROM audit_log")
    assert told(run(app, apply=True)) == {
        "counters": (2, 2),
        "search": (3, 3),
        "focus": (1, 1),
        "sequence": (1, 1),
    }
    assert faults(app) == []
    assert told(run(app, apply=True)) == {}
    # Counters, index and focus are bookkeeping; the sequence has an audit row.
    assert app.store("tasks").read("SELECT id, version, updated_at FROM tasks") == versions
    rows = app.store("tasks").read(
        "SELECT action, entity_kind, before_json, after_json FROM audit_log ORDER BY id"
    )[audits:]
    assert [tuple(row.values()) for row in rows] == [
        ("sequence.repair", "sequence", '{"value": 1}', '{"value": 3}')
    ]
    history = app.store("tasks").read("SELECT task_id, set_at, cleared_at FROM task_work_history")
    assert history == [{"task_id": "T001", "set_at": AT, "cleared_at": LATER}]
    app.close()
    assert [one["id"] for one in cleo_cli("find", "brackets").data] == ["T001"]
    assert [one["task"]["id"] for one in cleo_cli("next", "-n", "9").data] == ["T001", "T002"]
    assert cleo_cli("add", "next one").data["task"]["id"] == "T004"


def test_an_index_that_lost_its_words_is_made_anew(broken: Any, cleo_cli: Cli) -> None:
    app = broken(["DELETE FROM tasks_fts_data WHERE id > 10"])
    assert told(run(app, apply=False)) == {"search": (3, 0)}
    assert told(run(app, apply=True)) == {"search": (3, 3)}
    assert faults(app) == []
    assert told(run(app, apply=True)) == {}
    app.close()
    assert cleo_cli("find", "language").data[0]["id"] == "T002"


def test_texts_changed_behind_the_index_are_mended_with_it(broken: Any, cleo_cli: Cli) -> None:
    app = broken(
        [
            "UPDATE tasks_fts_content SET c0 = 'unheard' WHERE id = 1",
            "DELETE FROM tasks_fts_content WHERE id = 2",
            "INSERT INTO tasks_fts_content (id, c0) VALUES (50, 'ghost')",
        ]
    )
    planned = told(run(app, apply=False))["search"][0]
    assert told(run(app, apply=True)) == {"search": (planned, planned)}
    assert faults(app) == []
    app.close()
    for word, ids in (("tokens", ["T001"]), ("grammar", ["T002"]), ("unheard", []), ("ghost", [])):
        assert [one["id"] for one in cleo_cli("find", word).data] == ids


def test_an_older_sqlite_mends_the_same(broken: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "checks_index_reading", lambda: False)
    app = broken(["DELETE FROM tasks_fts_data WHERE id > 10", *FAULTS[:2]])
    assert told(run(app, apply=False)) == {"counters": (2, 0), "search": (3, 0)}
    assert told(run(app, apply=True)) == {"counters": (2, 2), "search": (3, 3)}
    assert faults(app) == []


SESSION = (
    "INSERT INTO sessions (id, name, status, started_at, last_activity_at, ended_at, "
    "current_task_id, task_started_at) VALUES "
    f"('{{0}}', '{{0}}', '{{1}}', '{AT}', '{AT}', {{2}}, {{3}}, '{AT}')"
)
OPEN = (
    f"INSERT INTO task_work_history (session_id, task_id, set_at) VALUES ('{{}}', '{{}}', '{AT}')"
)


@pytest.mark.parametrize(
    ("statements", "current", "history"),
    [
        # What a session that goes on works on stands in its row; the history follows.
        (
            [SESSION.format("s1", "active", "NULL", "'T002'")],
            "T002",
            [("T002", AT, None)],
        ),
        (
            [SESSION.format("s1", "suspended", "NULL", "'T002'"), OPEN.format("s1", "T001")],
            "T002",
            [("T001", AT, AT), ("T002", AT, None)],
        ),
        (
            [SESSION.format("s1", "active", "NULL", "NULL"), OPEN.format("s1", "T001")],
            None,
            [("T001", AT, "now")],
        ),
        (
            [
                SESSION.format("s1", "active", "NULL", "'T002'"),
                OPEN.format("s1", "T002"),
                "UPDATE tasks SET status = 'cancelled', pipeline_stage = 'cancelled', "
                f"cancelled_at = '{AT}' WHERE id = 'T002'",
            ],
            None,
            [("T002", AT, "now")],
        ),
        (
            [SESSION.format("s1", "orphaned", f"'{LATER}'", "'T002'"), OPEN.format("s1", "T001")],
            None,
            [("T001", AT, LATER)],
        ),
    ],
)
def test_focus_is_settled(
    statements: list[str],
    current: str | None,
    history: list[tuple[str, str, str | None]],
    broken: Any,
    cleo_clock: Any,
) -> None:
    app = broken(statements)
    assert told(run(app, apply=True))["focus"] == (1, 1)
    db = app.store("tasks")
    assert db.scalar("SELECT current_task_id FROM sessions") == current
    now = db.scalar("SELECT max(cleared_at) FROM task_work_history")
    rows = db.read("SELECT task_id, set_at, cleared_at FROM task_work_history ORDER BY id")
    assert [tuple(row.values()) for row in rows] == [
        (task, since, now if until == "now" else until) for task, since, until in history
    ]
    assert health.check_focus(app, False).status == "ok"
    assert "focus" not in told(run(app, apply=True))


def test_a_suspended_session_keeps_its_focus(broken: Any, cleo_open: Any) -> None:
    broken(()).close()
    app = cleo_open(agent="a1")
    app.service("tasks").start("T001")
    app.service("tasks").session_suspend()
    assert told(run(app, apply=True)) == {}
    assert app.service("tasks").session_resume().current_task_id == "T001"


def test_a_number_that_a_purged_task_had_is_not_given_again(broken: Any, cleo_cli: Cli) -> None:
    app = broken(())
    service = app.service("tasks")
    service.delete("T003")
    service.delete("T003", purge=True)
    app.close()
    with broken(["UPDATE schema_meta SET value = '0' WHERE key = 'task_sequence'"]) as app:
        assert told(run(app, apply=True)) == {"sequence": (1, 1)}
    assert cleo_cli("add", "next one").data["task"]["id"] == "T004"


def test_large_repairs_go_in_small_units(
    broken: Any, monkeypatch: pytest.MonkeyPatch, cleo_project: Path
) -> None:
    monkeypatch.setattr(reconcile, "BLOCK", 2)
    app = broken()
    units: list[int] = []
    real = app.write
    monkeypatch.setattr(app, "write", lambda *given: units.append(1) or real(*given))
    assert told(run(app, apply=True))["search"] == (3, 3)
    # An SQLite before 3.44 looks into the index in a unit that it rolls back.
    assert len(units) == 1 + 2 + 1 + 1 + (not store.checks_index_reading())
    app.close()
    # What was mended before something went wrong stays mended, and the rest is found again.
    app = broken(["UPDATE tasks SET dependency_count = 7", "DELETE FROM tasks_fts", *FAULTS[5:6]])
    calls: list[str] = []

    def fails_second(name: str, body: Any) -> Any:
        calls.append(name)
        if len(calls) == 2:
            raise CleoError("E_WRITE_CONTENTION", "Other processes kept store tasks busy.")
        return real_two(name, body)

    real_two = app.write
    monkeypatch.setattr(app, "write", fails_second)
    found = run(app, apply=True)
    assert (found["counters"].planned, found["counters"].repaired) == (3, 2)
    assert found["counters"].refused == "Other processes kept store tasks busy."
    assert (found["search"].planned, found["search"].repaired) == (3, 3)
    app.close()
    with open_app(str(cleo_project)) as app:
        assert told(run(app, apply=True)) == {"counters": (1, 1)}
        assert faults(app) == []


def test_a_repair_that_is_cut_off_anywhere_is_finished_by_the_next(
    broken: Any, cleo_faults: Any, cleo_project: Path
) -> None:
    broken().close()
    file = cleo_project / ".cleo" / "tasks.db"
    wrong = file.read_bytes()
    with cleo_faults.raising_at(10_000) as statements, open_app(str(cleo_project)) as app:
        run(app, apply=True)
    for statement in range(1, len(statements) + 1, 7):
        file.write_bytes(wrong)
        with open_app(str(cleo_project)) as app, cleo_faults.raising_at(statement):
            for _ in app.plugins.call("cleo_reconcile", app=app, apply=True):
                pass
        with open_app(str(cleo_project)) as app:
            run(app, apply=True)
            assert faults(app) == [], statement
            assert told(run(app, apply=True)) == {}


@pytest.mark.parametrize("older", [False, True])
def test_another_writer_between_finding_and_mending_does_no_harm(
    older: bool, broken: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if older:
        monkeypatch.setattr(store, "checks_index_reading", lambda: False)
    app = broken(FAULTS[:5])
    plan = reconcile._PLANS["search"](app, app.store("tasks"))
    with open_app(app.project.root) as other:
        other.service("tasks").update("T002", title="Grammars")
        assert told(run(other, apply=True))["search"] == (3, 3)
    assert sum(step() for step in plan.steps) == 0
    assert faults(app) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE alembic_version_tasks SET version_num = 'tasks_0000'",
        "UPDATE alembic_version_tasks SET version_num = 'tasks_0009'",
    ],
)
def test_a_file_that_is_not_at_its_head_is_refused_and_left_alone(
    statement: str, broken: Any, cleo_project: Path, frozen_bytes: Any
) -> None:
    broken([*FAULTS, statement]).close()
    with frozen_bytes(cleo_project), open_app(str(cleo_project)) as app:
        found = run(app, apply=True)
        assert {(one.planned, one.repaired) for one in found.values()} == {(0, 0)}
        assert all((one.refused or "").startswith("tasks.db is ") for one in found.values())


def test_an_absent_file_is_not_made(cleo_project: Path) -> None:
    for file in (cleo_project / ".cleo").glob("tasks.db*"):
        file.unlink()
    with open_app(str(cleo_project)) as app:
        assert run(app, apply=True) == {}
    assert not list((cleo_project / ".cleo").glob("tasks.db*"))


#: In the order in which they can be forced: a damaged index takes no more changes.
DAMAGE = (
    "UPDATE tasks SET dependency_count = seq % 3, open_dependency_count = seq % 2",
    "UPDATE tasks_fts SET description = 'x' WHERE rowid % 2",
    "DELETE FROM tasks_fts WHERE rowid % 3 = 1",
    "INSERT INTO tasks_fts (rowid, notes) VALUES (77, 'ghost')",
    "UPDATE tasks_fts_content SET c1 = 'y' WHERE id % 3 = 2",
    "DELETE FROM tasks_fts_docsize WHERE id % 4 = 1",
)


@given(draft=projects(), damage=st.sets(st.sampled_from(DAMAGE)))
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_wrong_with_what_is_derived_can_be_mended(
    draft: dict[str, Any], damage: set[str], cleo_project: Path
) -> None:
    write(cleo_project, draft)
    with forced(cleo_project) as tx:
        for statement in DAMAGE:
            if statement in damage:
                tx.execute(statement)
    with open_app(str(cleo_project)) as app:
        planned = run(app, apply=False)
        done = run(app, apply=True)
        assert all(one.repaired == planned[name].planned for name, one in done.items()), done
        assert told(run(app, apply=False)) == {}
        for name in ("counters", "search", "focus", "sequence"):
            assert getattr(health, f"check_{name}")(app, True).status == "ok"
