"""``import taskwarrior``: what each field becomes, and what the real program exports."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]

AT = "20260116T072109Z"
#: The same instant as it is stored.
STORED = "2026-01-16T07:21:09.000Z"
ONE = "192fc139-4ae9-4d68-8190-fc39e6fe2aeb"


def task(uuid: str = ONE, description: str = "", **fields: Any) -> dict[str, Any]:
    """One task of an export."""
    return {
        "uuid": uuid,
        "description": description or f"Task {uuid}",
        "status": "pending",
        "entry": AT,
        "modified": AT,
        **fields,
    }


@pytest.fixture
def write(cleo_home: Path) -> Callable[..., str]:
    """Write the array that an export is; returns its path."""

    def make(*rows: Any, name: str = "export.json") -> str:
        path = cleo_home / name
        path.write_text("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n")
        return str(path)

    return make


@pytest.fixture
def tasks(cleo_app: App) -> Any:
    return cleo_app.service("tasks")


def kept(found: Any) -> dict[str, Any]:
    rest: dict[str, Any] = found.metadata.get("import", {}).get("taskwarrior", {})
    return rest


# fields of one task -> columns of the task here
MAPPED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"description": "Say it"}, {"title": "Say it", "description": None, "origin": "imported"}),
    (
        {"entry": "20260115T010203Z", "modified": "20260116T010203Z"},
        {"created_at": "2026-01-15T01:02:03.000Z", "updated_at": "2026-01-16T01:02:03.000Z"},
    ),
    ({}, {"status": "pending", "priority": "medium", "started_at": None, "labels": []}),
    ({"start": AT}, {"status": "active", "started_at": STORED}),
    (
        {"status": "waiting", "wait": "20990101T100000Z"},
        {"status": "blocked", "blocked_reason": "waiting until 2099-01-01T10:00:00Z"},
    ),
    ({"status": "waiting"}, {"status": "blocked", "blocked_reason": "waiting"}),
    (
        {"wait": "20990101T000000Z"},
        {"status": "blocked", "blocked_reason": "waiting until 2099-01-01T00:00:00Z"},
    ),
    ({"wait": "20010101T000000Z"}, {"status": "pending", "blocked_reason": None}),
    ({"wait": "20990101T000000Z", "start": AT}, {"status": "active"}),
    (
        {"status": "completed", "end": "20260117T000000Z", "start": AT},
        {
            "status": "done",
            "completed_at": "2026-01-17T00:00:00.000Z",
            "started_at": STORED,
            "pipeline_stage": "contribution",
        },
    ),
    ({"status": "completed"}, {"status": "done", "completed_at": STORED}),
    ({"status": "unheard of"}, {"status": "pending"}),
    ({"priority": "H"}, {"priority": "high"}),
    ({"priority": "M"}, {"priority": "medium"}),
    ({"priority": "L"}, {"priority": "low"}),
    ({"priority": "now"}, {"priority": "medium"}),
    (
        {"tags": ["CLI", "two"], "project": "Home.Garden"},
        {"labels": ["cli", "project:home.garden", "two"]},
    ),
    ({"project": "a.b"}, {"labels": ["project:a.b"]}),
    (
        {"annotations": [{"entry": AT, "description": "a: note,\nof two"}, {"description": "b"}]},
        {
            "notes": [
                {"at": STORED, "by": None, "text": "a: note,\nof two"},
                {"at": STORED, "by": None, "text": "b"},
            ]
        },
    ),
]

# fields of one task -> what is kept beside the columns
KEPT: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        dict.fromkeys(("due", "scheduled", "until"), AT),
        dict.fromkeys(("due", "scheduled", "until"), AT),
    ),
    ({"wait": "20990101T000000Z"}, {"wait": "20990101T000000Z"}),
    (
        {"recur": "weekly", "imask": 3, "parent": ONE, "rtype": "periodic", "mask": "-"},
        {"recur": "weekly", "imask": 3, "parent": ONE, "rtype": "periodic", "mask": "-"},
    ),
    ({"estimate": 5, "sprint": "alpha"}, {"estimate": 5, "sprint": "alpha"}),
    ({"id": 7, "urgency": 23.3}, {}),
    ({"priority": "now"}, {"priority": "now"}),
    ({"status": "unheard of"}, {"status": "unheard of"}),
    ({"tags": ["CLI"]}, {"tags": ["CLI"]}),
    ({"project": "Home"}, {"project": "Home"}),
    ({"project": "home"}, {}),
    ({"end": AT}, {"end": AT}),
    ({"entry": "then"}, {"entry": "then"}),
    (
        {"annotations": [{"entry": "then", "description": "x", "by": "me"}]},
        {"annotations": [{"entry": "then", "by": "me"}]},
    ),
    ({"depends": ["gone"]}, {"depends": ["gone"]}),
]


@pytest.mark.guarantee("tasks-29", "Every value of a Taskwarrior task has its place in the task.")
def test_each_field_has_its_place(write: Any, tasks: Any) -> None:
    result = tasks.import_taskwarrior(
        write(*(task(f"u-{number}", **fields) for number, (fields, _) in enumerate(MAPPED, 1000)))
    )
    assert (result.imported, result.reasons) == (len(MAPPED), {})
    for number, (fields, columns) in enumerate(MAPPED, 1):
        found = tasks.show(f"T{number:03d}")[0]
        assert {name: getattr(found, name) for name in columns} == columns, fields


@pytest.mark.guarantee("tasks-29", "What no column has of a Taskwarrior task is in its metadata.")
def test_the_rest_is_kept(write: Any, tasks: Any) -> None:
    tasks.import_taskwarrior(
        write(*(task(f"u-{number}", **fields) for number, (fields, _) in enumerate(KEPT, 1000)))
    )
    for number, (fields, rest_) in enumerate(KEPT, 1):
        assert kept(tasks.show(f"T{number:03d}")[0]) == rest_, fields


def test_what_is_no_task_is_left_out_with_its_reason(write: Any, tasks: Any) -> None:
    result = tasks.import_taskwarrior(
        write(task("a", status="deleted", end=AT), task("b", status="recurring", recur="weekly"))
    )
    assert (result.read, result.imported) == (2, 0)
    assert result.reasons == {"deleted": 1, "recurrence template": 1}


def test_dependencies_come_as_a_list_or_as_a_text(write: Any, tasks: Any) -> None:
    result = tasks.import_taskwarrior(
        write(task("a"), task("b", depends=["a"]), task("c", depends="a, b"), task("d", depends=""))
    )
    assert result.edges["dependencies"] == 3
    assert [one.depends_on for one in tasks.show("T001", "T002", "T003", "T004")] == [
        [],
        ["T001"],
        ["T001", "T002"],
        [],
    ]


def test_what_the_program_derives_is_counted_and_is_no_change(write: Any, tasks: Any) -> None:
    first = tasks.import_taskwarrior(write(task(id=3, urgency=1.5)))
    assert first.adjusted == {"dropped_id": 1, "dropped_urgency": 1}
    assert tasks.import_taskwarrior(write(task(id=0, urgency=9))).reasons == {"unchanged": 1}
    changed = tasks.import_taskwarrior(write(task(id=0, urgency=9, priority="H")))
    assert changed.reasons == {"changed": 1}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"uuid": ""}, "uuid is missing"),
        ({"description": " "}, "the title is blank"),
        ({"depends": [1]}, "depends must be ids"),
        ({"tags": "x"}, "tags must be a list, not text"),
        ({"annotations": ["x"]}, "annotations must be objects with a description"),
    ],
)
def test_a_row_that_cannot_be_understood_is_skipped_and_named(
    fields: dict[str, Any], message: str, write: Any, tasks: Any
) -> None:
    result = tasks.import_taskwarrior(write(task("good"), task(**fields)))
    assert (result.imported, result.skipped) == (1, 1)
    assert (result.problems[0]["line"], result.problems[0]["message"]) == (3, message)


def test_lines_are_read_too(cleo_home: Path, tasks: Any) -> None:
    path = cleo_home / "lines.json"
    path.write_text(json.dumps(task("a")) + "\n" + json.dumps(task("b")) + "\n")
    assert tasks.import_taskwarrior(str(path)).imported == 2


@pytest.mark.skipif(shutil.which("task") is None, reason="Taskwarrior (task) is not installed")
def test_what_the_real_program_exports_is_imported_whole(cleo_home: Path, tasks: Any) -> None:
    folder = cleo_home / "warrior"
    folder.mkdir()
    (folder / "rc").write_text(
        f"data.location={folder}\nconfirmation=off\nrecurrence=off\nverbose=nothing\nuda.estimate.type=numeric\n"
    )
    env = {**os.environ, "TASKRC": str(folder / "rc"), "TASKDATA": str(folder), "TZ": "UTC"}

    def run(*argv: str) -> str:
        done = subprocess.run(
            ["task", *argv],
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("add", "Write the parser", "project:Home.Garden", "priority:H", "+CLI", "estimate:5")
    run("add", "Second", "depends:1", "wait:2099-01-01")
    run("add", "Every week", "due:2099-01-01", "recur:weekly")
    run("add", "Third done")
    run("4", "annotate", "a note: with, commas")
    run("4", "done")
    run("1", "start")
    path = folder / "export.json"
    path.write_text(run("export"))
    result = tasks.import_taskwarrior(str(path))
    assert (result.imported, result.reasons) == (3, {"recurrence template": 1})
    first, second, third = tasks.show("T001", "T002", "T003")
    assert (first.title, first.status, first.priority) == ("Write the parser", "active", "high")
    assert first.labels == ["cli", "project:home.garden"]
    assert kept(first)["estimate"] == 5
    assert (second.status, second.depends_on) == ("blocked", ["T001"])
    assert (third.status, third.notes[0]["text"]) == ("done", "a note: with, commas")
    path.write_text(run("rc.json.array=off", "export"))
    again = tasks.import_taskwarrior(str(path))
    assert again.reasons == {"recurrence template": 1, "unchanged": 3}
