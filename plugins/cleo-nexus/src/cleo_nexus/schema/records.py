"""What is kept about the store's use: audit, idempotency keys, the store's own facts."""

from __future__ import annotations

from cleo_core.columns import (
    at,
    boolean,
    idempotency_table,
    identifier,
    index,
    integer,
    json_object,
    one_of,
    required,
    serial,
    text,
)
from cleo_nexus.enums import AUDIT_SOURCE, GATEWAY
from cleo_nexus.schema.tables import metadata, table

idempotency_keys = idempotency_table(metadata, sqlite_with_rowid=False)

nexus_audit_log = table(
    "nexus_audit_log",
    serial("seq"),
    identifier(),
    at("timestamp", nullable=False),
    required("action", "action GLOB '[a-z]*' AND action NOT GLOB '*[^a-z.-]*'"),
    text("project_id"),
    text("project_hash"),
    required("domain", "domain = 'nexus'", default="nexus"),
    required("operation"),
    text("session_id"),
    required("request_id"),
    one_of("source", AUDIT_SOURCE),
    one_of("gateway", GATEWAY),
    boolean("success"),
    integer("duration_ms", "duration_ms >= 0"),
    json_object("details_json"),
    text("error_code"),
    text("error_message"),
    index("timestamp"),
    index("action"),
    index("project_id"),
    index("session_id"),
    sqlite_autoincrement=True,
)

nexus_schema_meta = table(
    "nexus_schema_meta",
    required("key", primary_key=True),
    required("value"),
    sqlite_with_rowid=False,
)
