"""Editing: each field alone, lists, edges, place and status, and everything that is refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome, Processes

Cli = Callable[..., Outcome]
Open = Callable[..., App]

NASTY = "a | b\n\t'c' \"d\"; DROP TABLE tasks; -- ${HOME} \\n <b> é 🦀 \u202e\u200b"


def add(app: App, title: str, **more: Any) -> str:
    """Add a task and return its id."""
    return str(app.service("tasks").add(title, allow_duplicate=True, **more).task.id)


def execute(app: App, sql: str, **params: Any) -> None:
    """Put something into the store that no verb under test writes."""
    app.write("tasks", lambda unit: unit.execute(sql, **params))


def row(app: App, id_: str) -> dict[str, Any]:
    """A task's columns as stored."""
    found = app.store("tasks").one("SELECT * FROM tasks WHERE id = :id", id=id_)
    assert found is not None
    return found


def everything(app: App) -> list[list[dict[str, Any]]]:
    """All that an edit could change."""
    return [
        app.store("tasks").read(f"SELECT * FROM {table} ORDER BY 1, 2")
        for table in ("tasks", "task_labels", "task_dependencies", "audit_log", "phases")
    ]


def refusal(app: App, id_: str, **given: Any) -> CleoError:
    """The error that an edit ends in; nothing may be written."""
    before = everything(app)
    with pytest.raises(CleoError) as caught:
        app.service("tasks").update(id_, **given)
    assert everything(app) == before
    return caught.value


@pytest.mark.parametrize(
    ("field", "value", "column", "stored"),
    [
        ("title", "  another ", "title", "another"),
        ("description", NASTY, "description", NASTY),
        ("type", "epic", "type", "epic"),
        ("priority", 7, "priority", "low"),
        ("role", "bug", "role", "bug"),
        ("scope", "unit", "scope", "unit"),
        ("severity", "P0", "severity", "P0"),
        ("size", "large", "size", "large"),
        ("stage", "test", "pipeline_stage", "testing"),
        ("acceptance", [NASTY, " x "], "acceptance_json", [NASTY, " x "]),
        ("files", ["a, b.py"], "files_json", ["a, b.py"]),
        ("metadata", {"a": [1, None, "é"]}, "metadata_json", {"a": [1, None, "é"]}),
        ("no_auto_complete", True, "no_auto_complete", 1),
        ("status", "blocked", "status", "blocked"),
    ],
)
def test_one_field_changes_and_no_other(
    cleo_app: App, cleo_clock: Any, field: str, value: Any, column: str, stored: Any
) -> None:
    id_ = add(cleo_app, "x", severity="P3", description="text", labels=["a"])
    before = row(cleo_app, id_)
    cleo_clock.advance(60)
    result = cleo_app.service("tasks").update(id_, **{field: value})
    after = row(cleo_app, id_)
    found = json.loads(after[column]) if column.endswith("_json") else after[column]
    assert found == stored
    assert {name for name in after if after[name] != before[name]} == {
        column,
        "version",
        "updated_at",
    }
    assert after["version"] == 2
    words = column.removesuffix("_json").split("_")
    assert result.fields == [words[0] + "".join(word.capitalize() for word in words[1:])]


def test_nothing_is_written_for_what_is_there_already(cleo_cli: Cli, cleo_project: Path) -> None:
    cleo_cli("add", "x", "--label", "a", "--severity", "P1")
    data = cleo_cli("update", "T001", "--title", "x", "--add-label", "a", "--severity", "P1").data
    assert (data["changed"], data["fields"], data["task"]["version"]) == (False, [], 1)
    assert len(cleo_cli("show", "T001", "--history").data["history"]) == 1


def test_an_edit_of_many_things_is_one_audit_row(cleo_app: App) -> None:
    first, second = add(cleo_app, "first"), add(cleo_app, "second")
    epic = add(cleo_app, "epic", type="epic")
    id_ = add(cleo_app, "x", depends=[first], labels=["a", "b"])
    result = cleo_app.service("tasks").update(
        id_,
        title="y",
        status="blocked",
        blocked_reason="no key",
        parent=epic,
        add_labels=["c"],
        remove_labels=["a"],
        add_depends=[second],
        remove_depends=[first],
        notes=["why"],
        phase="core",
        add_phase=True,
    )
    assert result.task.version == 2
    assert (result.task.labels, result.task.depends_on) == (["b", "c"], [second])
    (shown,) = cleo_app.service("tasks").show(id_, history=True)
    assert [one["action"] for one in shown.history] == ["task.add", "task.update"]
    entry = shown.history[-1]
    assert entry["before"] == {
        "title": "x",
        "status": "pending",
        "blocked_reason": None,
        "parent_id": None,
        "position": 4,
        "notes": [],
        "phase": None,
        "labels": ["a", "b"],
        "depends_on": [first],
    }
    assert entry["after"]["depends_on"] == [second]


