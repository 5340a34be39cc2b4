"""The one place that opens a database: driver, pragmas, units, refusals, and what goes wrong."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleo_core import database
from cleo_core.app import App, open_app
from cleo_core.database import (
    BUSY_WAITS,
    TRUSTED_SCHEMA_SINCE,
    Database,
    connect_for_copy,
    driver,
    header,
    sqlite_version,
    translate,
    write_new,
)
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome
from cleo_core.testing.fixtures import CLEO
from cleo_core.testing.runner import Runner, job

Cli = Callable[..., Outcome]
SQL = (
    "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
    "INSERT INTO things (name) VALUES ('first')",
)


@pytest.fixture(autouse=True)
def _driver_is_chosen_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database.drivers, "_driver", None)


@pytest.fixture(params=["default", "stdlib"])
def either_driver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """pysqlite3 where it is installed, and the standard library's sqlite3."""
    if request.param == "stdlib":
        monkeypatch.setattr(database.drivers, "_driver", sqlite3)
    return driver()


@pytest.fixture
def path(cleo_home: Path) -> str:
    """A database of one table and one row."""
    made = str(cleo_home / "work" / "things.db")
    write_new(made, SQL, {}, 77)
    return made


@pytest.fixture
def opened(path: str) -> Iterator[Callable[..., Database]]:
    """Opens that database, as often as asked; all are closed at the end."""
    made: list[Database] = []

    def open_again(**options: Any) -> Database:
        made.append(Database(path, "things", **options))
        return made[-1]

    yield open_again
    for one in made:
        one.close()


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What units wait between attempts; nothing is waited."""
    asked: list[float] = []
    monkeypatch.setattr(database.time, "sleep", asked.append)
    return asked


def names(db: Any) -> list[str]:
    return [row["name"] for row in db.read("SELECT name FROM things ORDER BY id")]


def insert(name: str) -> Callable[[Any], int]:
    def body(tx: Any) -> int:
        done: int = tx.execute("INSERT INTO things (name) VALUES (:name)", name=name)
        return done

    return body


def refused(call: Callable[[], Any]) -> CleoError:
    with pytest.raises(CleoError) as caught:
        call()
    return caught.value


class TestDriver:
    def test_pysqlite3_comes_before_the_standard_library(self) -> None:
        pytest.importorskip("pysqlite3")
        assert driver({}).__name__ == "pysqlite3.dbapi2"

    @pytest.mark.parametrize(
        ("wanted", "module"),
        [("stdlib", "sqlite3"), ("pysqlite3", "pysqlite3.dbapi2"), (" auto ", "pysqlite3.dbapi2")],
    )
    def test_a_variable_chooses(self, wanted: str, module: str) -> None:
        pytest.importorskip("pysqlite3")
        assert driver({"CLEO_SQLITE": wanted}).__name__ == module

    def test_without_pysqlite3_the_standard_library_serves(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "pysqlite3", None)
        assert driver({}) is sqlite3
        assert sqlite_version() == sqlite3.sqlite_version_info

    def test_pysqlite3_that_is_demanded_and_missing_is_an_error_with_the_command(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "pysqlite3", None)
        error = refused(lambda: driver({"CLEO_SQLITE": "pysqlite3"}))
        assert (error.code, error.exit) == ("E_EXTRA_MISSING", 5)
        assert error.fix == "pip install pysqlite3"

    def test_another_word_is_an_error(self, cleo_cli: Cli) -> None:
        outcome = cleo_cli("list", env={"CLEO_SQLITE": "mysql"}, process=True)
        assert outcome.code == 3
        assert cleo_cli("init", process=True).code == 0
        outcome = cleo_cli("list", env={"CLEO_SQLITE": "mysql"}, process=True)
        assert (outcome.error["code"], outcome.error["exit"]) == ("E_CONFIG", 8)
        assert "'mysql'" in outcome.error["message"]

    @pytest.mark.parametrize("wanted", ["auto", "stdlib"])
    def test_every_command_works_with_either_driver(self, cleo_home: Path, wanted: str) -> None:
        """Pythons without ``enable_load_extension`` are common; nothing may fail on them."""
        with Runner({**os.environ, "CLEO_SQLITE": wanted}) as runner:
            self.try_every_command(runner, wanted)

    def try_every_command(self, runner: Runner, wanted: str) -> None:
        def cleo(*words: str) -> Any:
            return runner.run(job(words, ".")).envelope["data"]

        shown = cleo("version")["sqlite"]
        assert shown["driver"] == ("sqlite3" if wanted == "stdlib" else driver_package())
        assert cleo("init", "demo")["stores"] == [{"name": "tasks", "state": "head"}]
        assert (
            cleo("add", "one", "--label", "x", "--acceptance", "it works")["task"]["id"] == "T001"
        )
        assert cleo("add", "two", "--parent", "T001")["created"]
        assert cleo("add", "three", "--depends", "T001")["created"]
        assert cleo("show", "T001")["acceptance"] == ["it works"]
        assert [row["id"] for row in cleo("list")] == ["T001", "T002", "T003"]
        assert cleo("exists", "T002") == {"exists": True}
        assert cleo("stores", "tasks")["rows"]["tasks"] == 3
        assert cleo("migrate") == []

    def test_a_file_of_one_driver_serves_the_other(self, cleo_cli: Cli) -> None:
        assert cleo_cli("init", env={"CLEO_SQLITE": "auto"}, process=True).code == 0
        for number, wanted in enumerate(("stdlib", "auto", "stdlib"), 1):
            added = cleo_cli(
                "add", wanted + "!" * number, env={"CLEO_SQLITE": wanted}, process=True
            )
            assert added.data["task"]["id"] == f"T00{number}"


class TestOpening:
    def test_every_pragma_reads_back_as_set(
        self, either_driver: Any, opened: Callable[..., Database]
    ) -> None:
        for write in (True, False):
            db = opened(write=write)
            expected = {
                "busy_timeout": 30_000,
                "journal_mode": "wal",
                "foreign_keys": 1,
                "synchronous": 1,
                "mmap_size": 0,
                "cell_size_check": 1,
                "cache_size": -8000,
                "temp_store": 2,
                "wal_autocheckpoint": 1000,
                "trusted_schema": 0 if sqlite_version() >= TRUSTED_SCHEMA_SINCE else 1,
                "query_only": 0 if write else 1,
            }
            assert {name: db.scalar(f"PRAGMA {name}") for name in expected} == expected

    def test_foreign_keys_are_enforced(
        self, either_driver: Any, opened: Callable[..., Database]
    ) -> None:
        db = opened()

        def body(tx: Any) -> None:
            tx.execute("CREATE TABLE parts (thing INTEGER REFERENCES things (id))")
            tx.execute("INSERT INTO parts VALUES (99)")

        with pytest.raises(either_driver.IntegrityError):
            db.unit(body)
        assert db.scalar("SELECT count(*) FROM sqlite_master WHERE name = 'parts'") == 0

    @pytest.mark.parametrize(
        ("options", "milliseconds"),
        [
            ({}, 30_000),
            ({"env": {"CLEO_BUSY_TIMEOUT_MS": "5000"}}, 5000),
            ({"env": {"CLEO_BUSY_TIMEOUT_MS": " "}}, 30_000),
            ({"profile": "quick"}, 20),
            ({"profile": "quick", "env": {"CLEO_BUSY_TIMEOUT_MS": "5000"}}, 20),
            ({"profile": "foreign"}, 250),
        ],
    )
    def test_each_profile_waits_as_long_as_it_may(
        self, opened: Callable[..., Database], options: dict[str, Any], milliseconds: int
    ) -> None:
        assert opened(**options).scalar("PRAGMA busy_timeout") == milliseconds

    @pytest.mark.parametrize("text", ["soon", "-1", "1.5", "30s"])
    def test_a_timeout_that_is_no_number_is_a_configuration_error(
        self, opened: Callable[..., Database], text: str
    ) -> None:
        error = refused(lambda: opened(env={"CLEO_BUSY_TIMEOUT_MS": text}))
        assert (error.code, error.exit) == ("E_CONFIG", 8)

    def test_a_connection_for_reading_cannot_write(
        self, either_driver: Any, opened: Callable[..., Database]
    ) -> None:
        for db in (opened(write=False), opened(profile="foreign")):
            with pytest.raises(either_driver.OperationalError, match="readonly"):
                db.connection.execute("DELETE FROM things")
            with pytest.raises(RuntimeError, match="opened for reading"):
                db.unit(insert("second"))
            assert names(db) == ["first"]

    def test_a_connection_for_reading_can_be_turned_into_one_for_writing_but_not_a_foreign_one(
        self, opened: Callable[..., Database]
    ) -> None:
        db = opened(write=False)
        db.reopen_for_writing()
        db.unit(insert("second"))
        assert names(db) == ["first", "second"]
        foreign = opened(profile="foreign", write=True)
        foreign.reopen_for_writing()
        with pytest.raises(RuntimeError):
            foreign.unit(insert("third"))

    def test_a_file_that_is_not_there_is_not_created(self, cleo_home: Path) -> None:
        for write in (True, False):
            error = refused(
                lambda write=write: Database(str(cleo_home / "none.db"), "x", write=write)
            )
            assert (error.code, error.exit) == ("E_PERMISSION_FS", 3)
        assert not (cleo_home / "none.db").exists()

    @pytest.mark.parametrize("name", ["a ?mode=memory.db", "b#c%20.db", "Grüße.db", "%2e%2e.db"])
    def test_any_character_may_stand_in_a_path(self, cleo_home: Path, name: str) -> None:
        path = cleo_home / name
        write_new(str(path), SQL, {}, 7)
        db = Database(str(path), "x")
        db.unit(insert("second"))
        db.close()
        assert sorted(one.name for one in cleo_home.glob("*.db")) == [name]
        assert header(str(path))[1] == 7

    def test_a_path_outside_the_test_root_is_refused(
        self, tmp_path_factory: Any, path: str
    ) -> None:
        outside = str(tmp_path_factory.mktemp("outside") / "x.db")
        shutil.copyfile(path, outside)
        for call in (
            lambda: Database(outside, "x"),
            lambda: connect_for_copy(outside),
            lambda: write_new(outside + "2", SQL, {}, 1),
        ):
            error = refused(call)
            assert (error.code, error.exit) == ("E_TEST_ROOT", 3)
        assert not os.path.exists(outside + "2")

    @given(st.binary(max_size=200))
    def test_the_header_of_any_file_can_be_read(self, content: bytes) -> None:
        import tempfile

        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            assert header(file.name) == (len(content), None)

    def test_a_new_file_is_private_whole_and_never_replaces_another(self, cleo_home: Path) -> None:
        path = cleo_home / "new.db"
        before = os.umask(0)
        try:
            write_new(str(path), SQL, {}, 0x434C544B)
        finally:
            os.umask(before)
        assert path.stat().st_mode & 0o777 == 0o600
        assert header(str(path)) == (path.stat().st_size, 0x434C544B)
        content = path.read_bytes()
        assert refused(lambda: write_new(str(path), SQL, {}, 1)).code == "E_IO"
        assert path.read_bytes() == content
        assert [one.name for one in cleo_home.glob("new.db*")] == ["new.db"]


class RefusingDriver:
    """The SQLite in use on a file system that cannot share memory, as some networks' are."""

    def __init__(self) -> None:
        self.module = driver()
        self.asked = 0

    def connect(self, name: str, **options: Any) -> Any:
        connection = self.module.connect(
            name + ("&vfs=unix-dotfile" if name.startswith("file:") else ""), **options
        )
        connection.set_trace_callback(self._note)
        return connection

    def _note(self, statement: str) -> None:
        self.asked += statement == "PRAGMA journal_mode=WAL"

    def __getattr__(self, name: str) -> Any:
        return getattr(self.module, name)


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch, sleeps: list[float]) -> RefusingDriver:
    made = RefusingDriver()
    monkeypatch.setattr(database.drivers, "_driver", made)
    return made


