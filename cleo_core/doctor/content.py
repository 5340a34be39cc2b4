"""What is in the stores: pages, foreign keys, and the schema against the declared one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cleo_core.database import Database, driver
from cleo_core.doctor.finding import Finding
from cleo_core.doctor.scene import NotExaminedError, without_content
from cleo_core.errors import CleoError, ExitCode
from cleo_core.paths.files import quoted
from cleo_core.states import BROKEN, HEAD

if TYPE_CHECKING:
    from cleo_core.api import StoreSpec
    from cleo_core.doctor.scene import Scene
    from cleo_core.states import StoreState

#: Faults of one store that are listed.
SHOWN = 20


def integrity(scene: Scene, spec: StoreSpec) -> Finding:
    """SQLite's own check of every page; with ``--deep`` of index entries and CHECKs as well."""
    scene.require_file(spec)
    pragma = "integrity_check" if scene.deep else "quick_check"
    with scene.opened(spec) as (database, found):
        if database is not None:
            faults = _faults(database, pragma)
        elif found.state == BROKEN:
            faults = _faults_of_broken(scene, spec, found, pragma)
        else:
            raise without_content(found)
    if not faults:
        return Finding("ok", f"SQLite finds no damage ({pragma}).", {"check": pragma})
    return Finding(
        "error",
        f"{found.path} is damaged: {faults[0]}",
        {"check": pragma, "faults": faults, "path": found.path},
        f"ls -la {quoted(found.path)}",
    )


def _faults(database: Any, pragma: str) -> list[str]:
    try:
        if pragma == "quick_check":
            # Running every row's CHECKs takes twice as long as reading every page.
            database.connection.execute("PRAGMA ignore_check_constraints = ON")
        answers = [str(row[0]) for row in database.iterate(f"PRAGMA {pragma}({SHOWN})")]
    except CleoError as error:
        if error.exit != ExitCode.STORE_CORRUPT:
            raise
        return [error.message]
    return [] if answers == ["ok"] else answers


def _faults_of_broken(scene: Scene, spec: StoreSpec, state: StoreState, pragma: str) -> list[str]:
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
        return _faults(database, pragma)
    finally:
        database.close()


def foreign_keys(scene: Scene, spec: StoreSpec) -> Finding:
    """Rows that refer to rows of the same file that are not there."""
    with scene.content(spec) as (database, _):
        orphans: dict[tuple[str, str], int] = {}
        total = 0
        for table, _, parent, _ in database.iterate("PRAGMA foreign_key_check"):
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
