"""What is remembered of an agent's mail so that it need not be counted or searched each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_conduit.store import meta

if TYPE_CHECKING:
    from cleo_conduit.service.work import Work
    from cleo_core.database import Backend

#: How far the mark of an agent's first waiting message may lag before it is moved.
LAG = 50


def first_waiting(db: Backend, agent_id: str) -> int:
    """No message with a lower number waits for the agent.

    Receipts that were delivered and not yet read stay in the index that is searched; an agent that
    never says `read` would have to pass over all of its past.
    """
    return int(meta.get(db, f"first_waiting:{agent_id}") or 0)


def remember_first(work: Work, agent_id: str, before: int, now: int) -> None:
    """Move the mark, if that is worth a write."""
    if now - before >= LAG:
        meta.put(work, f"first_waiting:{agent_id}", str(now))


def room_until(work: Work, agent_id: str, most: int) -> int:
    """Up to which message there is room in an inbox of so many; -1 where that is not known."""
    said, _, until = (meta.get(work, f"room_until:{agent_id}") or "").partition(":")
    return int(until) if said == str(most) else -1


def remember_room(work: Work, agent_id: str, most: int, until: int) -> None:
    """Note up to which message there is room."""
    meta.put(work, f"room_until:{agent_id}", f"{most}:{until}")


def forget(work: Work, agent_id: str) -> None:
    """Forget both: an older message waits for the agent now, or again."""
    for name in ("first_waiting", "room_until"):
        meta.delete(work, f"{name}:{agent_id}")
        work.known.pop(f"{name}:{agent_id}", None)
