"""``manifest add | list | show | find | stats | distil | archive | stages``."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.output import to_json
from cleo_core.testing import Outcome
from cleo_core.testing.fixtures import CLEO, Processes

Cli = Callable[..., Outcome]


@pytest.fixture
def tasks(cleo_app: App) -> Any:
    service = cleo_app.service("tasks")
    service.add("Outer", type="epic")
    service.add("Inner", type="epic", parent="T001")
    service.add("Task", parent="T002")
    service.add("Another", parent="T002")
    return service


@pytest.fixture
def stage_output(cleo_app: App, tasks: Any) -> str:
    """The id of what a lifecycle stage brought forth."""
    from cleo_tasks.store import manifest_entries

    cleo_app.write(
        "tasks",
        lambda unit: manifest_entries.insert(
            unit,
            {
                **dict.fromkeys(("pipeline_id", "stage_id", "agent_type", "output_file")),
                "id": "T003-research",
                "title": "What was found",
                "date": "2026-03-25",
                "status": "completed",
                "created_by": "a1",
                "topics": ["cache"],
                "findings": ["fast"],
                "created_at": unit.now,
            },
            ["T003"],
        ),
    )
    return "T003-research"


def test_a_manifest_is_stored_with_its_task_epic_and_session(tasks: Any, cleo_cli: Cli) -> None:
    session = cleo_cli("session", "start").data["id"]
    data = cleo_cli(
        *("manifest", "add", "How Others Cache!", "--content", "text", "--task", "4"),
        *("--type", "research", "--metadata", '{"a": 1}'),
    ).data
    assert data.pop("merged") is False
    found = data
    assert found == {
        "id": "T004-how-others-cache",
        "sessionId": session,
        "taskId": "T004",
        "epicId": "T002",
        "type": "research",
        "title": "How Others Cache!",
        "content": "text",
        "contentHash": hashlib.sha256(b"text").hexdigest()[:16],
        "status": "active",
        "brainObsId": None,
        "sourceFile": None,
        "metadata": {"a": 1},
        "createdAt": found["createdAt"],
        "archivedAt": None,
    }
    assert cleo_cli("manifest", "show", found["id"]).data == found
    (row,), _ = tasks.log_list(action="manifest.add")
    assert (row["entityKind"], row["entityId"], row["taskId"]) == (
        *("manifest", "T004-how-others-cache"),
        "T004",
    )
    assert (row["before"], row["after"]["content"], row["sessionId"]) == (None, "text", session)


@pytest.mark.parametrize(("task", "epic"), [("T001", None), ("T002", "T001"), ("T003", "T002")])
def test_the_epic_is_the_nearest_one_above(tasks: Any, task: str, epic: str | None) -> None:
    assert tasks.manifest_add("x", content="y", task=task).epic_id == epic


def test_the_same_content_of_a_task_is_stored_once(tasks: Any, cleo_cli: Cli) -> None:
    first = tasks.manifest_add("One", content="same", task="T003")
    again = cleo_cli("manifest", "add", "Two", "--content", "same", "--task", "T003")
    assert (again.data["merged"], again.data["id"]) == (True, first.id)
    assert [one["code"] for one in again.warnings] == ["W_MERGED"]
    assert "title" in again.warnings[0]["message"]
    # Another task, and none at all, have their own.
    assert tasks.manifest_add("One", content="same", task="T004").merged is False
    assert tasks.manifest_add("One", content="same").id == "M-one"
    merged = tasks.manifest_add("One", content="same")
    assert (merged.merged, merged.id) == (True, "M-one")
    assert tasks.manifest_list()[1].total == 3
    assert tasks.log_list(action="manifest.add")[1].total == 3
    tasks.manifest_archive("M-one")
    assert tasks.manifest_add("One", content="same").status == "archived"


def test_many_that_add_the_same_at_once_store_it_once(
    tasks: Any, cleo_processes: Processes
) -> None:
    argv = [*CLEO, "manifest", "add", "One", "--content", "same"]
    runs = cleo_processes([argv, [*argv, "--task", "T003"]] * 2)
    assert [code for code, _, _ in runs] == [0] * 4
    assert tasks.manifest_stats().total == 2


def test_ids_are_made_unique_over_both_tables(tasks: Any, stage_output: str) -> None:
    def add(title: str, content: str, task: str | None = None) -> str:
        return str(tasks.manifest_add(title, content=content, task=task).id)

    assert add("Research", "a", "T003") == f"{stage_output}-2"
    assert add("Research", "b", "T003") == f"{stage_output}-3"
    assert add("Research", "c") == "M-research"
    assert add("Research 2", "d") == "M-research-2"
    assert add("Research", "e") == "M-research-3"
    assert add("日本", "f") == "M-note"
    assert add("日本", "g", "T003") == "T003-note"


def test_a_file_of_the_project_is_read_and_named(tasks: Any, cleo_project: Path) -> None:
    text = "# Notes\r\n'quotes' \"and\" | pipes 🎉\n"
    (cleo_project / "docs").mkdir()
    (cleo_project / "docs" / "notes.md").write_bytes(text.encode())
    found = tasks.manifest_add("Notes", file="docs/notes.md")
    assert (found.content, found.source_file) == (text, "docs/notes.md")
    absolute = tasks.manifest_add("Notes", file=str(cleo_project / "docs" / "notes.md"))
    assert (absolute.merged, absolute.id) == (True, found.id)


def test_a_linked_work_tree_has_files_of_its_own(
    tasks: Any, cleo_cli: Cli, cleo_project: Path, cleo_home: Path
) -> None:
    for argv in (
        ("init", "-q"),
        (*("-c", "user.name=n", "-c", "user.email=e@x"), *("commit", "-qm", "1", "--allow-empty")),
        ("worktree", "add", "-q", str(cleo_home / "tree")),
    ):
        subprocess.run(["git", *argv], cwd=cleo_project, check=True, capture_output=True)
    (cleo_home / "tree" / "notes.md").write_text("of the branch", encoding="utf-8")
    found = cleo_cli("manifest", "add", "N", "--file", "notes.md", cwd=cleo_home / "tree").data
    assert found["content"] == "of the branch"


def test_a_content_may_come_from_standard_input(tasks: Any, cleo_cli: Cli) -> None:
    data = cleo_cli("manifest", "add", "Piped", "--file", "-", input="from a pipe\n").data
    assert (data["content"], data["sourceFile"]) == ("from a pipe\n", None)
    assert cleo_cli("manifest", "add", "P", "--file", "-", input=b"\xff").error["exit"] == 2


REFUSED = [
    (("T",), 2),
    (("T", "--content", "a", "--file", "notes.md"), 2),
    (("T", "--content", "a", "--file", "-"), 2),
    (("", "--content", "a"), 6),
    (("a\nb", "--content", "a"), 6),
    (("x" * 201, "--content", "a"), 6),
    (("T", "--content", " \n"), 6),
    (("T", "--content", "\ud800"), 6),
    (("T", "--content", "a", "--type", "song"), 6),
    (("T", "--content", "a", "--status", "archived"), 2),
    (("T", "--content", "a", "--status", "distilled"), 2),
    (("T", "--content", "a", "--status", "partial"), 6),
    (("T", "--content", "a", "--task", "T009"), 4),
    (("T", "--content", "a", "--task", "x"), 2),
    (("T", "--content", "a", "--metadata", "[]"), 2),
    (("T", "--file", "absent.md"), 6),
    (("T", "--file", "../secret.md"), 6),
    (("T", "--file", "link.md"), 6),
    (("T", "--file", "pipe"), 6),
    (("T", "--file", "."), 6),
    (("T", "--file", "latin.md"), 6),
    (("T", "--file", "nul.md"), 6),
    (("T", "--file", "empty.md"), 6),
    (("T", "--file", "large.md"), 6),
]


def test_what_cannot_be_stored_is_one_error_and_changes_nothing(
    tasks: Any, cleo_cli: Cli, cleo_project: Path
) -> None:
    (cleo_project.parent / "secret.md").write_text("secret", encoding="utf-8")
    (cleo_project / "link.md").symlink_to(cleo_project.parent / "secret.md")
    os.mkfifo(cleo_project / "pipe")
    for name, data in (("latin", b"caf\xe9"), ("nul", b"a\0b"), ("empty", b"\n")):
        (cleo_project / f"{name}.md").write_bytes(data)
    (cleo_project / "large.md").write_bytes(b"x" * (16 * 1024 * 1024 + 1))
    before = tasks.log_list()[1].total
    for argv, exit in REFUSED:
        error = cleo_cli("manifest", "add", *argv, input="piped").error
        assert (error["exit"], bool(error["fix"])) == (exit, True), argv
    assert tasks.log_list()[1].total == before
    assert tasks.manifest_stats().total == 0


def test_the_same_key_gives_the_first_result_again(tasks: Any, cleo_cli: Cli) -> None:
    argv = ("manifest", "add", "One", "--content", "a", "--idempotency-key", "k")
    first, second = cleo_cli(*argv), cleo_cli(*argv)
    assert (second.data, second.data["merged"]) == (first.data, False)
    assert second.envelope["meta"]["replayed"] is True
    other = cleo_cli("manifest", "add", "One", "--content", "b", "--idempotency-key", "k")
    assert other.error["code"] == "E_IDEMPOTENCY_MISMATCH"


def test_manifests_are_listed_counted_and_found(tasks: Any, cleo_cli: Cli, cleo_clock: Any) -> None:
    cleo_clock.set("2026-01-01T00:00:00Z")
    tasks.manifest_add("Old ideas", content="Über caches", type="research", task="T003")
    cleo_clock.set("2026-02-01T00:00:00Z")
    tasks.manifest_add("New", content="about caches\n" * 50, type="decision")
    tasks.manifest_add("Caches", content="nothing", status="completed")
    tasks.manifest_archive("M-new")

    def ids(verb: str, *argv: str) -> list[str]:
        return [line["id"] for line in cleo_cli("manifest", verb, *argv).data]

    assert ids("list") == ["M-caches", "M-new", "T003-old-ideas"]
    assert ids("list", "--task", "T003") == ["T003-old-ideas"]
    assert ids("list", "--type", "decision") == ["M-new"]
    assert ids("list", "--status", "completed") == ["M-caches", "T003-old-ideas"]
    assert ids("list", "--status", "archived") == ["M-new"]
    assert ids("list", "--before", "2026-01-15") == ["T003-old-ideas"]
    assert cleo_cli("manifest", "list", "--limit", "1").page["total"] == 3
    assert ids("find", "CACHES") == ["M-caches", "M-new", "T003-old-ideas"]
    assert ids("find", "über") == ["T003-old-ideas"]
    assert ids("find", "caches new") == ["M-new"]
    assert ids("find", "caches", "--status", "active") == ["M-caches", "T003-old-ideas"]
    (hit,) = cleo_cli("manifest", "find", "about").data
    assert (hit["score"], hit["matchedIn"], "content" in hit) == (1, ["content"], False)
    assert hit["snippet"].startswith("[about] caches")
    stats = cleo_cli("manifest", "stats").data
    assert stats["total"] == 3
    assert stats["byStatus"] == {"active": 2, "distilled": 0, "archived": 1}
    assert {word: n for word, n in stats["byType"].items() if n} == {
        "research": 1,
        "decision": 1,
        "note": 1,
    }
    assert cleo_cli("manifest", "stats", "--type", "decision").data["total"] == 1
    for argv in (
        ("list", "--type", "song"),
        ("list", "--status", "partial"),
        ("list", "--before", "soon"),
        ("find", " "),
    ):
        assert cleo_cli("manifest", *argv).error["exit"] == 2
    assert cleo_cli("manifest", "list", "--task", "T009").error["exit"] == 4


def test_distilling_names_the_observation_once(tasks: Any, cleo_cli: Cli) -> None:
    id_ = tasks.manifest_add("One", content="a", task="T003").id
    outcome = cleo_cli("manifest", "distil", id_, "--observation", "O-1")
    assert (outcome.data["status"], outcome.data["brainObsId"]) == ("distilled", "O-1")
    # No store answers for observations here.
    assert [one["code"] for one in outcome.warnings] == ["W_REF_UNCHECKED"]
    assert cleo_cli("manifest", "distil", id_, "--observation", "O-1").error["exit"] == 102
    assert cleo_cli("manifest", "distil", id_, "--observation", "O-2").data["brainObsId"] == "O-2"
    (last, first), _ = tasks.log_list(action="manifest.distil")
    assert first["before"] == {"status": "active", "brain_obs_id": None}
    assert (last["before"], last["after"]) == ({"brain_obs_id": "O-1"}, {"brain_obs_id": "O-2"})
    tasks.manifest_archive(id_)
    error = cleo_cli("manifest", "distil", id_, "--observation", "O-3").error
    assert (error["code"], error["exit"]) == ("E_INVALID_TRANSITION", 6)
    assert tasks.manifest_show(id_)[0].brain_obs_id == "O-2"


def test_an_observation_that_is_missing_is_left_empty(
    tasks: Any, cleo_app: App, monkeypatch: Any
) -> None:
    monkeypatch.setattr(
        type(cleo_app.existence), "ask", lambda self, kind, ids: dict.fromkeys(ids, False)
    )
    id_ = tasks.manifest_add("One", content="a").id
    found = tasks.manifest_distil(id_, observation="O-9")
    assert (found.status, found.brain_obs_id) == ("distilled", None)
    assert [one["code"] for one in cleo_app.warnings] == ["W_REF_MISSING"]


def test_a_deleted_observation_is_forgotten_and_the_log_says_so(tasks: Any) -> None:
    from cleo_core.references import clean

    id_ = tasks.manifest_add("One", content="a", task="T003").id
    other = tasks.manifest_add("Two", content="b").id
    for one, observation in ((id_, "O-1"), (other, "O-2")):
        tasks.manifest_distil(one, observation=observation)
    reference = tasks.app.plugins.references["pipeline_manifest.brain_obs_id"]
    changed = tasks.app.write("tasks", lambda unit: clean(unit, [reference], ["O-1", "O-9"]))
    assert changed == 1
    shown = tasks.manifest_show(id_, other)
    assert [(one.status, one.brain_obs_id) for one in shown] == [
        ("distilled", None),
        ("distilled", "O-2"),
    ]
    (row,) = [one for one in tasks.log_list()[0] if one["action"] == "manifest.forget_observation"]
    assert (row["entityId"], row["taskId"]) == (id_, "T003")
    assert (row["before"], row["after"]) == ({"brain_obs_id": "O-1"}, {"brain_obs_id": None})


def test_no_reference_is_changed_past_the_log() -> None:
    """A reference without a handler is changed by a statement that writes no audit row."""
    from cleo_tasks import api

    unlogged = [
        one.name for one in api.REFERENCES if one.on_delete != "keep" and one.handler is None
    ]
    assert unlogged == []


def test_archiving_takes_active_and_distilled_ones(
    tasks: Any, cleo_cli: Cli, cleo_clock: Any
) -> None:
    for number, day in enumerate(("2026-01-01", "2026-01-02", "2026-02-01")):
        cleo_clock.set(f"{day}T00:00:00Z")
        tasks.manifest_add(f"N{number}", content=day)
    tasks.manifest_distil("M-n1", observation="O-1")
    dry = cleo_cli("manifest", "archive", "--before", "2026-01-15", "--dry-run").data
    done = cleo_cli("manifest", "archive", "--before", "2026-01-15").data
    assert dry == done == {"archived": ["M-n0", "M-n1"]}
    assert cleo_cli("manifest", "archive", "--before", "2026-01-15").error["exit"] == 102
    shown = tasks.manifest_show("M-n1")[0]
    assert (shown.status, shown.archived_at, shown.brain_obs_id) == (
        *("archived", "2026-02-01T00:00:00.000Z"),
        "O-1",
    )
    # Several are one unit.
    assert cleo_cli("manifest", "archive", "M-n2", "M-n0").error["exit"] == 102
    assert tasks.manifest_show("M-n2")[0].status == "active"
    assert cleo_cli("manifest", "archive", "M-n2", "M-x").error["exit"] == 4
    assert cleo_cli("manifest", "archive", "M-n2").data == {"archived": ["M-n2"]}
    assert cleo_cli("manifest", "archive").error["exit"] == 2
    assert cleo_cli("manifest", "archive", "M-n2", "--before", "2026-01-01").error["exit"] == 2
    assert tasks.log_list(action="manifest.archive")[1].total == 3


def test_outputs_of_stages_are_listed_shown_and_archived(
    tasks: Any, stage_output: str, cleo_cli: Cli
) -> None:
    (found,) = cleo_cli("manifest", "stages", "--task", "T003").data
    assert found == to_json(tasks.manifest_show(stage_output)[0])
    assert (found["id"], found["topics"], found["findings"], found["tasks"]) == (
        stage_output,
        ["cache"],
        ["fast"],
        ["T003"],
    )
    assert cleo_cli("manifest", "stages", "--task", "T004").data == []
    assert cleo_cli("manifest", "stages", "--status", "partial").data == []
    assert cleo_cli("manifest", "stages", "--status", "active").error["exit"] == 2
    assert cleo_cli("manifest", "distil", stage_output, "--observation", "O").error["exit"] == 6
    assert cleo_cli("manifest", "archive", stage_output).data["archived"] == [stage_output]
    assert cleo_cli("manifest", "archive", stage_output).error["exit"] == 102
    assert cleo_cli("manifest", "stages", "--status", "archived").page["total"] == 1
    (row,), _ = tasks.log_list(action="manifest.archive")
    assert (row["before"], row["after"]) == ({"status": "completed"}, {"status": "archived"})


@pytest.mark.parametrize("wrong", [5, ["a"], "\0", "\ud800", ""])
def test_wrong_values_from_python_are_one_error(tasks: Any, wrong: Any) -> None:
    tasks.manifest_add("One", content="a")
    for call in (
        lambda: tasks.manifest_add(wrong, content="b"),
        lambda: tasks.manifest_add("Two", content=wrong),
        lambda: tasks.manifest_add("Two", file=wrong),
        lambda: tasks.manifest_add("Two", content="b", type=wrong),
        lambda: tasks.manifest_add("Two", content="b", status=wrong),
        lambda: tasks.manifest_add("Two", content="b", metadata=wrong),
        lambda: tasks.manifest_add("Two", content="b", task=wrong),
        lambda: tasks.manifest_list(type=wrong),
        lambda: tasks.manifest_list(status=wrong),
        lambda: tasks.manifest_list(before=wrong),
        lambda: tasks.manifest_stages(status=wrong),
        lambda: tasks.manifest_show(wrong),
        lambda: tasks.manifest_find(wrong),
        lambda: tasks.manifest_archive(wrong),
        lambda: tasks.manifest_archive(before=wrong),
        lambda: tasks.manifest_distil(wrong, observation="O"),
        lambda: tasks.manifest_distil("M-one", observation=wrong),
    ):
        with pytest.raises(CleoError) as error:
            call()
        assert error.value.exit in (2, 4, 6)
    assert tasks.manifest_stats().total == 1


def test_an_id_of_any_length_is_repeated_only_in_part(tasks: Any, cleo_cli: Cli) -> None:
    tasks.manifest_add("One", content="a")
    for argv in (("show",), ("archive",), ("distil", "--observation", "O-1")):
        error = cleo_cli("manifest", argv[0], "M-" + "x" * 100_000, *argv[1:]).error
        assert error["code"] == "E_NOT_FOUND"
        assert len(error["message"]) < 200
        assert [len(one) for one in error["details"]["ids"]] == [80]


def test_people_are_shown_text_and_no_markup(tasks: Any, stage_output: str, cleo_cli: Cli) -> None:
    def human(*argv: str) -> str:
        outcome = cleo_cli("manifest", *argv, "--human")
        assert outcome.code == 0, repr(outcome)
        return outcome.out

    assert human("list") == "No manifests.\n"
    added = human("add", "A [bold]title", "--content", "[red]text", "--metadata", '{"a": 1}')
    assert added == "Added M-a-bold-title: A [bold]title\n"
    assert human("add", "B", "--content", "b", "--dry-run").startswith("Would add M-b")
    assert "holds this content" in human("add", "B", "--content", "[red]text")
    for argv in (("list",), ("find", "text"), ("show", "M-a-bold-title")):
        assert "[bold]title" in human(*argv)
    assert "output of a stage" in human("show", stage_output)
    assert stage_output in human("stages")
    assert human("find", "nowhere").startswith("No manifest has")
    assert human("stats").startswith("1 manifests")
    assert human("distil", "M-a-bold-title", "--observation", "O").endswith("into O.\n")
    assert human("archive", "M-a-bold-title") == "1 archived: M-a-bold-title\n"
    assert human("stages", "--status", "blocked").startswith("No stage")
