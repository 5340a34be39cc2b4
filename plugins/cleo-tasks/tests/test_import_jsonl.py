"""``import jsonl``: what ``export`` wrote, elsewhere or again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]
Frozen = Callable[..., AbstractContextManager[Any]]
Lines = list[dict[str, Any]]

AT = "2026-01-01T00:00:00.000Z"


@pytest.fixture
def tasks(cleo_app: App) -> Any:
    return cleo_app.service("tasks")


@pytest.fixture
def elsewhere(cleo_cli: Cli, cleo_home: Path, cleo_project: Path) -> Callable[[str], Path]:
    """Make another project."""

    def make(name: str) -> Path:
        folder = cleo_home / name
        folder.mkdir()
        assert cleo_cli("init", name, cwd=folder).code == 0
        return folder

    return make


def test_blank_entries_of_lists_are_left_out(tasks: Any, cleo_home: Path) -> None:
    tasks.add("x", acceptance=["a"], files=["f"], notes=["n"])
    file = cleo_home / "export.jsonl"
    tasks.export(output=str(file))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    lines[1]["acceptance"] = ["", "a", " "]
    lines[1]["files"] = ["f", "\t"]
    lines[1]["notes"] = [lines[1]["notes"][0] | {"text": " "}, *lines[1]["notes"]]
    body = "".join(json.dumps(line) + "\n" for line in lines[:-1])
    lines[-1]["sha256"] = hashlib.sha256(body.encode()).hexdigest()
    file.write_text(body + json.dumps(lines[-1]) + "\n")

    tasks.import_jsonl(str(file), on_conflict="remap")

    (task,) = tasks.show("T002")
    assert (task.acceptance, task.files) == (["a"], ["f"])
    assert [note["text"] for note in task.notes] == ["n"]


def furnish(tasks: Any) -> None:
    """A project with something of everything."""
    tasks.add("Big", type="epic", labels=["a", "b"], stage="specification", metadata={"k": [1.5]})
    tasks.add("Part", parent="T001", acceptance=["x | y", "z\n\u2028"], files=["a.py"], notes=["n"])
    tasks.add("Piece", parent="T002", size="small", severity="P1", role="bug")
    tasks.add("Gone", add_phase=True, phase="build")
    tasks.add("Done", depends=["T003"], description="What “quotes” and\ttabs")
    tasks.add("Put away", status="blocked")
    tasks.deps_add("T002", "T004")
    tasks.relate_add("T005", "T001", type="fixes", reason="because")
    tasks.update("T006", blocked_reason="rain")
    tasks.add("Purged")
    tasks.delete("T007")
    tasks.delete("T007", purge=True)
    tasks.complete("T004")
    tasks.cancel("T006", reason="no time")
    tasks.archive("T006")
    tasks.add("Proposal", status="proposed", parent="T001", position=1)


def export(cleo_cli: Cli, path: Path, *options: str, cwd: Path) -> Path:
    cleo_cli("export", "--output", str(path), *options, cwd=cwd)
    return path


def lines(path: Path) -> Lines:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def compared(path: Path) -> Lines:
    """The lines of tasks and phases, but for the origin and the links."""
    return [
        {key: value for key, value in line.items() if key not in ("origin", "links")}
        for line in lines(path)
        if line["record"] in ("task", "phase")
    ]


def sealed(*rows: dict[str, Any]) -> bytes:
    """Rows as a file that export could have written: its end line agrees with them."""
    head = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    count = sum(row.get("record") == "task" for row in rows)
    end = {"record": "end", "tasks": count, "sha256": hashlib.sha256(head).hexdigest()}
    return head + json.dumps(end).encode() + b"\n"


HEADER = {
    "record": "header",
    "format": "cleo.tasks",
    "version": 1,
    "projectId": "11111111-1111-4111-8111-111111111111",
    "exportedAt": AT,
}


def task(id_: str = "T001", **fields: Any) -> dict[str, Any]:
    return {
        "record": "task",
        "id": id_,
        "title": f"Task {id_}",
        "status": "pending",
        "priority": "medium",
        "type": "task",
        "role": "work",
        "scope": "feature",
        "pipelineStage": "implementation",
        "position": 1,
        "verificationRound": 1,
        "version": 1,
        "createdAt": AT,
        "updatedAt": AT,
        **fields,
    }


@pytest.fixture
def write(cleo_home: Path) -> Callable[..., str]:
    def make(*rows: dict[str, Any]) -> str:
        path = cleo_home / "made.jsonl"
        path.write_bytes(sealed(HEADER, *rows))
        return str(path)

    return make


@pytest.mark.guarantee(
    "tasks-29", "An export, imported into an empty project and exported again, is the same."
)
@pytest.mark.parametrize("options", [(), ("--include-links",)])
def test_an_export_comes_back_the_same(
    options: tuple[str, ...],
    tasks: Any,
    cleo_cli: Cli,
    cleo_home: Path,
    cleo_project: Path,
    elsewhere: Callable[[str], Path],
) -> None:
    furnish(tasks)
    other = elsewhere("other")
    first = export(cleo_cli, cleo_home / "first.jsonl", *options, cwd=cleo_project)
    data = cleo_cli("import", "jsonl", str(first), cwd=other).data
    assert (data["read"], data["imported"]) == (7, 7)
    second = export(cleo_cli, cleo_home / "second.jsonl", *options, cwd=other)
    assert compared(second) == compared(first)
    assert {line["origin"] for line in lines(second) if "origin" in line} == {"imported"}
    assert cleo_cli("sequence", "check", cwd=other).data["ok"]


@given(
    choices=st.lists(
        st.tuples(st.integers(0, 6), st.integers(1, 9), st.integers(1, 9)), max_size=25
    )
)
@settings(
    max_examples=14,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@pytest.mark.guarantee(
    "tasks-29", "An export, imported into an empty project and exported again, is the same."
)
def test_whatever_was_done_an_export_comes_back_the_same(
    choices: list[tuple[int, int, int]],
    tmp_path_factory: pytest.TempPathFactory,
    cleo_cli: Cli,
    cleo_home: Path,
    cleo_open: Callable[..., App],
) -> None:
    folder = cleo_home / tmp_path_factory.mktemp("x").name
    for name in ("one", "two"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        cleo_cli("init", name, cwd=folder / name)
    service = cleo_open(agent="ada", project=folder / "one").service("tasks")
    for verb, one, two in choices:
        id_, other = f"T{one:03d}", f"T{two:03d}"
        acts = (
            partial(service.add, f"New {one}", parent=other if two < 6 else None),
            partial(service.add, f"Root {one}", type="epic", allow_duplicate=True),
            partial(service.deps_add, id_, other),
            partial(service.complete, id_),
            partial(service.cancel, id_, children="cascade"),
            partial(service.claim, id_),
            partial(service.delete, id_, children="orphan", detach=True),
        )
        try:
            acts[verb]()
        except CleoError:
            continue
    first = export(cleo_cli, folder / "first.jsonl", cwd=folder / "one")
    count = sum(line["record"] == "task" for line in lines(first))
    data = cleo_cli("import", "jsonl", str(first), cwd=folder / "two").data
    assert (data["imported"], data["edges"]["skipped"]) == (count, {})
    assert compared(export(cleo_cli, folder / "second.jsonl", cwd=folder / "two")) == compared(
        first
    )


@pytest.mark.guarantee("tasks-29", "A second import of the same file writes no row.")
def test_a_second_run_writes_nothing(
    tasks: Any,
    cleo_cli: Cli,
    cleo_home: Path,
    cleo_project: Path,
    elsewhere: Callable[[str], Path],
    frozen_bytes: Frozen,
) -> None:
    furnish(tasks)
    other = elsewhere("other")
    path = export(cleo_cli, cleo_home / "first.jsonl", cwd=cleo_project)
    with frozen_bytes(other):
        planned = cleo_cli("import", "jsonl", str(path), "--dry-run", cwd=other).data
    assert cleo_cli("import", "jsonl", str(path), cwd=other).data == planned
    with frozen_bytes(other):
        again = cleo_cli("import", "jsonl", str(path), cwd=other).data
    assert again["reasons"] == {"unchanged": 7}


def test_two_parts_of_a_project_are_joined_again(
    tasks: Any, cleo_cli: Cli, cleo_home: Path, cleo_project: Path, elsewhere: Any
) -> None:
    tasks.add("One", type="epic")
    tasks.add("Two", parent="T001")
    tasks.add("Three", type="epic")
    tasks.add("Four", parent="T003", depends=["T002"])
    other = elsewhere("other")
    one = export(cleo_cli, cleo_home / "one", "--within", "T001", cwd=cleo_project)
    two = export(cleo_cli, cleo_home / "two", "--within", "T003", cwd=cleo_project)
    assert [line.get("externalDepends") for line in lines(two)][2][0]["dependsOn"] == "T002"
    cleo_cli("import", "jsonl", str(one), cwd=other)
    data = cleo_cli("import", "jsonl", str(two), cwd=other).data
    assert data["edges"] == {"dependencies": 1, "relations": 0, "parents": 1, "skipped": {}}
    assert cleo_cli("show", "T004", cwd=other).data["dependsOn"] == ["T002"]


def test_an_edge_out_of_the_file_is_stripped_and_counted_or_refused(
    write: Any, cleo_cli: Cli, cleo_project: Path, frozen_bytes: Frozen
) -> None:
    path = write(
        task("T002", externalDepends=[{"dependsOn": "T001"}], externalParent="T009"),
        task(
            "T003",
            dependencies=[{"dependsOn": "T077"}],
            relations=[{"relatedTo": "T8", "type": "fixes"}],
        ),
    )
    with frozen_bytes(cleo_project):
        error = cleo_cli("import", "jsonl", path, "--on-missing", "fail").error
    assert error["exit"] == 6
    assert {"line": 2, "id": "T002", "target": "T001"} in error["details"]["edges"]
    data = cleo_cli("import", "jsonl", path).data
    assert data["edges"]["skipped"] == {"missing_parent": 1, "missing_target": 3}
    assert cleo_cli("show", "T002").data["metadata"] == {}


class TestIdsThatAreTaken:
    @pytest.fixture
    def path(self, write: Any, tasks: Any) -> str:
        tasks.add("Ours")
        return str(
            write(task("T001"), task("T002", dependencies=[{"dependsOn": "T001"}]), task("T004"))
        )

    def test_are_refused(
        self, path: str, cleo_app: App, cleo_cli: Cli, cleo_project: Path, frozen_bytes: Frozen
    ) -> None:
        cleo_app.close()
        with frozen_bytes(cleo_project):
            error = cleo_cli("import", "jsonl", path).error
        assert (error["code"], error["exit"]) == ("E_ID_COLLISION", 22)
        assert error["details"]["ids"] == ["T001"]

    def test_are_skipped(self, path: str, tasks: Any) -> None:
        result = tasks.import_jsonl(path, on_conflict="skip")
        assert (result.imported, result.reasons) == (2, {"id taken": 1})
        assert result.edges["skipped"] == {"missing_target": 1}
        assert tasks.show("T001")[0].title == "Ours"

    def test_are_given_new_numbers_that_no_other_row_has(self, path: str, tasks: Any) -> None:
        result = tasks.import_jsonl(path, on_conflict="remap")
        assert (result.imported, result.adjusted) == (3, {"remapped": 1})
        found = tasks.show("T001", "T002", "T004", "T005")
        assert [one.title for one in found] == ["Ours", "Task T002", "Task T004", "Task T001"]
        assert found[1].depends_on == ["T005"]
        assert tasks.import_jsonl(path).reasons == {"unchanged": 3}

    def test_a_number_is_taken_even_when_its_task_was_purged(self, write: Any, tasks: Any) -> None:
        tasks.add("Ours")
        tasks.delete("T001")
        tasks.delete("T001", purge=True)
        with pytest.raises(CleoError) as error:
            tasks.import_jsonl(write(task("T001")))
        assert error.value.exit == 22


def test_a_purged_number_is_not_given_again_and_the_task_comes_back_under_a_new_one(
    tasks: Any, cleo_cli: Cli, cleo_home: Path, cleo_project: Path
) -> None:
    tasks.add("One")
    tasks.add("Two", depends=["T001"])
    path = export(cleo_cli, cleo_home / "own", cwd=cleo_project)
    tasks.delete("T002")
    tasks.delete("T002", purge=True)
    data = cleo_cli("import", "jsonl", str(path), "--on-conflict", "skip").data
    assert (data["imported"], data["reasons"]) == (0, {"id taken": 2})
    assert cleo_cli("show", "T002").error["exit"] == 4
    assert cleo_cli("import", "jsonl", str(path), "--on-conflict", "remap").data["imported"] == 2
    assert {line.title for line in tasks.list()[0]} == {"One", "Two"}
    assert cleo_cli("show", "T002").error["exit"] == 4


def test_the_next_task_gets_the_next_number(write: Any, tasks: Any) -> None:
    tasks.import_jsonl(write(task("T001"), task("T041")))
    assert tasks.add("Next").task.id == "T042"


def test_links_come_along_and_give_way_to_those_that_are_there(
    tasks: Any, cleo_cli: Cli, cleo_home: Path, cleo_project: Path, elsewhere: Any
) -> None:
    issues = cleo_home / "issues.jsonl"
    issues.write_text(json.dumps({"id": "bd-1", "title": "From beads"}) + "\n")
    tasks.import_beads(str(issues))
    other = elsewhere("other")
    path = export(cleo_cli, cleo_home / "all", "--include-links", cwd=cleo_project)
    cleo_cli("import", "jsonl", str(path), cwd=other)
    # The other project knows the issue now.
    again = cleo_cli("import", "beads", str(issues), cwd=other).data
    assert again["reasons"] == {"unchanged": 1}


def test_phases_keep_their_places_and_only_one_is_active(
    write: Any, tasks: Any, cleo_app: App
) -> None:
    phase = {"record": "phase", "name": "N", "position": 1, "status": "active", "startedAt": AT}
    path = write(task("T001", phase="one"), {**phase, "slug": "one"}, {**phase, "slug": "two"})
    result = tasks.import_jsonl(path)
    assert result.phases == 2
    rows = cleo_app.store("tasks").read("SELECT * FROM phases ORDER BY position")
    assert [(row["slug"], row["position"], row["status"]) for row in rows] == [
        ("one", 1, "active"),
        ("two", 2, "pending"),
    ]


# Files that are not what was written


@pytest.fixture
def whole(tasks: Any, cleo_cli: Cli, cleo_home: Path, cleo_project: Path) -> Path:
    furnish(tasks)
    return export(cleo_cli, cleo_home / "whole.jsonl", cwd=cleo_project)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda data: b"", "empty"),
        (lambda data: data[: len(data) // 2], "JSON"),
        (lambda data: b"".join(data.splitlines(True)[:-1]), "no end line"),
        (lambda data: b"".join(data.splitlines(True)[:1]), "no end line"),
        (lambda data: b"".join(data.splitlines(True)[1:]), "header"),
        (lambda data: data.replace(b"Piece", b"Peace"), "SHA-256"),
        (lambda data: data.replace(b"\n", b"\r\n"), "SHA-256"),
        (lambda data: data.replace(b"\n", b"\n\n", 1), "SHA-256"),
        (lambda data: data + data.splitlines(True)[1], "after the end"),
        (lambda data: data.replace(b'"version": 1', b'"version": 2', 1), "version"),
        (lambda data: data.replace(b"cleo.tasks", b"cleo.brain"), "header"),
        (lambda data: b'{"record": "task"}\n' + data, "header"),
        (lambda data: b"[]\n", "object"),
    ],
)
def test_a_file_that_is_not_what_was_written_is_refused(
    spoil: Callable[[bytes], bytes],
    words: str,
    whole: Path,
    cleo_cli: Cli,
    elsewhere: Any,
    frozen_bytes: Frozen,
) -> None:
    other = elsewhere("other")
    whole.write_bytes(spoil(whole.read_bytes()))
    with frozen_bytes(other):
        error = cleo_cli("import", "jsonl", str(whole), cwd=other).error
    assert (error["code"], error["exit"]) == ("E_VALIDATION", 6)
    assert words in error["message"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"id": "X1"}, "no id"),
        ({"id": "T1"}, "no id"),
        ({"id": "T000"}, "no id"),
        ({"id": "T99999999999999"}, "no id"),
        ({"title": None}, "no title"),
        ({"title": "two\nlines"}, "wrong type"),
        ({"title": "x" * 201}, "wrong type"),
        ({"title": " x"}, "wrong type"),
        ({"status": "frozen"}, "wrong type"),
        ({"status": None}, "wrong type"),
        ({"type": "saga"}, "wrong type"),
        ({"createdAt": "yesterday"}, "wrong type"),
        ({"version": 0}, "wrong type"),
        ({"version": 10**30}, "wrong type"),
        ({"position": "1"}, "wrong type"),
        ({"notes": ["text"]}, "wrong type"),
        ({"acceptance": [1]}, "wrong type"),
        ({"metadata": []}, "wrong type"),
        ({"metadata": [1]}, "wrong type"),
        ({"labels": ["Not A Label"]}, "wrong type"),
        ({"dependencies": ["T002"]}, "wrong type"),
        ({"relations": [{"relatedTo": "T002", "type": "hates"}]}, "wrong type"),
        ({"gateResults": [{"gate": "danced", "result": "pass", "round": 1}]}, "wrong type"),
        ({"gateResults": [{"gate": "qaPassed", "result": "fail", "round": 1}]}, "wrong type"),
        ({"links": [{"provider": "B D", "externalId": "1"}]}, "wrong type"),
        ({"description": 5}, "wrong type"),
        ({"assignee": ["a"]}, "wrong type"),
        ({"noAutoComplete": "yes"}, "wrong type"),
        ({"phase": "no slug"}, "wrong type"),
    ],
)
def test_a_task_that_is_no_task_is_skipped_and_named(
    fields: dict[str, Any], reason: str, write: Any, tasks: Any
) -> None:
    result = tasks.import_jsonl(write(task("T002"), task(**fields)))
    if fields == {"metadata": []}:
        assert result.imported == 2
        return
    assert (result.imported, result.reasons) == (1, {reason: 1})
    assert result.problems[0]["line"] == 3


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "done"},
        {"status": "cancelled"},
        {"status": "archived"},
        {"status": "pending", "pipelineStage": "contribution"},
        {"status": "done", "pipelineStage": "cancelled"},
        {"assignee": "ada"},
        {"claimedAt": AT},
        {"type": "subtask"},
        {"parentId": "T001"},
        {"phase": "not-there"},
        {"something": "new"},
    ],
)
def test_fields_that_do_not_fit_together_are_made_to(
    fields: dict[str, Any], write: Any, tasks: Any
) -> None:
    assert tasks.import_jsonl(write(task(**fields))).imported == 1


def test_wrong_options_are_refused(write: Any, tasks: Any, cleo_cli: Cli) -> None:
    path = write(task())
    assert cleo_cli("import", "jsonl", path, "--on-conflict", "explode").code == 2
    with pytest.raises(CleoError) as error:
        tasks.import_jsonl(path, on_missing="explode")
    assert error.value.exit == 2
