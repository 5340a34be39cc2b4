"""Rows of sessions: opening, adopting and resuming them, and changing their columns."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cleo_core import inputs
from cleo_core.database import Backend, Row
from cleo_core.errors import CleoError, UsageError
from cleo_core.output import camel, to_json
from cleo_tasks.errors import TasksError
from cleo_tasks.ids import parse_id
from cleo_tasks.service import scope
from cleo_tasks.service.work import Work
from cleo_tasks.session_records import Session
from cleo_tasks.store import sessions, tasks

#: What a dry run shows in place of an id that would be given.
UNGIVEN = "ses_???"


def start(work: Work, text: str, name: str | None, consume: bool) -> Session:
    """The rules of ``session start`` inside a unit.

    :raises CleoError: as :meth:`~cleo_tasks.service.sessions.SessionVerbs.session_start`.
    """
    kind, task = parse_scope(work, text)
    given = one_line(name, "name", 200)
    implicit = require_room(work, kind, task, work.agent, adopt=True)
    last = sessions.last_of_scope(work, kind, task)
    previous = last["id"] if last else None
    consumed = _take_over(work, kind, task, last) if consume else None
    name_ = given or (work.task(task)["title"] if task else "global")
    if implicit is not None:
        explicit = {"origin": "explicit", "name": name_, "previous_session_id": previous}
        change(work, implicit, explicit)
        work.runs_in(implicit)
        return replace(fresh(work, implicit), created=False, adopted=True, consumed=consumed)
    row = open_session(
        work,
        kind=kind,
        task=task,
        name=name_,
        agent=work.agent,
        previous=previous,
    )
    return replace(opened(work, row), adopted=False, consumed=consumed)


def resume(work: Work, row: Row) -> Session:
    """Make a suspended or orphaned session active again, or start the successor of an ended one.

    :raises TasksError: 30, 32; 33 its scope is gone; 102 it is active.
    """
    if row["status"] == "active":
        raise no_change(row, "is active", fix=f"cleo session show {row['id']}")
    kind, task = row["scope_kind"], row["scope_task_id"]
    if kind != "global" and task is None:
        raise TasksError("E_SCOPE_INVALID", f"The task that {row['id']} was scoped to is gone.")
    require_room(work, kind, task, row["agent_id"])
    if row["status"] == "ended":
        successor = open_session(
            work,
            kind=kind,
            task=task,
            name=row["name"],
            agent=row["agent_id"],
            previous=row["id"],
        )
        return replace(opened(work, successor), successor_of=row["id"])
    again = {"status": "active", "ended_at": None, "suspend_reason": None}
    change(work, row, {**again, "resume_count": row["resume_count"] + 1})
    work.runs_in(row)
    sessions.touch(work, row["id"], work.now)
    return fresh(work, row)


def resumable(work: Work, id_: str | None) -> Row:
    """The session that ``resume`` means: the named one, else the agent's only paused one.

    :raises TasksError: 31 there is none; 36 there are several, or it is another agent's.
    """
    wanted = id_ or work.app.session
    if wanted is not None:
        return scope.own(scope.named(work, wanted), work.agent)
    paused = sessions.paused_of(work, work.agent)
    if not paused:
        raise TasksError(
            "E_SESSION_NOT_FOUND",
            f"{work.agent or 'Nobody'} has no suspended or orphaned session.",
        )
    if len(paused) > 1:
        raise TasksError(
            "E_SESSION_REQUIRED",
            f"Several sessions could be resumed: {', '.join(row['id'] for row in paused[:20])}.",
            fix=f"cleo session resume {paused[0]['id']}",
            details={"sessions": [row["id"] for row in paused]},
        )
    return paused[0]


def parse_scope(db: Backend, text: str) -> tuple[str, str | None]:
    """A scope's kind and task.

    :raises TasksError: ``E_SCOPE_INVALID`` (33).
    """
    kind, colon, id_ = str(text).strip().partition(":")
    kind = kind.lower()
    if kind == "global" and not colon:
        return "global", None
    if kind not in ("epic", "task") or not id_:
        raise TasksError(
            "E_SCOPE_INVALID", f"{str(text)[:80]!r} is no scope: global, epic:ID or task:ID."
        )
    try:
        wanted = parse_id(id_)
    except UsageError as error:
        raise TasksError("E_SCOPE_INVALID", error.message) from None
    row = tasks.row(db, wanted)
    if row is None:
        raise TasksError("E_SCOPE_INVALID", f"There is no task {wanted} to be the scope.")
    right = "epic" if row["type"] == "epic" else "task"
    if kind != right:
        raise TasksError(
            "E_SCOPE_INVALID",
            f"{wanted} is of type {row['type']}; its scope is written {right}:{wanted}.",
            fix=f"--scope {right}:{wanted}",
        )
    if row["status"] == "archived":
        raise TasksError(
            "E_SCOPE_INVALID", f"{wanted} is archived.", fix=f"cleo unarchive {wanted}"
        )
    return kind, wanted


def require_room(
    work: Work, kind: str, task: str | None, agent: str | None, *, adopt: bool = False
) -> Row | None:
    """Whether an agent may have one more active session of this scope.

    :param adopt: an implicit one of the same scope is not in the way; it is returned.
    :raises TasksError: ``E_SESSION_EXISTS`` (30), ``E_SCOPE_OVERLAP`` (32).
    """
    whose = f"Agent {agent}" if agent else "Nobody in particular"
    for row in sessions.active_of(work, agent):
        same = (row["scope_kind"], row["scope_task_id"]) == (kind, task)
        if same and adopt and row["origin"] == "implicit":
            return row
        if same or scope.overlap(work, row, {"scope_kind": kind, "scope_task_id": task}):
            words = sessions.scope_words(row)
            how = "of this scope" if same else f"of scope {words}, which overlaps"
            raise TasksError(
                "E_SESSION_EXISTS" if same else "E_SCOPE_OVERLAP",
                f"{whose} has the active session {row['id']} {how}. Work in it with "
                f"--session {row['id']}, or end it first.",
                fix=f"cleo session end --session {row['id']}",
                details={"session": row["id"], "scope": words},
            )
    return None


def open_session(
    work: Work,
    *,
    kind: str,
    task: str | None,
    name: str,
    agent: str | None,
    origin: str = "explicit",
    previous: str | None = None,
) -> Row:
    """Insert an active session; the caller has checked that there is room for it."""
    if agent is not None:
        work.unit.check("sessions.agent_id", [agent])
    values: dict[str, Any] = {
        "id": _new_id(work),
        "name": name,
        "status": "active",
        "scope_kind": kind,
        "scope_task_id": task,
        "agent_id": agent,
        "origin": origin,
        "current_task_id": None,
        "task_started_at": None,
        "notes": [],
        "next_action": None,
        "handoff": None,
        "handoff_consumed_at": None,
        "handoff_consumed_by": None,
        "previous_session_id": previous,
        "resume_count": 0,
        "suspend_reason": None,
        "started_at": work.now,
        "last_activity_at": work.now,
        "ended_at": None,
        "version": 1,
    }
    sessions.insert(work, values)
    work.note("session", values["id"], None, values, action="session.start")
    work.runs_in(values)
    return values


def open_implicit(work: Work) -> Row:
    """The session of an agent that begins to work without one: global, adopted by a later start."""
    return open_session(
        work, kind="global", task=None, name="implicit", agent=work.agent, origin="implicit"
    )


def change(work: Work, row: Row, values: Mapping[str, Any]) -> None:
    """Change columns of a session; ``row`` is updated in place. Once per unit and session."""
    changed = {name: value for name, value in values.items() if row[name] != value}
    if not changed:
        return
    sessions.update(work, row["id"], changed)
    work.note("session", row["id"], {name: row[name] for name in changed}, changed)
    row.update(changed)
    row["version"] += 1


def consume_handoff(work: Work, row: Row) -> None:
    """Take a handoff over.

    :raises CleoError: ``E_NO_CHANGE`` (102), somebody did before.
    """
    if row["handoff_consumed_at"] is not None:
        raise no_change(
            row,
            f"left a handoff that {row['handoff_consumed_by']} took over at "
            f"{row['handoff_consumed_at']}",
            fix="the same command without --consume",
        )
    change(work, row, {"handoff_consumed_at": work.now, "handoff_consumed_by": work.actor})


def require_version(row: Row, version: int | None) -> None:
    """Refuse an edit that was based on an older row.

    :raises CleoError: ``E_CONCURRENT_MODIFICATION`` (21) with both states.
    """
    if version is not None and row["version"] != version:
        raise CleoError(
            "E_CONCURRENT_MODIFICATION",
            f"{row['id']} is at version {row['version']}, not {version}.",
            fix=f"cleo session show {row['id']}",
            details={
                "expected": version,
                "version": row["version"],
                "current": to_json(sessions.record(row)),
            },
        )


def opened(work: Work, row: Row) -> Session:
    """A session that this unit made; a dry run gives it no id."""
    session = replace(fresh(work, row), created=True)
    return replace(session, id=UNGIVEN) if work.app.dry_run else session


def fresh(work: Work, row: Row) -> Session:
    """A session as it is stored now."""
    return sessions.record(scope.named(work, row["id"]))


def from_json(data: Mapping[str, Any]) -> Session:
    """A Session from its JSON form."""
    names = [name for name in Session.__dataclass_fields__ if name != "OPTIONAL"]
    values: dict[str, Any] = {name: data.get(camel(name)) for name in names}
    return Session(**values)


def no_change(row: Row, how: str, *, fix: str) -> CleoError:
    """The answer (102) where a session is already as it should become."""
    return CleoError("E_NO_CHANGE", f"Session {row['id']} {how}.", fix=fix)


def one_line(value: str | None, field: str, most: int) -> str | None:
    """One line of text, or None.

    :raises ValidationError: it is empty, too long or more than a line.
    """
    return None if value is None else inputs.line(value, field, most, fix=f"--{field} TEXT")


def _take_over(work: Work, kind: str, task: str | None, last: Row | None) -> dict[str, Any] | None:
    """The handoff of a scope's last session; of an earlier one where the last was never ended."""
    if last is None or last["handoff"] is None:
        last = sessions.last_handoff(work, kind, task, consumed=False)
    if last is None:
        work.warn("W_NO_HANDOFF", "No handoff was left for this scope, so none was taken over.")
        return None
    consume_handoff(work, last)
    handoff: dict[str, Any] = last["handoff"]
    return handoff


def _new_id(work: Work) -> str:
    """``ses_20260325143015_1a2b3c``."""
    digits = "".join(char for char in work.now[:19] if char.isdigit())
    while True:
        id_ = f"ses_{digits}_{os.urandom(3).hex()}"
        if sessions.get(work, id_) is None:
            return id_
