"""The one declaration of the tables of telemetry."""

from __future__ import annotations

from cleo_core.columns import (
    at,
    check,
    index,
    integer,
    new_metadata,
    one_of,
    required,
    serial,
    strict_table,
    text,
    uuid,
)

HEAD = "telemetry_0001"
metadata = new_metadata()
#: The rows of a fresh file: none, since who is measured gets an id when enabling.
seed: tuple[str, ...] = ()
extra_ddl: tuple[str, ...] = ()

GATEWAY = ("query", "mutate")

telemetry_events = strict_table(
    metadata,
    "telemetry_events",
    serial("id"),
    uuid("anonymous_id"),
    required("domain"),
    one_of("gateway", GATEWAY),
    required("operation"),
    required("command"),
    integer("exit_code", "exit_code BETWEEN 0 AND 255"),
    integer("duration_ms", "duration_ms >= 0"),
    text("error_code", "error_code GLOB 'E_?*' AND error_code NOT GLOB '*[^A-Z0-9_]*'"),
    at("timestamp", nullable=False),
    check("named", "command = domain || '.' || operation"),
    check("failed", "error_code IS NULL OR exit_code <> 0"),
    index("command"),
    index("exit_code"),
    index("timestamp"),
    sqlite_autoincrement=True,
)

telemetry_schema_meta = strict_table(
    metadata,
    "telemetry_schema_meta",
    required("key", primary_key=True),
    required("value"),
    sqlite_with_rowid=False,
)
