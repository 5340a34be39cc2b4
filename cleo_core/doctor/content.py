"""What is in the stores: pages, foreign keys, and the schema against the declared one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from cleo_core.database import Database, driver
from cleo_core.doctor.finding import Finding
from cleo_core.doctor.scene import NotExaminedError, without_content
from cleo_core.errors import CleoError, ExitCode
from cleo_core.migrate.sql import identifier
from cleo_core.states import BROKEN, HEAD

if TYPE_CHECKING:
    from cleo_core.api import StoreSpec
    from cleo_core.doctor.scene import Scene
    from cleo_core.states import StoreState

#: Faults of one store that are listed.
SHOWN = 20
#: Bytes from which on a file is looked at table by table: SQLite's check of the whole also goes
#: through every full-text index word by word, which takes longer than all pages together.
LARGE = 64 * 1024 * 1024


def integrity(scene: Scene, spec: StoreSpec) -> Finding:
    """SQLite's own check of every page; with ``--deep`` of index entries and CHECKs as well."""
    scene.require_file(spec)
    pragma = "integrity_check" if scene.deep else "quick_check"
    with scene.opened(spec) as (database, found):
        parts = not scene.deep and _size(found.path) > LARGE
        if database is not None:
            faults = _faults(database, pragma, parts)
        elif found.state == BROKEN:
            faults = _faults_of_broken(scene, spec, found, pragma, parts)
        else:
            raise without_content(found)
    if not faults:
        how = f"{pragma}, table by table" if parts else pragma
        return Finding("ok", f"SQLite finds no damage ({how}).", {"check": pragma, "parts": parts})
    return Finding(
        "error",
        f"{found.path} is damaged: {faults[0]}",
        {"check": pragma, "parts": parts, "faults": faults, "path": found.path},
        f"cleo restore latest --store {spec.name}",
    )


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def _faults(database: Any, pragma: str, parts: bool) -> list[str]:
    """What SQLite says of a file.

    :param parts: look at each table and its indexes, and at the list of free pages, but neither
        for pages that two of them use nor into virtual tables, whose tables are among these.
    """
    try:
        if pragma == "quick_check":
            # Running every row's CHECKs takes twice as long as reading every page.
            database.connection.execute("PRAGMA ignore_check_constraints = ON")
        names = ["sqlite_schema", *_tables(database)] if parts else [None]
        answers: list[str] = []
        for name in names:
            most = SHOWN if name is None else identifier(name)
            answers += (str(row[0]) for row in database.iterate(f"PRAGMA {pragma}({most})"))
    except CleoError as error:
        if error.exit != ExitCode.STORE_CORRUPT:
            raise
        return [error.message]
    return [answer for answer in answers if answer != "ok"][:SHOWN]


def _tables(database: Any) -> list[str]:
    rows = database.read(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0 ORDER BY name"
    )
    return [str(row["name"]) for row in rows]


def _faults_of_broken(
    scene: Scene, spec: StoreSpec, state: StoreState, pragma: str, parts: bool
) -> list[str]:
    """What SQLite says of a file that is too broken to be called a store."""
    from cleo_core.database.examining import Examined

    stores = scene.app.stores
    assert stores.examining is not None
    try:
        database: Database = Examined(
            state.path, spec.name, examination=stores.examining, env=scene.env
        )
    except (CleoError, driver().Error) as error:
        if isinstance(error, CleoError) and error.exit == ExitCode.STORE_CORRUPT:
            return [error.message]
        raise without_content(state) from None
    try:
        return _faults(database, pragma, parts)
    finally:
        database.close()


def foreign_keys(scene: Scene, spec: StoreSpec) -> Finding:
    """Rows that refer to rows of the same file that are not there."""
    with scene.content(spec) as (database, _):
        orphans: dict[tuple[str, str], int] = {}
        total = 0
        for suspect in _tables(database):
            if not _may_dangle(database, suspect):
                continue
            pragma = f"PRAGMA foreign_key_check({identifier(suspect)})"
            for table, _, parent, _ in database.iterate(pragma):
                total += 1
                orphans[table, parent] = orphans.get((table, parent), 0) + 1
    if not total:
        return Finding("ok", "Every foreign key leads to a row.")
    (table, parent), _ = next(iter(orphans.items()))
    return Finding(
        "error",
        f"{total} rows refer to rows that are not there, one of {table} to {parent}.",
        {
            "rows": total,
            "tables": [
                {"table": source, "parent": target, "rows": rows}
                for (source, target), rows in orphans.items()
            ],
        },
        f"cleo stores {spec.name}",
    )


