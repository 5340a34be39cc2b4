"""Work that becomes due with time, done a little in every write unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_conduit.store import due, meta
from cleo_core import clock

if TYPE_CHECKING:
    from cleo_conduit.service.work import Work

#: Rows of one kind that one unit looks after.
MOST = 200
#: Keys of ``conduit_meta``: up to these times, messages that expire and acknowledgements that are
#: due were seen to.
EXPIRED_UNTIL = "expired_until"
OVERDUE_UNTIL = "overdue_until"


def expects(work: Work, *, expires_at: str | None, ack_due_at: str | None) -> None:
    """Note what becomes due; what was seen to already is looked at again.

    That is so after the clock was set back.
    """
    if expires_at is None and ack_due_at is None:
        return
    marks = due.marks(work)
    for key, at in ((EXPIRED_UNTIL, expires_at), (OVERDUE_UNTIL, ack_due_at)):
        if at is not None and key in marks and at <= marks[key]:
            meta.put(work, key, _before(at))


def see_to(work: Work, most: int = MOST) -> int:
    """Close what expired, leases too, and tell senders of what is overdue.

    :returns: how many rows that were; when it is ``most``, more may be due.
    """
    is_due = due.is_due(work, work.now)
    if not any(is_due.values()):
        return 0
    marks, count = due.marks(work), 0
    if is_due["expired"]:
        count += _expire(work, marks.get(EXPIRED_UNTIL, ""), most)
    if is_due["overdue"]:
        count += _escalate(work, marks.get(OVERDUE_UNTIL, ""), most)
    if is_due["leases"]:
        from cleo_conduit.service.leases.judging import close_due

        count += close_due(work, most)
    return count


def _expire(work: Work, until: str, most: int) -> int:
    from cleo_conduit.service.closing import expire

    latest = latest_claim(work)
    rows = due.expired(work, until, work.now, latest, most)
    for row in rows:
        expire(work, row["message_seq"], row["agent_id"])
    reached = _reached(work, until, [row["expires_at"] for row in rows], most)
    held = due.held(work, until, work.now, latest)
    meta.put(work, EXPIRED_UNTIL, reached if held is None else min(reached, _before(held)))
    return len(rows)


def latest_claim(work: Work) -> str:
    """When a claim can end at the latest; one that ends later is of a clock that was set back."""
    seconds = float(work.unit.app.config.get("conduit.claim_seconds"))
    return clock.format_time(clock.seconds() + 2 * seconds)


def _escalate(work: Work, until: str, most: int) -> int:
    from cleo_conduit.service.notices import notify

    rows = due.overdue(work, until, work.now, most)
    for row in rows:
        work.execute(due.ESCALATE, now=work.now, seq=row["seq"], agent_id=row["agent_id"])
        work.note("receipt", f"{row['id']}:{row['agent_id']}", action="receipt.overdue")
        notify(
            work,
            f"{row['agent_id']} has not acknowledged your message {row['id']}; "
            f"it was due at {row['ack_due_at']}.",
            to=[row["from_agent_id"]],
            payload={
                "messageId": row["id"],
                "recipient": row["agent_id"],
                "state": row["state"],
                "dueAt": row["ack_due_at"],
            },
        )
    times = [row["ack_due_at"] for row in rows]
    meta.put(work, OVERDUE_UNTIL, _reached(work, until, times, most))
    return len(rows)


def _reached(work: Work, until: str, times: list[str], most: int) -> str:
    """Up to when everything was seen to; of one time there may be more than one unit takes."""
    return max(until, _before(times[-1]) if len(times) == most else work.now)


def _before(at: str) -> str:
    """A text that sorts just before a stored time and after every earlier one."""
    return at[:-1]
