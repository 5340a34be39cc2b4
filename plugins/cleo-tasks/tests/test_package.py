"""Tasks on their way from one project to another."""

from __future__ import annotations

import copy
import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.output import to_json
from cleo_core.testing import Outcome

_graphs = runpy.run_path(str(Path(__file__).with_name("random_graphs.py")))
projects, write = _graphs["projects"], _graphs["write"]

Cli = Callable[..., Outcome]
FEW = settings(
    max_examples=18, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def other(cleo_cli: Cli, cleo_home: Path) -> Path:
    """The root of the project that tasks are taken to."""
    root = cleo_home / "other"
    root.mkdir()
    assert cleo_cli("init", "second", cwd=root).code == 0
    return root


@pytest.fixture
def there(cleo_app: App, other: Path) -> App:
    """That project."""
    return cleo_app.for_project(str(other))


@pytest.fixture
def here(cleo_app: App, cleo_once: Any) -> Any:
    """The tasks of a project with an epic of two tasks, one of which has subtasks."""
    cleo_once("here", lambda: _fill(cleo_app))
    return cleo_app.service("tasks")


def _fill(cleo_app: App) -> None:
    tasks = cleo_app.service("tasks")
    tasks.add("Epic", type="epic", labels=["x"], phase="alpha", add_phase=True)
    tasks.add("First", parent="T001", acceptance=["a | b"], notes=["seen"], files=["src/a.py"])
    tasks.add("Second", parent="T001", depends=["T002"], description="Long", priority="high")
    tasks.add("Part", parent="T003", labels=["y", "z"])
    tasks.add("Beside", metadata={"k": [1, {"deep": None}]})
    tasks.deps_add("T003", "T005")
    tasks.relate_add("T002", "T004", type="fixes", reason="see")
    tasks.relate_add("T002", "T005")
    tasks.verify("T002", gate="implemented", result="warn", reason="by eye")
    tasks.link_add("T002", "octo/app#7", "github", url="https://github.com/octo/app/issues/7")
    cleo_app.close()


def code(call: Callable[[], Any]) -> CleoError:
    with pytest.raises(CleoError) as caught:
        call()
    return caught.value


def of_tasks(package: Any) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in package.records if one["record"] == "task"}


def without(record: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in names}


# Out


def test_records_are_the_lines_of_an_export(here: Any, cleo_app: App, cleo_home: Path) -> None:
    package = here.export_records("T001")
    assert package.project_id == cleo_app.project.id
    file = cleo_home / "export.jsonl"
    here.export(output=str(file), within="T001", include_links=True)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    for rows in (lines, package.records):
        rows[0]["exportedAt"] = rows[-1]["sha256"] = ""
    assert package.records == lines
    assert list(of_tasks(package)) == ["T001", "T002", "T003", "T004"]


def test_a_single_task_leaves_what_is_below_it(here: Any) -> None:
    package = here.export_records(["t3", "T003"], scope="single")
    [record] = of_tasks(package).values()
    assert record["externalParent"] == "T001"
    assert [one["dependsOn"] for one in record["externalDepends"]] == ["T002", "T005"]
    both = of_tasks(here.export_records(["T003", "T002"], scope="single"))
    assert [one["dependsOn"] for one in both["T003"]["dependencies"]] == ["T002"]
    below = of_tasks(here.export_records(["T003", "T005"]))
    assert list(below) == ["T003", "T004", "T005"]
    assert list(of_tasks(here.export_records(["T001", "T003"]))) == ["T001", "T002", "T003", "T004"]


@pytest.mark.parametrize(
    ("ids", "scope", "exit_"),
    [
        ("T999", "subtree", 4),
        (["T001", "T999"], "single", 4),
        ([], "subtree", 2),
        ("nonsense", "subtree", 2),
        (7, "subtree", 2),
        ("T001", "all", 2),
        ("T001", None, 2),
        ("T001", ["subtree"], 2),
    ],
)
def test_what_cannot_be_exported(here: Any, ids: Any, scope: Any, exit_: int) -> None:
    assert code(lambda: here.export_records(ids, scope)).exit == exit_


def test_a_store_that_is_only_looked_at_gives_records(
    cleo_app: App, here: Any, there: App, other: Path
) -> None:
    there.service("tasks").add("Afar")
    there.close()
    with cleo_app.for_project(str(other), foreign=True) as looked:
        package = looked.service("tasks").export_records("T001")
    assert list(of_tasks(package)) == ["T001"]


