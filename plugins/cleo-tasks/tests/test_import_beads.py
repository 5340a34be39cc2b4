"""``import beads``: what each field becomes, what is left out and why, and running it again."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
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

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "beads" / "beads_rust.issues.jsonl"
SAMPLE = Path(__file__).resolve().parents[3] / "examples" / "beads-sample.jsonl"

AT = "2026-01-16T07:21:09.280348123Z"
#: The same instant as it is stored.
STORED = "2026-01-16T07:21:09.280Z"


def issue(id_: str, title: str = "", **fields: Any) -> dict[str, Any]:
    """One line of an export."""
    return {
        "id": id_,
        "title": title or f"Issue {id_}",
        "status": "open",
        "priority": 2,
        "issue_type": "task",
        "created_at": AT,
        "updated_at": AT,
        **fields,
    }


def edge(source: str, target: str, type_: str = "blocks", **more: Any) -> dict[str, Any]:
    return {"issue_id": source, "depends_on_id": target, "type": type_, **more}


@pytest.fixture
def write(cleo_home: Path) -> Callable[..., str]:
    """Write a file of lines; each is an object, or text as it is. Returns its path."""

    def make(*lines: Any, name: str = "issues.jsonl") -> str:
        path = cleo_home / name
        path.write_bytes(
            b"".join(
                (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n"
                for line in lines
            )
        )
        return str(path)

    return make


@pytest.fixture
def tasks(cleo_app: App) -> Any:
    return cleo_app.service("tasks")


def shown(tasks: Any, number: int = 1) -> Any:
    return tasks.show(f"T{number:03d}")[0]


def by_source_id(tasks: Any, count: int) -> dict[str, Any]:
    """The first tasks by the ids of their issues, which their titles end with."""
    ids = [f"T{number:03d}" for number in range(1, count + 1)]
    return {task.title.split()[1]: task for task in tasks.show(*ids)}


def kept(task: Any) -> dict[str, Any]:
    """What no column of the task has."""
    found: dict[str, Any] = task.metadata.get("import", {}).get("beads", {})
    return found


def adds_up(result: Any) -> bool:
    """Whether every row read ended in one of the three sums, and every skipped one has a reason."""
    return bool(
        result.imported + result.updated + result.skipped == result.read
        and sum(result.reasons.values()) == result.skipped
    )


# field values of one issue -> columns of its task, labels included
MAPPED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"title": "Write it"}, {"title": "Write it", "description": None, "origin": "imported"}),
    ({"description": "What to do."}, {"description": "What to do."}),
    (
        {"description": "What.", "design": "How."},
        {"description": "What.\n\n## Design\n\nHow."},
    ),
    ({"design": "How."}, {"description": "## Design\n\nHow."}),
    ({"title": "Same", "description": "same"}, {"description": None}),
    (
        {"created_at": "2026-01-16T09:21:09.5+02:00", "updated_at": "2026-01-16T07:21:10Z"},
        {"created_at": "2026-01-16T07:21:09.500Z", "updated_at": "2026-01-16T07:21:10.000Z"},
    ),
    (
        {"created_by": "ada", "started_at": AT},
        {"created_by": "ada", "started_at": STORED},
    ),
    (
        {"acceptance_criteria": '- one\n\n* [ ] two | three\n1. four "five"\n   \nsix'},
        {"acceptance": ["one", "two | three", 'four "five"', "six"]},
    ),
    ({"status": "open"}, {"status": "pending"}),
    ({"status": "in_progress"}, {"status": "active"}),
    ({"status": "hooked"}, {"status": "active"}),
    ({"status": "blocked"}, {"status": "blocked", "blocked_reason": None}),
    (
        {"status": "deferred", "defer_until": "2026-09-01"},
        {"status": "blocked", "blocked_reason": "deferred until 2026-09-01"},
    ),
    ({"status": "deferred"}, {"status": "blocked", "blocked_reason": "deferred"}),
    (
        {"status": "closed", "closed_at": AT},
        {"status": "done", "completed_at": STORED, "pipeline_stage": "contribution"},
    ),
    (
        {"status": "closed"},
        {"status": "done", "completed_at": STORED},
    ),
    ({"status": "pinned"}, {"status": "pending", "labels": ["pinned"]}),
    ({"status": "in review"}, {"status": "pending"}),
    ({"priority": 0}, {"priority": "critical"}),
    ({"priority": 1}, {"priority": "high"}),
    ({"priority": 2}, {"priority": "medium"}),
    ({"priority": 3}, {"priority": "low"}),
    ({"priority": 4}, {"priority": "low"}),
    ({"priority": 77}, {"priority": "medium"}),
    ({"issue_type": "epic"}, {"type": "epic", "role": "work", "scope": "project"}),
    ({"issue_type": "molecule"}, {"type": "epic"}),
    ({"issue_type": "bug"}, {"type": "task", "role": "bug", "scope": "feature"}),
    ({"issue_type": "spike"}, {"role": "spike"}),
    ({"issue_type": "feature"}, {"role": "work", "labels": []}),
    ({"issue_type": "story"}, {"role": "work", "labels": []}),
    ({"issue_type": "chore"}, {"role": "work", "labels": ["chore"]}),
    ({"issue_type": "decision"}, {"role": "work", "labels": ["decision"]}),
    ({"issue_type": "milestone"}, {"role": "work", "labels": ["milestone"]}),
    ({"issue_type": "quest"}, {"role": "work", "labels": []}),
    (
        {"labels": ["CLI", "two words", "ok", "Über*", "!"]},
        {"labels": ["ber", "cli", "ok", "two-words"]},
    ),
    ({"assignee": "ada"}, {"assignee": "ada", "claimed_at": STORED}),
    (
        {"notes": "Remember.", "close_reason": "Done.", "closed_at": AT, "status": "closed"},
        {
            "notes": [
                {"at": STORED, "by": None, "text": "Remember."},
                {"at": STORED, "by": None, "text": "Done."},
            ]
        },
    ),
    (
        {"comments": [{"author": "bob", "text": "Hm.\n…", "created_at": "2026-01-20T23:17:15Z"}]},
        {"notes": [{"at": "2026-01-20T23:17:15.000Z", "by": "bob", "text": "Hm.\n…"}]},
    ),
]

# field values of one issue -> what is kept beside the columns
KEPT: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"spec_id": "s-1"}, {"spec_id": "s-1"}),
    ({"external_ref": "gh-9"}, {"external_ref": "gh-9"}),
    ({"metadata": {"a": [1]}}, {"metadata": {"a": [1]}}),
    ({"owner": "eve", "due_at": "2026-09-01"}, {"owner": "eve", "due_at": "2026-09-01"}),
    ({"estimated_minutes": 0}, {"estimated_minutes": 0}),
    ({"a field of next year": {"b": None}}, {"a field of next year": {"b": None}}),
    ({"priority": 4}, {"priority": 4}),
    ({"priority": 77}, {"priority": 77}),
    ({"status": "hooked"}, {"status": "hooked"}),
    ({"status": "in review"}, {"status": "in review"}),
    ({"issue_type": "quest"}, {"issue_type": "quest"}),
    ({"issue_type": "molecule"}, {"issue_type": "molecule"}),
    ({"labels": ["CLI"]}, {"labels": ["CLI"]}),
    ({"labels": ["cli"]}, {}),
    ({"created_at": "yesterday"}, {"created_at": "yesterday"}),
    ({"title": "two\nlines"}, {"title": "two\nlines"}),
    (
        {"comments": [{"id": 7, "author": "b", "text": "x", "created_at": AT}]},
        {"comments": [{"id": 7}]},
    ),
    (
        {"dependencies": [edge("a-1", "people", "authored-by")]},
        {"dependencies": [edge("a-1", "people", "authored-by")]},
    ),
    (
        {"dependencies": [edge("a-1", "gone")]},
        {"dependencies": [edge("a-1", "gone")]},
    ),
]


@pytest.mark.guarantee("tasks-29", "Every value of a beads issue has its place in the task.")
@pytest.mark.parametrize(("fields", "columns"), MAPPED, ids=lambda value: json.dumps(value)[:50])
def test_each_field_has_its_place(
    fields: dict[str, Any], columns: dict[str, Any], write: Any, tasks: Any
) -> None:
    result = tasks.import_beads(write(issue("a-1", **fields)))
    assert (result.imported, result.reasons) == (1, {})
    task = shown(tasks)
    assert {name: getattr(task, name) for name in columns} == columns


@pytest.mark.guarantee("tasks-29", "What no column has of a beads issue is found in its metadata.")
@pytest.mark.parametrize(("fields", "rest"), KEPT, ids=lambda value: json.dumps(value)[:50])
def test_the_rest_is_kept(
    fields: dict[str, Any], rest: dict[str, Any], write: Any, tasks: Any
) -> None:
    tasks.import_beads(write(issue("a-1", **fields)))
    assert kept(shown(tasks)) == rest


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"_type": "memory"}, "not an issue"),
        ({"status": "tombstone"}, "tombstone"),
        ({"ephemeral": True}, "ephemeral"),
        ({"is_template": True}, "template"),
        ({"issue_type": "message"}, "message"),
        ({"issue_type": "gate"}, "gate"),
        ({"issue_type": "event"}, "event"),
    ],
)
def test_what_is_no_task_is_left_out_with_its_reason(
    fields: dict[str, Any], reason: str, write: Any, tasks: Any
) -> None:
    result = tasks.import_beads(write(issue("a-1", **fields), issue("a-2", _type="issue")))
    assert (result.imported, result.skipped, result.reasons) == (1, 1, {reason: 1})


def test_each_type_of_edge_has_its_place(write: Any, tasks: Any) -> None:
    path = write(
        issue("a-1", issue_type="epic"),
        issue("a-2", dependencies=[edge("a-2", "a-1", "parent-child")]),
        issue("a-3", dependencies=[edge("a-3", "a-1", "parent_child"), edge("a-3", "a-2")]),
        issue("a-4", dependencies=[edge("a-4", "a-2", "waits-for")]),
        issue("a-5", dependencies=[edge("a-5", "a-2", "conditional-blocks")]),
        issue("a-6", dependencies=[edge("a-6", "a-2", "duplicates", created_at=AT)]),
        issue("a-7", dependencies=[edge("a-7", "a-2", "supersedes")]),
        issue("a-8", dependencies=[edge("a-8", "a-2", "discovered-from")]),
        issue("a-1.1"),
        issue("b.1"),
    )
    result = tasks.import_beads(path)
    assert result.edges == {"dependencies": 3, "relations": 3, "parents": 3, "skipped": {}}
    found = by_source_id(tasks, 10)
    ids = {key: task.id for key, task in found.items()}
    assert {key for key in found if found[key].parent_id == ids["a-1"]} == {"a-2", "a-3", "a-1.1"}
    assert all(found[key].depends_on == [ids["a-2"]] for key in ("a-3", "a-4", "a-5"))
    relations = [
        (one.task_id, one.related_to, one.relation_type, one.reason)
        for key in ("a-6", "a-7", "a-8")
        for one in tasks.relate_list(ids[key])[0]
    ]
    assert relations == [
        (ids["a-6"], ids["a-2"], "duplicates", None),
        (ids["a-7"], ids["a-2"], "supersedes", None),
        (ids["a-8"], ids["a-2"], "related", "discovered-from"),
    ]
    assert kept(found["a-4"])["dependencies"][0]["type"] == "waits-for"


def parented(*levels: str, **fields: Any) -> list[dict[str, Any]]:
    """A chain of issues, each below the one before it."""
    rows = [issue(levels[0], **fields)]
    rows += [
        issue(below, dependencies=[edge(below, above, "parent-child")])
        for above, below in itertools.pairwise(levels)
    ]
    return rows


def test_types_follow_the_depth(write: Any, tasks: Any) -> None:
    rows = [
        *parented("a", "b", "c", "d", "e"),
        *parented("p", "q"),
        *parented("x", "y", "z", issue_type="epic"),
        issue("lone"),
        issue("small-epic", issue_type="epic"),
        issue("y2", issue_type="epic", dependencies=[edge("y2", "x", "parent-child")]),
        issue("y3", issue_type="epic", dependencies=[edge("y3", "x", "parent-child")]),
        issue("z3", dependencies=[edge("z3", "y3", "parent-child")]),
    ]
    result = tasks.import_beads(write(*rows))
    found = by_source_id(tasks, 15)
    names = {task.id: key for key, task in found.items()}
    assert {key: (task.type, names.get(task.parent_id)) for key, task in found.items()} == {
        "a": ("epic", None),
        "b": ("task", "a"),
        "c": ("subtask", "b"),
        "d": ("subtask", "b"),
        "e": ("subtask", "b"),
        "p": ("task", None),
        "q": ("subtask", "p"),
        "x": ("epic", None),
        "y": ("task", "x"),
        "z": ("subtask", "y"),
        "lone": ("task", None),
        "small-epic": ("epic", None),
        "y2": ("task", "x"),
        "y3": ("epic", "x"),
        "z3": ("task", "y3"),
    }
    assert result.adjusted == {"flattened": 2}


def test_no_task_stands_deeper_than_allowed(cleo_cli: Cli, cleo_project: Path, write: Any) -> None:
    cleo_cli("config", "set", "tasks.hierarchy.max_depth", "2")
    outcome = cleo_cli("import", "beads", write(*parented("a", "b", "c"))).data
    assert outcome["adjusted"] == {"flattened": 1}
    assert {cleo_cli("show", id_).data["parentId"] for id_ in ("T002", "T003")} == {"T001"}


def test_a_closed_parent_of_open_work_is_opened(write: Any, tasks: Any) -> None:
    rows = parented("a", "b", "c", status="closed", closed_at=AT)
    rows[1]["status"] = "closed"
    result = tasks.import_beads(write(*rows))
    assert result.adjusted == {"parent_reopened": 2}
    assert [task.status for task in tasks.show("T001", "T002", "T003")] == ["pending"] * 3
    assert kept(shown(tasks)) == {"status": "closed", "closed_at": AT}
    assert shown(tasks).completed_at is None
    assert shown(tasks).pipeline_stage == "research"


def test_a_long_title_is_cut_at_a_word_and_heads_the_description(write: Any, tasks: Any) -> None:
    title = "word " * 60 + "end"
    result = tasks.import_beads(write(issue("a-1", title, description="More.")))
    task = shown(tasks)
    assert result.adjusted == {"title_cut": 1}
    assert task.title == ("word " * 40).strip()
    assert task.description == f"{title}\n\nMore."


@pytest.mark.guarantee("tasks-09", "An import leaves out each edge that would close a loop.")
def test_an_edge_that_closes_a_loop_is_left_out_in_file_order(write: Any, tasks: Any) -> None:
    path = write(
        issue("a", dependencies=[edge("a", "b")]),
        issue("b", dependencies=[edge("b", "c"), edge("b", "b")]),
        issue("c", dependencies=[edge("c", "a")]),
        issue("p", issue_type="epic"),
        issue("q", dependencies=[edge("q", "p", "parent-child"), edge("q", "r")]),
        issue("r", dependencies=[edge("r", "p")]),
    )
    result = tasks.import_beads(path)
    assert result.edges["dependencies"] == 3
    assert result.edges["skipped"] == {"cycle": 3}
    assert tasks.deps_cycles().cycles == []
    found = by_source_id(tasks, 6)
    assert found["c"].depends_on == []
    assert kept(found["c"])["dependencies"] == [edge("c", "a")]
    assert found["r"].depends_on == []


@given(edges=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.booleans()), max_size=24))
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@pytest.mark.guarantee("tasks-09", "An import leaves out each edge that would close a loop.")
def test_whatever_the_edges_no_loop_is_imported(
    edges: list[tuple[int, int, bool]], cleo_cli: Cli, cleo_project: Path, write: Any
) -> None:
    names = [f"n{os.urandom(4).hex()}" for _ in range(8)]
    rows = [issue(name, dependencies=[]) for name in names]
    for source, target, parent in edges:
        type_ = "parent-child" if parent else "blocks"
        rows[source]["dependencies"].append(edge(names[source], names[target], type_))
    result = cleo_cli("import", "beads", write(*rows)).data
    assert result["imported"] == 8
    assert cleo_cli("deps", "cycles").data["cycles"] == []


# one line -> its reason
BAD_LINES: list[tuple[bytes, str]] = [
    (b"not json", "bad JSON"),
    (b'{"id": "x", "title": "cut', "bad JSON"),
    (b'{"id": "x", "title": NaN}', "bad JSON"),
    (b"[" * 100_000, "bad JSON"),
    (b'{"id": "x", "title": "t", "deep": ' + b"[" * 300 + b"]" * 300 + b"}", "bad JSON"),
    (b"[1, 2]", "not an object"),
    (b'"text"', "not an object"),
    (b"17", "not an object"),
    (b"null", "not an object"),
    (b'{"title": "no id"}', "no id"),
    (b'{"id": "", "title": "t"}', "no id"),
    (b'{"id": "x"}', "no title"),
    (b'{"id": "x", "title": " \\n "}', "no title"),
    (b'{"id": "x", "title": null}', "no title"),
    (b'{"id": ["x"], "title": "t"}', "wrong type"),
    (b'{"id": "x", "title": 5}', "wrong type"),
    (b'{"id": "x", "title": "t", "description": {}}', "wrong type"),
    (b'{"id": "x", "title": "t", "labels": "cli"}', "wrong type"),
    (b'{"id": "x", "title": "t", "labels": [1]}', "wrong type"),
    (b'{"id": "x", "title": "t", "dependencies": {"a": 1}}', "wrong type"),
    (b'{"id": "x", "title": "t", "dependencies": ["y"]}', "wrong type"),
    (b'{"id": "x", "title": "t", "dependencies": [{"depends_on_id": 3}]}', "wrong type"),
    (b'{"id": "x", "title": "t", "comments": ["hm"]}', "wrong type"),
    (b'{"id": "x", "title": "t", "status": 1}', "wrong type"),
    (b'{"id": "x", "title": "t", "assignee": true}', "wrong type"),
    (b'{"id": "x", "title": "a\\u0000b"}', "bad text"),
    (b'{"id": "x\\u0000", "title": "t"}', "bad text"),
    (b'{"id": "x", "title": "t", "other": [{"\\u0000": 1}]}', "bad text"),
    (b'{"id": "x", "title": "\\ud800"}', "bad text"),
    (b'{"id": "x", "title": "t", "notes": "\\udfff"}', "bad text"),
    (b'{"id": "x", "title": "\xff"}', "bad text"),
    (b'{"id": "x", "title": "t", "n": 1e999}', "bad number"),
    (b'{"id": "x", "title": "t", "n": ' + b"9" * 5000 + b"}", "bad JSON"),
    (b'{"id": "x", "title": "' + b"t" * 10_000_000 + b'"}', "too long"),
    (json.dumps(issue("good")).encode(), "duplicate id"),
]


@pytest.mark.parametrize(
    ("line", "reason"), BAD_LINES, ids=[str(line[:40]) for line, _ in BAD_LINES]
)
def test_a_line_that_cannot_be_understood_is_skipped_and_named(
    line: bytes, reason: str, write: Any, tasks: Any
) -> None:
    result = tasks.import_beads(write(issue("good"), b"", line, issue("also good")))
    assert adds_up(result)
    assert (result.read, result.imported, result.reasons) == (3, 2, {reason: 1})
    assert [(one["line"], one["reason"]) for one in result.problems] == [(3, reason)]
    assert result.problems[0]["message"]
    assert [task.title for task in tasks.show("T001", "T002")] == ["Issue good", "Issue also good"]


@pytest.mark.parametrize(
    "content",
    [
        b"hello\nworld\n",
        b"\x00\x01SQLite\n",
        '{"id": "a", "title": "t"}\n'.encode("utf-16"),
        b"<html></html>",
        b'{"success": true, "data": {}}\n',
        b"[]]",
        b'[{"id": "a", "title": "t"}, oops]',
        b'[{"id": "a", "title": "t"}',
    ],
)
def test_a_file_of_another_kind_is_refused_whole(
    content: bytes, cleo_cli: Cli, cleo_project: Path, cleo_home: Path, frozen_bytes: Frozen
) -> None:
    path = cleo_home / "other"
    path.write_bytes(content)
    with frozen_bytes(cleo_project):
        error = cleo_cli("import", "beads", str(path)).error
    assert (error["code"], error["exit"]) == ("E_VALIDATION", 6)
    assert error["fix"]


@pytest.mark.parametrize("path", ["missing.jsonl", ".", "\0", ""])
def test_a_file_that_cannot_be_read_is_one_clear_error(
    path: str, tasks: Any, cleo_cli: Cli
) -> None:
    with pytest.raises(CleoError) as error:
        tasks.import_beads(path)
    assert error.value.exit in (2, 3)


def test_an_empty_file_is_an_empty_export(write: Any, tasks: Any) -> None:
    result = tasks.import_beads(write())
    assert (result.read, result.imported) == (0, 0)


def test_a_list_of_issues_and_standard_input_are_read_too(
    cleo_cli: Cli, cleo_project: Path
) -> None:
    text = json.dumps([issue("a-1"), issue("a-2", dependencies=[edge("a-2", "a-1")])], indent=2)
    assert cleo_cli("import", "beads", "-", input="\n" + text).data["imported"] == 2
    assert cleo_cli("show", "T002").data["dependsOn"] == ["T001"]


def test_a_windows_file_with_a_byte_order_mark_is_read(write: Any, tasks: Any) -> None:
    line = json.dumps(issue("a-1")).encode()
    assert tasks.import_beads(write(b"\xef\xbb\xbf" + line + b"\r")).imported == 1


# Running it again


@pytest.fixture
def twice(write: Any) -> tuple[str, list[dict[str, Any]]]:
    rows = [
        issue("a-1", issue_type="epic"),
        issue("a-2", dependencies=[edge("a-2", "a-1", "parent-child")], labels=["cli"]),
        issue("a-3", dependencies=[edge("a-3", "a-2")], assignee="ada"),
    ]
    return write(*rows), rows


@pytest.mark.guarantee("tasks-29", "A second import of the same file writes no row.")
def test_a_second_run_writes_nothing(
    twice: Any, cleo_cli: Cli, cleo_project: Path, frozen_bytes: Frozen
) -> None:
    cleo_cli("import", "beads", twice[0])
    with frozen_bytes(cleo_project):
        again = cleo_cli("import", "beads", twice[0]).data
    assert (again["read"], again["skipped"], again["reasons"]) == (3, 3, {"unchanged": 3})


def test_the_order_of_keys_is_no_change(twice: Any, write: Any, tasks: Any) -> None:
    path, rows = twice
    tasks.import_beads(path)
    turned = [dict(reversed(row.items())) for row in rows]
    assert tasks.import_beads(write(*turned)).reasons == {"unchanged": 3}


@pytest.mark.guarantee("tasks-29", "A dry run says exactly what would happen and changes no byte.")
def test_a_dry_run_counts_exactly_and_changes_no_byte(
    write: Any, cleo_cli: Cli, cleo_project: Path, frozen_bytes: Frozen
) -> None:
    path = write(
        issue("a-1", issue_type="epic", status="closed", close_reason="x"),
        issue("a-2", labels=["x"], dependencies=[edge("a-2", "a-1", "parent-child")]),
        issue("a-3", "w " * 150, dependencies=[edge("a-3", "a-2"), edge("a-3", "gone")]),
        issue("a-4", dependencies=[edge("a-4", "a-4")], comments=[{"text": "c"}]),
        b"bad",
        issue("a-5", status="tombstone"),
    )
    with frozen_bytes(cleo_project):
        planned = cleo_cli("import", "beads", path, "--dry-run").data
    done = cleo_cli("import", "beads", path).data
    assert planned == done
    assert done["adjusted"] == {"parent_reopened": 1, "title_cut": 1}


def test_a_dry_run_on_a_fresh_project_makes_no_file(
    write: Any, cleo_cli: Cli, cleo_project: Path
) -> None:
    (cleo_project / ".cleo" / "tasks.db").unlink()
    outcome = cleo_cli("import", "beads", write(issue("a-1")), "--dry-run").data
    assert outcome["imported"] == 1
    assert not (cleo_project / ".cleo" / "tasks.db").exists()


def test_changed_rows_are_applied_only_when_asked_for(twice: Any, write: Any, tasks: Any) -> None:
    path, rows = twice
    tasks.import_beads(path)
    rows[1] |= {"title": "New words", "priority": 0, "labels": ["cli", "fast"], "status": "closed"}
    changed = write(*rows)
    assert tasks.import_beads(changed).reasons == {"changed": 1, "unchanged": 2}
    assert tasks.show("T003")[0].title == "Issue a-2"
    result = tasks.import_beads(changed, update=True)
    assert (result.updated, result.reasons) == (1, {"unchanged": 2})
    task = tasks.show("T003")[0]
    assert (task.title, task.priority, task.status) == ("New words", "critical", "done")
    assert task.labels == ["cli", "fast"]
    assert task.version == 2
    assert tasks.import_beads(changed, update=True).reasons == {"unchanged": 3}
    row = tasks.log_list(task="T003")[0][0]
    assert (row["action"], row["source"]) == ("task.import", "import")


def test_an_update_leaves_alone_what_the_source_did_not_change(
    write: Any, tasks: Any, cleo_open: Callable[..., App]
) -> None:
    row = issue("a-1", size="kept here", notes="First.")
    tasks.import_beads(write(row))
    bob = cleo_open(agent="bob").service("tasks")
    bob.start("T001")
    bob.update("T001", size="small", add_labels=["mine"], notes=["A note of ours."])
    row["priority"] = 1
    tasks.import_beads(write(row), update=True)
    task = shown(tasks)
    assert (task.status, task.assignee, task.size, task.priority) == (
        "active",
        "bob",
        "small",
        "high",
    )
    assert task.labels == ["mine"]
    assert [note["text"] for note in task.notes] == ["First.", "A note of ours."]


def test_an_update_moves_below_a_new_parent_and_adds_edges(write: Any, tasks: Any) -> None:
    rows = [issue("e", issue_type="epic"), issue("a"), issue("b"), issue("c")]
    tasks.import_beads(write(*rows))
    rows[1]["dependencies"] = [edge("a", "e", "parent-child"), edge("a", "b"), edge("a", "c", "x")]
    rows[2]["dependencies"] = [edge("b", "a")]
    result = tasks.import_beads(write(*rows), update=True)
    assert result.edges == {
        "dependencies": 1,
        "relations": 1,
        "parents": 1,
        "skipped": {"cycle": 1},
    }
    task = tasks.show("T002")[0]
    assert (task.parent_id, task.depends_on) == ("T001", ["T003"])


def test_a_task_deleted_here_stays_deleted_until_it_is_revived(twice: Any, tasks: Any) -> None:
    tasks.import_beads(twice[0])
    tasks.delete("T003", children="cascade", detach=True)
    again = tasks.import_beads(twice[0])
    assert again.reasons == {"deleted here": 1, "unchanged": 2}
    result = tasks.import_beads(twice[0], revive=True)
    assert (result.updated, result.reasons) == (1, {"unchanged": 2})
    assert tasks.show("T003")[0].status == "pending"


def test_parent_and_child_come_back_together(twice: Any, tasks: Any) -> None:
    tasks.import_beads(twice[0])
    tasks.delete("T001", children="cascade", detach=True)
    assert tasks.import_beads(twice[0]).reasons["deleted here"] == 2
    assert tasks.import_beads(twice[0], revive=True).updated == 2
    assert [task.status for task in tasks.show("T001", "T003")] == ["pending", "pending"]


def test_a_child_does_not_come_back_below_a_closed_parent(twice: Any, tasks: Any) -> None:
    tasks.import_beads(twice[0])
    tasks.delete("T003", detach=True)
    tasks.complete("T001")
    result = tasks.import_beads(twice[0], revive=True)
    assert result.reasons == {"parent closed": 1, "unchanged": 2}


def test_a_purged_task_is_imported_anew_with_another_number(twice: Any, tasks: Any) -> None:
    tasks.import_beads(twice[0])
    tasks.delete("T003", detach=True)
    tasks.delete("T003", purge=True)
    assert tasks.import_beads(twice[0]).imported == 1
    assert tasks.show("T004")[0].title == "Issue a-2"


def test_a_late_row_gets_the_edges_that_waited_for_it(write: Any, tasks: Any) -> None:
    first = issue("a-1", dependencies=[edge("a-1", "a-2")])
    assert tasks.import_beads(write(first)).edges["skipped"] == {"missing_target": 1}
    result = tasks.import_beads(write(first, issue("a-2")))
    assert (result.imported, result.updated, result.edges["dependencies"]) == (1, 1, 1)
    assert shown(tasks).depends_on == ["T002"]
    assert tasks.import_beads(write(first, issue("a-2"))).reasons == {"unchanged": 2}


def test_edges_lead_to_tasks_of_earlier_imports(write: Any, tasks: Any) -> None:
    tasks.import_beads(write(issue("e", issue_type="epic"), issue("a")))
    later = issue("b", dependencies=[edge("b", "e", "parent-child"), edge("b", "a")])
    result = tasks.import_beads(write(later))
    assert result.edges == {"dependencies": 1, "relations": 0, "parents": 1, "skipped": {}}
    task = tasks.show("T003")[0]
    assert (task.parent_id, task.depends_on, task.type) == ("T001", ["T002"], "task")


def test_an_open_row_does_not_hang_below_a_task_closed_here(write: Any, tasks: Any) -> None:
    tasks.import_beads(write(issue("e", issue_type="epic")))
    tasks.complete("T001")
    later = issue("b", dependencies=[edge("b", "e", "parent-child")])
    result = tasks.import_beads(write(later))
    assert result.edges["skipped"] == {"parent_closed": 1}
    assert tasks.show("T002")[0].parent_id is None


def test_nobody_holds_the_tasks_when_that_is_not_wanted(
    write: Any, cleo_cli: Cli, cleo_project: Path
) -> None:
    cleo_cli("import", "beads", write(issue("a-1", assignee="ada")), "--no-assignee")
    task = cleo_cli("show", "T001").data
    assert (task["assignee"], task["claimedAt"]) == (None, None)
    assert task["metadata"]["import"]["beads"] == {"assignee": "ada"}


def test_the_report_has_a_line_for_every_row(
    write: Any, cleo_cli: Cli, cleo_project: Path, cleo_home: Path
) -> None:
    report = cleo_home / "report.jsonl"
    path = write(issue("a-1"), b"bad", issue("a-2", "w " * 150), issue("a-3", status="tombstone"))
    data = cleo_cli("import", "beads", path, "--report", str(report)).data
    assert data["report"] == str(report)
    assert report.stat().st_mode & 0o777 == 0o600
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    assert [(one["line"], one["id"], one["outcome"], one["task"]) for one in lines] == [
        (1, "a-1", "imported", "T001"),
        (2, None, "skipped", None),
        (3, "a-2", "imported", "T002"),
        (4, "a-3", "skipped", None),
    ]
    assert lines[1]["reason"] == "bad JSON"
    assert lines[2]["adjusted"] == ["title_cut"]


@pytest.mark.parametrize("report", ["no/such/folder/report", "", "a\0b"])
def test_a_report_that_cannot_be_written_is_found_out_before_anything_else(
    report: str, write: Any, tasks: Any
) -> None:
    with pytest.raises(CleoError) as error:
        tasks.import_beads(write(issue("a")), report=report)
    assert error.value.exit in (2, 3)
    assert tasks.list()[1].total == 0


def test_a_report_does_not_follow_a_link(
    write: Any, cleo_cli: Cli, cleo_project: Path, cleo_home: Path
) -> None:
    target = cleo_home / "precious"
    target.write_text("keep me")
    (cleo_home / "link").symlink_to(target)
    error = cleo_cli(
        "import", "beads", write(issue("a")), "--report", str(cleo_home / "link")
    ).error
    assert error["exit"] == 3
    assert target.read_text() == "keep me"


# What is written


def test_one_audit_row_per_task_and_the_truth_in_it(twice: Any, tasks: Any) -> None:
    tasks.import_beads(twice[0])
    rows, _ = tasks.log_list(limit=100)
    assert [(row["action"], row["entityKind"], row["source"]) for row in rows] == [
        ("task.import", "task", "import")
    ] * 3
    assert len({row["requestId"] for row in rows}) == 1
    by_task = {row["taskId"]: row for row in rows}
    assert by_task["T002"]["after"]["status"] == "pending"
    assert by_task["T002"]["details"] == {
        "provider": "beads",
        "externalId": "a-3",
        "dependsOn": ["a-2"],
    }
    assert by_task["T003"]["after"]["labels"] == ["cli"]
    assert by_task["T003"]["before"] is None


def test_other_stores_hear_of_every_step(
    twice: Any, cleo_app: App, tasks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[str, str]] = []
    original = type(cleo_app)._changes

    def listen(app: App, unit: Any) -> list[Any]:
        changes = original(app, unit)
        heard.extend((change.op, id_) for change in changes for id_ in change.ids)
        return changes

    monkeypatch.setattr(type(cleo_app), "_changes", listen)
    tasks.import_beads(twice[0])
    assert set(heard) == {
        *(("create", f"T00{number}") for number in (1, 2, 3)),
        *(("update", f"T00{number}") for number in (1, 2, 3)),
    }


def test_roots_are_numbered_first_and_siblings_keep_the_files_order(write: Any, tasks: Any) -> None:
    rows = [
        *parented("a", "b"),
        issue("c"),
        issue("a2", dependencies=[edge("a2", "a", "parent-child")]),
    ]
    tasks.add("Was here")
    tasks.import_beads(write(*rows))
    found = tasks.show(*(f"T{number:03d}" for number in range(1, 6)))
    assert [(task.title, task.position) for task in found] == [
        ("Was here", 1),
        ("Issue a", 2),
        ("Issue c", 3),
        ("Issue b", 1),
        ("Issue a2", 2),
    ]


# Interruptions

_KILLED = """\
import os, signal, sys
from cleo_core.app import App, open_app
from cleo_tasks.importers import writing
writing.UNIT = 2
left = [int(sys.argv[2])]
plain = App.write
def write(app, name, body):
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    return plain(app, name, body)
App.write = write
open_app().service("tasks").import_beads(sys.argv[1])
"""


def unfinished() -> list[dict[str, Any]]:
    return [
        issue("e", issue_type="epic", status="in_progress"),
        issue("f", status="closed", closed_at=AT, comments=[{"text": "c", "created_at": AT}]),
        issue("a", dependencies=[edge("a", "e", "parent-child", created_at=AT)], labels=["x"]),
        issue("b", dependencies=[edge("b", "a", created_at=AT), edge("b", "c", created_at=AT)]),
        issue("c", dependencies=[edge("c", "e", "parent-child"), edge("c", "b", created_at=AT)]),
        issue("d", dependencies=[edge("d", "b", "relates-to", created_at=AT), edge("d", "a")]),
        issue("g", status="closed", closed_at=AT),
        issue("h", dependencies=[edge("h", "g", "parent-child")], assignee="ada"),
    ]


def lines_of(cleo_cli: Cli, cwd: Path) -> list[dict[str, Any]]:
    """The tasks' lines of an export, without the times of edges that the source has no time for."""
    out = cleo_cli("export", "--output", "-", cwd=cwd).out
    rows = [row for row in map(json.loads, out.splitlines()) if row["record"] == "task"]
    for row in rows:
        for one in (*row["dependencies"], *row["relations"]):
            if one["createdAt"] != STORED:
                one["createdAt"] = "now"
    return rows


