"""What a store's schema must be: the same three ways, strict, and checked by the database."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cleo_core.database import Database, driver, write_new
from cleo_core.golden import PARAMETERS
from cleo_core.plugins import load_target
from cleo_core.testing.conformance.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cleo_core.api import StoreSpec
    from cleo_core.app import App
    from cleo_core.testing.conformance.subject import Subject

_STATEMENT = re.compile(
    r"\s*(SELECT|INSERT|UPDATE|DELETE|REPLACE|WITH|PRAGMA|VALUES|CREATE TEMP\w*"
    r"|CREATE TABLE scratch\.)\b",
    re.I,
)
_TEMPORARY = re.compile(r"\s*CREATE\s+(TEMP|TABLE\s+scratch\.)", re.I)


def one_head(subject: Subject) -> Iterator[str]:
    """The migrations are one line, which ends at the head that the plugin declares."""
    from cleo_core.errors import CleoError
    from cleo_core.migrate import plan

    for spec in subject.stores:
        try:
            steps = plan(spec, None).steps
        except CleoError as error:
            yield error.message
            continue
        for number, revision in enumerate(steps, 1):
            if revision != f"{spec.name}_{number:04d}":
                yield f"revision {number} of store {spec.name} is called {revision}"


def head_is_true(subject: Subject, folder: Path) -> Iterator[str]:
    """A file made from the snapshot is at the head, and every constant says so."""
    for spec in subject.stores:
        database = Database(str(_from_snapshot(spec, folder)), spec.name, write=False)
        try:
            rows = database.read(f"SELECT version_num FROM alembic_version_{spec.name}")
        finally:
            database.close()
        found = [row["version_num"] for row in rows]
        if found != [spec.head]:
            yield f"the snapshot of store {spec.name} makes a file at {found}, not {spec.head}"
        for target in (spec.schema, spec.snapshot):
            head = getattr(import_module(target.partition(":")[0]), "HEAD", spec.head)
            if head != spec.head:
                yield f"{target.partition(':')[0]}.HEAD is {head}; the store declares {spec.head}"


def same_schema(scene: Scene, folder: Path) -> Iterator[str]:
    """Snapshot, migrations and declaration make the same objects and the same rows."""
    from cleo_core.migrate import (
        declared_objects,
        differences,
        from_empty,
        left_out,
        schema_objects,
        tables,
    )

    for spec in scene.subject.stores:
        path = folder / f"{spec.name}-migrated.db"
        with scene.app() as app:
            prepare = _prepare(app, spec)
            from_empty(spec, str(path), PARAMETERS, prepare=prepare)
            declared = declared_objects(spec, prepare=prepare)
        ignored = left_out(spec)
        made = Database(str(_from_snapshot(spec, folder)), spec.name, write=False)
        grown = Database(str(path), spec.name, write=False)
        try:
            snapshot = schema_objects(made.connection, ignore=ignored)
            migrated = schema_objects(grown.connection, ignore=ignored)
            yield from _named("the snapshot", spec, differences(snapshot, declared))
            yield from _named("the migrations", spec, differences(migrated, declared))
            for table in tables(made.connection, ignored):
                if _content(made, table) != _content(grown, table):
                    yield f"store {spec.name}: snapshot and migrations fill {table} differently"
        finally:
            made.close()
            grown.close()


def strict_and_checked(subject: Subject, folder: Path) -> Iterator[str]:
    """Every table is STRICT; every enum, boolean and JSON column has a CHECK.

    What a column holds is told by its SQLAlchemy type, by ``Column.info["kind"]``, or by a name
    that ends in ``_json`` or begins with ``is_``.
    """
    from cleo_core.migrate import left_out, schema_objects

    for spec in subject.stores:
        database = Database(str(_from_snapshot(spec, folder)), spec.name, write=False)
        try:
            found = schema_objects(database.connection, ignore=left_out(spec))["tables"]
        finally:
            database.close()
        declared = load_target(spec.schema).tables
        for name, facts in found.items():
            if "columns" not in facts:
                continue
            if not facts["strict"]:
                yield f"table {name} of store {spec.name} is not STRICT"
            columns = declared[name].columns if name in declared else {}
            yield from _unchecked(spec, name, facts, columns)


def migrations_are_plain(subject: Subject) -> Iterator[str]:
    """No OR IGNORE, no IF NOT EXISTS, and only literal RAISE messages."""
    from cleo_core.migrate import offences

    for spec in subject.stores:
        yield from offences(spec)


def checksums_hold(subject: Subject, folder: Path) -> Iterator[str]:
    """No shipped migration was edited: ``golden/checksums.json`` pins them."""
    import json

    from cleo_core.migrate import checksums

    path = folder / "checksums.json"
    pinned = json.loads(path.read_text("utf-8")) if path.exists() else {}
    for spec in subject.stores:
        actual = checksums(spec)
        for revision, checksum in actual.items():
            if revision not in pinned:
                yield f"{revision} is not pinned in {path}: {_tool(subject)}"
            elif pinned[revision] != checksum:
                yield f"{revision} was edited after it was pinned; write a new migration instead"
        for revision in pinned:
            if revision.rpartition("_")[0] == spec.name and revision not in actual:
                yield f"{revision} is pinned and gone"


def statements_prepare(scene: Scene, folder: Path) -> Iterator[str]:
    """Every statement in the store modules fits the schema of the head.

    Those that make TEMP tables, or tables of the schema ``scratch``, are run first, so that others
    may speak of these tables.
    """
    subject = scene.subject
    found = list(_statements(subject))
    if subject.stores and not found:
        yield f"{subject.package}.store holds no SQL: UPPERCASE constants, or statements()"
    opened = []
    with scene.app() as app:
        for spec in subject.stores:
            database = Database(str(_from_snapshot(spec, folder)), spec.name, write=True)
            app.stores.opened(spec, database)
            database.connection.execute("ATTACH ':memory:' AS scratch")
            opened.append(database)
    for where, sql in found:
        if _TEMPORARY.match(sql):
            yield from _prepared(where, sql, opened, run=True)
    for where, sql in found:
        if not _TEMPORARY.match(sql):
            yield from _prepared(where, sql, opened, run=False)
    for database in opened:
        database.close()


def sql_renders(scene: Scene) -> Iterator[str]:
    """``--sql`` gives a script that makes the same schema as running the migrations."""
    from cleo_core.migrate import (
        declared_objects,
        differences,
        left_out,
        render_sql,
        schema_objects,
    )

    for spec in scene.subject.stores:
        try:
            script = render_sql(spec, None, PARAMETERS)
        except Exception as error:
            # Whatever a migration does that needs a database shows here.
            yield f"the migrations of store {spec.name} do not render: {error}"
            continue
        database = Database(":memory:", spec.name)
        try:
            with scene.app() as app:
                prepare = _prepare(app, spec)
                prepare(database)
                declared = declared_objects(spec, prepare=prepare)
            try:
                database.connection.executescript(script)
            except driver().Error as error:
                yield f"the rendered script of store {spec.name} does not run: {error}"
                continue
            found = schema_objects(database.connection, ignore=left_out(spec))
            yield from _named("the rendered script", spec, differences(found, declared))
        finally:
            database.close()


def _prepare(app: App, spec: StoreSpec) -> Callable[[Database], None]:
    """What plugins do to a connection of the store: extensions, SQL functions."""
    return lambda database: app.stores.opened(spec, database)


def _from_snapshot(spec: StoreSpec, folder: Path) -> Path:
    path = folder / f"{spec.name}-snapshot.db"
    if not path.exists():
        write_new(str(path), load_target(spec.snapshot), PARAMETERS, spec.application_id)
    return path


def _named(what: str, spec: StoreSpec, found: list[str]) -> Iterator[str]:
    for sentence in found:
        yield f"store {spec.name}: {what} differs from the declared schema: {sentence}"


def _content(database: Database, table: str) -> list[str]:
    return sorted(map(repr, database.read(f'SELECT * FROM "{table}"')))


def _unchecked(
    spec: StoreSpec, table: str, facts: Mapping[str, Any], columns: Mapping[str, Any]
) -> Iterator[str]:
    for name, column in facts["columns"].items():
        if column["generated"] is not None:
            continue
        kind = _kind(name, columns.get(name))
        checks = [text for text in facts["check"] if re.search(rf"\b{re.escape(name)}\b", text)]
        if kind == "json" and not any("json_valid" in text for text in checks):
            yield f"{spec.name}.{table}.{name} holds JSON and no CHECK says json_valid"
        if kind in ("enum", "boolean") and not any(" in (" in text for text in checks):
            yield f"{spec.name}.{table}.{name} is {kind} and no CHECK lists its values"


def _kind(name: str, column: Any) -> str:
    from sqlalchemy import JSON, Boolean, Enum

    told = str(column.info.get("kind", "")) if column is not None else ""
    type_ = column.type if column is not None else None
    if told.startswith("json") or isinstance(type_, JSON) or name.endswith("_json"):
        return "json"
    if told == "enum" or isinstance(type_, Enum):
        return "enum"
    if told == "boolean" or isinstance(type_, Boolean) or name.startswith("is_"):
        return "boolean"
    return ""


def _statements(subject: Subject) -> Iterator[tuple[str, str]]:
    """Where and text of each statement of the store modules."""
    if find_spec(f"{subject.package}.store") is None:
        return
    for module in subject.modules("store"):
        for name, value in vars(module).items():
            if name.startswith("_") or not name.isupper():
                continue
            for text in value if isinstance(value, (tuple, list)) else (value,):
                if isinstance(text, str) and _STATEMENT.match(text):
                    yield f"{module.__name__}.{name}", text
        listed = getattr(module, "statements", None)
        if callable(listed) and getattr(listed, "__module__", "") == module.__name__:
            for number, text in enumerate(listed(), 1):
                yield f"{module.__name__}.statements() number {number}", text


def _prepared(where: str, sql: str, databases: Sequence[Database], *, run: bool) -> Iterator[str]:
    """Prepare a statement on the store that it is for, which is the one that knows its tables."""
    from cleo_core.migrate.sql import tokens

    names = [token.value for token in tokens(sql) if token.kind == "variable"]
    values: Any = {name[1:]: None for name in names}
    if any(name.startswith("?") for name in names):
        values = [None] * len(names)
    errors = []
    for database in databases:
        try:
            database.connection.execute(sql if run else f"EXPLAIN {sql}", values).fetchall()
        except driver().Error as error:
            errors.append(str(error))
    if len(errors) == len(databases):
        yield f"{where} does not prepare: {'; '.join(errors)}"


def _tool(subject: Subject) -> str:
    return f"python -m cleo_core.testing golden {subject.plugin.name}"
