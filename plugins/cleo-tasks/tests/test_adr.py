"""``adr add | list | show | find | link | unlink``."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core.api import Change
from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Faults, Outcome
from cleo_core.testing.fixtures import CLEO, Processes

Cli = Callable[..., Outcome]


@pytest.fixture
def tasks(cleo_app: App) -> Any:
    return cleo_app.service("tasks")


@pytest.fixture
def decided(tasks: Any) -> Any:
    """Three decisions and a task."""
    tasks.adr_add("One file per store", summary="Each is restored alone", topics=["storage"])
    tasks.adr_add("Write ahead", status="accepted", topics=["Storage", "naming"])
    tasks.adr_add("Straße und café", summary="Nothing else")
    tasks.add("Build it")
    return tasks


def test_adding_writes_a_file_with_the_next_number_and_stores_it(
    cleo_cli: Cli, cleo_project: Path, cleo_clock: Any
) -> None:
    cleo_clock.set("2026-03-25T14:30:15Z")
    folder = cleo_project / ".cleo" / "adrs"
    folder.mkdir()
    (folder / "ADR-006-storage.md").write_text("# ADR-006: Storage\n", encoding="utf-8")
    outcome = cleo_cli(
        *("adr", "add", "Keep one file: é!", "--summary", "So that each is restored"),
        *("--status", "approved", "--topic", "storage", "--topic", "multi word"),
    )
    data = outcome.data
    assert (data["id"], data["number"], data["status"]) == (
        *("ADR-007", 7),
        "accepted",
    )
    # What the other file has is said in one line only.
    assert [one["code"] for one in outcome.warnings] == ["W_ADR_OTHERS"]
    assert data["sync"]["created"] == ["ADR-006", "ADR-007"]
    path = cleo_project / data["filePath"]
    assert path == folder / "ADR-007-keep-one-file-e.md"
    assert path.read_text("utf-8") == (
        "# ADR-007: Keep one file: é!\n\n**Date**: 2026-03-25\n**Status**: accepted\n"
        "**Accepted**: 2026-03-25\n**Summary**: So that each is restored\n"
        "**Topics**: storage, multi word\n\n---\n\n## Context\n\n## Decision\n\n## Consequences\n"
    )
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(os.listdir(folder)) == ["ADR-006-storage.md", path.name]
    assert cleo_cli("adr", "sync").data["unchanged"] == 2


def test_a_number_once_given_is_not_given_again(decided: Any, cleo_project: Path) -> None:
    (cleo_project / decided.adr_show("3")[0].file_path).unlink()
    assert decided.adr_add("Again").id == "ADR-004"
    # Not even to a file that nobody could read.
    (cleo_project / ".cleo" / "adrs" / "ADR-009-odd.md").write_bytes(b"\xff")
    assert decided.adr_add("Again").id == "ADR-010"
    (cleo_project / ".cleo" / "adrs" / "ADR-999999999-last.md").write_bytes(b"# Last\n")
    with pytest.raises(CleoError, match="the highest number"):
        decided.adr_add("Again")


def test_a_dry_run_of_add_creates_no_file(
    cleo_cli: Cli, cleo_project: Path, frozen_bytes: Any
) -> None:
    with frozen_bytes(cleo_project):
        outcome = cleo_cli("adr", "add", "Keep one file", "--dry-run")
    assert outcome.data["id"] == "ADR-???"
    assert outcome.data["filePath"] == ".cleo/adrs/ADR-???-keep-one-file.md"
    assert not (cleo_project / ".cleo" / "adrs").exists()


NOT_WRITTEN = [
    (("",), 6),
    (("a\nb",), 6),
    (("x" * 201,), 6),
    (("T", "--summary", "a\nb"), 6),
    (("T", "--summary", ""), 6),
    (("T", "--summary", "a <!-- b --> c"), 6),
    (("T", "--summary", "none"), 6),
    (("T", "--topic", "a, b"), 6),
    (("T", "--topic", " "), 6),
    (("T", "--status", "agreed"), 6),
    (("T", "--status", "superseded"), 2),
    (("T", "--idempotency-key", ""), 2),
    (("\ud800",), 6),
]


def test_what_cannot_be_written_is_one_error_and_no_file(cleo_cli: Cli, cleo_project: Path) -> None:
    for argv, exit in NOT_WRITTEN:
        error = cleo_cli("adr", "add", *argv).error
        assert (error["exit"], bool(error["fix"])) == (exit, True), argv
    assert list((cleo_project / ".cleo").glob("adrs/*")) == []
    assert cleo_cli("log", "list").data == []


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    title=st.text(max_size=30),
    summary=st.none() | st.text(max_size=30),
    topics=st.lists(st.text(max_size=8), max_size=2),
)
def test_what_is_written_is_what_was_given(
    tasks: Any, cleo_project: Path, title: str, summary: str | None, topics: list[str]
) -> None:
    before = set((cleo_project / ".cleo").glob("adrs/*"))
    try:
        added = tasks.adr_add(title, summary=summary, topics=topics)
    except CleoError as error:
        found, added = error, None
    if added is None:
        assert found.exit == 6
        assert set((cleo_project / ".cleo").glob("adrs/*")) == before
        return
    assert (added.title, added.summary) == (title.strip(), summary and summary.strip())
    assert added.topics == list(dict.fromkeys(map(str.strip, topics)))
    assert (cleo_project / added.file_path).read_text("utf-8") == added.content


def test_an_error_in_another_file_refuses_an_add_before_it_writes(
    decided: Any, cleo_project: Path
) -> None:
    folder = cleo_project / ".cleo" / "adrs"
    names = set(os.listdir(folder))
    (folder / "ADR-001-again.md").write_text("# One\n", encoding="utf-8")
    with pytest.raises(CleoError, match="ADR-001 is the number of"):
        decided.adr_add("Four")
    (folder / "ADR-001-again.md").unlink()
    (folder / "ADR-004-x.md").write_text(
        "# ADR-004: Four\n\n**Supersedes**: ADR-004\n", encoding="utf-8"
    )
    with pytest.raises(CleoError, match="supersede each other"):
        decided.adr_add("Five")
    assert set(os.listdir(folder)) == names | {"ADR-004-x.md"}
    assert [line.id for line in decided.adr_list()[0]] == ["ADR-001", "ADR-002", "ADR-003"]


def test_a_name_that_is_taken_is_never_replaced(cleo_project: Path, tasks: Any) -> None:
    from cleo_tasks.service.adr_files import write_new

    project = tasks.app.project
    folder = cleo_project / ".cleo" / "adrs"
    folder.mkdir()
    target = cleo_project / "elsewhere.md"
    (folder / "ADR-001-a.md").symlink_to(target)
    (folder / "ADR-002-b.md").write_text("mine", encoding="utf-8")
    assert write_new(project, "ADR-001-a.md", "x") is None
    assert write_new(project, "ADR-002-b.md", "x") is None
    assert not target.exists()
    assert (folder / "ADR-002-b.md").read_text("utf-8") == "mine"
    assert sorted(os.listdir(folder)) == ["ADR-001-a.md", "ADR-002-b.md"]


def test_a_file_whose_decision_cannot_be_stored_is_taken_back(
    cleo_cli: Cli, cleo_faults: Faults, cleo_project: Path
) -> None:
    with cleo_faults.raising_at(10_000) as seen:
        cleo_cli("adr", "add", "One")
    begins = [number for number, sql in enumerate(seen, 1) if sql == "BEGIN IMMEDIATE"]
    with cleo_faults.raising_at(begins[-1] + 3):
        assert cleo_cli("adr", "add", "Two").error["code"] == "E_DISK_FULL"
    assert os.listdir(cleo_project / ".cleo" / "adrs") == ["ADR-001-one.md"]
    assert cleo_cli("adr", "add", "Three").data["id"] == "ADR-002"


def test_the_same_key_adds_once(cleo_cli: Cli, cleo_project: Path) -> None:
    argv = ("adr", "add", "One", "--topic", "t", "--idempotency-key", "k")
    first, second = cleo_cli(*argv), cleo_cli(*argv)
    assert second.data == first.data
    assert second.envelope["meta"]["replayed"] is True
    assert os.listdir(cleo_project / ".cleo" / "adrs") == ["ADR-001-one.md"]
    other = cleo_cli("adr", "add", "Two", "--idempotency-key", "k").error
    assert other["code"] == "E_IDEMPOTENCY_MISMATCH"
    assert os.listdir(cleo_project / ".cleo" / "adrs") == ["ADR-001-one.md"]


def test_a_kill_between_file_and_rows_loses_nothing(
    cleo_cli: Cli, cleo_faults: Faults, cleo_project: Path
) -> None:
    cleo_cli("adr", "sync")
    argv = ("adr", "add", "One", "--idempotency-key", "k")
    cleo_cli("adr", "add", "Zero")
    statements = cleo_faults.statements("adr", "add", "Zeros")
    commit = max(number for number, sql in enumerate(statements, 1) if sql == "COMMIT")
    # The key's own statements come first.
    killed = None
    for number in range(commit, commit + 30):
        killed = cleo_faults.killed_at(number, *argv)
        if list((cleo_project / ".cleo" / "adrs").glob("*-one.md")):
            break
    assert killed is not None
    assert killed.code == -9
    stored = [line["title"] for line in cleo_cli("adr", "list").data]
    assert stored == ["Zero", "Zeros"]
    # The same command again takes the file for its own, whatever comes meanwhile.
    again = cleo_cli(*argv).data
    assert again["id"] == "ADR-003"
    assert len(os.listdir(cleo_project / ".cleo" / "adrs")) == 3
    assert cleo_cli("adr", "sync").data["unchanged"] == 3


def test_many_that_add_at_once_get_numbers_of_their_own(
    cleo_processes: Processes, cleo_cli: Cli, cleo_project: Path
) -> None:
    runs = cleo_processes([[*CLEO, "adr", "add", f"Decision {n}"] for n in range(3)])
    assert [code for code, _, _ in runs] == [0] * 3
    numbers = [line["number"] for line in cleo_cli("adr", "list").data]
    assert numbers == [1, 2, 3]
    assert len(list((cleo_project / ".cleo" / "adrs").iterdir())) == 3


def test_decisions_are_listed_by_status_topic_and_task(decided: Any, cleo_cli: Cli) -> None:
    decided.adr_link("ADR-003", "T001")
    for argv, ids in (
        ((), ["ADR-001", "ADR-002", "ADR-003"]),
        (("--status", "approved"), ["ADR-002"]),
        (("--status", "accepted", "--status", "proposed"), ["ADR-001", "ADR-002", "ADR-003"]),
        (("--topic", "storage"), ["ADR-001", "ADR-002"]),
        (("--topic", "STORAGE", "--topic", "naming"), ["ADR-002"]),
        (("--topic", "other"), []),
        (("--task", "T1"), ["ADR-003"]),
        (("--limit", "1", "--offset", "1"), ["ADR-002"]),
    ):
        assert [line["id"] for line in cleo_cli("adr", "list", *argv).data] == ids, argv
    assert cleo_cli("adr", "list", "--limit", "2").page["total"] == 3
    assert cleo_cli("adr", "list", "--status", "agreed").error["exit"] == 2
    assert cleo_cli("adr", "list", "--task", "T9").error["exit"] == 4


def test_decisions_are_found_by_every_word_wherever_it_stands(decided: Any, cleo_cli: Cli) -> None:
    def ids(query: str, *argv: str) -> list[str]:
        return [hit["id"] for hit in cleo_cli("adr", "find", query, *argv).data]

    assert ids("STRASSE café") == ["ADR-003"]
    assert ids("storage") == ["ADR-001", "ADR-002"]
    assert ids("storage write") == ["ADR-002"]
    assert ids("adr-002") == ["ADR-002"]
    assert ids("file") == ["ADR-001"]
    assert ids("restored %") == []
    assert ids("storage", "--status", "accepted") == ["ADR-002"]
    assert sorted(ids("a")) == ["ADR-001", "ADR-002", "ADR-003"]
    assert ids("a", "--limit", "1", "--offset", "2") == ids("a")[2:]
    (hit,) = cleo_cli("adr", "find", "alone").data
    assert (hit["score"], hit["matchedIn"]) == (4, ["summary", "content"])
    assert "[alone]" in hit["snippet"]
    for query in ("", "  ", "a\0b"):
        with pytest.raises(CleoError) as error:
            decided.adr_find(query)
        assert error.value.exit == 2
    assert "content" not in hit


def test_a_decision_shows_its_relations_and_tasks_in_both_directions(
    decided: Any, cleo_cli: Cli
) -> None:
    assert cleo_cli("adr", "link", "adr-2", "T1", "--type", "governed_by").data == {
        "adrId": "ADR-002",
        "taskId": "T001",
        "type": "governed_by",
        "source": "manual",
    }
    cleo_cli("adr", "link", "2", "ADR-1", "--type", "supersedes")
    cleo_cli("adr", "link", "ADR-003", "ADR-002", "--type", "amends")
    shown = cleo_cli("adr", "show", "ADR-002").data
    assert [
        (one["fromAdrId"], one["relationType"], one["toAdrId"]) for one in shown["relations"]
    ] == [("ADR-002", "supersedes", "ADR-001"), ("ADR-003", "amends", "ADR-002")]
    (link,) = shown["tasks"]
    assert (link["taskId"], link["linkType"], link["task"]["title"]) == (
        *("T001", "governed_by"),
        "Build it",
    )
    assert cleo_cli("adr", "show", "ADR-001", "--field", "status").out == "superseded\n"
    human = cleo_cli("adr", "show", "1", "2", "--human").out
    assert "superseded by ADR-002 (manual)" in human
    assert "supersedes ADR-001 (manual)" in human
    assert "governed_by T001" in human


def test_linking_and_unlinking_is_logged_once_for_each_decision(decided: Any) -> None:
    decided.adr_link("ADR-002", "T001")
    decided.adr_link("ADR-002", "ADR-001", type="supersedes")
    decided.adr_link("ADR-002", "ADR-001", type="amends")
    removed = decided.adr_unlink("ADR-002", "ADR-001").removed
    assert [one.type for one in removed] == ["amends", "supersedes"]
    assert decided.adr_show("ADR-001")[0].status == "proposed"
    assert [one.task_id for one in decided.adr_unlink("ADR-002", "T001").removed] == ["T001"]
    logged, _ = decided.log_list(limit=7)
    assert [(row["action"], row["entityId"], row["taskId"]) for row in logged] == [
        ("adr.unlink", "ADR-002", "T001"),
        ("adr.unlink", "ADR-001", None),
        ("adr.unlink", "ADR-002", None),
        ("adr.link", "ADR-002", None),
        ("adr.link", "ADR-001", None),
        ("adr.link", "ADR-002", None),
        ("adr.link", "ADR-002", "T001"),
    ]
    assert logged[-1]["before"] == {"tasks": []}
    assert logged[-1]["after"] == {"tasks": [{"task": "T001", "type": "related"}]}
    assert (logged[4]["before"], logged[4]["after"]) == (
        {"status": "proposed"},
        {"status": "superseded"},
    )


NOT_LINKED = [
    (("link", "ADR-009", "T001"), 4),
    (("link", "ADR-001", "T009"), 4),
    (("link", "ADR-001", "ADR-009"), 4),
    (("link", "ADR-001", "ADR-001"), 6),
    (("link", "ADR-001", "T001", "--type", "supersedes"), 6),
    (("link", "ADR-001", "ADR-002", "--type", "implements"), 6),
    (("link", "ADR-002", "T001"), 102),
    (("link", "ADR-002", "ADR-003"), 102),
    (("link", "one", "T001"), 2),
    (("link", "ADR-", "T001"), 2),
    (("link", "ADR-1234567890", "T001"), 2),
    (("link", "ADR-001", "x"), 2),
    (("link", "ADR-003", "ADR-002", "--type", "supersedes"), 14),
    (("unlink", "ADR-001", "T001"), 102),
    (("unlink", "ADR-001", "ADR-002"), 102),
    (("unlink", "ADR-002", "T001", "--type", "implements"), 102),
    (("unlink", "ADR-002", "T001", "--type", "amends"), 6),
    (("unlink", "ADR-004", "ADR-002"), 6),
    (("unlink", "ADR-009", "T001"), 4),
    (("unlink", "ADR-001", "T009"), 4),
    (("unlink", "ADR-001", "ADR-009"), 4),
    (("show", "ADR-001", "ADR-009"), 4),
]


def test_what_cannot_be_linked_is_one_error_and_changes_nothing(
    decided: Any, cleo_cli: Cli, cleo_project: Path
) -> None:
    (cleo_project / ".cleo" / "adrs" / "ADR-004-x.md").write_text(
        "# ADR-004: Four\n\n**Amends**: ADR-002\n", encoding="utf-8"
    )
    decided.adr_sync()
    decided.adr_link("ADR-002", "T001")
    decided.adr_link("ADR-002", "ADR-003")
    decided.adr_link("ADR-002", "ADR-003", type="supersedes")
    before = decided.log_list()[1].total
    for argv, exit in NOT_LINKED:
        error = cleo_cli("adr", *argv).error
        assert (error["exit"], bool(error["fix"])) == (exit, True), argv
    assert decided.log_list()[1].total == before


def test_ids_are_read_as_people_write_them(decided: Any) -> None:
    for text in ("ADR-001", "adr-1", "1", "001", " ADR1 ", "adr_001_one-file", "ADR-001-x y"):
        assert decided.adr_show(text)[0].id == "ADR-001"


@pytest.mark.parametrize("wrong", [None, 5, [["ADR-001"]], "\0", "\ud800", ""])
def test_wrong_values_from_python_are_one_error(decided: Any, wrong: Any) -> None:
    for call in (
        lambda: decided.adr_link(wrong, "T001"),
        lambda: decided.adr_link("ADR-001", wrong),
        lambda: decided.adr_link("ADR-001", "ADR-002", type=wrong),
        lambda: decided.adr_unlink("ADR-001", wrong),
        lambda: decided.adr_show(wrong),
        lambda: decided.adr_show("9" * 40),
        lambda: decided.adr_find(wrong),
        lambda: decided.adr_list(status=[wrong]),
        lambda: decided.adr_list(topics=[wrong]),
        lambda: decided.adr_list(limit=0),
        lambda: decided.adr_add("T", status=wrong),
        lambda: decided.adr_add("T", topics=[wrong]),
        lambda: decided.adr_add("T", topics="storage"),
        lambda: decided.adr_add(wrong),
    ):
        with pytest.raises(CleoError) as error:
            call()
        assert error.value.exit in (2, 4, 6)


def test_other_stores_are_told_of_decisions(cleo_app: App, monkeypatch: Any) -> None:
    seen: list[Change] = []
    monkeypatch.setattr(
        "cleo_core.app.after_commit", lambda plugins, app, changes: seen.extend(changes)
    )
    monkeypatch.setattr(type(cleo_app), "_somebody_listens", lambda self, unit: True)
    tasks = cleo_app.service("tasks")
    tasks.adr_add("One")
    tasks.adr_add("Two")
    tasks.adr_link("ADR-002", "ADR-001", type="supersedes")
    assert [(one.kind, one.op, one.ids) for one in seen] == [
        ("adr", "create", ("ADR-001",)),
        ("adr", "create", ("ADR-002",)),
        ("adr", "update", ("ADR-002", "ADR-001")),
    ]
    assert cleo_app.exists("adr", ["ADR-001", "ADR-009"]) == {"ADR-001": True, "ADR-009": False}


def test_people_are_shown_text_and_no_markup(decided: Any, cleo_cli: Cli) -> None:
    decided.adr_add("A [bold]title[/bold]", summary="[red]x")
    for argv in (("list",), ("show", "4"), ("find", "bold"), ("list", "--removed")):
        outcome = cleo_cli("adr", *argv, "--human")
        assert (outcome.code, "[bold]" in outcome.out or "[[bold]]" in outcome.out) == (0, True)
    assert cleo_cli("adr", "find", "nowhere", "--human").out.startswith("No decision has")
    assert cleo_cli("adr", "sync", "--human").out.startswith("4 files: 0 created")
    linked = cleo_cli("adr", "link", "4", "T001", "--human").out
    assert linked == "ADR-004 is linked to T001 (related).\n"
    gone = cleo_cli("adr", "unlink", "4", "T001", "--human").out
    assert gone == "ADR-004 is not linked any more to T001 (related).\n"
    assert cleo_cli("adr", "add", "Five", "--quiet").out == "ADR-005\n"
