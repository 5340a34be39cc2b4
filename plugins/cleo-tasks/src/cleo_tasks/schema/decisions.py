"""Manifests, architecture decisions and releases."""

from __future__ import annotations

from sqlalchemy import PrimaryKeyConstraint

from cleo_core.columns import (
    at,
    check,
    day,
    identifier,
    index,
    integer,
    json_list,
    json_object,
    one_of,
    refers,
    required,
    serial,
    text,
    unique_where,
)
from cleo_tasks.enums import (
    ADR_GATE,
    ADR_GATE_STATUS,
    ADR_LINK_SOURCE,
    ADR_LINK_TYPE,
    ADR_RELATION_TYPE,
    ADR_STATUS,
    MANIFEST_ENTRY_STATUS,
    MANIFEST_STATUS,
    MANIFEST_TYPE,
    RELEASE_STATUS,
    RELEASE_STEP,
    RELEASE_STEP_STATUS,
)
from cleo_tasks.schema.tables import table

manifest_entries = table(
    "manifest_entries",
    serial("seq"),
    identifier(),
    refers("pipeline_id", "lifecycle_pipelines.id", "CASCADE"),
    refers("stage_id", "lifecycle_stages.id", "CASCADE"),
    required("title"),
    day("date", nullable=False),
    one_of("status", MANIFEST_ENTRY_STATUS),
    text("agent_type"),
    text("output_file"),
    text("created_by"),
    json_list("topics_json"),
    json_list("findings_json"),
    at("created_at", nullable=False),
    index("pipeline_id"),
    index("stage_id"),
    index("status"),
    sqlite_autoincrement=True,
)

manifest_entry_tasks = table(
    "manifest_entry_tasks",
    refers("entry_id", "manifest_entries.id", "CASCADE"),
    refers("task_id", "tasks.id", "CASCADE"),
    PrimaryKeyConstraint("entry_id", "task_id"),
    index("task_id"),
    sqlite_with_rowid=False,
)

pipeline_manifest = table(
    "pipeline_manifest",
    serial("seq"),
    identifier(),
    refers("session_id", "sessions.id", "SET NULL"),
    refers("task_id", "tasks.id", "SET NULL"),
    refers("epic_id", "tasks.id", "SET NULL"),
    one_of("type", MANIFEST_TYPE),
    required("title"),
    required("content"),
    required("content_hash"),
    one_of("status", MANIFEST_STATUS, "active"),
    text("brain_obs_id"),
    text("source_file"),
    json_object("metadata_json"),
    at("created_at", nullable=False),
    at("archived_at"),
    unique_where(
        "uq_pipeline_manifest_content", ["content_hash", "task_id"], "task_id IS NOT NULL"
    ),
    index("task_id"),
    index("session_id"),
    index("status"),
    sqlite_autoincrement=True,
)

architecture_decisions = table(
    "architecture_decisions",
    required("id", "id = printf('ADR-%03d', number)", primary_key=True),
    integer("number", unique=True),
    required("title"),
    required("content"),
    required("content_hash"),
    one_of("status", ADR_STATUS, "proposed"),
    day("date"),
    day("accepted_at"),
    refers("consensus_manifest_id", "manifest_entries.id", "SET NULL"),
    one_of("gate", ADR_GATE, nullable=True),
    one_of("gate_status", ADR_GATE_STATUS, nullable=True),
    text("file_path", unique=True),
    text("summary"),
    json_list("keywords_json"),
    json_list("topics_json"),
    at("created_at", nullable=False),
    at("updated_at", nullable=False),
    at("removed_at"),
    index("status"),
)

adr_task_links = table(
    "adr_task_links",
    refers("adr_id", "architecture_decisions.id", "CASCADE"),
    refers("task_id", "tasks.id", "CASCADE"),
    one_of("link_type", ADR_LINK_TYPE, "related"),
    one_of("source", ADR_LINK_SOURCE, "manual"),
    at("created_at", nullable=False),
    PrimaryKeyConstraint("adr_id", "task_id", "link_type"),
    index("task_id"),
    sqlite_with_rowid=False,
)

adr_relations = table(
    "adr_relations",
    refers("from_adr_id", "architecture_decisions.id", "CASCADE"),
    refers("to_adr_id", "architecture_decisions.id", "CASCADE"),
    one_of("relation_type", ADR_RELATION_TYPE),
    one_of("source", ADR_LINK_SOURCE, "manual"),
    PrimaryKeyConstraint("from_adr_id", "to_adr_id", "relation_type"),
    check("unequal", "from_adr_id <> to_adr_id"),
    index("to_adr_id"),
    sqlite_with_rowid=False,
)

release_manifests = table(
    "release_manifests",
    serial("seq"),
    identifier(),
    required("version", "version GLOB 'v[0-9]*'"),
    one_of("status", RELEASE_STATUS, "draft"),
    refers("pipeline_id", "lifecycle_pipelines.id", "SET NULL"),
    refers("epic_id", "tasks.id", "SET NULL"),
    text("changelog"),
    text("notes"),
    text("previous_version"),
    text("commit_sha"),
    text("git_tag"),
    text("dist_tag"),
    at("created_at", nullable=False),
    at("prepared_at"),
    at("committed_at"),
    at("tagged_at"),
    at("pushed_at"),
    at("rolled_back_at"),
    text("rollback_reason"),
    integer("row_version", default=1),
    unique_where("uq_release_manifests_version", ["version"], "status <> 'rolled_back'"),
    index("status"),
    sqlite_autoincrement=True,
)

release_tasks = table(
    "release_tasks",
    refers("release_id", "release_manifests.id", "CASCADE"),
    refers("task_id", "tasks.id", "RESTRICT"),
    PrimaryKeyConstraint("release_id", "task_id"),
    index("task_id"),
    sqlite_with_rowid=False,
)

release_steps = table(
    "release_steps",
    refers("release_id", "release_manifests.id", "CASCADE"),
    one_of("step", RELEASE_STEP),
    one_of("status", RELEASE_STEP_STATUS, "pending"),
    integer("attempt", default=0),
    at("started_at"),
    at("finished_at"),
    json_object("detail_json"),
    PrimaryKeyConstraint("release_id", "step"),
    sqlite_with_rowid=False,
)
