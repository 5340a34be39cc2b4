"""Who works on what: claiming tasks, giving them back, beginning and stopping work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.database import Row
from cleo_core.errors import UsageError, ValidationError
from cleo_tasks.enums import OPEN_STATUS
from cleo_tasks.errors import TasksError
from cleo_tasks.ids import parse_id
from cleo_tasks.records import Task
from cleo_tasks.service import holding, scope, transitions
from cleo_tasks.service.fields import name_filter
from cleo_tasks.service.liveness import stale_times
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.service.work import Work
from cleo_tasks.session_records import Session
from cleo_tasks.store import claims, focus, sessions, tasks


@record
class ClaimResult(Declared):
    """A task that the agent holds now.

    ``changed``: it did not before; ``started``: it became active just now; ``session``: the one
    that works on it, where it was asked to start.
    """

    task: Task
    changed: bool
    started: bool
    session: Session | None = None

    OPTIONAL: ClassVar[tuple[str, ...]] = ("session",)


@record
class ReleaseResult(Declared):
    """The tasks that nobody holds any more."""

    released: list[holding.Released]


@record
class WorkResult(Declared):
    """A task and the session that works, or worked, on it."""

    task: Task
    session: Session
    changed: bool


@record
class Current(Declared):
    """What a session works on, and since when."""

    task: Task
    session: Session
    since: str


class ClaimVerbs(Verbs):
    """``claim``, ``unclaim``, ``start``, ``stop``, ``current``."""

    def claim(
        self,
        id: str | None = None,
        *,
        next: bool = False,
        start: bool = False,
        resume: bool = False,
        labels: Sequence[str] = (),
        phase: str | None = None,
        type: str | None = None,
        role: str | None = None,
        priority: str | int | None = None,
        if_version: int | None = None,
    ) -> ClaimResult:
        """Take a task, so that no other agent does.

        :param next: the best ready task that matches the filters, in place of an id. Callers at
            the same time get different ones.
        :param start: begin to work on it too.
        :param resume: first whatever the agent holds already and can go on with.
        :raises CleoError: 2 no agent; 4; 34; 35 another agent holds it; 6 it is closed; 100 nothing
            is ready; with ``start`` also 5 and 36.
        """
        filters = _filters(labels=labels, phase=phase, type=type, role=role, priority=priority)
        _one_of({"an id": id is not None, "--next": next}, fix="cleo claim --next")
        if id is not None and (resume or filters):
            raise UsageError(
                "--resume and filters go with --next, not with an id.", fix="cleo claim --next"
            )
        if next and if_version is not None:
            raise UsageError("--if-version goes with an id.", fix="cleo claim ID --if-version N")
        agent = self.app.require_agent()
        wanted = None if id is None else parse_id(id)

        def body(work: Work) -> ClaimResult:
            chosen = wanted
            if chosen is None and resume:
                chosen = claims.resumable(work, agent)
            if chosen is None:
                chosen = _next_for(work, filters)
            row = work.task(chosen)
            work.require_version(row, if_version)
            if start:
                begun = holding.begin(work, row)
                session = replace(begun.session, created=begun.session_created)
                return ClaimResult(work.record(chosen), begun.claimed, begun.moved, session)
            work.enter(chosen, needed=False)
            changed = holding.take(work, row, agent)
            return ClaimResult(work.record(chosen), changed, False)

        return self.write("task.claim", body)

    def unclaim(
        self,
        id: str | None = None,
        *,
        stale: bool = False,
        held_by: str | None = None,
        force: bool = False,
        reason: str | None = None,
        if_version: int | None = None,
    ) -> ReleaseResult:
        """Give claims back; the status of the tasks stays.

        :param stale: all old claims of agents without active session or live instance.
        :param held_by: all claims of one agent.
        :param force: although another agent holds it; needs a reason, and is recorded.
        :raises CleoError: 2; 4; 6 the task is closed; 35 another agent holds it; 102 nobody does.
        """
        _one_of(
            {"an id": id is not None, "--stale": stale, "--held-by": held_by is not None},
            fix="cleo unclaim ID",
        )
        if id is None and (force or if_version is not None):
            raise UsageError("--force and --if-version go with an id.", fix="cleo unclaim ID")
        if held_by is not None:
            name_filter(held_by, "held-by")
        why = _reason(reason)
        if force and why is None:
            raise UsageError(
                "--force needs a --reason.", fix="cleo unclaim ID --force --reason TEXT"
            )
        wanted = None if id is None else parse_id(id)

        def body(work: Work) -> ReleaseResult:
            if wanted is None:
                rows = [work.task(one) for one in _many(work, held_by)]
            else:
                work.active_session(wanted)
                row = work.task(wanted)
                work.require_version(row, if_version)
                _may_release(row, work.agent, force=force)
                rows = [row]
            forced = force and rows[0]["assignee"] != work.agent
            done = [holding.release(work, row, forced=forced, reason=why) for row in rows]
            holding.say_what_stays_active(work, rows)
            return ReleaseResult(done)

        return self.write("task.unclaim", body)

    def start(self, id: str, *, if_version: int | None = None) -> WorkResult:
        """Begin to work on a task: claim it, make it active and turn the session to it.

        Without a session the agent gets an implicit global one; ``session.created`` tells.

        :raises CleoError: 4; 5 it waits for others; 6 it is closed; 34; 35 another agent holds it;
            36 several sessions are possible.
        """
        wanted = parse_id(id)

        def body(work: Work) -> WorkResult:
            row = work.task(wanted)
            work.require_version(row, if_version)
            begun = holding.begin(work, row)
            session = replace(begun.session, created=begun.session_created)
            return WorkResult(work.record(wanted), session, begun.changed)

        return self.write("task.start", body)

    def stop(self, *, release: bool = False, if_version: int | None = None) -> WorkResult:
        """Stop working on the session's current task.

        :param release: give the claim back too; an active task becomes pending.
        :raises CleoError: 35 another agent holds it; 36 several sessions are possible; 100 the
            session works on nothing.
        """
        release_ = release

        def body(work: Work) -> WorkResult:
            session = work.session_needed()
            if session is None or session["current_task_id"] is None:
                raise nothing_current(session)
            row = work.task(session["current_task_id"])
            work.require_version(row, if_version)
            focus.leave(work, session["id"], work.now)
            sessions.touch(work, session["id"], work.now)
            if release_:
                _stop_and_release(work, row)
            after = scope.named(work, session["id"])
            return WorkResult(work.record(row["id"]), sessions.record(after), True)

        return self.write("task.stop", body)

    def current(self) -> Current:
        """What the caller's session works on.

        :raises CleoError: 31; 36 several sessions are possible; 100 it works on nothing.
        """
        db = self.db
        with db.snapshot():
            session = scope.of_caller(self.app, db)
            if session is None:
                active = sessions.active_of(db, self.app.agent)
                raise scope.ambiguous(active) if active else nothing_current(None)
            if session["current_task_id"] is None:
                raise nothing_current(session)
            task = tasks.get(db, session["current_task_id"])
            if task is None:
                raise nothing_current(session)
            return Current(task, sessions.record(session), session["task_started_at"])


def nothing_current(session: Row | None) -> TasksError:
    """The answer of a session that works on nothing."""
    if session is None:
        return TasksError("E_NO_CURRENT", "No session is active, so no task is being worked on.")
    return TasksError("E_NO_CURRENT", f"Session {session['id']} works on no task.")


def _next_for(work: Work, filters: dict[str, Any]) -> str:
    from cleo_tasks.service.readiness import candidates

    found = candidates(work, 1, filters=filters, session_scope=work.active_session())
    if not found:
        raise TasksError(
            "E_NOTHING_READY",
            "No task is ready that matches the filters." if filters else "No task is ready.",
        )
    return found[0].id


def _filters(**given: Any) -> dict[str, Any]:
    found = {name: value for name, value in given.items() if value is not None and value != ()}
    if not found:
        return {}
    from cleo_tasks.service.readiness import ready_filters

    return ready_filters(**found)


def _one_of(given: dict[str, bool], *, fix: str) -> None:
    if sum(given.values()) != 1:
        raise UsageError(f"Give exactly one of {', '.join(given)}.", fix=fix)


def _reason(reason: str | None) -> str | None:
    if reason is None:
        return None
    from cleo_tasks.service import fields

    return fields.reason(reason)


def _many(work: Work, held_by: str | None) -> list[str]:
    if held_by is None:
        return claims.stale(work, **stale_times(work.app))
    found = claims.held_by(work, held_by) if held_by.isprintable() else []
    if not found:
        raise TasksError(
            "E_NO_CHANGE",
            f"Agent {held_by[:80]!r} holds no open task.",
            fix="cleo list --assignee ID",
        )
    return found


def _may_release(row: Row, agent: str | None, *, force: bool) -> None:
    if row["assignee"] is None:
        raise TasksError("E_NO_CHANGE", f"Nobody holds {row['id']}.", fix=f"cleo claim {row['id']}")
    if row["status"] not in OPEN_STATUS:
        raise ValidationError(
            f"{row['id']} is {row['status']}; who held it is kept as history.",
            fix=f"cleo reopen {row['id']}",
        )
    if row["assignee"] != agent and not force:
        error = holding.held(row)
        error.fix = f"cleo unclaim {row['id']} --force --reason TEXT"
        raise error


def _stop_and_release(work: Work, row: Row) -> None:
    if row["assignee"] not in (None, work.agent):
        raise holding.held(row)
    if row["status"] == "active":
        transitions.move(work, row, "pending", verb="stop", assignee=None, claimed_at=None)
    elif row["assignee"] is not None:
        holding.release(work, row)
