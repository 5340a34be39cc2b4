"""Messages that will not arrive: expired and dead receipts, and the bounce to the sender."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_conduit.service.acting import SYSTEM
from cleo_conduit.service.letters import add_letter
from cleo_conduit.service.posting import Body, To, post
from cleo_conduit.store import closing, jobs, mail, refs

if TYPE_CHECKING:
    from cleo_conduit.service.work import Work

#: Kinds of messages that do not bounce, and roles in which nobody was meant in person.
SILENT_KINDS = ("bounce", "notify", "lifecycle")
SILENT_ROLES = ("topic", "broadcast")


def expire(work: Work, seq: int, agent_id: str) -> None:
    """Close a receipt whose message, or whose job, has expired; the job becomes a dead letter."""
    left = jobs.open_of(work, seq, agent_id)
    if not closing.close_receipt(work, seq, agent_id, "expired", "expired", work.now):
        closing.cancel_jobs(work, seq, agent_id, work.now)
        return
    for job in left:
        add_letter(work, job, "expired")
    closing.close_jobs(work, seq, agent_id, "expired", work.now)
    bounce(work, seq, agent_id, "expired", "expired")


def kill(work: Work, seq: int, agent_id: str, reason: str) -> bool:
    """Make a receipt dead that nobody took delivery of, and tell the sender.

    :returns: whether it was still open.
    """
    if not closing.close_receipt(work, seq, agent_id, "dead", reason, work.now):
        return False
    bounce(work, seq, agent_id, "dead", reason)
    return True


def bounce(work: Work, seq: int, agent_id: str, state: str, reason: str) -> None:
    """One reply to the sender of a message about a recipient whom it will not reach."""
    message = mail.message(work, seq)
    assert message is not None
    work.note("receipt", f"{message['id']}:{agent_id}", action=f"receipt.{state}", reason=reason)
    sender = message["from_agent_id"]
    if message["kind"] in SILENT_KINDS or sender == SYSTEM:
        return
    if closing.role(work, seq, agent_id) in SILENT_ROLES or message["origin"] != "local":
        return
    ref = refs.get(work, sender)
    if ref is None and sender != "HumanOverseer":
        return
    conversation = mail.conversation(work, message["conversation_id"])
    assert conversation is not None
    body = Body(
        f"Your message {message['id']} did not reach {agent_id}: {reason}.",
        kind="bounce",
        payload={"recipient": agent_id, "state": state, "reason": reason},
    )
    post(work, conversation, SYSTEM, body, [To(sender)], verified=True, parent=message)
