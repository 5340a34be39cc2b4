"""Sessions: reading, inserting, changing columns, lists, and what was done in them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cleo_core.database import Backend, Row

if TYPE_CHECKING:
    from cleo_tasks.handoff_records import TaskRef
    from cleo_tasks.session_records import Session, SessionLine

#: Columns that services write, by the record's field name.
COLUMNS = (
    *("id", "name", "status", "scope_kind", "scope_task_id", "agent_id", "origin"),
    *("current_task_id", "task_started_at", "notes", "next_action", "handoff"),
    *("handoff_consumed_at", "handoff_consumed_by", "previous_session_id", "resume_count"),
    *("suspend_reason", "started_at", "last_activity_at", "ended_at", "version"),
)
_JSON_FIELDS = ("notes", "handoff")

#: Tasks of a handoff, a section of a briefing or a list of names, at most.
MOST = 50

BY_ID = "SELECT * FROM sessions WHERE id = :id"
ACTIVE_OF = (
    "SELECT * FROM sessions WHERE status = 'active' AND coalesce(agent_id, '') = :agent "
    "ORDER BY seq"
)
PAUSED_OF = (
    "SELECT * FROM sessions WHERE status IN ('suspended', 'orphaned') "
    "AND coalesce(agent_id, '') = :agent ORDER BY seq DESC"
)
OTHERS = (
    "SELECT *, count(*) OVER () AS total FROM sessions WHERE status = 'active' AND id IS NOT :id "
    "ORDER BY last_activity_at DESC, seq DESC LIMIT :limit"
)
IDLE = "SELECT * FROM sessions WHERE status = 'active' AND last_activity_at < :before ORDER BY seq"
LAST_OF_SCOPE = (
    "SELECT * FROM sessions WHERE status <> 'active' AND scope_kind = :kind "
    "AND scope_task_id IS :task ORDER BY seq DESC LIMIT 1"
)
LAST_HANDOFF = (
    "SELECT * FROM sessions WHERE handoff_json IS NOT NULL AND scope_kind = :kind "
    "AND scope_task_id IS :task AND (handoff_consumed_at IS NULL OR :consumed) "
    "ORDER BY seq DESC LIMIT 1"
)
NEWEST_HANDOFF = "SELECT * FROM sessions WHERE handoff_json IS NOT NULL ORDER BY seq DESC LIMIT 1"
TOUCH = "UPDATE sessions SET last_activity_at = :now WHERE id = :id"
RECORD_TASK = (
    "INSERT INTO session_tasks (session_id, task_id, kind, at) "
    "VALUES (:session, :task, :kind, :at) ON CONFLICT DO NOTHING"
)

_REF = "t.id, t.title, t.status, t.priority, t.severity, t.blocked_reason"
TASKS_OF = (
    f"SELECT {_REF}, count(*) OVER () AS total FROM session_tasks AS s "
    "JOIN tasks AS t ON t.id = s.task_id WHERE s.session_id = :session AND s.kind = :kind "
    "ORDER BY s.at, t.seq LIMIT :limit"
)
LAST_FOCUS = (
    "SELECT task_id FROM task_work_history WHERE session_id = :session ORDER BY id DESC LIMIT 1"
)
REFS = (
    f"SELECT {_REF} FROM json_each(:ids) AS wanted "
    "JOIN tasks AS t ON t.id = wanted.value ORDER BY wanted.key"
)
CLAIMS_OF = (
    f"SELECT {_REF}, count(*) OVER () AS total FROM tasks AS t WHERE t.assignee = :agent "
    "AND t.status IN ('pending', 'active', 'blocked', 'proposed') ORDER BY t.claimed_at, t.seq "
    "LIMIT :limit"
)
_SUBTREE = (
    "WITH RECURSIVE down(id, depth) AS (SELECT :scope, 0 "
    "UNION SELECT t.id, down.depth + 1 FROM down "
    "JOIN tasks AS t ON t.parent_id = down.id WHERE down.depth < 64) "
)
_BLOCKED = "t.status = 'blocked' ORDER BY t.seq LIMIT :limit"
_BUGS = (
    "t.role = 'bug' AND t.status IN ('pending', 'active', 'blocked', 'proposed') "
    "ORDER BY coalesce(t.severity, 'P9'), t.seq LIMIT :limit"
)


def get(db: Backend, id_: str) -> Row | None:
    """One session's columns, JSON decoded under the record's field names, or None."""
    found = db.one(BY_ID, id=id_)
    return None if found is None else decoded(found)


def active_of(db: Backend, agent: str | None) -> list[Row]:
    """The active sessions of an agent; of nobody in particular when it is None."""
    return [decoded(row) for row in db.read(ACTIVE_OF, agent=agent or "")]


def paused_of(db: Backend, agent: str | None) -> list[Row]:
    """The suspended and orphaned sessions of an agent, newest first."""
    return [decoded(row) for row in db.read(PAUSED_OF, agent=agent or "")]


def others(db: Backend, id_: str | None) -> tuple[list[SessionLine], int]:
    """Active sessions but one, the latest activity first, and how many there are."""
    rows = db.read(OTHERS, id=id_, limit=MOST)
    return [line(row) for row in rows], int(rows[0]["total"]) if rows else 0


def idle(db: Backend, before: str) -> list[Row]:
    """Active sessions in which nothing happened since a time."""
    return [decoded(row) for row in db.read(IDLE, before=before)]


def last_of_scope(db: Backend, kind: str, task: str | None) -> Row | None:
    """The last session of a scope that is not active."""
    found = db.one(LAST_OF_SCOPE, kind=kind, task=task)
    return None if found is None else decoded(found)


def last_handoff(db: Backend, kind: str, task: str | None, *, consumed: bool = True) -> Row | None:
    """The last session of a scope that left a handoff.

    :param consumed: False passes over handoffs that somebody took over.
    """
    found = db.one(LAST_HANDOFF, kind=kind, task=task, consumed=int(consumed))
    return None if found is None else decoded(found)


def newest_handoff(db: Backend) -> Row | None:
    """The last session of any scope that left a handoff."""
    found = db.one(NEWEST_HANDOFF)
    return None if found is None else decoded(found)


def listing(
    db: Backend, *, status: Sequence[str], agent: str | None, limit: int, offset: int
) -> tuple[list[SessionLine], int]:
    """A page of sessions, newest first, and the number of all that match."""
    filters = {"status": json.dumps(list(status)) if status else None, "agent": agent}
    given = {name: value for name, value in filters.items() if value is not None}
    page, count = list_statements(given)
    rows = db.read(page, **given, limit=limit, offset=offset)
    return [line(row) for row in rows], int(db.scalar(count, **given))


def list_statements(filters: Iterable[str]) -> tuple[str, str]:
    """The two statements of a list: its page and its total."""
    terms = {
        "status": "status IN (SELECT value FROM json_each(:status))",
        "agent": "agent_id = :agent",
    }
    where = " AND ".join(["true", *(terms[name] for name in filters)])
    return (
        f"SELECT * FROM sessions WHERE {where} ORDER BY seq DESC LIMIT :limit OFFSET :offset",
        f"SELECT count(*) FROM sessions WHERE {where}",
    )


def insert(db: Any, values: Mapping[str, Any]) -> None:
    """Insert one session; keys are the record's field names."""
    db.execute(insert_statement(values), **encoded(values))


