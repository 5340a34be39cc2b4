"""``import cleo``: the TypeScript CLEO's task lists, in each of their forms."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core.app import App
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]
Frozen = Callable[..., AbstractContextManager[Any]]

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "cleo-ts" / "active-tasks.json"

AT = "2026-01-01T00:00:00Z"
STORED = "2026-01-01T00:00:00.000Z"


def row(id_: str = "T110", **fields: Any) -> dict[str, Any]:
    """One task of a list."""
    return {
        "id": id_,
        "title": f"Task {id_}",
        "description": "",
        "status": "pending",
        "priority": "medium",
        "createdAt": AT,
        "updatedAt": None,
        **fields,
    }


def envelope(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "success": True,
        "data": {"tasks": list(rows), "total": len(rows), "filtered": len(rows)},
        "meta": {"operation": "tasks.list", "timestamp": AT},
        **more,
    }


@pytest.fixture
def write(cleo_home: Path) -> Callable[..., str]:
    def make(document: Any, name: str = "list.json") -> str:
        path = cleo_home / name
        path.write_text(json.dumps(document))
        return str(path)

    return make


@pytest.fixture
def tasks(cleo_app: App) -> Any:
    return cleo_app.service("tasks")


def kept(task: Any) -> dict[str, Any]:
    found: dict[str, Any] = task.metadata.get("import", {}).get("cleo", {})
    return found


# fields of one task -> columns of the task here
MAPPED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"title": "Say it"}, {"title": "Say it", "description": None, "origin": "imported"}),
    ({"title": "Say it", "description": "SAY IT"}, {"description": None}),
    ({"description": "What."}, {"description": "What."}),
    ({"notes": ["One.", " "]}, {"notes": [{"at": STORED, "by": None, "text": "One."}]}),
    (
        {"notes": [{"text": "Two.", "by": "x"}], "updatedAt": "2026-02-02T02:02:02.2Z"},
        {"notes": [{"at": "2026-02-02T02:02:02.200Z", "by": None, "text": "Two."}]},
    ),
    ({"acceptance": ["a | b", "c\nd"]}, {"acceptance": ["a | b", "c\nd"]}),
    ({"acceptance": [{"text": "a", "met": True}]}, {"acceptance": ["a"]}),
    ({"files": ["a.py", {"path": "b.py"}]}, {"files": ["a.py", "b.py"]}),
    ({"labels": ["ok", "Wave 2"]}, {"labels": ["ok", "wave-2"]}),
    ({"status": "pending"}, {"status": "pending", "pipeline_stage": "implementation"}),
    ({"status": "active"}, {"status": "active"}),
    ({"status": "blocked", "blockedBy": "rain"}, {"status": "blocked", "blocked_reason": "rain"}),
    (
        {"status": "done", "completedAt": AT},
        {"status": "done", "completed_at": STORED, "pipeline_stage": "contribution"},
    ),
    (
        {"status": "cancelled", "cancelledAt": AT, "cancellationReason": "no time"},
        {
            "status": "cancelled",
            "cancelled_at": STORED,
            "cancellation_reason": "no time",
            "pipeline_stage": "cancelled",
        },
    ),
    ({"status": "proposed"}, {"status": "proposed"}),
    (
        {"status": "archived", "completedAt": AT},
        {
            "status": "archived",
            "archived_from": "done",
            "archive_reason": "completed",
            "completed_at": STORED,
        },
    ),
    (
        {"status": "archived", "cancelledAt": AT, "archivedAt": "2026-03-03T03:03:03Z"},
        {
            "status": "archived",
            "archived_from": "cancelled",
            "archive_reason": "cancelled",
            "archived_at": "2026-03-03T03:03:03.000Z",
        },
    ),
    (
        {"status": "archived", "archiveReason": "superseded"},
        {"status": "archived", "archived_from": "pending", "archive_reason": "superseded"},
    ),
    ({"status": "frozen"}, {"status": "pending"}),
    *(({"priority": word}, {"priority": word}) for word in ("critical", "high", "low")),
    ({"priority": "urgent"}, {"priority": "medium"}),
    *(({"size": word}, {"size": word}) for word in ("small", "medium", "large")),
    *(({"scope": word}, {"scope": word}) for word in ("project", "feature", "unit")),
    ({"severity": "P1"}, {"severity": "P1"}),
    *(({"kind": word}, {"role": word}) for word in ("work", "research", "bug", "spike")),
    ({"type": "epic"}, {"type": "epic", "scope": "project", "pipeline_stage": "research"}),
    ({"type": "task"}, {"type": "task"}),
    ({"type": "subtask"}, {"type": "task"}),
    ({"phase": "core"}, {"phase": "core"}),
    ({"phase": "Phase 2!"}, {"phase": "phase-2"}),
    ({"phase": "2nd"}, {"phase": "p-2nd"}),
    ({"pipelineStage": "testing"}, {"pipeline_stage": "testing"}),
    ({"pipelineStage": "contribution"}, {"pipeline_stage": "implementation"}),
    ({"pipelineStage": "cancelled"}, {"pipeline_stage": "implementation"}),
    (
        {"pipelineStage": "testing", "status": "done", "completedAt": AT},
        {"pipeline_stage": "contribution"},
    ),
    ({"verification": {"round": 2, "gates": {}}}, {"verification_round": 2}),
    ({"createdAt": "2026-01-01T02:00:00+02:00"}, {"created_at": STORED}),
    ({"noAutoComplete": True}, {"no_auto_complete": True}),
    ({"assignee": "ada", "createdBy": "bob"}, {"assignee": "ada", "created_by": "bob"}),
]

KEPT: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"origin": "ai", "positionVersion": 0}, {"origin": "ai", "positionVersion": 0}),
    ({"epicLifecycle": "done", "sessionId": "s"}, {"epicLifecycle": "done", "sessionId": "s"}),
    ({"provenance": {"by": "x"}}, {"provenance": {"by": "x"}}),
    ({"epicLifecycle": None}, {}),
    ({"something new": [1]}, {"something new": [1]}),
    ({"completedAt": AT}, {"completedAt": AT}),
    ({"cancelledAt": AT}, {"cancelledAt": AT}),
    ({"pipelineStage": "contribution"}, {"pipelineStage": "contribution"}),
    ({"pipelineStage": "party"}, {"pipelineStage": "party"}),
    ({"priority": "urgent"}, {"priority": "urgent"}),
    ({"status": "frozen"}, {"status": "frozen"}),
    ({"labels": ["Wave 2"]}, {"labels": ["Wave 2"]}),
    ({"notes": [{"text": "Two.", "by": "x"}]}, {"notes": [{"by": "x"}]}),
    ({"acceptance": [{"text": "a", "met": True}]}, {"acceptance": [{"met": True}]}),
    ({"phase": "Phase 2!"}, {"phase": "Phase 2!"}),
    ({"blockedBy": ["T1"]}, {"blockedBy": ["T1"]}),
    ({"depends": ["T9"]}, {"depends": ["T9"]}),
    ({"parentId": "T9"}, {"parentId": "T9"}),
    (
        {"relates": [{"taskId": "T9", "type": "related", "reason": "r"}]},
        {"relates": [{"taskId": "T9", "type": "related", "reason": "r"}]},
    ),
    (
        {"verification": {"round": 1, "gates": {"qaPassed": True}, "evidence": ["x"]}},
        {"verification": {"round": 1, "gates": {"qaPassed": True}, "evidence": ["x"]}},
    ),
]


@pytest.mark.guarantee("tasks-29", "Every value of the TypeScript CLEO's task has its place.")
@pytest.mark.parametrize(("fields", "columns"), MAPPED, ids=lambda value: json.dumps(value)[:50])
def test_each_field_has_its_place(
    fields: dict[str, Any], columns: dict[str, Any], write: Any, tasks: Any
) -> None:
    result = tasks.import_cleo(write(envelope(row(**fields))))
    assert (result.read, result.imported) == (1, 1)
    task = tasks.show("T001")[0]
    assert {name: getattr(task, name) for name in columns} == columns


@pytest.mark.guarantee("tasks-29", "What no column has of such a task is found in its metadata.")
@pytest.mark.parametrize(("fields", "rest"), KEPT, ids=lambda value: json.dumps(value)[:50])
def test_the_rest_is_kept(
    fields: dict[str, Any], rest: dict[str, Any], write: Any, tasks: Any
) -> None:
    tasks.import_cleo(write(envelope(row(**fields))))
    assert kept(tasks.show("T001")[0]) == rest


def test_parents_dependencies_and_relations(write: Any, tasks: Any) -> None:
    document = envelope(
        row("T1", type="epic", position=2),
        row("T2", parentId="T1", position=5, depends=["T3"]),
        row("T3", parentId="T1", position=1),
        row(
            "T4",
            relates=[
                {"taskId": "T2", "type": "duplicate-of", "reason": "same"},
                {"taskId": "T3", "type": "mentions"},
                "T1",
            ],
        ),
        row("T5", position=1, parentId="T77", depends=["T78"]),
    )
    result = tasks.import_cleo(write(document))
    assert result.edges == {
        "dependencies": 1,
        "relations": 3,
        "parents": 2,
        "skipped": {"missing_parent": 1, "missing_target": 1},
    }
    found = {one.title: one for one in tasks.show(*(f"T{number:03d}" for number in range(1, 6)))}
    order = sorted((one.position, title) for title, one in found.items() if one.parent_id)
    assert [title for _, title in order] == ["Task T3", "Task T2"]
    relations = {
        (one.relation_type, one.reason) for one in tasks.relate_list(found["Task T4"].id)[0]
    }
    assert relations == {("duplicates", "same"), ("related", "mentions"), ("related", None)}
    assert kept(found["Task T5"]) == {"parentId": "T77", "depends": ["T78"]}


@pytest.mark.parametrize(
    ("above", "asked", "given", "retyped"),
    [
        (None, "epic", "epic", 0),
        (None, "task", "task", 0),
        (None, "subtask", "task", 1),
        (None, None, "task", 0),
        ("epic", "epic", "epic", 0),
        ("epic", "task", "task", 0),
        ("epic", "subtask", "task", 1),
        ("epic", None, "task", 0),
        ("task", "epic", "subtask", 1),
        ("task", "task", "subtask", 1),
        ("task", "subtask", "subtask", 0),
        ("task", None, "subtask", 0),
    ],
)
def test_a_type_that_its_parent_does_not_allow_follows_the_depth(
    above: str | None, asked: str | None, given: str, retyped: int, write: Any, tasks: Any
) -> None:
    rows = [row("T1", type=above)] if above else []
    rows.append(row("T2", type=asked, **({"parentId": "T1"} if above else {})))
    result = tasks.import_cleo(write(envelope(*rows)))
    assert result.adjusted.get("retyped", 0) == retyped
    assert tasks.show(f"T{len(rows):03d}")[0].type == given


def test_what_lies_deeper_than_a_subtask_hangs_higher_up(write: Any, tasks: Any) -> None:
    rows = [
        row("T1", type="epic"),
        row("T2", type="task", parentId="T1"),
        row("T3", type="subtask", parentId="T2"),
        row("T4", type="subtask", parentId="T3"),
    ]
    result = tasks.import_cleo(write(envelope(*rows)))
    assert result.adjusted == {"flattened": 1}
    assert tasks.show("T004")[0].parent_id == "T002"


def test_gates_that_were_true_become_warnings(write: Any, tasks: Any) -> None:
    gates = {"implemented": True, "testsPassed": False, "documented": True, "danced": True}
    result = tasks.import_cleo(write(envelope(row(verification={"round": 2, "gates": gates}))))
    assert result.gates == 2
    found = tasks.show("T001", gates=True)[0].gates
    assert {gate: (one.result, one.reason, one.round) for gate, one in found.items()} == {
        "implemented": ("warn", "imported, not checked here", 2),
        "documented": ("warn", "imported, not checked here", 2),
    }


def test_phases_are_made_once_and_audited(write: Any, cleo_cli: Cli, cleo_project: Path) -> None:
    rows = [row("T1", phase="Core Work"), row("T2", phase="core-work"), row("T3", phase="later")]
    data = cleo_cli("import", "cleo", write(envelope(*rows))).data
    assert data["phases"] == 2
    log = cleo_cli("log", "list", "--action", "phase.add").data
    assert sorted((one["entityId"], one["after"]["name"]) for one in log) == [
        ("core-work", "Core Work"),
        ("later", "later"),
    ]
    again = cleo_cli("import", "cleo", write(envelope(*rows))).data
    assert (again["phases"], again["reasons"]) == (0, {"unchanged": 3})


def test_a_closed_parent_of_open_work_is_opened(write: Any, tasks: Any) -> None:
    document = envelope(
        row("T1", type="epic", status="done", completedAt=AT, pipelineStage="contribution"),
        row("T2", parentId="T1"),
    )
    assert tasks.import_cleo(write(document)).adjusted == {"parent_reopened": 1}
    epic = tasks.show("T001")[0]
    assert (epic.status, epic.completed_at, epic.pipeline_stage) == ("pending", None, "research")
    assert kept(epic) == {"status": "done", "completedAt": AT}


@pytest.mark.guarantee("tasks-09", "An import leaves out each edge that would close a loop.")
def test_a_child_that_waits_for_its_ancestor_loses_that_edge(write: Any, tasks: Any) -> None:
    document = envelope(
        row("T1", type="epic"),
        row("T2", type="task", parentId="T1", depends=["T4"]),
        row("T3", type="subtask", parentId="T2", depends=["T1"]),
        row("T4", depends=["T1"]),
    )
    result = tasks.import_cleo(write(document))
    assert result.edges["skipped"] == {"cycle": 2}
    assert tasks.deps_cycles().cycles == []
    assert kept(tasks.show("T004")[0]) == {"depends": ["T1"]}


# Forms of the file


@pytest.mark.parametrize(
    "document",
    [
        envelope(row()),
        {"meta": {}, "data": {"total": 1, "tasks": [row()]}, "success": True},
        {"success": True, "data": [row()]},
        {"success": True, "result": {"tasks": [row()]}},
        {"version": "2.0", "tasks": [row()], "lastUpdated": AT},
        [row()],
    ],
)
def test_the_list_is_found_in_the_envelope_or_alone(document: Any, write: Any, tasks: Any) -> None:
    assert tasks.import_cleo(write(document)).imported == 1


@pytest.mark.parametrize(
    ("document", "name", "scope"),
    [
        ([row()], "my.tasks.json", "my.tasks"),
        (envelope(row(), projectId="p-1"), "list.json", "p-1"),
        ({"projectId": "p-2", "tasks": [row()]}, "list.json", "p-2"),
        ({"tasks": [row()], "_meta": {"projectId": "p-3"}}, "list.json", "p-3"),
    ],
)
def test_ids_are_unique_within_the_files_project(
    document: Any, name: str, scope: str, write: Any, tasks: Any, cleo_home: Path
) -> None:
    report = cleo_home / "report"
    tasks.import_cleo(write(document, name), report=str(report))
    assert json.loads(report.read_text())["id"] == f"{scope}:T110"
    # The same number in another project is another task.
    assert tasks.import_cleo(write([row()], "elsewhere.json")).imported == 1


def test_edges_lead_to_earlier_imports_of_the_same_scope_only(write: Any, tasks: Any) -> None:
    tasks.import_cleo(write([row("T1", type="epic"), row("T2")], "one.json"))
    later = [row("T3", parentId="T1", depends=["T2"])]
    assert tasks.import_cleo(write(later, "two.json")).edges["skipped"] == {
        "missing_parent": 1,
        "missing_target": 1,
    }
    result = tasks.import_cleo(write(later, "one.json"))
    assert (result.edges["parents"], result.edges["dependencies"]) == (1, 1)


@pytest.mark.parametrize(
    "content",
    [
        "",
        " ",
        "{}",
        "[",
        "nothing",
        '{"success": false, "error": {"code": "E_NOT_FOUND"}}',
        '{"tasks": {}}',
        '{"tasks": [{}}',
        '{"tasks": [{"id": "T1", "title": "t"}, ]}',
        '{"tasks": [{"id": "T1", "title": "t"} {"id": "T2"}]}',
        '{"tasks": [{"id": "T1", "title": "t"}]',
        '{"tasks": [{"id": "T1", "title": "t"}]} {}',
        '{"tasks" [1]}',
        '{"tasks": [{"id": "T1", "title": NaN}]}',
        '{"tasks": [1, 2]}',
        "[" * 100_000,
        '{"tasks": [{"id": "T1", "title": "t"',
        '{"tasks": [{"id": "T1", "title": "unended',
    ],
)
def test_a_file_of_another_kind_is_refused_whole(
    content: str, cleo_cli: Cli, cleo_project: Path, cleo_home: Path, frozen_bytes: Frozen
) -> None:
    path = cleo_home / "other.json"
    path.write_text(content)
    with frozen_bytes(cleo_project):
        error = cleo_cli("import", "cleo", str(path)).error
    assert (error["code"], error["exit"]) == ("E_VALIDATION", 6)


def test_an_empty_list_is_a_list(write: Any, tasks: Any) -> None:
    assert tasks.import_cleo(write(envelope())).read == 0
    assert tasks.import_cleo(write([])).read == 0


def test_a_broken_entry_is_named_by_its_line(cleo_home: Path, tasks: Any) -> None:
    path = cleo_home / "list.json"
    rows = [row("T1"), {"id": "T2"}, 5, row("T3", depends="T1"), row("T1"), row("T4")]
    path.write_text(json.dumps(envelope(*rows), indent=1))
    result = tasks.import_cleo(str(path))
    assert (result.read, result.imported, result.skipped) == (6, 2, 4)
    assert result.reasons == {
        "duplicate id": 1,
        "no title": 1,
        "not an object": 1,
        "wrong type": 1,
    }
    lines = path.read_text().splitlines()
    for problem in result.problems:
        near = "".join(lines[problem["line"] - 1 : problem["line"] + 2])
        assert problem["id"] is None or problem["id"] in near if "id" in problem else True


def test_an_entry_too_long_to_hold_is_passed_over(cleo_home: Path, tasks: Any) -> None:
    path = cleo_home / "list.json"
    long = row("T2", description='x"\\]}{' * 1_500_000)
    path.write_text(json.dumps(envelope(row("T1"), long, row("T3"))))
    result = tasks.import_cleo(str(path))
    assert (result.imported, result.reasons) == (2, {"too long": 1})


def test_a_page_of_a_longer_list_says_so(write: Any, cleo_cli: Cli, cleo_project: Path) -> None:
    document = envelope(row(), page={"limit": 1, "hasMore": True, "total": 2})
    outcome = cleo_cli("import", "cleo", write(document))
    assert [one["code"] for one in outcome.warnings] == ["W_IMPORT_PARTIAL"]


@given(size=st.integers(1, 60), indent=st.sampled_from([None, 1]), chunk=st.integers(1, 300))
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_document_is_read_alike_in_whatever_pieces_it_comes(
    size: int, indent: int | None, chunk: int, cleo_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleo_tasks.importers import source
    from cleo_tasks.importers.cleo import LISTS

    rows = [row(f"T{number}", notes=["ü" * number, '\\"]']) for number in range(size)]
    path = cleo_home / "pieces.json"
    path.write_text(json.dumps(envelope(*rows, page={"hasMore": False}), indent=indent))
    monkeypatch.setattr(source, "_CHUNK", chunk)
    with source.Source(str(path)) as opened:
        document = source.Document(opened, LISTS, "fix")
        found = list(document.items())
    assert [item.value for item in found] == rows
    assert document.others["page.hasMore"] is False
    if indent:
        lines = path.read_text().splitlines()
        assert all(lines[item.line - 1].strip() == "{" for item in found)


# Running it again


@pytest.mark.guarantee("tasks-29", "A second import of the same file writes no row.")
def test_a_second_run_writes_nothing(
    write: Any, cleo_cli: Cli, cleo_project: Path, frozen_bytes: Frozen
) -> None:
    path = write(envelope(row("T1"), row("T2", depends=["T1"], phase="p")))
    cleo_cli("import", "cleo", path)
    with frozen_bytes(cleo_project):
        assert cleo_cli("import", "cleo", path).data["reasons"] == {"unchanged": 2}


@pytest.mark.guarantee("tasks-29", "A dry run says exactly what would happen and changes no byte.")
def test_a_dry_run_counts_exactly_and_changes_no_byte(
    write: Any, cleo_cli: Cli, cleo_project: Path, frozen_bytes: Frozen
) -> None:
    path = write(
        envelope(
            row("T1", type="subtask", phase="a"),
            row(
                "T2",
                depends=["T1", "T9"],
                parentId="T8",
                verification={"gates": {"qaPassed": True}},
            ),
            row("T2"),
            {"id": "T3"},
        )
    )
    with frozen_bytes(cleo_project):
        planned = cleo_cli("import", "cleo", path, "--dry-run").data
    assert cleo_cli("import", "cleo", path).data == planned
    assert (planned["gates"], planned["phases"], planned["adjusted"]) == (1, 1, {"retyped": 1})


def test_an_archived_row_is_not_taken_for_one_deleted_here(write: Any, tasks: Any) -> None:
    path = write([row(status="archived")])
    assert tasks.import_cleo(path).imported == 1
    assert tasks.import_cleo(path, revive=True).reasons == {"unchanged": 1}


def test_closing_and_opening_in_the_source_is_followed(write: Any, tasks: Any) -> None:
    tasks.import_cleo(write([row()]))
    done = write([row(status="done", completedAt=AT)])
    assert tasks.import_cleo(done, update=True).updated == 1
    task = tasks.show("T001")[0]
    assert (task.status, task.completed_at, task.pipeline_stage) == ("done", STORED, "contribution")
    assert tasks.import_cleo(write([row()]), update=True).updated == 1
    task = tasks.show("T001")[0]
    assert (task.status, task.completed_at) == ("pending", None)
    assert task.pipeline_stage == "implementation"


def test_a_status_that_the_hierarchy_forbids_is_kept_and_counted(write: Any, tasks: Any) -> None:
    tasks.import_cleo(write([row("T1", type="epic")]))
    tasks.add("Ours", parent="T001")
    changed = write([row("T1", type="epic", status="done", completedAt=AT, title="New")])
    result = tasks.import_cleo(changed, update=True)
    assert (result.updated, result.adjusted) == (1, {"status_kept": 1})
    epic = tasks.show("T001")[0]
    assert (epic.status, epic.title) == ("pending", "New")


# Real input


@pytest.mark.skipif(not REAL.exists(), reason="shared/data/cleo-ts is not here")
def test_the_list_of_a_real_project(tasks: Any, cleo_home: Path) -> None:
    report = cleo_home / "report.jsonl"
    result = tasks.import_cleo(str(REAL), report=str(report))
    source = json.loads(REAL.read_text("utf-8"))["data"]["tasks"]
    assert (result.read, result.imported, result.skipped) == (len(source), len(source), 0)
    known = {one["id"] for one in source}
    wanted = {(one["id"], target) for one in source for target in one.get("depends") or ()}
    missing = sum(1 for _, target in wanted if target not in known)
    edges = result.edges
    relations = sum(len(one.get("relates") or ()) for one in source)
    assert (
        edges["dependencies"]
        + edges["relations"]
        + sum(edges["skipped"].values())
        - edges["skipped"]["missing_parent"]
        == len(wanted) + relations
    )
    assert edges["skipped"]["missing_target"] >= missing
    outcome = {
        row["id"].partition(":")[2]: row["task"]
        for row in map(json.loads, report.read_text().splitlines())
    }
    for one in source[::7]:
        task = tasks.show(outcome[one["id"]], gates=True)[0]
        assert task.title == one["title"]
        assert (task.description or "") == one["description"]
        assert task.acceptance == one.get("acceptance", [])
        assert task.files == one.get("files", [])
        assert [note["text"] for note in task.notes] == one.get("notes", [])
        assert (task.priority, task.role, task.scope) == (
            one["priority"],
            one["kind"],
            one["scope"],
        )
        assert task.metadata["import"]["cleo"]["positionVersion"] == one["positionVersion"]
        gates = (one["verification"] or {}).get("gates", {})
        assert set(task.gates) == {gate for gate, passed in gates.items() if passed}
    assert tasks.deps_cycles().cycles == []
    assert tasks.import_cleo(str(REAL)).reasons == {"unchanged": len(source)}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = st.sampled_from(
    (
        *("id", "title", "description", "notes", "acceptance", "files", "labels", "status"),
        *("priority", "size", "kind", "phase", "position", "type", "parentId", "depends"),
        *("relates", "pipelineStage", "verification", "createdAt", "completedAt", "blockedBy"),
        *("noAutoComplete", "assignee", "cancellationReason"),
    )
)


@given(rows=st.lists(st.dictionaries(_FIELDS, _JSON) | _JSON, max_size=4))
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_whatever_an_entry_holds_it_is_imported_or_skipped(
    rows: list[Any], write: Any, cleo_cli: Cli, cleo_project: Path
) -> None:
    good = row(f"good-{os.urandom(4).hex()}")
    data = cleo_cli("import", "cleo", write([good, *rows])).data
    assert data["read"] == len(rows) + 1
    assert data["imported"] + data["updated"] + data["skipped"] == data["read"]
    assert sum(data["reasons"].values()) == data["skipped"]
