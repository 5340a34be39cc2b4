"""Token accounting: one row for each request to a model."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cleo_core.database import Backend, Row
from cleo_tasks.token_records import TokenUsage

#: Columns that services write, by the record's field name.
COLUMNS = (
    *("created_at", "provider", "model", "transport", "operation", "session_id", "task_id"),
    *("agent_id", "request_id", "input_chars", "output_chars", "input_tokens", "output_tokens"),
    *("total_tokens", "method", "confidence", "request_hash", "response_hash", "metadata"),
)
#: What a list, a summary and a deletion can be narrowed to.
FILTERS = {
    "provider": "provider = :provider",
    "model": "model = :model",
    "transport": "transport = :transport",
    "operation": "operation = :operation",
    "session": "session_id = :session",
    "task": "task_id = :task",
    "method": "method = :method",
    "since": "created_at >= :since",
    "until": "created_at <= :until",
    "before": "created_at < :before",
}
#: What a summary adds up by.
GROUPS = ("method", "transport", "operation", "model")

BY_ID = "SELECT * FROM token_usage WHERE id = :id"
BY_REQUEST = "SELECT * FROM token_usage WHERE request_id = :request"
DELETE_IDS = "DELETE FROM token_usage WHERE id IN (SELECT value FROM json_each(:ids))"
INSERT = (
    "INSERT INTO token_usage (created_at, provider, model, transport, operation, session_id, "
    "task_id, agent_id, request_id, input_chars, output_chars, input_tokens, output_tokens, "
    "total_tokens, method, confidence, request_hash, response_hash, metadata_json) "
    "VALUES (:created_at, :provider, :model, :transport, :operation, :session_id, "
    ":task_id, :agent_id, :request_id, :input_chars, :output_chars, :input_tokens, "
    ":output_tokens, :total_tokens, :method, :confidence, :request_hash, :response_hash, "
    ":metadata) RETURNING id"
)
#: A better source for the same request: the row stays the same one, made when it was made.
IMPROVE = (
    "UPDATE token_usage SET provider = :provider, model = :model, transport = :transport, "
    "operation = :operation, session_id = :session_id, task_id = :task_id, agent_id = :agent_id, "
    "input_chars = :input_chars, output_chars = :output_chars, input_tokens = :input_tokens, "
    "output_tokens = :output_tokens, total_tokens = :total_tokens, method = :method, "
    "confidence = :confidence, request_hash = :request_hash, response_hash = :response_hash, "
    "metadata_json = :metadata WHERE id = :id"
)


def get(db: Backend, id_: int) -> Row | None:
    """One row by its number, JSON decoded."""
    return _decoded(db.one(BY_ID, id=id_))


def of_request(db: Backend, request: str) -> Row | None:
    """The row of a request, JSON decoded."""
    return _decoded(db.one(BY_REQUEST, request=request))


def insert(db: Any, values: Mapping[str, Any]) -> int:
    """Insert one row; returns its number."""
    (row,) = db.read(INSERT, **_encoded(values))
    return int(row["id"])


def improve(db: Any, id_: int, values: Mapping[str, Any]) -> None:
    """Give a row what a better source says."""
    given = _encoded(values)
    db.execute(
        IMPROVE,
        id=id_,
        **{name: given[name] for name in COLUMNS if name not in ("created_at", "request_id")},
    )


def listing(
    db: Backend, filters: Mapping[str, Any], *, limit: int, offset: int
) -> tuple[list[TokenUsage], int]:
    """A page of rows, newest first, and the number of all that match.

    :param filters: name of :data:`FILTERS` -> value.
    """
    page, count = list_statements(filters)
    rows = db.read(page, **filters, limit=limit, offset=offset)
    found = [record(row) for row in map(_decoded, rows) if row is not None]
    return found, int(db.scalar(count, **filters))


def sums(db: Backend, filters: Mapping[str, Any], by: str) -> list[Row]:
    """Rows and tokens by one of :data:`GROUPS` and confidence.

    :returns: ``{name, confidence, records, input_tokens, output_tokens, total_tokens}``.
    """
    return db.read(sum_statement(filters, by), **filters)


def delete_ids(db: Any, ids: Iterable[int]) -> int:
    """Delete rows by number; returns how many went."""
    return int(db.execute(DELETE_IDS, ids=json.dumps(list(ids))))


def delete_matching(db: Any, filters: Mapping[str, Any]) -> int:
    """Delete the rows that match; returns how many went."""
    return int(db.execute(delete_statement(filters), **filters))


def list_statements(filters: Iterable[str]) -> tuple[str, str]:
    """The two statements of a list: its page and its total."""
    where = _where(filters)
    return (
        f"SELECT * FROM token_usage WHERE {where} ORDER BY id DESC LIMIT :limit OFFSET :offset",
        f"SELECT count(*) FROM token_usage WHERE {where}",
    )


def sum_statement(filters: Iterable[str], by: str) -> str:
    """The statement of a summary by one column."""
    return (
        f"SELECT {by} AS name, confidence, count(*) AS records, "
        "sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens, "
        "sum(total_tokens) AS total_tokens "
        f"FROM token_usage WHERE {_where(filters)} GROUP BY {by}, confidence"
    )


def delete_statement(filters: Iterable[str]) -> str:
    """The DELETE for these filters."""
    return f"DELETE FROM token_usage WHERE {_where(filters)}"


def statements() -> Iterator[str]:
    """The statements that are put together from parts."""
    for filters in ((), tuple(FILTERS)):
        yield from list_statements(filters)
        yield from (sum_statement(filters, by) for by in GROUPS)
    yield delete_statement(FILTERS)


def record(row: Mapping[str, Any], **more: Any) -> TokenUsage:
    """A row as services return it, of a decoded one."""
    return TokenUsage(id=row["id"], **{name: row[name] for name in COLUMNS}, **more)


def _where(filters: Iterable[str]) -> str:
    return " AND ".join(FILTERS[name] for name in filters) or "true"


def _encoded(values: Mapping[str, Any]) -> dict[str, Any]:
    return {**values, "metadata": json.dumps(values["metadata"], ensure_ascii=False)}


def _decoded(row: Row | None) -> Row | None:
    if row is None:
        return None
    found = dict(row)
    found["metadata"] = json.loads(found.pop("metadata_json"))
    return found