def update(db: Any, id_: str, values: Mapping[str, Any]) -> None:
    """Change columns of one session and raise its version."""
    db.execute(update_statement(values), **encoded(values), _id=id_)


def insert_statement(names: Iterable[str]) -> str:
    """The INSERT for these field names."""
    listed = list(names)
    columns = ", ".join(map(_column, listed))
    return f"INSERT INTO sessions ({columns}) VALUES ({', '.join(':' + name for name in listed)})"


def update_statement(names: Iterable[str]) -> str:
    """The UPDATE for these field names."""
    terms = [f"{_column(name)} = :{name}" for name in names]
    return f"UPDATE sessions SET {', '.join(terms)}, version = version + 1 WHERE id = :_id"


def touch(db: Any, id_: str, now: str) -> None:
    """Note that something happened in a session."""
    db.execute(TOUCH, id=id_, now=now)


def record_task(db: Any, session: str, task: str, kind: str, at: str) -> None:
    """Note that a task was ``created`` or ``completed`` in a session."""
    db.execute(RECORD_TASK, session=session, task=task, kind=kind, at=at)


def tasks_of(db: Backend, session: str, kind: str) -> tuple[list[TaskRef], int]:
    """Tasks that were ``created`` or ``completed`` in a session, and how many there are."""
    return _refs(db.read(TASKS_OF, session=session, kind=kind, limit=MOST))