# In


def test_everything_that_belongs_to_a_task_comes_along(
    cleo_app: App, here: Any, there: App
) -> None:
    tasks = there.service("tasks")
    tasks.add("Taken")
    package = here.export_records("T001")
    result = tasks.import_records(package.records)
    assert result.id_map == {"T001": "T005", "T002": "T002", "T003": "T003", "T004": "T004"}
    assert result.skipped == []
    before, after = of_tasks(package), of_tasks(tasks.export_records("T005"))
    renamed = ("id", "parentId", "position", "origin", "links", "dependencies", "relations")
    gone = ("externalDepends", "externalRelations")
    for old, new in result.id_map.items():
        assert without(after[new], *renamed) == without(before[old], *renamed, *gone)
        assert after[new]["origin"] == "transferred"
        assert after[new]["parentId"] == result.id_map.get(before[old]["parentId"])
    assert [one["dependsOn"] for one in after["T003"]["dependencies"]] == ["T002"]
    assert [without(one, "createdAt") for one in after["T002"]["relations"]] == [
        {"relatedTo": "T004", "type": "fixes", "reason": "see"}
    ]
    assert [to_json(one) for one in result.stripped] == [
        {
            "id": "T002",
            "task": "T002",
            "kind": "relation",
            "target": "T005",
            "type": "related",
            "reason": None,
        },
        {
            "id": "T003",
            "task": "T003",
            "kind": "dependency",
            "target": "T005",
            "type": None,
            "reason": None,
        },
    ]
    assert tasks.phase_list()[0][0].slug == "alpha"
    assert tasks.show("T003")[0].open_dependencies == ["T002"]
    links = {(one.task_id, one.provider_id): one for one in tasks.link_list(limit=100)[0]}
    inbound = links["T005", "nexus"]
    assert (inbound.external_id, inbound.link_type, inbound.sync_direction) == (
        f"{cleo_app.project.id}:T001",
        "transferred",
        "inbound",
    )
    assert links["T002", "github"].external_id == "octo/app#7"
    assert len(links) == 5


