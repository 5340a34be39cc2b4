"""Warp chains, what runs of them, and what became of each run."""

from __future__ import annotations

from cleo_core.columns import (
    at,
    boolean,
    index,
    integer,
    json_list,
    json_object,
    one_of,
    refers,
    required,
    serial,
    text,
)
from cleo_nexus.enums import EVENT_TYPE, INSTANCE_STATUS, OUTCOME
from cleo_nexus.schema.tables import local_id, project_id, table, task_id

warp_chains = table(
    "warp_chains",
    required(
        "id",
        "id GLOB '[a-z]*' AND id NOT GLOB '*[^a-z0-9._+-]*' AND length(id) <= 128",
        primary_key=True,
    ),
    required("version", "version GLOB '[0-9]*.[0-9]*.[0-9]*' AND version NOT GLOB '*[^0-9.]*'"),
    required("name"),
    text("description"),
    json_object("definition"),
    required("definition_sha256"),
    text("tessera"),
    boolean("validated"),
    required("created_by"),
    at("created_at", nullable=False),
    at("updated_at", nullable=False),
    index("name"),
)

warp_chain_instances = table(
    "warp_chain_instances",
    local_id("wci-"),
    refers("chain_id", "warp_chains.id", "RESTRICT", nullable=False),
    required("chain_version"),
    json_object("definition"),
    project_id("epic_project_id"),
    task_id("epic_id"),
    json_object("variables"),
    json_object("stage_to_task"),
    one_of("status", INSTANCE_STATUS, "pending"),
    json_list("active_stages"),
    required("current_stage"),
    integer("attempt", "attempt >= 1", default=1),
    integer("row_version", "row_version >= 1", default=1),
    required("created_by"),
    at("created_at", nullable=False),
    at("updated_at", nullable=False),
    at("finished_at"),
    index("chain_id"),
    index("epic_project_id", "epic_id"),
    index("status"),
)

warp_instance_events = table(
    "warp_instance_events",
    serial("seq"),
    refers("instance_id", "warp_chain_instances.id", "CASCADE", nullable=False),
    integer("attempt", "attempt >= 1"),
    one_of("type", EVENT_TYPE),
    text("stage_id"),
    text("to_stage_id"),
    text("gate_id"),
    one_of("outcome", OUTCOME, nullable=True),
    boolean("forced"),
    text("reason"),
    text("message"),
    required("actor"),
    at("evaluated_at", nullable=False),
    index("instance_id", "seq"),
    sqlite_autoincrement=True,
)
