"""What a session leaves to the next one, and what an agent is told when it begins."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from cleo_core import clock
from cleo_core.database import Backend, Row
from cleo_core.errors import CleoError
from cleo_core.output import dumps, to_json
from cleo_tasks.handoff_records import Briefing, Handoff, HandoffState, TaskRef
from cleo_tasks.service import opening, scope
from cleo_tasks.service.readiness import candidates
from cleo_tasks.service.work import Work
from cleo_tasks.store import sessions

if TYPE_CHECKING:
    from cleo_core.app import App

#: Suggestions in a handoff and in a briefing.
NEXT_LEFT, NEXT_TOLD = 3, 5

#: What is cut from a briefing, first to last; a list loses its last entries first.
CUT = ("others", "blocked", "next", "claims", "current")


def build(work: Work, session: Row) -> Handoff:
    """The handoff of a session that ends now.

    :param session: its columns with the last note and next action.
    """
    below = scope.root(session)
    created, created_count = sessions.tasks_of(work, session["id"], "created")
    completed, completed_count = sessions.tasks_of(work, session["id"], "completed")
    blocked, blocked_count = sessions.blocked(work, below)
    bugs, bug_count = sessions.bugs(work, below)
    last = session["current_task_id"] or sessions.last_focus(work, session["id"])
    seconds = clock.parse_time(work.now) - clock.parse_time(session["started_at"])
    return Handoff(
        session_id=session["id"],
        agent_id=session["agent_id"],
        scope=sessions.scope_words(session),
        started_at=session["started_at"],
        ended_at=work.now,
        duration_seconds=max(0, int(seconds)),
        last_task=next(iter(sessions.refs(work, [last] if last else [])), None),
        created=created,
        completed=completed,
        next=_next(work, NEXT_LEFT, session["agent_id"], session),
        blocked=blocked,
        bugs=bugs,
        notes=session["notes"],
        next_action=session["next_action"],
        totals={
            "created": created_count,
            "completed": completed_count,
            "blocked": blocked_count,
            "bugs": bug_count,
        },
    )


def left(app: App, db: Backend, id_: str | None, scope_: str | None) -> Row:
    """The session whose handoff is asked for: by id, else the last of a scope, else the caller's.

    :raises CleoError: 4 it left none; 31; 33.
    """
    if id_ is not None:
        row: Row | None = scope.named(db, id_)
    elif scope_ is not None:
        row = sessions.last_handoff(db, *opening.parse_scope(db, scope_))
    else:
        own = scope.of_caller(app, db)
        row = (
            sessions.newest_handoff(db)
            if own is None
            else sessions.last_handoff(db, own["scope_kind"], own["scope_task_id"])
        )
    if row is None or row["handoff"] is None:
        whose = f"Session {row['id']} has" if row else "There is"
        raise CleoError(
            "E_NOT_FOUND",
            f"{whose} no handoff; it is written when a session ends.",
            fix="cleo session list --status ended",
        )
    return row


def state(row: Row) -> HandoffState:
    """A session's handoff and whether somebody took it over."""
    return HandoffState(
        session_id=row["id"],
        session_name=row["name"],
        handoff=row["handoff"],
        consumed_at=row["handoff_consumed_at"],
        consumed_by=row["handoff_consumed_by"],
    )


def brief(app: App, db: Backend, text: str | None) -> Briefing:
    """The whole briefing of the caller.

    :param text: a scope; by default that of the caller's session, else global.
    :raises CleoError: 31; 33.
    """
    session = scope.of_caller(app, db)
    place = session or {"scope_kind": "global", "scope_task_id": None}
    if text is not None:
        kind, task = opening.parse_scope(db, text)
        place = {"scope_kind": kind, "scope_task_id": task}
    below = scope.root(place)
    before = sessions.last_handoff(db, place["scope_kind"], place["scope_task_id"], consumed=False)
    current = session["current_task_id"] if session else None
    claims, claim_count = sessions.claims_of(db, app.agent) if app.agent else ([], 0)
    blocked, blocked_count = sessions.blocked(db, below)
    others, other_count = sessions.others(db, session["id"] if session else None)
    totals = {"claims": claim_count, "blocked": blocked_count, "others": other_count}
    return Briefing(
        scope=sessions.scope_words(place),
        session_id=session["id"] if session else None,
        handoff=before["handoff"] if before else None,
        current=next(iter(sessions.refs(db, [current] if current else [])), None),
        claims=claims,
        next=_next(db, NEXT_TOLD, app.agent, place),
        blocked=blocked,
        others=others,
        totals=totals,
        truncated=(claim_count, blocked_count, other_count)
        != (len(claims), len(blocked), len(others)),
    )


def shortened(whole: Briefing, most: int) -> Briefing:
    """A briefing whose JSON has at most so many characters, cut from its end."""
    over = len(dumps(to_json(whole))) - most
    if over <= 0:
        return whole
    kept: dict[str, Any] = {field.name: getattr(whole, field.name) for field in fields(whole)}
    for name in CUT:
        if isinstance(kept[name], list):
            kept[name], over = _cut_list(kept[name], over)
        elif kept[name] is not None and over > 0:
            over -= len(dumps(to_json(kept[name]))) - len("null")
            kept[name] = None
    if over > 0 and kept["handoff"] is not None:
        kept["handoff"] = _cut_handoff(kept["handoff"], over)
    return replace(whole, **{**kept, "truncated": True})


def _cut_handoff(handoff: dict[str, Any], over: int) -> dict[str, Any] | None:
    """A handoff whose lists are cut from the last to the first; None where that is not enough."""
    kept = dict(handoff)
    for name in reversed(list(kept)):
        if isinstance(kept[name], list):
            kept[name], over = _cut_list(kept[name], over)
    return kept if over <= 0 else None


def _cut_list(items: list[Any], over: int) -> tuple[list[Any], int]:
    """Leave out the last items until nothing is over, or none is left."""
    kept = list(items)
    while kept and over > 0:
        over -= len(dumps(to_json(kept.pop()))) + (len(", ") if kept else 0)
    return kept, over


def _next(db: Backend, n: int, agent: str | None, place: Row) -> list[TaskRef]:
    found = candidates(db, n, agent=agent, session_scope=place)
    return sessions.refs(db, [one.id for one in found])