@pytest.mark.skipif(os.name == "nt", reason="the VFS that refuses is one of POSIX")
class TestWithoutWal:
    @pytest.mark.guarantee(
        "operations-06", "A file that cannot have write-ahead logging is refused, not written."
    )
    def test_a_file_system_that_refuses_wal_is_refused(
        self, refusing: RefusingDriver, cleo_cli: Cli, sleeps: list[float], frozen_bytes: Any
    ) -> None:
        assert cleo_cli("init").code == 0
        with frozen_bytes(Path(".cleo")):
            for words in (("add", "a title"), ("list",)):
                sleeps.clear()
                refusing.asked = 0
                error = cleo_cli(*words).error
                assert (error["code"], error["exit"]) == ("E_WAL_REFUSED", 3)
                assert error["details"]["journalMode"] == "delete"
                assert error["fix"] == "cleo doctor --only store.pragmas"
                assert refusing.asked == 3, "it is asked three times"
                assert sleeps == [0.2, 0.4]

    def test_a_store_that_the_user_allows_opens_and_warns_in_every_command(
        self, refusing: RefusingDriver, cleo_cli: Cli
    ) -> None:
        assert cleo_cli("init").code == 0
        allow = json.dumps({"database": {"allow_non_wal": ["tasks"]}})
        Path(".cleo/config.json").write_text(allow)
        assert cleo_cli("list").error["code"] == "E_WAL_REFUSED", "a project cannot allow it"
        config = cleo_cli("config", "path", "--global").data["path"]
        Path(config).parent.mkdir(parents=True)
        Path(config).write_text(allow)
        Path(".cleo/config.json").write_text("{}")
        for words in (("add", "a title"), ("list",), ("show", "T001")):
            outcome = cleo_cli(*words)
            assert outcome.code == 0
            assert [one["code"] for one in outcome.warnings] == ["W_NON_WAL"]
        with open_app() as app:
            db = app.store("tasks")
            assert db.scalar("PRAGMA journal_mode") == "delete"
            assert db.scalar("PRAGMA synchronous") == 2

    def test_a_refusal_that_passes_is_no_refusal(
        self, monkeypatch: pytest.MonkeyPatch, sleeps: list[float], opened: Any
    ) -> None:
        answers = ["delete", "delete"]
        module = driver()

        class Connection(module.Connection):  # type: ignore[misc, name-defined]
            def execute(self, sql: str, *arguments: Any) -> Any:
                if sql == "PRAGMA journal_mode=WAL" and answers:
                    return super().execute(f"SELECT '{answers.pop()}'")
                return super().execute(sql, *arguments)

        class Late(RefusingDriver):
            def connect(self, name: str, **options: Any) -> Any:
                return self.module.connect(name, factory=Connection, **options)

        monkeypatch.setattr(database.drivers, "_driver", Late())
        assert names(opened()) == ["first"]
        assert sleeps == [0.2, 0.4]


