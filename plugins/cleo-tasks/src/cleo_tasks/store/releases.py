"""Releases, their steps and their tasks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cleo_core.database import Backend, Row

#: Columns that change after a release was begun.
COLUMNS = (
    *("status", "pipeline_id", "epic_id", "changelog", "notes", "previous_version", "commit_sha"),
    *("git_tag", "dist_tag", "prepared_at", "committed_at", "tagged_at", "pushed_at"),
    *("rolled_back_at", "rollback_reason"),
)

INSERT = (
    "INSERT INTO release_manifests (id, version, created_at) VALUES (:id, :version, :created_at)"
)
INSERT_STEPS = (
    "INSERT INTO release_steps (release_id, step) SELECT :id, value FROM json_each(:steps)"
)
INSERT_TASKS = (
    "INSERT INTO release_tasks (release_id, task_id) SELECT :id, value FROM json_each(:tasks)"
)
SET_STEP = (
    "UPDATE release_steps SET status = :status, attempt = :attempt, started_at = :started_at, "
    "finished_at = :finished_at, detail_json = :detail WHERE release_id = :id AND step = :step"
)
BY_ID = "SELECT * FROM release_manifests WHERE id = :id"
LIVE = "SELECT * FROM release_manifests WHERE version = :version AND status <> 'rolled_back'"
NEWEST = "SELECT * FROM release_manifests WHERE version = :version ORDER BY seq DESC LIMIT 1"
COUNT_OF = "SELECT count(*) FROM release_manifests WHERE version = :version"
KEY = "SELECT 1 FROM idempotency_keys WHERE actor = '' AND verb = :verb AND key = :key"
#: The last one whose tasks are settled.
PREVIOUS = (
    "SELECT * FROM release_manifests WHERE status IN ('prepared', 'committed', 'tagged', 'pushed') "
    "ORDER BY seq DESC LIMIT 1"
)
STEPS_OF = (
    "SELECT step, status, attempt, started_at, finished_at, detail_json FROM release_steps "
    "WHERE release_id = :id ORDER BY CASE step WHEN 'prepare' THEN 1 WHEN 'bump' THEN 2 "
    "WHEN 'changelog' THEN 3 WHEN 'commit' THEN 4 WHEN 'tag' THEN 5 ELSE 6 END"
)
TASKS_OF = (
    "SELECT r.task_id FROM release_tasks AS r JOIN tasks AS t ON t.id = r.task_id "
    "WHERE r.release_id = :id ORDER BY t.seq"
)
IN_LIVE = (
    "SELECT r.task_id, m.id, m.version FROM release_tasks AS r "
    "JOIN release_manifests AS m ON m.id = r.release_id AND m.status <> 'rolled_back' "
    "JOIN tasks AS t ON t.id = r.task_id "
    "WHERE r.task_id IN (SELECT value FROM json_each(:tasks)) ORDER BY t.seq"
)
#: What a changelog and the gates ask of tasks.
CANDIDATES = (
    "SELECT id, seq, title, type, role, parent_id, status, archived_from FROM tasks "
    "WHERE id IN (SELECT value FROM json_each(:tasks)) ORDER BY seq"
)

_DONE = (
    "(t.status = 'done' OR (t.status = 'archived' AND t.archived_from = 'done' "
    "AND t.archive_reason NOT IN ('deleted', 'duplicate', 'transferred')))"
)
_FREE = (
    "NOT EXISTS (SELECT 1 FROM release_tasks AS r JOIN release_manifests AS m "
    "ON m.id = r.release_id AND m.status <> 'rolled_back' WHERE r.task_id = t.id)"
)
DONE = f"SELECT t.id FROM tasks AS t WHERE {_DONE} AND {_FREE} ORDER BY t.seq"
DONE_SINCE = (
    f"SELECT t.id FROM tasks AS t WHERE {_DONE} AND {_FREE} AND t.completed_at >= :since "
    "ORDER BY t.seq"
)
DONE_BELOW = (
    "WITH RECURSIVE down(id, depth) AS (SELECT id, 0 FROM tasks WHERE id = :epic "
    "UNION SELECT c.id, down.depth + 1 FROM down "
    "JOIN tasks AS c ON c.parent_id = down.id WHERE down.depth < 64) "
    f"SELECT DISTINCT t.id, t.seq FROM down JOIN tasks AS t ON t.id = down.id "
    f"WHERE t.id <> :epic AND {_DONE} AND {_FREE} ORDER BY t.seq"
)


def begin(db: Any, id_: str, version: str, steps: Sequence[str], now: str) -> None:
    """Insert a draft with its steps, all pending."""
    db.execute(INSERT, id=id_, version=version, created_at=now)
    db.execute(INSERT_STEPS, id=id_, steps=json.dumps(list(steps)))


def update(db: Any, id_: str, row_version: int, values: Mapping[str, Any]) -> bool:
    """Set columns of a release that is still at a version, which is raised.

    :returns: False, the row has moved on (or is gone).
    """
    return bool(db.execute(update_statement(values), **values, _id=id_, _row_version=row_version))


def update_statement(names: Iterable[str]) -> str:
    """The UPDATE of some of :data:`COLUMNS`."""
    columns = "".join(f"{name} = :{name}, " for name in names)
    return (
        f"UPDATE release_manifests SET {columns}row_version = row_version + 1 "
        "WHERE id = :_id AND row_version = :_row_version"
    )


def set_step(db: Any, id_: str, step: Mapping[str, Any]) -> None:
    """Write one step as it is now; ``detail`` is an object."""
    # File names need not be UTF-8; as ASCII the escapes of their odd bytes are JSON all the same.
    values = {**step, "detail": json.dumps(step["detail"])}
    db.execute(SET_STEP, id=id_, **values)


def add_tasks(db: Any, id_: str, ids: Sequence[str]) -> None:
    """Put tasks into a release."""
    db.execute(INSERT_TASKS, id=id_, tasks=json.dumps(list(ids)))


def get(db: Backend, id_: str) -> Row | None:
    """A release's columns by id, or None."""
    return db.one(BY_ID, id=id_)


