"""Agents, what they can do, and the streams they have open."""

from __future__ import annotations

from sqlalchemy import Index, PrimaryKeyConstraint
from sqlalchemy import text as sql

from cleo_core.columns import (
    agent,
    at,
    boolean,
    index,
    integer,
    json_object,
    json_value,
    one_of,
    refers,
    required,
    text,
    uuid,
)
from cleo_signaldock.enums import (
    CLASS,
    INSTALLED_FROM,
    PRESENCE,
    PRIVACY_TIER,
    REAUTH_REASON,
    SKILL_SOURCE,
    STREAM_TRANSPORT,
    TIER,
    TRANSPORT,
    WEBHOOK_STATE,
)
from cleo_signaldock.schema.tables import may_name, of_agent, table

agents = table(
    "agents",
    uuid("id", primary_key=True),
    agent("agent_id", unique=True),
    required("name", "length(name) BETWEEN 1 AND 100"),
    required("description", default=""),
    one_of("class", CLASS, "custom"),
    text("classification"),
    text("avatar"),
    json_object("metadata"),
    one_of("privacy_tier", PRIVACY_TIER, "discoverable"),
    may_name("owner_id", "users"),
    may_name("organization_id", "organization"),
    boolean("is_active", 1),
    one_of("status", PRESENCE, "offline"),
    at("last_seen"),
    at("last_used_at"),
    one_of("transport_type", TRANSPORT, "local"),
    json_object("transport_config"),
    text("api_base_url"),
    text("api_key_encrypted"),
    text("api_key_pending_encrypted"),
    boolean("requires_reauth"),
    one_of("reauth_reason", REAUTH_REASON, nullable=True),
    at("key_rotated_at"),
    text("api_key_hash", unique=True),
    text("api_key_hash_prev", unique=True),
    at("api_key_prev_until"),
    text("endpoint"),
    text("webhook_secret_encrypted"),
    text("webhook_secret_prev_encrypted"),
    one_of("webhook_state", WEBHOOK_STATE, "off"),
    integer("messages_sent", "messages_sent >= 0", default=0),
    integer("messages_received", "messages_received >= 0", default=0),
    integer("conversation_count", "conversation_count >= 0", default=0),
    one_of("tier", TIER, "global"),
    boolean("can_spawn"),
    integer("orch_level", "orch_level BETWEEN 0 AND 2", default=2),
    refers("reports_to", "agents.agent_id", "SET NULL"),
    text("cant_path"),
    text("cant_sha256"),
    one_of("installed_from", INSTALLED_FROM, nullable=True),
    at("installed_at"),
    boolean("sync_enabled"),
    required("origin", default="local"),
    integer("version", "version >= 1", default=1),
    at("created_at", nullable=False),
    at("updated_at", nullable=False),
    Index("uq_agents_agent_id_lower", sql("lower(agent_id)"), unique=True),
    index("owner_id"),
    index("organization_id"),
    index("class"),
    index("privacy_tier"),
    index("transport_type"),
    index("is_active"),
    index("last_used_at"),
    index("tier"),
    index("reports_to"),
    index("agent_id", name="ix_agents_requires_reauth", where="requires_reauth = 1"),
)

capabilities = table(
    "capabilities",
    required("id", primary_key=True),
    required("slug", unique=True),
    required("name"),
    required("description", default=""),
    required("category"),
    at("created_at", nullable=False),
)

skills = table(
    "skills",
    required("id", primary_key=True),
    required("slug", unique=True),
    required("name"),
    required("description", default=""),
    required("category"),
    at("created_at", nullable=False),
)

agent_capabilities = table(
    "agent_capabilities",
    of_agent(),
    refers("capability_id", "capabilities.id", None, nullable=False),
    at("attached_at", nullable=False),
    PrimaryKeyConstraint("agent_id", "capability_id"),
    index("capability_id"),
)

agent_skills = table(
    "agent_skills",
    of_agent(),
    refers("skill_id", "skills.id", None, nullable=False),
    one_of("source", SKILL_SOURCE, "manual"),
    at("attached_at", nullable=False),
    PrimaryKeyConstraint("agent_id", "skill_id"),
    index("skill_id"),
    index("source"),
)

agent_connections = table(
    "agent_connections",
    uuid("id", primary_key=True),
    of_agent(),
    one_of("transport_type", STREAM_TRANSPORT),
    required("connection_id"),
    required("process_id"),
    at("connected_at", nullable=False),
    at("last_heartbeat", nullable=False),
    json_value("connection_metadata", nullable=True),
    at("created_at", nullable=False),
    index("last_heartbeat"),
    Index("uq_agent_connections_agent_id_connection_id", "agent_id", "connection_id", unique=True),
)

__all__ = [
    "agent_capabilities",
    "agent_connections",
    "agent_skills",
    "agents",
    "capabilities",
    "skills",
]
