"""The audit log, token accounting, external links, instances, caches and the store's own keys."""

from __future__ import annotations

from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint

from cleo_core.columns import (
    at,
    boolean,
    idempotency_table,
    identifier,
    index,
    integer,
    json_list,
    json_object,
    one_of,
    real,
    refers,
    required,
    serial,
    slug,
    text,
    unique_where,
)
from cleo_tasks.enums import (
    AGENT_TYPE,
    AUDIT_ENTITY_KIND,
    AUDIT_SOURCE,
    ERROR_KIND,
    INSTANCE_STATUS,
    LINK_TYPE,
    PRIVACY_TIER,
    REGISTRY_ENTITY,
    REGISTRY_NAMESPACE,
    SYNC_DIRECTION,
    TOKEN_CONFIDENCE,
    TOKEN_METHOD,
    TOKEN_TRANSPORT,
)
from cleo_tasks.schema.tables import metadata, table

audit_log = table(
    "audit_log",
    serial("id"),
    at("timestamp", nullable=False),
    required("action"),
    one_of("entity_kind", AUDIT_ENTITY_KIND),
    required("entity_id"),
    # No foreign key: the log outlives the task.
    text("task_id"),
    required("actor"),
    text("session_id"),
    required("request_id"),
    one_of("source", AUDIT_SOURCE),
    boolean("forced"),
    text("reason"),
    json_object("details_json"),
    json_object("before_json", nullable=True),
    json_object("after_json", nullable=True),
    index("task_id", "id"),
    index("action", "id"),
    index("actor", "id"),
    index("session_id", "id"),
    index("request_id"),
    index("timestamp"),
    sqlite_autoincrement=True,
)

token_usage = table(
    "token_usage",
    serial("id"),
    at("created_at", nullable=False),
    required("provider", default="unknown"),
    text("model"),
    one_of("transport", TOKEN_TRANSPORT, "unknown"),
    text("operation"),
    refers("session_id", "sessions.id", "SET NULL"),
    refers("task_id", "tasks.id", "SET NULL"),
    text("agent_id"),
    text("request_id"),
    *(
        integer(name, f"{name} >= 0", default=0)
        for name in (
            "input_chars",
            "output_chars",
            "input_tokens",
            "output_tokens",
            "total_tokens",
        )
    ),
    one_of("method", TOKEN_METHOD, "heuristic"),
    one_of("confidence", TOKEN_CONFIDENCE, "coarse"),
    text("request_hash"),
    text("response_hash"),
    json_object("metadata_json"),
    unique_where("uq_token_usage_request_id", ["request_id"], "request_id IS NOT NULL"),
    index("created_at"),
    index("session_id"),
    index("task_id"),
    index("operation"),
    index("provider", "model"),
    index("method"),
    sqlite_autoincrement=True,
)

external_task_links = table(
    "external_task_links",
    serial("id"),
    refers("task_id", "tasks.id", "CASCADE", nullable=False),
    required("provider_id", slug("provider_id")),
    required("external_id"),
    text("external_url"),
    text("external_title"),
    one_of("link_type", LINK_TYPE),
    one_of("sync_direction", SYNC_DIRECTION, "inbound"),
    at("external_updated_at"),
    text("content_hash"),
    json_object("metadata_json"),
    at("linked_at", nullable=False),
    at("last_sync_at"),
    UniqueConstraint("task_id", "provider_id", "external_id"),
    unique_where(
        "uq_external_task_links_external",
        ["provider_id", "external_id"],
        "link_type <> 'transferred'",
    ),
    sqlite_autoincrement=True,
)

status_registry = table(
    "status_registry",
    required("name"),
    one_of("entity_type", REGISTRY_ENTITY),
    one_of("namespace", REGISTRY_NAMESPACE),
    required("description"),
    boolean("is_terminal"),
    PrimaryKeyConstraint("name", "entity_type"),
    index("entity_type"),
    index("namespace"),
    sqlite_with_rowid=False,
)

agent_instances = table(
    "agent_instances",
    serial("seq"),
    identifier(),
    text("agent_id"),
    one_of("agent_type", AGENT_TYPE),
    one_of("status", INSTANCE_STATUS, "starting"),
    refers("session_id", "sessions.id", "SET NULL"),
    refers("task_id", "tasks.id", "SET NULL"),
    refers("parent_instance_id", "agent_instances.id", "SET NULL"),
    text("host"),
    integer("pid", nullable=True),
    at("started_at", nullable=False),
    at("last_heartbeat_at", nullable=False),
    at("stopped_at"),
    integer("error_count", default=0),
    integer("total_tasks_completed", default=0),
    text("last_error"),
    one_of("last_error_kind", ERROR_KIND, nullable=True),
    real("capacity", "capacity BETWEEN 0 AND 1", default=1.0),
    json_object("metadata_json"),
    index("status", "last_heartbeat_at"),
    index("agent_id"),
    index("session_id"),
    index("task_id"),
    index("parent_instance_id"),
    sqlite_autoincrement=True,
)

agent_credentials = table(
    "agent_credentials",
    required("agent_id", primary_key=True),
    required("display_name"),
    required("api_key_encrypted"),
    text("api_base_url"),
    text("classification"),
    one_of("privacy_tier", PRIVACY_TIER, "discoverable"),
    json_list("capabilities_json"),
    json_list("skills_json"),
    json_object("transport_config_json"),
    boolean("is_active", default=1),
    at("last_used_at"),
    at("source_updated_at", nullable=False),
    at("created_at", nullable=False),
    at("updated_at", nullable=False),
    index("is_active", "last_used_at"),
)

idempotency_keys = idempotency_table(metadata)

schema_meta = table(
    "schema_meta",
    required("key", primary_key=True),
    required("value"),
    sqlite_with_rowid=False,
)