def test_one_audit_row_and_one_change_tell_of_each_new_task(
    cleo_app: App, here: Any, there: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(cleo_app.plugins, "has", lambda hook: hook == "cleo_change_committed")
    monkeypatch.setattr(
        cleo_app.plugins, "call", lambda hook, **named: told.append(named["change"]) or []
    )
    tasks = there.service("tasks")
    tasks.import_records(here.export_records("T001").records)
    [change] = [one for one in told if one.kind == "task"]
    assert (change.op, set(change.ids)) == ("create", {"T001", "T002", "T003", "T004"})
    assert change.after["T003"]["depends_on"] == ["T002"]
    assert change.after["T004"]["labels"] == ["y", "z"]
    rows = [row for row in tasks.log_list(limit=100)[0] if row["entityKind"] == "task"]
    assert [(row["action"], row["source"]) for row in rows] == [("task.import", "import")] * 4
    details = {row["entityId"]: row["details"] for row in rows}
    assert details["T001"] == {
        "provider": "nexus",
        "externalId": f"{cleo_app.project.id}:T001",
    }


def test_a_repeat_with_the_same_key_gives_the_first_answer(here: Any, there: App) -> None:
    tasks = there.service("tasks")
    package = here.export_records("T001")
    first = tasks.import_records(package.records, idempotency_key="xfr-1")
    # As it comes back out of a journal.
    stored = json.loads(json.dumps(package.records, sort_keys=True))
    again = tasks.import_records(stored, idempotency_key="xfr-1")
    assert to_json(again) == to_json(first)
    assert again.stripped == first.stripped
    assert there.replayed
    assert tasks.summary().tasks == 4
    error = code(lambda: tasks.import_records(stored, on_conflict="skip", idempotency_key="xfr-1"))
    assert error.code == "E_IDEMPOTENCY_MISMATCH"
    second = tasks.import_records(package.records, idempotency_key="xfr-2")
    assert second.id_map == {"T001": "T005", "T002": "T006", "T003": "T007", "T004": "T008"}


def test_what_a_taken_id_leads_to(here: Any, there: App) -> None:
    tasks = there.service("tasks")
    tasks.add("One")
    tasks.add("Two")
    tasks.delete("T002")
    tasks.delete("T002", purge=True)
    records = here.export_records("T001").records
    error = code(lambda: tasks.import_records(records, on_conflict="fail"))
    assert (error.code, error.exit, error.details["ids"]) == (
        "E_ID_COLLISION",
        22,
        ["T001", "T002"],
    )
    assert tasks.summary().tasks == 1
    result = tasks.import_records(records, on_conflict="skip")
    assert result.id_map == {"T003": "T003", "T004": "T004"}
    assert [to_json(one) for one in result.skipped] == [
        {"id": "T001", "reason": "id taken", "task": "T001"},
        {"id": "T002", "reason": "id taken", "task": None},
    ]
    assert [(one.id, one.kind, one.target) for one in result.stripped] == [
        ("T003", "parent", "T001"),
        ("T003", "dependency", "T002"),
        ("T003", "dependency", "T005"),
    ]
    assert tasks.add("Next").task.id == "T005"
    # Whose parent was left out is told, wherever it stands now.
    again = here.export_records(["T003", "T004"], "single").records
    tasks.add("Last")
    again[2]["id"] = "T009"
    result = tasks.import_records(again, on_conflict="skip", parent="T005")
    assert [(one.id, one.kind, one.target) for one in result.stripped] == [
        ("T009", "parent", "T003")
    ]
    assert _standing(tasks, "T009")[:2] == ("subtask", "T005")


def test_a_link_of_another_type_names_one_task_only(here: Any, there: App) -> None:
    tasks = there.service("tasks")
    records = here.export_records("T003").records
    first = tasks.import_records(records, link_type="created")
    assert tasks.show("T003")[0].origin == "imported"
    again = tasks.import_records(records, link_type="created")
    assert again.id_map == {}
    assert [(one.id, one.reason, one.task) for one in again.skipped] == [
        ("T003", "linked here", first.id_map["T003"]),
        ("T004", "linked here", first.id_map["T004"]),
    ]
    error = code(lambda: tasks.import_records(records, "created", on_conflict="fail"))
    assert error.exit == 22


def test_edges_that_lose_an_end_may_refuse_it_all(here: Any, there: App) -> None:
    tasks = there.service("tasks")
    error = code(
        lambda: tasks.import_records(here.export_records("T003").records, on_missing="fail")
    )
    assert error.exit == 6
    assert error.details["edges"] == [
        {"id": "T003", "kind": "parent", "target": "T001"},
        {"id": "T003", "kind": "dependency", "target": "T002"},
        {"id": "T003", "kind": "dependency", "target": "T005"},
    ]
    assert tasks.summary().tasks == 0
    # Who names another parent misses none.
    tasks.add("Epic", type="epic")
    records = here.export_records("T005").records
    assert tasks.import_records(records, on_missing="fail", parent="T001").stripped == []


# Where it stands


def test_a_parent_takes_what_stands_at_the_top_and_types_follow(here: Any, there: App) -> None:
    tasks = there.service("tasks")
    tasks.add("Epic", type="epic")
    tasks.add("Task", parent="T001")
    tasks.add("Elder", parent="T002")
    under_epic = tasks.import_records(here.export_records("T004").records, parent="t1")
    assert under_epic.stripped == []
    assert _standing(tasks, under_epic.id_map["T004"]) == ("task", "T001", 2)
    under_task = tasks.import_records(
        here.export_records(["T005", "T002"], "single").records, parent="T002"
    )
    assert _standing(tasks, under_task.id_map["T002"]) == ("subtask", "T002", 2)
    assert _standing(tasks, under_task.id_map["T005"]) == ("subtask", "T002", 3)
    at_the_root = tasks.import_records(here.export_records("T004").records)
    assert _standing(tasks, at_the_root.id_map["T004"])[:2] == ("task", None)


def _standing(tasks: Any, id_: str) -> tuple[str, str | None, int]:
    task = tasks.show(id_)[0]
    return task.type, task.parent_id, task.position


@pytest.mark.parametrize(
    ("moved", "parent", "name", "exit_"),
    [
        ("T001", "T999", "E_PARENT_NOT_FOUND", 10),
        ("T001", "T001", "E_DEPTH", 11),
        ("T003", "T002", "E_DEPTH", 11),
        ("T005", "T003", "E_PARENT_TYPE", 13),
        ("T001", "T002", "E_DEPTH", 11),
        ("T005", "T004", "E_PARENT_CLOSED", 6),
        ("T005", "nonsense", "E_USAGE", 2),
    ],
)
def test_where_tasks_cannot_stand(
    here: Any, there: App, moved: str, parent: str, name: str, exit_: int
) -> None:
    tasks = there.service("tasks")
    tasks.add("Epic", type="epic")
    tasks.add("Task", parent="T001")
    tasks.add("Subtask", parent="T002")
    tasks.add("Closed")
    tasks.complete("T004")
    records = here.export_records(moved).records
    error = code(lambda: tasks.import_records(records, parent=parent))
    assert (error.code, error.exit) == (name, exit_)
    assert len(tasks.list(status=["pending"])[0]) == 3


def test_a_hierarchy_that_is_too_deep_here_is_refused(
    cleo_cli: Cli, here: Any, there: App, other: Path
) -> None:
    assert cleo_cli("config", "set", "tasks.hierarchy.max_depth", "2", cwd=other).code == 0
    records = here.export_records("T001").records
    assert code(lambda: there.service("tasks").import_records(records)).code == "E_DEPTH"


@pytest.mark.parametrize("parent", ["T001", None])
def test_as_many_siblings_come_as_are_allowed(
    cleo_cli: Cli, here: Any, there: App, other: Path, parent: str | None
) -> None:
    tasks = there.service("tasks")
    tasks.add("Epic", type="epic")
    tasks.add("Elder", parent="T001")
    settings_ = ("config", "set", "tasks.hierarchy.max_siblings")
    moved = ["T002", "T003"] if parent else ["T001"]
    records = here.export_records(moved).records
    least = 3 if parent else 2
    assert cleo_cli(*settings_, str(least - 1), cwd=other).code == 0
    with there.for_project(str(other)) as fresh:
        error = code(lambda: fresh.service("tasks").import_records(records, parent=parent))
    assert (error.code, error.exit) == ("E_SIBLING_LIMIT", 12)
    assert cleo_cli(*settings_, str(least), cwd=other).code == 0
    with there.for_project(str(other)) as fresh:
        assert fresh.service("tasks").import_records(records, parent=parent).id_map


# What is no package


def test_a_dry_run_changes_no_byte_and_gives_no_numbers_away(
    here: Any, there: App, other: Path, frozen_bytes: Any
) -> None:
    tasks = there.service("tasks")
    tasks.add("One")
    there.close()
    records = here.export_records("T001").records
    with frozen_bytes(other):
        with there.dry_running():
            result = tasks.import_records(records, idempotency_key="k")
        there.close()
    assert result.id_map == {"T001": "T???", "T002": "T002", "T003": "T003", "T004": "T004"}
    assert tasks.import_records(records, idempotency_key="k").id_map["T001"] == "T005"


def _at(records: list[dict[str, Any]], place: int, **changed: Any) -> list[Any]:
    altered = copy.deepcopy(records)
    altered[place].update(changed)
    return altered


BROKEN: dict[str, Callable[[list[dict[str, Any]]], Any]] = {
    "nothing": lambda _: [],
    "no list": lambda _: {"records": []},
    "a text": lambda _: "records",
    "no header": lambda rows: rows[1:],
    "no end": lambda rows: rows[:-1],
    "something after the end": lambda rows: [*rows, rows[1]],
    "another count": lambda rows: [*rows[:2], *rows[3:]],
    "a number": lambda rows: [*rows[:1], 7, *rows[2:]],
    "another kind": lambda rows: _at(rows, 1, record="unheard of"),
    "another format": lambda rows: _at(rows, 0, format="x"),
    "another version": lambda rows: _at(rows, 0, version=10**5000),
    "no project": lambda rows: _at(rows, 0, projectId=None),
    "a project that is two": lambda rows: _at(rows, 0, projectId="a:b"),
    "half a surrogate pair": lambda rows: _at(rows, 0, projectId="\ud800"),
    "no id": lambda rows: _at(rows, 1, id="x"),
    "an id twice": lambda rows: _at(rows, 1, id="T002"),
    "no title": lambda rows: _at(rows, 1, title="  "),
    "a NUL": lambda rows: _at(rows, 1, title="a\0b"),
    "a surrogate": lambda rows: _at(rows, 1, description="\udfff"),
    "a huge number": lambda rows: _at(rows, 1, metadata={"n": 10**5000}),
    "no number": lambda rows: _at(rows, 1, metadata={"n": float("nan")}),
    "no JSON": lambda rows: _at(rows, 1, metadata={"n": {1, 2}}),
    "keys of several types": lambda rows: _at(rows, 1, metadata={1: 2, "a": 3}),
    "too deep": lambda rows: _at(rows, 1, metadata=json.loads('{"a":' * 900 + "1" + "}" * 900)),
    "an unknown word": lambda rows: _at(rows, 1, status="begun"),
    "a list that is none": lambda rows: _at(rows, 1, labels="x"),
    "no label": lambda rows: _at(rows, 1, labels=["X Y"]),
    "no time": lambda rows: _at(rows, 1, createdAt="yesterday"),
    "an open task under a closed one": lambda rows: _at(rows, 1, status="done"),
    "a relation to itself": lambda rows: _at(
        rows, 1, relations=[{"relatedTo": "T001", "type": "related"}]
    ),
    "two parents": lambda rows: _at(rows, 2, externalParent="T003"),
    "a phase without a name": lambda rows: _at(rows, 5, name=None),
}


@pytest.mark.parametrize("what", BROKEN)
def test_records_that_are_none_are_refused_and_nothing_is_made(
    here: Any, there: App, what: str
) -> None:
    tasks = there.service("tasks")
    tasks.add("One")
    records = BROKEN[what](here.export_records("T001").records)
    for key in (None, "k"):
        error = code(lambda key=key: tasks.import_records(records, idempotency_key=key))
        assert error.exit == 6, error
        assert len(error.message) < 400
    assert tasks.summary().tasks == 1
    assert tasks.phase_list()[0] == []


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"parentId": "T004"}, None),
        ({"parentId": "T001"}, ["T001", "T001"]),
        ({"dependencies": [{"dependsOn": "T001"}]}, ["T001", "T001"]),
    ],
)
def test_records_that_wait_for_each_other_are_refused(
    here: Any, there: App, changed: dict[str, Any], path: list[str] | None
) -> None:
    records = _at(here.export_records("T001").records, 1, **changed)
    error = code(lambda: there.service("tasks").import_records(records))
    assert (error.code, error.exit) == ("E_CYCLE", 14)
    found = error.details["path"]
    assert found[0] == found[-1]
    assert path is None or found == path


