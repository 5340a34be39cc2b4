"""Running migration files through alembic: on a connection, on a new file, or as text."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationStep

from cleo_core.api import StoreSpec
from cleo_core.database import Database
from cleo_core.migrate.binding import bound
from cleo_core.migrate.files import lineage, plan, script_directory
from cleo_core.migrate.run import PLACEHOLDERS, Run
from cleo_core.paths import check_test_root
from cleo_core.progress import Progress

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from cleo_core.migrate.compare import Prepare


#: One migration at a time in a process: alembic keeps its environment in module globals.
one_at_a_time = threading.RLock()


def run_plan(
    connection: Connection,
    spec: StoreSpec,
    steps: Sequence[str],
    run: Run,
    progress: Progress | None = None,
) -> None:
    """Run revisions on a SQLAlchemy connection, inside the transaction that its owner began.

    It takes no lock and no copy and commits nothing.

    :param connection: in a transaction.
    :param steps: the revisions, oldest first.
    :param run: holds the parameters, and tells afterwards what was done.
    """
    _environment(spec, steps, run, progress, {"connection": connection})


def build(
    database: Database,
    spec: StoreSpec,
    parameters: Mapping[str, Any],
    revision: str | None,
    progress: Progress | None = None,
) -> None:
    """Run the migrations up to a revision on an empty database, in the caller's transaction."""
    steps = lineage(spec)
    steps = steps[: steps.index(revision) + 1] if revision else []
    with bound(database.connection) as connection:
        run_plan(connection, spec, steps, Run(parameters), progress)


def from_empty(
    spec: StoreSpec,
    path: str,
    parameters: Mapping[str, Any],
    *,
    revision: str | None = None,
    prepare: Prepare | None = None,
) -> None:
    """Make a store's file by running its migrations, which creating a store never does.

    :param path: the new file, which must not exist.
    :param parameters: what ``:project_id``, ``:project_name`` and ``:now`` stand for.
    :param revision: where to stop, by default the head.
    :param prepare: called with the new database.
    :raises FileExistsError: ``path`` exists.
    """
    check_test_root(path)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    database = Database(path, spec.name)
    try:
        if prepare is not None:
            prepare(database)
        database.connection.execute(f"PRAGMA application_id = {int(spec.application_id)}")
        with database.write():
            build(database, spec, parameters, revision or spec.head)
    finally:
        database.close()


def render_sql(
    spec: StoreSpec, revision: str | None, parameters: Mapping[str, Any] | None = None
) -> str:
    """The SQL that a migration would run, as a script for the ``sqlite3`` shell.

    :param revision: where to start; None for an empty file.
    :param parameters: what ``:project_id``, ``:project_name`` and ``:now`` stand for; a name that
        is not given stays in the text.
    """
    steps = plan(spec, revision)
    schemas: dict[str | None, Database] = {}
    output = io.StringIO()
    try:
        _keep_schemas(spec, schemas)
        _environment(
            spec,
            steps.steps,
            Run(parameters or {}, schemas=schemas, start=revision),
            None,
            {"dialect_name": "sqlite", "output_buffer": output},
            as_sql=True,
            starting_rev=revision,
        )
    finally:
        for database in schemas.values():
            database.close()
    return (
        f"-- Store {spec.name}: {revision or 'empty'} to {spec.head}\n\n"
        f"PRAGMA foreign_keys = OFF;\n\n{output.getvalue()}PRAGMA foreign_key_check;\n"
    )


def _environment(
    spec: StoreSpec,
    steps: Sequence[str],
    run: Run,
    progress: Progress | None,
    configure: dict[str, Any],
    **options: Any,
) -> None:
    """One run of alembic's environment, online or, with ``as_sql``, rendering."""

    def applied(*, step: Any, **_: Any) -> None:
        run.finished(step.up_revision_id)
        if progress is not None:
            progress(step.up_revision_id, len(run.done), len(steps))

    script = script_directory(spec)

    def revisions(heads: object, context: object) -> list[MigrationStep]:
        chosen = [script.get_revision(revision) for revision in steps]
        return [MigrationStep.upgrade_from_script(script.revision_map, one) for one in chosen]

    config = Config()
    config.attributes["run"] = run
    config.attributes["configure"] = {
        **configure,
        "version_table": f"alembic_version_{spec.name}",
        "transactional_ddl": True,
        "transaction_per_migration": False,
        "on_version_apply": applied,
    }
    with one_at_a_time, EnvironmentContext(config, script, fn=revisions, **options):
        script.run_env()


def _keep_schemas(spec: StoreSpec, schemas: dict[str | None, Database]) -> None:
    """Add an empty database in memory for each revision, and for none."""
    schemas[None] = Database(":memory:", spec.name)
    growing = Database(":memory:", spec.name)

    def keep(revision: str, *_: int) -> None:
        schemas[revision] = Database(":memory:", spec.name)
        growing.connection.backup(schemas[revision].connection)

    try:
        build(growing, spec, PLACEHOLDERS, spec.head, keep)
    finally:
        growing.close()
