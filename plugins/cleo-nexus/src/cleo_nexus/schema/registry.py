"""The projects of this machine, their former names, and the edges between their tasks."""

from __future__ import annotations

from sqlalchemy import UniqueConstraint

from cleo_core.columns import (
    at,
    check,
    index,
    integer,
    json_list,
    one_of,
    refers,
    required,
    serial,
    text,
)
from cleo_nexus.enums import ALIAS_KIND, HEALTH, PERMISSION
from cleo_nexus.schema.tables import project_hash, project_id, table, task_id

project_registry = table(
    "project_registry",
    project_id("project_id", primary_key=True),
    required(
        "slug",
        "slug GLOB '[a-z0-9]*' AND slug NOT GLOB '*[^a-z0-9_-]*' AND length(slug) <= 63",
        unique=True,
    ),
    required("name", "length(name) BETWEEN 1 AND 100"),
    required("project_path", unique=True),
    project_hash("project_hash", unique=True),
    one_of("permissions", PERMISSION, "read"),
    one_of("health_status", HEALTH, "unknown"),
    at("health_last_check"),
    integer("task_count", "task_count >= 0", default=0),
    json_list("labels_json"),
    at("registered_at", nullable=False),
    at("last_seen", nullable=False),
    at("last_sync"),
    index("health_status"),
)

project_id_aliases = table(
    "project_id_aliases",
    required("legacy_id", primary_key=True),
    one_of("kind", ALIAS_KIND),
    refers("canonical_id", "project_registry.project_id", "CASCADE", nullable=False),
    at("created_at", nullable=False),
    index("canonical_id"),
    sqlite_with_rowid=False,
)

cross_project_dependencies = table(
    "cross_project_dependencies",
    serial("seq"),
    project_id("source_project_id"),
    task_id("source_task_id"),
    project_id("target_project_id"),
    task_id("target_task_id"),
    text("note"),
    required("created_by"),
    at("created_at", nullable=False),
    UniqueConstraint("source_project_id", "source_task_id", "target_project_id", "target_task_id"),
    check("ends", "source_project_id <> target_project_id"),
    index("target_project_id", "target_task_id"),
    sqlite_autoincrement=True,
)
