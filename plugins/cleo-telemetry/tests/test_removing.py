"""Old rows go by themselves, and everything goes when its owner says so."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from cleo_core import clock
from cleo_core.app import App
from cleo_core.database import connect_for_copy
from cleo_telemetry import writer
from cleo_telemetry.store.pruning import BEGINNING, days_ago

_timings = runpy.run_path(str(Path(__file__).with_name("timings.py")))
file, rows, commands, meta, execute, insert, content = (
    _timings[name] for name in ("file", "rows", "commands", "meta", "execute", "insert", "content")
)


@pytest.fixture
def enabled(cleo_project: Path, cleo_cli: Any) -> Path:
    cleo_cli("telemetry", "enable")
    return cleo_project


def store_many(app: App, count: int, at: Callable[[int], str], block: int = 256) -> list[int]:
    """Store rows as commands do, and count them after each block."""
    db, _ = app.stores.open(app.stores.spec("telemetry"), write=True)
    assert db is not None
    counts = []
    plain = {
        "domain": "tasks",
        "gateway": "query",
        "operation": "show",
        "command": "tasks.show",
        "exit_code": 0,
        "duration_ms": 1,
        "error_code": None,
    }
    try:
        for start in range(0, count, block):

            def some(tx: Any, start: int = start) -> None:
                for number in range(start, min(start + block, count)):
                    writer._insert(app, tx, {**plain, "timestamp": at(number)})

            db.unit(some)
            counts.append(int(db.scalar("SELECT count(*) FROM telemetry_events")))
    finally:
        db.close()
    return counts


@pytest.mark.guarantee(
    "telemetry-11",
    "However many commands run, at most 50 256 rows are kept, the newest ones.",
)
def test_no_more_rows_are_kept_than_configured(enabled: Path, cleo_app: App) -> None:
    now = clock.now()
    insert("tasks.show", count=50_000, at=now)
    counts = store_many(cleo_app, 10_000, lambda number: now)
    assert max(counts) <= 50_256
    ((least, most, count),) = execute("SELECT min(id), max(id), count(*) FROM telemetry_events")
    assert most == 60_000
    assert count == most - least + 1, "the newest are kept, without a gap"
    assert count >= 50_000
    assert set(meta()) == {"anonymous_id", "enabled_at", "last_prune"}


@pytest.mark.guarantee(
    "telemetry-11", "Rows go when they are 91 days old, younger ones stay, and no limit keeps all."
)
@pytest.mark.parametrize(("days", "kept"), [("90", 56), ("0", 356)])
def test_rows_that_are_too_old_go(
    enabled: Path, cleo_app: App, cleo_cli: Any, days: str, kept: int
) -> None:
    cleo_cli("config", "set", "telemetry.retention_days", days, "--global")
    execute("DELETE FROM telemetry_events", "DELETE FROM sqlite_sequence")
    old, young = days_ago(91), days_ago(89)
    store_many(cleo_app, 356, lambda number: old if number < 200 or number >= 256 + 56 else young)
    # With the 256th row those go that are too old by then; later ones wait for the 512th.
    ((count, oldest),) = execute("SELECT count(*), min(timestamp) FROM telemetry_events")
    assert count == kept + (100 if days == "90" else 0)
    assert oldest == old


def test_no_limit_of_rows_deletes_none(enabled: Path, cleo_app: App, cleo_cli: Any) -> None:
    cleo_cli("config", "set", "telemetry.max_rows", "0", "--global")
    before = len(rows())
    now = clock.now()
    store_many(cleo_app, 1000, lambda number: now)
    assert len(rows()) == before + 1000


def test_at_most_five_hundred_go_at_a_time(enabled: Path, cleo_app: App, cleo_cli: Any) -> None:
    cleo_cli("config", "set", "telemetry.max_rows", "10", "--global", env={"DO_NOT_TRACK": "1"})
    insert("tasks.show", count=1000, at=days_ago(91))
    insert("tasks.add", count=500, at=clock.now())
    assert execute("SELECT max(id) FROM telemetry_events") == [(1500,)]
    now = clock.now()
    store_many(cleo_app, 36, lambda number: now)
    assert execute("SELECT max(id) % 256, count(*) FROM telemetry_events") == [(0, 1036)]


def test_prune_does_all_of_it_at_once(enabled: Path, cleo_cli: Any, frozen_bytes: Any) -> None:
    quiet = {"DO_NOT_TRACK": "1"}
    assert cleo_cli("telemetry", "prune", env=quiet).error["code"] == "E_NO_CHANGE"
    insert("tasks.show", count=1200, at=days_ago(91))
    insert("tasks.add", count=1300, at=days_ago(3))
    cleo_cli("config", "set", "telemetry.max_rows", "100", "--global", env=quiet)
    with frozen_bytes(file().parent):
        dry = cleo_cli("telemetry", "prune", "--dry-run", env=quiet).data
    done = cleo_cli("telemetry", "prune", env=quiet).data
    assert done == dry == {"deletedByAge": 1200, "deletedByCount": 1200, "rows": 100}
    assert execute("SELECT min(id), max(id) FROM telemetry_events") == [(2401, 2500)]
    assert cleo_cli("telemetry", "prune", env=quiet).error["exit"] == 102


@pytest.mark.parametrize("value", ["-5", "9000000000000000000"])
def test_odd_limits_delete_nothing(enabled: Path, cleo_cli: Any, value: str) -> None:
    quiet = {"DO_NOT_TRACK": "1"}
    for key in ("telemetry.retention_days", "telemetry.max_rows"):
        assert cleo_cli("config", "set", "--global", "--", key, value, env=quiet).code == 0
    insert("tasks.show", count=10, at="1999-01-01T00:00:00.000Z")
    assert cleo_cli("telemetry", "prune", env=quiet).error["code"] == "E_NO_CHANGE"
    assert days_ago(10**9) == BEGINNING


def test_without_a_file_there_is_nothing_to_remove(cleo_project: Path, cleo_cli: Any) -> None:
    for words in (("prune",), ("purge", "--yes"), ("purge",), ("purge", "--all", "--yes")):
        refused = cleo_cli("telemetry", *words).error
        assert (refused["code"], refused["fix"]) == ("E_NOTHING", "cleo telemetry enable"), words
    assert not file().exists()


@pytest.mark.guarantee(
    "telemetry-15",
    "After `purge` no earlier row or id can be read from the file's bytes, enabled or not.",
)
@pytest.mark.parametrize("disabled", [False, True])
def test_purge_leaves_nothing_to_be_read(enabled: Path, cleo_cli: Any, disabled: bool) -> None:
    first = meta()["anonymous_id"]
    for number in range(30):
        cleo_cli("add", f"task {number}")
    cleo_cli("show", "T404")
    insert("tasks.marked", count=3000, code="E_MARKED", exit=9)
    if disabled:
        cleo_cli("telemetry", "disable")
    before = content()
    for word in (first, "tasks.add", "tasks.show", "E_MARKED", "E_NOT_FOUND"):
        assert word.encode() in before
    done = cleo_cli("telemetry", "purge", "--yes")
    assert done.data["deleted"] >= 3030
    assert done.data["fileRemoved"] is False
    assert done.warnings == []
    after = content()
    for word in (first, "tasks.add", "tasks.show", "tasks.marked", "E_MARKED", "E_NOT_FOUND"):
        assert word.encode() not in after
    assert len(after) < len(before) / 3
    if disabled:
        assert rows() == []
        assert meta() == {}
        assert cleo_cli("telemetry", "enable").data["anonymousId"] != first
    else:
        # The purge itself is the first command of somebody new.
        assert commands() == ["telemetry.telemetry.purge"]
        assert rows()[0]["id"] == 1
        assert rows()[0]["anonymous_id"] == meta()["anonymous_id"] != first


@pytest.mark.guarantee("telemetry-15", "`purge --all` leaves no file and disables telemetry.")
@pytest.mark.parametrize("disabled", [False, True])
def test_purge_all_leaves_no_file(enabled: Path, cleo_cli: Any, disabled: bool) -> None:
    cleo_cli("version")
    if disabled:
        cleo_cli("telemetry", "disable")
    done = cleo_cli("telemetry", "purge", "--all", "--yes").data
    assert done == {"deleted": 1, "fileRemoved": True}
    assert not [path for path in file().parent.rglob("*telemetry*") if path.suffix != ".pyc"]
    cleo_cli("version")
    assert not file().exists()
    assert cleo_cli("telemetry", "status").data["decidedBy"] == "default"


@pytest.mark.guarantee("telemetry-15", "`purge --dry-run` changes no byte.")
@pytest.mark.parametrize("more", [(), ("--all",), ("--days", "1")])
def test_a_dry_run_of_purge_changes_no_byte(
    enabled: Path, cleo_cli: Any, frozen_bytes: Any, cleo_home: Path, more: tuple[str, ...]
) -> None:
    insert("tasks.show", count=5)
    quiet = {"DO_NOT_TRACK": "1"}
    with frozen_bytes(cleo_home):
        done = cleo_cli("telemetry", "purge", "--dry-run", *more, env=quiet).data
    assert done == {"deleted": 5, "fileRemoved": "--all" in more}
    assert cleo_cli("telemetry", "purge", "--yes", *more, env=quiet).data == done


def test_a_dry_run_changes_neither_the_file_nor_a_log_that_a_command_left(
    enabled: Path, cleo_cli: Any
) -> None:
    cleo_cli("version")
    log = file().with_name(f"{file().name}-wal")
    before = [path.read_bytes() for path in (file(), log)]
    assert before[1]
    for words in (("purge", "--dry-run"), ("purge", "--all", "--dry-run"), ("prune", "--dry-run")):
        assert cleo_cli("telemetry", *words, env={"DO_NOT_TRACK": "1"}).code in (0, 102)
        # The -shm beside them is no content but SQLite's index of the log, in shared memory: who
        # reads a log writes there what he found, and locks himself in.
        assert [path.read_bytes() for path in (file(), log)] == before, words


def test_prune_says_how_far_it_is(enabled: Path, cleo_app: App) -> None:
    insert("tasks.show", count=1201, at=days_ago(100))
    told: list[tuple[int, int]] = []
    cleo_app.service("telemetry").prune(progress=lambda *one: told.append(one))
    assert told == [(0, 1201), (500, 1201), (1000, 1201)]


def test_purge_of_some_days_keeps_the_rest_and_the_id(enabled: Path, cleo_cli: Any) -> None:
    quiet = {"DO_NOT_TRACK": "1"}
    first = meta()["anonymous_id"]
    insert("tasks.old", count=7, at=days_ago(11))
    insert("tasks.new", count=3, at=days_ago(9))
    done = cleo_cli("telemetry", "purge", "--days", "10", "--yes", env=quiet).data
    assert done == {"deleted": 7, "fileRemoved": False}
    assert commands() == ["tasks.new"] * 3
    assert meta()["anonymous_id"] == first
    assert b"tasks.old" not in content()
    refused = cleo_cli("telemetry", "purge", "--days", "10", "--all", "--yes", env=quiet)
    assert refused.error["exit"] == 2


def test_purge_asks_on_a_terminal_and_is_refused_elsewhere(
    enabled: Path, cleo_cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = {"DO_NOT_TRACK": "1"}
    insert("tasks.show", count=2)
    refused = cleo_cli("telemetry", "purge", env=quiet).error
    assert (refused["code"], refused["exit"]) == ("E_CONFIRMATION_NEEDED", 2)
    from cleo_telemetry.cli import removing

    class Terminal:
        @staticmethod
        def isatty() -> bool:
            return True

    class System:
        stdin = Terminal()

    monkeypatch.setattr(removing, "sys", System)
    monkeypatch.setattr(click, "confirm", lambda *arguments, **options: False)
    assert cleo_cli("telemetry", "purge", env=quiet).error["code"] == "E_NO_CHANGE"
    assert len(rows()) == 2
    monkeypatch.setattr(click, "confirm", lambda *arguments, **options: True)
    assert cleo_cli("telemetry", "purge", env=quiet).data["deleted"] == 2


def test_purge_all_helps_where_the_file_is_damaged(enabled: Path, cleo_cli: Any) -> None:
    file().write_bytes(b"no database\n" * 1000)
    refused = cleo_cli("telemetry", "purge", "--yes").error
    assert (refused["exit"], refused["fix"]) == (53, "cleo telemetry purge --all --yes")
    assert cleo_cli("telemetry", "show").error["fix"] == refused["fix"]
    assert cleo_cli("telemetry", "purge", "--all", "--yes").data == {
        "deleted": 0,
        "fileRemoved": True,
    }
    assert cleo_cli("telemetry", "enable").code == 0


def test_purge_all_leaves_a_file_of_somebody_else_alone(enabled: Path, cleo_cli: Any) -> None:
    execute("PRAGMA application_id = 42", "PRAGMA wal_checkpoint(TRUNCATE)")
    assert cleo_cli("telemetry", "purge", "--all", "--yes").error["exit"] == 52
    assert file().exists()


def test_purge_says_when_a_reader_is_in_the_way(enabled: Path, cleo_cli: Any) -> None:
    insert("tasks.show", count=2)
    reader = connect_for_copy(str(file()))
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM telemetry_events").fetchall()
    done = cleo_cli("telemetry", "purge", "--yes", env={"DO_NOT_TRACK": "1"})
    reader.close()
    assert done.data["deleted"] == 2
    ((warning),) = done.warnings
    assert warning["code"] == "W_NOT_WIPED"
    assert cleo_cli("telemetry", "purge", "--yes", env={"DO_NOT_TRACK": "1"}).warnings == []
    assert b"tasks.show" not in content()


def test_what_is_deleted_is_overwritten_on_every_connection(enabled: Path, cleo_app: App) -> None:
    for write in (False, True):
        db, _ = cleo_app.stores.open(cleo_app.stores.spec("telemetry"), write=write)
        assert db is not None
        assert db.scalar("PRAGMA secure_delete") == 1
        db.close()


@pytest.mark.guarantee("telemetry-15", "Dry runs and reading verbs leave what commands left.")
def test_looking_leaves_the_log_where_it_is(enabled: Path, cleo_cli: Any) -> None:
    for _ in range(3):
        cleo_cli("version")
    log = Path(f"{file()}-wal")
    before = file().read_bytes(), log.read_bytes()
    assert before[1]
    for words in (
        ("status",),
        ("show",),
        ("analyze",),
        ("export",),
        ("prune", "--dry-run"),
        ("purge", "--dry-run"),
        ("purge", "--dry-run", "--all"),
        ("purge",),
    ):
        cleo_cli("telemetry", *words, env={"DO_NOT_TRACK": "1"})
        assert (file().read_bytes(), log.read_bytes()) == before, words
    assert len(cleo_cli("telemetry", "show", env={"DO_NOT_TRACK": "1"}).data) == 3


def test_purge_all_removes_what_a_link_leads_to(
    enabled: Path, cleo_cli: Any, cleo_home: Path
) -> None:
    cleo_cli("telemetry", "disable")
    elsewhere = cleo_home / "elsewhere"
    elsewhere.mkdir()
    file().rename(elsewhere / "kept.db")
    file().symlink_to(elsewhere / "kept.db")
    cleo_cli("telemetry", "enable")
    cleo_cli("version")
    assert cleo_cli("telemetry", "purge", "--all", "--yes").data["fileRemoved"] is True
    assert not any(elsewhere.iterdir())
    assert not file().is_symlink()
