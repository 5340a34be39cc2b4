"""``import task-master``: tags, subtasks, dependencies, and a real project's list."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]

REAL = (
    Path(__file__).resolve().parents[4]
    / "shared"
    / "data"
    / "task-master"
    / "claude-task-master.tasks.json"
)


def task(id_: Any = 1, title: str = "", **fields: Any) -> dict[str, Any]:
    """One task or subtask."""
    return {"id": id_, "title": title or f"Task {id_}", "status": "pending", **fields}


@pytest.fixture
def write(cleo_home: Path) -> Callable[..., str]:
    def make(*tasks: Any, name: str = "tasks.json", **tags: Any) -> str:
        path = cleo_home / name
        document = {tag: {"tasks": rows, "metadata": {"version": 1}} for tag, rows in tags.items()}
        path.write_text(json.dumps(document if tags else {"tasks": list(tasks)}))
        return str(path)

    return make


@pytest.fixture
def tasks(cleo_app: App) -> Any:
    return cleo_app.service("tasks")


def kept(found: Any) -> dict[str, Any]:
    rest: dict[str, Any] = found.metadata.get("import", {}).get("task-master", {})
    return rest


def link_ids(app: App) -> dict[str, str]:
    """External id -> task."""
    found, _ = app.service("tasks").link_list(provider="task-master", limit=5000)
    return {one.external_id: one.task_id for one in found}


# fields of one task -> columns of the task here
MAPPED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"title": "Say it"}, {"title": "Say it", "description": None, "priority": "medium"}),
    ({"description": "What.", "details": "How."}, {"description": "What.\n\n## Details\n\nHow."}),
    ({"details": "How."}, {"description": "## Details\n\nHow."}),
    ({"status": "pending"}, {"status": "pending"}),
    ({"status": "todo"}, {"status": "pending"}),
    ({"status": "in-progress"}, {"status": "active", "labels": []}),
    ({"status": "review"}, {"status": "active", "labels": ["review"]}),
    ({"status": "done"}, {"status": "done", "pipeline_stage": "contribution"}),
    ({"status": "completed"}, {"status": "done"}),
    ({"status": "blocked"}, {"status": "blocked", "blocked_reason": None}),
    ({"status": "deferred"}, {"status": "blocked", "blocked_reason": "deferred"}),
    ({"status": "cancelled"}, {"status": "cancelled", "pipeline_stage": "cancelled"}),
    ({"status": "someday"}, {"status": "pending"}),
    ({"priority": "critical"}, {"priority": "critical"}),
    ({"priority": "high"}, {"priority": "high"}),
    ({"priority": "medium"}, {"priority": "medium"}),
    ({"priority": "low"}, {"priority": "low"}),
    ({"testStrategy": "Run it.\nTwice."}, {"acceptance": ["Run it.\nTwice."]}),
    ({"testStrategy": " "}, {"acceptance": []}),
    (
        {"updatedAt": "2026-01-08T23:51:39.160Z", "status": "done"},
        {"updated_at": "2026-01-08T23:51:39.160Z", "completed_at": "2026-01-08T23:51:39.160Z"},
    ),
]

# fields of one task -> what is kept beside the columns
KEPT: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"metadata": {"a": 1}}, {"metadata": {"a": 1}}),
    (
        {"complexity": 7, "recommendedSubtasks": 3, "expansionPrompt": "x"},
        {"complexity": 7, "recommendedSubtasks": 3, "expansionPrompt": "x"},
    ),
    ({"acceptanceCriteria": "x", "parentId": 3}, {"acceptanceCriteria": "x", "parentId": 3}),
    ({"status": "deferred"}, {"status": "deferred"}),
    ({"status": "someday"}, {"status": "someday"}),
    ({"priority": "urgent"}, {"priority": "urgent"}),
    ({"dependencies": [1, 99, "7.1"]}, {"dependencies": [1, 99, "7.1"]}),
    ({"subtasks": None, "testStrategy": None}, {}),
]


@pytest.mark.guarantee("tasks-29", "Every value of a Task Master task has its place in the task.")
def test_each_field_has_its_place(write: Any, tasks: Any) -> None:
    result = tasks.import_task_master(
        write(*(task(number, **fields) for number, (fields, _) in enumerate(MAPPED, 1000)))
    )
    assert (result.imported, result.reasons) == (len(MAPPED), {})
    for number, (fields, columns) in enumerate(MAPPED, 1):
        found = tasks.show(f"T{number:03d}")[0]
        assert {name: getattr(found, name) for name in columns} == columns, fields


@pytest.mark.guarantee("tasks-29", "What no column has of a Task Master task is in its metadata.")
def test_the_rest_is_kept(write: Any, tasks: Any) -> None:
    tasks.import_task_master(
        write(*(task(number, **fields) for number, (fields, _) in enumerate(KEPT, 1000)))
    )
    for number, (fields, rest_) in enumerate(KEPT, 1):
        assert kept(tasks.show(f"T{number:03d}")[0]) == rest_, fields


def test_subtasks_stand_below_their_task_and_depend_as_they_say(
    write: Any, tasks: Any, cleo_app: App
) -> None:
    path = write(
        task(1, subtasks=[task(1), task(2, dependencies=[1]), task(3, dependencies=["2", "2.1"])]),
        task(2, dependencies=[1], subtasks=[task(1, dependencies=["1.2"])]),
        task("3", dependencies=["1", "2.1", 2]),
    )
    result = tasks.import_task_master(path)
    assert (result.read, result.imported) == (7, 7)
    assert (result.edges["parents"], result.edges["dependencies"]) == (4, 8)
    ids = link_ids(cleo_app)
    by_key = {key: tasks.show(id_)[0] for key, id_ in ids.items()}
    assert set(by_key) == {f"master:{key}" for key in ("1", "1.1", "1.2", "1.3", "2", "2.1", "3")}

    def waits(key: str) -> set[str]:
        names = {id_: name.removeprefix("master:") for name, id_ in ids.items()}
        return {names[one] for one in by_key[f"master:{key}"].depends_on}

    assert waits("1.2") == {"1.1"}
    assert waits("1.3") == {"1.2", "2.1"}
    assert waits("2") == {"1"}
    assert waits("2.1") == {"1.2"}
    assert waits("3") == {"1", "2.1", "2"}
    assert by_key["master:1.1"].parent_id == ids["master:1"]
    assert by_key["master:1.1"].type == "subtask"


def test_each_tag_is_a_world_of_its_own(write: Any, tasks: Any, cleo_app: App) -> None:
    path = write(
        master=[task(1), task(2, dependencies=[1])],
        **{"Big feature": [task(1, subtasks=[task(1)]), task(2, dependencies=[1])]},
    )
    result = tasks.import_task_master(path)
    assert (result.imported, result.edges["dependencies"]) == (5, 2)
    ids = link_ids(cleo_app)
    assert tasks.show(ids["master:1"])[0].labels == []
    for key in ("Big feature:1", "Big feature:1.1"):
        found = tasks.show(ids[key])[0]
        assert found.labels == ["tag:big-feature"]
        assert kept(found)["tag"] == "Big feature"
    assert tasks.show(ids["Big feature:2"])[0].depends_on == [ids["Big feature:1"]]


def test_a_tag_selects(write: Any, cleo_cli: Cli, cleo_project: Path) -> None:
    path = write(master=[task(1), task(2)], other=[task(1)], third=[], data=[])
    data = cleo_cli("import", "task-master", path, "--tag", "other", "--tag", "third").data
    assert (data["read"], data["imported"]) == (1, 1)
    refused = cleo_cli("import", "task-master", path, "--tag", "odd")
    assert refused.code == 6
    assert "its tags are master, other, third, data" in refused.error["message"]
    assert cleo_cli("import", "task-master", path).data["reasons"] == {"unchanged": 1}
    assert cleo_cli("import", "task-master", path, "--tag", "").code == 2


def test_subtasks_with_the_same_number_are_told_apart(
    write: Any, tasks: Any, cleo_app: App
) -> None:
    path = write(task(4, subtasks=[task(2, "One"), task(2, "Two"), task("2", "Three")]))
    result = tasks.import_task_master(path)
    assert (result.imported, result.adjusted) == (4, {"repeated_id": 2})
    assert set(link_ids(cleo_app)) == {"master:4", "master:4.2", "master:4.2/2", "master:4.2/3"}
    found = tasks.show("T001", children=True)[0]
    assert [one.title for one in found.children] == ["One", "Two", "Three"]
    assert tasks.import_task_master(path).reasons == {"unchanged": 4}


def test_a_change_of_a_subtask_is_no_change_of_its_task(write: Any, tasks: Any) -> None:
    tasks.import_task_master(write(task(1, subtasks=[task(1)])))
    changed = tasks.import_task_master(write(task(1, subtasks=[task(1, "Other words")])))
    assert changed.reasons == {"changed": 1, "unchanged": 1}


@pytest.mark.parametrize(
    ("rows", "messages"),
    [
        ([task(1, subtasks={"a": 1})], ["subtasks must be a list, not an object"]),
        ([task(1, dependencies=[{}])], ["dependencies must be numbers or texts"]),
        ([task(1, dependencies=[True])], ["dependencies must be numbers or texts"]),
        ([task(None, subtasks=[task(1)])], ["id is missing"]),
        ([7], ["a number or word where an object was expected"]),
        ([task(1, subtasks=["x"])], ["a subtask must be an object"]),
        ([task(1), task(1)], ["the id stands in an earlier row"]),
        ([task(1, title="\n")], ["the title is blank"]),
        ([task(1, details=["x"])], ["details must be text, not a list"]),
    ],
    ids=lambda value: json.dumps(value)[:40],
)
def test_a_row_that_cannot_be_understood_is_skipped_and_named(
    rows: list[Any], messages: list[str], write: Any, tasks: Any
) -> None:
    result = tasks.import_task_master(write(task("good"), *rows))
    assert [one["message"] for one in result.problems] == messages
    assert result.imported + result.skipped == result.read
    assert sum(result.reasons.values()) == result.skipped


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"master": 1}', '{"tasks": {"a": 1}}', '{"tasks": [', '{"tasks": [3]}'],
)
def test_a_file_of_another_kind_is_refused_whole(
    text: str, cleo_home: Path, cleo_cli: Cli, cleo_project: Path
) -> None:
    path = cleo_home / "odd.json"
    path.write_text(text)
    refused = cleo_cli("import", "task-master", str(path))
    assert (refused.code, refused.error["code"]) == (6, "E_VALIDATION")


@pytest.mark.skipif(not REAL.exists(), reason="shared/data/task-master is not here")
def test_the_list_of_a_real_project(tasks: Any, cleo_app: App) -> None:
    source = json.loads(REAL.read_text("utf-8"))
    result = tasks.import_task_master(str(REAL))
    assert (result.read, result.imported, result.skipped) == (1096, 1096, 0)
    assert result.problems == []
    assert result.adjusted["repeated_id"] == 7
    dependencies = sum(
        len(entry.get("dependencies") or ())
        for tag in source.values()
        for task in tag["tasks"]
        for entry in (task, *task.get("subtasks", ()))
    )
    edges = result.edges
    assert edges["parents"] == 914
    assert edges["dependencies"] + sum(edges["skipped"].values()) == dependencies
    assert edges["skipped"] == {"cycle": 1, "missing_target": 1}
    ids = link_ids(cleo_app)
    for tag, lists in source.items():
        for one in lists["tasks"][::7]:
            found = tasks.show(ids[f"{tag}:{one['id']}"])[0]
            assert found.title == one["title"]
            assert one["description"] in found.description
            assert one["details"] in found.description
            assert found.acceptance == ([one["testStrategy"]] if one["testStrategy"] else [])
            assert found.priority == one["priority"]
            assert found.labels == ([] if tag == "master" else [f"tag:{tag}"])
    assert tasks.deps_cycles().cycles == []
    assert tasks.import_task_master(str(REAL)).reasons == {"unchanged": 1096}
