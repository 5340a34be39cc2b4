"""Writing a message with everything that belongs to it, inside one unit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cleo_conduit.records.messages import Recipient
from cleo_conduit.service import due
from cleo_conduit.service.bodies import body_hash
from cleo_conduit.service.routing import LOCAL, Route
from cleo_conduit.store import mail
from cleo_core.ids import ordered_id

if TYPE_CHECKING:
    from cleo_conduit.service.work import Work
    from cleo_core.database import Row


# Making a NamedTuple takes a third of a millisecond, of which a command has few to spend.


class To:
    """A recipient: in which role, on which way, and whether it is woken."""

    __slots__ = ("agent_id", "muted", "role", "route")

    def __init__(
        self, agent_id: str, role: str = "to", route: Route = LOCAL, muted: bool = False
    ) -> None:
        self.agent_id = agent_id
        self.role = role
        self.route = route
        self.muted = muted


class Body:
    """What a message says, ready to be stored."""

    __slots__ = (
        *("content", "subject", "kind", "importance", "content_type", "ack_required"),
        *("ack_due_at", "attachments", "payload", "metadata", "expires_at"),
    )

    def __init__(
        self,
        content: str,
        subject: str | None = None,
        kind: str = "message",
        importance: str = "normal",
        content_type: str = "text",
        ack_required: bool = False,
        ack_due_at: str | None = None,
        attachments: Sequence[Mapping[str, Any]] = (),
        payload: Any = None,
        metadata: Mapping[str, Any] | None = None,
        expires_at: str | None = None,
    ) -> None:
        self.content = content
        self.subject = subject
        self.kind = kind
        self.importance = importance
        self.content_type = content_type
        self.ack_required = ack_required
        self.ack_due_at = ack_due_at
        self.attachments = attachments
        self.payload = payload
        self.metadata: Mapping[str, Any] = metadata or {}
        self.expires_at = expires_at

    def hash(self, sender: str, reply_to: str | None) -> str:
        """The hash that tells two messages of one id apart."""
        return body_hash(
            sender=sender,
            subject=self.subject,
            content=self.content,
            content_type=self.content_type,
            kind=self.kind,
            importance=self.importance,
            ack_required=self.ack_required,
            attachments=self.attachments,
            payload=self.payload,
            metadata=self.metadata,
            reply_to=reply_to,
            expires_at=self.expires_at,
        )


def post(
    work: Work,
    conversation: Row,
    sender: str,
    body: Body,
    recipients: Iterable[To],
    *,
    verified: bool = False,
    parent: Row | None = None,
    in_reply_to: str | None = None,
    thread_id: str | None = None,
    id_: str | None = None,
    origin: str = "local",
    at: str | None = None,
    redacted_at: str | None = None,
    restored: bool = False,
) -> tuple[Row, list[Recipient]]:
    """Store a message, its receipts and jobs, and count it; its recipients are woken after COMMIT.

    :param parent: the message that it answers.
    :param in_reply_to: the id of the message that it answers, where that is not here;
        ``thread_id``: the root of its reply tree then.
    :param at: when it was written, where that was elsewhere.
    :param redacted_at: when its text was taken out, of one that is restored.
    :param restored: it was here before, and what became due then was seen to.
    :returns: the message as it was stored, and what its recipients' rows say.
    """
    message_id = ordered_id() if id_ is None else id_
    reply_to = None if parent is None else parent["id"]
    answers = in_reply_to if parent is None else reply_to
    root = (thread_id or message_id) if parent is None else parent["thread_id"]
    row: dict[str, Any] = {
        "id": message_id,
        "conversation_id": conversation["id"],
        "from_agent_id": sender,
        "verified": int(verified),
        "subject": body.subject,
        "content": body.content,
        "content_type": body.content_type,
        "kind": body.kind,
        "importance": body.importance,
        "ack_required": int(body.ack_required),
        "ack_due_at": body.ack_due_at,
        "attachments": _json(body.attachments) if body.attachments else "[]",
        "payload": None if body.payload is None else _json(body.payload),
        "metadata": _json(body.metadata) if body.metadata else "{}",
        "reply_to": reply_to,
        "in_reply_to": answers,
        "thread_id": root,
        "expires_at": body.expires_at,
        "origin": origin,
        "body_hash": body.hash(sender, answers),
        "redacted_at": redacted_at,
        "created_at": work.now if at is None else at,
    }
    goes = list(recipients)
    asks = body.ack_required
    seq = row["seq"] = work.next_seq()
    work.add_message(
        row,
        [
            (seq, one.agent_id, one.role, one.route.transport, int(asks and one.role == "to"))
            for one in goes
        ],
    )
    if not restored:
        due.expects(work, expires_at=body.expires_at, ack_due_at=body.ack_due_at)
    done = [
        _pending(work, one) if one.route is LOCAL else _with_job(work, row, conversation, one, goes)
        for one in goes
    ]
    work.unit.created("message", message_id, row)
    work.note("message", message_id, action="message.send", recipients=len(goes))
    work.wake([one.agent_id for one in goes if not one.muted])
    return row, done


def direct(work: Work, one: str, other: str) -> Row:
    """The direct conversation of two, made where there is none; both take part in it."""
    known: Row | None = work.known.get(("direct", one, other))
    if known is not None:
        return known
    key = " ".join(sorted((one, other)))
    found = mail.direct(work, key)
    if found is None:
        add_conversation(work, kind="dm", created_by=one, dm_key=key)
        found = mail.direct(work, key)
        assert found is not None
    present = {row["agent_id"] for row in mail.participants(work, found["id"])}
    for agent_id in (one, other):
        if agent_id not in present:
            take_part(work, found, agent_id)
    work.known["direct", one, other] = found
    return found


def add_conversation(
    work: Work,
    *,
    kind: str,
    created_by: str,
    id_: str | None = None,
    visibility: str = "private",
    **more: Any,
) -> str:
    """Add a conversation without anybody in it; nothing happens where its key is taken.

    :returns: the id that it has if it was added.
    """
    row = {
        **dict.fromkeys(("dm_key", "topic", "epic_id", "wave", "title")),
        **more,
        "id": ordered_id() if id_ is None else id_,
        "kind": kind,
        "visibility": visibility,
        "created_by": created_by,
        "now": work.now,
    }
    if mail.add_conversation(work, row):
        values = {name: value for name, value in row.items() if name != "now"}
        work.unit.created("conversation", row["id"], values)
        work.note("conversation", row["id"], action="conversation.create", of=kind)
    return str(row["id"])


def take_part(
    work: Work,
    conversation: Row,
    agent_id: str,
    *,
    role: str = "member",
    joined_seq: int = 0,
    filter_: str | None = None,
) -> None:
    """Let an agent take part in a conversation; one that had left takes part again."""
    row = {
        "id": conversation["id"],
        "agent_id": agent_id,
        "joined_seq": joined_seq,
        "filter": filter_,
        "now": work.now,
    }
    if not work.execute(mail.REJOIN, **row):
        work.execute(mail.ADD_PARTICIPANT, role=role, **row)


def _pending(work: Work, one: To) -> Recipient:
    known: Recipient | None = work.known.get(one)
    if known is None:
        known = Recipient(one.agent_id, one.role, one.route.transport, "pending")
        work.known[one] = known
    return known


def _with_job(work: Work, row: Row, conversation: Row, one: To, goes: Sequence[To]) -> Recipient:
    from cleo_conduit.service.queueing import add_job

    return add_job(work, row, conversation, one, goes)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
