"""What goes to and comes from a server, and what is kept about the store's use."""

from __future__ import annotations

from sqlalchemy import PrimaryKeyConstraint

from cleo_core.columns import (
    agent,
    at,
    idempotency_table,
    index,
    integer,
    json_object,
    json_value,
    one_of,
    required,
    serial,
    text,
    uuid,
)
from cleo_signaldock.enums import OUTBOX_STATE, SYNC_OP
from cleo_signaldock.schema.tables import metadata, of_row, table

sync_outbox = table(
    "sync_outbox",
    uuid("id", primary_key=True),
    required("base_url"),
    agent("agent_id"),
    one_of("op", SYNC_OP),
    integer("base_version", "base_version >= 0"),
    json_value("doc"),
    one_of("state", OUTBOX_STATE, "pending"),
    integer("attempts", "attempts >= 0", default=0),
    at("next_attempt_at", nullable=False),
    text("lease_owner"),
    at("lease_until"),
    integer("fence", "fence >= 0", default=0),
    text("last_error"),
    at("created_at", nullable=False),
    at("updated_at", nullable=False),
    index("state", "next_attempt_at"),
)

sync_bases = table(
    "sync_bases",
    agent("agent_id"),
    required("base_url"),
    integer("version", "version >= 0"),
    json_value("doc"),
    at("updated_at", nullable=False),
    PrimaryKeyConstraint("agent_id", "base_url"),
)

sync_cursors = table(
    "sync_cursors",
    required("base_url", primary_key=True),
    required("user_id"),
    integer("last_seq", "last_seq >= 0", default=0),
    at("updated_at", nullable=False),
)

sync_feed = table(
    "sync_feed",
    of_row("owner_id", "users"),
    integer("seq", "seq >= 1"),
    agent("agent_id"),
    one_of("op", SYNC_OP),
    integer("version", "version >= 0"),
    json_value("doc"),
    at("created_at", nullable=False),
    PrimaryKeyConstraint("owner_id", "seq"),
)

sync_counters = table(
    "sync_counters",
    of_row("owner_id", "users", primary_key=True),
    integer("last_seq", "last_seq >= 0", default=0),
)

idempotency_keys = idempotency_table(metadata)
idempotency_keys.append_column(integer("status", default=0))

rate_windows = table(
    "rate_windows",
    required("bucket"),
    at("window_start", nullable=False),
    integer("hits", "hits >= 0"),
    PrimaryKeyConstraint("bucket", "window_start"),
)

legacy_rows = table(
    "legacy_rows",
    uuid("run_id"),
    required("table_name"),
    required("row_key"),
    PrimaryKeyConstraint("run_id", "table_name", "row_key"),
)

signaldock_audit = table(
    "signaldock_audit",
    serial("seq"),
    at("at", nullable=False),
    required("actor"),
    required("action"),
    required("subject_kind"),
    required("subject_id"),
    json_object("details"),
    index("subject_kind", "subject_id", "seq"),
    sqlite_autoincrement=True,
)

signaldock_meta = table(
    "signaldock_meta",
    required("key", primary_key=True),
    required("value"),
)
