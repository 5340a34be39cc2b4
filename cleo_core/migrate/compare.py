"""Schemas as plain facts, so that two ways to the same schema compare equal.

A column that ALTER TABLE added stands elsewhere and is written otherwise than the declared one;
what counts is what SQLite makes of it. Facts come from PRAGMAs, and from the text only where no
PRAGMA tells them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cleo_core.api import StoreSpec
from cleo_core.migrate.declarations import index_text, table_text
from cleo_core.migrate.sql import identifier, normalised, normalised_default

if TYPE_CHECKING:
    from cleo_core.database import Database

    #: Makes an open database fit for a store: extensions, SQL functions.
    Prepare = Callable[[Database], None]

Objects = dict[str, dict[str, Any]]

_ONE = {"tables": "Table", "indexes": "Index", "triggers": "Trigger", "views": "View"}


def left_out(spec: StoreSpec) -> frozenset[str]:
    """Tables that no comparison and no count looks at: derived ones and the version table."""
    return frozenset((f"alembic_version_{spec.name}", *spec.derived))


def tables(connection: Any, ignore: Collection[str] = ()) -> list[str]:
    """The names of the tables that hold rows, in alphabetical order.

    Left out are SQLite's own, the shadow tables of virtual ones, and virtual tables whose module is
    not loaded.
    """
    hidden = {name.lower() for name in ignore}
    modules = _modules(connection)
    return [
        name
        for name, kind, *_ in _table_list(connection)
        if name.lower() not in hidden
        and (kind == "table" or (kind == "virtual" and _module(connection, name) in modules))
    ]


def texts(connection: Any) -> set[tuple[Any, ...]]:
    """What SQLite makes a schema from; where it is the same in two files, so are all facts."""
    return set(
        connection.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT GLOB 'sqlite_stat?'"
        )
    )


def schema_objects(connection: Any, *, ignore: Collection[str] = ()) -> Objects:
    """Tables, indexes, triggers and views of a database as facts.

    :param connection: of the driver.
    :param ignore: names of tables to leave out, with their indexes and triggers;
        see :func:`left_out`.
    """
    hidden = {name.lower() for name in ignore}
    found: Objects = {kind: {} for kind in _ONE}
    for name, kind, without_rowid, strict in _table_list(connection):
        if name.lower() in hidden:
            continue
        sql = _sql(connection, name)
        if kind == "view":
            found["views"][name.lower()] = {"text": normalised(sql)}
        elif kind == "virtual":
            # Its columns can be asked only where its module is loaded.
            found["tables"][name.lower()] = {"text": normalised(sql)}
        elif kind == "table":
            found["tables"][name.lower()] = _table(connection, name, sql, without_rowid, strict)
            found["indexes"].update(_indexes(connection, name))
        else:
            hidden.add(name.lower())
    for name, table, sql in connection.execute(
        "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'"
    ):
        if table.lower() not in hidden:
            found["triggers"][name.lower()] = {"text": normalised(sql)}
    return found


def declared_objects(spec: StoreSpec, *, prepare: Prepare | None = None) -> Objects:
    """The facts of the declared schema: the MetaData and its module's ``extra_ddl``.

    :param prepare: called with the database in memory on which the schema is made.
    """
    from importlib import import_module

    from cleo_core.database import Database
    from cleo_core.migrate.binding import bound

    module_name, _, attribute = spec.schema.partition(":")
    module = import_module(module_name)
    database = Database(":memory:", spec.name)
    try:
        if prepare is not None:
            prepare(database)
        with bound(database.connection) as connection:
            getattr(module, attribute).create_all(connection)
        for statement in getattr(module, "extra_ddl", ()):
            database.connection.execute(statement)
        return schema_objects(database.connection, ignore=left_out(spec))
    finally:
        database.close()


def differences(actual: Mapping[str, Any], declared: Mapping[str, Any]) -> list[str]:
    """What an actual schema has otherwise than the declared one, one sentence each."""
    return [
        sentence
        for kind, word in _ONE.items()
        for sentence in _different(word, actual[kind], declared[kind])
    ]


def _different(word: str, actual: Mapping[str, Any], declared: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*actual, *declared}):
        if name not in actual:
            yield f"{word} {name} is missing."
        elif name not in declared:
            yield f"{word} {name} is not declared."
        elif actual[name] != declared[name]:
            yield from _different_facts(f"{word} {name}", actual[name], declared[name])


def _different_facts(
    what: str, actual: Mapping[str, Any], declared: Mapping[str, Any]
) -> Iterator[str]:
    for fact in sorted({*actual, *declared}):
        here, there = actual.get(fact), declared.get(fact)
        if here == there:
            continue
        if fact == "columns" and isinstance(here, dict) and isinstance(there, dict):
            yield from _different(f"{what}: column", here, there)
        elif isinstance(here, list) and isinstance(there, list):
            yield from (f"{what} lacks the {fact} {item}." for item in _beyond(there, here))
            yield from (
                f"{what} has the {fact} {item}, undeclared." for item in _beyond(here, there)
            )
        else:
            yield f"{what}: {fact} is {here!r} and declared as {there!r}."


def _beyond(some: list[Any], others: list[Any]) -> list[Any]:
    """The items of one list that the other does not have as often."""
    return list((Counter(some) - Counter(others)).elements())


def _table_list(connection: Any) -> list[tuple[str, str, int, int]]:
    """Name, kind, WITHOUT ROWID and STRICT of every table and view that is not SQLite's own."""
    rows = [
        (str(name), str(kind), int(without_rowid), int(strict))
        for schema, name, kind, _, without_rowid, strict in connection.execute("PRAGMA table_list")
        if schema == "main" and not name.startswith("sqlite_")
    ]
    shadows = _shadows_of_unknown_modules(connection, rows)
    return sorted(
        (name, "shadow" if name in shadows else kind, without_rowid, strict)
        for name, kind, without_rowid, strict in rows
    )


