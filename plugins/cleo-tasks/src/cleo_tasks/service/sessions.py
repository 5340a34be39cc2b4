"""Sessions: which agent works within which scope, from their start to their handoff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cleo_core import inputs
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.database import Backend, Row
from cleo_core.errors import CleoError, UsageError, ValidationError
from cleo_core.output import Page, to_json
from cleo_tasks.enums import SESSION_STATUS
from cleo_tasks.service import fields, opening, scope, settings
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.service.work import Work
from cleo_tasks.session_records import Focus, Session, SessionLine
from cleo_tasks.store import claims, focus, sessions

if TYPE_CHECKING:
    from cleo_tasks.handoff_records import Briefing, HandoffState

#: Characters of a briefing, by default and at least.
BRIEFING_CHARS, LEAST_CHARS = 4000, 600


@record
class Collected(Declared):
    """What ``session gc`` did: sessions that are now orphaned, tasks whose claims it freed."""

    orphaned: list[SessionLine]
    released: list[str]


class SessionVerbs(Verbs):
    """``session start``, ``end``, ``status``, ``list``, ``show``, ``suspend`` …"""

    def session_start(
        self,
        scope: str = "global",
        *,
        name: str | None = None,
        consume: bool = False,
        idempotency_key: str | None = None,
    ) -> Session:
        """Start a session of the agent, or adopt the implicit one of the same scope.

        :param scope: ``global``, ``epic:ID`` or ``task:ID``, subtree included.
        :param consume: take over the handoff of the scope's last session.
        :raises CleoError: 30 the agent has one of this scope; 32 one of an overlapping scope; 33
            the scope is none; 102 the handoff was taken over before.
        """
        given = {"scope": scope, "name": name, "consume": consume, "agent": self.app.agent}

        def body(work: Work) -> Session:
            session: Session = work.unit.idempotent(
                "session start",
                idempotency_key,
                given,
                lambda: opening.start(work, scope, name, consume),
                encode=to_json,
                decode=opening.from_json,
            )
            return session

        return self.write("session.start", body)

    def session_end(
        self,
        *,
        note: str | None = None,
        next_action: str | None = None,
        if_version: int | None = None,
    ) -> Session:
        """End the session: its focus is closed and its handoff written, once and for all.

        Afterwards core is asked for a backup set; that it failed is a warning.

        :raises CleoError: 31; 36 there is none, or several; 102 it has ended.
        """
        from cleo_tasks.service.handoff import build

        def body(work: Work) -> Session:
            row = _only(work, if_version)
            if row["status"] == "ended":
                raise opening.no_change(row, "has ended", fix=f"cleo session resume {row['id']}")
            noted = _noted(work, row, note, next_action)
            handoff = to_json(build(work, {**row, **noted}))
            focus.leave(work, row["id"], work.now)
            over = {"status": "ended", "ended_at": work.now, "suspend_reason": None}
            opening.change(work, row, {**noted, **over, "handoff": handoff})
            return opening.fresh(work, row)

        session = self.write("session.end", body)
        return session if self.app.dry_run else replace(session, backup=self._backup())

    def session_list(
        self,
        *,
        status: Sequence[str] = (),
        of_agent: str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> tuple[list[SessionLine], Page]:
        """A page of sessions, newest first.

        :raises UsageError: a filter's value is none, or a number is out of range.
        """
        wanted = [
            inputs.as_filter(inputs.word_of(SESSION_STATUS, "status"), word) for word in status
        ]
        agent = None if of_agent is None else fields.name_filter(of_agent, "of-agent")
        limit, offset = self.page(limit, offset)
        with self.db.snapshot() as db:
            rows, total = sessions.listing(
                db, status=wanted, agent=agent, limit=limit, offset=offset
            )
        return rows, Page(limit, offset, total)

    def session_show(self, id: str) -> Session:
        """One session, whole, with the tasks that it worked on.

        :raises TasksError: 31 there is none.
        """
        with self.db.snapshot() as db:
            found = sessions.record(scope.named(db, id))
            return replace(found, work=[Focus(**row) for row in focus.history(db, found.id)])

    def session_suspend(
        self, *, reason: str | None = None, if_version: int | None = None
    ) -> Session:
        """Put the session aside with all it holds, to be resumed.

        :raises CleoError: 31; 36 there is none, or several, or it is over; 102 it is suspended.
        """
        why = opening.one_line(reason, "reason", 500)

        def body(work: Work) -> Session:
            row = _only(work, if_version)
            if row["status"] == "suspended":
                raise opening.no_change(row, "is suspended", fix=f"cleo session resume {row['id']}")
            if row["status"] != "active":
                raise scope.not_active(row)
            opening.change(work, row, {"status": "suspended", "suspend_reason": why})
            return opening.fresh(work, row)

        return self.write("session.suspend", body)

    def session_resume(self, id: str | None = None, *, if_version: int | None = None) -> Session:
        """Go on with a session; for one that has ended, start its successor.

        :param id: by default the named session, else the agent's only suspended or orphaned one.
        :raises CleoError: 30, 32 as :meth:`session_start`; 31; 33 its scope is gone; 36 several
            could be resumed; 102 it is active.
        """

        def body(work: Work) -> Session:
            row = opening.resumable(work, id)
            opening.require_version(row, if_version)
            return opening.resume(work, row)

        return self.write("session.resume", body)

    def session_note(
        self, text: str, *, next_action: str | None = None, if_version: int | None = None
    ) -> Session:
        """Write something down in the session; its handoff will say it.

        :raises CleoError: 31; 36 there is none, or several, or it has ended.
        """

        def body(work: Work) -> Session:
            row = _only(work, if_version)
            if row["status"] == "ended":
                raise scope.not_active(row)
            opening.change(work, row, _noted(work, row, text, next_action))
            return opening.fresh(work, row)

        return self.write("session.note", body)

    def session_handoff(
        self, id: str | None = None, *, scope: str | None = None, consume: bool = False
    ) -> HandoffState:
        """The handoff of a session, by default the last one of the caller's scope.

        :param scope: the last handoff of this scope.
        :param consume: take it over, so that nobody else does.
        :raises CleoError: 4 there is no handoff; 31; 33; 102 it was taken over before.
        """
        from cleo_tasks.service.handoff import left, state

        if id is not None and scope is not None:
            raise UsageError("A session and a scope were given.", fix="cleo session handoff ID")
        if not consume:
            with self.db.snapshot() as db:
                return state(left(self.app, db, id, scope))

        def body(work: Work) -> HandoffState:
            row = left(self.app, work, id, scope)
            opening.consume_handoff(work, row)
            return state(row)

        return self.write("session.handoff", body)

    def session_briefing(
        self, *, max_chars: int = BRIEFING_CHARS, scope: str | None = None
    ) -> Briefing:
        """What the agent should know when it begins.

        :param max_chars: characters of its JSON at most; it is shortened from the end.
        :param scope: by default the caller's session's, else global.
        :raises CleoError: 2; 31; 33.
        """
        from cleo_tasks.service.handoff import brief, shortened

        if isinstance(max_chars, bool) or not isinstance(max_chars, int) or max_chars < LEAST_CHARS:
            raise UsageError(
                f"A briefing has at least {LEAST_CHARS} characters.",
                fix=f"cleo session briefing --max-chars {BRIEFING_CHARS}",
            )
        with self.db.snapshot() as db:
            return shortened(brief(self.app, db, scope), max_chars)

    def session_gc(self, *, max_age: str | float | None = None, release: bool = False) -> Collected:
        """Turn idle active sessions into orphaned ones; nothing is deleted.

        :param max_age: seconds, or a duration such as ``24h``; by default
            ``tasks.session.stale_hours``.
        :param release: free the claims of agents that have no active session left.
        :raises UsageError: the age is none.
        """
        from cleo_core.durations import ago, seconds_of

        hours = settings.number(self.app.config, "session.stale_hours")
        before = ago(hours * 3600 if max_age is None else seconds_of(max_age, "--max-age", "24h"))

        def body(work: Work) -> Collected:
            idle = sessions.idle(work, before)
            for row in idle:
                focus.leave(work, row["id"], work.now)
                opening.change(work, row, {"status": "orphaned", "ended_at": work.now})
            freed = _free_claims(work, [row["agent_id"] for row in idle]) if release else []
            return Collected([sessions.line(_stored(work, row)) for row in idle], freed)

        return self.write("session.gc", body)

    def _backup(self) -> str | None:
        """Ask core for a set, unless there is a fresh one."""
        app = self.app
        try:
            return app.backup_before("session-end", ["tasks"], debounced=True)
        except (CleoError, OSError) as error:
            app.warn(
                "W_BACKUP_FAILED",
                f"The session has ended, but no backup was made: {str(error).rstrip('.')}.",
            )
            return None


def _only(work: Work, if_version: int | None) -> Row:
    """The one session that the verb is about, in whatever status."""
    row = work.session_for(None)
    if row is None:
        active = sessions.active_of(work, work.agent)
        raise scope.ambiguous(active) if active else scope.missing(work.agent)
    opening.require_version(row, if_version)
    return row


def _noted(work: Work, row: Row, note: str | None, next_action: str | None) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if note is not None:
        text = inputs.plain_text(note, "note")
        if not text.strip():
            raise ValidationError("The note is empty.", fix="cleo session note TEXT")
        values["notes"] = [*row["notes"], {"at": work.now, "by": work.actor, "text": text}]
    if next_action is not None:
        values["next_action"] = inputs.plain_text(next_action, "next-action").strip() or None
    return values


def _free_claims(work: Work, agents: Sequence[str | None]) -> list[str]:
    from cleo_tasks.service.holding import release

    freed = []
    for agent in dict.fromkeys(agents):
        if agent is None or sessions.active_of(work, agent):
            continue
        for id_ in claims.held_by(work, agent):
            release(work, work.task(id_), reason="its agent's session was collected")
            freed.append(id_)
    return freed


def _stored(db: Backend, row: Row) -> Row:
    return scope.named(db, row["id"])
