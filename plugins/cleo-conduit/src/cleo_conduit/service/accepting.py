"""Taking in a message that was written elsewhere; seen twice it is stored once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cleo_conduit.enums import CONTENT_TYPE, CONVERSATION_KIND, IMPORTANCE, MESSAGE_KIND
from cleo_conduit.ids import is_uuid
from cleo_conduit.service import marks
from cleo_conduit.service.addressing import EVERYBODY, named_topic
from cleo_conduit.service.drafts import (
    CONTENT_BYTES,
    MOST_ATTACHED,
    MOST_RECIPIENTS,
    SUBJECT_LENGTH,
    as_json,
    check_extracted,
)
from cleo_conduit.service.naming import topic_name
from cleo_conduit.service.posting import Body, add_conversation, direct, post, take_part
from cleo_conduit.store import inbound, mail, refs
from cleo_core import clock, inputs
from cleo_core.agent_ids import is_agent_id, is_reserved
from cleo_core.errors import CleoError

if TYPE_CHECKING:
    from cleo_conduit.service.work import Work
    from cleo_core.database import Row


class RefusedError(Exception):
    """The event is no message, or another one has its id."""


def accept(
    work: Work,
    event: Mapping[str, Any],
    recipient: str,
    *,
    origin: str,
    verified: bool,
    reported: str | None = None,
    route: str = "local",
    own: bool = False,
) -> bool:
    """Store a message from elsewhere for one recipient here.

    :param origin: the server that it came from.
    :param reported: the state of it that the server knows; None where no server is to be told.
    :param route: on which way it leaves again, for a message of this project that is put back.
    :param own: it was this project's own before.
    :returns: whether the recipient had it not yet.
    :raises RefusedError: it is none, its sender cannot have written it there, or it says something
        else under an id that is taken.
    """
    body = body_of(event)
    id_, sender = event["id"], event["from"]
    if not own:
        _check_sender(work, sender, recipient)
    answers = event.get("replyTo")
    parent = None if answers is None else mail.message(work, answers)
    hash_ = body.hash(sender, answers)
    if event.get("bodyHash") not in (None, hash_):
        raise RefusedError("its hash is another one")
    row = mail.message(work, id_)
    if row is None:
        conversation = _conversation(work, event, sender, recipient, own=own)
        row, _ = post(
            work,
            conversation,
            sender,
            body,
            (),
            verified=verified,
            parent=parent,
            in_reply_to=answers,
            thread_id=event["threadId"] if _is_uuid(event.get("threadId")) else None,
            id_=id_,
            origin=origin,
            at=_time(event.get("createdAt")) or work.now,
            redacted_at=_time(event.get("redactedAt")) if own else None,
            restored=own,
        )
    elif row["from_agent_id"] != sender or not _is_same(event, body, row, hash_):
        raise RefusedError("its id is that of another message")
    role = "cc" if recipient in event["cc"] else "to"
    if event["conversationKind"] == "topic":
        role = "broadcast" if event.get("topic") == EVERYBODY else "topic"
    added = work.execute(
        inbound.ADD_RECEIPT,
        seq=row["seq"],
        agent_id=recipient,
        role=role,
        route=route,
        state="pending" if reported is None else "relayed",
        reported=reported,
        ack_required=int(bool(row["ack_required"]) and role == "to"),
    )
    if added:
        marks.forget(work, recipient)
        work.wake([recipient])
    return bool(added)


def _is_same(event: Mapping[str, Any], body: Body, row: Row, hash_: str) -> bool:
    """Whether an event says what the message of its id says here."""
    if row["redacted_at"] is not None or row["body_hash"] == hash_:
        return True
    # Its sender may not know any more what it answers.
    lost = event.get("bodyHash") is None and event.get("replyTo") is None
    return lost and row["body_hash"] == body.hash(row["from_agent_id"], row["in_reply_to"])


def _check_sender(work: Work, sender: str, recipient: str) -> None:
    """Whoever lives here, and the post office, write here and nowhere else."""
    if is_reserved(sender):
        raise RefusedError("its sender is reserved")
    if sender == recipient:
        raise RefusedError("its sender is its recipient")
    if refs.get(work, sender) is not None and work.routes.of(sender).transport == "local":
        raise RefusedError("its sender lives here")


def _conversation(
    work: Work, event: Mapping[str, Any], sender: str, recipient: str, *, own: bool
) -> Row:
    kind = event["conversationKind"]
    if kind == "dm":
        return direct(work, sender, recipient)
    if kind == "topic":
        name = event.get("topic")
        shared = name == EVERYBODY
        try:
            topic = EVERYBODY if shared else topic_name(name if isinstance(name, str) else "")
        except CleoError as error:
            raise RefusedError("its topic has no name") from error
        return named_topic(work, topic, sender, visibility="shared" if shared else "public")
    row = mail.conversation(work, event["conversationId"])
    if row is None:
        add_conversation(work, kind="group", created_by=sender, id_=event["conversationId"])
        row = mail.conversation(work, event["conversationId"])
        assert row is not None
        here: set[str] = set()
    else:
        here = {one["agent_id"] for one in mail.participants(work, row["id"])}
        if not own and (row["kind"] != "group" or sender not in here):
            raise RefusedError("its sender takes no part in that conversation")
    # Who comes later does not read what was said before.
    joined = int(row["last_seq"] or 0)
    for agent_id in dict.fromkeys([sender, recipient, *event["to"], *event["cc"]]):
        if agent_id not in here:
            take_part(work, row, agent_id, joined_seq=joined)
    return row


def body_of(event: Any) -> Body:
    """What an event says, within the limits of a message.

    :raises RefusedError: a field is missing, or no value of its kind.
    """
    if not isinstance(event, Mapping):
        raise RefusedError("it is no object")
    try:
        _check_names(event)
        content = inputs.plain_text(event.get("content"), "content")
        if len(content.encode()) > CONTENT_BYTES:
            raise RefusedError("its text is too long")
        subject = event.get("subject")
        if subject is not None:
            subject = inputs.line(subject, "subject", SUBJECT_LENGTH, fix="")
        for name, words in (
            ("kind", MESSAGE_KIND),
            ("importance", IMPORTANCE),
            ("contentType", CONTENT_TYPE),
            ("conversationKind", CONVERSATION_KIND),
        ):
            if event.get(name) not in words:
                raise RefusedError(f"its {name} is unknown")
        attachments = as_json(event.get("attachments") or [], "attachments")
        if not isinstance(attachments, list) or len(attachments) > MOST_ATTACHED:
            raise RefusedError("its attachments are no list, or too many")
        if not all(isinstance(one, dict) for one in attachments):
            raise RefusedError("an attachment is no object")
        metadata = as_json(event.get("metadata") or {}, "metadata")
        if not isinstance(metadata, dict):
            raise RefusedError("its metadata is no object")
        check_extracted(metadata)
        payload = event.get("payload")
        if payload is not None:
            payload = as_json(payload, "payload")
    except CleoError as error:
        raise RefusedError(error.message) from error
    return Body(
        content=content,
        subject=subject,
        kind=event["kind"],
        importance=event["importance"],
        content_type=event["contentType"],
        ack_required=event.get("ackRequired") is True,
        ack_due_at=_time(event.get("ackDueAt")),
        attachments=attachments,
        payload=payload,
        metadata=metadata,
        expires_at=_time(event.get("expiresAt")),
    )


def _check_names(event: Mapping[str, Any]) -> None:
    if not _is_uuid(event.get("id")) or not _is_uuid(event.get("conversationId")):
        raise RefusedError("it has no id")
    if event.get("replyTo") is not None and not _is_uuid(event["replyTo"]):
        raise RefusedError("what it answers is no id")
    named = [event.get("from"), *_ids(event, "to"), *_ids(event, "cc")]
    if len(named) > MOST_RECIPIENTS + 1:
        raise RefusedError("it has too many recipients")
    if not all(is_agent_id(one) for one in named):
        raise RefusedError("an agent's id is none")


def _ids(event: Mapping[str, Any], name: str) -> list[Any]:
    found = event.get(name)
    if not isinstance(found, list):
        raise RefusedError(f"its {name} is no list")
    return found


def known_id(event: Any) -> str:
    """The id of an event as an audit may keep it; ``?`` where it has none."""
    id_ = event.get("id") if isinstance(event, Mapping) else None
    return str(id_) if _is_uuid(id_) else "?"


def _is_uuid(value: Any) -> bool:
    return isinstance(value, str) and is_uuid(value)


def _time(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        return clock.format_time(clock.parse_time(value))
    except (ValueError, OverflowError):
        return None
