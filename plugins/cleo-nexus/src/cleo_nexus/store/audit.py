"""The audit of what verbs did, and the store's own facts."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Any

from cleo_core.database import Backend, Database, Row

COLUMNS = (
    *("seq", "id", "timestamp", "action", "project_id", "project_hash", "domain", "operation"),
    *("session_id", "request_id", "source", "gateway", "success", "duration_ms", "details_json"),
    *("error_code", "error_message"),
)
INSERT = (
    "INSERT INTO nexus_audit_log (id, timestamp, action, project_id, project_hash, operation, "
    "session_id, request_id, source, gateway, success, duration_ms, details_json, error_code, "
    "error_message) VALUES (:id, :timestamp, :action, :project_id, :project_hash, :operation, "
    ":session_id, :request_id, :source, 'mutate', :success, :duration_ms, :details, :error_code, "
    ":error_message)"
)
COUNT = "SELECT count(*) FROM nexus_audit_log"
#: Rows that a prune takes: those before a time, and none that were written after it began.
OLD = (
    f"SELECT {', '.join(COLUMNS)} FROM nexus_audit_log "
    "WHERE timestamp < :before AND seq <= :last ORDER BY seq"
)
EXTENT = (
    "SELECT count(*) AS rows, min(seq) AS first, max(seq) AS last FROM nexus_audit_log "
    "WHERE timestamp < :before"
)
DELETE_OLD = "DELETE FROM nexus_audit_log WHERE timestamp < :before AND seq <= :last"
#: Filters of a list: name -> SQL term.
FILTERS = {
    "action": "action = :action",
    "project": "project_id = :project",
    "since": "timestamp >= :since",
}
FACT = "SELECT value FROM nexus_schema_meta WHERE key = :key"
SET_FACT = (
    "INSERT INTO nexus_schema_meta (key, value) VALUES (:key, :value) "
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)
DELETE_FACT = "DELETE FROM nexus_schema_meta WHERE key = :key"


def add(tx: Any, row: Mapping[str, Any], details: Mapping[str, Any]) -> None:
    """Write one row."""
    tx.execute(INSERT, **row, details=json.dumps(details, sort_keys=True))


def note_creation(tx: Any, at: str, version: str) -> None:
    """Keep when the file was made and by which version, once."""
    if tx.scalar(FACT, key="created_at") is None:
        tx.execute(SET_FACT, key="created_at", value=at)
        tx.execute(SET_FACT, key="created_by_version", value=version)


def count(db: Backend) -> int:
    """How many rows there are."""
    return int(db.scalar(COUNT))


def listing(
    db: Backend, filters: Mapping[str, Any], *, limit: int, offset: int
) -> tuple[list[dict[str, Any]], int]:
    """A page of rows, newest first, and the number of all that match.

    :param filters: name of :data:`FILTERS` -> value.
    """
    page, total = list_statements(filters)
    rows = db.read(page, **filters, limit=limit, offset=offset)
    return [record(row) for row in rows], int(db.scalar(total, **filters))


def list_statements(filters: Iterable[str]) -> tuple[str, str]:
    """The two statements of a list: its page and its total."""
    where = " AND ".join(FILTERS[name] for name in filters) or "true"
    return (
        f"SELECT * FROM nexus_audit_log WHERE {where} ORDER BY seq DESC "
        "LIMIT :limit OFFSET :offset",
        f"SELECT count(*) FROM nexus_audit_log WHERE {where}",
    )


def extent(db: Backend, before: str) -> Row:
    """How many rows are older than a time, and the first and last number: ``rows first last``."""
    found = db.one(EXTENT, before=before)
    assert found is not None
    return found


def old_rows(db: Database, before: str, last: int) -> Generator[dict[str, Any], None, None]:
    """The rows older than a time up to a number, one at a time, oldest first."""
    for values in db.iterate(OLD, before=before, last=last):
        yield record(dict(zip(COLUMNS, values, strict=True)))


def prune(tx: Any, before: str, last: int) -> int:
    """Delete what :func:`old_rows` gave; how many rows went."""
    # The audit refuses every other deletion.
    tx.execute(SET_FACT, key="audit_prune", value="1")
    deleted = int(tx.execute(DELETE_OLD, before=before, last=last))
    tx.execute(DELETE_FACT, key="audit_prune")
    return deleted


def statements() -> Iterator[str]:
    """The statements that are put together from parts."""
    yield from list_statements(())
    yield from list_statements(FILTERS)


def record(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as the JSON that ``cleo nexus audit list`` shows."""
    return {
        "seq": row["seq"],
        "id": row["id"],
        "timestamp": row["timestamp"],
        "action": row["action"],
        "projectId": row["project_id"],
        "projectHash": row["project_hash"],
        "domain": row["domain"],
        "operation": row["operation"],
        "sessionId": row["session_id"],
        "requestId": row["request_id"],
        "source": row["source"],
        "gateway": row["gateway"],
        "success": bool(row["success"]),
        "durationMs": row["duration_ms"],
        "details": json.loads(row["details_json"]),
        "errorCode": row["error_code"],
        "errorMessage": row["error_message"],
    }
