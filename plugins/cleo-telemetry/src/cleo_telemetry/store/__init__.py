"""All SQL of telemetry: a connection in, rows out.

Here stands what every recorded command needs, which is storing a row; the rest is in modules that
such a command does not load.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# The id of who is measured is read where it is used: a purge may replace it at any time.
INSERT = (
    "INSERT INTO telemetry_events (anonymous_id, domain, gateway, operation, command, exit_code, "
    "duration_ms, error_code, timestamp) SELECT value, :domain, :gateway, :operation, :command, "
    ":exit_code, :duration_ms, :error_code, :timestamp FROM telemetry_schema_meta "
    "WHERE key = 'anonymous_id' RETURNING id"
)


def insert(tx: Any, row: Mapping[str, Any]) -> int | None:
    """Store a row; its id, or None where nobody is measured."""
    found = tx.read(INSERT, **row)
    return int(found[0]["id"]) if found else None
