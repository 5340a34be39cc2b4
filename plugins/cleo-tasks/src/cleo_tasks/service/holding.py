"""The rules of holding a task: taking it, beginning to work on it, giving it back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.database import Row
from cleo_tasks.errors import TasksError
from cleo_tasks.service import opening, transitions
from cleo_tasks.service.work import Work
from cleo_tasks.session_records import Session
from cleo_tasks.store import claims, focus, sessions

#: Statuses of tasks that can be claimed.
CLAIMABLE = frozenset({"pending", "active", "blocked"})


@record
class Released(Declared):
    """A task whose claim was given back, and who had held it since when."""

    id: str
    title: str
    status: str
    held_by: str
    claimed_at: str
    version: int


class Begun(NamedTuple):
    """What :func:`begin` did."""

    session: Session
    session_created: bool
    claimed: bool
    moved: bool
    turned: bool

    @property
    def changed(self) -> bool:
        """Whether anything is different from before."""
        return self.session_created or self.claimed or self.moved or self.turned


def take(work: Work, row: Row, agent: str) -> bool:
    """Give an open task that nobody holds to an agent; ``row`` is updated in place.

    :returns: False when the agent holds it already.
    :raises TasksError: ``E_CLAIMED`` (35); ``E_INVALID_TRANSITION`` (6), it is closed or proposed.
    """
    if row["assignee"] is None and row["status"] in CLAIMABLE:
        work.unit.check("tasks.assignee", [agent])
    if claims.claim(work, row["id"], agent=agent, actor=work.actor, now=work.now):
        work.claimed(row, {"assignee": agent, "claimed_at": work.now})
        return True
    require_claimable(row)
    if row["assignee"] == agent:
        return False
    raise held(row)


def begin(work: Work, row: Row) -> Begun:
    """Claim a task for a named agent, make it active and turn the session to it.

    :raises CleoError: 34, 36; 6 closed or in a status that work does not begin from; 35; 5.
    """
    work.enter(row["id"])
    session = work.session_needed(row["id"])
    require_claimable(row)
    agent = work.agent
    if agent is None and row["assignee"] is not None:
        work.warn("W_HELD", f"{row['id']} is held by {row['assignee']} since {row['claimed_at']}.")
    elif row["assignee"] not in (None, agent):
        raise held(row)
    active = row["status"] == "active"
    if not active:
        transitions.require(work, row, "active", "start")
        transitions.require_dependencies(work, row)
    claimed = agent is not None and take(work, row, agent)
    if not active:
        transitions.move(work, row, "active", verb="start")
    created = session is None
    if session is None:
        session = opening.open_implicit(work)
    turned = session["current_task_id"] != row["id"]
    if turned:
        focus.turn_to(work, session["id"], row["id"], work.now)
        sessions.touch(work, session["id"], work.now)
    now = opening.opened(work, session) if created else opening.fresh(work, session)
    return Begun(now, created, claimed, not active, turned)


def release(
    work: Work, row: Row, *, forced: bool = False, reason: str | None = None, **values: Any
) -> Released:
    """Take a claim back; ``row`` is updated in place.

    :param values: further columns to set.
    """
    holder, since = row["assignee"], row["claimed_at"]
    work.change(row, {"assignee": None, "claimed_at": None, **values}, forced=forced, reason=reason)
    return Released(
        id=row["id"],
        title=row["title"],
        status=row["status"],
        held_by=holder,
        claimed_at=since,
        version=row["version"],
    )


def say_what_stays_active(work: Work, rows: Iterable[Row]) -> None:
    """Warn of tasks that nobody holds any more and that are active still."""
    active = [row["id"] for row in rows if row["status"] == "active"]
    if active:
        work.warn(
            "W_STILL_ACTIVE",
            f"{some(active)}: held by nobody and still "
            "active; `cleo update ID --status pending` offers a task to `next` again.",
        )


def some(ids: Sequence[str]) -> str:
    """Ids for a message, twenty at most."""
    return f"{', '.join(ids[:20])}{' …' if len(ids) > 20 else ''}"


def require_claimable(row: Row) -> None:
    """Whether an agent may hold a task in this status.

    :raises TasksError: ``E_INVALID_TRANSITION`` (6).
    """
    if row["status"] in CLAIMABLE:
        return
    id_ = row["id"]
    ways = {"proposed": f"update {id_} --status pending", "archived": f"unarchive {id_}"}
    raise TasksError(
        "E_INVALID_TRANSITION",
        f"{id_} is {row['status']}; only pending, active and blocked tasks are worked on.",
        fix=f"cleo {ways.get(row['status'], 'reopen ' + id_)}",
        details={"from": row["status"], "allowed": list(transitions.allowed_from(row["status"]))},
    )


def held(row: Row) -> TasksError:
    """The refusal of work on a task that another agent holds."""
    return TasksError(
        "E_CLAIMED",
        f"{row['id']} is held by {row['assignee']} since {row['claimed_at']}.",
        fix="cleo claim --next",
        details={"holder": row["assignee"], "claimedAt": row["claimed_at"]},
    )
