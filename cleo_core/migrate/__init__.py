"""Schema migrations: plan, runner, comparison of schemas, and helpers for authors.

The only importer of alembic, and imported only when a store is behind or somebody asks for its
migrations. What a shipped migration needs is here: ``from cleo_core.migrate import execute``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cleo_core.migrate.authoring import MovedRows, execute, move_rows, rebuild_table
    from cleo_core.migrate.compare import (
        declared_objects,
        differences,
        left_out,
        schema_objects,
        tables,
    )
    from cleo_core.migrate.files import checksums, new_migration, offences, plan
    from cleo_core.migrate.run import Run
    from cleo_core.migrate.runner import from_empty, render_sql, run_plan
    from cleo_core.migrate.snapshots import snapshot_source
    from cleo_core.migrate.upgrade import migrate_store, pending

__all__ = [
    "MovedRows",
    "Run",
    "checksums",
    "declared_objects",
    "differences",
    "execute",
    "from_empty",
    "left_out",
    "migrate_store",
    "move_rows",
    "new_migration",
    "offences",
    "pending",
    "plan",
    "rebuild_table",
    "render_sql",
    "run_plan",
    "schema_objects",
    "snapshot_source",
    "tables",
]

_HOMES = {
    "authoring": ("MovedRows", "execute", "move_rows", "rebuild_table"),
    "compare": ("declared_objects", "differences", "left_out", "schema_objects", "tables"),
    "files": ("checksums", "new_migration", "offences", "plan"),
    "run": ("Run",),
    "runner": ("from_empty", "render_sql", "run_plan"),
    "snapshots": ("snapshot_source",),
    "upgrade": ("migrate_store", "pending"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    # Comparing schemas and counting rows need no alembic, so each name brings only its module.
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
