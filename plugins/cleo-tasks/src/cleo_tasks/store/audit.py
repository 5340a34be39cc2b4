"""The audit log."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Any

from cleo_core.database import Backend, Database, Row

COLUMNS = (
    *("id", "timestamp", "action", "entity_kind", "entity_id", "task_id", "actor", "session_id"),
    *("request_id", "source", "forced", "reason", "details_json", "before_json", "after_json"),
)

INSERT = (
    "INSERT INTO audit_log (timestamp, action, entity_kind, entity_id, task_id, actor, "
    "session_id, request_id, source, forced, reason, details_json, before_json, after_json) "
    "VALUES (:timestamp, :action, :entity_kind, :entity_id, :task_id, :actor, :session_id, "
    ":request_id, :source, :forced, :reason, :details, :before, :after)"
)
HISTORY = "SELECT * FROM audit_log WHERE task_id = :id ORDER BY id"
BY_ID = "SELECT * FROM audit_log WHERE id = :id"
OF_REQUEST = "SELECT * FROM audit_log WHERE request_id = :request ORDER BY id"
#: Rows that a prune takes: those before a time, and none that were written after it began.
OLD = (
    f"SELECT {', '.join(COLUMNS)} FROM audit_log "
    "WHERE timestamp < :before AND id <= :last ORDER BY id"
)
OLD_EXTENT = (
    "SELECT count(*) AS rows, min(id) AS first, max(id) AS last FROM audit_log "
    "WHERE timestamp < :before"
)
DELETE_OLD = "DELETE FROM audit_log WHERE timestamp < :before AND id <= :last"
#: The log refuses every deletion but that of rows below this mark.
SET_MARK = (
    "INSERT INTO schema_meta (key, value) VALUES ('audit_prune_below', :below) "
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)
CLEAR_MARK = "DELETE FROM schema_meta WHERE key = 'audit_prune_below'"

#: Filters of ``log list``: name -> SQL term.
FILTERS = {
    "task": "task_id = :task",
    "action": "action = :action",
    "actor": "actor = :actor",
    "session": "session_id = :session",
    "since": "timestamp >= :since",
    "before": "timestamp < :before",
}


def add(
    db: Any,
    *,
    details: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    **columns: Any,
) -> None:
    """Write one row; ``before`` and ``after`` hold the changed columns."""
    db.execute(
        INSERT,
        details=_json(details),
        before=None if before is None else _json(before),
        after=None if after is None else _json(after),
        **columns,
    )


def add_many(db: Any, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write many rows; the keys are those of :func:`add`."""
    db.executemany(
        INSERT,
        (
            {
                **row,
                "details": _json(row["details"]),
                "before": None if row["before"] is None else _json(row["before"]),
                "after": None if row["after"] is None else _json(row["after"]),
            }
            for row in rows
        ),
    )


def history(db: Backend, id_: str) -> list[dict[str, Any]]:
    """The log of one task, oldest first."""
    return [record(row) for row in db.read(HISTORY, id=id_)]


def get(db: Backend, id_: int) -> dict[str, Any] | None:
    """One row by its number."""
    found = db.one(BY_ID, id=id_)
    return None if found is None else record(found)


def of_request(db: Backend, request: str) -> list[dict[str, Any]]:
    """The rows that one command wrote, in their order."""
    return [record(found) for found in db.read(OF_REQUEST, request=request)]


def listing(
    db: Backend, filters: Mapping[str, Any], *, limit: int, offset: int
) -> tuple[list[dict[str, Any]], int]:
    """A page of the log, newest first, and the number of all rows that match.

    :param filters: name of :data:`FILTERS` -> value.
    """
    page, count = list_statements(filters)
    rows = db.read(page, **filters, limit=limit, offset=offset)
    return [record(found) for found in rows], int(db.scalar(count, **filters))


def list_statements(filters: Iterable[str]) -> tuple[str, str]:
    """The two statements of a list: its page and its total."""
    where = " AND ".join(FILTERS[name] for name in filters) or "true"
    return (
        f"SELECT * FROM audit_log WHERE {where} ORDER BY id DESC LIMIT :limit OFFSET :offset",
        f"SELECT count(*) FROM audit_log WHERE {where}",
    )


def old_extent(db: Backend, before: str) -> Row:
    """How many rows are older than a time, and the first and last number: ``rows first last``."""
    found = db.one(OLD_EXTENT, before=before)
    assert found is not None
    return found


def old_rows(db: Database, before: str, last: int) -> Generator[dict[str, Any], None, None]:
    """The rows older than a time up to a number, one at a time, oldest first."""
    for values in db.iterate(OLD, before=before, last=last):
        yield record(dict(zip(COLUMNS, values, strict=True)))


def delete_old(db: Any, before: str, last: int) -> int:
    """Delete what :func:`old_rows` gave; returns how many rows went."""
    db.execute(SET_MARK, below=str(last + 1))
    deleted = int(db.execute(DELETE_OLD, before=before, last=last))
    db.execute(CLEAR_MARK)
    return deleted


def statements() -> Iterator[str]:
    """The statements that are put together from parts."""
    yield from list_statements(())
    yield from list_statements(FILTERS)


def record(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as the JSON that ``cleo log`` shows."""
    return {
        "id": row["id"],
        "timestamp": row["timestamp"],
        "action": row["action"],
        "entityKind": row["entity_kind"],
        "entityId": row["entity_id"],
        "taskId": row["task_id"],
        "actor": row["actor"],
        "sessionId": row["session_id"],
        "requestId": row["request_id"],
        "source": row["source"],
        "forced": bool(row["forced"]),
        "reason": row["reason"],
        "details": json.loads(row["details_json"]),
        "before": None if row["before_json"] is None else json.loads(row["before_json"]),
        "after": None if row["after_json"] is None else json.loads(row["after_json"]),
    }


def _json(value: Mapping[str, Any]) -> str:
    return _ENCODE(value) if value else "{}"


_ENCODE = json.JSONEncoder(ensure_ascii=False).encode
