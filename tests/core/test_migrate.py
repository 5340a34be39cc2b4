"""Migrations: upgraded, refused, interrupted, raced, compared, rendered."""

from __future__ import annotations

import os
import runpy
import shutil
import signal
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

import cleo_core
from cleo_core import clock, database
from cleo_core.backup import create_set, verified_copy
from cleo_core.backup.inventory import store_item
from cleo_core.database import Database, connect_for_copy, driver
from cleo_core.errors import CleoError
from cleo_core.locks import locked
from cleo_core.migrate import (
    checksums,
    declared_objects,
    differences,
    from_empty,
    left_out,
    migrate_store,
    new_migration,
    offences,
    pending,
    plan,
    render_sql,
    schema_objects,
)
from cleo_core.migrate.sql import filled, for_text, normalised, normalised_default, tokens
from cleo_core.testing.runner import Looks, kill_points

_fixture = runpy.run_path(str(Path(__file__).with_name("migration_fixture.py")))
NotesStore, WatchedDriver, PARAMETERS = (
    _fixture[name] for name in ("NotesStore", "WatchedDriver", "PARAMETERS")
)
dump, frozen, run_in_child, run_in_children = (
    _fixture[name] for name in ("dump", "frozen", "run_in_child", "run_in_children")
)

MakeStore = Callable[..., Any]


@pytest.fixture(autouse=True)
def _fixed_clock() -> Iterator[None]:
    clock.set_clock(lambda: 1_774_449_015.0)
    yield
    clock.set_clock(None)


@pytest.fixture
def make_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeStore]:
    monkeypatch.delenv("CLEO_TEST_ROOT", raising=False)
    made: list[Any] = []

    def make(**options: Any) -> Any:
        made.append(NotesStore(tmp_path / f"store{len(made)}", **options))
        return made[-1]

    yield make
    for store in made:
        store.close()


@pytest.fixture
def store(make_store: MakeStore) -> Any:
    return make_store()


def no_backup(reason: str, names: list[str]) -> str | None:
    return None


def migrate(store: Any, **options: Any) -> Any:
    return migrate_store(
        store.open_stores(), store.spec, **{"backup": no_backup, "fire": None, **options}
    )


def failure(store: Any, **options: Any) -> CleoError:
    with pytest.raises(CleoError) as caught:
        migrate(store, **options)
    return caught.value


def on_file(store: Any, *statements: str) -> None:
    """Change the file behind the program's back."""
    connection = connect_for_copy(store.path)
    try:
        for statement in statements:
            connection.execute(statement)
    finally:
        connection.close()


def rows(path: str, sql: str) -> list[Any]:
    connection = connect_for_copy(path)
    try:
        return list(connection.execute(sql).fetchall())
    finally:
        connection.close()


def declared(store: Any) -> Any:
    return declared_objects(store.spec)


def actual(store: Any, path: str) -> Any:
    connection = connect_for_copy(path)
    try:
        return schema_objects(connection, ignore=left_out(store.spec))
    finally:
        connection.close()


