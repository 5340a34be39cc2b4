"""Making derived data again: counters, search index, focus.

Each function looks again at the rows that it is given and changes only those that are wrong, so
that running it once more changes none.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from cleo_tasks.store import focus, health

_RECOUNTED = (
    "(SELECT count(*), count(*) FILTER "
    "(WHERE d.status IN ('pending', 'active', 'blocked', 'proposed')) "
    "FROM task_dependencies AS e LEFT JOIN tasks AS d ON d.id = e.depends_on "
    "WHERE e.task_id = tasks.id)"
)
RECOUNT = (
    f"UPDATE tasks SET (dependency_count, open_dependency_count) = {_RECOUNTED} "
    "WHERE id IN (SELECT value FROM json_each(:ids)) "
    f"AND (dependency_count, open_dependency_count) IS NOT {_RECOUNTED}"
)
WRONG_ENTRIES = (
    "SELECT w.value AS seq FROM json_each(:rows) AS w LEFT JOIN tasks AS t ON t.seq = w.value "
    "LEFT JOIN tasks_fts_content AS f ON f.id = w.value "
    "WHERE (t.seq IS NULL) <> (f.id IS NULL) "
    f"OR (t.seq IS NOT NULL AND {health.DIFFERENT})"
)
DROP_ENTRIES = "DELETE FROM tasks_fts WHERE rowid IN (SELECT value FROM json_each(:rows))"
MAKE_ENTRIES = (
    "INSERT INTO tasks_fts (rowid, title, description, acceptance, notes) "
    f"SELECT t.seq, {health.TEXTS} FROM tasks AS t "
    "WHERE t.seq IN (SELECT value FROM json_each(:rows))"
)
REBUILD = "INSERT INTO tasks_fts (tasks_fts) VALUES ('rebuild')"


def recount(unit: Any, ids: Sequence[str]) -> int:
    """Count the dependencies of tasks anew; returns how many were wrong."""
    return int(unit.execute(RECOUNT, ids=json.dumps(list(ids))))


def reindex(unit: Any, rows: Sequence[int]) -> int:
    """Make the search entries of tasks anew, by number; returns how many were wrong."""
    found = [row["seq"] for row in unit.read(WRONG_ENTRIES, rows=json.dumps(list(rows)))]
    if found:
        wrong = json.dumps(found)
        unit.execute(DROP_ENTRIES, rows=wrong)
        unit.execute(MAKE_ENTRIES, rows=wrong)
    return len(found)


def rebuild_index(unit: Any) -> None:
    """Make the full-text index anew from the texts that it keeps."""
    unit.execute(REBUILD)


def refocus(unit: Any, sessions: Sequence[str], now: str) -> int:
    """Settle the focus of sessions; returns how many were wrong.

    A session that is over, or whose task is, works on nothing. Of one that goes on, its current
    task is what it works on, and the history follows.
    """
    rows = unit.read(health.FOCUS_OF, ids=json.dumps(list(sessions)))
    for row in rows:
        over = row["status"] not in ("active", "suspended")
        if over or row["current_task_id"] is None or row["task_over"]:
            ended = row["ended_at"] if over else None
            focus.leave(unit, row["id"], max(ended or now, row["set_at"] or ""))
        else:
            since = max(row["task_started_at"] or now, row["set_at"] or "")
            focus.turn_to(unit, row["id"], row["current_task_id"], since)
    return len(rows)
