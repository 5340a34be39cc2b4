"""``label list | show | rename | remove``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]


@pytest.fixture
def tasks(cleo_app: App) -> Any:
    service = cleo_app.service("tasks")
    service.add("One", labels=["core", "ui"])
    service.add("Two", labels=["core"])
    service.add("Three", labels=["docs", "ui"])
    service.add("Four")
    return service


def counts(tasks: Any) -> dict[str, int]:
    return {one.label: one.tasks for one in tasks.label_list()[0]}


def test_labels_are_listed_with_their_tasks(tasks: Any) -> None:
    found, page = tasks.label_list(limit=2)
    assert [(one.label, one.tasks) for one in found] == [("core", 2), ("docs", 1)]
    assert page.as_json(2) == {"limit": 2, "offset": 0, "total": 3, "hasMore": True}
    found, _ = tasks.label_list(limit=2, offset=2)
    assert [(one.label, one.tasks) for one in found] == [("ui", 2)]


def test_a_label_is_shown_with_its_tasks_in_any_status(tasks: Any, cleo_app: App) -> None:
    cleo_app.write(
        "tasks",
        lambda unit: unit.execute(
            "UPDATE tasks SET status = 'archived', archived_at = :now, archived_from = 'pending', "
            "archive_reason = 'deleted' WHERE id = 'T001'",
            now=unit.now,
        ),
    )
    found, page = tasks.label_show("core")
    assert (found.label, found.tasks, page.total) == ("core", 2, 2)
    assert [(line.id, line.status) for line in found.lines] == [
        ("T001", "archived"),
        ("T002", "pending"),
    ]
    assert [line.id for line in tasks.label_show("core", limit=1, offset=1)[0].lines] == ["T002"]


def test_renaming_changes_every_task_once_and_says_so_in_the_log(tasks: Any) -> None:
    before = {task.id: task.version for task in tasks.show("T001", "T002", "T003")}
    result = tasks.label_rename("core", "kernel")
    assert (result.label, result.tasks) == ("kernel", 2)
    assert counts(tasks) == {"docs": 1, "kernel": 2, "ui": 2}
    after = {task.id: task.version for task in tasks.show("T001", "T002", "T003")}
    assert {id_: after[id_] - before[id_] for id_ in after} == {"T001": 1, "T002": 1, "T003": 0}
    rows, page = tasks.log_list(action="task.label_rename")
    assert page.total == 2
    assert [(row["entityId"], row["before"], row["after"]) for row in reversed(rows)] == [
        ("T001", {"labels": ["core", "ui"]}, {"labels": ["kernel", "ui"]}),
        ("T002", {"labels": ["core"]}, {"labels": ["kernel"]}),
    ]


def test_renaming_to_a_label_that_is_there_merges_the_two(tasks: Any) -> None:
    tasks.label_rename("core", "ui")
    assert counts(tasks) == {"docs": 1, "ui": 3}
    assert tasks.show("T001")[0].labels == ["ui"]


def test_removing_takes_the_label_from_every_task(tasks: Any) -> None:
    result = tasks.label_remove("ui")
    assert (result.label, result.tasks) == ("ui", 2)
    assert counts(tasks) == {"core": 2, "docs": 1}
    assert tasks.log_list(action="task.label_remove")[1].total == 2
    assert [task.labels for task in tasks.show("T001", "T003")] == [["core"], ["docs"]]


@pytest.mark.parametrize(
    ("verb", "arguments", "code", "exit_code"),
    [
        ("label_show", ["nothing"], "E_NOT_FOUND", 4),
        ("label_rename", ["nothing", "else"], "E_NOT_FOUND", 4),
        ("label_rename", ["nothing", "nothing"], "E_NOT_FOUND", 4),
        ("label_rename", ["core", "core"], "E_NO_CHANGE", 102),
        ("label_rename", ["core", "Not A Label"], "E_VALIDATION", 6),
        ("label_rename", ["core", "x" * 65], "E_VALIDATION", 6),
        ("label_rename", ["core", ""], "E_VALIDATION", 6),
        ("label_rename", ["core", None], "E_VALIDATION", 6),
        ("label_rename", ["core", ["x"]], "E_VALIDATION", 6),
        ("label_remove", ["nothing"], "E_NO_CHANGE", 102),
        ("label_remove", ["\ud800"], "E_VALIDATION", 6),
        ("label_show", ["a\0b"], "E_VALIDATION", 6),
        ("label_show", [5], "E_VALIDATION", 6),
    ],
)
def test_what_cannot_be_done_is_one_error_and_changes_nothing(
    tasks: Any, verb: str, arguments: list[Any], code: str, exit_code: int
) -> None:
    before, log = counts(tasks), tasks.log_list()[1].total
    with pytest.raises(CleoError) as error:
        getattr(tasks, verb)(*arguments)
    assert (error.value.code, error.value.exit) == (code, exit_code)
    assert error.value.fix
    assert (counts(tasks), tasks.log_list()[1].total) == (before, log)


def test_a_wrong_name_is_answered_with_the_command_that_was_used(tasks: Any, cleo_cli: Cli) -> None:
    for words, fix in (
        (("rename", "core", "Bad L"), "rename core bad-l"),
        (("rename", "Bad L", "core"), "rename bad-l NEW"),
        (("show", "Bad L"), "show bad-l"),
        (("remove", "Bad L"), "remove bad-l"),
    ):
        assert cleo_cli("label", *words).error["fix"] == f"cleo label {fix}"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(label=st.text(max_size=80))
def test_any_text_can_be_asked_for_as_a_label(tasks: Any, label: str) -> None:
    with pytest.raises(CleoError) as error:
        tasks.label_show(f"no-{label}")
    assert error.value.exit in (4, 6)


def test_the_commands(tasks: Any, cleo_cli: Cli) -> None:
    assert cleo_cli("label", "list").data == [
        {"label": "core", "tasks": 2},
        {"label": "docs", "tasks": 1},
        {"label": "ui", "tasks": 2},
    ]
    assert cleo_cli("label", "list", "--quiet").out == "core\ndocs\nui\n"
    assert cleo_cli("label", "show", "docs", "--quiet").out == "T003\n"
    shown = cleo_cli("label", "show", "ui", "--limit", "1")
    assert shown.data["tasks"] == 2
    assert shown.page == {"limit": 1, "offset": 0, "total": 2, "hasMore": True}
    assert cleo_cli("label", "rename", "docs", "manual", "--dry-run").data["tasks"] == 1
    assert cleo_cli("label", "rename", "docs", "manual").data == {"label": "manual", "tasks": 1}
    assert cleo_cli("label", "remove", "ui", "--human").out == "ui was taken from 2 tasks.\n"
    assert "kernel" not in cleo_cli("label", "list", "--human").out
    assert cleo_cli("label", "show", "ui").error["fix"] == "cleo label list"
    assert cleo_cli("label", "remove", "ui").error["code"] == "E_NO_CHANGE"
    assert "T001" in cleo_cli("label", "show", "core", "--human").out
