"""Tasks and what hangs on them: labels, phases, dependencies, relations, verification."""

from __future__ import annotations

from sqlalchemy import Column, Computed, Integer, PrimaryKeyConstraint

from cleo_core.columns import (
    at,
    boolean,
    check,
    identifier,
    index,
    integer,
    json_list,
    json_object,
    one_of,
    quoted,
    refers,
    required,
    serial,
    slug,
    text,
    unique_where,
)
from cleo_tasks.enums import (
    ARCHIVE_REASON,
    ARCHIVED_FROM,
    GATE_RESULT,
    GATES,
    OPEN_STATUS,
    ORIGIN,
    PHASE_STATUS,
    PIPELINE_STAGE,
    RELATION_TYPE,
    SEVERITY,
    SIZE,
    TASK_PRIORITY,
    TASK_ROLE,
    TASK_SCOPE,
    TASK_STATUS,
    TASK_TYPE,
)
from cleo_tasks.schema.tables import table

OPEN = quoted(word for word in TASK_STATUS if word in OPEN_STATUS)
READY = "status = 'pending' AND open_dependency_count = 0 AND assignee IS NULL AND type <> 'epic'"
_RANGE = ("priority", "has_dependencies", "created_week", "seq")
_BLANKS = "char(9, 10, 13, 32)"

tasks = table(
    "tasks",
    # Not AUTOINCREMENT: the number comes from schema_meta.task_sequence.
    serial("seq"),
    identifier("id = printf('T%03d', seq)"),
    required(
        "title",
        f"length(title) BETWEEN 1 AND 200 AND title = trim(title, {_BLANKS})"
        " AND instr(title, char(10)) = 0 AND instr(title, char(13)) = 0",
    ),
    text("description"),
    one_of("status", TASK_STATUS, "pending"),
    one_of("priority", TASK_PRIORITY, "medium"),
    one_of("type", TASK_TYPE, "task"),
    one_of("role", TASK_ROLE, "work"),
    one_of("scope", TASK_SCOPE, "feature"),
    one_of("severity", SEVERITY, nullable=True),
    one_of("size", SIZE, nullable=True),
    refers("parent_id", "tasks.id", "RESTRICT", "parent_id <> id"),
    refers("phase", "phases.slug", "RESTRICT", on_update="CASCADE"),
    integer("position", default=0),
    json_list("acceptance_json"),
    json_list("notes_json"),
    json_list("files_json"),
    json_object("metadata_json"),
    text("blocked_reason"),
    boolean("no_auto_complete"),
    text("assignee"),
    at("claimed_at"),
    one_of("pipeline_stage", PIPELINE_STAGE, "implementation"),
    integer("verification_round", default=1),
    refers("session_id", "sessions.id", "SET NULL", cyclic=True),
    one_of("origin", ORIGIN, "native"),
    text("created_by"),
    text("modified_by"),
    at("created_at", nullable=False),
    at("updated_at", nullable=False),
    at("started_at"),
    at("completed_at"),
    at("cancelled_at"),
    at("archived_at"),
    text("cancellation_reason"),
    one_of("archive_reason", ARCHIVE_REASON, nullable=True),
    one_of("archived_from", ARCHIVED_FROM, nullable=True),
    integer("dependency_count", default=0),
    integer("open_dependency_count", default=0),
    Column(
        "has_dependencies",
        Integer,
        Computed("dependency_count > 0", persisted=False),
        info={"kind": "generated"},
    ),
    Column(
        "created_week",
        Integer,
        Computed("CAST(strftime('%s', created_at) AS INTEGER) / 604800", persisted=False),
        info={"kind": "generated"},
    ),
    integer("version", default=1),
    check("claim", "(assignee IS NULL) = (claimed_at IS NULL)"),
    check("counters", "open_dependency_count BETWEEN 0 AND dependency_count"),
    check(
        "done",
        "status <> 'done' OR (pipeline_stage = 'contribution' AND completed_at IS NOT NULL)",
    ),
    check(
        "cancelled",
        "status <> 'cancelled' OR (pipeline_stage = 'cancelled' AND cancelled_at IS NOT NULL)",
    ),
    check(
        "open",
        f"status NOT IN ({OPEN}) OR pipeline_stage NOT IN ('contribution', 'cancelled')",
    ),
    check(
        "archived",
        "(status = 'archived') = (archived_at IS NOT NULL)"
        " AND (status = 'archived') = (archive_reason IS NOT NULL)"
        " AND (status = 'archived') = (archived_from IS NOT NULL)",
    ),
    index("parent_id", "status", "position"),
    index("status", "seq"),
    index("type", "status"),
    index("phase", "status", where="phase IS NOT NULL"),
    index("title"),
    index("assignee", "status", where="assignee IS NOT NULL"),
    index("session_id", where="session_id IS NOT NULL"),
    index(*_RANGE, name="ix_tasks_ready", where=READY),
    index("phase", *_RANGE, name="ix_tasks_ready_phase", where=f"{READY} AND phase IS NOT NULL"),
)

task_labels = table(
    "task_labels",
    required(
        "label",
        "length(label) <= 64 AND label GLOB '[a-z0-9]*' AND label NOT GLOB '*[^a-z0-9._:/-]*'",
    ),
    refers("task_id", "tasks.id", "CASCADE"),
    PrimaryKeyConstraint("label", "task_id"),
    index("task_id"),
    sqlite_with_rowid=False,
)

phases = table(
    "phases",
    required("slug", slug("slug"), primary_key=True),
    required("name"),
    integer("position", unique=True),
    one_of("status", PHASE_STATUS, "pending"),
    at("started_at"),
    at("completed_at"),
    unique_where("uq_phases_active", ["status"], "status = 'active'"),
    sqlite_with_rowid=False,
)

task_dependencies = table(
    "task_dependencies",
    refers("task_id", "tasks.id", "CASCADE"),
    refers("depends_on", "tasks.id", "CASCADE"),
    at("created_at", nullable=False),
    text("created_by"),
    PrimaryKeyConstraint("task_id", "depends_on"),
    check("unequal", "task_id <> depends_on"),
    index("depends_on", "task_id"),
    sqlite_with_rowid=False,
)

task_relations = table(
    "task_relations",
    refers("task_id", "tasks.id", "CASCADE"),
    refers("related_to", "tasks.id", "CASCADE"),
    one_of("relation_type", RELATION_TYPE, "related"),
    text("reason"),
    at("created_at", nullable=False),
    PrimaryKeyConstraint("task_id", "related_to", "relation_type"),
    check("unequal", "task_id <> related_to"),
    index("related_to"),
    sqlite_with_rowid=False,
)

task_gate_results = table(
    "task_gate_results",
    serial("id"),
    refers("task_id", "tasks.id", "CASCADE", nullable=False),
    one_of("gate", GATES),
    one_of("result", GATE_RESULT),
    integer("round"),
    text("agent_id"),
    json_list("evidence_json"),
    text("reason"),
    at("checked_at", nullable=False),
    check("reasoned", "result = 'pass' OR reason IS NOT NULL"),
    index("task_id", "gate", "id"),
    sqlite_autoincrement=True,
)