def test_a_list_replaces_and_its_other_forms_change(cleo_cli: Cli, cleo_project: Path) -> None:
    for title in ("one", "two", "three"):
        cleo_cli("add", title)
    cleo_cli("add", "x", "--label", "a", "--depends", "T001", "--file", "f", "--acceptance", "1")

    def after(*words: str) -> dict[str, Any]:
        task: dict[str, Any] = cleo_cli("update", "T004", *words).data["task"]
        return task

    assert after("--label", "b", "--label", "c")["labels"] == ["b", "c"]
    assert after("--add-label", "a", "--remove-label", "c")["labels"] == ["a", "b"]
    assert after("--depends", "2", "--depends", "t3-slug")["dependsOn"] == ["T002", "T003"]
    changed = after("--add-depends", "T001", "--remove-depends", "T003")
    assert changed["dependsOn"] == ["T001", "T002"]
    assert after("--file", "g, h")["files"] == ["g, h"]
    assert after("--add-file", "i", "--remove-file", "g, h")["files"] == ["i"]
    assert after("--acceptance", "2")["acceptance"] == ["2"]
    assert after("--add-acceptance", "3", "--add-acceptance", "2")["acceptance"] == ["2", "3", "2"]


@pytest.mark.parametrize(
    ("field", "key", "empty"),
    [
        ("description", "description", None),
        ("desc", "description", None),
        ("severity", "severity", None),
        ("size", "size", None),
        ("phase", "phase", None),
        ("parent", "parentId", None),
        ("blocked-reason", "blockedReason", None),
        ("blockedReason", "blockedReason", None),
        ("labels", "labels", []),
        ("depends", "dependsOn", []),
        ("files", "files", []),
        ("acceptance", "acceptance", []),
        ("metadata", "metadata", {}),
        ("no-auto-complete", "noAutoComplete", False),
    ],
)
def test_a_field_is_cleared(cleo_cli: Cli, cleo_app: App, field: str, key: str, empty: Any) -> None:
    epic, first = add(cleo_app, "epic", type="epic"), add(cleo_app, "first")
    id_ = add(
        cleo_app,
        "x",
        description="text",
        severity="P1",
        size="small",
        phase="core",
        add_phase=True,
        parent=epic,
        labels=["a"],
        depends=[first],
        files=["f"],
        acceptance=["a"],
        metadata={"a": 1},
        notes=["n"],
    )
    cleo_app.service("tasks").update(
        id_, no_auto_complete=True, status="blocked", blocked_reason="key"
    )
    before = cleo_cli("show", id_).data
    outcome = cleo_cli("update", id_, "--clear", field)
    assert outcome.data["changed"] is True
    after = cleo_cli("show", id_).data
    assert after[key] == empty
    differing = {name for name in after if after[name] != before[name]}
    assert differing - {"version", "updatedAt", "openDependencies", "position"} == {key}


@pytest.mark.parametrize("field", ["title", "status", "notes", "assignee", "id", "", "a\0b"])
def test_what_a_task_needs_is_not_cleared(cleo_cli: Cli, cleo_app: App, field: str) -> None:
    add(cleo_app, "x", notes=["kept"])
    outcome = cleo_cli("update", "T001", "--clear", field)
    assert outcome.code in (2, 6)
    assert cleo_cli("update", "T001", "--clear", "size", "--size", "small").code == 2
    assert row(cleo_app, "T001")["version"] == 1


def test_notes_are_appended_and_only_a_file_replaces_them(
    cleo_cli: Cli, cleo_project: Path
) -> None:
    cleo_cli("add", "x", "--note", "one")
    cleo_cli("update", "T001", "--note", "two", "--note", NASTY, agent="a1")
    notes = cleo_cli("show", "T001").data["notes"]
    assert [(note["by"], note["text"]) for note in notes] == [
        ("user", "one"),
        ("a1", "two"),
        ("a1", NASTY),
    ]
    kept = {"at": "2026-01-01T00:00:00.000Z", "by": "someone", "text": "kept"}
    file = json.dumps({"notes": [kept, "new"]})
    cleo_cli("update", "T001", "--json-file", "-", "--note", "added", input=file)
    notes = cleo_cli("show", "T001").data["notes"]
    assert notes[0] == kept
    assert [note["text"] for note in notes] == ["kept", "new", "added"]


