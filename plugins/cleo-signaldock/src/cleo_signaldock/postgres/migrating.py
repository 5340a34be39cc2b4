"""What a database on a server is, and how it becomes the store at its head."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from cleo_core import clock
from cleo_core.database import driver
from cleo_core.errors import CleoError, StoreError
from cleo_core.states import ABSENT, AHEAD, BEHIND, BROKEN, FOREIGN, HEAD, StoreState
from cleo_signaldock.postgres.database import PostgresDatabase, from_driver
from cleo_signaldock.postgres.failures import original, translated

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from cleo_core.api import Plan, Report, StoreSpec

#: The advisory lock under which a database is made and migrated: the store's application id.
LOCK = "SELECT pg_advisory_xact_lock(:key)"
#: A migration may take its time; whoever waits for one does so as long as for a file's lock.
PATIENCE = (
    "SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '30000', true)"
)
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


def found(database: PostgresDatabase, spec: StoreSpec) -> StoreState:
    """What a database is: one query where it is the store, two where it is not.

    A transaction that is open stays as it was.

    :raises CleoError: the server cannot be asked.
    """
    table = f"alembic_version_{spec.name}"
    for _ in range(2):
        try:
            with _unharmed(database):
                row = database.one(STATE.format(table=table))
        except driver().OperationalError:
            names = {one["name"] for one in database.read(RELATIONS)}
            if {table, "signaldock_meta"} <= names:
                # Made between the two questions, unless the second attempt fails too.
                continue
            if not names:
                return StoreState(spec, database.path, ABSENT)
            detail = f"it is not empty and holds no {table}"
            return StoreState(spec, database.path, FOREIGN, None, detail)
        return _by_version(spec, database.path, row)
    detail = f"{table} or signaldock_meta cannot be read"
    return StoreState(spec, database.path, BROKEN, None, detail)


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
            if not make(database, spec) and migrate:
                upgrade(database, spec)
            what = found(database, spec)
        if what.state != HEAD:
            raise refusal(database, spec, what)
    except BaseException:
        database.close()
        raise
    return database


def make(database: PostgresDatabase, spec: StoreSpec) -> bool:
    """Make an empty database the store, in one transaction, under the advisory lock.

    :returns: False when it was not empty.
    :raises CleoError: ``E_MIGRATION_FAILED``, ``E_PERMISSION_FS``; nothing has changed.
    """
    with _alone(database, spec) as what:
        if what.state == ABSENT:
            _make(database, spec)
        return what.state == ABSENT


def upgrade(
    database: PostgresDatabase,
    spec: StoreSpec,
    through: Callable[[Any, str | None, Callable[[Plan], Report]], Report] | None = None,
) -> Report | None:
    """Migrate the store in one transaction, under the advisory lock.

    :param through: as of :meth:`cleo_core.states.OwnState.migrate_store`; by default nobody else
        is asked.
    :returns: what was done; None when the store is not behind, or was migrated meanwhile.
    :raises CleoError: ``E_MIGRATION_FAILED``, ``E_WRITE_CONTENTION``; nothing has changed.
    """
    from cleo_core.api import Report
    from cleo_core.migrate import Run, plan, run_plan

    def run(steps: Plan) -> Report:
        values = {"project_id": None, "project_name": None, "now": clock.now()}
        run_plan(database.connection.shared, spec, steps.steps, Run(values))
        return Report(steps.store, steps.from_revision, steps.to_revision, steps.steps)

    with _alone(database, spec) as what:
        if what.state != BEHIND:
            return None
        if through is None:
            report = run(plan(spec, what.revision))
        else:
            report = through(database.connection, what.revision, run)
        result = found(database, spec)
        if result.state != HEAD:
            raise ValueError(f"the result is {result.state}, at revision {result.revision}")
    return report


def refusal(database: PostgresDatabase, spec: StoreSpec, what: StoreState) -> StoreError:
    """The error for a database that cannot be used as the store."""
    code, words, fix = {
        BEHIND: (
            "E_STORE_BEHIND",
            f"is at revision {what.revision}; this program needs {spec.head}",
            f"cleo migrate --store {spec.name}",
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


def _by_version(spec: StoreSpec, path: str, row: Mapping[str, Any] | None) -> StoreState:
    if row is None or row["rows"] != 1:
        detail = f"alembic_version_{spec.name} does not hold exactly one row"
        return StoreState(spec, path, BROKEN, None, detail)
    revision = str(row["version_num"])
    if row["store"] != STORE_KEY:
        detail = "its signaldock_meta does not say cleo-signaldock"
        return StoreState(spec, path, FOREIGN, revision, detail)
    if revision == spec.head:
        return StoreState(spec, path, HEAD, revision)
    number, head = _number(revision, spec.name), _number(spec.head, spec.name)
    if number is None or head is None:
        detail = f"its revision {revision!r} is of another lineage"
        return StoreState(spec, path, FOREIGN, revision, detail)
    return StoreState(spec, path, BEHIND if number < head else AHEAD, revision)


@contextmanager
def _unharmed(database: PostgresDatabase) -> Iterator[None]:
    """Keep the open transaction, if there is one, from what fails inside."""
    connection = database.connection
    if connection is None or not connection.in_transaction:
        yield
        return
    connection.execute("SAVEPOINT looking")
    try:
        yield
    except driver().OperationalError:
        connection.execute("ROLLBACK TO SAVEPOINT looking")
        raise
    finally:
        if connection.in_transaction:
            connection.execute("RELEASE SAVEPOINT looking")


@contextmanager
def _alone(database: PostgresDatabase, spec: StoreSpec) -> Iterator[StoreState]:
    """A transaction in which nobody else makes or migrates the store, and what it finds.

    :raises CleoError: what the server refuses; whatever else fails inside is
        ``E_MIGRATION_FAILED``, and so is all that fails while one that is behind is migrated.
    """
    what: StoreState | None = None
    try:
        with database.write() as tx:
            tx.execute(PATIENCE)
            tx.execute(LOCK, key=spec.application_id)
            what = found(database, spec)
            yield what
    # Drivers, migrations and plugins raise anything; callers are told of it in one way.
    except Exception as error:
        failure = _failure(database, spec, what, error)
        if failure is error:
            raise
        # SQLAlchemy's error prints the statement; its cause does not.
        raise failure from original(error)


def _failure(
    database: PostgresDatabase, spec: StoreSpec, what: StoreState | None, error: Exception
) -> Exception:
    """What callers are told of a failure; the server undid everything."""
    known: Exception = error
    if from_driver(original(error)):
        alive = database.connection is not None and database.connection.alive
        known = translated(error, spec.name, database.path, alive=alive)
    revision = what.revision if what is not None and what.state == BEHIND else None
    passing = ("E_WRITE_CONTENTION", "E_IO", "E_STORE_FOREIGN", "E_MIGRATION_FAILED")
    if isinstance(known, CleoError) and (revision is None or known.code in passing):
        return known
    cause = original(error)
    words = str(known).rstrip(".") or type(cause).__name__
    stands = f"still at revision {revision}" if revision else "as it was"
    return CleoError(
        "E_MIGRATION_FAILED",
        f"{database.path} could not be brought to {spec.head}: {words}. It is {stands}.",
        details={
            "store": spec.name,
            "path": database.path,
            "from": revision,
            "to": spec.head,
            "cause": {"type": type(cause).__name__, "message": words},
        },
    )


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


def _number(revision: str, store: str) -> int | None:
    prefix, _, digits = revision.rpartition("_")
    return int(digits) if prefix == store and digits.isdigit() else None
