"""``adr sync``: what the files of ``.cleo/adrs`` say, and nothing else, is in the store."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.output import to_json
from cleo_core.testing import Outcome
from cleo_tasks.service import adr_edges

Cli = Callable[..., Outcome]

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "cleo-ts" / "adrs"
real_files = pytest.mark.skipif(not REAL.exists(), reason="shared/data/cleo-ts is not here")

TABLES = ("architecture_decisions", "adr_relations", "adr_task_links", "audit_log")


class Files:
    """The directory of decisions of a project."""

    def __init__(self, project: Path) -> None:
        self.folder = project / ".cleo" / "adrs"
        self.folder.mkdir(exist_ok=True)

    def put(self, number: int, *header: str, name: str = "x", status: str = "accepted") -> Path:
        path = self.folder / f"ADR-{number:03d}-{name}.md"
        lines = [f"# ADR-{number:03d}: Decision {number}", "", f"**Status**: {status}", *header]
        path.write_text("\n".join([*lines, "", "---", "", "Text.", ""]), encoding="utf-8")
        return path

    def raw(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path

    def drop(self, number: int) -> None:
        for path in self.folder.glob(f"ADR-{number:03d}-*"):
            path.unlink()


@pytest.fixture
def files(cleo_project: Path) -> Files:
    return Files(cleo_project)


@pytest.fixture
def tasks(cleo_app: App) -> Any:
    return cleo_app.service("tasks")


def rows(tasks: Any) -> dict[str, list[dict[str, Any]]]:
    db = tasks.app.store("tasks")
    return {table: db.read(f"SELECT * FROM {table}") for table in TABLES}


def edges(tasks: Any) -> set[tuple[str, str, str]]:
    return {
        (row["from_adr_id"], row["relation_type"], row["to_adr_id"])
        for row in rows(tasks)["adr_relations"]
    }


def statuses(tasks: Any) -> dict[str, str]:
    return {line.id: line.status for line in tasks.adr_list(removed=True)[0]}


def warned(result: Any) -> list[tuple[str, int, str]]:
    return [(one.file.rpartition("/")[2][:7], one.line, one.code) for one in result.warnings]


@pytest.mark.guarantee(
    "tasks-27",
    "Decisions may name later ones and several at once: each relation is stored once, both "
    "directions agree, whichever file says it and in whatever order the files are read.",
)
def test_edges_may_point_forward_and_be_said_by_either_end(files: Files, tasks: Any) -> None:
    files.put(1, "**Superseded By**: ADR-003", "**Related Tasks**: T001, T002")
    files.put(2, "**Amended By**: ADR-003")
    files.put(3, "**Supersedes**: ADR-001, ADR-002", "**Amends**: ADR-002", "**Task**: T001")
    tasks.add("One")
    result = tasks.adr_sync()
    assert edges(tasks) == {
        ("ADR-003", "supersedes", "ADR-001"),
        ("ADR-003", "supersedes", "ADR-002"),
        ("ADR-003", "amends", "ADR-002"),
    }
    assert statuses(tasks) == {
        "ADR-001": "superseded",
        "ADR-002": "superseded",
        "ADR-003": "accepted",
    }
    assert (result.created, result.relations_added, result.links_added) == (
        ["ADR-001", "ADR-002", "ADR-003"],
        3,
        2,
    )
    assert warned(result) == [
        ("ADR-001", 3, "W_ADR_STATUS"),
        ("ADR-001", 5, "W_ADR_TARGET"),
        ("ADR-002", 3, "W_ADR_STATUS"),
    ]
    # Its target is there now.
    tasks.add("Two")
    result = tasks.adr_sync()
    assert (result.updated, result.links_added, result.unchanged) == (["ADR-001"], 1, 2)
    shown = tasks.adr_show("ADR-001")[0]
    assert [(one.task_id, one.link_type, one.source) for one in shown.tasks] == [
        ("T001", "related", "file"),
        ("T002", "related", "file"),
    ]
    assert [one.from_adr_id for one in shown.relations] == ["ADR-003"]


def test_a_sync_without_changes_writes_no_row(files: Files, tasks: Any, cleo_clock: Any) -> None:
    tasks.add("One")
    files.put(1, "**Related Tasks**: T001", "**Deciders**: all")
    files.put(2, "**Supersedes**: ADR-001, ADR-009")
    first = tasks.adr_sync()
    before = rows(tasks)
    cleo_clock.advance(60)
    second = tasks.adr_sync()
    assert rows(tasks) == before
    assert (second.unchanged, second.created, second.updated, second.removed) == (2, [], [], [])
    assert (second.relations_added, second.links_added) == (0, 0)
    assert to_json(second.warnings) == to_json(first.warnings)


@pytest.mark.guarantee(
    "tasks-27", "A decision whose file is gone is kept and marked; a file that comes back unmarks."
)
def test_a_file_that_is_gone_marks_its_decision_until_it_comes_back(
    files: Files, tasks: Any, cleo_clock: Any
) -> None:
    files.put(1)
    files.put(2, "**Supersedes**: ADR-001")
    tasks.adr_sync()
    files.drop(2)
    cleo_clock.advance(60)
    gone = tasks.adr_sync()
    assert (gone.files, gone.removed, gone.updated) == (1, ["ADR-002"], ["ADR-001"])
    shown = tasks.adr_show("ADR-002")[0]
    assert (shown.removed_at, shown.status) == (shown.updated_at, "accepted")
    assert "Supersedes" in shown.content
    assert [line.id for line in tasks.adr_list()[0]] == ["ADR-001"]
    # What only its file said is not said any more.
    assert (edges(tasks), statuses(tasks)["ADR-001"]) == (set(), "accepted")
    assert tasks.adr_sync().removed == []
    files.put(2, "**Supersedes**: ADR-001")
    back = tasks.adr_sync()
    assert (back.restored, back.updated, back.removed) == (["ADR-002"], ["ADR-001"], [])
    assert tasks.adr_show("ADR-002")[0].removed_at is None
    assert statuses(tasks)["ADR-001"] == "superseded"


def test_a_superseded_decision_whose_file_is_gone_stays_superseded(
    files: Files, tasks: Any
) -> None:
    files.put(1)
    files.put(2, "**Supersedes**: ADR-001")
    tasks.adr_sync()
    files.drop(1)
    assert tasks.adr_sync().removed == ["ADR-001"]
    assert edges(tasks) == {("ADR-002", "supersedes", "ADR-001")}
    assert statuses(tasks)["ADR-001"] == "superseded"
    # When nothing supersedes it any more its own last word counts.
    files.put(2)
    tasks.adr_sync()
    assert statuses(tasks)["ADR-001"] == "accepted"


@pytest.mark.guarantee(
    "tasks-27",
    "Two files of one number, or a file without a title, are refused with file and line, and "
    "nothing is written.",
)
def test_errors_are_told_with_file_and_line_and_nothing_is_written(
    files: Files, tasks: Any, cleo_cli: Cli
) -> None:
    files.put(1)
    tasks.adr_sync()
    before = rows(tasks)
    files.put(1, "**Gate**: HITL")
    files.put(2)
    files.put(2, name="y")
    twice = cleo_cli("adr", "sync").error
    assert (twice["exit"], twice["details"]["line"]) == (6, 1)
    assert twice["details"]["files"] == [".cleo/adrs/ADR-002-x.md", ".cleo/adrs/ADR-002-y.md"]
    assert ".cleo/adrs/ADR-002-y.md:1" in twice["message"]
    assert twice["fix"] == "mv .cleo/adrs/ADR-002-y.md .cleo/adrs/ADR-003-y.md"
    files.raw("ADR-2.md", b"# Third\n")
    files.raw("ADR-004-z.md", b"\n\n## Context\n")
    files.raw("ADR-005-z.md", b"\n\n# ADR-005:\n")
    several = cleo_cli("adr", "sync").error
    assert (several["code"], several["exit"]) == ("E_VALIDATION", 6)
    assert [one["message"].split(": ")[0] for one in several["details"]["problems"]] == [
        ".cleo/adrs/ADR-004-z.md:1",
        ".cleo/adrs/ADR-005-z.md:3",
        ".cleo/adrs/ADR-002-y.md:1",
    ]
    assert rows(tasks) == before


@pytest.mark.guarantee("tasks-27", "What was linked by hand is never touched by a sync.")
def test_links_by_hand_are_kept(files: Files, tasks: Any) -> None:
    tasks.add("One")
    files.put(1, "**Related Tasks**: T001")
    files.put(2, "**Amends**: ADR-001")
    tasks.adr_sync()
    tasks.adr_link("ADR-002", "T001", type="implements")
    tasks.adr_link("ADR-002", "ADR-001", type="supersedes")
    assert statuses(tasks)["ADR-001"] == "superseded"
    files.put(1)
    files.put(2)
    result = tasks.adr_sync()
    assert (result.links_removed, result.relations_removed) == (1, 1)
    assert edges(tasks) == {("ADR-002", "supersedes", "ADR-001")}
    assert statuses(tasks)["ADR-001"] == "superseded"
    kept = rows(tasks)["adr_task_links"]
    assert [(row["adr_id"], row["link_type"], row["source"]) for row in kept] == [
        ("ADR-002", "implements", "manual")
    ]
    # A file that says the same changes nothing, neither when it begins nor when it ends.
    files.put(2, "**Supersedes**: ADR-001")
    assert tasks.adr_sync().relations_added == 0
    files.put(2)
    assert tasks.adr_sync().relations_removed == 0
    assert edges(tasks) == {("ADR-002", "supersedes", "ADR-001")}


@pytest.mark.guarantee(
    "tasks-09", "Decisions that would supersede each other in a ring are refused with the ring."
)
@pytest.mark.parametrize(
    ("headers", "path"),
    [
        ({1: "**Supersedes**: ADR-001"}, ["ADR-001", "ADR-001"]),
        (
            {1: "**Supersedes**: ADR-002", 2: "**Supersedes**: ADR-001"},
            ["ADR-001", "ADR-002", "ADR-001"],
        ),
        (
            {
                1: "**Supersedes**: ADR-003",
                2: "**Superseded By**: ADR-003",
                3: "**Superseded By**: ADR-001",
                4: "**Supersedes**: ADR-001",
                5: "**Supersedes**: ADR-001, ADR-004\n**Superseded By**: ADR-002",
            },
            ["ADR-001", "ADR-003", "ADR-002", "ADR-005", "ADR-001"],
        ),
    ],
)
def test_a_ring_of_supersession_is_refused_with_its_path(
    files: Files, tasks: Any, headers: dict[int, str], path: list[str]
) -> None:
    for number, header in headers.items():
        files.put(number, header)
    with pytest.raises(CleoError) as error:
        tasks.adr_sync()
    assert (error.value.code, error.value.exit) == ("E_CYCLE", 14)
    assert error.value.details["path"] == path
    assert len(error.value.details["claims"]) == len(path) - 1
    assert all(re.search(r"ADR-\d{3}-x\.md:[45]$", one) for one in error.value.details["claims"])
    assert all(found == [] for found in rows(tasks).values())


class Compared(str):
    """An id that counts how often it is compared with another one."""

    count = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        Compared.count += 1
        return str.__eq__(self, other)


@pytest.mark.parametrize("closed", [False, True])
def test_a_long_chain_is_followed_once(closed: bool) -> None:
    ids = [Compared(f"ADR-{number:03d}") for number in range(1, 401)]
    after = {one: [other] for one, other in pairwise(ids)}
    if closed:
        after[ids[-1]] = [ids[0]]
    Compared.count = 0
    found = adr_edges.ring(after)
    assert Compared.count < 10 * len(ids)
    assert found == ([*ids, ids[0]] if closed else None)


@pytest.mark.guarantee(
    "tasks-09", "A relation made by hand and one that a file says can close no ring together."
)
def test_links_by_hand_and_files_close_no_ring_together(files: Files, tasks: Any) -> None:
    for number in (1, 2, 3):
        files.put(number)
    tasks.adr_sync()
    tasks.adr_link("ADR-001", "ADR-002", type="supersedes")
    tasks.adr_link("ADR-002", "ADR-003", type="supersedes")
    before = rows(tasks)
    with pytest.raises(CleoError) as error:
        tasks.adr_link("ADR-003", "ADR-001", type="supersedes")
    assert (error.value.exit, error.value.details["path"]) == (
        14,
        ["ADR-001", "ADR-002", "ADR-003", "ADR-001"],
    )
    files.put(3, "**Supersedes**: ADR-001")
    with pytest.raises(CleoError) as error:
        tasks.adr_sync()
    assert error.value.exit == 14
    assert error.value.details["claims"] == [".cleo/adrs/ADR-003-x.md:4"]
    assert rows(tasks) == before
    # Amending and being related go round in circles as they like.
    files.put(3, "**Amends**: ADR-001", "**Amended By**: ADR-001", "**Related ADRs**: ADR-003")
    result = tasks.adr_sync()
    assert warned(result)[-1] == ("ADR-003", 6, "W_ADR_TARGET")


def test_changing_the_text_of_an_accepted_decision_is_told_with_both_hashes(
    files: Files, tasks: Any
) -> None:
    path = files.put(1)
    files.put(2, status="proposed")
    tasks.adr_sync()
    old = hashlib.sha256(path.read_bytes()).hexdigest()
    files.put(1, "**Gate**: HITL")
    files.put(2, "**Gate**: HITL", status="proposed")
    result = tasks.adr_sync()
    assert result.updated == ["ADR-001", "ADR-002"]
    (warning,) = result.warnings
    assert (warning.file, warning.code) == (".cleo/adrs/ADR-001-x.md", "W_ADR_CHANGED")
    new = hashlib.sha256(path.read_bytes()).hexdigest()
    assert old in warning.message
    assert new in warning.message
    assert tasks.adr_show("1")[0].content_hash == new
    (last, *_), _ = tasks.log_list(action="adr.sync")
    assert set(last["after"]) == {"content", "content_hash", "gate"}


def test_each_decision_that_changed_has_one_audit_row(files: Files, tasks: Any) -> None:
    tasks.add("One")
    files.put(1)
    files.put(2, "**Supersedes**: ADR-001", "**Related Tasks**: T001")
    tasks.adr_sync()
    logged, page = tasks.log_list(action="adr.sync")
    assert page.total == 2
    created = logged[0]
    assert (created["entityKind"], created["entityId"]) == ("adr", "ADR-002")
    assert created["before"] is None
    assert created["after"]["relations"] == [{"to": "ADR-001", "type": "supersedes"}]
    assert created["after"]["tasks"] == [{"task": "T001", "type": "related"}]
    files.put(2)
    tasks.adr_sync()
    logged, page = tasks.log_list(action="adr.sync", limit=2)
    assert page.total == 4
    changes = {row["entityId"]: (row["before"], row["after"]) for row in logged}
    assert changes["ADR-001"] == ({"status": "superseded"}, {"status": "accepted"})
    before, after = changes["ADR-002"]
    assert before["relations"] == [{"to": "ADR-001", "type": "supersedes"}]
    assert (after["relations"], after["tasks"]) == ([], [])


def test_a_decision_that_is_superseded_by_nothing_known_is_told(files: Files, tasks: Any) -> None:
    files.put(1, status="superseded")
    assert warned(tasks.adr_sync()) == [("ADR-001", 3, "W_ADR_STATUS")]
    assert statuses(tasks) == {"ADR-001": "superseded"}


def test_a_consensus_that_is_there_is_stored(files: Files, tasks: Any, cleo_app: App) -> None:
    files.put(1, "**Consensus**: C-1 (agreed)", "**Date**: 2026-01-02")
    result = tasks.adr_sync()
    assert warned(result) == [("ADR-001", 4, "W_ADR_TARGET")]
    cleo_app.write(
        "tasks",
        lambda unit: unit.execute(
            "INSERT INTO manifest_entries (id, title, date, status, created_at) "
            "VALUES ('C-1', 'agreed', '2026-01-01', 'completed', :now)",
            now=unit.now,
        ),
    )
    result = tasks.adr_sync()
    assert (result.updated, result.warnings) == (["ADR-001"], [])
    assert tasks.adr_show("ADR-001")[0].consensus_manifest_id == "C-1"


def test_the_whole_text_is_kept_as_it_is(files: Files, tasks: Any) -> None:
    texts = {
        "ADR-001-crlf.md": "# ADR-001: One\r\n\r\n**Status**: accepted\r\n\r\n---\r\nText\r\n",
        "ADR-002-bom.md": "\ufeff# ADR-002: Two\n\n**Status**: accepted\n",
        "ADR-003-setext.md": "ADR-003: Three\n======\n\n**Status**: accepted\n\nContext\n-------\n",
        "ADR-004-no-end.md": "# ADR-004: 四 🎉\n**Status**: accepted\n**Odd**: 'x' | \"y\" `z`",
    }
    for name, text in texts.items():
        files.raw(name, text.encode())
    tasks.adr_sync()
    for found, text in zip(tasks.adr_show("1", "2", "3", "4"), texts.values(), strict=True):
        assert (found.content, found.status) == (text, "accepted")
        assert found.content_hash == hashlib.sha256(text.encode()).hexdigest()


def test_files_that_cannot_be_read_are_told_and_their_decisions_left_as_they_are(
    files: Files, tasks: Any, cleo_home: Path
) -> None:
    outside = cleo_home / "secret.md"
    outside.write_text("# ADR-003: Secret\n", encoding="utf-8")
    for number in range(1, 9):
        files.put(number, "**Related ADRs**: ADR-001" if number > 1 else "")
    tasks.adr_sync()
    before = rows(tasks)
    for number in range(2, 9):
        files.drop(number)
    files.raw("ADR-002-x.md", b"# ADR-002: Two\n\ncaf\xe9\n")
    (files.folder / "ADR-003-x.md").symlink_to(outside)
    os.mkfifo(files.folder / "ADR-004-x.md")
    (files.folder / "ADR-005-x.md").mkdir()
    (files.folder / "ADR-006-x.md").symlink_to("nowhere.md")
    files.raw("ADR-007-x.md", b"# ADR-007: Seven\n" + b"x" * (4 * 1024 * 1024))
    files.raw("ADR-008-x.md", b"# ADR-008: Eight\n\0")
    result = tasks.adr_sync()
    assert warned(result) == [
        ("ADR-002", 3, "W_ADR_UNREAD"),
        ("ADR-003", 1, "W_ADR_UNREAD"),
        ("ADR-004", 1, "W_ADR_UNREAD"),
        ("ADR-005", 1, "W_ADR_UNREAD"),
        ("ADR-006", 1, "W_ADR_UNREAD"),
        ("ADR-007", 1, "W_ADR_UNREAD"),
        ("ADR-008", 2, "W_ADR_UNREAD"),
    ]
    assert result.unread == [f"ADR-{number:03d}" for number in range(2, 9)]
    assert (result.files, result.unchanged, result.removed) == (1, 1, [])
    assert rows(tasks) == before


def test_a_link_inside_the_project_is_followed(
    files: Files, tasks: Any, cleo_project: Path
) -> None:
    docs = cleo_project / "docs"
    docs.mkdir()
    files.put(1).rename(docs / "one.md")
    (files.folder / "ADR-001-x.md").symlink_to(docs / "one.md")
    assert tasks.adr_sync().created == ["ADR-001"]


def test_a_directory_that_leads_out_of_the_project_is_refused(
    tasks: Any, cleo_project: Path, cleo_home: Path, cleo_cli: Cli
) -> None:
    elsewhere = cleo_home / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "ADR-001-x.md").write_text("# ADR-001: One\n", encoding="utf-8")
    (cleo_project / ".cleo" / "adrs").symlink_to(elsewhere)
    for argv in (("sync",), ("add", "Two")):
        assert cleo_cli("adr", *argv).error["exit"] == 6
    assert [path.name for path in elsewhere.iterdir()] == ["ADR-001-x.md"]


def test_names_that_are_none_and_titles_of_other_numbers_are_told(files: Files, tasks: Any) -> None:
    files.raw("ADR-001-x.md", b"# ADR-002: Two\n\n**Status**: accepted\n")
    files.raw("adr-3-low.MD", b"# Three\n\n**Status**: accepted\n")
    files.raw("0004-madr.md", b"# Four\n")
    files.raw("ADR-x.md", b"# Five\n")
    files.raw("ADR-1234567890-x.md", b"# Six\n")
    for name in ("README.md", "notes.txt", ".ADR-007-x.md.tmp"):
        files.raw(name, b"# Seven\n")
    result = tasks.adr_sync()
    assert result.created == ["ADR-001", "ADR-003"]
    assert {(one.file.rpartition("/")[2], one.code) for one in result.warnings} == {
        ("ADR-001-x.md", "W_ADR_NAME"),
        ("0004-madr.md", "W_ADR_NAME"),
        ("ADR-x.md", "W_ADR_NAME"),
        ("ADR-1234567890-x.md", "W_ADR_NAME"),
    }


def test_no_directory_is_no_decision(tasks: Any, cleo_cli: Cli) -> None:
    assert tasks.adr_sync().files == 0
    assert "No decisions." in cleo_cli("adr", "list", "--human").out


def test_a_linked_work_tree_syncs_the_files_of_its_main_one(
    files: Files, cleo_cli: Cli, cleo_project: Path, cleo_home: Path
) -> None:
    files.put(1)
    for argv in (
        ("init", "-q"),
        ("add", ".cleo/adrs"),
        ("-c", "user.name=n", "-c", "user.email=e@x", "commit", "-qm", "one"),
        ("worktree", "add", "-q", str(cleo_home / "tree")),
    ):
        subprocess.run(["git", *argv], cwd=cleo_project, check=True, capture_output=True)
    tree = cleo_home / "tree"
    (tree / ".cleo" / "adrs" / "ADR-001-x.md").write_text("# ADR-001: Branch\n", encoding="utf-8")
    files.put(2)
    assert cleo_cli("adr", "sync", cwd=tree).data["created"] == ["ADR-001", "ADR-002"]
    assert cleo_cli("adr", "show", "1", cwd=tree).data["title"] == "Decision 1"
    added = cleo_cli("adr", "add", "Third", cwd=tree).data
    assert (cleo_project / added["filePath"]).exists()


def test_a_dry_run_tells_what_would_happen(
    files: Files, cleo_cli: Cli, cleo_project: Path, frozen_bytes: Any
) -> None:
    files.put(1)
    cleo_cli("adr", "sync")
    files.drop(1)
    files.put(2, "**Supersedes**: ADR-001")
    with frozen_bytes(cleo_project):
        told = cleo_cli("adr", "sync", "--dry-run").data
    assert (told["created"], told["removed"]) == (["ADR-002"], ["ADR-001"])
    assert cleo_cli("adr", "sync").data == told
    assert "2 files" not in cleo_cli("adr", "sync", "--human").out
    assert cleo_cli("adr", "sync", "--quiet").out == ""


NUMBERS = st.integers(1, 6)
GRAPH = st.dictionaries(
    NUMBERS,
    st.lists(
        st.tuples(
            st.sampled_from(
                ["Supersedes", "Superseded By", "Amends", "Amended By", "Related ADRs"]
            ),
            NUMBERS,
        ),
        max_size=3,
    ),
    min_size=1,
    max_size=6,
)
TYPE = {"s": "supersedes", "a": "amends", "r": "related"}


def ring(state: dict[int, list[tuple[str, int]]], known: set[str]) -> bool:
    """Whether the files of a state say that decisions supersede each other in a ring."""
    there = {int(id_[4:]) for id_ in known} | set(state)
    after: dict[int, set[int]] = {}
    for number, named in state.items():
        for key, to in named:
            if key.startswith("Supersed") and to in there:
                ends = (number, to) if key == "Supersedes" else (to, number)
                after.setdefault(ends[0], set()).add(ends[1])
    while leaves := [one for one in after if not after[one] & after.keys()]:
        for one in leaves:
            del after[one]
    return bool(after)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(states=st.lists(GRAPH, min_size=1, max_size=3))
def test_whatever_came_before_the_edges_are_those_that_the_files_say(
    states: list[dict[int, list[tuple[str, int]]]], files: Files, tasks: Any
) -> None:
    for state in states:
        for number in range(1, 7):
            files.drop(number)
        for number, named in state.items():
            files.put(number, *(f"**{key}**: ADR-{to:03d}" for key, to in named))
        if ring(state, set(statuses(tasks))):
            with pytest.raises(CleoError, match="supersede each other"):
                tasks.adr_sync()
            continue
        tasks.adr_sync()
        known = set(statuses(tasks))
        expected = set()
        for number, named in state.items():
            for key, to in named:
                ends = [f"ADR-{number:03d}", f"ADR-{to:03d}"]
                if key.endswith("By"):
                    ends.reverse()
                if ends[0] != ends[1] and known.issuperset(ends):
                    expected.add((ends[0], TYPE[key[0].lower()], ends[1]))
        assert edges(tasks) == expected
        superseded = {to for _, type_, to in expected if type_ == "supersedes"}
        assert {id_ for id_, word in statuses(tasks).items() if word == "superseded"} == superseded
        again = tasks.adr_sync()
        assert (again.unchanged, again.updated, again.removed) == (len(state), [], [])


# The decisions of the TypeScript CLEO


@pytest.fixture
def real(cleo_project: Path) -> Path:
    folder = cleo_project / ".cleo" / "adrs"
    shutil.copytree(REAL, folder, copy_function=shutil.copyfile)
    folder.chmod(0o700)
    return folder


#: Every irregularity of the 27 files that is not a task or decision that is not there.
ODD = [("ADR-019", 13, "W_ADR_VALUE"), ("ADR-025", 1, "W_ADR_HEADER")]
#: The decisions that they name and that are not among them: file, line.
ABSENT = {("ADR-027", 4): ["ADR-054"]}
ABSENT[("ADR-028", 7)] = ["ADR-051", "ADR-053", "ADR-068", "ADR-073", "ADR-076"]


@real_files
def test_real_decisions_are_synced_whole(real: Path, tasks: Any) -> None:
    result = tasks.adr_sync()
    assert (result.files, len(result.created), result.relations_added) == (27, 27, 64)
    odd = [one for one in warned(result) if one[2] != "W_ADR_TARGET"]
    assert odd == ODD
    missing = {
        (one.file.rpartition("/")[2][:7], one.line): re.findall(r"(?:ADR-|T)\d+", one.message)
        for one in result.warnings
        if one.code == "W_ADR_TARGET"
    }
    assert {place: ids for place, ids in missing.items() if ids[0][0] == "A"} == ABSENT
    assert all(
        id_[0] == "T" for place, ids in missing.items() if place not in ABSENT for id_ in ids
    )
    paths = sorted(real.glob("*.md"))
    shown = tasks.adr_show(*(path.name[:7] for path in paths))
    for path, one in zip(paths, shown, strict=True):
        assert one.content.encode() == path.read_bytes()
        assert one.file_path == f".cleo/adrs/{path.name}"
        # Each task that a header names is either linked or told.
        told = {id_ for (file, _), ids in missing.items() if file == one.id for id_ in ids}
        header = one.content.split("\n---")[0].split("\n## ")[0]
        for line in re.findall(r"^\*\*(?:Related Tasks|Task|Epic)\*\*: (.*)$", header, re.M):
            assert told.issuperset(re.findall(r"T\d+", re.sub(r"\([^)]*\)", "", line)))
    by_id = {one.id: one for one in shown}
    assert {id_: one.status for id_, one in by_id.items() if one.status != "accepted"} == {
        "ADR-019": "superseded",
        "ADR-025": "proposed",
    }
    assert (by_id["ADR-013"].gate, by_id["ADR-013"].gate_status) == ("HITL", "passed")
    assert (by_id["ADR-024"].status, by_id["ADR-024"].gate_status) == ("accepted", "passed")
    assert by_id["ADR-028"].date == "2026-03-06"
    assert by_id["ADR-025"].title == "Warp Protocol Chains"
    assert by_id["ADR-007"].accepted_at == "2026-02-25"
    assert ("ADR-024", "supersedes", "ADR-019") in edges(tasks)
    assert {to for from_, type_, to in edges(tasks) if (from_, type_) == ("ADR-020", "amends")} == {
        "ADR-003",
        "ADR-006",
        "ADR-008",
    }


@real_files
def test_real_decisions_synced_again_edited_removed_and_doubled(
    real: Path, tasks: Any, cleo_clock: Any
) -> None:
    first = tasks.adr_sync()
    before = rows(tasks)
    cleo_clock.advance(60)
    again = tasks.adr_sync()
    assert (again.unchanged, to_json(again.warnings)) == (27, to_json(first.warnings))
    assert rows(tasks) == before
    edited = real / "ADR-022-task-completion-hardening.md"
    text = edited.read_text("utf-8").replace("ADR-008, ADR-017", "ADR-017, ADR-005")
    edited.write_text(text, encoding="utf-8")
    result = tasks.adr_sync()
    assert (result.updated, result.unchanged) == (["ADR-022"], 26)
    assert (result.relations_added, result.relations_removed) == (1, 1)
    assert ("ADR-022", 1, "W_ADR_CHANGED") in warned(result)
    (real / "ADR-024-multi-store-canonical-logging.md").unlink()
    result = tasks.adr_sync()
    assert (result.files, result.removed, result.unchanged) == (26, ["ADR-024"], 26)
    # Six of its own go: five related ones and one that it amends, which the other file says too.
    assert result.relations_removed == 5
    assert ("ADR-024", "supersedes", "ADR-019") in edges(tasks)
    before = rows(tasks)
    shutil.copyfile(edited, real / "ADR-022-copy.md")
    with pytest.raises(CleoError) as error:
        tasks.adr_sync()
    assert (error.value.exit, error.value.details["line"]) == (6, 1)
    assert rows(tasks) == before


@real_files
def test_real_decisions_link_to_the_tasks_that_are_there(real: Path, tasks: Any) -> None:
    tasks.adr_sync()
    tasks.app.write(
        "tasks",
        lambda unit: unit.execute(
            "UPDATE schema_meta SET value = '5326' WHERE key = 'task_sequence'"
        ),
    )
    assert tasks.add("Protocol validation").task.id == "T5327"
    result = tasks.adr_sync()
    # Two lines of one file name it: it is linked once.
    assert (result.links_added, result.updated) == (1, ["ADR-023"])
    assert [line.id for line in tasks.adr_list(task="T5327")[0]] == ["ADR-023"]