@pytest.mark.guarantee("tasks-29", "An import that was killed is finished by running it again.")
@pytest.mark.parametrize("units", range(1, 13))
def test_a_killed_run_is_finished_by_the_next(
    units: int,
    write: Any,
    cleo_cli: Cli,
    cleo_project: Path,
    cleo_home: Path,
    cleo_processes: Any,
) -> None:
    path = write(*unfinished())
    whole = cleo_home / "whole"
    whole.mkdir()
    assert cleo_cli("init", "whole", cwd=whole).code == 0
    assert cleo_cli("import", "beads", path, cwd=whole).data["imported"] == 8

    [(code, _, err)] = cleo_processes([[sys.executable, "-c", _KILLED, path, str(units)]])
    assert code in (-signal.SIGKILL, 0), err
    # Nothing that is half linked is offered to anyone.
    offered = {row["task"]["id"] for row in cleo_cli("next", "-n", "20").data}
    ready = {row["task"]["id"] for row in cleo_cli("next", "-n", "20", cwd=whole).data}
    assert offered <= ready

    again = cleo_cli("import", "beads", path).data
    assert again["imported"] + again["updated"] + again["skipped"] == 8
    assert lines_of(cleo_cli, cleo_project) == lines_of(cleo_cli, whole)
    assert cleo_cli("import", "beads", path).data["reasons"] == {"unchanged": 8}
    log = cleo_cli("log", "list", "--limit", "100").data
    assert {row["taskId"] for row in log if row["before"] is None} == {
        f"T00{number}" for number in range(1, 9)
    }


