"""Which session a command runs in, and which tasks lie in a session's scope."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cleo_core.database import Backend, Row
from cleo_tasks.errors import TasksError
from cleo_tasks.store import sessions

if TYPE_CHECKING:
    from cleo_core.app import App


def named(db: Backend, id_: str) -> Row:
    """A session that was named.

    :raises TasksError: ``E_SESSION_NOT_FOUND`` (31).
    """
    found = sessions.get(db, id_) if id_.isprintable() else None
    if found is None:
        raise TasksError("E_SESSION_NOT_FOUND", f"There is no session {id_[:80]!r}.")
    return found


def own(session: Row, agent: str | None) -> Row:
    """The session, if the caller may act in it; one without agent id may act in any.

    :raises TasksError: ``E_SESSION_REQUIRED`` (36), it is another agent's.
    """
    if agent is None or session["agent_id"] in (None, agent):
        return session
    raise TasksError(
        "E_SESSION_REQUIRED",
        f"Session {session['id']} belongs to {session['agent_id']}.",
        fix=f"cleo session start --agent {agent}",
        details={"session": session["id"], "agent": session["agent_id"]},
    )


def chosen(db: Backend, active: Sequence[Row], task: str | None) -> Row | None:
    """Of an agent's active sessions the one for work on a task; None where several are possible.

    :param task: the task at hand. The narrowest session around it is taken; without a task, or
        with one outside of them all, there is a choice only if there is one session.
    """
    around = [one for one in active if task is not None and contains(db, one, task)]
    if not around:
        return active[0] if len(active) == 1 else None
    ranked = sorted(((_depth(db, one), one) for one in around), key=lambda pair: -pair[0])
    if len(ranked) > 1 and ranked[0][0] == ranked[1][0]:
        return None
    return ranked[0][1]


def of_caller(app: App, db: Backend, task: str | None = None) -> Row | None:
    """The session of a command that only reads; None where there is none or no choice.

    :raises TasksError: ``E_SESSION_NOT_FOUND`` (31), the named one does not exist.
    """
    if app.session is not None:
        return named(db, app.session)
    return chosen(db, sessions.active_of(db, app.agent), task)


def required(app: App, db: Backend) -> Row:
    """The one session of a command that only reads.

    :raises TasksError: 31; ``E_SESSION_REQUIRED`` (36), there is none or there are several.
    """
    found = of_caller(app, db)
    if found is None:
        active = sessions.active_of(db, app.agent)
        raise ambiguous(active) if active else missing(app.agent)
    return found


def contains(db: Backend, session: Row, task: str) -> bool:
    """Whether a task lies in a session's scope: the scope's task or below it."""
    if session["scope_kind"] == "global":
        return True
    scope = session["scope_task_id"]
    if scope is None:
        return False
    from cleo_tasks.store import tasks

    return any(one["id"] == scope for one in db.read(tasks.ANCESTORS, id=task))


def root(session: Row) -> str | None:
    """The task that a scope consists of with all below it; None for everything."""
    if session["scope_kind"] == "global":
        return None
    # The task of a narrow scope may have been purged; then nothing lies in it.
    return str(session["scope_task_id"] or "")


def overlap(db: Backend, one: Row, other: Row) -> bool:
    """Whether some task could lie in both scopes."""
    if "global" in (one["scope_kind"], other["scope_kind"]):
        return True
    first, second = one["scope_task_id"], other["scope_task_id"]
    if first is None or second is None:
        return False
    return contains(db, one, second) or contains(db, other, first)


def missing(agent: str | None) -> TasksError:
    """The refusal of a command that needs a session where none is active."""
    whose = f"Agent {agent} has" if agent else "There is"
    return TasksError("E_SESSION_REQUIRED", f"{whose} no active session.", details={"sessions": []})


def ambiguous(active: Sequence[Row]) -> TasksError:
    """The refusal of a command that needs one session where several are possible."""
    listed = ", ".join(f"{one['id']} ({sessions.scope_words(one)})" for one in active)
    return TasksError(
        "E_SESSION_REQUIRED",
        f"Several sessions are active; name one: {listed}.",
        fix=f"the same command with --session {active[0]['id']}",
        details={"sessions": [one["id"] for one in active]},
    )


def not_active(session: Row) -> TasksError:
    """The refusal of work in a session that is suspended, orphaned or ended."""
    return TasksError(
        "E_SESSION_REQUIRED",
        f"Session {session['id']} is {session['status']}.",
        fix=f"cleo session resume {session['id']}",
        details={"sessions": [session["id"]]},
    )


def _depth(db: Backend, session: Row) -> int:
    if session["scope_kind"] == "global":
        return 0
    from cleo_tasks.store import tasks

    return len(db.read(tasks.ANCESTORS, id=session["scope_task_id"]))
