"""What becomes of an agent's place in the project when its identity is deleted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cleo_conduit.service.closing import kill
from cleo_conduit.service.events import event_of
from cleo_conduit.service.refs import release
from cleo_conduit.service.work import Verbs, Work
from cleo_conduit.store import belongings, refs, removal
from cleo_core.database import Row
from cleo_core.ids import ordered_id

if TYPE_CHECKING:
    from cleo_core.api import Reference
    from cleo_core.units import Unit


def forget_agents(unit: Unit, reference: Reference, ids: Sequence[str]) -> int:
    """``on_delete`` of ``project_agent_refs.agent_id``, whether or not there is a ref.

    The ref is deleted, its leases are broken, its part in conversations ends, and what waits for
    it becomes dead letters. What it wrote and received stays.

    :returns: how many refs there were.
    """
    work = Work(unit, "agent.deleted")
    count = sum(_forget(work, agent_id) for agent_id in ids)
    work.finish()
    _wake(unit, work)
    return count


def _wake(unit: Unit, work: Work) -> None:
    """Wake who is told of it, once nobody waits for this command any more."""
    app, woken = unit.app, set(work.woken)
    if not app.dry_run and woken and app.project_or_none is not None:
        app.afterwards.add("conduit.wake", lambda: Verbs(app).wake(woken))


def _forget(work: Work, agent_id: str) -> int:
    left = belongings.leave(work, agent_id, work.now)
    broken = release(work, agent_id, "broken", work.unit.actor)
    waiting = removal.receipts(work, agent_id)
    jobs = removal.jobs(work, agent_id)
    letters = [
        *(_letter_of_receipt(row, agent_id, work.now) for row in waiting),
        *(_letter_of_job(row, work.now) for row in jobs),
    ]
    removal.add_letters(work, letters)
    seqs = [row["message_seq"] for row in (*waiting, *jobs)]
    for seq in dict.fromkeys(seqs):
        kill(work, seq, agent_id, "recipient_removed")
    removal.close_jobs(work, [row["id"] for row in jobs], work.now)
    ref = refs.get(work, agent_id)
    if ref is not None:
        refs.delete(work, agent_id)
    if ref is not None or left or broken or letters:
        work.note(
            "agent",
            agent_id,
            ref=ref is not None,
            conversations=len(left),
            leases=len(broken),
            receipts=len(waiting),
            jobs=len(jobs),
        )
    return int(ref is not None)


def _letter_of_job(job: Row, now: str) -> dict[str, Any]:
    same = ("message_id", "recipient", "transport", "payload", "last_error", "last_status")
    return {
        "id": ordered_id(),
        "job_id": job["id"],
        "created_at": now,
        **{name: job[name] for name in (*same, "attempts", "history")},
    }


def _letter_of_receipt(row: Row, agent_id: str, now: str) -> dict[str, Any]:
    return {
        "id": ordered_id(),
        "job_id": None,
        "message_id": row["id"],
        "recipient": agent_id,
        "transport": "local",
        "payload": json.dumps(
            event_of(
                row,
                row["conversation_kind"],
                json.loads(row["recipients"]),
                json.loads(row["copies"]),
                topic=row["topic"],
                recipient=agent_id,
            ),
            ensure_ascii=False,
        ),
        "last_error": None,
        "last_status": None,
        "attempts": 0,
        "history": "[]",
        "created_at": now,
    }
