"""A throw-away store of three revisions, written as a package into a test's directory."""

from __future__ import annotations

import importlib
import itertools
import os
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cleo_core.api import Project
from cleo_core.database import Database, connect_for_copy
from cleo_core.plugins import EntryPoint, Plugins, load_plugins, load_target
from cleo_core.stores import Stores

PARAMETERS = {
    "project_id": "p-1",
    "project_name": "O'Neil: 100%",
    "now": "2026-03-25T14:30:15.000Z",
}

SCHEMA = '''
from sqlalchemy import (
    CheckConstraint, Column, Computed, ForeignKey, Index, Integer, MetaData, Table, Text, text,
)

metadata = MetaData()

folders = Table(
    "folders", metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, server_default=""),
    sqlite_strict=True, sqlite_with_rowid=False,
)
notes = Table(
    "notes", metadata,
    Column("seq", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False, server_default=""),
    Column("status", Text, CheckConstraint("status IN ('open', 'done')"),
           nullable=False, server_default="open"),
    Column("folder_id", Text, ForeignKey("folders.id", ondelete="SET NULL")),
    Column("pinned", Integer, CheckConstraint("pinned IN (0, 1)"),
           nullable=False, server_default=text("0")),
    Column("title_length", Integer, Computed("length(title)", persisted=False)),
    sqlite_strict=True, sqlite_autoincrement=True,
)
Index("ix_notes_pinned", notes.c.pinned, sqlite_where=text("pinned = 1"))
Index("ix_notes_title", text("lower(title)"), notes.c.seq.desc())
note_log = Table(
    "note_log", metadata,
    Column("id", Integer, primary_key=True),
    Column("note_id", Text, nullable=False),
    Column("what", Text, nullable=False),
    sqlite_strict=True,
)
facts = Table(
    "facts", metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_strict=True,
)

extra_ddl = (
    """CREATE TRIGGER notes_created AFTER INSERT ON notes
BEGIN
    INSERT INTO note_log (note_id, what) VALUES (new.id, 'created; at 10:30');
END""",
    """CREATE TRIGGER note_log_no_update BEFORE UPDATE ON note_log
BEGIN
    SELECT RAISE(ABORT, 'note_log is append-only');
END""",
    """CREATE TRIGGER folders_gone AFTER DELETE ON folders
BEGIN
    UPDATE notes SET body = 'folder gone' WHERE folder_id = old.id;
END""",
    "CREATE VIEW open_notes AS SELECT id, title FROM notes WHERE status = 'open'",
    "CREATE VIRTUAL TABLE notes_fts USING fts5(title, body)",
)
'''

FIRST = '''
"""The first tables."""

from cleo_core.migrate import execute

revision = "{name}_0001"
down_revision = None


def upgrade():
    execute("CREATE TABLE folders (id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL DEFAULT '') "
            "WITHOUT ROWID, STRICT")
    execute("""CREATE TABLE notes (
        seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, -- the cursor; never given twice
        id TEXT NOT NULL UNIQUE, title TEXT NOT NULL, body TEXT NOT NULL DEFAULT '',
        status TEXT NOT NULL DEFAULT 'open',
        folder_id TEXT REFERENCES folders (id) ON DELETE SET NULL) STRICT""")
    execute("CREATE INDEX ix_notes_title ON notes (lower(title), seq DESC)")
    execute("CREATE TABLE note_log (id INTEGER NOT NULL PRIMARY KEY, note_id TEXT NOT NULL, "
            "what TEXT NOT NULL) STRICT")
    execute("CREATE TABLE facts (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT")
    execute("""create trigger "notes_created" after insert on notes
begin
    INSERT INTO note_log (note_id, what) VALUES (new.id, 'created; at 10:30');
end""")
    execute("""CREATE TRIGGER note_log_no_update BEFORE UPDATE ON note_log
BEGIN
    SELECT RAISE(ABORT, 'note_log is append-only');
END""")
    execute("""CREATE TRIGGER folders_gone AFTER DELETE ON folders
BEGIN
    UPDATE notes SET body = 'folder gone' WHERE folder_id = old.id;
END""")
    execute("CREATE VIEW open_notes AS SELECT id, title FROM notes WHERE status = 'open'")
    execute("CREATE VIRTUAL TABLE notes_fts USING fts5(title, body)")
    execute("INSERT INTO facts VALUES ('project', :project_id), ('name', :project_name), "
            "('made', :now), ('text', ':now is 100% text -- not a parameter')")
'''