def test_a_json_file_sets_fields_options_win_and_null_clears(
    cleo_cli: Cli, cleo_project: Path
) -> None:
    cleo_cli("add", "x", "--severity", "P1", "--label", "a")
    cleo_cli("add", "y")
    file = cleo_project / "fields.json"
    file.write_text(
        json.dumps(
            {
                "title": "from the file",
                "priority": 1,
                "severity": None,
                "labels": [],
                "dependsOn": ["T002"],
                "noAutoComplete": False,
                "metadata": {"k": "v"},
                "description": NASTY,
            }
        )
    )
    data = cleo_cli("update", "T001", "--json-file", str(file), "--title", "from the option").data
    task = data["task"]
    assert (task["title"], task["priority"], task["severity"]) == (
        "from the option",
        "critical",
        None,
    )
    assert (task["labels"], task["dependsOn"], task["description"]) == ([], ["T002"], NASTY)
    assert task["metadata"] == {"k": "v"}


@pytest.mark.parametrize(
    ("start", "to", "code"),
    [
        ("pending", "active", 0),
        ("pending", "blocked", 0),
        ("pending", "proposed", 6),
        ("active", "pending", 0),
        ("active", "blocked", 0),
        ("active", "proposed", 6),
        ("blocked", "pending", 0),
        ("blocked", "active", 0),
        ("blocked", "proposed", 6),
        ("proposed", "pending", 0),
        ("proposed", "active", 6),
        ("proposed", "blocked", 6),
        ("done", "pending", 6),
        ("done", "active", 6),
        ("cancelled", "pending", 6),
        ("cancelled", "blocked", 6),
        ("archived", "pending", 6),
        ("archived", "active", 6),
    ],
)
def test_the_status_changes_by_the_table_only(
    cleo_cli: Cli, cleo_app: App, start: str, to: str, code: int
) -> None:
    reach: dict[str, tuple[tuple[str, ...], ...]] = {
        "active": (("update", "T001", "--status", "active"),),
        "blocked": (("update", "T001", "--status", "blocked"),),
        "done": (("complete", "T001"),),
        "cancelled": (("cancel", "T001"),),
        "archived": (("complete", "T001"), ("archive", "T001")),
    }
    add(cleo_app, "x", status="proposed" if start == "proposed" else "pending")
    for words in reach.get(start, ()):
        assert cleo_cli(*words).code == 0
    outcome = cleo_cli("update", "T001", "--status", to)
    assert outcome.code == code, repr(outcome)
    if code:
        assert outcome.error["code"] == "E_INVALID_TRANSITION"
        assert outcome.error["details"]["allowed"]
    assert row(cleo_app, "T001")["status"] == (start if code else to)
    again = cleo_cli("update", "T001", "--status", to if not code else "cancelled")
    assert again.code == (2 if code else 0)


@pytest.mark.parametrize(
    ("words", "code", "fix"),
    [
        (("--status", "done", "--title", "y"), 2, "cleo complete T001"),
        (("--status", "done", "--clear", "size"), 2, "cleo complete T001"),
        (("--status", "done", "--note", "n"), 2, "cleo complete T001"),
        (("--status", "cancelled"), 2, "cleo cancel T001"),
        (("--status", "archived"), 2, "cleo archive T001"),
        (("--status", "archived", "--title", "y"), 2, "cleo archive T001"),
        (("--blocked-reason", "why"), 6, "cleo update T001 --status blocked --blocked-reason TEXT"),
        ((), 2, "cleo update T001 --help"),
    ],
)
def test_the_right_verb_is_named(
    cleo_cli: Cli, cleo_project: Path, words: tuple[str, ...], code: int, fix: str
) -> None:
    cleo_cli("add", "x")
    outcome = cleo_cli("update", "T001", *words)
    assert (outcome.code, outcome.error["fix"]) == (code, fix)
    assert cleo_cli("show", "T001").data["version"] == 1