def last_focus(db: Backend, session: str) -> str | None:
    """The task that a session worked on last."""
    found: str | None = db.scalar(LAST_FOCUS, session=session)
    return found


def refs(db: Backend, ids: Sequence[str]) -> list[TaskRef]:
    """Tasks by id, in the order given."""
    return [_ref(row) for row in db.read(REFS, ids=json.dumps(list(ids)))]


def claims_of(db: Backend, agent: str) -> tuple[list[TaskRef], int]:
    """Open tasks that an agent holds, the oldest claim first, and how many there are."""
    return _refs(db.read(CLAIMS_OF, agent=agent, limit=MOST))


def blocked(db: Backend, scope: str | None) -> tuple[list[TaskRef], int]:
    """Blocked tasks with their reasons, below a task or everywhere, and how many there are."""
    rows = db.read(scoped_statement(_BLOCKED, scope), **_scope(scope), limit=MOST)
    return _refs(rows, reason=True)


def bugs(db: Backend, scope: str | None) -> tuple[list[TaskRef], int]:
    """Open bugs by severity, below a task or everywhere, and how many there are."""
    return _refs(db.read(scoped_statement(_BUGS, scope), **_scope(scope), limit=MOST))


def scoped_statement(terms: str, scope: str | None) -> str:
    """A list of tasks with a term, everywhere or among a task and those below it."""
    columns = f"SELECT {_REF}, count(*) OVER () AS total FROM "
    if scope is None:
        return f"{columns} tasks AS t WHERE {terms}"
    members = "(SELECT DISTINCT id FROM down) AS member JOIN tasks AS t ON t.id = member.id"
    return f"{_SUBTREE}{columns} {members} WHERE {terms}"


def statements() -> Iterator[str]:
    """The statements that are put together from parts."""
    yield from list_statements(())
    yield from list_statements(("status", "agent"))
    yield insert_statement(COLUMNS)
    yield update_statement(name for name in COLUMNS if name != "version")
    for terms in (_BLOCKED, _BUGS):
        yield scoped_statement(terms, None)
        yield scoped_statement(terms, "T001")


def record(row: Mapping[str, Any], **more: Any) -> Session:
    """A session as services return it, of a decoded row."""
    from cleo_tasks.session_records import Session

    return Session(**{name: row[name] for name in COLUMNS}, **more)


def line(row: Mapping[str, Any]) -> SessionLine:
    """A session in a list."""
    from cleo_tasks.session_records import SessionLine

    return SessionLine(
        id=row["id"],
        name=row["name"],
        status=row["status"],
        scope=scope_words(row),
        agent_id=row["agent_id"],
        current_task_id=row["current_task_id"],
        started_at=row["started_at"],
        last_activity_at=row["last_activity_at"],
        ended_at=row["ended_at"],
        version=row["version"],
    )


def scope_words(row: Mapping[str, Any]) -> str:
    """A scope as people write it: ``global``, ``epic:T001``; ``?`` for a task that was purged."""
    if row["scope_kind"] == "global":
        return "global"
    return f"{row['scope_kind']}:{row['scope_task_id'] or '?'}"


def encoded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Field values as the columns store them."""
    return {
        name: json.dumps(value, ensure_ascii=False)
        if name in _JSON_FIELDS and value is not None
        else value
        for name, value in values.items()
    }


def decoded(found: Mapping[str, Any]) -> Row:
    """A row's columns under the record's field names."""
    result = dict(found)
    for name in _JSON_FIELDS:
        text = result.pop(name + "_json")
        result[name] = None if text is None else json.loads(text)
    return result


def _column(name: str) -> str:
    return name + "_json" if name in _JSON_FIELDS else name


def _scope(scope: str | None) -> dict[str, str]:
    return {} if scope is None else {"scope": scope}


def _refs(rows: Sequence[Row], *, reason: bool = False) -> tuple[list[TaskRef], int]:
    total = int(rows[0]["total"]) if rows else 0
    return [_ref(row, reason=reason) for row in rows], total


def _ref(row: Row, *, reason: bool = False) -> TaskRef:
    from cleo_tasks.handoff_records import TaskRef

    return TaskRef(
        id=row["id"],
        title=row["title"],
        status=row["status"],
        priority=row["priority"],
        severity=row["severity"],
        reason=row["blocked_reason"] if reason else None,
    )
