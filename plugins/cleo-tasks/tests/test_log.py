"""``log`` and ``sequence``: reading the log, pruning it without losing a row, the numbers."""

from __future__ import annotations

import errno
import gzip
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core import archive
from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Clock, Outcome, Processes

Cli = Callable[..., Outcome]


@pytest.fixture
def tasks(cleo_clock: Clock, cleo_open: Callable[..., App]) -> Any:
    """A tasks service whose log has four rows on each of three days."""
    service = cleo_open(agent="ada").service("tasks")
    for day in (1, 2, 3):
        cleo_clock.set(f"2026-03-0{day}T12:00:00Z")
        for number in range(4):
            service.add(f"Day {day}, task {number}")
    return service


def archives(project: Path) -> dict[str, list[dict[str, Any]]]:
    """Name -> rows of every archive."""
    found = {}
    for path in sorted((project / ".cleo" / "backups" / "logs").glob("*")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            found[path.name] = [json.loads(line) for line in file]
    return found


def everything(tasks: Any) -> list[dict[str, Any]]:
    return list(reversed(tasks.log_list(limit=1000)[0]))


def test_the_log_is_listed_newest_first(tasks: Any) -> None:
    rows, page = tasks.log_list(limit=5, offset=1)
    assert [row["id"] for row in rows] == [11, 10, 9, 8, 7]
    assert page.as_json(5) == {"limit": 5, "offset": 1, "total": 12, "hasMore": True}
    assert rows[0]["action"] == "task.add"
    assert rows[0]["before"] is None
    assert rows[0]["after"]["title"] == "Day 3, task 2"


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"task": "T002"}, [2]),
        ({"task": "2"}, [2]),
        ({"task": "T999"}, []),
        ({"actor": "ada"}, list(range(12, 0, -1))),
        ({"actor": "user"}, []),
        ({"action": "task.add", "task": "t3"}, [3]),
        ({"action": "task.complete"}, []),
        ({"in_session": "ses_none"}, []),
        ({"since": "2026-03-03"}, [12, 11, 10, 9]),
        ({"before": "2026-03-02"}, [4, 3, 2, 1]),
        ({"since": "2026-03-02T12:00:00Z", "before": "2026-03-02T12:00:00.001Z"}, [8, 7, 6, 5]),
        ({"since": "2026-03-02T14:00:00+02:00", "before": "2026-03-03"}, [8, 7, 6, 5]),
    ],
)
def test_the_log_can_be_filtered(tasks: Any, filters: Any, expected: list[int]) -> None:
    rows, page = tasks.log_list(**filters)
    assert [row["id"] for row in rows] == expected
    assert page.total == len(expected)


@pytest.mark.parametrize(
    ("filters", "exit_code"),
    [
        ({"task": "x"}, 2),
        ({"task": 5}, 2),
        ({"since": "yesterday"}, 2),
        ({"before": ""}, 2),
        ({"since": "99999-01-01"}, 2),
        ({"actor": "\ud800"}, 2),
        ({"action": 5}, 2),
        ({"actor": ""}, 2),
        ({"action": " "}, 2),
        ({"in_session": ""}, 2),
        ({"limit": 0}, 2),
    ],
)
def test_a_filter_that_cannot_be_is_refused(tasks: Any, filters: Any, exit_code: int) -> None:
    with pytest.raises(CleoError) as error:
        tasks.log_list(**filters)
    assert error.value.exit == exit_code


def test_rows_are_shown_by_number_and_by_request(tasks: Any) -> None:
    (row,) = tasks.log_show("5")
    assert (row["id"], row["taskId"]) == (5, "T005")
    assert [one["id"] for one in tasks.log_show(2, 1)] == [2, 1]
    assert [one["id"] for one in tasks.log_show(row["requestId"])] == list(range(1, 13))


@pytest.mark.parametrize("id_", ["0", "99", "9" * 30, "-1", "nothing", "", "\ud800", "a\0", "1.0"])
def test_a_row_that_is_not_there_is_not_found(tasks: Any, id_: str) -> None:
    with pytest.raises(CleoError) as error:
        tasks.log_show(id_)
    assert (error.value.code, error.value.fix) == ("E_NOT_FOUND", "cleo log list")