SECOND = '''
"""Pinned notes."""

import sqlalchemy as sa
from alembic import op

from cleo_core.migrate import execute

revision = "{name}_0002"
down_revision = "{name}_0001"


def upgrade():
    execute("ALTER TABLE notes ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0 CHECK(pinned in (0,1))")
    op.create_index("ix_notes_pinned", "notes", ["pinned"], sqlite_where=sa.text("pinned = 1"))
    execute("UPDATE notes SET pinned = 1 WHERE title LIKE 'a%'")
'''

THIRD = '''
"""Only the words that are a status."""

from cleo_core.migrate import execute, move_rows, rebuild_table

revision = "{name}_0003"
down_revision = "{name}_0002"


def upgrade():
    rebuild_table(
        "notes",
        """CREATE TABLE notes (
            seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL, title TEXT NOT NULL, body TEXT DEFAULT ('') NOT NULL,
            status TEXT DEFAULT 'open' NOT NULL CHECK (status IN ('open', 'done')),
            folder_id TEXT, pinned INTEGER DEFAULT 0 NOT NULL CHECK (pinned IN (0, 1)),
            title_length INTEGER GENERATED ALWAYS AS (length(title)) VIRTUAL,
            UNIQUE (id), FOREIGN KEY (folder_id) REFERENCES folders (id) ON DELETE SET NULL
        ) STRICT""",
        {{
            "seq": "seq", "id": "id", "title": "title", "body": "body", "folder_id": "folder_id",
            "status": "CASE status WHEN 'finished' THEN 'done' ELSE status END",
            "pinned": "pinned",
        }},
    )
    execute("INSERT INTO facts VALUES ('upgraded', :now)")
'''

SNAPSHOT = """
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from {package} import schema

_dialect = sqlite.dialect()
STATEMENTS = (
    *(str(CreateTable(table).compile(dialect=_dialect)) for table in schema.metadata.sorted_tables),
    *(
        str(CreateIndex(index).compile(dialect=_dialect))
        for table in schema.metadata.sorted_tables
        for index in sorted(table.indexes, key=str)
    ),
    *schema.extra_ddl,
    "CREATE TABLE alembic_version_{name} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
    "INSERT INTO alembic_version_{name} VALUES ('{name}_0003')",
)
"""

PLUGIN = """
from cleo_core import hookimpl
from cleo_core.api import StoreSpec

CLEO_API = (1, 0)
SPEC = StoreSpec(
    name="{name}", tier="project", file="{name}.db", application_id=0x434C5454,
    head="{name}_0003", schema="{package}.schema:metadata", migrations="{package}.migrations",
    snapshot="{package}.snapshot:STATEMENTS", derived=("notes_fts",),
)


@hookimpl
def cleo_register_stores():
    return [SPEC]
"""

_numbers = itertools.count()


