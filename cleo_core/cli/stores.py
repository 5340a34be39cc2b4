"""``cleo stores`` and ``cleo migrate``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from cleo_core.app import App
from cleo_core.cli.command import command
from cleo_core.errors import CleoError, UsageError
from cleo_core.output import Printer, Result
from cleo_core.tracked import warn_tracked

if TYPE_CHECKING:
    from cleo_core.api import StoreSpec


@command("stores", project="optional")
@click.argument("name", required=False)
def stores(app: App, name: str | None) -> Result:
    """List the databases with file, state, revision and size, or show one."""
    specs = [app.stores.spec(name)] if name else list(app.plugins.stores.values())
    rows = [_row(app, spec) for spec in specs if _reachable(app, spec) or name]
    if name:
        return Result(rows[0], human=lambda out: _show(out, rows[0]))
    return Result(rows, human=lambda out: _list(out, rows))


@command("migrate", project="optional", writes=True)
@click.option("--check", is_flag=True, help="Exit 50 if any database is behind; change nothing.")
@click.option("--sql", is_flag=True, help="Print the SQL that would run; change nothing.")
@click.option("--store", metavar="NAME", help="This database only.")
def migrate(app: App, check: bool, sql: bool, store: str | None) -> Result:
    """Bring databases to the newest schema, each after a verified copy.

    Example: cleo migrate --dry-run
    """
    from cleo_core.migrate import pending, render_sql

    done: list[dict[str, Any]] = []
    project = app.project_or_none
    if project is not None:
        warn_tracked(project.root, project.directory, app.env, app.warnings)
    if store:
        app.stores.spec(store)
    behind = pending(app.stores, store)
    if sql:
        _require_files(app, [(spec, state.path) for spec, state, _ in behind])
        text = "\n".join(
            render_sql(spec, state.revision or "", app.stores.parameters())
            for spec, state, _ in behind
        )
        return Result(None, raw=text + "\n" if text else "")
    if check and behind:
        raise app.stores.refusal(behind[0][1])
    for spec, _, steps in behind:
        if app.dry_run or check:
            report: Any = steps
            snapshot = None
        else:
            report = _migrate_one(app, spec, done)
            snapshot = report.snapshot
        done.append(
            {
                "store": report.store,
                "from": report.from_revision,
                "to": report.to_revision,
                "steps": list(report.steps),
                "snapshot": snapshot,
            }
        )
    return Result(done, human=lambda out: _migrated(out, done, app.dry_run))


def _require_files(app: App, stores: list[tuple[StoreSpec, str]]) -> None:
    """Refuse to show SQLite's words for what is no file of SQLite.

    :raises UsageError: a plugin keeps one of the stores elsewhere.
    """
    for spec, path in stores:
        if app.stores.elsewhere(spec) is not None:
            raise UsageError(
                f"{path} is no file; only what runs on files can be shown as SQL.",
                fix=f"cleo migrate --dry-run --store {spec.name}",
            )


def _migrate_one(app: App, spec: StoreSpec, done: list[dict[str, Any]]) -> Any:
    try:
        return app.migrate(spec)
    except CleoError as error:
        error.details["done"] = done
        raise


def _reachable(app: App, spec: StoreSpec) -> bool:
    return spec.tier == "global" or app.project_or_none is not None


def _row(app: App, spec: StoreSpec) -> dict[str, Any]:
    path, word, revision, detail = app.stores.path(spec), "unknown", None, ""
    rows = failure = None
    try:
        state = app.stores.state(spec)
        path, word, revision, detail = state.path, state.state, state.revision, state.detail
        if word in ("head", "behind", "ahead"):
            rows = _rows(app, spec)
    except Exception as error:
        # What is wrong with one store, or with the plugin that brings it, hides no other.
        failure = {
            "code": error.code if isinstance(error, CleoError) else "E_UNEXPECTED",
            "message": str(error) or type(error).__name__,
        }
    return {
        "name": spec.name,
        "tier": spec.tier,
        "path": path,
        "state": word,
        "revision": revision,
        "head": spec.head,
        "bytes": _size(path),
        "walBytes": _size(path + "-wal"),
        "rows": rows,
        "owner": app.plugins.distribution_of_store(spec.name),
        **({"detail": detail} if detail else {}),
        **({"error": failure} if failure else {}),
    }


def _rows(app: App, spec: StoreSpec) -> dict[str, int] | None:
    """Rows of each table that holds one of the store's kinds."""
    tables = sorted({table for table in spec.kinds.values() if table})
    counts = {}
    database, _ = app.stores.open(spec, write=False)
    if database is None:
        return None
    try:
        present = database.tables()
        for table in tables:
            if table in present:
                counts[table] = int(database.scalar(f'SELECT count(*) FROM "{table}"'))
    finally:
        if database is not app.stores.elsewhere(spec):
            database.close()
    return counts


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def _list(out: Printer, rows: list[dict[str, Any]]) -> None:
    if not rows:
        out.line("No databases: no plugin with a store is installed, or this is no project.")
        return
    out.table(
        ("store", "tier", "state", "revision", "bytes", "path"),
        [
            (row["name"], row["tier"], row["state"], row["revision"], row["bytes"], row["path"])
            for row in rows
        ],
    )
    for row in rows:
        if "error" in row:
            out.line(f"{row['name']}: {row['error']['message']}")


def _show(out: Printer, row: dict[str, Any]) -> None:
    for key, value in row.items():
        out.line(f"{key:9} {value}")


def _migrated(out: Printer, done: list[dict[str, Any]], dry_run: bool) -> None:
    if not done:
        out.line("Every database is at the newest schema.")
    for row in done:
        word = "would go" if dry_run else "went"
        out.line(f"{row['store']} {word} from {row['from']} to {row['to']}")
