"""The Python face: an App opened on a project, its services, stores and answers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cleo_core
from cleo_core import create_app, open_app
from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Clock, Outcome

OpenApp = Callable[..., App]
Cli = Callable[..., Outcome]


def code(call: Callable[[], Any]) -> str:
    with pytest.raises(CleoError) as caught:
        call()
    return caught.value.code


def test_an_app_is_opened_on_the_project_around_the_working_directory(
    cleo_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = cleo_project / "src" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    with open_app() as app:
        assert app.project.root == str(cleo_project)
        assert app.project.name == "demo"
        assert app.project.directory == str(cleo_project / ".cleo")


@pytest.mark.parametrize("kind", [str, Path])
def test_an_app_is_opened_on_a_path_of_any_kind(
    cleo_project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    with open_app(kind(cleo_project)) as app:
        assert app.project.root == str(cleo_project)


def test_without_a_project_an_app_cannot_be_opened(cleo_home: Path) -> None:
    assert code(lambda: open_app(str(cleo_home / "work"))) == "E_NOT_INITIALIZED"
    assert code(open_app) == "E_NOT_INITIALIZED"


def test_an_app_without_a_project_serves_what_needs_none(cleo_home: Path) -> None:
    with create_app() as app:
        assert app.project_or_none is None
        assert app.config.get("output.format") == "auto"
        assert code(lambda: app.project) == "E_NOT_INITIALIZED"
        assert code(lambda: app.store("tasks")) == "E_NOT_INITIALIZED"
        assert code(lambda: app.service("tasks").add("a title")) == "E_NOT_INITIALIZED"
    assert not (cleo_home / "home" / "data").exists()


def test_a_service_is_found_by_name_and_made_once(cleo_app: App) -> None:
    tasks = cleo_app.service("tasks")
    assert cleo_app.service("tasks") is tasks
    assert cleo_app.has_service("tasks")
    added = tasks.add("a title", labels=["one"])
    assert added.created
    assert (added.task.id, added.task.title, added.task.labels) == ("T001", "a title", ["one"])
    rows, page = tasks.list()
    assert [row.id for row in rows] == ["T001"]
    assert page.total == 1


def test_a_service_or_store_that_nobody_brings_is_named(cleo_app: App) -> None:
    with pytest.raises(CleoError) as caught:
        cleo_app.service("oracle")
    assert (caught.value.code, caught.value.exit) == ("E_PLUGIN_MISSING", 5)
    assert "'oracle'" in caught.value.message
    assert not cleo_app.has_service("oracle")
    assert code(lambda: cleo_app.store("oracle")) == "E_NOT_FOUND"
    assert code(lambda: cleo_app.write("oracle", lambda unit: None)) == "E_NOT_FOUND"


def test_a_context_manager_closes_every_store_and_the_app_opens_them_again(
    cleo_project: Path,
) -> None:
    with open_app(str(cleo_project)) as app:
        app.service("tasks").add("one")
        opened = app.store("tasks")
        assert opened.connection is not None
    assert opened.connection is None
    assert not (cleo_project / ".cleo" / "tasks.db-wal").exists()
    app.service("tasks").add("two")
    assert app.store("tasks").scalar("SELECT count(*) FROM tasks") == 2
    app.close()
    app.close()


def test_the_context_manager_lets_errors_pass_and_keeps_nothing_of_the_unit(
    cleo_project: Path,
) -> None:
    def half(unit: Any) -> None:
        unit.execute("UPDATE schema_meta SET value = 'changed'")
        raise LookupError("in the middle")

    with pytest.raises(LookupError), open_app(str(cleo_project)) as app:
        app.write("tasks", half)
    with open_app(str(cleo_project)) as app:
        values = app.store("tasks").read("SELECT value FROM schema_meta")
    assert {"value": "changed"} not in values


def test_a_dry_run_answers_and_writes_nothing(cleo_app: App) -> None:
    tasks = cleo_app.service("tasks")
    tasks.add("kept")
    with cleo_app.dry_running() as same:
        assert same is cleo_app
        assert cleo_app.dry_run
        assert tasks.add("not kept").created
    assert not cleo_app.dry_run
    assert [row.title for row in tasks.list()[0]] == ["kept"]


def test_a_dry_run_ends_where_the_block_ends_in_whatever_way(cleo_app: App) -> None:
    with pytest.raises(CleoError), cleo_app.dry_running():
        cleo_app.service("tasks").add("")
    assert not cleo_app.dry_run
    with cleo_app.dry_running():
        with cleo_app.dry_running():
            pass
        assert cleo_app.dry_run, "the inner block must not end the outer one"


def test_existence_is_true_false_or_unknown(cleo_app: App) -> None:
    cleo_app.service("tasks").add("a title")
    assert cleo_app.exists("task", ["T001", "T404", "T001"]) == {"T001": True, "T404": False}
    assert cleo_app.exists("task", []) == {}
    assert cleo_app.exists("comet", ["C1"]) == {"C1": None}


def test_existence_is_asked_anew_after_every_write(cleo_app: App) -> None:
    tasks = cleo_app.service("tasks")
    assert cleo_app.exists("task", ["T001"]) == {"T001": False}
    tasks.add("a title")
    assert cleo_app.exists("task", ["T001"]) == {"T001": True}


def test_what_a_unit_that_failed_saw_is_not_remembered(cleo_app: App) -> None:
    tasks = cleo_app.service("tasks")
    tasks.add("a title")

    def look_and_fail(unit: Any) -> None:
        unit.execute("UPDATE tasks SET id = 'T777', seq = 777 WHERE id = 'T001'")
        assert cleo_app.exists("task", ["T777"]) == {"T777": True}
        raise LookupError

    with pytest.raises(LookupError):
        cleo_app.write("tasks", look_and_fail)
    assert cleo_app.exists("task", ["T777"]) == {"T777": False}


def test_another_project_is_reached_with_the_same_plugins(
    cleo_app: App, cleo_cli: Cli, cleo_home: Path
) -> None:
    other = cleo_home / "other"
    other.mkdir()
    assert cleo_cli("init", "second", cwd=other).code == 0
    cleo_app.service("tasks").add("here")
    with cleo_app.for_project(str(other)) as there:
        assert there.plugins is cleo_app.plugins
        assert there.project.name == "second"
        there.service("tasks").add("there")
        assert [row.title for row in there.service("tasks").list()[0]] == ["there"]
    assert [row.title for row in cleo_app.service("tasks").list()[0]] == ["here"]
    assert code(lambda: cleo_app.for_project(str(cleo_home))) == "E_NOT_INITIALIZED"


def test_another_project_costs_nothing_until_it_is_used(
    cleo_app: App, cleo_cli: Cli, cleo_home: Path
) -> None:
    other = cleo_home / "other"
    other.mkdir()
    assert cleo_cli("init", cwd=other).code == 0
    (other / ".cleo" / "tasks.db").write_bytes(b"no database at all" * 100)
    there = cleo_app.for_project(str(other))
    assert code(lambda: there.store("tasks")) == "E_STORE_CORRUPT"


def test_warnings_are_collected_once_each(cleo_app: App) -> None:
    cleo_app.warn("W_ONE", "One thing.", store="tasks")
    cleo_app.warn("W_ONE", "One thing.", store="tasks")
    cleo_app.warn("W_ONE", "Another thing.")
    assert cleo_app.warnings == [
        {"code": "W_ONE", "message": "One thing.", "store": "tasks"},
        {"code": "W_ONE", "message": "Another thing."},
    ]


def test_warnings_of_finding_the_project_reach_the_app(
    cleo_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    (cleo_project / ".cleo" / "config.json").write_text('{"tasks": {"list": {"limit": "many"}}}')
    with open_app() as app:
        app.service("tasks").list()
        assert "W_CONFIG_VALUE" in [warning["code"] for warning in app.warnings]


def test_a_warning_of_a_unit_counts_only_in_the_run_that_committed(cleo_app: App) -> None:
    def refused(unit: Any) -> None:
        unit.warn("W_SEEN", "Seen on the way.")
        raise LookupError

    with pytest.raises(LookupError):
        cleo_app.write("tasks", refused)
    assert cleo_app.warnings == []
    cleo_app.write("tasks", lambda unit: unit.warn("W_SEEN", "Seen on the way."))
    assert cleo_app.warnings == [{"code": "W_SEEN", "message": "Seen on the way."}]


@pytest.mark.parametrize(
    ("argument", "variable", "setting", "agent", "actor"),
    [
        (None, None, None, None, "user"),
        (None, None, "of-config", "of-config", "of-config"),
        (None, "of-variable", "of-config", "of-variable", "of-variable"),
        ("given", "of-variable", "of-config", "given", "given"),
    ],
)
def test_who_acts_is_one_rule(
    cleo_project: Path,
    monkeypatch: pytest.MonkeyPatch,
    argument: str | None,
    variable: str | None,
    setting: str | None,
    agent: str | None,
    actor: str,
) -> None:
    if variable is not None:
        monkeypatch.setenv("CLEO_AGENT_ID", variable)
    if setting is not None:
        (cleo_project / ".cleo" / "config.json").write_text(json.dumps({"agent": {"id": setting}}))
    with open_app(agent=argument) as app:
        assert (app.agent, app.actor) == (agent, actor)
        if agent is None:
            assert code(app.require_agent) == "E_AGENT_REQUIRED"
        else:
            assert app.require_agent() == agent


def test_the_session_is_the_one_named_and_never_a_guess(
    cleo_open: OpenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cleo_open().session is None
    monkeypatch.setenv("CLEO_SESSION_ID", "of-variable")
    assert cleo_open().session == "of-variable"
    assert cleo_open(session="given").session == "given"


def test_an_app_has_the_environment_it_is_given(cleo_project: Path, cleo_home: Path) -> None:
    env = {"HOME": str(cleo_home / "home"), "CLEO_AGENT_ID": "a7", "CLEO_PLUGINS": ""}
    with open_app(str(cleo_project), env=env) as app:
        assert app.agent == "a7"
        assert app.plugins.loaded == ()
    assert "CLEO_AGENT_ID" not in os.environ


def test_two_apps_in_one_process_keep_apart(cleo_open: OpenApp) -> None:
    one, two = cleo_open(agent="a1"), cleo_open(agent="a2")
    assert one.request_id != two.request_id
    one.service("tasks").add("by the first")
    assert [row.title for row in two.service("tasks").list()[0]] == ["by the first"]
    two.service("tasks").add("by the second")
    created = one.store("tasks").read("SELECT created_by FROM tasks ORDER BY seq")
    assert [row["created_by"] for row in created] == ["a1", "a2"]


def test_times_come_from_the_one_clock(cleo_app: App, cleo_clock: Clock) -> None:
    cleo_clock.set("2031-02-03T04:05:06.789Z")
    task = cleo_app.service("tasks").add("a title").task
    assert task.created_at == "2031-02-03T04:05:06.789Z"


def test_the_package_gives_its_public_names_and_no_others() -> None:
    for name in cleo_core.__all__:
        assert getattr(cleo_core, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'opened_app'"):
        cleo_core.opened_app  # noqa: B018
