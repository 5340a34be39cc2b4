"""``send``: a message with its receipts, in one unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cleo_conduit.errors import ConduitError
from cleo_conduit.records.messages import Recipient, Sent, Skipped
from cleo_conduit.service.acting import Acting, acting
from cleo_conduit.service.addressing import addressed, require_known
from cleo_conduit.service.attaching import attached
from cleo_conduit.service.bodies import with_extracted
from cleo_conduit.service.drafts import Draft, as_json
from cleo_conduit.service.posting import Body, post
from cleo_conduit.service.refs import attach_by_use, touch
from cleo_conduit.service.work import Verbs, Work
from cleo_conduit.store import mail
from cleo_core import clock
from cleo_core.errors import CleoError, NotFoundError, ValidationError

if TYPE_CHECKING:
    from cleo_core.database import Row

#: Messages that one unit of a batch writes.
BATCH = 100
#: States of a receipt after which nothing comes.
FINAL = ("rejected", "expired", "dead")
#: Seconds within which an acknowledgement is asked for.
ACK_SOON = 3600.0
ACK_LATER = 24 * 3600.0
#: Characters of a text whose words, as metadata, are within every limit.
SHORT = 4096


class SendVerbs(Verbs):
    """Writing messages."""

    def send(
        self,
        content: str | None = None,
        *,
        to: Sequence[str] = (),
        cc: Sequence[str] = (),
        conversation: str | None = None,
        reply_to: str | int | None = None,
        reply_all: bool = False,
        broadcast: bool = False,
        as_human: bool = False,
        subject: str | None = None,
        kind: str = "message",
        importance: str = "normal",
        content_type: str = "text",
        ack_required: bool = False,
        ack_within: str | float | None = None,
        ttl: str | float | None = None,
        attach: Sequence[str] = (),
        metadata: Mapping[str, Any] | None = None,
        payload: Any = None,
        id: str | None = None,
        idempotency_key: str | None = None,
        deliver: bool | None = None,
    ) -> Sent:
        """Send a message as the acting agent.

        :param to: recipients; without a conversation, one is a direct conversation, several make a
            new group.
        :param conversation: everybody who takes part in it, or those of ``to``.
        :param reply_to: the message that is answered: to its sender, or to all with ``reply_all``.
        :param broadcast: to every agent that this project sees.
        :param ack_within: seconds, or a duration such as ``2h``, after which a missing
            acknowledgement is told to the sender; implies ``ack_required``.
        :param ttl: seconds or a duration after which nobody needs the message any more.
        :param attach: slugs of documents.
        :param id: the message's id, a UUID; the same body under it is not sent again.
        :param deliver: whether recipients elsewhere are tried at once; None: as configured.
        :raises CleoError: 2 no agent, no recipient, to oneself alone; 4; 6 a value; 6
            ``E_IDEMPOTENCY_MISMATCH``; 22 ``E_ID_COLLISION``; 95 an unknown recipient; 98 a limit;
            99 not attached, or no part of the conversation.
        """
        draft = Draft(
            content,
            to=to,
            cc=cc,
            conversation=conversation,
            reply_to=reply_to,
            reply_all=reply_all,
            broadcast=broadcast,
            subject=subject,
            kind=kind,
            importance=importance,
            content_type=content_type,
            ack_required=ack_required,
            ack_within=ack_within,
            ttl=ttl,
            attach=attach,
            metadata=metadata,
            payload=payload,
            id=id,
        )
        return self.send_draft(draft, as_human=as_human, key=idempotency_key, deliver=deliver)

    def send_draft(
        self,
        draft: Draft,
        *,
        as_human: bool = False,
        key: str | None = None,
        deliver: bool | None = None,
        verb: str = "conduit.send",
    ) -> Sent:
        """Send what was checked already; raises as :meth:`send`."""

        def body(work: Work) -> Sent:
            who = acting(self.app, work, as_human=as_human)
            return _send_once(work, who, draft, key, verb)

        return self._delivered([self.write("message.send", body)], deliver)[0]

    def send_many(
        self,
        messages: Iterable[Mapping[str, Any]],
        *,
        as_human: bool = False,
        deliver: bool | None = None,
    ) -> list[Sent]:
        """Send messages, each a mapping of the arguments of :meth:`send`, a hundred in a unit.

        What they say, and whom they name, is checked for all before the first is sent.

        :raises CleoError: as :meth:`send`; ``details`` say which message, from 1, and the ids of
            those that were sent before it.
        """
        drafts: list[tuple[Draft, str | None]] = []
        for number, message in enumerate(messages, 1):
            if not isinstance(message, Mapping):
                raise ValidationError(f"Message {number} is no object.", number=number)
            given = dict(message)
            key = given.pop("idempotency_key", None)
            try:
                drafts.append((Draft(**given), key))
            except TypeError:
                unknown = [name for name in given if name not in Draft.__slots__]
                raise ValidationError(
                    f"Message {number} has what no message has: {', '.join(map(str, unknown))}.",
                    number=number,
                ) from None
            except CleoError as error:
                raise _of(error, number) from None
        sent: list[Sent] = []
        for first in range(0, len(drafts), BATCH):
            some = drafts[first : first + BATCH]

            def body(work: Work, some: Any = some, first: int = first) -> list[Sent]:
                who = acting(self.app, work, as_human=as_human)
                done = []
                for number, (draft, _) in enumerate(
                    drafts[BATCH:] if first == 0 else (), BATCH + 1
                ):
                    try:
                        require_known(work, draft)
                    except CleoError as error:
                        raise _of(error, number) from None
                for number, (draft, key) in enumerate(some, first + 1):
                    try:
                        done.append(_send_once(work, who, draft, key, "conduit.send"))
                    except CleoError as error:
                        raise _of(error, number) from None
                return done

            try:
                sent += self.write("message.send", body)
            except CleoError as error:
                error.details["sent"] = [] if self.app.dry_run else [one.id for one in sent]
                if sent and not self.app.dry_run:
                    error.message += f" The {len(sent)} before line {first + 1} are sent."
                raise
        return self._delivered(sent, deliver)

    def wait_for(self, sent: Sent, deadline: float) -> Sent:
        """Wait until everybody that a message is for took delivery; acknowledged it, where asked.

        :param deadline: ``time.monotonic()`` at which it gives up.
        :raises ConduitError: 96, not everybody did; the message stays sent.
        """
        row = mail.message(self.db, sent.id)
        if row is None:
            raise NotFoundError(
                f"The message {sent.id} was pruned.", fix="cleo conduit inbox --all"
            )
        enough = ("acked",) if row["ack_required"] else ("delivered", "read", "acked", "rejected")
        with self.waiter(row["from_agent_id"]) as waiter:
            while True:
                now = as_sent(self.db, sent.id, sent.skipped) or sent
                waited = [one for one in now.recipients if one.role == "to"]
                left = [one for one in waited if one.state not in enough]
                missing = [one.agent_id for one in left]
                if not missing:
                    return now
                # Of one that refused, or will never get it, nothing more is to come.
                if all(one.state in FINAL for one in left) or not waiter.wait(deadline):
                    break
        word = "acknowledged" if row["ack_required"] else "took delivery of"
        raise ConduitError(
            "E_UNDELIVERED",
            f"The message {sent.id} is sent; not {word} in time: {', '.join(missing[:10])}.",
            fix=f"cleo conduit receipts {sent.id}",
            details={"result": now},
        )

    def _delivered(self, sent: list[Sent], deliver: bool | None) -> list[Sent]:
        """The messages, after one attempt for recipients elsewhere."""
        jobs = [
            one.job_id
            for message in sent
            for one in message.recipients
            if one.job_id is not None and one.parked_for is None
        ]
        if not jobs or self.app.dry_run:
            return sent
        wanted = self.app.config.get("conduit.deliver_on_send") if deliver is None else deliver
        if not wanted:
            return sent
        from cleo_conduit.service.delivering import deliver_now

        deliver_now(self.app, jobs)
        return [as_sent(self.db, message.id, message.skipped) or message for message in sent]


def as_sent(db: Any, id_: str, skipped: Sequence[Skipped] = ()) -> Sent | None:
    """A message that was sent as its rows say now; None where it was pruned since."""
    row = mail.message(db, id_)
    if row is None:
        return None
    from cleo_conduit.store import jobs

    of_job = {job["recipient"]: job for job in jobs.of_message(db, row["seq"])}
    recipients = []
    for receipt in mail.receipts_of(db, row["seq"]):
        job = of_job.get(receipt["agent_id"])
        recipients.append(
            Recipient(
                receipt["agent_id"],
                receipt["role"],
                receipt["route"],
                receipt["state"],
                None if job is None else job["id"],
                None if job is None else job["parked_for"],
                None if job is None else job["last_error"],
            )
        )
    return Sent(
        row["id"],
        row["seq"],
        row["conversation_id"],
        row["thread_id"],
        bool(row["verified"]),
        recipients,
        list(skipped),
    )


def _send_once(work: Work, who: Acting, draft: Draft, key: str | None, verb: str) -> Sent:
    if key is None:
        return _send(work, who, draft)
    return work.unit.idempotent(
        verb,
        key,
        draft.as_json(),
        lambda: _send(work, who, draft),
        encode=_encode,
        decode=_decode,
        actor=who.agent_id,
    )


def _send(work: Work, who: Acting, draft: Draft) -> Sent:
    if draft.id is not None:
        row = mail.message(work, draft.id)
        if row is not None:
            return _again(work, who, draft, row)
    address = addressed(work, who, draft)
    body = _body(work, who, draft)
    parent = address.parent
    if not who.human and "used" not in work.known:
        attach_by_use(work, who)
        touch(work, who)
        work.known["used"] = True
    row, recipients = post(
        work,
        address.conversation(work),
        who.agent_id,
        body,
        address.recipients,
        verified=who.verified,
        parent=parent,
        id_=draft.id,
    )
    return Sent(
        row["id"],
        row["seq"],
        row["conversation_id"],
        row["thread_id"],
        who.verified,
        recipients,
        list(address.skipped),
    )


def _again(work: Work, who: Acting, draft: Draft, row: Row) -> Sent:
    """The message that has the id already, if it says the same to the same.

    :raises ConduitError: 22, it says something else, or somebody else said it.
    """
    body = _body(work, who, draft)
    if draft.ttl is not None and row["expires_at"] is not None:
        body.expires_at = row["expires_at"]
    parent = None if draft.reply_to is None else mail.message(work, draft.reply_to)
    # What it answers may have been pruned since.
    answers = row["in_reply_to"] if parent is None and draft.reply_to is not None else None
    answers = answers if parent is None else parent["id"]
    same = row["body_hash"] == body.hash(who.agent_id, answers)
    named = {*draft.to, *draft.cc} - {who.agent_id}
    there = {one["agent_id"] for one in mail.receipts_of(work, row["seq"])}
    if row["from_agent_id"] != who.agent_id or not same or (named and named != there):
        raise ConduitError(
            "E_ID_COLLISION",
            f"The message {row['id']} is another one.",
            fix="the same command without --id",
        )
    work.unit.replayed = True
    found = as_sent(work, row["id"])
    assert found is not None
    return found


def _body(work: Work, who: Acting, draft: Draft) -> Body:
    text = draft.content if draft.subject is None else f"{draft.subject}\n{draft.content}"
    return Body(
        content=draft.content,
        subject=draft.subject,
        kind=draft.kind,
        importance=draft.importance,
        content_type=draft.content_type,
        ack_required=draft.ack_required,
        ack_due_at=_from_now(_ack_within(draft)) if draft.ack_required else None,
        attachments=attached(work, who, draft.attach) if draft.attach else (),
        payload=draft.payload,
        metadata=_metadata(draft, text),
        expires_at=None if draft.ttl is None else _from_now(draft.ttl),
    )


def _ack_within(draft: Draft) -> float:
    soon = draft.importance in ("high", "urgent")
    return draft.ack_within or (ACK_SOON if soon else ACK_LATER)


def _from_now(seconds: float) -> str:
    return clock.format_time(clock.seconds() + seconds)


def _metadata(draft: Draft, text: str) -> dict[str, Any]:
    """What was given, with what the text says; no more than a receiver takes.

    :raises ConduitError: 98.
    """
    found = with_extracted(draft.metadata, text)
    # The words of a short text come to less.
    if found and (draft.metadata or len(text) > SHORT):
        as_json(found, "metadata")
    return found


def _encode(sent: Sent) -> dict[str, Any]:
    return {
        **{name: getattr(sent, name) for name in ("id", "seq", "conversation_id", "thread_id")},
        "verified": sent.verified,
        "recipients": [
            [one.agent_id, one.role, one.route, one.state, one.job_id, one.parked_for, one.error]
            for one in sent.recipients
        ],
        "skipped": [[one.agent_id, one.reason] for one in sent.skipped],
    }


def _decode(value: Any) -> Sent:
    return Sent(
        **{
            **value,
            "recipients": [Recipient(*one) for one in value["recipients"]],
            "skipped": [Skipped(*one) for one in value["skipped"]],
        }
    )


def _of(error: CleoError, number: int) -> CleoError:
    """An error that says which message of a batch it is of."""
    error.message = f"Message {number}: {error.message}"
    error.details["number"] = number
    return error