@pytest.mark.parametrize(
    "named",
    [
        {"link_type": "friend"},
        {"link_type": None},
        {"on_conflict": "ask"},
        {"on_conflict": ["skip"]},
        {"on_missing": "keep"},
        {"parent": 7},
        {"idempotency_key": "a\nb"},
        {"idempotency_key": 7},
    ],
)
def test_words_that_are_unknown_are_refused(here: Any, there: App, named: dict[str, Any]) -> None:
    records = here.export_records("T001").records
    assert code(lambda: there.service("tasks").import_records(records, **named)).exit == 2


# There and back


@FEW
@given(draft=projects(most=10), texts=st.lists(st.text(max_size=8), max_size=3))
def test_what_comes_back_is_what_went(
    cleo_app: App, cleo_project: Path, other: Path, draft: dict[str, Any], texts: list[str]
) -> None:
    said = [text for text in texts if text.strip() and "\0" not in text]
    write(cleo_project, draft)
    write(other, {"tasks": [], "edges": [], "active": None})
    here = cleo_app.service("tasks")
    if not draft["tasks"]:
        return
    opened = [one["id"] for one in draft["tasks"] if one["status"] != "archived"]
    for id_ in opened[:1]:
        here.update(id_, acceptance=said, notes=said, files=said)
    with cleo_app.for_project(str(other)) as there:
        _forget(there)
        tasks = there.service("tasks")
        first = here.export_records([one["id"] for one in draft["tasks"]])
        if any(_open_below_closed(one, of_tasks(first)) for one in of_tasks(first).values()):
            assert code(lambda: tasks.import_records(first.records)).code == "E_PARENT_CLOSED"
            return
        result = tasks.import_records(first.records)
        assert result.id_map == {one["id"]: one["id"] for one in draft["tasks"]}
        assert (result.skipped, result.stripped) == ([], [])
        second = tasks.export_records(list(result.id_map.values()))
        assert [_kept(one) for one in second.records[1:-1]] == [
            _kept(one) for one in first.records[1:-1]
        ]
        assert tasks.deps_cycles().cycles == []
        assert {one.id: one.open_dependencies for one in tasks.show(*result.id_map)} == {
            one.id: one.open_dependencies for one in here.show(*result.id_map)
        }
        again = tasks.import_records(first.records, on_conflict="skip")
        assert again.id_map == {}
        assert len(again.skipped) == len(draft["tasks"])