def test_two_imports_of_one_file_at_once_make_each_task_once(
    write: Any, cleo_cli: Cli, cleo_processes: Any
) -> None:
    path = write(*(issue(f"a-{number}") for number in range(300)))
    argv = [sys.executable, "-m", "cleo_core", "import", "beads", path]
    for code, out, err in cleo_processes([argv, argv, argv]):
        assert code in (0, 7, 21), (out, err)
    assert cleo_cli("import", "beads", path).data["read"] == 300
    page = cleo_cli("list", "--limit", "1").page
    assert page["total"] == 300


def test_others_may_write_between_the_units(
    write: Any, cleo_open: Callable[..., App], tasks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleo_tasks.importers import writing

    monkeypatch.setattr(writing, "UNIT", 1)
    path = write(
        issue("a", dependencies=[]),
        issue("b", dependencies=[edge("b", "a")]),
        issue("c", dependencies=[edge("c", "b")]),
    )
    other = cleo_open(agent="bob").service("tasks")
    seen: list[str] = []

    def interfere(what: str, done: int, total: int | None) -> None:
        if what == "edges" and not seen:
            seen.append(other.add("Meanwhile").task.id)
            other.deps_add("T001", "T003")

    result = tasks.import_beads(path, progress=interfere)
    assert result.imported == 3
    assert seen == ["T004"]
    assert tasks.deps_cycles().cycles == []
    assert tasks.show("T001")[0].depends_on == ["T003"]


# Real input


@pytest.mark.skipif(not REAL.exists(), reason="shared/data/beads is not here")
def test_the_export_of_a_real_project(tasks: Any, cleo_home: Path) -> None:
    report = cleo_home / "report.jsonl"
    result = tasks.import_beads(str(REAL), report=str(report))
    assert adds_up(result)
    source = [json.loads(line) for line in REAL.read_text("utf-8").splitlines()]
    assert (result.read, result.imported, result.reasons) == (len(source), 512, {"tombstone": 1})
    assert result.edges == {"dependencies": 289, "relations": 42, "parents": 162, "skipped": {}}
    assert result.problems == []
    outcome = {row["id"]: row for row in map(json.loads, report.read_text().splitlines())}
    for row in source[::9]:
        if row["status"] == "tombstone":
            continue
        task = tasks.show(outcome[row["id"]]["task"])[0]
        assert task.title == row["title"]
        assert (task.description or "") == row.get("description", "")
        chore = ["chore"] if row["issue_type"] == "chore" else []
        assert task.labels == sorted({*row.get("labels", []), *chore})
        assert task.created_at == row["created_at"][:23] + "Z"
        comments = [one["text"] for one in row.get("comments", ())]
        assert [note["text"] for note in task.notes if note["text"] in comments] == comments
        if row["status"] == "closed":
            assert task.completed_at == row["closed_at"][:23] + "Z"
        waits = {
            outcome[one["depends_on_id"]]["task"]
            for one in row.get("dependencies", ())
            if one["type"] == "blocks"
        }
        assert set(task.depends_on) == waits
    assert tasks.deps_cycles().cycles == []
    assert tasks.import_beads(str(REAL)).reasons == {"tombstone": 1, "unchanged": 512}


def test_the_bundled_sample_is_imported_whole(tasks: Any) -> None:
    result = tasks.import_beads(str(SAMPLE))
    assert adds_up(result)
    assert result.imported >= 35
    assert result.edges["dependencies"] > 0
    assert result.edges["parents"] > 0
    assert result.problems == []


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = st.sampled_from(
    (
        *("id", "title", "description", "design", "status", "priority", "issue_type", "labels"),
        *("assignee", "dependencies", "comments", "notes", "created_at", "updated_at"),
        *("closed_at", "close_reason", "acceptance_criteria", "_type", "ephemeral", "metadata"),
    )
)


@given(rows=st.lists(st.dictionaries(_FIELDS | st.text(max_size=5), _JSON), max_size=4))
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_whatever_a_line_holds_it_is_imported_or_skipped(
    rows: list[dict[str, Any]], write: Any, cleo_cli: Cli, cleo_project: Path
) -> None:
    good = issue(f"good-{os.urandom(4).hex()}")
    data = cleo_cli("import", "beads", write(good, *rows)).data
    assert data["read"] == len(rows) + 1
    assert data["imported"] + data["updated"] + data["skipped"] == data["read"]
    assert sum(data["reasons"].values()) == data["skipped"]
