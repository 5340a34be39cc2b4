"""Sessions, what was created and completed in them, and which task had the focus when."""

from __future__ import annotations

from sqlalchemy import PrimaryKeyConstraint
from sqlalchemy import text as sql

from cleo_core.columns import (
    at,
    check,
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
from cleo_tasks.enums import SESSION_ORIGIN, SESSION_SCOPE, SESSION_STATUS, SESSION_TASK_KIND
from cleo_tasks.schema.tables import table

sessions = table(
    "sessions",
    serial("seq"),
    identifier(),
    required("name"),
    one_of("status", SESSION_STATUS, "active"),
    one_of("scope_kind", SESSION_SCOPE, "global"),
    refers("scope_task_id", "tasks.id", "SET NULL"),
    text("agent_id"),
    one_of("origin", SESSION_ORIGIN, "explicit"),
    refers("current_task_id", "tasks.id", "SET NULL"),
    at("task_started_at"),
    json_list("notes_json"),
    text("next_action"),
    json_object("handoff_json", nullable=True),
    at("handoff_consumed_at"),
    text("handoff_consumed_by"),
    refers("previous_session_id", "sessions.id", "SET NULL", "previous_session_id <> id"),
    integer("resume_count", default=0),
    text("suspend_reason"),
    at("started_at", nullable=False),
    at("last_activity_at", nullable=False),
    at("ended_at"),
    integer("version", default=1),
    check("scope", "scope_kind <> 'global' OR scope_task_id IS NULL"),
    check("ended", "(status IN ('ended', 'orphaned')) = (ended_at IS NOT NULL)"),
    unique_where(
        "uq_sessions_active",
        [sql("coalesce(agent_id, '')"), "scope_kind", sql("coalesce(scope_task_id, '')")],
        "status = 'active'",
    ),
    index("status"),
    index("agent_id"),
    index("previous_session_id"),
    sqlite_autoincrement=True,
)

session_tasks = table(
    "session_tasks",
    refers("session_id", "sessions.id", "CASCADE"),
    refers("task_id", "tasks.id", "CASCADE"),
    one_of("kind", SESSION_TASK_KIND),
    at("at", nullable=False),
    PrimaryKeyConstraint("session_id", "task_id", "kind"),
    index("task_id"),
    sqlite_with_rowid=False,
)

task_work_history = table(
    "task_work_history",
    serial("id"),
    refers("session_id", "sessions.id", "CASCADE", nullable=False),
    refers("task_id", "tasks.id", "CASCADE", nullable=False),
    at("set_at", nullable=False),
    at("cleared_at"),
    unique_where("uq_task_work_history_open", ["session_id"], "cleared_at IS NULL"),
    index("task_id"),
    sqlite_autoincrement=True,
)
