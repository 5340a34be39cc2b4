"""The session that a verb runs in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cleo_core.database import Row
from cleo_core.units import Unit
from cleo_tasks.errors import TasksError
from cleo_tasks.service import scope
from cleo_tasks.store import sessions

if TYPE_CHECKING:
    from cleo_core.app import App


class InSession:
    """A unit that knows in which session it works, and whether it may."""

    def __init__(self, unit: Unit, app: App) -> None:
        self.unit = unit
        self.app = app
        self.agent = unit.agent
        self.read = unit.read
        self.one = unit.one
        self.scalar = unit.scalar
        self._sessions: list[Row] | None = None
        self._session: str | None = None
        self._settled = False

    def setting(self, name: str) -> Any:
        """A configuration value under ``tasks.``."""
        return self.app.config.get("tasks." + name)

    def warn(self, code: str, message: str) -> None:
        """Add a warning to the verb's result."""
        self.unit.warn(code, message)

    def session_for(self, task: str | None = None) -> Row | None:
        """The session that this command runs in, for work on a task.

        ``--session``, else the environment's, else the agent's active one; of several, the
        narrowest whose scope contains the task.

        :returns: None where the agent has none, or several are possible.
        :raises TasksError: ``E_SESSION_NOT_FOUND`` (31), the named one does not exist;
            ``E_SESSION_REQUIRED`` (36), it is another agent's.
        """
        self._settled = True
        if self.app.session is not None:
            found: Row | None = scope.own(scope.named(self, self.app.session), self.agent)
        else:
            if self._sessions is None:
                self._sessions = sessions.active_of(self, self.agent)
            found = scope.chosen(self, self._sessions, task)
        if found is not None:
            self.runs_in(found)
        return found

    def session_needed(self, task: str | None = None) -> Row | None:
        """As :meth:`session_for`, for verbs that cannot do with several.

        :returns: an active session; None where the agent has none.
        :raises TasksError: 31; ``E_SESSION_REQUIRED`` (36), several are possible, or the named one
            is not active.
        """
        found = self.session_for(task)
        if found is None and self._sessions:
            raise scope.ambiguous(self._sessions)
        if found is not None and found["status"] != "active":
            raise scope.not_active(found)
        return found

    def active_session(self, task: str | None = None) -> Row | None:
        """As :meth:`session_for`; one that is not active counts as none, with a warning.

        :raises TasksError: 31; 36, it is another agent's.
        """
        found = self.session_for(task)
        if found is None or found["status"] == "active":
            return found
        self.warn(
            "W_SESSION_NOT_ACTIVE",
            f"Session {found['id']} is {found['status']}; this was done outside of any session.",
        )
        return None

    def runs_in(self, session: Row) -> None:
        """From now on the command runs in this session: the audit names it."""
        self._settled = True
        self._session = session["id"] if session["status"] == "active" else None

    def outside_sessions(self) -> None:
        """What is done is no agent's work: whatever session is named has no part in it."""
        self._settled = True

    def in_scope(self, session: Row, task: str) -> bool:
        """Whether a task lies in a session's scope: the scope's task or below it."""
        return scope.contains(self, session, task)

    def enter(
        self, task: str | None, *, scope_of: str | None = None, needed: bool = True
    ) -> Row | None:
        """Apply ``tasks.session.enforce`` to a verb that works on a task.

        :param task: the task at hand, or None (a new root task).
        :param scope_of: the task whose place decides, when it is not the task itself.
        :param needed: False for a verb that may run outside any session.
        :returns: the session, an active one, or None.
        :raises TasksError: ``E_SESSION_REQUIRED`` (36), ``E_OUT_OF_SCOPE`` (34).
        """
        place = scope_of or task
        mode = self.setting("session.enforce")
        if mode == "off":
            return self.active_session(place)
        session = self.session_for(place)
        if session is None:
            if needed:
                several = self._sessions
                self._enforce(
                    mode, scope.ambiguous(several) if several else scope.missing(self.agent)
                )
        elif session["status"] != "active":
            if mode == "block":
                raise scope.not_active(session)
            return self.active_session(place)
        elif session["scope_kind"] != "global" and (
            place is None or not self.in_scope(session, place)
        ):
            self._enforce(
                mode,
                TasksError(
                    "E_OUT_OF_SCOPE",
                    f"{place or 'A root task'} lies outside the scope of session {session['id']} "
                    f"({session['scope_kind']}:{session['scope_task_id']}).",
                    fix="the same command with --session of a wider session",
                    details={"session": session["id"], "scope": session["scope_task_id"]},
                ),
            )
        return session

    def _enforce(self, mode: str, error: TasksError) -> None:
        if mode == "block":
            raise error
        self.warn(error.code.replace("E_", "W_", 1), error.message)
