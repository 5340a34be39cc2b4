"""What a database on a server is, and how it becomes the store at its head."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from cleo_core import clock
from cleo_core.database import driver
from cleo_core.errors import CleoError, StoreError
from cleo_core.states import ABSENT, AHEAD, BEHIND, BROKEN, FOREIGN, HEAD
from cleo_signaldock.postgres.database import PostgresDatabase

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from cleo_core.api import StoreSpec

#: The advisory lock under which a database is made and migrated: the store's application id.
LOCK = "SELECT pg_advisory_xact_lock(:key)"
STORE_KEY = "cleo-signaldock"
STATE = (
    "SELECT version_num, (SELECT value FROM signaldock_meta WHERE key = 'store') AS store, "
    "(SELECT count(*) FROM {table}) AS rows FROM {table} ORDER BY version_num LIMIT 1"
)
#: Relations of the schema in use, those of extensions aside.
RELATIONS = (
    "SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') "
    "AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e') "
    "ORDER BY c.relname LIMIT 200"
)


class Found:
    """What a database is.

    :ivar state: absent, head, behind, ahead, foreign or broken.
    :ivar revision: what its version table says.
    :ivar detail: why, for the states that refuse.
    """

    __slots__ = ("detail", "revision", "state")

    def __init__(self, state: str, revision: str | None = None, detail: str = "") -> None:
        self.state = state
        self.revision = revision
        self.detail = detail


def found(database: PostgresDatabase, spec: StoreSpec) -> Found:
    """What a database is: one query where it is the store, two where it is not.

    :raises CleoError: the server cannot be asked.
    """
    table = f"alembic_version_{spec.name}"
    try:
        row = database.one(STATE.format(table=table))
    except driver().OperationalError:
        # No such table, or no right to look: the catalogue tells.
        return _unversioned(database, table)
    if row is None or row["rows"] != 1:
        return Found(BROKEN, None, f"{table} does not hold exactly one row")
    revision = str(row["version_num"])
    if row["store"] != STORE_KEY:
        return Found(FOREIGN, revision, "its signaldock_meta does not say cleo-signaldock")
    if revision == spec.head:
        return Found(HEAD, revision)
    number, head = _number(revision, spec.name), _number(spec.head, spec.name)
    if number is None or head is None:
        return Found(FOREIGN, revision, f"its revision {revision!r} is of another lineage")
    return Found(BEHIND if number < head else AHEAD, revision)


def opened(
    spec: StoreSpec,
    url: str,
    *,
    env: Mapping[str, str] = os.environ,
    engine: Engine | None = None,
    migrate: bool | None = None,
) -> PostgresDatabase:
    """The store on a server, at its head.

    An empty database is made the store, one that is behind is migrated, both by one process under
    an advisory lock while others wait.

    :param engine: where connections come from, for processes that keep a pool.
    :param migrate: whether one that is behind is migrated; by default unless ``CLEO_MIGRATE`` is
        ``refuse``.
    :raises CleoError: the address is not supported, the server cannot be reached.
    :raises StoreError: the database is behind and not to be migrated (50), ahead (51), foreign
        (52) or broken (53).
    """
    database = PostgresDatabase(url, spec.name, env=env, engine=engine)
    try:
        what = found(database, spec)
        if what.state in (ABSENT, BEHIND):
            if migrate is None:
                migrate = env.get("CLEO_MIGRATE", "").strip() != "refuse"
            if what.state == BEHIND and not migrate:
                raise refusal(database, spec, what)
            bring_to_head(database, spec)
            what = found(database, spec)
        if what.state != HEAD:
            raise refusal(database, spec, what)
    except BaseException:
        database.close()
        raise
    return database


def bring_to_head(database: PostgresDatabase, spec: StoreSpec) -> bool:
    """Make or migrate the store in one transaction, under the advisory lock.

    :returns: False when meanwhile another process had done it, or it cannot be done.
    :raises CleoError: ``E_MIGRATION_FAILED``; nothing has changed.
    """
    connection = database.connection
    connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
    try:
        connection.execute("SET LOCAL statement_timeout = 0")
        connection.execute(LOCK, {"key": spec.application_id})
        connection.execute("SAVEPOINT looking")
        what = found(database, spec)
        if what.state == ABSENT:
            _make(database, spec)
        elif what.state == BEHIND:
            _upgrade(connection.shared, spec, what.revision)
        connection.execute("COMMIT")
    # Whatever went wrong, the database is as before, and that is what callers are told.
    except Exception as error:
        if connection.alive:
            connection.execute("ROLLBACK")
        if isinstance(error, CleoError):
            raise
        raise CleoError(
            "E_MIGRATION_FAILED",
            f"{database.path} could not be brought to {spec.head}; it is as before. "
            f"The cause: {type(getattr(error, 'orig', None) or error).__name__}.",
            fix="the same command with the role that owns the database",
            details={"store": spec.name, "path": database.path, "to": spec.head},
        ) from error
    return what.state in (ABSENT, BEHIND)


def refusal(database: PostgresDatabase, spec: StoreSpec, what: Found) -> StoreError:
    """The error for a database that cannot be used as the store."""
    code, words, fix = {
        BEHIND: (
            "E_STORE_BEHIND",
            f"is at revision {what.revision}; this program needs {spec.head}",
            "env -u CLEO_MIGRATE cleo agent list --global",
        ),
        AHEAD: (
            "E_STORE_AHEAD",
            f"is at revision {what.revision}; the installed cleo-signaldock works with {spec.head}",
            "pip install --upgrade cleo-signaldock",
        ),
        BROKEN: ("E_STORE_CORRUPT", f"is damaged: {what.detail}", f"cleo stores {spec.name}"),
    }.get(
        what.state,
        (
            "E_STORE_FOREIGN",
            f"is not a {spec.name} store: {what.detail}. It was left untouched",
            "createdb NAME (and name it in CLEO_SIGNALDOCK_DATABASE_URL)",
        ),
    )
    return StoreError(
        code,
        f"{database.path} {words}.",
        fix=fix,
        details={
            "store": spec.name,
            "path": database.path,
            "state": what.state,
            "revision": what.revision,
            "head": spec.head,
        },
    )


def _unversioned(database: PostgresDatabase, table: str) -> Found:
    connection = database.connection
    if connection.in_transaction:
        connection.execute("ROLLBACK TO SAVEPOINT looking")
    names = [row["name"] for row in database.read(RELATIONS)]
    if not names:
        return Found(ABSENT)
    if {table, "signaldock_meta"} <= set(names):
        return Found(BROKEN, None, f"{table} or signaldock_meta cannot be read")
    return Found(FOREIGN, None, f"it is not empty and holds no {table}")


def _make(database: PostgresDatabase, spec: StoreSpec) -> None:
    from cleo_signaldock.postgres.ddl import create_statements, version_statements

    module, _, attribute = spec.schema.partition(":")
    schema = import_module(module)
    shared = database.connection.shared
    for statement in create_statements(getattr(schema, attribute)):
        shared.exec_driver_sql(statement)
    for statement in getattr(schema, "seed", ()):
        database.connection.execute(statement, _used(statement))
    for statement in version_statements(spec.head):
        shared.exec_driver_sql(statement)


def _used(statement: str) -> dict[str, Any]:
    return {"now": clock.now()} if ":now" in statement else {}


def _upgrade(shared: Connection, spec: StoreSpec, revision: str | None) -> None:
    from cleo_core.migrate import Run, plan, run_plan

    steps = plan(spec, revision)
    values = {"project_id": None, "project_name": None, "now": clock.now()}
    # SQLAlchemy is told of the transaction that is open already, so that alembic begins none.
    with shared.begin() if not shared.in_transaction() else _Open():
        run_plan(shared, spec, steps.steps, Run(values))


class _Open:
    def __enter__(self) -> None: ...

    def __exit__(self, *exception: object) -> None: ...


def _number(revision: str, store: str) -> int | None:
    prefix, _, digits = revision.rpartition("_")
    return int(digits) if prefix == store and digits.isdigit() else None
