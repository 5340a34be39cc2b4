"""What health checks ask of the file: each statement gives the rows that are wrong, and no others.

``total`` is their true number where a statement is limited. A task's number is read from its id,
as the CHECK of ``tasks.id`` allows; comparing numbers spares a descent of an index per row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from cleo_core.database import Backend, Database, Row, sqlite_version
from cleo_tasks.store import words

_OPEN = "('pending', 'active', 'blocked', 'proposed')"
_CLOSED = "('done', 'cancelled', 'archived')"
_LIVE = "('active', 'blocked', 'failed')"

#: What the triggers store for the lists, and NULL for what is no JSON.
_ACCEPTANCE = (
    "CASE WHEN t.acceptance_json = '[]' THEN NULL WHEN json_valid(t.acceptance_json) THEN "
    "(SELECT group_concat(value, char(10)) FROM json_each(t.acceptance_json)) END"
)
_NOTES = (
    "CASE WHEN t.notes_json = '[]' THEN NULL WHEN json_valid(t.notes_json) THEN "
    "(SELECT group_concat(atom, char(10)) FROM json_tree(t.notes_json) WHERE key = 'text') END"
)
#: The columns of ``tasks_fts`` as a task ``t`` says them.
TEXTS = f"t.title, t.description, {_ACCEPTANCE}, {_NOTES}"
#: Its entry ``f`` says something else. The table behind ``tasks_fts`` is read itself: going through
#: FTS5 takes four times as long.
DIFFERENT = f"(f.c0, f.c1, f.c2, f.c3) IS NOT ({TEXTS})"
MISINDEXED = (
    "SELECT t.seq, count(*) OVER () AS total FROM tasks AS t "
    "LEFT JOIN tasks_fts_content AS f ON f.id = t.seq "
    f"WHERE f.id IS NULL OR {DIFFERENT} ORDER BY t.seq LIMIT :limit"
)
COUNTS = (
    "SELECT (SELECT count(*) FROM tasks) AS tasks, "
    "(SELECT count(*) FROM tasks_fts_content) AS indexed"
)
SUPERFLUOUS = (
    "SELECT f.id AS seq, count(*) OVER () AS total FROM tasks_fts_content AS f "
    "WHERE NOT EXISTS (SELECT 1 FROM tasks AS t WHERE t.seq = f.id) ORDER BY f.id LIMIT :limit"
)
#: A search makes the connection forget what it remembers of the index. Without one, SQLite's check
#: compares that with what other processes have written since, and sees damage.
SEARCH_FIRST = "SELECT rowid FROM tasks_fts WHERE tasks_fts MATCH 'task' LIMIT 1"
INDEX_CHECK = "SELECT integrity_check AS words FROM pragma_integrity_check('tasks_fts')"
#: The same for an SQLite before 3.44; it writes nothing, but SQLite takes it for a write.
INDEX_CHECK_BEFORE = "INSERT INTO tasks_fts (tasks_fts) VALUES ('integrity-check')"

#: Whether a loop is possible at all. It is not where every dependency leads to a lower number, no
#: task waits for a parent, and parents have lower numbers than their children: along dependencies
#: numbers only fall, along children they only rise, and nothing leads into the tree but its roots.
MAY_LOOP = (
    "SELECT EXISTS (SELECT 1 FROM task_dependencies "
    "WHERE (length(task_id), task_id) <= (length(depends_on), depends_on)) "
    "OR EXISTS (SELECT 1 FROM (SELECT DISTINCT parent_id FROM tasks WHERE parent_id >= '') AS p "
    "JOIN task_dependencies AS e ON e.depends_on = p.parent_id) "
    "OR EXISTS (SELECT 1 FROM tasks WHERE parent_id >= '' "
    "AND CAST(substr(parent_id, 2) AS INTEGER) >= seq)"
)
#: Each task that others depend on, with those others.
HOLDS = (
    "SELECT depends_on, group_concat(task_id, char(31)) FROM task_dependencies GROUP BY depends_on"
)
WAITS = "SELECT task_id, count(*) FROM task_dependencies GROUP BY task_id"
#: Children and their parents; a parent that nothing waits for is in no loop.
CHILDREN = (
    "SELECT c.id, c.parent_id FROM tasks AS c WHERE c.parent_id IN (SELECT p.id FROM "
    "(SELECT DISTINCT parent_id FROM tasks WHERE parent_id >= '') AS one "
    "JOIN tasks AS p ON p.id = one.parent_id WHERE p.parent_id IS NOT NULL "
    "OR EXISTS (SELECT 1 FROM task_dependencies AS e WHERE e.depends_on = p.id))"
)
DEPENDS = (
    "SELECT EXISTS (SELECT 1 FROM task_dependencies WHERE task_id = :task AND depends_on = :target)"
)

CLOSED_PARENTS = (
    "SELECT p.id, p.status, count(*) OVER () AS total FROM (SELECT DISTINCT parent_id FROM tasks "
    f"WHERE parent_id >= '' AND status IN {_OPEN}) AS c JOIN tasks AS p ON p.id = c.parent_id "
    f"WHERE p.status IN {_CLOSED} ORDER BY p.seq LIMIT :limit"
)
STAGES = (
    "SELECT t.id, t.status, t.pipeline_stage, p.status AS pipeline, s.stage_name AS stage, "
    "count(*) OVER () AS total FROM lifecycle_pipelines AS p "
    "CROSS JOIN tasks AS t ON t.id = p.task_id "
    "LEFT JOIN lifecycle_stages AS s ON s.id = p.current_stage_id "
    f"WHERE (t.status IN {_OPEN} AND (p.status = 'cancelled' OR s.stage_name <> t.pipeline_stage "
    f"OR (s.stage_name IS NULL AND p.status IN {_LIVE}))) "
    f"OR (t.status = 'cancelled' AND p.status IN {_LIVE}) ORDER BY t.seq LIMIT :limit"
)
# A suspended session keeps its focus for the day it is resumed.
_FOCUS = (
    "SELECT s.id, s.status, s.current_task_id, s.task_started_at, s.ended_at, h.set_at, "
    f"(t.id IS NULL OR t.status IN {_CLOSED}) AS task_over, count(*) OVER () AS total "
    "FROM sessions AS s "
    "LEFT JOIN task_work_history AS h ON h.session_id = s.id AND h.cleared_at IS NULL "
    "LEFT JOIN tasks AS t ON t.id = s.current_task_id "
    "WHERE (s.current_task_id IS NOT NULL OR h.id IS NOT NULL) "
    "AND (s.status IN ('ended', 'orphaned') OR h.task_id IS NOT s.current_task_id "
    f"OR t.id IS NULL OR t.status IN {_CLOSED})"
)
FOCUS = f"{_FOCUS} ORDER BY s.seq LIMIT :limit"
FOCUS_OF = f"{_FOCUS} AND s.id IN (SELECT value FROM json_each(:ids))"
OPEN_AND_CLOSED = (
    f"SELECT (SELECT count(*) FROM tasks WHERE status IN {_OPEN}) AS open, "
    f"(SELECT count(*) FROM tasks WHERE status IN {_CLOSED}) AS closed"
)
SESSIONS = "SELECT count(*) FROM sessions"
TASKS = "SELECT count(*) FROM tasks"

STALE_INSTANCES = (
    "SELECT id, count(*) OVER () AS total FROM agent_instances "
    f"WHERE {words.SILENT} ORDER BY seq LIMIT :limit"
)
REGISTRY = "SELECT name, entity_type, namespace, description, is_terminal FROM status_registry"
KEYS = "SELECT key, value FROM schema_meta WHERE key IN ('schema_version', 'audit_prune_below')"
#: A time before which the log has rows, but as few as possible.
EARLY = (
    "SELECT timestamp FROM audit_log WHERE timestamp > (SELECT min(timestamp) FROM audit_log) "
    "ORDER BY timestamp LIMIT 1"
)
REVISIONS = "SELECT version_num FROM alembic_version_tasks"
CACHED_AGENTS = "SELECT agent_id FROM agent_credentials ORDER BY agent_id"

#: The words of a check that found nothing.
_FINE = "ok"


def wrong(db: Backend, statement: str, *, limit: int, **params: Any) -> tuple[list[Row], int]:
    """Rows of one of the limited statements above, and how many there are in all.

    :param limit: -1 for all of them.
    """
    rows = db.read(statement, limit=limit, **params)
    return rows, int(rows[0]["total"]) if rows else 0


def miscounted(db: Backend, *, limit: int) -> tuple[list[Row], int]:
    """Tasks whose dependency counters are wrong, and how many there are in all."""
    numbers = db.one(OPEN_AND_CLOSED)
    assert numbers is not None
    known = "open" if numbers["open"] <= numbers["closed"] else "closed"
    return wrong(db, miscounted_statement(known), limit=limit)


def miscounted_statement(known: str) -> str:
    """The statement of :func:`miscounted`.

    Asking for each target's number in a set that was made once takes a fifth of the time that
    reading the targets would.

    :param known: the smaller set, ``open`` or ``closed``.
    """
    statuses, is_open = (_OPEN, "IN") if known == "open" else (_CLOSED, "NOT IN")
    return (
        f"WITH known AS MATERIALIZED (SELECT seq FROM tasks WHERE status IN {statuses}) "
        "SELECT t.id, count(*) OVER () AS total FROM tasks AS t "
        "WHERE (t.dependency_count, t.open_dependency_count) IS NOT (SELECT count(*), count(*) "
        f"FILTER (WHERE CAST(substr(e.depends_on, 2) AS INTEGER) {is_open} (SELECT seq FROM known))"
        " FROM task_dependencies AS e WHERE e.task_id = t.id) ORDER BY t.seq LIMIT :limit"
    )


def count(db: Backend, statement: str) -> int:
    """:data:`TASKS` or :data:`SESSIONS`: how many there are."""
    return int(db.scalar(statement))


def superfluous(db: Backend, *, limit: int, every_task_indexed: bool) -> tuple[list[Row], int]:
    """Entries of the search index that no task has.

    :param every_task_indexed: then their number says whether there are any.
    """
    counts = db.one(COUNTS)
    assert counts is not None
    if every_task_indexed and counts["indexed"] == counts["tasks"]:
        return [], 0
    return wrong(db, SUPERFLUOUS, limit=limit)


def checks_index_reading() -> bool:
    """Whether this SQLite checks a full-text index without a write transaction."""
    return sqlite_version() >= (3, 44)


def index_fault(db: Database) -> str | None:
    """What is wrong between the full-text index and the texts that it keeps, or None.

    :raises CleoError: ``E_STORE_CORRUPT``, so much is wrong that the index cannot be read.
    """
    with db.snapshot():
        db.read(SEARCH_FIRST)
        for row in db.read(INDEX_CHECK):
            if row["words"] != _FINE:
                return str(row["words"])
    return None


def check_index_in(unit: Any) -> None:
    """The same in a write unit that is going to be rolled back; damage raises."""
    unit.execute(INDEX_CHECK_BEFORE)


def may_loop(db: Backend) -> bool:
    """False where the numbers alone show that no tasks wait for each other."""
    return bool(db.scalar(MAY_LOOP))


def waiting(db: Database) -> tuple[dict[str, int], dict[str, str], dict[str, str]]:
    """The waiting graph for :func:`cleo_tasks.service.network.has_loop`."""
    return (
        dict(cast("Iterator[tuple[str, int]]", db.iterate(WAITS))),
        dict(cast("Iterator[tuple[str, str]]", db.iterate(HOLDS))),
        dict(cast("Iterator[tuple[str, str]]", db.iterate(CHILDREN))),
    )


def depends(db: Backend, task: str, target: str) -> bool:
    """Whether a task depends on another by an edge of its own."""
    return bool(db.scalar(DEPENDS, task=task, target=target))


def registry(db: Backend) -> set[tuple[str, str, str, str, bool]]:
    """The rows of ``status_registry`` as the enums declare them."""
    return {
        (
            row["name"],
            row["entity_type"],
            row["namespace"],
            row["description"],
            bool(row["is_terminal"]),
        )
        for row in db.read(REGISTRY)
    }


def keys(db: Backend) -> dict[str, str]:
    """``schema_version``, and ``audit_prune_below`` where it was left."""
    return {row["key"]: row["value"] for row in db.read(KEYS)}


def early(db: Backend) -> str | None:
    """The second oldest time in the audit log, or None."""
    found: str | None = db.scalar(EARLY)
    return found


def revisions(db: Backend) -> list[str]:
    """What the version table says."""
    return [row["version_num"] for row in db.read(REVISIONS)]


def cached_agents(db: Backend) -> list[str]:
    """The agents whose credentials are cached; no key is read."""
    return [row["agent_id"] for row in db.read(CACHED_AGENTS)]


def statements() -> Iterator[str]:
    """The statements that are put together from parts."""
    yield from map(miscounted_statement, ("open", "closed"))