def _open_below_closed(record: dict[str, Any], records: dict[str, dict[str, Any]]) -> bool:
    above = records.get(record["parentId"])
    closed = ("done", "cancelled", "archived")
    return above is not None and above["status"] in closed and record["status"] not in closed


def _kept(record: dict[str, Any]) -> dict[str, Any]:
    """What a record says wherever it is; what stands at the top gets another place."""
    at_the_top = record.get("parentId") is None
    return without(record, "origin", "links", *(("position",) if at_the_top else ()))


def _forget(app: App) -> None:
    """Let an emptied project be as a new one."""

    def body(unit: Any) -> None:
        unit.execute("DELETE FROM schema_meta WHERE key = 'task_sequence'")
        unit.execute("DELETE FROM external_task_links")
        unit.execute("DELETE FROM phases")

    app.write("tasks", body)


# Put away where it was


def test_tasks_of_any_status_are_put_away_with_their_children(here: Any) -> None:
    here.update("T003", status="blocked")
    here.complete("T002")
    moved = {f"T00{number}": f"other-project:T01{number}" for number in range(1, 5)}
    result = here.archive_transferred(moved, "Transferred to other:T011")
    assert (result.archived, result.already) == (["T001", "T002", "T003", "T004"], [])
    for task, former in zip(
        here.show(*moved), ("pending", "done", "blocked", "pending"), strict=True
    ):
        assert (task.status, task.archive_reason, task.archived_from) == (
            "archived",
            "transferred",
            former,
        )
        assert task.notes[-1]["text"] == "Transferred to other:T011"
    row = here.log_list(task="T003")[0][0]
    assert (row["action"], row["reason"]) == ("task.transfer", "Transferred to other:T011")
    assert row["details"] == {"transferredTo": "other-project:T013"}
    again = here.archive_transferred(moved, "Transferred again")
    assert (again.archived, again.already) == ([], list(moved))
    assert len(here.show("T001")[0].notes) == 1