def live(db: Backend, version: str) -> Row | None:
    """The one release of a version that was not rolled back, or None."""
    return db.one(LIVE, version=version)


def newest(db: Backend, version: str) -> Row | None:
    """The latest release of a version, rolled back or not, or None."""
    return db.one(NEWEST, version=version)


def count_of(db: Backend, version: str) -> int:
    """How many releases a version has had."""
    return int(db.scalar(COUNT_OF, version=version))


def previous(db: Backend) -> Row | None:
    """The last release that was prepared and not rolled back, or None."""
    return db.one(PREVIOUS)


def steps_of(db: Backend, id_: str) -> list[Row]:
    """A release's steps in their order, ``detail`` decoded."""
    rows = db.read(STEPS_OF, id=id_)
    for row in rows:
        row["detail"] = json.loads(row.pop("detail_json"))
    return rows


def tasks_of(db: Backend, id_: str) -> list[str]:
    """The ids of a release's tasks in order."""
    return [row["task_id"] for row in db.read(TASKS_OF, id=id_)]


def in_live(db: Backend, ids: Sequence[str]) -> list[Row]:
    """Those of the tasks that a live release has: ``{task_id, id, version}`` of that release."""
    return db.read(IN_LIVE, tasks=json.dumps(list(ids)))


def candidates(db: Backend, ids: Sequence[str]) -> list[Row]:
    """What :data:`CANDIDATES` asks of tasks, in order; those that do not exist are left out."""
    return db.read(CANDIDATES, tasks=json.dumps(list(ids)))


def done(db: Backend, since: str | None = None) -> list[str]:
    """The done tasks that no live release has, by default all of them.

    :param since: only those that were completed at that time or later.
    """
    rows = db.read(DONE) if since is None else db.read(DONE_SINCE, since=since)
    return [row["id"] for row in rows]


def done_below(db: Backend, epic: str) -> list[str]:
    """The done tasks below an epic that no live release has."""
    return [row["id"] for row in db.read(DONE_BELOW, epic=epic)]


def listing(db: Backend, status: str | None, *, limit: int, offset: int) -> tuple[list[Row], int]:
    """A page of releases with ``task_count``, newest first, and the number of all that match."""
    page, count = list_statements(status is not None)
    params = {} if status is None else {"status": status}
    return db.read(page, **params, limit=limit, offset=offset), int(db.scalar(count, **params))


def list_statements(by_status: bool) -> tuple[str, str]:
    """The two statements of a list: its page and its total."""
    where = " WHERE m.status = :status" if by_status else ""
    return (
        "SELECT m.*, (SELECT count(*) FROM release_tasks AS r WHERE r.release_id = m.id) "
        f"AS task_count FROM release_manifests AS m{where} "
        "ORDER BY m.seq DESC LIMIT :limit OFFSET :offset",
        f"SELECT count(*) FROM release_manifests AS m{where}",
    )


def statements() -> Iterator[str]:
    """The statements that are put together from parts."""
    yield from list_statements(False)
    yield from list_statements(True)
    yield update_statement(COLUMNS)
    yield update_statement(())
