"""``link add``, ``list``, ``remove``: which record elsewhere a task is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome
from cleo_tasks.service import fields

Cli = Callable[..., Outcome]


@contextmanager
def unwritten(project: Path) -> Iterator[None]:
    """Nothing is committed to the store inside, which another connection may hold open."""
    files = [project / ".cleo" / name for name in ("tasks.db", "tasks.db-wal")]
    before = [path.read_bytes() for path in files if path.exists()]
    yield
    assert [path.read_bytes() for path in files if path.exists()] == before


@pytest.fixture
def tasks(cleo_app: App) -> Any:
    service = cleo_app.service("tasks")
    service.add("The parser")
    service.add("The lexer")
    return service


def test_a_task_is_linked_and_a_repeat_writes_no_row(tasks: Any, cleo_project: Path) -> None:
    made = tasks.link_add("T001", " A-1 ", "jira", url="https://j.example/A-1")
    link = made.link
    assert (made.created, made.changed) == (True, True)
    assert (link.task_id, link.provider_id, link.external_id) == ("T001", "jira", "A-1")
    assert (link.link_type, link.sync_direction) == ("manual", "inbound")
    assert (link.external_url, link.last_sync_at) == ("https://j.example/A-1", None)
    with unwritten(cleo_project):
        again = tasks.link_add("T001", "A-1", "jira")
    assert (again.created, again.changed, again.link.id) == (False, False, link.id)
    assert tasks.show("T001")[0].version == 1


def test_what_is_given_for_a_link_that_is_there_is_changed(tasks: Any) -> None:
    tasks.link_add("T001", "A-1", "jira")
    again = tasks.link_add("T001", "A-1", "jira", "matched", "bidirectional")
    assert (again.created, again.changed) == (False, True)
    [row, *_], _ = tasks.log_list(task="T001")
    assert (row["action"], row["entityKind"], row["entityId"]) == ("link.add", "link", "1")
    assert row["before"] == {"link_type": "manual", "sync_direction": "inbound"}
    assert row["after"] == {"link_type": "matched", "sync_direction": "bidirectional"}


def test_one_audit_row_for_each_link_that_is_made_or_removed(tasks: Any) -> None:
    tasks.link_add("T001", "A-1", "jira")
    tasks.link_remove("T001", "A-1")
    rows, _ = tasks.log_list(action="link.remove")
    assert [row["after"] for row in rows] == [None]
    assert rows[0]["before"]["external_id"] == "A-1"
    rows, _ = tasks.log_list(action="link.add")
    assert [(row["before"], row["after"]["external_id"]) for row in rows] == [(None, "A-1")]


def test_a_record_belongs_to_one_task_which_is_named(tasks: Any) -> None:
    tasks.link_add("T001", "A-1", "jira")
    with pytest.raises(CleoError, match="linked to T001 already") as refused:
        tasks.link_add("T002", "A-1", "jira")
    assert (refused.value.exit, refused.value.details["task"]) == (6, "T001")
    assert refused.value.fix == "cleo link remove T001 A-1 --provider jira"
    # Another tracker may call a record so, and what was transferred leaves its name behind.
    assert tasks.link_add("T002", "A-1", "linear").created
    assert tasks.link_add("T002", "A-1", "jira", "transferred").created
    with pytest.raises(CleoError, match="linked to T001 already"):
        tasks.link_add("T002", "A-1", "jira", "manual")


def test_the_address_of_a_github_issue_says_all(tasks: Any) -> None:
    address = "https://github.com/acme/tool/issues/12"
    link = tasks.link_add("T001", address).link
    assert (link.provider_id, link.external_id) == ("github", "acme/tool#12")
    assert link.external_url == address
    assert not tasks.link_add("T001", "acme/tool#12", "github").changed
    # For another tracker it is an id like any other.
    assert tasks.link_add("T001", address, "notes").link.external_id == address
    assert [one.provider_id for one in tasks.link_remove("T001", address).removed] == ["github"]


def test_links_are_listed_by_task_provider_and_kind(cleo_cli: Cli, tasks: Any) -> None:
    tasks.link_add("T001", "A-1", "jira")
    tasks.link_add("T001", "B-1", "linear", "matched", "outbound")
    tasks.link_add("T002", "A-2", "jira")
    listed = cleo_cli("link", "list")
    assert [one["externalId"] for one in listed.data] == ["A-1", "B-1", "A-2"]
    assert listed.page == {"limit": 20, "offset": 0, "total": 3, "hasMore": False}
    for argv, wanted in (
        (("T001",), ["A-1", "B-1"]),
        (("--provider", "jira"), ["A-1", "A-2"]),
        (("T002", "--provider", "linear"), []),
        (("--type", "matched"), ["B-1"]),
        (("--direction", "inbound", "--limit", "1", "--offset", "1"), ["A-2"]),
    ):
        assert [one["externalId"] for one in cleo_cli("link", "list", *argv).data] == wanted
    assert cleo_cli("link", "list", "T001", "--quiet").out == "A-1\nB-1\n"
    assert "linear" in cleo_cli("link", "list", "--human").out


def test_a_link_is_removed_and_the_task_stays(cleo_cli: Cli, tasks: Any) -> None:
    tasks.link_add("T001", "A-1", "jira")
    tasks.link_add("T001", "A-1", "linear")
    refused = cleo_cli("link", "remove", "T001", "A-1")
    assert (refused.code, refused.error["details"]["providers"]) == (6, ["jira", "linear"])
    gone = cleo_cli("link", "remove", "T001", "A-1", "--provider", "jira").data
    assert [one["providerId"] for one in gone["removed"]] == ["jira"]
    assert cleo_cli("link", "remove", "T001", "A-1").code == 0
    missing = cleo_cli("link", "remove", "T001", "A-1")
    assert (missing.code, missing.error["fix"]) == (4, "cleo link list T001")
    assert cleo_cli("show", "T001").code == 0


def test_removing_the_link_of_an_import_says_what_follows(
    tasks: Any, cleo_cli: Cli, cleo_home: Path
) -> None:
    path = cleo_home / "tasks.json"
    path.write_text('{"tasks": [{"id": 1, "title": "One"}]}')
    tasks.import_task_master(str(path))
    gone = cleo_cli("link", "remove", "T003", "master:1")
    assert [one["code"] for one in gone.warnings] == ["W_LINK_CREATED"]
    assert tasks.import_task_master(str(path)).imported == 1


@pytest.mark.parametrize(
    ("argv", "code", "exit"),
    [
        (("add", "T009", "A-1", "--provider", "jira"), "E_NOT_FOUND", 4),
        (("add", "nonsense", "A-1", "--provider", "jira"), "E_USAGE", 2),
        (("add", "T001", "A-1"), "E_USAGE", 2),
        (("add", "T001", "A-1", "--provider", "Jira Cloud"), "E_VALIDATION", 6),
        (("add", "T001", "A-1", "--provider", "j" * 65), "E_VALIDATION", 6),
        (("add", "T001", " ", "--provider", "jira"), "E_VALIDATION", 6),
        (("add", "T001", "a\nb", "--provider", "jira"), "E_VALIDATION", 6),
        (("add", "T001", "x" * 1001, "--provider", "jira"), "E_VALIDATION", 6),
        (("add", "T001", "A-1", "--provider", "jira", "--type", "odd"), "E_VALIDATION", 6),
        (("add", "T001", "A-1", "--provider", "jira", "--direction", "up"), "E_VALIDATION", 6),
        (("add", "T001", "A-1", "--provider", "jira", "--url", "no address"), "E_VALIDATION", 6),
        (("list", "T009"), "E_NOT_FOUND", 4),
        (("list", "--type", "odd"), "E_USAGE", 2),
        (("list", "--provider", "ODD"), "E_USAGE", 2),
        (("remove", "T009", "A-1"), "E_NOT_FOUND", 4),
        (("remove", "T001", "A-1"), "E_NOT_FOUND", 4),
    ],
)
def test_what_cannot_be_is_one_clear_error(
    argv: tuple[str, ...], code: str, exit: int, cleo_cli: Cli, tasks: Any, cleo_project: Path
) -> None:
    with unwritten(cleo_project):
        refused = cleo_cli("link", *argv)
    assert (refused.code, refused.error["code"]) == (exit, code)
    assert refused.error["fix"]


@pytest.mark.parametrize("value", [7, None, b"A-1", "a\0b", "\ud800", ["A-1"]])
def test_wrong_types_from_python_are_refused(value: Any, tasks: Any) -> None:
    with pytest.raises(CleoError) as refused:
        tasks.link_add("T001", value, "jira")
    assert refused.value.exit in (2, 6)
    with pytest.raises(CleoError):
        tasks.link_remove("T001", value)
    with pytest.raises(CleoError):
        tasks.link_add("T001", "A-1", value if value is not None else 3)


@pytest.mark.guarantee("tasks-29", "Links made by hand are in an export and come back with it.")
def test_links_are_exported_and_come_back(tasks: Any, cleo_cli: Cli, cleo_home: Path) -> None:
    tasks.link_add("T001", "A-1", "jira", "matched", "bidirectional", url="https://j.example/1")
    tasks.link_add("T002", "A-1", "jira", "transferred")
    path = cleo_home / "all.jsonl"
    assert cleo_cli("export", "--output", str(path), "--include-links").data["links"] == 2
    other = cleo_home / "other"
    other.mkdir()
    cleo_cli("init", "other", cwd=other)
    assert cleo_cli("import", "jsonl", str(path), cwd=other).code == 0
    here = cleo_cli("link", "list", "--provider", "jira").data
    there = cleo_cli("link", "list", "--provider", "jira", cwd=other).data
    for one in (*here, *there):
        del one["id"]
    assert there == here


def test_a_dry_run_says_what_would_be(tasks: Any, cleo_cli: Cli, cleo_project: Path) -> None:
    tasks.link_add("T001", "A-1", "jira")
    with unwritten(cleo_project):
        made = cleo_cli("link", "add", "T002", "A-2", "--provider", "jira", "--dry-run").data
        gone = cleo_cli("link", "remove", "T001", "A-1", "--dry-run").data
    assert (made["created"], made["link"]["id"]) == (True, None)
    assert len(gone["removed"]) == 1


def test_a_dependency_that_is_there_is_no_change_and_writes_no_row(
    tasks: Any, cleo_project: Path
) -> None:
    tasks.deps_add("T002", "T001")
    with unwritten(cleo_project), pytest.raises(CleoError) as again:
        tasks.deps_add("T002", "T001")
    assert (again.value.code, again.value.exit) == ("E_NO_CHANGE", 102)
    assert json.dumps(tasks.show("T002")[0].depends_on) == '["T001"]'


SECRETS = (
    "https://ada:hunter2@j.example/A-1",
    "https://ghp_hunter2@github.com/acme/tool/issues/1",
    "https:\\\\ada:hunter2@j.example/A-1",
    "https:///ada:hunter2@j.example/A-1",
    "https://ada:hunter2\uff20j.example/A-1",
    "ssh://ada:hunter2@j.example/A-1",
)


@pytest.mark.parametrize("address", SECRETS)
def test_an_address_with_a_password_is_refused_and_not_repeated(
    address: str, cleo_cli: Cli, tasks: Any, cleo_project: Path
) -> None:
    with unwritten(cleo_project):
        for argv in (
            ("A-1", "--provider", "jira", "--url", address),
            (address,),
            (address, "--provider", "notes"),
        ):
            refused = cleo_cli("link", "add", "T001", *argv)
            assert refused.code in (2, 6)
            if refused.code == 6:
                assert "hunter2" not in refused.out + refused.err


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("https://example.org/issues/1?who=ada@example.org#@", True),
        ("HTTP://example.org", True),
        (" obsidian://open?vault=x ", True),
        ("file:///home/ada/x", True),
        ("https://[::1]/x", True),
        ("https://exämple.org/ä", True),
        ("https://", False),
        ("https://:80/", False),
        ("https://[::1/x", False),
        ("https:example.org", False),
        ("ada:hunter2@example.org", False),
        ("https://example.org/a b", False),
        ("https://example.org/a\tb", False),
        ("https://example.org/" + "x" * 2000, False),
        ("", False),
        ("x\0", False),
        (7, False),
    ],
)
def test_an_address_is_whole_and_of_any_scheme(value: Any, good: bool) -> None:
    if good:
        assert fields.address(value, "url") == value.strip()
        return
    with pytest.raises(CleoError) as refused:
        fields.address(value, "url")
    assert refused.value.exit == 6
    assert refused.value.fix
    assert "hunter2" not in refused.value.message
