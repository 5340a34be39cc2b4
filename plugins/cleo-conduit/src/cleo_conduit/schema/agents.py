"""Which agents the project sees, and which files they have reserved."""

from __future__ import annotations

from cleo_conduit.enums import LEASE_MODE, LEASE_NAMESPACE, LEASE_RELEASE
from cleo_conduit.schema.tables import table
from cleo_core.columns import (
    agent,
    at,
    boolean,
    index,
    integer,
    json_object,
    one_of,
    required,
    text,
    uuid,
)

project_agent_refs = table(
    "project_agent_refs",
    agent("agent_id", primary_key=True),
    at("attached_at", nullable=False),
    text("attached_by"),
    text("role"),
    json_object("capabilities_override", nullable=True),
    at("last_used_at"),
    boolean("enabled", 1),
    at("detached_at"),
    text("token_hash"),
    at("updated_at", nullable=False),
    index("enabled", where="enabled = 1"),
)

leases = table(
    "leases",
    uuid("id", primary_key=True),
    agent("agent_id"),
    required("pattern"),
    one_of("namespace", LEASE_NAMESPACE),
    one_of("mode", LEASE_MODE),
    text("reason"),
    text("task_id"),
    integer("fence", unique=True),
    at("acquired_at", nullable=False),
    at("renewed_at", nullable=False),
    at("expires_at", nullable=False),
    at("released_at"),
    one_of("release_kind", LEASE_RELEASE, nullable=True),
    text("broken_by"),
    index("namespace", "expires_at", where="released_at IS NULL"),
)