def test_done_alone_completes(cleo_cli: Cli, cleo_app: App) -> None:
    epic = add(cleo_app, "epic", type="epic")
    id_ = add(cleo_app, "x", parent=epic)
    add(cleo_app, "waits", depends=[id_])
    assert cleo_cli("update", id_, "--status", "done", "--if-version", "7").code == 21
    data = cleo_cli("update", id_, "--status", "done").data
    assert data["task"]["status"] == "done"
    assert data["fields"] == ["status", "pipelineStage", "completedAt"]
    assert data["completed"]["autoCompleted"] == [epic]
    assert cleo_cli("update", id_, "--status", "done").code == 17
    assert cleo_cli("show", id_, "--history").data["history"][-1]["action"] == "task.complete"


def test_active_needs_satisfied_dependencies_as_the_edit_leaves_them(cleo_app: App) -> None:
    first = add(cleo_app, "first")
    id_ = add(cleo_app, "x", depends=[first])
    assert refusal(cleo_app, id_, status="active").exit == 5
    result = cleo_app.service("tasks").update(id_, status="active", remove_depends=[first])
    assert result.task.status == "active"


def test_a_reason_goes_with_being_blocked(cleo_app: App) -> None:
    tasks = cleo_app.service("tasks")
    id_ = add(cleo_app, "x")
    tasks.update(id_, status="blocked", blocked_reason="no key")
    assert tasks.update(id_, blocked_reason="no token").task.blocked_reason == "no token"
    assert refusal(cleo_app, id_, status="pending", blocked_reason="x").exit == 6
    assert tasks.update(id_, status="pending").task.blocked_reason is None


def test_a_move_and_an_edge_are_judged_as_they_end(cleo_app: App) -> None:
    tasks = cleo_app.service("tasks")
    epic = add(cleo_app, "epic", type="epic")
    child = add(cleo_app, "child", parent=epic)
    refused = refusal(cleo_app, child, add_depends=[epic])
    assert (refused.exit, refused.details["path"]) == (14, [child, epic, child])
    moved = tasks.update(child, parent="root", add_depends=[epic]).task
    assert (moved.parent_id, moved.depends_on) == (None, [epic])
    assert refusal(cleo_app, child, parent=epic).exit == 14
    assert tasks.update(child, parent=epic, clear=["depends"]).task.parent_id == epic


@pytest.mark.guarantee("tasks-09", "An edit that would close a loop is refused with its path")
def test_a_loop_is_refused_with_its_path(cleo_app: App) -> None:
    one = add(cleo_app, "one")
    two = add(cleo_app, "two", depends=[one])
    three = add(cleo_app, "three", depends=[two])
    refused = refusal(cleo_app, one, add_depends=[three])
    assert (refused.code, refused.details["path"]) == ("E_CYCLE", [one, three, two, one])
    assert refusal(cleo_app, one, depends=[one]).details["path"] == [one, one]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"parent": "T999"}, 10),
        ({"parent": "T003"}, 6),
        ({"type": "subtask"}, 13),
        ({"type": "epic", "parent": "T002"}, 13),
        ({"parent": "T004"}, 14),
        ({"phase": "nowhere"}, 6),
        ({"phase": "No Slug", "add_phase": True}, 6),
        ({"depends": ["T999"]}, 4),
        ({"remove_depends": ["T999"]}, 4),
        ({"stage": "contribution"}, 83),
        ({"stage": "cancelled"}, 6),
        ({"title": "DESCRIBED"}, 6),
        ({"description": "x"}, 6),
        ({"labels": ["Not Valid"]}, 6),
        ({"add_labels": ["a", "b" * 65]}, 6),
        ({"title": "y" * 201}, 6),
        ({"title": "a\nb"}, 6),
        ({"title": " "}, 6),
        ({"position": 0}, 6),
        ({"position": 2**63}, 6),
        ({"metadata": {"a": float("nan")}}, 6),
        ({"notes": "not a list"}, 6),
        ({"replace_notes": [{"text": "t", "at": "yesterday"}]}, 2),
        ({"replace_notes": [{"text": "t", "who": "me"}]}, 6),
        ({"no_auto_complete": "yes"}, 6),
        ({"description": "half a \ud800 pair"}, 6),
        ({"if_version": 2, "title": "y"}, 21),
    ],
)
def test_each_refusal_has_its_code(cleo_app: App, given: dict[str, Any], code: int) -> None:
    id_ = add(cleo_app, "x", description="described")
    add(cleo_app, "a task")
    closed = add(cleo_app, "closed", type="epic")
    cleo_app.service("tasks").complete(closed)
    child = add(cleo_app, "child", parent=id_)
    assert (id_, closed, child) == ("T001", "T003", "T004")
    error = refusal(cleo_app, id_, **given)
    assert error.exit == code, error
    assert error.fix


