"""What SQLAlchemy cannot declare: the full-text table and the triggers, in order of creation."""

from __future__ import annotations

from cleo_tasks.schema.tasks import OPEN

_ACCEPTANCE = "(SELECT group_concat(value, char(10)) FROM json_each(new.acceptance_json))"
_NOTES = "(SELECT group_concat(atom, char(10)) FROM json_tree(new.notes_json) WHERE key = 'text')"

_FULL_TEXT = (
    """\
CREATE VIRTUAL TABLE tasks_fts USING fts5(
    title, description, acceptance, notes,
    tokenize = 'porter unicode61 remove_diacritics 2'
)""",
    f"""\
CREATE TRIGGER tasks_fts_insert AFTER INSERT ON tasks
BEGIN
    INSERT INTO tasks_fts (rowid, title, description, acceptance, notes) VALUES (
        new.seq, new.title, new.description,
        {_ACCEPTANCE},
        {_NOTES}
    );
END""",
    f"""\
CREATE TRIGGER tasks_fts_update
AFTER UPDATE OF title, description, acceptance_json, notes_json ON tasks
BEGIN
    UPDATE tasks_fts SET
        title = new.title,
        description = new.description,
        acceptance = {_ACCEPTANCE},
        notes = {_NOTES}
    WHERE rowid = new.seq;
END""",
    """\
CREATE TRIGGER tasks_fts_delete AFTER DELETE ON tasks
BEGIN
    DELETE FROM tasks_fts WHERE rowid = old.seq;
END""",
)

# The counters are counted anew instead of moved by one: a purge deletes edges whose other end is
# already gone, and INSERT OR REPLACE deletes a row without its DELETE trigger.
_RECOUNT = f"""\
    UPDATE tasks SET (dependency_count, open_dependency_count) = (
        SELECT count(*), count(*) FILTER (WHERE target.status IN ({OPEN}))
        FROM task_dependencies AS edge LEFT JOIN tasks AS target ON target.id = edge.depends_on
        WHERE edge.task_id = tasks.id
    )"""

_COUNTERS = (
    f"""\
CREATE TRIGGER task_dependencies_count_insert AFTER INSERT ON task_dependencies
BEGIN
{_RECOUNT}
    WHERE id = new.task_id;
END""",
    f"""\
CREATE TRIGGER task_dependencies_count_update
AFTER UPDATE OF task_id, depends_on ON task_dependencies
BEGIN
{_RECOUNT}
    WHERE id IN (old.task_id, new.task_id);
END""",
    f"""\
CREATE TRIGGER task_dependencies_count_delete AFTER DELETE ON task_dependencies
BEGIN
{_RECOUNT}
    WHERE id = old.task_id;
END""",
    f"""\
CREATE TRIGGER tasks_status_count AFTER UPDATE OF status ON tasks
WHEN (old.status IN ({OPEN}))
    <> (new.status IN ({OPEN}))
BEGIN
{_RECOUNT}
    WHERE id IN (SELECT task_id FROM task_dependencies WHERE depends_on = new.id);
END""",
)

_HANDOFF = """\
CREATE TRIGGER sessions_handoff_once BEFORE UPDATE OF handoff_json ON sessions
WHEN old.handoff_json IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'sessions.handoff_json is written once');
END"""


def _append_only(table: str, kept_while: str) -> tuple[str, ...]:
    """Refuse UPDATE, an INSERT OR REPLACE over a row, and DELETE while ``kept_while`` holds."""
    return tuple(
        f"""\
CREATE TRIGGER {table}_no_{verb} BEFORE {event}
BEGIN
    SELECT RAISE(ABORT, '{table} is append-only');
END"""
        for verb, event in (
            ("update", f"UPDATE ON {table}"),
            (
                "replace",
                f"INSERT ON {table}\nWHEN EXISTS (SELECT 1 FROM {table} WHERE id = new.id)",
            ),
            ("delete", f"DELETE ON {table}\nWHEN {kept_while}"),
        )
    )


def _parent_exists(table: str, column: str) -> str:
    return f"EXISTS (SELECT 1 FROM {table} WHERE id = old.{column})"


_NOT_PRUNED = """\
NOT EXISTS (
    SELECT 1 FROM schema_meta
    WHERE key = 'audit_prune_below' AND CAST(value AS INTEGER) > old.id
)"""

_REGISTRY = tuple(
    f"""\
CREATE TRIGGER status_registry_no_{verb.lower()} BEFORE {verb} ON status_registry
BEGIN
    SELECT RAISE(ABORT, 'status_registry is changed by migrations only');
END"""
    for verb in ("INSERT", "UPDATE", "DELETE")
)

extra_ddl: tuple[str, ...] = (
    *_FULL_TEXT,
    *_COUNTERS,
    _HANDOFF,
    *_append_only("task_gate_results", _parent_exists("tasks", "task_id")),
    *_append_only("lifecycle_gate_results", _parent_exists("lifecycle_stages", "stage_id")),
    *_append_only("lifecycle_evidence", _parent_exists("lifecycle_stages", "stage_id")),
    *_append_only("lifecycle_transitions", _parent_exists("lifecycle_pipelines", "pipeline_id")),
    *_append_only("audit_log", _NOT_PRUNED),
    *_REGISTRY,
)