class TestUnits:
    def test_a_unit_is_committed_whole(self, opened: Callable[..., Database]) -> None:
        db = opened()
        assert db.unit(insert("second")) == 1
        assert names(opened(write=False)) == ["first", "second"]
        many = db.unit(
            lambda tx: tx.executemany(
                "INSERT INTO things (name) VALUES (:name)", [{"name": "a"}, {"name": "b"}]
            )
        )
        assert many == 2

    @pytest.mark.parametrize("error", [LookupError, KeyboardInterrupt, SystemExit, GeneratorExit])
    def test_whatever_a_body_raises_rolls_back_and_passes_as_it_is(
        self, opened: Callable[..., Database], error: type[BaseException]
    ) -> None:
        db = opened()

        def half(tx: Any) -> None:
            insert("half")(tx)
            raise error

        with pytest.raises(error):
            db.unit(half)
        assert not db.connection.in_transaction
        assert names(db) == ["first"]
        assert db.unit(insert("second")) == 1

    def test_a_dry_run_sees_its_own_writes_and_leaves_none(
        self, opened: Callable[..., Database]
    ) -> None:
        db = opened()

        def body(tx: Any) -> list[str]:
            insert("second")(tx)
            return names(tx)

        assert db.unit(body, dry_run=True) == ["first", "second"]
        assert names(db) == ["first"]

    def test_a_defect_of_the_program_stays_what_it_is(
        self, either_driver: Any, opened: Callable[..., Database]
    ) -> None:
        db = opened()
        with pytest.raises(either_driver.IntegrityError, match="UNIQUE"):
            db.unit(insert("first"))
        with pytest.raises(either_driver.IntegrityError, match="NOT NULL"):
            db.unit(lambda tx: tx.execute("INSERT INTO things (name) VALUES (NULL)"))
        with pytest.raises(either_driver.OperationalError, match="no such table"):
            db.read("SELECT * FROM nowhere")
        with pytest.raises(either_driver.OperationalError, match="syntax"):
            db.scalar("SELEKT 1")

    @pytest.mark.parametrize("busy_times", [1, 2, 3, 4])
    def test_a_busy_unit_is_run_again_from_its_beginning(
        self, either_driver: Any, opened: Any, sleeps: list[float], busy_times: int
    ) -> None:
        db, other = opened(env={"CLEO_BUSY_TIMEOUT_MS": "1"}), opened()
        runs: list[list[str]] = []

        def body(tx: Any) -> None:
            runs.append(names(tx))
            insert(f"run {len(runs)}")(tx)
            if len(runs) <= busy_times:
                raise busy_error(db)

        db.unit(body)
        assert runs == [["first"]] * (busy_times + 1), "each run began with what is committed"
        assert names(other) == ["first", f"run {busy_times + 1}"]
        assert len(sleeps) == busy_times
        for slept, wait in zip(sleeps, BUSY_WAITS, strict=False):
            assert wait * 0.5 <= slept <= wait * 1.5

    def test_contention_that_lasts_is_exit_7_and_nothing_is_written(
        self, cleo_cli: Cli, sleeps: list[float]
    ) -> None:
        assert cleo_cli("init").code == 0
        with open_app() as holder:
            holder.service("tasks").add("held")
            holder.store("tasks").connection.execute("BEGIN IMMEDIATE")
            env = {"CLEO_BUSY_TIMEOUT_MS": "1"}
            outcome = cleo_cli("add", "waiting", env=env)
            assert (outcome.error["code"], outcome.error["exit"]) == ("E_WRITE_CONTENTION", 7)
            assert len(sleeps) == 4
            reading = cleo_cli("list", env=env)
            assert [row["title"] for row in reading.data] == ["held"], "readers never wait"
            holder.store("tasks").connection.execute("ROLLBACK")
        assert cleo_cli("add", "now").code == 0

    def test_a_unit_is_given_up_after_a_minute_whatever_the_attempts(
        self, opened: Any, sleeps: list[float], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        moments = iter([0.0, 30.0, 59.9])
        monkeypatch.setattr(database.time, "monotonic", lambda: next(moments))
        db, other = opened(env={"CLEO_BUSY_TIMEOUT_MS": "1"}), opened()
        other.connection.execute("BEGIN IMMEDIATE")
        assert refused(lambda: db.unit(insert("x"))).code == "E_WRITE_CONTENTION"
        assert len(sleeps) == 1

    def test_the_quick_profile_tries_once(self, opened: Any, sleeps: list[float]) -> None:
        db, other = opened(profile="quick"), opened()
        other.connection.execute("BEGIN IMMEDIATE")
        assert refused(lambda: db.unit(insert("x"))).exit == 7
        assert sleeps == []

    def test_work_that_can_be_done_later_does_not_wait(
        self, opened: Any, sleeps: list[float]
    ) -> None:
        db, other = opened(), opened()
        other.connection.execute("BEGIN IMMEDIATE")
        with db.hurried():
            assert db.scalar("PRAGMA busy_timeout") == 20
            assert refused(lambda: db.unit(insert("x"))).exit == 7
        assert sleeps == []
        assert db.scalar("PRAGMA busy_timeout") == 30_000
        other.connection.execute("ROLLBACK")
        assert db.unit(insert("x")) == 1

    def test_other_errors_are_not_tried_again(self, opened: Any, sleeps: list[float]) -> None:
        db = opened()
        runs: list[int] = []

        def body(tx: Any) -> None:
            runs.append(1)
            raise CleoError("E_VALIDATION", "no")

        assert refused(lambda: db.unit(body)).code == "E_VALIDATION"
        assert (runs, sleeps) == ([1], [])

    def test_reads_of_one_snapshot_see_one_state(self, opened: Callable[..., Database]) -> None:
        reader, writer = opened(write=False), opened()
        with reader.snapshot() as db:
            assert names(db) == ["first"]
            writer.unit(insert("second"))
            assert names(db) == ["first"]
            with reader.snapshot():
                assert names(db) == ["first"]
        assert names(reader) == ["first", "second"]
        assert list(reader.iterate("SELECT name FROM things ORDER BY id")) == [
            ("first",),
            ("second",),
        ]


class TestReplacedFiles:
    def replace(self, path: str) -> None:
        """Another file takes the place, the old one's journals gone, as after a restore."""
        copy = path + ".copy"
        write_new(copy, (*SQL, "INSERT INTO things (name) VALUES ('restored')"), {}, 77)
        for suffix in ("-wal", "-shm"):
            if os.path.exists(path + suffix):
                os.unlink(path + suffix)
        os.replace(copy, path)

    @pytest.mark.guarantee(
        "operations-08", "A write after a restore swapped the file lands in the new file."
    )
    def test_a_unit_on_a_file_that_was_replaced_runs_on_the_new_one(
        self, either_driver: Any, opened: Any, path: str, sleeps: list[float]
    ) -> None:
        db = opened()
        assert names(db) == ["first"]
        self.replace(path)
        db.unit(insert("afterwards"))
        assert names(opened(write=False)) == ["first", "restored", "afterwards"]

    def test_a_refused_write_on_a_file_that_was_replaced_runs_on_the_new_one(
        self, either_driver: Any, opened: Any, path: str, sleeps: list[float]
    ) -> None:
        """SQLite says READONLY where it notices the swap itself."""
        db = opened()
        runs: list[int] = []

        def body(tx: Any) -> None:
            runs.append(1)
            if len(runs) == 1:
                self.replace(path)
                tx.execute("PRAGMA query_only=ON")
            insert("afterwards")(tx)

        db.unit(body)
        assert len(runs) == 2
        assert names(opened(write=False)) == ["first", "restored", "afterwards"]

    def test_a_file_that_is_gone_is_an_error_and_no_write_is_lost_in_it(
        self, opened: Any, path: str, sleeps: list[float]
    ) -> None:
        db = opened()
        os.unlink(path)
        assert refused(lambda: db.unit(insert("x"))).exit == 3
        assert not os.path.exists(path)
        with pytest.raises(CleoError) as caught, db.write() as tx:
            insert("x")(tx)
        assert caught.value.exit == 3

    def test_a_swap_while_the_file_is_being_opened_is_noticed(
        self, path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        module = driver()
        test = self

        class Swapping(RefusingDriver):
            def connect(self, name: str, **options: Any) -> Any:
                connection = module.connect(name, **options)
                if not self.asked:
                    self.asked = 1
                    test.replace(path)
                return connection

        monkeypatch.setattr(database.drivers, "_driver", Swapping())
        db = Database(path, "things")
        try:
            assert names(db) == ["first", "restored"]
            db.unit(insert("afterwards"))
            assert names(db) == ["first", "restored", "afterwards"]
        finally:
            db.close()

    @pytest.mark.guarantee(
        "operations-08",
        "A writer that waits while a restore swaps the file ends in the new file or with an error.",
    )
    def test_a_process_that_waits_for_a_restore_ends_in_the_new_file(
        self, cleo_project: Path, cleo_cli: Cli
    ) -> None:
        assert cleo_cli("add", "before").code == 0
        live = cleo_project / ".cleo" / "tasks.db"
        copy = cleo_project / ".cleo" / "copy"
        shutil.copyfile(live, copy)
        assert cleo_cli("add", "after the copy").code == 0
        holder = connect_for_copy(str(live))
        for statement in (
            *("PRAGMA journal_mode=DELETE", "PRAGMA locking_mode=EXCLUSIVE"),
            *("BEGIN EXCLUSIVE", "COMMIT"),
        ):
            holder.execute(statement).fetchall()
        waiting = [
            subprocess.Popen([*CLEO, "add", f"waiting {number}"], stdout=subprocess.PIPE)
            for number in range(3)
        ]
        with pytest.raises(subprocess.TimeoutExpired):
            waiting[0].wait(1.0)
        os.replace(copy, live)
        holder.close()
        answers = [json.loads(one.communicate(timeout=60)[0]) for one in waiting]
        there = [row["title"] for row in cleo_cli("list").data]
        for number, answer in enumerate(answers):
            if answer["success"]:
                assert f"waiting {number}" in there
            else:
                assert answer["error"]["exit"] in (3, 7)
        assert there[0] == "before"
        assert "after the copy" not in there
        assert cleo_cli("add", "afterwards").code == 0


class TestBoundaries:
    def test_a_connection_does_not_cross_a_fork(self, path: str) -> None:
        script = (
            "import os, sys\n"
            "from cleo_core.database import Database\n"
            f"db = Database({path!r}, 'things')\n"
            "db.read('SELECT 1')\n"
            "child = os.fork()\n"
            "if child == 0:\n"
            "    try:\n"
            "        db.read('SELECT 1')\n"
            "    except RuntimeError as error:\n"
            "        print(error, flush=True)\n"
            "    os._exit(0)\n"
            "os.waitpid(child, 0)\n"
            "print(db.scalar('SELECT name FROM things'))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=False
        )
        first, second = done.stdout.splitlines()
        assert "before a fork" in first
        assert second == "first"

    def test_a_connection_does_not_cross_a_thread(
        self, either_driver: Any, opened: Callable[..., Database]
    ) -> None:
        db = opened()
        caught: list[BaseException] = []

        def use() -> None:
            try:
                db.read("SELECT 1")
            except either_driver.ProgrammingError as error:
                caught.append(error)

        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
        assert len(caught) == 1

    def test_a_connection_that_was_closed_opens_again_when_it_is_used(
        self, opened: Callable[..., Database]
    ) -> None:
        db = opened()
        db.close()
        db.close()
        assert names(db) == ["first"]

    def test_a_failed_opening_is_not_remembered(self, path: str) -> None:
        content = Path(path).read_bytes()
        Path(path).write_bytes(b"garbage" * 1000)
        assert refused(lambda: Database(path, "things")).code == "E_STORE_CORRUPT"
        Path(path).write_bytes(content)
        db = Database(path, "things")
        assert names(db) == ["first"]
        db.close()


class TestExtensions:
    def test_a_driver_that_cannot_load_says_so(self, path: str, monkeypatch: Any) -> None:
        if hasattr(sqlite3.Connection, "enable_load_extension"):
            pytest.skip("this Python's sqlite3 can load extensions")
        monkeypatch.setattr(database.drivers, "_driver", sqlite3)
        db = Database(path, "things")
        loaded, reason = db.load_extension("anything")
        db.close()
        assert not loaded
        assert "built without extension loading" in reason

    def test_an_extension_is_loaded_and_the_door_closed_behind_it(
        self, opened: Callable[..., Database], extension: str
    ) -> None:
        db = opened()
        assert db.load_extension(extension) == (True, "")
        assert db.scalar("SELECT answer()") == 42
        with pytest.raises(driver().OperationalError, match="not authorized"):
            db.scalar("SELECT load_extension(:path)", path=extension)

    def test_an_extension_that_is_not_there_is_a_reason_and_the_door_stays_closed(
        self, opened: Callable[..., Database]
    ) -> None:
        if not hasattr(driver().Connection, "enable_load_extension"):
            pytest.skip("no driver here can load extensions")
        db = opened()
        loaded, reason = db.load_extension("/nowhere/at_all")
        assert not loaded
        assert "/nowhere/at_all" in reason
        with pytest.raises(driver().OperationalError, match="not authorized"):
            db.scalar("SELECT load_extension('/nowhere/at_all')")


class TestTrouble:
    @pytest.mark.guarantee(
        "operations-19", "On a full disk a write is refused with its own exit, and nothing is lost."
    )
    def test_a_full_disk_refuses_the_write_and_keeps_every_acknowledged_one(
        self, cleo_home: Path, in_namespace: Any
    ) -> None:
        work = cleo_home / "small"
        work.mkdir()
        out = in_namespace(
            f"mount -t tmpfs -o size=1400k tmpfs {work} && cd {work}\n"
            "cleo init --quiet >/dev/null\n"
            "text=$(printf '%030000d' 0)\n"
            'for n in 1 2 3 4 5 6 7 8 9; do cleo add "title $n" --desc "$text" --json '
            "| head -c 90; echo; done\n"
            "cleo list --json; cleo stores tasks --field state\n"
            f"mount -o remount,size=20m {work}\n"
            "cleo add afterwards --json >/dev/null; echo $?; cleo list --field 0.title\n"
        )
        *answers, listed, state, code, first = out.splitlines()
        good = [answer for answer in answers if '"success": true' in answer]
        bad = [answer for answer in answers if '"success": true' not in answer]
        assert good
        assert bad
        assert all('"code": "E_DISK_FULL", "exit": 3' in answer for answer in bad), bad
        titles = [row["title"] for row in json.loads(listed)["data"]]
        assert len(titles) == len(good)
        assert titles == [
            f"title {number + 1}" for number, one in enumerate(answers) if one in good
        ]
        assert (state, code, first) == ("head", "0", "title 1")

    def test_a_limit_on_file_sizes_is_an_error_that_changes_nothing(
        self, cleo_cli: Cli, cleo_project: Path
    ) -> None:
        assert cleo_cli("add", "before").code == 0
        script = 'ulimit -f 8; exec "$0" -m cleo_core add "$1" --desc "$2" --json'
        done = subprocess.run(
            ["bash", "-c", script, sys.executable, "too much", "x" * 60_000],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 3, done
        assert json.loads(done.stdout)["error"]["code"] == "E_IO"
        assert [row["title"] for row in cleo_cli("list").data] == ["before"]
        assert cleo_cli("add", "afterwards").code == 0

    @pytest.mark.parametrize("wanted", ["auto", "stdlib"])
    @pytest.mark.parametrize("log_left", [False, True])
    def test_where_nothing_can_be_written_stores_can_be_read(
        self, cleo_project: Path, cleo_cli: Cli, in_namespace: Any, wanted: str, log_left: bool
    ) -> None:
        assert cleo_cli("add", "a title").code == 0
        log = cleo_project / ".cleo" / "tasks.db-wal"
        if log_left:
            with open_app() as app:
                app.service("tasks").add("only in the log")
                kept = {one: one.read_bytes() for one in log.parent.glob("tasks.db*")}
            for one, content in kept.items():
                if not one.name.endswith("-shm"):
                    one.write_bytes(content)
        out = in_namespace(
            f"cd / && mount --bind {cleo_project} {cleo_project} && "
            f"mount -o remount,ro,bind {cleo_project} && cd {cleo_project}; "
            f"export CLEO_SQLITE={wanted}; cleo list --json; echo $?; cleo add x --json; echo $?"
        )
        read, read_code, written, write_code = out.splitlines()
        assert (json.loads(written)["error"]["code"], write_code) == ("E_PERMISSION_FS", "3")
        if log_left and read_code != "0":
            assert (json.loads(read)["error"]["code"], read_code) == ("E_PERMISSION_FS", "3")
        else:
            titles = [row["title"] for row in json.loads(read)["data"]]
            assert titles == ["a title"] + ["only in the log"] * log_left
            warnings = json.loads(read)["meta"]["warnings"]
            assert [one["code"] for one in warnings] == ["W_READ_ONLY"]

    def test_each_of_the_drivers_errors_becomes_the_one_a_user_can_act_on(
        self, either_driver: Any, opened: Any, path: str
    ) -> None:
        db = opened()

        def cause(call: Callable[[], Any]) -> tuple[str, int]:
            with pytest.raises(either_driver.Error) as caught:
                call()
            error = translate(caught.value, "things", path)
            assert isinstance(error, CleoError), error
            assert error.details["store"] == "things"
            return error.code, error.exit

        db.connection.execute("PRAGMA max_page_count=4")
        big = "INSERT INTO things (name) VALUES (hex(zeroblob(90000)))"
        assert cause(lambda: db.connection.execute(big)) == ("E_DISK_FULL", 3)
        assert refused(lambda: db.unit(lambda tx: tx.execute(big))).code == "E_DISK_FULL"
        assert names(db) == ["first"]
        other = either_driver.connect(path, timeout=0, isolation_level=None)
        db.connection.execute("BEGIN IMMEDIATE")
        assert cause(lambda: other.execute("BEGIN IMMEDIATE")) == ("E_WRITE_CONTENTION", 7)
        db.connection.execute("ROLLBACK")
        other.close()
        folder = os.path.dirname(path)
        assert cause(lambda: either_driver.connect(f"file:{folder}/none.db?mode=rw", uri=True)) == (
            "E_PERMISSION_FS",
            3,
        )
        garbage = os.path.join(folder, "garbage.db")
        Path(garbage).write_bytes(b"garbage" * 999)
        connection = either_driver.connect(garbage)
        assert cause(lambda: connection.execute("SELECT * FROM x")) == ("E_STORE_CORRUPT", 53)
        connection.close()

    @pytest.mark.parametrize(
        ("number", "code"),
        [
            (errno.ENOSPC, "E_DISK_FULL"),
            (errno.EDQUOT, "E_DISK_FULL"),
            (errno.EACCES, "E_PERMISSION_FS"),
            (errno.EROFS, "E_PERMISSION_FS"),
            (errno.EIO, "E_IO"),
            (errno.ENOTDIR, "E_IO"),
        ],
    )
    def test_the_operating_systems_words_are_kept(self, number: int, code: str) -> None:
        error = translate(OSError(number, os.strerror(number)), "things", "/some/things.db")
        assert isinstance(error, CleoError)
        assert (error.code, error.exit) == (code, 3)
        assert "/some/things.db" in error.message
        if code != "E_DISK_FULL":
            assert os.strerror(number) in error.message

    def test_a_damaged_page_is_damage_when_it_is_met(
        self, cleo_cli: Cli, cleo_project: Path
    ) -> None:
        assert cleo_cli("add", "a title").code == 0
        file = cleo_project / ".cleo" / "tasks.db"
        connection = connect_for_copy(str(file))
        page = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name='tasks'"
        ).fetchone()
        connection.close()
        content = bytearray(file.read_bytes())
        start = (page[0] - 1) * 4096
        content[start : start + 4096] = b"\xff" * 4096
        file.write_bytes(content)
        for words in (("list",), ("add", "x")):
            error = cleo_cli(*words).error
            assert (error["code"], error["exit"]) == ("E_STORE_CORRUPT", 53)
            assert error["fix"] == "cleo restore latest --store tasks"


#: Another process that uses a file and is, as far as it can tell, the last one to do so.
NEIGHBOUR = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("INSERT INTO things (name) VALUES ('neighbour')")
connection.close()
"""


@pytest.mark.skipif(os.name == "nt", reason="locks belong to handles there")
@pytest.mark.guarantee(
    "operations-07", "A process that looks at a file which it has open keeps its locks on it."
)
def test_looking_at_an_open_file_drops_no_lock(path: str, either_driver: Any) -> None:
    held = Database(path, "things")
    with held.write() as tx:
        tx.execute("INSERT INTO things (name) VALUES ('before')")
    for _ in range(3):
        assert header(path)[0] > 0
    subprocess.run([sys.executable, "-c", NEIGHBOUR, path], check=True)
    with held.write() as tx:
        tx.execute("INSERT INTO things (name) VALUES ('after')")
    found = sqlite3.connect(path).execute("SELECT name FROM things ORDER BY id").fetchall()
    assert [name for (name,) in found] == ["first", "before", "neighbour", "after"]
    held.close()


def test_what_is_kept_for_the_locks_goes_with_the_connection(path: str) -> None:
    for _ in range(5):
        first, second = Database(path, "things"), Database(path, "things")
        for one in (first, second):
            for _ in range(3):
                header(path)
            assert os.path.realpath(path) in open_files()
            one.close()
        header(path)
    assert os.path.realpath(path) not in open_files()


def test_nothing_stays_open_when_an_app_is_closed(cleo_app: App) -> None:
    cleo_app.service("tasks").add("a title")
    before = open_files()
    assert any(name.endswith("tasks.db") for name in before)
    cleo_app.close()
    assert not [name for name in open_files() if "tasks.db" in name]


def test_a_refused_opening_leaves_nothing_open(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database.drivers, "_driver", RefusingDriver())
    monkeypatch.setattr("cleo_core.database.opening.WAL_WAITS", ())
    connection = driver().module.connect(path)
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    assert refused(lambda: Database(path, "things")).code == "E_WAL_REFUSED"
    assert not [name for name in open_files() if name.endswith("things.db")]


def open_files() -> list[str]:
    """What this process has open, where the system tells."""
    folder = "/proc/self/fd"
    if not os.path.isdir(folder):
        pytest.skip("this system does not tell which files are open")
    found = []
    for name in os.listdir(folder):
        try:
            found.append(os.readlink(os.path.join(folder, name)))
        except OSError:
            continue
    return found


def busy_error(db: Database) -> Exception:
    """What a read of another store raises while that one is busy."""
    raw = driver().OperationalError("database is locked")
    error = db.translated(raw)
    error.__cause__ = raw
    return error


def driver_package() -> str:
    return str(driver({}).__name__).split(".")[0]


@pytest.fixture(scope="session")
def extension(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A loadable extension with one function; skipped where none can be built or loaded."""
    compiler = shutil.which("cc")
    if compiler is None or not hasattr(driver().Connection, "enable_load_extension"):
        pytest.skip("no extension can be built or loaded here")
    folder = tmp_path_factory.mktemp("extension")
    source, library = folder / "answer.c", folder / "answer.so"
    source.write_text(
        "#include <sqlite3ext.h>\nSQLITE_EXTENSION_INIT1\n"
        "static void answer(sqlite3_context *c, int n, sqlite3_value **v) {\n"
        "  sqlite3_result_int(c, 42);\n}\n"
        "int sqlite3_answer_init(sqlite3 *db, char **e, const sqlite3_api_routines *api) {\n"
        "  SQLITE_EXTENSION_INIT2(api);\n"
        '  return sqlite3_create_function(db, "answer", 0, SQLITE_UTF8, 0, answer, 0, 0);\n}\n'
    )
    built = subprocess.run(
        [compiler, "-shared", "-fPIC", "-o", str(library), str(source)],
        capture_output=True,
        check=False,
    )
    if built.returncode != 0:
        pytest.skip("SQLite's headers are not installed")
    return str(library)