def test_a_prune_archives_the_old_rows_and_keeps_the_others(tasks: Any, cleo_project: Path) -> None:
    before = everything(tasks)
    result = tasks.log_prune(before="2026-03-03")
    assert (result.archived, result.deleted) == (8, 8)
    assert Path(result.path) == cleo_project / ".cleo/backups/logs/tasks-audit-1-8-1.jsonl.gz"
    assert archives(cleo_project) == {"tasks-audit-1-8-1.jsonl.gz": before[:8]}
    assert everything(tasks) == before[8:]
    assert os.stat(result.path).st_mode & 0o777 == 0o600


def test_the_log_takes_rows_again_after_a_prune_and_refuses_other_deletions(
    tasks: Any, cleo_app: App
) -> None:
    tasks.log_prune(before="2026-03-03")
    tasks.add("Another")
    assert everything(tasks)[-1]["id"] == 13
    with pytest.raises(Exception, match="append-only"):
        cleo_app.write("tasks", lambda unit: unit.execute("DELETE FROM audit_log WHERE id = 9"))
    mark = "SELECT count(*) FROM schema_meta WHERE key = 'audit_prune_below'"
    assert cleo_app.store("tasks").scalar(mark) == 0


@pytest.mark.guarantee("tasks-24", "Pruning the log twice a day keeps both archives.")
@pytest.mark.guarantee(
    "operations-33", "Two prunes on one day leave two archives that together hold every row."
)
def test_two_prunes_on_one_day_leave_two_archives(
    tasks: Any, cleo_project: Path, cleo_clock: Clock
) -> None:
    before = everything(tasks)
    tasks.log_prune(before="2026-03-02")
    cleo_clock.advance(60)
    tasks.log_prune(before="2026-03-03")
    kept = archives(cleo_project)
    assert list(kept) == ["tasks-audit-1-4-1.jsonl.gz", "tasks-audit-5-8-1.jsonl.gz"]
    assert [row for rows in kept.values() for row in rows] == before[:8]