def _shadows_of_unknown_modules(
    connection: Any, rows: list[tuple[str, str, int, int]]
) -> frozenset[str]:
    """Tables that belong to a virtual table whose module is not loaded.

    SQLite knows a shadow table only through its module; without it the name has to do.
    """
    virtual = [name for name, kind, *_ in rows if kind == "virtual"]
    if not virtual:
        return frozenset()
    known = _modules(connection)
    orphans = tuple(f"{name}_" for name in virtual if _module(connection, name) not in known)
    return frozenset(
        name for name, kind, *_ in rows if kind == "table" and name.startswith(orphans)
    )


def _modules(connection: Any) -> frozenset[str]:
    return frozenset(str(row[0]).lower() for row in connection.execute("PRAGMA module_list"))


def _module(connection: Any, table: str) -> str:
    words = normalised(_sql(connection, table)).split()
    return words[words.index("using") + 1] if "using" in words else ""


def _sql(connection: Any, name: str) -> str:
    row = connection.execute(
        "SELECT sql FROM sqlite_master WHERE name = ? AND type IN ('table', 'view')", (name,)
    ).fetchone()
    return str(row[0])


def _table(connection: Any, name: str, sql: str, without_rowid: int, strict: int) -> dict[str, Any]:
    text = table_text(sql)
    columns: dict[str, dict[str, Any]] = {}
    rows = connection.execute(f"PRAGMA table_xinfo({identifier(name)})").fetchall()
    keys = sum(1 for row in rows if row[5])
    for _, column, type_, notnull, default, key, hidden in rows:
        lower = column.lower()
        is_rowid = key and keys == 1 and type_.upper() == "INTEGER" and not without_rowid
        columns[lower] = {
            "type": " ".join(type_.upper().split()),
            # SQLite keeps NULL out of these keys whether or not NOT NULL is written.
            "not null": bool(notnull or (key and (is_rowid or strict or without_rowid))),
            "default": normalised_default(default),
            "primary key": key,
            "hidden": hidden,
            "collation": text.collations.get(lower, "binary"),
            "generated": text.generated.get(lower),
        }
    return {
        "columns": columns,
        "foreign key": _foreign_keys(connection, name, text.deferred),
        "key": _keys(connection, name),
        "check": list(text.checks),
        "conflict clause": list(text.conflicts),
        "strict": bool(strict),
        "without rowid": bool(without_rowid),
        "autoincrement": text.autoincrement,
    }


def _foreign_keys(connection: Any, table: str, deferred: Collection[tuple[str, ...]]) -> list[str]:
    keys: dict[int, list[tuple[Any, ...]]] = {}
    for row in connection.execute(f"PRAGMA foreign_key_list({identifier(table)})"):
        keys.setdefault(row[0], []).append(row)
    found = []
    for rows in keys.values():
        rows.sort(key=lambda row: row[1])
        _, _, target, _, _, on_update, on_delete, match = rows[0]
        columns = tuple(row[3].lower() for row in rows)
        targets = [row[4] for row in rows]
        if None in targets:
            targets = _primary_key(connection, target)
        found.append(
            f"({', '.join(columns)}) references {target.lower()} "
            f"({', '.join(str(column).lower() for column in targets)}) "
            f"on update {on_update.lower()} on delete {on_delete.lower()} match {match.lower()}"
            + (" deferred" if columns in deferred else "")
        )
    return sorted(found)


def _primary_key(connection: Any, table: str) -> list[str]:
    rows = connection.execute(f"PRAGMA table_xinfo({identifier(table)})").fetchall()
    return [row[1] for row in sorted(rows, key=lambda row: row[5]) if row[5]]


def _keys(connection: Any, table: str) -> list[str]:
    """The PRIMARY KEY and UNIQUE constraints that have an index of SQLite's own."""
    words = {"pk": "primary key", "u": "unique"}
    return sorted(
        f"{words[origin]} ({', '.join(_indexed(connection, name, ()))})"
        for _, name, _, origin, _ in connection.execute(f"PRAGMA index_list({identifier(table)})")
        if origin in words
    )


def _indexes(connection: Any, table: str) -> dict[str, dict[str, Any]]:
    found = {}
    for _, name, unique, origin, _ in connection.execute(
        f"PRAGMA index_list({identifier(table)})"
    ).fetchall():
        if origin != "c":
            continue
        sql = connection.execute(
            "SELECT sql FROM sqlite_master WHERE type = 'index' AND name = ?", (name,)
        ).fetchone()[0]
        expressions, where = index_text(sql)
        found[name.lower()] = {
            "table": table.lower(),
            "unique": bool(unique),
            # In one text, because their order counts.
            "columns": ", ".join(_indexed(connection, name, expressions)),
            "where": where,
        }
    return found


def _indexed(connection: Any, index: str, expressions: Sequence[str]) -> list[str]:
    """The columns or expressions of an index in order, with direction and collation."""
    found = []
    for place, _, column, descending, collation, is_key in connection.execute(
        f"PRAGMA index_xinfo({identifier(index)})"
    ):
        if not is_key:
            continue
        name = column.lower() if column is not None else expressions[place]
        suffix = " desc" if descending else ""
        if collation.lower() != "binary":
            suffix = f" collate {collation.lower()}{suffix}"
        found.append(name + suffix)
    return found