@pytest.mark.guarantee(
    "tasks-12", "All problems of one bad edit come back together, one alone with its own code"
)
def test_all_problems_of_an_edit_come_together(cleo_app: App) -> None:
    id_ = add(cleo_app, "x")
    error = refusal(
        cleo_app,
        id_,
        title="",
        priority="urgent",
        severity="P9",
        type="subtask",
        parent="T999",
        depends=["T998"],
        status="proposed",
        labels=["A B"],
        phase="nowhere",
        position=-1,
    )
    assert error.exit == 6
    assert {one["field"]: one["exit"] for one in error.details["problems"]} == {
        "title": 6,
        "priority": 6,
        "severity": 6,
        "labels": 6,
        "depends": 4,
        "parent": 10,
        "status": 6,
        "position": 6,
        "phase": 6,
    }
    assert error.details["parameters"]["priority"] == "urgent"


@pytest.mark.guarantee(
    "tasks-12", "All problems of one bad add come back together, one alone with its own code"
)
@pytest.mark.parametrize(
    ("words", "codes"),
    [
        (("--parent", "T999"), [10]),
        (("--parent", "T001", "--type", "epic"), [13]),
        (("--depends", "T999"), [4]),
        (("--priority", "urgent"), [6]),
        (("--status", "done"), [2]),
        (("--depends", "T999", "--priority", "urgent", "--label", "A B"), [6, 6, 4]),
        (("--parent", "T999", "--severity", "x", "--status", "done"), [6, 2, 10]),
    ],
)
def test_all_problems_of_an_add_come_together(
    cleo_cli: Cli, cleo_project: Path, words: tuple[str, ...], codes: list[int]
) -> None:
    cleo_cli("add", "a task")
    outcome = cleo_cli("add", "x", *words)
    problems = outcome.error.get("details", {}).get("problems")
    if len(codes) == 1:
        assert (outcome.code, problems) == (codes[0], None)
    else:
        assert outcome.code == 6
        assert [one["exit"] for one in problems] == codes
    assert cleo_cli("exists", "T002").envelope["data"] == {"exists": False}


@pytest.mark.guarantee(
    "tasks-02", "A word that is no value of an option is refused by add and update"
)
@pytest.mark.parametrize(
    "option", ["type", "status", "priority", "role", "scope", "severity", "size", "stage"]
)
@pytest.mark.parametrize("word", ["nonsense", "", "PENDING", "task ", "'; --", "☃"])
def test_an_unknown_word_is_refused(cleo_cli: Cli, cleo_app: App, option: str, word: str) -> None:
    add(cleo_app, "x")
    before = everything(cleo_app)
    for words in (("add", "y"), ("update", "T001")):
        outcome = cleo_cli(*words, f"--{option}", word)
        assert outcome.code in (2, 6), repr(outcome)
        assert outcome.error["fix"]
    assert everything(cleo_app) == before


@pytest.mark.guarantee(
    "tasks-13", "Acceptance criteria come back byte for byte, and their number is told"
)
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    texts=st.lists(
        st.text(
            st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30
        ).filter(str.strip)
        | st.sampled_from([NASTY, "a|b", '"quoted"', "one\ntwo", "👩‍👩‍👧", "[1]", "null"]),
        max_size=6,
    )
)
def test_acceptance_comes_back_byte_for_byte(cleo_app: App, texts: list[str]) -> None:
    tasks = cleo_app.service("tasks")
    added = tasks.add("x", acceptance=texts, allow_duplicate=True)
    assert added.counts["acceptance"] == len(texts)
    (shown,) = tasks.show(added.task.id)
    assert shown.acceptance == texts
    updated = tasks.update(added.task.id, acceptance=[*texts, "last"])
    assert updated.task.acceptance == [*texts, "last"]


@pytest.mark.guarantee(
    "tasks-13", "Acceptance criteria on the command line are never split on a character"
)
def test_acceptance_on_the_command_line(cleo_cli: Cli, cleo_project: Path) -> None:
    texts = [NASTY, "a|b, c; d", " x ", "--not-an-option"]
    words = [word for text in texts for word in ("--acceptance", text)]
    data = cleo_cli("add", "x", *words, process=True).data
    assert data["counts"]["acceptance"] == 4
    assert cleo_cli("show", "T001", process=True).data["acceptance"] == texts


@pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u2028"])
@pytest.mark.parametrize(
    ("words", "field"),
    [
        (("update", "T001", "--acceptance"), "acceptance"),
        (("update", "T001", "--add-acceptance"), "add_acceptance"),
        (("update", "T001", "--file"), "files"),
        (("update", "T001", "--add-file"), "add_files"),
        (("update", "T001", "--note"), "note"),
        (("add", "y", "--acceptance", "x", "--acceptance"), "acceptance"),
        (("add", "y", "--file"), "files"),
        (("add", "y", "--note"), "note"),
        (("complete", "T001", "--note"), "note"),
    ],
)
def test_a_blank_entry_of_a_list_is_refused(
    cleo_cli: Cli, cleo_app: App, words: tuple[str, ...], field: str, blank: str
) -> None:
    add(cleo_app, "x")
    before = everything(cleo_app)
    outcome = cleo_cli(*words, blank)
    assert (outcome.code, outcome.error["details"]["field"]) == (6, field)
    assert outcome.error["fix"].startswith("--")
    assert everything(cleo_app) == before


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("add", "y"), {"acceptance": [" "]}),
        (("add", "y"), {"files": [""]}),
        (("add", "y"), {"notes": ["\n"]}),
        (("update", "T001"), {"addAcceptance": [""]}),
        (("update", "T001"), {"notes": ["a note", ""]}),
        (("update", "T001"), {"notes": [{"text": " "}]}),
    ],
)
def test_a_blank_entry_in_a_file_is_refused(
    cleo_cli: Cli, cleo_app: App, words: tuple[str, ...], text: dict[str, Any]
) -> None:
    add(cleo_app, "x")
    before = everything(cleo_app)
    assert cleo_cli(*words, "--json-file", "-", input=json.dumps(text)).code == 6
    assert cleo_cli("add-batch", input=json.dumps({"title": "y", "acceptance": [" "]})).code == 6
    assert everything(cleo_app) == before


def test_a_blank_path_that_is_stored_can_be_removed(cleo_cli: Cli, cleo_app: App) -> None:
    add(cleo_app, "x")
    cleo_app.write(
        "tasks", lambda unit: unit.execute("""UPDATE tasks SET files_json = '["", "a"]'""")
    )
    assert cleo_cli("update", "T001", "--remove-file", "").data["task"]["files"] == ["a"]


def test_a_phase_to_be_made_has_to_be_named(cleo_cli: Cli, cleo_app: App) -> None:
    add(cleo_app, "x")
    before = everything(cleo_app)
    for words in (("add", "y"), ("update", "T001", "--title", "z")):
        assert cleo_cli(*words, "--add-phase").code == 2
    assert everything(cleo_app) == before
    unknown = cleo_cli("add", "y", "--phase", "build").error
    assert unknown["fix"] == "the same command with --add-phase"
    wrong = cleo_cli("add", "y", "--phase", "2. Build It!").error
    assert wrong["fix"] == "--phase build-it"


@pytest.mark.parametrize(
    ("words", "absent"),
    [
        (("--status", ""), ("active", "done", "cancelled", "archived")),
        (("--status", "nonsense"), ("active", "done", "cancelled", "archived")),
        (("--stage", ""), ("contribution", "cancelled")),
        (("--stage", "nonsense"), ("contribution", "cancelled")),
    ],
)
def test_only_words_that_are_accepted_are_offered(
    cleo_cli: Cli, cleo_project: Path, words: tuple[str, ...], absent: tuple[str, ...]
) -> None:
    error = cleo_cli("add", "x", *words).error
    assert error["exit"] == 6
    assert not [word for word in absent if word in error["message"]]
    assert cleo_cli("add", "x", "--stage", "contribution").code == 83
    assert cleo_cli("add", "x", *error["fix"].split()).code == 0


def test_a_child_that_stands_against_another_type_is_named(cleo_cli: Cli, cleo_app: App) -> None:
    add(cleo_app, "epic", type="epic")
    add(cleo_app, "task", parent="T001")
    error = cleo_cli("update", "T001", "--type", "task").error
    assert error["exit"] == 13
    assert "T002 would stand under task T001" in error["message"]
    assert error["fix"] == "cleo reparent T002 --to root"
    assert cleo_cli(*error["fix"].split()[1:]).code == 0
    assert cleo_cli("update", "T001", "--type", "task").code == 0


def test_a_wrong_label_to_add_is_answered_with_the_option_that_was_used(
    cleo_cli: Cli, cleo_app: App
) -> None:
    add(cleo_app, "x", labels=["kept"])
    assert cleo_cli("update", "T001", "--add-label", "Bad L").error["fix"] == "--add-label bad-l"