@pytest.mark.guarantee("operations-33", "An archive that is there is never written over.")
def test_an_archive_of_the_same_rows_gets_the_next_number(
    tasks: Any, cleo_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise CleoError("E_WRITE_CONTENTION", "Others were writing.")

    with monkeypatch.context() as patch:
        patch.setattr(type(tasks.app), "write", refuse)
        with pytest.raises(CleoError) as error:
            tasks.log_prune(before="2026-03-02")
    assert error.value.details["path"].endswith("tasks-audit-1-4-1.jsonl.gz")
    assert error.value.details["cause"] == "E_WRITE_CONTENTION"
    tasks.log_prune(before="2026-03-02")
    kept = archives(cleo_project)
    assert list(kept) == ["tasks-audit-1-4-1.jsonl.gz", "tasks-audit-1-4-2.jsonl.gz"]
    assert [len(rows) for rows in kept.values()] == [4, 4]


def full_on_write(patch: pytest.MonkeyPatch) -> None:
    def write(self: Any, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    patch.setattr(gzip.GzipFile, "write", write)


def full_on_sync(patch: pytest.MonkeyPatch) -> None:
    def fsync(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    patch.setattr(archive.os, "fsync", fsync)


def changed_on_disk(patch: pytest.MonkeyPatch) -> None:
    real = archive._examined  # stands for a disk that gives back something else

    def examined(path: str) -> Any:
        os.truncate(path, os.path.getsize(path) - 9)
        return real(path)

    patch.setattr(archive, "_examined", examined)


def no_directory(patch: pytest.MonkeyPatch) -> None:
    Path(".cleo/backups").mkdir(exist_ok=True)
    Path(".cleo/backups/logs").write_text("in the way")


def other_rows_gone(patch: pytest.MonkeyPatch) -> None:
    """Another process prunes between the archive and the deletion."""
    from cleo_tasks.store import audit

    real = audit.delete_old
    patch.setattr(audit, "delete_old", lambda db, before, last: real(db, before, last - 1))


@pytest.mark.guarantee("tasks-24", "A disk that is full during a prune keeps every log row.")
@pytest.mark.guarantee("operations-33", "An archive that cannot be written keeps the rows.")
@pytest.mark.parametrize(
    "fault", [full_on_write, full_on_sync, changed_on_disk, no_directory, other_rows_gone]
)
def test_a_prune_that_fails_keeps_every_row(
    tasks: Any, cleo_project: Path, monkeypatch: pytest.MonkeyPatch, fault: Callable[..., None]
) -> None:
    before = everything(tasks)
    with monkeypatch.context() as patch:
        fault(patch)
        with pytest.raises(CleoError) as error:
            tasks.log_prune(before="2026-03-03")
    assert (error.value.code, error.value.exit) == ("E_ARCHIVE_FAILED", 60)
    assert error.value.fix
    assert everything(tasks) == before
    folder = cleo_project / ".cleo" / "backups" / "logs"
    assert not list(folder.glob(".*")), "nothing half made is left behind"


@pytest.mark.guarantee("tasks-24", "A disk that is full during a prune keeps every log row.")
def test_a_file_size_limit_keeps_every_row(
    tasks: Any, cleo_project: Path, cleo_processes: Processes
) -> None:
    for number in range(200):
        tasks.add(f"Filler {number}", description=os.urandom(60).hex())
    total = tasks.log_list()[1].total
    program = (
        "import resource, sys\n"
        "from cleo_core import open_app\n"
        "from cleo_core.errors import CleoError\n"
        "app = open_app()\n"
        "tasks = app.service('tasks')\n"
        "tasks.log_list()\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))\n"
        "try:\n"
        "    tasks.log_prune(before='2099-01-01')\n"
        "except CleoError as error:\n"
        "    print(error.code)\n"
    )
    ((code, out, err),) = cleo_processes([[sys.executable, "-c", program]])
    assert (code, out) == (0, "E_ARCHIVE_FAILED\n"), err
    assert tasks.log_list()[1].total == total
    assert not list((cleo_project / ".cleo" / "backups" / "logs").iterdir())


def test_killed_prunes_lose_no_row(
    tasks: Any, cleo_project: Path, cleo_processes: Processes
) -> None:
    for number in range(300):
        tasks.add(f"Filler {number}")
    before = {row["id"]: row for row in everything(tasks)}
    prune = [sys.executable, "-m", "cleo_core", "log", "prune", "--before", "2099-01-01"]
    cleo_processes([prune] * 6, kill=5, within=0.5, seed=7)
    kept = {row["id"] for row in everything(tasks)}
    archived = {row["id"]: row for rows in archives(cleo_project).values() for row in rows}
    assert kept | set(archived) == set(before)
    assert all(before[id_] == row for id_, row in archived.items())


def test_a_dry_prune_only_counts(
    tasks: Any, cleo_cli: Cli, cleo_project: Path, frozen_bytes: Any
) -> None:
    tasks.app.close()
    with frozen_bytes(cleo_project):
        outcome = cleo_cli("log", "prune", "--before", "2026-03-02", "--dry-run")
    assert outcome.data == {"archived": 4, "deleted": 4, "path": None}
    assert outcome.envelope["meta"]["dryRun"] is True


def test_nothing_old_makes_no_archive(tasks: Any, cleo_project: Path) -> None:
    result = tasks.log_prune(before="2020-01-01")
    assert (result.archived, result.deleted, result.path) == (0, 0, None)
    assert not (cleo_project / ".cleo" / "backups" / "logs").exists()


@pytest.mark.parametrize("before", ["soon", "", "2026-13-01", "\ud800"])
def test_a_prune_needs_a_time(tasks: Any, before: str) -> None:
    with pytest.raises(CleoError) as error:
        tasks.log_prune(before=before)
    assert error.value.exit == 2
    assert tasks.log_list()[1].total == 12


def test_the_log_commands(tasks: Any, cleo_cli: Cli, cleo_project: Path) -> None:
    assert cleo_cli("log", "list", "--task", "T002", "--field", "0.entityId").out == "T002\n"
    assert cleo_cli("log", "list", "--limit", "2", "--quiet").out == "12\n11\n"
    assert cleo_cli("log", "show", "3").data["id"] == 3
    assert [row["id"] for row in cleo_cli("log", "show", "3", "4").data] == [3, 4]
    assert "title: None → 'Day 1, task 2'" in cleo_cli("log", "show", "3", "--human").out
    assert "task T001" in cleo_cli("log", "list", "--human").out
    assert cleo_cli("log", "show", "99").error["exit"] == 4
    assert cleo_cli("log", "prune").error["exit"] == 2
    assert cleo_cli("log", "prune", "--before", "2026-03-02").data["deleted"] == 4
    assert (
        "No row is that old." in cleo_cli("log", "prune", "--before", "2026-03-02", "--human").out
    )


def test_the_sequence_says_which_number_comes_next(tasks: Any, cleo_cli: Cli) -> None:
    expected = {"next": 13, "stored": 12, "max": 12, "ok": True}
    assert cleo_cli("sequence", "show").data == expected
    checked = cleo_cli("sequence", "check")
    assert (checked.data, checked.warnings) == (expected, [])
    assert cleo_cli("sequence", "repair").error["code"] == "E_NO_CHANGE"
    assert "next 13" in cleo_cli("sequence", "show", "--human").out


def test_a_sequence_that_is_behind_is_told_and_repaired(
    tasks: Any, cleo_app: App, cleo_cli: Cli
) -> None:
    def set_back(unit: Any) -> None:
        unit.execute("UPDATE schema_meta SET value = '5' WHERE key = 'task_sequence'")

    cleo_app.write("tasks", set_back)
    checked = cleo_cli("sequence", "check")
    assert checked.data == {"next": 13, "stored": 5, "max": 12, "ok": False}
    assert [one["code"] for one in checked.warnings] == ["W_SEQUENCE_BEHIND"]
    assert cleo_cli("sequence", "repair", "--dry-run").data["stored"] == 12
    assert cleo_cli("sequence", "show").data["stored"] == 5
    assert cleo_cli("sequence", "repair").data == {"next": 13, "stored": 12, "max": 12, "ok": True}
    (row,) = tasks.log_list(action="sequence.repair")[0]
    assert (row["entityKind"], row["before"], row["after"]) == (
        "sequence",
        {"value": 5},
        {"value": 12},
    )
    assert tasks.add("Next").task.id == "T013"


@pytest.mark.parametrize("value", [str(2**63 - 1), "9" * 40, str(10**15)])
def test_a_sequence_beyond_all_numbers_is_told_and_repaired(
    tasks: Any, cleo_app: App, cleo_cli: Cli, value: str
) -> None:
    tasks.delete("T012")
    tasks.delete("T012", purge=True)

    def set_to(unit: Any) -> None:
        unit.execute("UPDATE schema_meta SET value = :v WHERE key = 'task_sequence'", v=value)

    cleo_app.write("tasks", set_to)
    for words, lines in ((("add", "Next"), None), (("add-batch",), '{"title": "Next"}')):
        refused = cleo_cli(*words, input=lines)
        assert (refused.code, refused.error["fix"]) == (6, "cleo sequence repair")
    checked = cleo_cli("sequence", "check")
    assert not checked.data["ok"]
    assert [one["code"] for one in checked.warnings] == ["W_SEQUENCE_BEYOND"]
    assert "sequence repair" in cleo_cli("sequence", "show", "--human").out

    repaired = cleo_cli("sequence", "repair").data

    # The number of the purged task is not given again.
    assert repaired == {"next": 13, "stored": 12, "max": 11, "ok": True}
    assert cleo_cli("add", "Next").data["task"]["id"] == "T013"


def test_a_new_row_is_shown_as_created(tasks: Any, cleo_cli: Cli) -> None:
    tasks.update("T001", priority="high")
    shown = cleo_cli("log", "list", "--limit", "3", "--human").out.splitlines()
    rows = {line.split()[0]: line.split()[-1] for line in shown if line.split()}
    assert (rows["13"], rows["12"], rows["11"]) == ("priority", "created", "created")


def test_a_wrong_time_is_answered_with_the_option_that_was_used(tasks: Any, cleo_cli: Cli) -> None:
    for words in (("log", "prune"), ("log", "list")):
        assert cleo_cli(*words, "--before", "bogus").error["fix"] == "--before 2026-03-25"


@pytest.mark.parametrize("value", ["nonsense", "", "-7", "5"])
def test_whatever_the_stored_number_says_no_number_is_given_twice(
    tasks: Any, cleo_app: App, value: str
) -> None:
    def set_to(unit: Any) -> None:
        unit.execute("UPDATE schema_meta SET value = :v WHERE key = 'task_sequence'", v=value)

    cleo_app.write("tasks", set_to)
    assert not tasks.sequence_show().ok
    assert tasks.add("Next").task.id == "T013"
    assert tasks.app.warnings[0]["code"] == "W_SEQUENCE_BEHIND"
    assert tasks.sequence_show().ok
