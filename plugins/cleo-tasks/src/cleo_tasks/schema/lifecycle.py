"""Pipelines of a task or epic, their ten stages, and the record of every move."""

from __future__ import annotations

from sqlalchemy import UniqueConstraint

from cleo_core.columns import (
    at,
    check,
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
from cleo_tasks.enums import (
    EVIDENCE_TYPE,
    GATE_RESULT,
    PIPELINE_STATUS,
    STAGE_STATUS,
    STAGES,
    TRANSITION_TYPE,
)
from cleo_tasks.schema.tables import table

lifecycle_pipelines = table(
    "lifecycle_pipelines",
    required("id", "id = 'pl_' || task_id", primary_key=True),
    refers("task_id", "tasks.id", "CASCADE", nullable=False, unique=True),
    one_of("status", PIPELINE_STATUS, "active"),
    # Deferred, so that a pipeline and its first stage can be written in either order.
    refers(
        "current_stage_id",
        "lifecycle_stages.id",
        None,
        "substr(current_stage_id, 1, length(id) + 1) = id || '/'",
        deferred=True,
        cyclic=True,
    ),
    at("started_at", nullable=False),
    at("updated_at", nullable=False),
    at("completed_at"),
    integer("version", default=1),
    index("status"),
)

lifecycle_stages = table(
    "lifecycle_stages",
    required("id", "id = pipeline_id || '/' || stage_name", primary_key=True),
    refers("pipeline_id", "lifecycle_pipelines.id", "CASCADE", nullable=False),
    one_of("stage_name", STAGES),
    one_of("status", STAGE_STATUS, "not_started"),
    integer("sequence", "sequence BETWEEN 1 AND 10"),
    integer("attempt", default=1),
    at("started_at"),
    at("completed_at"),
    at("blocked_at"),
    at("skipped_at"),
    text("block_reason"),
    text("skip_reason"),
    json_list("notes_json"),
    json_object("metadata_json"),
    text("output_file"),
    text("created_by"),
    check("skipped", "status <> 'skipped' OR skip_reason IS NOT NULL"),
    UniqueConstraint("pipeline_id", "stage_name"),
    UniqueConstraint("pipeline_id", "sequence"),
    index("stage_name", "status"),
)

lifecycle_gate_results = table(
    "lifecycle_gate_results",
    serial("id"),
    refers("stage_id", "lifecycle_stages.id", "CASCADE", nullable=False),
    required("gate_name"),
    one_of("result", GATE_RESULT),
    integer("attempt"),
    at("checked_at", nullable=False),
    required("checked_by"),
    text("details"),
    text("reason"),
    check("reasoned", "result = 'pass' OR reason IS NOT NULL"),
    index("stage_id", "gate_name", "id"),
    sqlite_autoincrement=True,
)

lifecycle_evidence = table(
    "lifecycle_evidence",
    serial("id"),
    refers("stage_id", "lifecycle_stages.id", "CASCADE", nullable=False),
    refers("gate_result_id", "lifecycle_gate_results.id", "CASCADE", to_integer=True),
    required("uri"),
    one_of("type", EVIDENCE_TYPE),
    text("sha256"),
    text("description"),
    text("recorded_by"),
    at("recorded_at", nullable=False),
    index("stage_id"),
    index("gate_result_id"),
    sqlite_autoincrement=True,
)

lifecycle_transitions = table(
    "lifecycle_transitions",
    serial("id"),
    refers("pipeline_id", "lifecycle_pipelines.id", "CASCADE", nullable=False),
    refers("from_stage_id", "lifecycle_stages.id", "CASCADE"),
    refers("to_stage_id", "lifecycle_stages.id", "CASCADE", nullable=False),
    one_of("transition_type", TRANSITION_TYPE, "automatic"),
    text("transitioned_by"),
    text("session_id"),
    text("reason"),
    at("created_at", nullable=False),
    check("unequal", "from_stage_id <> to_stage_id"),
    check("reasoned", "transition_type <> 'forced' OR reason IS NOT NULL"),
    index("pipeline_id", "id"),
    sqlite_autoincrement=True,
)