class NotesStore:
    """The package, and a project with at most one file of the store.

    :ivar package: name of the package, another one for every instance.
    :ivar path: the store's file.
    """

    def __init__(self, root: Path, *, more_hooks: str = "") -> None:
        self.root = root
        self.name = "notes"
        self.package = f"cleo_notes_{os.getpid()}_{next(_numbers)}"
        self.folder = root / "site" / self.package
        self.versions = self.folder / "migrations" / "versions"
        self.versions.mkdir(parents=True)
        self.directory = root / "project" / ".cleo"
        self.directory.mkdir(parents=True)
        self.path = str(self.directory / "notes.db")
        self.write("__init__.py", "")
        self.write("migrations/__init__.py", "")
        self.write("schema.py", SCHEMA)
        self.write("snapshot.py", SNAPSHOT)
        self.write("plugin.py", PLUGIN + textwrap.dedent(more_hooks))
        self.write_migration(1, FIRST)
        self.write_migration(2, SECOND)
        self.write_migration(3, THIRD)
        sys.path.insert(0, str(self.folder.parent))
        importlib.invalidate_caches()
        self.spec = load_target(f"{self.package}.plugin:SPEC")
        self.plugins = self.load()
        self.stores = self.open_stores()

    def load(self) -> Plugins:
        """The plugin as core loads it."""
        entry = EntryPoint("notes", f"{self.package}.plugin", "cleo-notes", "1.0")
        plugins = load_plugins({}, entry_points=[entry])
        assert not plugins.quarantined, plugins.quarantined[0].line
        return plugins

    def open_stores(self, **env: str) -> Stores:
        """The store as an App of the project sees it."""
        root = str(self.directory.parent)
        project = Project("p-1", PARAMETERS["project_name"], root, str(self.directory))
        return Stores(self.plugins, project, env={"CLEO_HOME": str(self.root / "home"), **env})

    def write(self, name: str, text: str) -> Path:
        """Write a file of the package; ``{name}`` and ``{package}`` are filled in."""
        path = self.folder / name
        if name != "schema.py":
            text = text.format(name=self.name, package=self.package)
        path.write_text(text, encoding="utf-8")
        return path

    def write_migration(self, number: int, text: str) -> Path:
        """Write or replace a migration."""
        return self.write(f"migrations/versions/notes_{number:04d}_step.py", text)

    def fill(self, revision: int, notes: int = 20) -> None:
        """Make the file at a revision and put rows in."""
        from cleo_core.migrate import from_empty

        from_empty(self.spec, self.path, PARAMETERS, revision=f"notes_{revision:04d}")
        old_word = "finished" if revision < 3 else "done"
        database = Database(self.path, "notes")
        try:
            with database.write() as tx:
                tx.execute("INSERT INTO folders VALUES ('f1', 'one'), ('f2', 'two')")
                rows = (
                    {
                        "id": f"n{number}",
                        "title": f"{'ab'[number % 2]} title {number}",
                        "status": ("open", old_word, "done")[number % 3],
                        "folder": (None, "f1")[number % 2],
                    }
                    for number in range(notes + 1)
                )
                tx.executemany(
                    "INSERT INTO notes (id, title, status, folder_id) "
                    "VALUES (:id, :title, :status, :folder)",
                    rows,
                )
                # The highest number given out belongs to no row any more.
                tx.execute("DELETE FROM notes WHERE seq = (SELECT max(seq) FROM notes)")
        finally:
            database.close()

    def dump(self) -> list[Any]:
        """Everything in the file, as a list that compares."""
        return dump(self.path)

    def close(self) -> None:
        sys.path.remove(str(self.folder.parent))
        for module in [name for name in sys.modules if name.startswith(self.package)]:
            del sys.modules[module]


def dump(path: str) -> list[Any]:
    """Schema and rows of a database, read without changing it."""
    connection = connect_for_copy(path)
    try:
        schema = connection.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2"
        ).fetchall()
        names = [row[1] for row in schema if row[0] == "table"]
        rows = [
            (name, sorted(connection.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr))
            for name in names
        ]
        pragmas = [
            connection.execute(f"PRAGMA {name}").fetchone()
            for name in ("application_id", "user_version")
        ]
        return [schema, rows, pragmas]
    finally:
        connection.close()


class WatchedDriver:
    """The SQLite module in use, told of every statement that has run on a file.

    :param after: called with the statement's text once it has run.
    """

    def __init__(self, module: Any, after: Callable[[str], None]) -> None:
        class Cursor(module.Cursor):
            def execute(self, sql: str, *parameters: Any) -> Any:
                result = super().execute(sql, *parameters)
                if self.connection.is_file:
                    after(sql)
                return result

        class Connection(module.Connection):
            is_file = False

            def cursor(self, factory: Any = Cursor) -> Any:
                return super().cursor(factory)

            def execute(self, sql: str, *parameters: Any) -> Any:
                return self.cursor().execute(sql, *parameters)

        self._module = module
        self._connection = Connection

    def connect(self, database: str, **options: Any) -> Any:
        connection = self._module.connect(database, factory=self._connection, **options)
        connection.is_file = database != ":memory:"
        return connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def run_in_child(body: Callable[[], None]) -> int:
    """Run a body in a process of its own; 0, 1 after an exception, or minus the signal."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            body()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run_in_children(count: int, body: Callable[[int], None]) -> list[int]:
    """Run a body in several processes that begin at the same moment."""
    ready, go = os.pipe()
    children = []
    for number in range(count):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.close(go)
                os.read(ready, 1)
                body(number)
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    os.close(ready)
    os.close(go)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def frozen(directory: Path) -> dict[str, bytes]:
    """Every file below a directory with its content; locks do not count."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.parent.name != "locks"
    }
