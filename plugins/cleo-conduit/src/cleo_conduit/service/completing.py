"""What came of an attempt to deliver: the job, the receipt, the dead letter and the bounce."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from cleo_conduit.service import breakers
from cleo_conduit.service.closing import kill
from cleo_conduit.service.letters import add_letter
from cleo_conduit.store import jobs, mail
from cleo_conduit.transport import PushResult
from cleo_core import clock
from cleo_core.errors import shortened

if TYPE_CHECKING:
    from cleo_conduit.service.work import Work
    from cleo_core.database import Row

MOST_WAIT = 32.0
MOST_RETRY_AFTER = 3600.0
MOST_HISTORY = 50


class Completion(NamedTuple):
    """What an attempt does to its job."""

    state: str
    parked_for: str | None = None
    spent: bool = True
    wait: float = 0.0
    reason: str | None = None


def complete(
    work: Work,
    job: Row,
    done: Completion,
    result: PushResult,
    base_url: str | None,
) -> bool:
    """Write down what came of an attempt, with the receipt, the dead letter and the bounce.

    :returns: False where the job is somebody else's by now: nothing is written but the audit.
    """
    attempts = job["attempts"] - (0 if done.spent else 1)
    # While it was tried, its message may have been redacted: what the row says now counts.
    held = work.one(jobs.HELD, id=job["id"], fence=job["fence"])
    if held is None:
        work.note("job", job["id"], action="job.stale_fence", fence=job["fence"])
        return False
    if held["redacted_at"] is not None:
        # A server's error may repeat what it was given.
        result = replace(result, error=None)
    history = json.loads(held["history"])
    if done.spent or result.outcome != "offline" or result.error is not None:
        history.append(
            {
                "at": work.now,
                "attempt": job["attempts"],
                "outcome": result.outcome,
                "status": result.status,
                "error": result.error,
            }
        )
    error = None if result.error is None else shortened(result.error, 1000)
    final = done.state in ("done", "dead")
    values = {
        "state": done.state,
        "parked_for": done.parked_for,
        "attempts": attempts,
        "next": clock.format_time(clock.seconds() + done.wait),
        "error": error,
        "status": result.status,
        "history": json.dumps(history[-MOST_HISTORY:], ensure_ascii=False),
        "finished": work.now if final else None,
        "now": work.now,
        "id": job["id"],
        "fence": job["fence"],
    }
    work.execute(jobs.COMPLETE, **values)
    work.note("job", job["id"], action=f"job.{done.state}", outcome=result.outcome)
    after = {
        **job,
        "payload": held["payload"],
        "attempts": attempts,
        "last_error": error,
        "last_status": result.status,
        "history": values["history"],
    }
    seq, recipient = job["message_seq"], job["recipient"]
    if done.state == "done":
        if work.execute(jobs.RELAY, seq=seq, agent_id=recipient):
            work.note("receipt", f"{job['message_id']}:{recipient}", action="receipt.relayed")
            work.wake([job["sender"]])
        _unpark(work, base_url)
    elif done.state == "dead":
        assert done.reason is not None
        add_letter(work, after, done.reason)
        kill(work, seq, recipient, done.reason)
    if base_url is not None and result.outcome in ("retry", "offline"):
        breakers.failed(work, base_url)
    elif base_url is not None:
        # Whatever it said, the server answers.
        breakers.worked(work, base_url)
    if done.parked_for == "auth":
        _park_others(work, job["sender"], base_url)
    return True


def outcome(job: Row, result: PushResult) -> Completion:
    """What an attempt's result does to its job."""
    if result.outcome == "accepted":
        return Completion("done")
    if result.outcome == "permanent":
        return Completion("dead", reason="permanent")
    if result.outcome == "auth":
        return Completion("parked", "auth", spent=False)
    if result.outcome == "offline":
        return Completion("parked", "offline", spent=False)
    if job["attempts"] >= job["max_attempts"]:
        return Completion("dead", reason="max_attempts")
    wait = random.uniform(0.5, 1.0) * min(2.0 ** job["attempts"], MOST_WAIT)  # noqa: S311 - a wait
    asked = min(result.retry_after or 0.0, MOST_RETRY_AFTER)
    return Completion("pending", wait=max(wait, asked))


def lease_over(work: Work, row: Row) -> None:
    """A worker died with a job: it is tried again, or was for the last time."""
    if row["attempts"] < row["max_attempts"]:
        work.execute(jobs.RELEASE, id=row["id"], now=work.now)
        work.note("job", row["id"], action="job.lease_over")
        return
    result = PushResult("retry", error="Its worker did not come back.")
    message = mail.message(work, row["message_seq"])
    assert message is not None
    held = {**row, "message_id": message["id"], "sender": message["from_agent_id"]}
    complete(work, held, Completion("dead", reason="max_attempts"), result, None)


def _park_others(work: Work, sender: str, base_url: str | None) -> None:
    routes = work.routes
    ids = [
        row["id"]
        for row in work.read(jobs.PENDING_OF, limit=1000)
        if row["sender"] == sender and routes.of(row["recipient"]).base_url == base_url
    ]
    work.execute(jobs.PARK_OTHERS, parked_for="auth", now=work.now, ids=json.dumps(ids))


def _unpark(work: Work, base_url: str | None) -> None:
    """A server answered: what waited for it is due."""
    for row in work.read(jobs.PARKED, limit=1000):
        if work.routes.of(row["recipient"]).base_url == base_url:
            work.execute(jobs.UNPARK_ONE, id=row["id"], now=work.now)
