"""Verified copies and sets: complete, equal to one committed state, or not there at all."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import itertools
import json
import os
import runpy
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core import clock, database
from cleo_core.api import Project
from cleo_core.backup import copying, create_set, creating, row_counts, verified_copy
from cleo_core.backup.inventory import store_item
from cleo_core.backup.managing import Found, described
from cleo_core.backup.verifying import verify_set
from cleo_core.backup_sets import (
    BackupSet,
    Retention,
    manifest_hash,
    newest_age,
    pin,
    read_sets,
    superfluous,
)
from cleo_core.database import Database, connect_for_copy, driver
from cleo_core.errors import CleoError

_fixture = runpy.run_path(str(Path(__file__).with_name("migration_fixture.py")))
NotesStore, WatchedDriver = (_fixture[name] for name in ("NotesStore", "WatchedDriver"))
dump, run_in_child, run_in_children = (
    _fixture[name] for name in ("dump", "run_in_child", "run_in_children")
)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("CLEO_TEST_ROOT", raising=False)
    made = NotesStore(tmp_path / "store")
    made.fill(3)
    yield made
    made.close()


def make_set(store: Any, reason: str = "manual", **options: Any) -> dict[str, Any]:
    items = options.pop("items", [store_item(store.spec, store.path)])
    return create_set(
        str(store.directory),
        "project",
        reason,
        items,
        project=Project("p-1", "one", "/", "/.cleo"),
        plugin_versions={"cleo-notes": "1.0"},
        **options,
    )


def set_names(store: Any) -> list[str]:
    folder = store.directory / "backups"
    names = os.listdir(folder) if folder.exists() else []
    return sorted(name for name in names if not name.startswith("."))


def all_names(store: Any) -> list[str]:
    return sorted(os.listdir(store.directory / "backups"))


class TestVerifiedCopy:
    @pytest.mark.parametrize("module", [None, sqlite3], ids=["default", "stdlib"])
    @pytest.mark.parametrize("deep", [False, True])
    def test_it_is_the_store_in_one_file(
        self,
        store: Any,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        module: Any,
        deep: bool,
    ) -> None:
        if module is not None:
            monkeypatch.setattr(database.drivers, "_driver", module)
        target = tmp_path / "copies" / "notes.db"
        target.parent.mkdir()
        item = verified_copy(store.path, str(target), store.spec, deep=deep)
        content = target.read_bytes()
        assert item == {
            "name": "notes",
            "kind": "store",
            "store": "notes",
            "file": "notes.db",
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "applicationId": 0x434C5454,
            "revision": "notes_0003",
            "rowCounts": {"facts": 5, "folders": 2, "note_log": 21, "notes": 20},
        }
        assert os.listdir(target.parent) == ["notes.db"]
        assert content[18:20] == b"\1\1", "the copy still asks for a write-ahead log"
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
        assert dump(str(target)) == store.dump()

    def test_what_lies_in_the_write_ahead_log_is_copied(self, store: Any, tmp_path: Path) -> None:
        writer = Database(store.path, "notes")
        try:
            with writer.write() as tx:
                tx.execute("INSERT INTO notes (id, title) VALUES ('new', 'new')")
            item = verified_copy(store.path, str(tmp_path / "copy.db"), store.spec)
        finally:
            writer.close()
        assert item["rowCounts"]["notes"] == 21

    def test_progress_ends_at_the_last_page(self, store: Any, tmp_path: Path) -> None:
        seen: list[tuple[int, int]] = []
        verified_copy(
            store.path,
            str(tmp_path / "copy.db"),
            store.spec,
            progress=lambda done, total: seen.append((done, total)),
        )
        assert seen
        assert seen[-1][0] == seen[-1][1] > 0

    def test_through_a_connection_that_is_alone_with_the_file(
        self, store: Any, tmp_path: Path
    ) -> None:
        before = store.dump()
        alone = connect_for_copy(store.path)
        for statement in (
            "PRAGMA journal_mode = DELETE",
            "PRAGMA locking_mode = EXCLUSIVE",
            "BEGIN EXCLUSIVE",
            "COMMIT",
        ):
            alone.execute(statement)
        made = make_set(store, connections={store.path: alone})
        assert dump(str(Path(made["path"], "notes.db"))) == before
        # No fork: SQLite would remember there that this connection holds the lock.
        look = "import sqlite3, sys; sqlite3.connect(sys.argv[1], 0).execute('DELETE FROM facts')"
        done = subprocess.run(
            [sys.executable, "-c", look, store.path], capture_output=True, text=True, check=False
        )
        assert "database is locked" in done.stderr
        alone.execute("DELETE FROM note_log")
        alone.close()

    def test_functions_that_checks_call_can_be_loaded(self, store: Any, tmp_path: Path) -> None:
        def prepare(connection: Any) -> None:
            connection.create_function("fine", 1, lambda value: 1, deterministic=True)

        connection = connect_for_copy(store.path)
        prepare(connection)
        connection.execute("CREATE TABLE strange (a TEXT CHECK (fine(a)))")
        connection.execute("INSERT INTO strange VALUES ('x')")
        connection.close()
        target = str(tmp_path / "copy.db")
        assert verified_copy(store.path, target, store.spec, prepare=prepare)["rowCounts"][
            "strange"
        ]

    def test_a_virtual_table_of_a_module_that_is_not_loaded(
        self, store: Any, tmp_path: Path
    ) -> None:
        connection = connect_for_copy(store.path)
        for statement in (
            "CREATE TABLE vectors_rows (a)",
            "PRAGMA writable_schema = ON",
            "INSERT INTO sqlite_master VALUES ('table', 'vectors', 'vectors', 0, "
            "'CREATE VIRTUAL TABLE vectors USING nowhere(a)')",
        ):
            connection.execute(statement)
        connection.close()
        item = verified_copy(store.path, str(tmp_path / "copy.db"), store.spec)
        assert sorted(item["rowCounts"]) == ["facts", "folders", "note_log", "notes"]

    def test_while_another_process_commits_200_times_a_second(
        self, store: Any, tmp_path: Path
    ) -> None:
        with_body = "INSERT INTO notes (id, title, body) VALUES (:id, :id, hex(randomblob(500)))"
        filler = Database(store.path, "notes")
        with filler.write() as tx:
            tx.executemany(with_body, ({"id": f"f{number}"} for number in range(20_000)))
            tx.execute("DELETE FROM note_log")
            tx.execute("DELETE FROM facts")
        filler.close()
        stop = tmp_path / "stop"

        def write() -> None:
            writer = Database(store.path, "notes")
            number, started = 0, time.monotonic()
            while not stop.exists():
                number += 1
                with writer.write() as tx:
                    tx.execute(with_body, id=f"w{number}")
                    tx.execute("INSERT INTO facts VALUES (:key, 'x')", key=f"w{number}")
                time.sleep(max(0.0, started + number / 200 - time.monotonic()))
            writer.close()

        child = os.fork()
        if child == 0:
            try:
                write()
            finally:
                os._exit(0)
        try:
            counts = []
            for number in range(5):
                target = str(tmp_path / f"copy{number}.db")
                item = verified_copy(store.path, target, store.spec)
                connection = connect_for_copy(target)
                written = [
                    connection.execute(f"SELECT {column} FROM {table}").fetchone()[0]
                    for column, table in (
                        ("count(*)", "notes WHERE id LIKE 'w%'"),
                        ("max(CAST(substr(id, 2) AS INTEGER))", "notes WHERE id LIKE 'w%'"),
                        ("count(*)", "note_log"),
                        ("count(*)", "facts"),
                    )
                ]
                assert len({count or 0 for count in written}) == 1, written
                assert item["rowCounts"] == row_counts(connection, store.spec)
                connection.close()
                counts.append(written[0])
        finally:
            stop.touch()
            os.waitpid(child, 0)
        assert counts == sorted(counts)
        assert counts[-1] > counts[0]

    @pytest.mark.guarantee(
        "operations-18",
        "A copy is one committed state and is never begun anew, though another process commits "
        "between any two of its steps.",
    )
    def test_a_commit_at_every_step_restarts_nothing(
        self, store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pages = 8
        monkeypatch.setattr(copying, "STEP_PAGES", pages)
        filler = Database(store.path, "notes")
        with filler.write() as tx:
            tx.executemany(
                "INSERT INTO notes (id, title, body) VALUES (:id, :id, hex(randomblob(500)))",
                ({"id": f"f{number}"} for number in range(1000)),
            )
        filler.close()
        asks, answers = os.pipe(), os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(asks[1])
                writer = Database(store.path, "notes")
                while asked := os.read(asks[0], 1):
                    with writer.write() as tx:
                        tx.execute("INSERT INTO notes (id, title) VALUES (hex(randomblob(9)), 'w')")
                        tx.execute("UPDATE notes SET body = body || 'x' WHERE id = 'f1'")
                    os.write(answers[1], asked)
            finally:
                os._exit(0)
        left: list[int] = []

        def commit(done: int, total: int) -> None:
            left.append(total - done)
            assert len(left) < 2 * total / pages, "it was begun anew"
            os.write(asks[1], b"x")
            os.read(answers[0], 1)

        before = store.dump()
        try:
            target = str(tmp_path / "copy.db")
            item = verified_copy(store.path, target, store.spec, progress=commit)
        finally:
            os.close(asks[1])
            os.waitpid(child, 0)
        assert dump(target) == before
        assert len(left) > 30
        assert [a - b for a, b in itertools.pairwise(left[:-1])] == [pages] * (len(left) - 2)
        assert left[-1] == 0
        now = connect_for_copy(store.path)
        written = now.execute("SELECT count(*) FROM notes WHERE title = 'w'").fetchone()[0]
        now.close()
        assert written == len(left)
        assert item["rowCounts"]["notes"] == 1020

    @pytest.mark.parametrize(
        ("statement", "words"),
        [
            ("PRAGMA application_id = 7", "not a notes store"),
            ("INSERT INTO alembic_version_notes VALUES ('x')", "2 rows instead of one"),
            ("DROP TABLE alembic_version_notes", "no such table"),
            ("UPDATE notes SET folder_id = 'f9'", "a row of notes refers to a row of folders"),
            (
                "PRAGMA writable_schema = ON; UPDATE sqlite_master SET rootpage = 3 "
                "WHERE name = 'note_log'",
                "is damaged",
            ),
            (
                "PRAGMA ignore_check_constraints = ON; UPDATE notes SET pinned = 5",
                "quick_check finds: CHECK constraint failed in notes",
            ),
        ],
    )
    def test_what_is_no_good_copy_is_none(
        self, store: Any, tmp_path: Path, statement: str, words: str
    ) -> None:
        connection = connect_for_copy(store.path)
        connection.executescript(statement)
        connection.close()
        folder = tmp_path / "copies"
        folder.mkdir()
        with pytest.raises(CleoError) as caught:
            verified_copy(store.path, str(folder / "copy.db"), store.spec)
        assert caught.value.exit == 60
        assert words in caught.value.message
        assert os.listdir(folder) == []

    def test_a_file_in_the_way_stays(self, store: Any, tmp_path: Path) -> None:
        target = tmp_path / "copy.db"
        target.write_text("mine")
        with pytest.raises(CleoError):
            verified_copy(store.path, str(target), store.spec)
        assert target.read_text() == "mine"

    def test_a_copy_that_differs_is_thrown_away(
        self, store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def lossy(original: Any, copy: Any, progress: Any) -> None:
            original.backup(copy)
            copy.execute("DELETE FROM notes WHERE seq = 3")

        monkeypatch.setattr(copying, "_fill", lossy)
        with pytest.raises(CleoError, match="the copy has"):
            verified_copy(store.path, str(tmp_path / "copy.db"), store.spec)
        assert not (tmp_path / "copy.db").exists()


class TestSet:
    def test_manifest(self, store: Any) -> None:
        clock.set_clock(lambda: 1_774_449_015.25)
        try:
            made = make_set(store, note="before the fair", fingerprint="00ff")
        finally:
            clock.set_clock(None)
        folder = store.directory / "backups" / "20260325T143015Z-001-manual"
        assert (made["name"], made["path"]) == (folder.name, str(folder))
        assert sorted(os.listdir(folder)) == ["manifest.json", "notes.db"]
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
        manifest = json.loads((folder / "manifest.json").read_text())
        assert manifest["manifestSha256"] == manifest_hash(manifest)
        expected = {
            "format": 1,
            "sequence": 1,
            "tier": "project",
            "reason": "manual",
            "note": "before the fair",
            "createdAt": "2026-03-25T14:30:15.250Z",
            "complete": True,
            "plugins": {"cleo-notes": "1.0"},
            "project": {"id": "p-1", "name": "one"},
            "machineFingerprint": "00ff",
            "failed": [],
        }
        assert {key: manifest[key] for key in expected} == expected
        [item] = manifest["items"]
        assert item["bytes"] == (folder / "notes.db").stat().st_size == made["bytes"]
        assert all_names(store) == [folder.name]

    def test_hostile_words_in_the_note(self, store: Any) -> None:
        made = make_set(store, note="\udcff \x00 \u2028 \"'")
        manifest = json.loads(Path(made["path"], "manifest.json").read_text())
        assert manifest["note"] == "\udcff \x00 \u2028 \"'"
        assert manifest["manifestSha256"] == manifest_hash(manifest)

    @pytest.mark.parametrize("reason", ["", "../up", "a b", "Before", "a/b"])
    def test_a_reason_is_words(self, store: Any, reason: str) -> None:
        with pytest.raises(ValueError, match="directory's name"):
            make_set(store, reason)
        assert not (store.directory / "backups").exists()

    def test_order_does_not_go_by_the_clock(self, store: Any) -> None:
        try:
            for moment in (1_774_449_015.0, 1_774_449_015.9, 1_774_445_415.0):
                clock.set_clock(lambda moment=moment: moment)
                last = make_set(store)
        finally:
            clock.set_clock(None)
        assert last["sequence"] == 3
        assert set_names(store) == [
            "20260325T133015Z-001-manual",
            "20260325T143015Z-001-manual",
            "20260325T143015Z-002-manual",
        ]

    def test_processes_at_once_get_a_set_each(self, store: Any) -> None:
        def body(number: int) -> None:
            make_set(store)

        assert run_in_children(4, body) == [0] * 4
        folders = [store.directory / "backups" / name for name in set_names(store)]
        numbers = [
            json.loads((folder / "manifest.json").read_text())["sequence"] for folder in folders
        ]
        assert sorted(numbers) == [1, 2, 3, 4]

    def test_stores_are_copied_last_first(self, store: Any) -> None:
        other = other_store(store)
        made = make_set(store, items=[store_item(store.spec, store.path), store_item(*other)])
        assert [item["name"] for item in made["items"]] == ["others", "notes"]

    def test_a_damaged_store_does_not_cost_the_others_their_copy(self, store: Any) -> None:
        spec, path = other_store(store)
        Path(path).write_bytes(b"SQLite format 3\0" + b"x" * 5000)
        made = make_set(store, items=[store_item(store.spec, store.path), store_item(spec, path)])
        assert made["complete"] is False
        assert [item["name"] for item in made["items"]] == ["notes"]
        assert [item["name"] for item in made["failed"]] == ["others"]
        assert sorted(os.listdir(made["path"])) == ["manifest.json", "notes.db"]

    @pytest.mark.parametrize("content", [None, b"", b"SQLite format 3\0" + b"x" * 5000])
    def test_before_something_risky_every_store_must_be_copied(
        self, store: Any, content: bytes | None
    ) -> None:
        spec, path = other_store(store)
        if content is None:
            Path(path).unlink()
        else:
            Path(path).write_bytes(content)
        with pytest.raises(CleoError) as caught:
            make_set(
                store,
                "before-migrate",
                items=[store_item(store.spec, store.path), store_item(spec, path)],
            )
        assert caught.value.exit == 60
        assert "others" in caught.value.message
        assert all_names(store) == []

    def test_a_set_of_nothing_is_none(self, store: Any) -> None:
        Path(store.path).write_bytes(b"no database")
        with pytest.raises(CleoError) as caught:
            make_set(store)
        assert caught.value.exit == 60
        assert all_names(store) == []

    def test_no_space(self, store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        needed = os.path.getsize(store.path) * 11 // 10
        usage = shutil.disk_usage(store.directory)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=needed - 1))
        with pytest.raises(CleoError) as caught:
            make_set(store)
        assert (caught.value.code, caught.value.exit) == ("E_NO_SPACE", 69)
        assert all_names(store) == []

    @pytest.mark.parametrize(
        ("module", "where"),
        [
            (copying, "_fill"),
            (copying, "_synced"),
            (creating, "_publish"),
            (creating, "sync_directory"),
        ],
    )
    def test_a_full_disk_leaves_no_set(
        self, store: Any, monkeypatch: pytest.MonkeyPatch, module: Any, where: str
    ) -> None:
        make_set(store)
        before = all_names(store)

        def full(*_: Any, **__: Any) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(module, where, full)
        with pytest.raises(CleoError) as caught:
            make_set(store)
        assert caught.value.code == "E_BACKUP_FAILED"
        assert caught.value.details["cause"] == "E_DISK_FULL"
        assert all_names(store) == before

    def test_a_set_that_has_its_name_is_there_whatever_comes_after(
        self, store: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refused(path: str) -> None:
            if path.endswith("backups"):
                raise OSError(errno.EIO, os.strerror(errno.EIO))

        monkeypatch.setattr(creating, "sync_directory", refused)
        made = make_set(store)
        assert set_names(store) == [made["name"]]

    def test_interrupted_it_leaves_nothing(
        self, store: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(*_: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(copying, "_check", interrupt)
        with pytest.raises(KeyboardInterrupt):
            make_set(store)
        assert all_names(store) == []

    def test_killed_anywhere_it_is_whole_or_not_there(
        self, store: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_set(store)
        shutil.rmtree(store.directory / "backups")
        points: list[str] = []
        self.watch(points.append, monkeypatch)
        make_set(store)
        monkeypatch.undo()
        assert len(points) > 20
        before = store.dump()
        for place in range(len(points)):
            shutil.rmtree(store.directory / "backups")

            def killed(place: int = place) -> None:
                left = iter(range(place))

                def after(_: str) -> None:
                    if next(left, None) is None:
                        os.kill(os.getpid(), signal.SIGKILL)

                self.watch(after, pytest.MonkeyPatch())
                make_set(store)

            assert run_in_child(killed) == -signal.SIGKILL, points[place]
            names = set_names(store)
            renamed = points.index("rename") <= place
            assert len(names) == int(renamed), points[place]
            if names:
                folder = store.directory / "backups" / names[0]
                manifest = json.loads((folder / "manifest.json").read_text())
                assert manifest["manifestSha256"] == manifest_hash(manifest)
            made = make_set(store)
            assert made["sequence"] == 1 + len(names)
        assert store.dump() == before

    def watch(self, after: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
        """Tell of every statement and of every call that changes names or syncs."""
        monkeypatch.setattr(database.drivers, "_driver", WatchedDriver(driver(), after))
        for name in ("mkdir", "fsync", "rename"):
            function = getattr(os, name)

            def watched(
                *arguments: Any, name: str = name, function: Any = function, **options: Any
            ) -> Any:
                result = function(*arguments, **options)
                after(name)
                return result

            monkeypatch.setattr(os, name, watched)


class TestRetention:
    NOTHING = Retention(0, 0, 0)

    @pytest.fixture(autouse=True)
    def _noon(self) -> Iterator[None]:
        self.now = 1_774_440_000.0
        clock.set_clock(lambda: self.now)
        yield
        clock.set_clock(None)

    def make(self, store: Any, *reasons: str, step: float = 60.0, **options: Any) -> Any:
        """A set for each reason, so many seconds apart; gives the last one."""
        for reason in reasons:
            self.now += step
            made = make_set(store, reason, **options)
        return made

    def reasons(self, store: Any) -> list[str]:
        return [name.split("-", 2)[2] for name in set_names(store)]

    def test_the_newest_stay_and_the_oldest_goes_first(
        self, store: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.make(store, "a", "b", "c", "d")
        hidden: list[str] = []
        removed = shutil.rmtree

        def watched(path: str, **options: Any) -> None:
            hidden.append(os.path.basename(path))
            removed(path, **options)

        monkeypatch.setattr(shutil, "rmtree", watched)
        made = self.make(store, "e", keep=Retention(3, 0, 0))
        assert self.reasons(store) == ["c", "d", "e"]
        assert [name[-1] for name in made["removed"]] == ["a", "b"]
        assert hidden == [f".{name}.removed" for name in made["removed"]]
        assert all_names(store) == set_names(store)
        assert made["notRemoved"] == ""

    def test_the_order_is_that_of_the_sequence(self, store: Any) -> None:
        self.make(store, "a", "b", "c", step=-3600)
        self.make(store, "d", step=-3600, keep=Retention(2, 0, 0))
        assert self.reasons(store) == ["d", "c"]

    def test_the_newest_of_each_day_stays(self, store: Any) -> None:
        self.make(store, *"abcdefgh", step=43_200)
        self.make(store, "i", keep=Retention(0, 3, 0))
        assert self.reasons(store) == ["d", "f", "i"]

    def test_sets_before_something_risky_are_counted_alone(self, store: Any) -> None:
        self.make(store, "before-a", "b", "before-c", "d", "before-e", "f", "g")
        self.make(store, "h", keep=Retention(2, 0, 2))
        assert self.reasons(store) == ["before-c", "before-e", "g", "h"]

    def test_a_pinned_set_stays_until_it_is_unpinned(self, store: Any) -> None:
        kept = self.make(store, "a")["path"]
        pin(kept)
        manifest = json.loads(Path(kept, "manifest.json").read_text())
        assert manifest["manifestSha256"] == manifest_hash(manifest)
        self.make(store, "b", "c", keep=self.NOTHING)
        assert self.reasons(store) == ["a", "c"]
        pin(kept, False)
        self.make(store, "d", keep=self.NOTHING)
        assert self.reasons(store) == ["d"]

    @pytest.mark.parametrize("damaged", [False, True])
    def test_the_newest_good_copy_of_every_store_stays(self, store: Any, damaged: bool) -> None:
        both = [store_item(store.spec, store.path), store_item(*other_store(store))]
        self.make(store, "a", "b", "c", items=both)
        if damaged:
            newest = store.directory / "backups" / set_names(store)[-1] / "others.db"
            content = bytearray(newest.read_bytes())
            content[5000] ^= 1
            newest.write_bytes(content)
        self.make(store, "d", "e", keep=self.NOTHING)
        assert self.reasons(store) == ["b" if damaged else "c", "e"]

    def test_what_somebody_changed_is_left_alone(self, store: Any) -> None:
        path = Path(self.make(store, "a")["path"], "manifest.json")
        path.write_text(path.read_text().replace('"note": ""', '"note": "x"'))
        (store.directory / "backups" / "mine").mkdir()
        self.make(store, "b", "c", keep=self.NOTHING)
        assert [name.rpartition("-")[2] for name in set_names(store)] == ["a", "c", "mine"]

    def test_a_set_that_cannot_go_is_no_failure(
        self, store: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rename = os.rename

        def refused(source: str, target: str) -> None:
            if target.endswith(".removed"):
                raise PermissionError(errno.EACCES, "not yours")
            rename(source, target)

        self.make(store, "a")
        monkeypatch.setattr(os, "rename", refused)
        made = self.make(store, "b", keep=self.NOTHING)
        assert (made["removed"], "not yours" in made["notRemoved"]) == ([], True)
        assert self.reasons(store) == ["a", "b"]

    def test_what_a_killed_process_left_goes_after_a_day(self, store: Any) -> None:
        backups = store.directory / "backups"
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        host = socket.gethostname()
        for name, pid, days in (
            ("running", os.getpid(), 2.0),
            ("young", child, 0.5),
            ("dead", child, 2.0),
            ("unsigned", None, 2.0),
        ):
            partial = backups / f".{name}.partial"
            partial.mkdir(parents=True)
            if pid is not None:
                (partial / ".owner.json").write_text(json.dumps({"pid": pid, "host": host}))
            past = time.time() - days * 86_400
            for path in (*partial.iterdir(), partial):
                os.utime(path, (past, past))
        (backups / ".a.removed").mkdir()
        made = self.make(store, "a", keep=self.NOTHING)
        assert all_names(store) == [".running.partial", ".young.partial", made["name"]]

    def test_a_hidden_set_names_its_process(
        self, store: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[Any] = []
        synced = copying._synced

        def watched(path: str) -> Any:
            seen.append(json.loads(Path(path).with_name(".owner.json").read_text()))
            return synced(path)

        monkeypatch.setattr(copying, "_synced", watched)
        made = make_set(store)
        assert seen == [{"pid": os.getpid(), "host": socket.gethostname()}]
        assert sorted(os.listdir(made["path"])) == ["manifest.json", "notes.db"]


class TestDamagedSets:
    """Whatever somebody does to a set's files is found, and costs nobody an exception."""

    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.data())
    def test_any_changed_byte_is_found(self, store: Any, data: st.DataObject) -> None:
        backups = store.directory / "backups"
        if not backups.exists():
            make_set(store)
        (one,) = read_sets(str(backups))
        path = Path(one.path, data.draw(st.sampled_from(["manifest.json", "notes.db"])))
        content = path.read_bytes()
        at = data.draw(st.integers(0, len(content) - 1))
        byte = data.draw(st.integers(0, 255).filter(lambda value: value != content[at]))
        try:
            path.write_bytes(content[:at] + bytes([byte]) + content[at + 1 :])
            left = read_sets(str(backups))
            meaning = None
            with contextlib.suppress(ValueError):
                meaning = json.loads(path.read_bytes()) if path.suffix == ".json" else None
            if meaning != one.manifest:
                assert not left or [found for found in self.verify(store, left[0]) if found.error]
        finally:
            path.write_bytes(content)

    @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        key=st.sampled_from(
            ["items", "failed", "createdAt", "tier", "reason", "sequence", "format", "note"]
        ),
        value=st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["name", "kind", "file", "bytes", "sha256", "rowCounts"]),
                    inner,
                    max_size=6,
                )
            ),
            max_leaves=8,
        ),
    )
    def test_a_manifest_may_hold_anything(self, store: Any, key: str, value: Any) -> None:
        folder = store.directory / "backups" / "20260325T143015Z-001-manual"
        if not folder.exists():
            made = make_set(store)
            os.rename(made["path"], folder)
            shutil.copyfile(folder / "manifest.json", store.directory / "good.json")
        manifest = json.loads((store.directory / "good.json").read_text())
        manifest[key] = value
        manifest["manifestSha256"] = manifest_hash(manifest)
        (folder / "manifest.json").write_text(json.dumps(manifest))
        for one in read_sets(str(folder.parent)):
            self.verify(store, one)
            assert newest_age(str(folder.parent)) is None or one.sound
            superfluous([one], Retention(0, 0, 0))
            row = described(Found("project", "", one))
            assert isinstance(row["reason"], str)
            assert isinstance(row["createdAt"], str)
            assert isinstance(row["note"], str)

    def verify(self, store: Any, one: BackupSet) -> Any:
        plugins = types.SimpleNamespace(stores={"notes": store.spec})
        stores: Any = types.SimpleNamespace(plugins=plugins, fit_out=lambda spec, opened: None)
        return verify_set(one, stores)


def other_store(store: Any) -> tuple[Any, str]:
    """A second store of the same shape."""
    spec = dataclasses.replace(store.spec, name="others", file="others.db")
    path = str(store.directory / "others.db")
    shutil.copyfile(store.path, path)
    connection = connect_for_copy(path)
    connection.execute("ALTER TABLE alembic_version_notes RENAME TO alembic_version_others")
    connection.close()
    return spec, path
