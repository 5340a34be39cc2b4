"""What is kept about the store's use: retrievals, audit, idempotency keys, the store's own keys."""

from __future__ import annotations

from cleo_brain.enums import KIND, RETRIEVAL_SOURCE
from cleo_brain.schema.tables import metadata, table
from cleo_core.columns import (
    at,
    idempotency_table,
    index,
    integer,
    json_list,
    json_object,
    one_of,
    required,
    serial,
    text,
)

brain_retrieval_log = table(
    "brain_retrieval_log",
    serial("seq"),
    at("at", nullable=False),
    one_of("source", RETRIEVAL_SOURCE),
    text("query"),
    json_list("entry_ids_json"),
    integer("tokens", "tokens >= 0"),
    text("session_id"),
    text("agent"),
    index("at"),
    index("session_id", where="session_id IS NOT NULL"),
    sqlite_autoincrement=True,
)

brain_audit = table(
    "brain_audit",
    serial("seq"),
    at("at", nullable=False),
    required("actor"),
    text("session_id"),
    required("request_id"),
    required("action"),
    one_of("kind", KIND),
    required("entry_id"),
    json_object("details_json"),
    index("entry_id", "seq"),
    sqlite_autoincrement=True,
)

idempotency_keys = idempotency_table(metadata, sqlite_with_rowid=False)

brain_schema_meta = table(
    "brain_schema_meta",
    required("key", primary_key=True),
    required("value"),
    sqlite_with_rowid=False,
)