EDIT_OFTEN = """
import sys
from cleo_core import open_app
field, times = sys.argv[1], int(sys.argv[2])
with open_app() as app:
    tasks = app.service("tasks")
    for number in range(times):
        if field == "title":
            tasks.update("T001", title=f"title {number}")
        else:
            tasks.update("T001", notes=[str(number)], add_labels=[f"l{number}"])
"""


@pytest.mark.guarantee(
    "tasks-05", "Two programs that edit different fields of one task lose nothing of each other"
)
def test_two_processes_edit_different_fields(
    cleo_cli: Cli, cleo_app: App, cleo_processes: Processes
) -> None:
    add(cleo_app, "x")
    times = 60
    ended = cleo_processes(
        [[sys.executable, "-c", EDIT_OFTEN, field, str(times)] for field in ("title", "notes")]
    )
    assert [code for code, _, _ in ended] == [0, 0], ended
    data = cleo_cli("show", "T001", "--history").data
    assert data["title"] == f"title {times - 1}"
    assert [note["text"] for note in data["notes"]] == [str(one) for one in range(times)]
    assert len(data["labels"]) == times
    assert data["version"] == 1 + 2 * times
    assert len(data["history"]) == 1 + 2 * times


@pytest.mark.guarantee(
    "tasks-05", "Of two edits based on the same version exactly one wins, the other gets exit 21"
)
def test_of_two_edits_of_one_version_one_wins(
    cleo_cli: Cli, cleo_app: App, cleo_processes: Processes
) -> None:
    add(cleo_app, "x")
    for version in range(1, 4):
        ended = cleo_processes(
            [
                [
                    *(sys.executable, "-m", "cleo_core", "update", "T001"),
                    *("--title", f"by {name} {version}", "--if-version", str(version)),
                ]
                for name in ("one", "two")
            ]
        )
        assert sorted(code for code, _, _ in ended) == [0, 21], ended
        (lost,) = [json.loads(out)["error"] for code, out, _ in ended if code]
        assert lost["details"]["expected"] == version
        assert lost["details"]["version"] == version + 1
        assert lost["details"]["current"]["title"].startswith("by ")


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(["T001", "T002", "root", "done", "active", "blocked", "epic"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
KEYS = (
    *("title", "description", "desc", "type", "parent", "parentId", "status", "priority", "phase"),
    *("addPhase", "size", "labels", "addLabels", "removeLabels", "depends", "dependsOn"),
    *("addDepends", "removeDepends", "files", "addFiles", "removeFiles", "acceptance"),
    *("addAcceptance", "notes", "note", "position", "role", "scope", "severity", "stage"),
    *("metadata", "blockedReason", "noAutoComplete", "clear"),
)


@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(fields=st.dictionaries(st.sampled_from(KEYS), JSON_VALUES, max_size=4))
def test_no_json_ends_in_anything_but_an_edit_or_one_clear_error(
    cleo_cli: Cli, cleo_app: App, fields: dict[str, Any]
) -> None:
    if not cleo_app.service("tasks").exists("T001"):
        add(cleo_app, "x")
        add(cleo_app, "other")
    before = everything(cleo_app)
    outcome = cleo_cli("update", "T001", "--json-file", "-", input=json.dumps(fields))
    if outcome.code == 0:
        assert cleo_app.store("tasks").read("PRAGMA foreign_key_check") == []
        return
    assert outcome.code in (2, 4, 5, 6, 10, 11, 12, 13, 14, 16, 17, 83), repr(outcome)
    assert outcome.error["fix"]
    assert everything(cleo_app) == before


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", 2),
        ("[]", 2),
        ("{}", 2),
        ('{"id": "T002"}', 2),
        ('{"title": "y"', 2),
        ('{"if_version": 1, "title": "y"}', 2),
        ("[" * 100_000, 2),
        ('{"title": "\\ud800"}', 6),
        ('{"title": "a\\u0000"}', 6),
        ('{"position": 1e400}', 6),
    ],
)
def test_a_bad_file_is_one_clear_error(cleo_cli: Cli, cleo_app: App, text: str, code: int) -> None:
    add(cleo_app, "x")
    outcome = cleo_cli("update", "T001", "--json-file", "-", input=text)
    assert outcome.code == code, repr(outcome)
    assert cleo_cli("update", "T001", "--json-file", "/nowhere/at/all").code == 3
    assert row(cleo_app, "T001")["version"] == 1