def test_each_task_may_have_a_reason_of_its_own(here: Any) -> None:
    here.archive_transferred(
        {"t5": "p:T001", "T004": "p:T002"}, {"T005": "to p:T001", "T004": "to p:T002"}
    )
    assert [task.notes[-1]["text"] for task in here.show("T005", "T004")] == [
        "to p:T001",
        "to p:T002",
    ]


def test_a_task_whose_open_children_stay_is_not_put_away(here: Any) -> None:
    error = code(lambda: here.archive_transferred({"T003": "p:T001"}, "gone"))
    assert (error.code, error.exit, error.details["children"]) == ("E_HAS_CHILDREN", 16, ["T004"])
    assert here.show("T003")[0].status == "pending"
    here.complete("T004")
    assert here.archive_transferred({"T003": "p:T001"}, "gone").archived == ["T003"]


@pytest.mark.parametrize(
    ("moved", "reason", "exit_"),
    [
        ({}, "x", 2),
        (None, "x", 2),
        (["T001"], "x", 2),
        ({"nonsense": "p:T001"}, "x", 2),
        ({"T999": "p:T001"}, "x", 4),
        ({"T005": "T001"}, "x", 6),
        ({"T005": "p:q:T001"}, "x", 6),
        ({"T005": None}, "x", 6),
        ({"T005": "p\0:T001"}, "x", 6),
        ({"T005": "p:T001"}, "", 6),
        ({"T005": "p:T001"}, None, 6),
        ({"T005": "p:T001"}, "x" * 501, 6),
        ({"T005": "p:T001"}, {"T004": "x"}, 6),
        ({"T005": "p:T001"}, {"T005": "\ud800"}, 6),
    ],
)
def test_what_cannot_be_put_away(here: Any, moved: Any, reason: Any, exit_: int) -> None:
    assert code(lambda: here.archive_transferred(moved, reason)).exit == exit_
    assert here.show("T005")[0].status == "pending"