class TestUpgrade:
    @pytest.mark.parametrize("module", [None, sqlite3], ids=["default", "stdlib"])
    def test_every_row_arrives(
        self, store: Any, module: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if module is not None:
            monkeypatch.setattr(database.drivers, "_driver", module)
        store.fill(1)
        report = migrate(store)
        assert (report.from_revision, report.to_revision) == ("notes_0001", "notes_0003")
        assert report.steps == ("notes_0002", "notes_0003")
        notes = rows(store.path, "SELECT seq, id, title, status, folder_id, pinned FROM notes")
        assert len(notes) == 20
        assert notes[1] == (2, "n1", "b title 1", "done", "f1", 0)
        assert notes[18] == (19, "n18", "a title 18", "open", None, 1)
        facts = dict(rows(store.path, "SELECT key, value FROM facts"))
        assert facts["name"] == "O'Neil: 100%"
        assert facts["text"] == ":now is 100% text -- not a parameter"
        assert facts["upgraded"] == clock.now()

    def test_what_hangs_on_a_rebuilt_table_stays(self, store: Any) -> None:
        store.fill(1)
        migrate(store)
        on_file(store, "INSERT INTO notes (id, title) VALUES ('new', 'a new one')")
        assert rows(store.path, "SELECT seq FROM notes WHERE id = 'new'") == [(22,)]
        assert rows(store.path, "SELECT what FROM note_log WHERE note_id = 'new'")
        assert differences(actual(store, store.path), declared(store)) == []

    def test_rowids_stay_where_no_column_is_the_rowid(self, make_store: MakeStore) -> None:
        store = make_store()
        store.write(
            "schema.py",
            (store.folder / "schema.py")
            .read_text()
            .replace('Column("value", Text, nullable=False)', 'Column("value", Text)'),
        )
        store.write_migration(
            3,
            (store.versions / "notes_0003_step.py")
            .read_text()
            .replace("{", "{{")
            .replace("}", "}}")
            + """
    rebuild_table(
        "facts",
        "CREATE TABLE facts (key TEXT NOT NULL PRIMARY KEY, value TEXT) STRICT",
        {{"key": "key", "value": "value"}},
    )
""",
        )
        store.fill(1)
        on_file(store, "DELETE FROM facts WHERE key = 'name'")
        before = rows(store.path, "SELECT rowid, key FROM facts ORDER BY rowid")
        migrate(store)
        after = rows(store.path, "SELECT rowid, key FROM facts ORDER BY rowid")
        assert after[: len(before)] == before

    def test_the_copy_is_taken_before_anything_changes(self, store: Any) -> None:
        store.fill(1)
        before = store.dump()
        asked = []

        def backup(reason: str, names: list[str]) -> str:
            asked.append((reason, names, store.dump()))
            return "the/set"

        assert migrate(store, backup=backup).snapshot == "the/set"
        assert asked == [("before-migrate", ["notes"], before)]

    def test_without_its_copy_nothing_is_migrated(self, store: Any) -> None:
        store.fill(1)
        before = store.dump()

        def backup(reason: str, names: list[str]) -> str:
            raise CleoError("E_BACKUP_FAILED", "no copy")

        assert failure(store, backup=backup).exit == 60
        assert store.dump() == before

    def test_a_second_upgrade_does_nothing(self, store: Any) -> None:
        store.fill(1)
        migrate(store)
        before = frozen(store.directory)
        told: list[Any] = []
        report = migrate(store, backup=lambda *_: pytest.fail("a copy was taken"), fire=told.append)
        assert (report.steps, told) == ((), [])
        assert frozen(store.directory) == before

    def test_listeners_hear_of_it_when_the_lock_is_free(self, store: Any) -> None:
        store.fill(2)
        told = []

        def fire(report: Any) -> None:
            with locked(str(store.directory), "notes", timeout=0):
                told.append((report.steps, store.open_stores().state(store.spec).state))

        migrate(store, fire=fire)
        assert told == [(("notes_0003",), "head")]

    def test_progress_names_each_revision(self, store: Any) -> None:
        store.fill(1)
        seen: list[Any] = []
        migrate(store, progress=lambda *step: seen.append(step))
        assert seen == [("notes_0002", 1, 2), ("notes_0003", 2, 2)]

    def test_twice_the_size_must_be_free(self, store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        store.fill(1)
        before = store.dump()
        size = os.path.getsize(store.path)
        usage = shutil.disk_usage(store.path)._replace(free=2 * size - 1)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
        error = failure(store, backup=lambda *_: pytest.fail("a copy was taken"))
        assert (error.code, error.exit) == ("E_NO_SPACE", 69)
        assert store.dump() == before

    def test_threads_of_one_process_take_turns(self, store: Any) -> None:
        store.fill(1)
        reports: list[Any] = []
        threads = [
            threading.Thread(target=lambda: reports.append(migrate(store))) for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(len(report.steps) for report in reports) == [0, 0, 2]

    def test_what_is_pending_is_listed(self, store: Any) -> None:
        assert pending(store.stores) == []
        store.fill(2)
        [(spec, state, steps)] = pending(store.stores)
        assert (spec.name, state.state, steps.steps) == ("notes", "behind", ("notes_0003",))


class TestRefusal:
    @pytest.mark.guarantee(
        "operations-09",
        "A file that belongs to another store or another program is refused by name and not "
        "touched.",
    )
    @pytest.mark.parametrize(
        ("statement", "code", "words"),
        [
            ("PRAGMA application_id = 7", "E_STORE_FOREIGN", "application id"),
            (
                "UPDATE alembic_version_notes SET version_num = 'tasks_0001'",
                "E_STORE_FOREIGN",
                "another lineage",
            ),
            (
                "UPDATE alembic_version_notes SET version_num = 'notes_0000'",
                "E_STORE_FOREIGN",
                "notes_0000",
            ),
        ],
    )
    def test_foreign(self, store: Any, statement: str, code: str, words: str) -> None:
        self.refused(store, statement, code, words)

    @pytest.mark.guarantee(
        "operations-11",
        "A file from a newer version is never written to; the message names the package to "
        "upgrade, and it can still be backed up.",
    )
    def test_ahead(self, store: Any, tmp_path: Path) -> None:
        error = self.refused(
            store,
            "UPDATE alembic_version_notes SET version_num = 'notes_0009'",
            "E_STORE_AHEAD",
            "cleo-notes",
        )
        assert error.fix == "pip install --upgrade cleo-notes"
        copied = verified_copy(store.path, str(tmp_path / "copy.db"), store.spec)
        assert copied["revision"] == "notes_0009"

    @pytest.mark.guarantee(
        "operations-14",
        "Two version rows, a table made halfway or one that is missing are named; nothing tries to "
        "repair them.",
    )
    @pytest.mark.parametrize(
        ("statement", "words"),
        [
            ("INSERT INTO alembic_version_notes VALUES ('notes_0002')", "2 rows instead of one"),
            ("DELETE FROM alembic_version_notes", "no rows instead of one"),
            ("DROP TABLE alembic_version_notes", "alembic_version_notes is missing"),
            ("ALTER TABLE notes ADD COLUMN pinned INTEGER", "column pinned is not declared"),
            ("ALTER TABLE notes DROP COLUMN body", "column body is missing"),
            ("DROP TABLE note_log", "Table note_log is missing"),
            ("CREATE TABLE _rebuild_notes (seq INTEGER)", "Table _rebuild_notes is not declared"),
            ("DROP TRIGGER notes_created", "Trigger notes_created is missing"),
        ],
    )
    def test_broken(self, store: Any, statement: str, words: str) -> None:
        self.refused(store, statement, "E_STORE_CORRUPT", words)

    def test_absent(self, store: Any) -> None:
        assert failure(store).code == "E_NOT_INITIALIZED"
        assert not Path(store.path).exists()

    def refused(self, store: Any, statement: str, code: str, words: str) -> CleoError:
        store.fill(1)
        on_file(store, statement)
        before = frozen(store.directory)
        error = failure(store, backup=lambda *_: pytest.fail("a copy was taken"))
        assert error.code == code
        assert "notes" in error.message
        assert words in error.message
        assert frozen(store.directory) == before
        return error


class TestFailure:
    @pytest.mark.guarantee(
        "operations-13",
        "A migration that fails changes nothing, and every later command shows why it failed.",
    )
    def test_a_fault_after_each_statement(
        self, store: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store.fill(1)
        before = store.dump()
        kept = Path(store.path).read_bytes()
        plan_statements = self.statements_of_the_plan(store, monkeypatch)
        assert len(plan_statements) > 30
        for place in {*range(0, len(plan_statements), 2), len(plan_statements) - 1}:
            Path(store.path).write_bytes(kept)
            seen: list[str] = []

            def after(sql: str, seen: list[str] = seen, place: int = place) -> None:
                if sql == "BEGIN IMMEDIATE" or seen:
                    seen.append(sql)
                if len(seen) == place + 1:
                    seen.append("")
                    raise RuntimeError("the injected fault")

            monkeypatch.setattr(database.drivers, "_driver", WatchedDriver(self.module, after))
            error = failure(store)
            monkeypatch.setattr(database.drivers, "_driver", self.module)
            assert error.exit == 54
            assert "the injected fault" in error.message
            assert "unchanged, at revision notes_0001" in error.message
            assert store.dump() == before, plan_statements[place]
        assert migrate(store).steps == ("notes_0002", "notes_0003")

    def statements_of_the_plan(self, store: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """What runs from BEGIN up to, not including, COMMIT."""
        self.module = driver()
        seen: list[str] = []
        monkeypatch.setattr(database.drivers, "_driver", WatchedDriver(self.module, seen.append))
        migrate(store)
        monkeypatch.setattr(database.drivers, "_driver", self.module)
        return seen[seen.index("BEGIN IMMEDIATE") : seen.index("COMMIT")]

    @pytest.mark.guarantee(
        "operations-12",
        "Killed at any statement of a migration, a file is the old one or the new one with every "
        "row.",
    )
    def test_sigkill_after_each_statement(
        self, store: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store.fill(1)
        old = store.dump()
        kept = Path(store.path).read_bytes()
        module = driver()
        seen: list[str] = []
        looks = Looks(Path(store.path).parent)

        def look(sql: str) -> None:
            seen.append(sql)
            looks.look(sql)

        monkeypatch.setattr(database.drivers, "_driver", WatchedDriver(module, look))
        migrate(store)
        monkeypatch.setattr(database.drivers, "_driver", module)
        new = store.dump()
        commit = seen.index("COMMIT")
        points = {
            *(number - 1 for number in kill_points(looks.found)),
            *range(seen.index("BEGIN IMMEDIATE"), commit, 10),
            *(commit - 1, commit),
        }
        outcomes = []
        for place in sorted(points):
            Path(store.path).write_bytes(kept)

            def killed(place: int = place) -> None:
                left = iter(range(place))

                def after(sql: str) -> None:
                    if next(left, None) is None:
                        os.kill(os.getpid(), signal.SIGKILL)

                database.drivers._driver = WatchedDriver(module, after)
                migrate(store)

            assert run_in_child(killed) == -signal.SIGKILL, seen[place]
            state = store.open_stores().state(store.spec)
            found = store.dump()
            assert found == {"behind": old, "head": new}[state.state], seen[place]
            outcomes.append((place, state.state))
            migrate(store)
            assert store.dump() == new
        assert outcomes == [
            (place, "behind" if place < commit else "head") for place in sorted(points)
        ]

    def test_the_first_cause_is_told(self, store: Any) -> None:
        store.write_migration(
            3,
            """
from cleo_core.migrate import execute

revision = "{name}_0003"
down_revision = "{name}_0002"


def upgrade():
    execute("INSERT INTO folders VALUES ('f3', 'three')")
    execute("INSERT INTO folders VALUES ('f1', 'again')")
""",
        )
        store.fill(1)
        before = store.dump()
        for _ in range(2):
            error = failure(store, backup=lambda *_: "a/set")
            assert (error.code, error.exit) == ("E_MIGRATION_FAILED", 54)
            assert "notes_0003" in error.message
            assert "UNIQUE constraint failed: folders.id" in error.message
            assert error.details["revision"] == "notes_0003"
            assert error.details["statement"] == "INSERT INTO folders VALUES ('f1', 'again')"
            assert error.details["cause"]["type"] == "IntegrityError"
            assert error.details["snapshot"] == "a/set"
            assert store.dump() == before

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ('execute("COMMIT")', "not authorized"),
            ('execute("ROLLBACK")', "not authorized"),
            ("execute(\"ATTACH ':memory:' AS other\")", "not authorized"),
            ("op.get_bind().connection.dbapi_connection.commit()", "not authorized"),
            ('execute("CREATE INDEX more ON notes (body)")', "Index more is not declared"),
            ('execute("DROP VIEW open_notes")', "View open_notes is missing"),
            ("execute(\"UPDATE notes SET folder_id = 'f9'\")", "20 rows of notes refer to rows of"),
            ("execute(\"UPDATE alembic_version_notes SET version_num = 'x'\")", "x"),
            ('execute("SELECT :somebody")', "value for binding"),
            ('raise ValueError("odd")', "odd"),
        ],
    )
    def test_what_a_migration_must_not_do(self, store: Any, line: str, words: str) -> None:
        text = (store.versions / "notes_0003_step.py").read_text()
        text = text.replace("{", "{{").replace("}", "}}")
        store.write_migration(3, "from alembic import op\n" + text + f"    {line}\n")
        store.fill(1)
        before = store.dump()
        error = failure(store)
        assert error.exit == 54
        assert words in error.message
        assert store.dump() == before

    def test_commit_by_sqlalchemy_ends_nothing(self, store: Any) -> None:
        text = (store.versions / "notes_0003_step.py").read_text()
        text = text.replace("{", "{{").replace("}", "}}")
        text += "    op.get_bind().dialect.do_commit(None)\n    raise ValueError('late')\n"
        store.write_migration(3, "from alembic import op\n" + text)
        store.fill(1)
        before = store.dump()
        assert "late" in failure(store).message
        assert store.dump() == before

    def test_a_schema_that_cannot_be_made(self, store: Any) -> None:
        store.fill(1)
        before = store.dump()
        path = store.folder / "schema.py"
        path.write_text(path.read_text() + "\nextra_ddl += ('CREATE GARDEN',)\n")
        error = failure(store, backup=lambda *_: pytest.fail("a copy was taken"))
        assert error.exit == 54
        assert "could not be prepared" in error.message
        assert "GARDEN" in error.message
        assert store.dump() == before

    def test_migrations_that_cannot_be_read(self, store: Any) -> None:
        store.fill(1)
        before = store.dump()
        store.write("migrations/versions/notes_0004_step.py", "revision = ")
        error = failure(store)
        assert (error.exit, "no single line" in error.message) == (54, True)
        assert store.dump() == before


class TestRaces:
    @pytest.mark.guarantee(
        "operations-12", "Of processes that migrate at once one does and the others wait for it."
    )
    @pytest.mark.parametrize("count", [6, 8])
    def test_one_migrates_and_nobody_fails(self, store: Any, tmp_path: Path, count: int) -> None:
        store.fill(1)

        def backup(reason: str, names: list[str]) -> str:
            made = create_set(
                str(store.directory),
                "project",
                reason,
                [store_item(store.spec, store.path)],
                project=None,
                plugin_versions={},
            )
            return str(made["path"])

        def body(number: int) -> None:
            report = migrate(store, backup=backup)
            (tmp_path / f"{number}.steps").write_text(str(len(report.steps)))

        assert run_in_children(count, body) == [0] * count
        steps = sorted(path.read_text() for path in tmp_path.glob("*.steps"))
        assert steps == ["0"] * (count - 1) + ["2"]
        assert len(os.listdir(store.directory / "backups")) == 1
        assert len(rows(store.path, "SELECT id FROM notes")) == 20

    def test_a_busy_writer_is_waited_for(self, store: Any) -> None:
        store.fill(1)
        writer = Database(store.path, "notes")
        writer.connection.execute("BEGIN IMMEDIATE")
        writer.connection.execute("INSERT INTO notes (id, title) VALUES ('late', 'late')")
        reports: list[Any] = []
        thread = threading.Thread(target=lambda: reports.append(migrate(store)))
        thread.start()
        thread.join(0.3)
        assert not reports
        writer.connection.execute("COMMIT")
        writer.close()
        thread.join()
        assert reports[0].steps
        assert rows(store.path, "SELECT title, status FROM notes WHERE id = 'late'")

    def test_a_writer_that_never_ends_is_given_up(self, store: Any) -> None:
        store.fill(1)
        before = store.dump()
        writer = Database(store.path, "notes")
        writer.connection.execute("BEGIN IMMEDIATE")
        try:
            stores = store.open_stores(CLEO_BUSY_TIMEOUT_MS="50")
            with pytest.raises(CleoError) as caught:
                migrate_store(stores, store.spec, backup=no_backup, fire=None)
        finally:
            writer.close()
        assert (caught.value.code, caught.value.exit) == ("E_WRITE_CONTENTION", 7)
        assert store.dump() == before


class TestHooks:
    OWN = """
    from cleo_core.api import Report


    @hookimpl
    def cleo_migrate_store(spec, connection, plan):
        connection.execute("INSERT INTO facts VALUES ('by', 'plugin')")
        connection.execute("UPDATE alembic_version_notes SET version_num = 'notes_0003'")
        {more}
    """

    def own_migrations(self, make_store: MakeStore, more: str) -> Any:
        """A store that no migration file leads to its head, whose plugin migrates it."""
        store = make_store(more_hooks=self.OWN.replace("{more}", more))
        store.fill(3)
        on_file(store, "UPDATE alembic_version_notes SET version_num = 'notes_0002'")
        shutil.rmtree(store.versions)
        return store

    @pytest.mark.parametrize(
        ("answer", "reported"),
        [
            ("plan.steps", ((), "/copy")),
            ("('by hand',), '/tape', 7.5", (("by hand",), "/tape")),
        ],
    )
    def test_a_plugin_migrates_its_store_itself(
        self, make_store: MakeStore, answer: str, reported: tuple[Any, ...]
    ) -> None:
        store = self.own_migrations(
            make_store, f"return Report(plan.store, plan.from_revision, plan.to_revision, {answer})"
        )
        [(_, _, planned)] = pending(store.stores)
        assert (planned.from_revision, planned.steps) == ("notes_0002", ())
        told: list[Any] = []
        report = migrate(store, backup=lambda *_: "/copy", fire=told.append)
        assert (report.steps, report.snapshot) == reported
        assert report.ms == 7.5 if "7.5" in answer else report.ms > 0
        assert told == [report]
        assert (report.from_revision, report.to_revision) == ("notes_0002", "notes_0003")
        assert ("by", "plugin") in rows(store.path, "SELECT key, value FROM facts")

    @pytest.mark.parametrize(
        ("more", "words"),
        [
            ("connection.execute('DROP VIEW open_notes')", "View open_notes is missing"),
            ("connection.execute('COMMIT')", "not authorized"),
            ("connection.execute('ROLLBACK')", "not authorized"),
            ("connection.execute('BEGIN IMMEDIATE')", "not authorized"),
            ("connection.commit()", "not authorized"),
            ("connection.executescript('SELECT 1')", "not authorized"),
            ("connection.execute(\"ATTACH ':memory:' AS other\")", "not authorized"),
            ("return 'done'", "'done' instead of a Report"),
        ],
    )
    def test_a_plugin_that_migrates_badly_leaves_the_file(
        self, make_store: MakeStore, more: str, words: str
    ) -> None:
        answer = "return Report(plan.store, plan.from_revision, plan.to_revision, ())"
        store = self.own_migrations(make_store, f"{more}\n        {answer}")
        before = store.dump()
        error = failure(store)
        assert (error.code, error.exit) == ("E_MIGRATION_FAILED", 54)
        assert words in error.message
        assert store.dump() == before

    def test_what_no_plugin_migrates_and_no_file_leads_to_the_head_is_refused(
        self, make_store: MakeStore
    ) -> None:
        store = self.own_migrations(make_store, "connection.execute('DELETE FROM notes')")
        before = store.dump()
        error = failure(store)
        assert (error.code, "not installed" in error.message) == ("E_MIGRATION_FAILED", True)
        assert store.dump() == before

    def test_core_looks_at_the_old_schema_where_the_plugins_leave_it_to_core(
        self, make_store: MakeStore
    ) -> None:
        store = make_store(more_hooks="@hookimpl\ndef cleo_migrate_store(spec): return None")
        store.fill(2)
        on_file(store, "DROP VIEW open_notes")
        before = store.dump()
        error = failure(store)
        assert (error.code, error.exit) == ("E_STORE_CORRUPT", 53)
        assert store.dump() == before

    def test_a_plugin_that_fails_leaves_the_file(self, make_store: MakeStore) -> None:
        store = make_store(
            more_hooks="""
            @hookimpl
            def cleo_migrate_store(spec, connection, plan):
                raise OSError("out of tapes")
            """
        )
        store.fill(1)
        before = store.dump()
        assert "out of tapes" in failure(store).message
        assert store.dump() == before

    def test_a_wrapper_goes_around_the_migration_and_inside_the_commit(
        self, make_store: MakeStore
    ) -> None:
        store = make_store(
            more_hooks="""
            SEEN = []


            def _revision(connection):
                return connection.execute("SELECT * FROM alembic_version_notes").fetchone()[0]


            @hookimpl(wrapper=True)
            def cleo_migrate_store(spec, connection, plan):
                SEEN.append((_revision(connection), connection.in_transaction))
                report = yield
                SEEN.append((_revision(connection), connection.in_transaction, report.steps))
                return report
            """
        )
        store.fill(2)
        migrate(store)
        seen = store.plugins.loaded[0].module.SEEN
        assert seen == [("notes_0002", True), ("notes_0003", True, ("notes_0003",))]

    def test_a_wrapper_that_fails_afterwards_undoes_the_migration(
        self, make_store: MakeStore
    ) -> None:
        store = make_store(
            more_hooks="""
            @hookimpl(wrapper=True)
            def cleo_migrate_store(spec, connection, plan):
                yield
                raise OSError("no more tape")
            """
        )
        store.fill(1)
        before = store.dump()
        assert "no more tape" in failure(store).message
        assert store.dump() == before

    def test_functions_of_the_store_are_there(self, make_store: MakeStore) -> None:
        store = make_store(
            more_hooks="""
            @hookimpl
            def cleo_store_opened(spec, connection):
                connection.create_function("regexp", 2, lambda pattern, text: "ours")
                connection.create_function("shout", 1, str.upper)
            """
        )
        text = (store.versions / "notes_0003_step.py").read_text()
        text = text.replace("{", "{{").replace("}", "}}")
        text += (
            "    execute(\"INSERT INTO facts VALUES ('loud', shout('a') || ('b' REGEXP 'b'))\")\n"
        )
        store.write_migration(3, text)
        store.fill(1)
        migrate(store)
        assert ("Aours",) in rows(store.path, "SELECT value FROM facts")


class TestDataSteps:
    HEAD = """
from cleo_core.migrate import execute, move_rows, rebuild_table

revision = "{name}_0003"
down_revision = "{name}_0002"


def upgrade():
"""

    @pytest.mark.guarantee(
        "operations-15", "A data step that loses a row fails, and the file stays as it was."
    )
    @pytest.mark.parametrize(
        "lines",
        [
            [
                'execute("CREATE TABLE kept (id TEXT UNIQUE ON CONFLICT REPLACE)")',
                'move_rows("notes", "kept", {{"id": "substr(id, 1, 2)"}})',
            ],
            [
                'execute("CREATE TABLE kept (id TEXT)")',
                "execute(\"CREATE TRIGGER lose BEFORE INSERT ON kept WHEN new.id = 'n7' "
                'BEGIN SELECT RAISE(IGNORE); END")',
                'move_rows("notes", "kept", {{"id": "id"}})',
            ],
            [
                'rebuild_table("folders", "CREATE TABLE folders (id TEXT NOT NULL PRIMARY KEY '
                'ON CONFLICT IGNORE, name TEXT) STRICT", {{"id": "\'f\'", "name": "name"}})',
            ],
        ],
        ids=["replaced", "ignored by a trigger", "ignored by a constraint"],
    )
    def test_a_lost_row_fails(self, store: Any, lines: list[str]) -> None:
        store.write_migration(3, self.HEAD + "".join(f"    {line}\n" for line in lines))
        store.fill(1)
        before = store.dump()
        error = failure(store)
        assert error.exit == 54
        assert "were written into" in error.message
        assert store.dump() == before

    def test_refused_rows_are_counted(self, store: Any) -> None:
        text = (store.versions / "notes_0003_step.py").read_text()
        text = text.replace("{", "{{").replace("}", "}}")
        text += """
    execute("CREATE TABLE kept (id TEXT)")
    moved = move_rows("notes", "kept", {{"id": "id"}}, refuse="status = 'done'")
    assert (moved.read, moved.written, moved.refused) == (20, 7, 13), moved
    execute("DROP TABLE kept")
"""
        store.write_migration(3, text)
        store.fill(1)
        migrate(store)

    @pytest.mark.guarantee(
        "operations-15", "OR IGNORE and its like in a shipped migration are found by a check."
    )
    @pytest.mark.parametrize(
        ("line", "offence"),
        [
            ('execute("INSERT OR  IGNORE INTO notes SELECT * FROM old")', "OR IGNORE"),
            ('execute("""update or /* quietly */\n    ignore notes SET id = 1""")', "OR IGNORE"),
            ('execute("INSERT INTO a VALUES (1) ON CONFLICT (id) DO NOTHING")', "DO NOTHING"),
            ('execute("CREATE TABLE IF NOT EXISTS t (a)")', "IF NOT EXISTS"),
            ('execute("DROP TABLE IF EXISTS t")', "IF EXISTS"),
            ("execute(f\"SELECT RAISE(ABORT, 'no ' || {{revision}})\")", "RAISE"),
            ('execute("SELECT RAISE(ABORT, new.text)")', "RAISE"),
        ],
    )
    def test_offences(self, store: Any, line: str, offence: str) -> None:
        store.write_migration(3, self.HEAD + f"    {line}\n")
        [found] = offences(store.spec)
        assert offence in found
        assert found.startswith("notes_0003_step.py, line 9: ")

    @pytest.mark.parametrize(
        "line",
        [
            "execute(\"SELECT RAISE(ABORT, 'left or ignored: if not exists')\")",
            "execute(f\"SELECT RAISE(ABORT, '{{revision}} is final')\")",
            'execute("SELECT RAISE(IGNORE)")',
            '"""INSERT OR IGNORE would be wrong here."""',
            'execute("SELECT 1 WHERE NOT EXISTS (SELECT 2) -- or ignore")',
        ],
    )
    def test_no_offence(self, store: Any, line: str) -> None:
        store.write_migration(3, self.HEAD + f"    {line}\n")
        assert offences(store.spec) == []


class TestFiles:
    def test_plan(self, store: Any) -> None:
        assert plan(store.spec, None).steps == ("notes_0001", "notes_0002", "notes_0003")
        assert plan(store.spec, "notes_0003").steps == ()

    def test_two_heads_are_refused(self, store: Any) -> None:
        text = (store.versions / "notes_0003_step.py").read_text().replace("{", "{{")
        text = text.replace("}", "}}").replace("notes_0003", "notes_0004")
        store.write("migrations/versions/notes_0004_step.py", text)
        with pytest.raises(CleoError, match="no single line"):
            plan(store.spec, None)

    def test_checksums_tell_edits_but_not_line_ends(self, store: Any) -> None:
        before = checksums(store.spec)
        assert list(before) == ["notes_0001", "notes_0002", "notes_0003"]
        path = store.versions / "notes_0002_step.py"
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        assert checksums(store.spec) == before
        path.write_bytes(path.read_bytes() + b"# more\n")
        assert checksums(store.spec) != before

    def test_a_new_migration_follows_the_head(
        self, store: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = new_migration(store.spec, "Add due dates")
        assert os.path.basename(path) == "notes_0004_add_due_dates.py"
        text = Path(path).read_text()
        assert '"""Add due dates."""' in text
        assert "down_revision = 'notes_0003'" in text
        compile(text, path, "exec")
        assert capsys.readouterr().out == ""

    def test_sql_is_rendered_and_does_what_the_upgrade_does(self, store: Any) -> None:
        store.fill(1)
        script = render_sql(store.spec, "notes_0001", store.stores.parameters())
        copy = store.path + ".copy"
        shutil.copyfile(store.path, copy)
        connection = connect_for_copy(copy)
        connection.executescript(script)
        connection.close()
        migrate(store)
        assert dump(copy) == store.dump()

    def test_sql_from_nothing(self, store: Any, tmp_path: Path) -> None:
        script = render_sql(store.spec, None, PARAMETERS)
        assert "'O''Neil: 100%'" in script
        assert "':now is 100% text -- not a parameter'" in script
        connection = driver().connect(tmp_path / "new.db", isolation_level=None)
        connection.executescript(script)
        connection.close()
        assert differences(actual(store, str(tmp_path / "new.db")), declared(store)) == []

    def test_sql_keeps_the_names_of_parameters_nobody_gave(self, store: Any) -> None:
        assert "('upgraded', :now)" in render_sql(store.spec, "notes_0002")

    @pytest.mark.guarantee(
        "operations-16", "A fresh store and one that was upgraded all the way have the same schema."
    )
    def test_fresh_migrated_and_declared_are_equal(self, store: Any, tmp_path: Path) -> None:
        store.stores.create(store.spec)
        from_empty(store.spec, str(tmp_path / "empty.db"), PARAMETERS)
        fresh, migrated = actual(store, store.path), actual(store, str(tmp_path / "empty.db"))
        assert differences(fresh, declared(store)) == []
        assert differences(migrated, declared(store)) == []
        assert fresh == migrated

    def test_from_empty_makes_a_store(self, store: Any) -> None:
        from_empty(store.spec, store.path, PARAMETERS)
        assert store.stores.state(store.spec).state == "head"
        assert os.stat(store.path).st_mode & 0o777 == 0o600
        with pytest.raises(FileExistsError):
            from_empty(store.spec, store.path, PARAMETERS)


def test_comparing_and_copying_import_no_migration_library() -> None:
    code = (
        "import sys, cleo_core.backup, cleo_core.migrate.compare as compare; "
        "compare.schema_objects; sys.exit(any(name in sys.modules for name in "
        "('alembic', 'sqlalchemy')))"
    )
    root = str(Path(cleo_core.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": root}
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == 0


class TestComparison:
    TABLE = """CREATE TABLE t (
        a INTEGER PRIMARY KEY, b TEXT DEFAULT 'x' COLLATE NOCASE, c TEXT UNIQUE,
        d INTEGER CHECK (d > 0), e INTEGER AS (d + 1) STORED, f INTEGER REFERENCES p (id)
    ) STRICT"""
    BASE = (
        "CREATE TABLE p (id INTEGER NOT NULL PRIMARY KEY)",
        TABLE,
        "CREATE UNIQUE INDEX i ON t (b, lower(c) DESC) WHERE d > 1",
        "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END",
        "CREATE VIEW v AS SELECT a FROM t",
    )

    def objects(self, *statements: str, ignore: tuple[str, ...] = ()) -> Any:
        connection = driver().connect(":memory:", isolation_level=None)
        try:
            for statement in statements:
                connection.execute(statement)
            return schema_objects(connection, ignore=ignore)
        finally:
            connection.close()

    @pytest.mark.parametrize(
        "statements",
        [
            (
                'create table "p" ([id] integer PRIMARY KEY)',
                """CREATE TABLE t (d INTEGER, a INTEGER NOT NULL PRIMARY KEY, -- not; a, thing
                    b TEXT COLLATE nocase DEFAULT ('x'), c TEXT, f INTEGER,
                    CONSTRAINT named CHECK ("d">0), UNIQUE (c),
                    FOREIGN KEY (f) REFERENCES p
                ) STRICT""",
                "ALTER TABLE t ADD COLUMN e INTEGER GENERATED ALWAYS AS (d+1) VIRTUAL",
                'CREATE UNIQUE INDEX "i" ON "t" ("b" ASC, LOWER("c") DESC) WHERE "d">1',
                "CREATE TRIGGER IF NOT EXISTS g after insert ON t begin select 1 ; end",
                "CREATE VIEW v AS SELECT a\nFROM t;",
            ),
        ],
    )
    def test_another_way_to_the_same_schema(self, statements: tuple[str, ...]) -> None:
        base = tuple(text.replace("STORED", "VIRTUAL") for text in self.BASE)
        assert differences(self.objects(*statements), self.objects(*base)) == []

    @pytest.mark.parametrize(
        ("old", "new", "sentence"),
        [
            ("b TEXT", "b INTEGER", "Table t: column b: type is 'INTEGER' and declared as 'TEXT'."),
            ("DEFAULT 'x'", "DEFAULT 'X'", "default"),
            ("DEFAULT 'x'", "DEFAULT 'x' NOT NULL", "not null"),
            ("COLLATE NOCASE", "", "collation"),
            ("c TEXT UNIQUE", "c TEXT", "Table t lacks the key unique (c)."),
            ("c TEXT UNIQUE", "c TEXT UNIQUE ON CONFLICT IGNORE", "c on conflict ignore"),
            ("d > 0", "d >= 0", "Table t lacks the check d > 0."),
            ("d > 0", "d > 0) CHECK (a > 0", "Table t has the check a > 0, undeclared."),
            ("d + 1", "d + 2", "generated"),
            ("STORED", "VIRTUAL", "hidden"),
            ("p (id)", "p (id) ON DELETE CASCADE", "on delete cascade"),
            ("p (id)", "p (id) DEFERRABLE INITIALLY DEFERRED", "deferred"),
            ("INTEGER REFERENCES p (id)", "INTEGER", "lacks the foreign key"),
            (") STRICT", ")", "strict"),
            (") STRICT", ") STRICT, WITHOUT ROWID", "without rowid"),
            ("a INTEGER PRIMARY KEY", "a INTEGER PRIMARY KEY AUTOINCREMENT", "autoincrement"),
            ("UNIQUE INDEX i", "INDEX i", "Index i: unique"),
            ("(b, lower(c) DESC)", "(lower(c) DESC, b)", "Index i: columns"),
            ("lower(c) DESC", "lower(c)", "Index i: columns"),
            ("WHERE d > 1", "WHERE d > 2", "Index i: where"),
            ("INDEX i ON", "INDEX j ON", "Index i is missing."),
            ("SELECT 1;", "SELECT 2;", "Trigger g: text"),
            ("AFTER INSERT", "BEFORE INSERT", "Trigger g: text"),
            ("SELECT a FROM", "SELECT b FROM", "View v: text"),
        ],
    )
    def test_each_difference_is_told(self, old: str, new: str, sentence: str) -> None:
        changed = [text.replace(old, new) for text in self.BASE]
        assert changed != list(self.BASE)
        found = differences(self.objects(*changed), self.objects(*self.BASE))
        assert sentence in " ".join(found), found

    def test_a_deferrable_key_that_is_not_deferred(self) -> None:
        other = [
            text.replace("p (id)", "p (id) NOT DEFERRABLE INITIALLY DEFERRED") for text in self.BASE
        ]
        assert differences(self.objects(*other), self.objects(*self.BASE)) == []

    def test_derived_tables_and_shadows_are_left_out(self) -> None:
        found = self.objects(
            "CREATE VIRTUAL TABLE words USING fts5(a)",
            "CREATE VIRTUAL TABLE more USING fts5(b)",
            "CREATE TABLE words_of_mine (a)",
            ignore=("WORDS",),
        )
        assert sorted(found["tables"]) == ["more", "words_of_mine"]

    def test_a_virtual_table_of_an_unknown_module(self) -> None:
        found = self.objects(
            "CREATE TABLE vectors_chunks (a)",
            "CREATE TABLE other (a)",
            "PRAGMA writable_schema = ON",
            "INSERT INTO sqlite_master VALUES ('table', 'vectors', 'vectors', 0, "
            "'CREATE VIRTUAL TABLE vectors USING nowhere(a)')",
            "PRAGMA writable_schema = RESET",
            ignore=("vectors",),
        )
        assert sorted(found["tables"]) == ["other"]


class TestSql:
    @given(st.text(alphabet="ab 'x\"`[]():@$?-/*\n;,.0123", max_size=40))
    def test_tokens_are_pieces_of_the_text(self, text: str) -> None:
        end = 0
        for token in tokens(text):
            assert end <= token.start < token.end <= len(text)
            end = token.end

    @given(st.text(alphabet="ab 'x\"`[]():-/*\n;,.0123", max_size=40))
    def test_filling_in_nothing_changes_nothing(self, text: str) -> None:
        assert filled(text, {"other": 1}) == text
        assert for_text(text, {})[0].replace("\\:", ":") == text

    def test_parameters_are_filled_in_as_literals(self) -> None:
        text = "SELECT :a, ':a', \":a\", :ab -- :a\n, :n, :i"
        filled_in = filled(text, {"a": "it's", "n": None, "i": 7})
        assert filled_in == "SELECT 'it''s', ':a', \":a\", :ab -- :a\n, NULL, 7"

    def test_text_for_sqlalchemy_binds_parameters_only(self) -> None:
        from sqlalchemy import text
        from sqlalchemy.dialects import postgresql

        sql, used = for_text("SELECT ':now 12:30', a::text, :now, '100%'", {"now": 1, "x": 2})
        compiled = text(sql).compile(dialect=postgresql.psycopg.dialect())
        assert str(compiled) == "SELECT ':now 12:30', a::text, %(now)s, '100%%'"
        assert used == {"now": 1}

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("SELECT  a -- why\n FROM [T];", 'select "A" from t'),
            ("x IN('a','b')", "x in ( 'a', 'b' )"),
        ],
    )
    def test_equal_statements(self, one: str, other: str) -> None:
        assert normalised(one) == normalised(other)

    def test_literals_keep_their_case(self) -> None:
        assert normalised("SELECT 'A'") != normalised("SELECT 'a'")
        assert normalised_default("(('A'))") == "'A'"
        assert normalised_default("(1) + (2)") == "( 1 ) + ( 2 )"