def test_a_stage_stays_behind_its_epic_and_follows_its_own_pipeline(cleo_app: App) -> None:
    epic = add(cleo_app, "epic", type="epic")
    id_ = add(cleo_app, "x", parent=epic, stage="research")

    def pipeline(task: str) -> None:
        for sql in (
            "INSERT INTO lifecycle_pipelines (id, task_id, status, started_at, updated_at) "
            "SELECT 'pl_' || id, id, 'active', created_at, created_at FROM tasks WHERE id = :id",
            "INSERT INTO lifecycle_stages (id, pipeline_id, stage_name, status, sequence) "
            "SELECT 'pl_' || id || '/specification', 'pl_' || id, 'specification', "
            "'in_progress', 4 FROM tasks WHERE id = :id",
            "UPDATE lifecycle_pipelines SET current_stage_id = id || '/specification' "
            "WHERE task_id = :id",
            "UPDATE tasks SET pipeline_stage = 'specification' WHERE id = :id",
        ):
            execute(cleo_app, sql, id=task)

    pipeline(epic)
    tasks = cleo_app.service("tasks")
    assert refusal(cleo_app, id_, stage="implementation").exit == 83
    assert tasks.update(id_, stage="spec").task.pipeline_stage == "specification"
    assert refusal(cleo_app, epic, stage="research").exit == 83
    assert tasks.update(epic, stage="specification").changed is False
    tasks.cancel(id_)
    assert refusal(cleo_app, id_, stage="research").exit == 83


def test_a_type_change_must_suit_parent_and_children(cleo_app: App) -> None:
    tasks = cleo_app.service("tasks")
    task = add(cleo_app, "task")
    child = add(cleo_app, "child", parent=task)
    assert refusal(cleo_app, task, type="epic").exit == 13
    assert refusal(cleo_app, child, type="task").exit == 13
    moved = tasks.update(child, type="task", parent="root")
    assert (moved.task.type, moved.task.parent_id) == ("task", None)
    assert "type" in moved.fields
    assert tasks.update(task, type="epic").task.type == "epic"
    assert tasks.update(child, parent=task).task.parent_id == task


def test_a_place_among_siblings_is_taken(cleo_app: App) -> None:
    tasks = cleo_app.service("tasks")
    epic = add(cleo_app, "epic", type="epic")
    one, two, three = (add(cleo_app, name, parent=epic) for name in ("a", "b", "c"))
    assert tasks.update(three, position=1).fields == ["position"]
    (shown,) = tasks.show(epic, children=True)
    assert [line.id for line in shown.children] == [three, one, two]
    assert tasks.update(three, position=1).changed is False


def test_a_new_phase_is_made_on_request(cleo_cli: Cli, cleo_app: App) -> None:
    add(cleo_app, "x")
    assert cleo_cli("update", "T001", "--phase", "core", "--add-phase").data["fields"] == ["phase"]
    assert cleo_app.store("tasks").read("SELECT slug, position FROM phases") == [
        {"slug": "core", "position": 1}
    ]


def test_an_edit_outside_the_session_is_refused(
    cleo_cli: Cli, cleo_open: Open, cleo_project: Path
) -> None:
    cleo_cli("config", "set", "tasks.session.enforce", "warn")
    app = cleo_open(agent="a1")
    one, two = add(app, "one"), add(app, "two")
    app.service("tasks").session_start(f"task:{one}")
    outcome = cleo_cli("update", two, "--title", "y", agent="a1")
    assert (outcome.code, [one["code"] for one in outcome.warnings]) == (0, ["W_OUT_OF_SCOPE"])
    cleo_cli("config", "set", "tasks.session.enforce", "block")
    assert cleo_cli("update", two, "--title", "z", agent="a1").code == 34
    assert cleo_cli("update", two, "--title", "z", agent="a2").code == 36
    assert cleo_cli("update", one, "--title", "z", agent="a1").code == 0
    assert cleo_cli("update", one, "--parent", two, agent="a1").code == 34


def test_a_dry_run_changes_no_byte(
    cleo_cli: Cli, cleo_project: Path, frozen_bytes: Callable[[Path], Any]
) -> None:
    cleo_cli("add", "x")
    with frozen_bytes(cleo_project):
        outcome = cleo_cli("update", "T001", "--title", "y", "--add-label", "a", "--dry-run")
        assert (outcome.data["task"]["title"], outcome.data["task"]["labels"]) == ("y", ["a"])
    assert cleo_cli("show", "T001").data["title"] == "x"
