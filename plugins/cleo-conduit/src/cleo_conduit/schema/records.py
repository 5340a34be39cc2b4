"""What is kept about the store's use: idempotency keys, cursors, audit, the store's own keys."""

from __future__ import annotations

from sqlalchemy import PrimaryKeyConstraint

from cleo_conduit.schema.tables import metadata, table
from cleo_core.columns import agent, at, idempotency_table, integer, json_object, required, serial

idempotency_keys = idempotency_table(metadata, sqlite_with_rowid=False)

remote_cursors = table(
    "remote_cursors",
    agent("agent_id"),
    required("base_url"),
    integer("last_seq", default=0),
    at("updated_at", nullable=False),
    PrimaryKeyConstraint("agent_id", "base_url"),
    sqlite_with_rowid=False,
)

conduit_audit = table(
    "conduit_audit",
    serial("seq"),
    at("at", nullable=False),
    required("actor"),
    required("action"),
    required("subject_kind"),
    required("subject_id"),
    json_object("details"),
)

conduit_meta = table(
    "conduit_meta",
    required("key", primary_key=True),
    required("value"),
    sqlite_with_rowid=False,
)