def _may_dangle(database: Any, table: str) -> bool:
    """Whether a row of a table may refer to one that is not there; SQLite's check then has to say.

    Each value is looked for once, where that check looks for each row's.
    """
    keys: dict[int, list[Any]] = {}
    for column in database.read(f"PRAGMA foreign_key_list({identifier(table)})"):
        keys.setdefault(column["id"], []).append(column)
    return any(_is_dangling(database, table, key) for key in keys.values())


def _is_dangling(database: Any, table: str, key: list[Any]) -> bool:
    """Whether a value of one foreign key is not there, or cannot be compared in plain SQL."""
    parent, pairs = key[0]["table"], [(one["from"], one["to"]) for one in key]
    columns_of, parents = _columns(database, table), _columns(database, parent)
    for child, column in pairs:
        if column not in parents or columns_of[child]["type"] != parents[column]["type"]:
            return True
    columns = [identifier(child) for child, _ in pairs]
    if len(pairs) == 1 and columns_of[pairs[0][0]]["type"] == "INTEGER":
        # Where no collation matters, SQLite may collect the targets from their smallest index.
        (child,), target = columns, identifier(pairs[0][1])
        sql = (
            f"SELECT 1 FROM {identifier(table)} WHERE {child} IS NOT NULL AND {child} NOT IN "
            f"(SELECT {target} FROM {identifier(parent)} WHERE {target} IS NOT NULL) LIMIT 1"
        )
        return bool(database.read(sql))
    filled = " AND ".join(f"{one} IS NOT NULL" for one in columns)
    if {child for child, _ in pairs} == {name for name, one in columns_of.items() if one["pk"]}:
        values = f"SELECT {', '.join(columns)} FROM {identifier(table)} WHERE {filled}"
    else:
        # A column's own collation would count values as one that the key tells apart.
        distinct = ", ".join(f"{one} COLLATE BINARY AS {one}" for one in columns)
        values = f"SELECT DISTINCT {distinct} FROM {identifier(table)} WHERE {filled}"
    equal = " AND ".join(
        f"p.{identifier(column)} = c.{identifier(child)}" for child, column in pairs
    )
    sql = (
        f"SELECT 1 FROM ({values}) AS c "
        f"WHERE NOT EXISTS (SELECT 1 FROM {identifier(parent)} AS p WHERE {equal}) LIMIT 1"
    )
    return bool(database.read(sql))


def _columns(database: Any, table: str) -> dict[str, Any]:
    """Column -> its row of ``table_xinfo``, with the type in capitals."""
    columns = database.read(f"PRAGMA table_xinfo({identifier(table)})")
    return {one["name"]: {**one, "type": one["type"].upper()} for one in columns}


def schema(scene: Scene, spec: StoreSpec) -> Finding:
    """Tables, columns, indexes and triggers against those that the plugin ships.

    The packaged snapshot stands for the declared schema, which takes SQLAlchemy to read; with
    ``--deep`` it is the declaration itself.
    """
    with scene.content(spec) as (database, state):
        if state.state != HEAD:
            raise NotExaminedError(f"{state.path} is {state.state}.")
        found = _drift(scene, spec, database)
    if not found:
        return Finding("ok", "The schema is the declared one.")
    return Finding(
        "error",
        f"The schema is not the declared one: {found[0]}",
        {"differences": found[:SHOWN], "count": len(found)},
        f"cleo stores {spec.name}",
    )


def _drift(scene: Scene, spec: StoreSpec, database: Database) -> list[str]:
    """What a store has otherwise than it should, one sentence each."""
    from cleo_core.migrate import compare

    stores, ignore = scene.app.stores, compare.left_out(spec)
    if scene.deep:
        declared = compare.declared_objects(
            spec, prepare=lambda made: stores.fit_out(spec, made.connection)
        )
        actual = compare.schema_objects(database.connection, ignore=ignore)
        return compare.differences(actual, declared)
    shipped = stores.empty(spec)
    try:
        if compare.texts(database.connection) == compare.texts(shipped.connection):
            return []
        return compare.differences(
            compare.schema_objects(database.connection, ignore=ignore),
            compare.schema_objects(shipped.connection, ignore=ignore),
        )
    finally:
        shipped.close()
