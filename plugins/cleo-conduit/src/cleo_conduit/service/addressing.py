"""Where a message goes: its conversation and its recipients."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from cleo_conduit.errors import ConduitError, not_participant, over_limit
from cleo_conduit.records.messages import Skipped
from cleo_conduit.service import marks
from cleo_conduit.service.acting import HUMAN, Acting, to_be_seen
from cleo_conduit.service.drafts import MOST_RECIPIENTS, Draft
from cleo_conduit.service.posting import To, add_conversation, direct, take_part
from cleo_conduit.store import access, mail, refs
from cleo_core.agent_ids import is_reserved
from cleo_core.errors import NotFoundError, UsageError, echoed

if TYPE_CHECKING:
    from cleo_conduit.service.work import Work
    from cleo_core.database import Row

#: The conversation of broadcasts; it has no participants.
EVERYBODY = "all"
#: Why an agent is skipped that has no room.
FULL = "inbox_full"


class Address:
    """Where a message goes.

    :ivar skipped: agents that a message to many does not go to.
    :ivar parent: the message that it answers.
    """

    def __init__(
        self,
        conversation: Callable[[Work], Row],
        recipients: list[To],
        *,
        skipped: Iterable[Skipped] = (),
        parent: Row | None = None,
    ) -> None:
        self.conversation = conversation
        self.recipients = recipients
        self.skipped = list(skipped)
        self.parent = parent


def addressed(work: Work, who: Acting, draft: Draft) -> Address:
    """Find the conversation and the recipients; no row of them is written.

    :raises ConduitError: 95, 98, 99.
    :raises UsageError: 2, nobody but the sender is left.
    :raises NotFoundError: 4, there is no such conversation or message.
    """
    if draft.broadcast:
        return _broadcast(work, who)
    if draft.topic is not None:
        return _topic(work, who, draft)
    if draft.reply_to is not None:
        return _reply(work, who, draft)
    if draft.conversation is not None:
        return _conversation(work, who, draft)
    return _new(work, who, draft)


def require_known(work: Work, draft: Draft) -> None:
    """Refuse a draft that names somebody who is not there, before anything is sent.

    :raises ConduitError: 95.
    """
    if draft.conversation is not None or draft.reply_to is not None:
        return
    for agent_id in (*draft.to, *draft.cc):
        _require(work, agent_id)


def found_conversation(work: Work, id_: str) -> Row:
    """A conversation.

    :raises NotFoundError: 4, there is none of that id.
    """
    row = mail.conversation(work, id_)
    if row is None:
        raise NotFoundError(
            f"There is no conversation {echoed(id_)}.", fix="cleo conduit conversations"
        )
    return row


def _new(work: Work, who: Acting, draft: Draft) -> Address:
    before: Address | None = None if draft.cc else work.known.get(("pair", draft.to))
    if before is not None:
        if is_full(work, before.recipients[0].agent_id):
            raise _full(before.recipients[0].agent_id)
        return before
    chosen = _named(work, who, draft, None)
    if len(chosen) == 1:
        (other,) = chosen
        pair = Address(lambda work: direct(work, who.agent_id, other.agent_id), chosen)
        if not draft.cc:
            # The next message of a batch is often to the same one.
            work.known["pair", draft.to] = pair
        return pair

    def group(work: Work) -> Row:
        title = draft.subject
        id_ = add_conversation(work, kind="group", created_by=who.agent_id, title=title)
        row = found_conversation(work, id_)
        take_part(work, row, who.agent_id, role="owner")
        for one in chosen:
            take_part(work, row, one.agent_id)
        return row

    return Address(group, chosen)


def _conversation(work: Work, who: Acting, draft: Draft) -> Address:
    assert draft.conversation is not None
    row = found_conversation(work, draft.conversation)
    if row["kind"] == "topic":
        return _to_subscribers(work, who, row, draft)
    place = mail.participant(work, row["id"], who.agent_id)
    if place is None or place["left_at"] is not None:
        raise not_participant(
            f"{who.agent_id} takes no part in the conversation {row['id']}.",
            "cleo conduit conversations",
            conversationId=row["id"],
        )
    if draft.to or draft.cc:
        return Address(lambda _: row, _named(work, who, draft, row))
    return _to_all(work, who, row)


def _reply(work: Work, who: Acting, draft: Draft) -> Address:
    assert draft.reply_to is not None
    parent = mail.message(work, draft.reply_to)
    if parent is None:
        raise NotFoundError(
            f"There is no message {echoed(str(draft.reply_to))}.", fix="cleo conduit inbox --all"
        )
    reader = {"reader": who.agent_id, "attached": 1, "seq": parent["seq"]}
    if work.scalar(access.CAN_READ, **reader) is None:
        raise not_participant(f"The message {parent['id']} is not for {who.agent_id}.")
    row = found_conversation(work, parent["conversation_id"])
    if row["kind"] != "topic" and _place(work, row, who.agent_id) is None:
        raise not_participant(
            f"{who.agent_id} takes no part in the conversation {row['id']} any more.",
            "cleo conduit conversations",
            conversationId=row["id"],
        )
    if draft.to or draft.cc:
        return Address(lambda _: row, _named(work, who, draft, row), parent=parent)
    if draft.reply_all:
        others = [one["agent_id"] for one in mail.receipts_of(work, parent["seq"])]
        if row["topic"] is None:
            others += [one["agent_id"] for one in mail.participants(work, row["id"])]
        names = dict.fromkeys([parent["from_agent_id"], *others])
    else:
        names = {parent["from_agent_id"]: None}
        if parent["from_agent_id"] != HUMAN and is_reserved(parent["from_agent_id"]):
            raise _unknown(work, parent["from_agent_id"])
    goes, skipped = reachable(work, who.agent_id, row, [(one, "to", False) for one in names])
    if not goes and not draft.reply_all and not skipped:
        raise UsageError(
            "You would answer yourself alone.",
            fix=f"cleo conduit send 'text' --reply-to {parent['id']} --reply-all",
        )
    full = next((one.agent_id for one in skipped if one.reason == FULL), None)
    if not goes and full is not None:
        raise _full(full)
    if not goes and skipped:
        raise _unknown(work, skipped[0].agent_id)
    if not goes:
        raise UsageError("Nobody but you takes part in it.", fix="cleo conduit agents")
    if row["kind"] == "topic":
        named = "a broadcast" if row["topic"] == EVERYBODY else f"topic {row['topic']}"
        work.unit.warn(
            "W_SHARED",
            f"The answer is part of {named}: every agent of the project may read it. A new message "
            "to one agent is private.",
        )
    return Address(lambda _: row, goes, skipped=skipped, parent=parent)


def _to_all(work: Work, who: Acting, row: Row) -> Address:
    places = [
        (one["agent_id"], "to", bool(one["muted"]))
        for one in mail.participants(work, row["id"])
        if one["role"] != "observer"
    ]
    goes, skipped = reachable(work, who.agent_id, row, places)
    if not goes and not skipped:
        raise UsageError("Nobody but you takes part in it.", fix="cleo conduit agents")
    return Address(lambda _: row, goes, skipped=skipped)


def _broadcast(work: Work, who: Acting) -> Address:
    everybody = [
        (one["agent_id"], "broadcast", False) for one in refs.listed(work, enabled_only=False)
    ]
    goes, skipped = reachable(work, who.agent_id, None, everybody)
    return Address(
        lambda work: named_topic(work, EVERYBODY, who.agent_id, visibility="shared"),
        goes,
        skipped=skipped,
    )


def _topic(work: Work, who: Acting, draft: Draft) -> Address:
    assert draft.topic is not None
    name = draft.topic
    row = mail.topic(work, name)
    if row is not None:
        return _to_subscribers(work, who, row, draft)
    return Address(lambda work: named_topic(work, name, who.agent_id), [])


def _to_subscribers(work: Work, who: Acting, row: Row, draft: Draft) -> Address:
    if draft.to or draft.cc:
        raise UsageError(
            "A topic's messages go to its subscribers; it takes no --to and no --cc.",
            fix=f"cleo topic publish {row['topic']} 'text'",
        )
    if row["topic"] == EVERYBODY:
        return _broadcast(work, who)
    text = draft.content if draft.subject is None else f"{draft.subject}\n{draft.content}"
    goes, skipped = subscribed(work, who.agent_id, row, draft.kind, draft.metadata, text)
    return Address(lambda _: row, goes, skipped=skipped)


def subscribed(
    work: Work, sender: str, row: Row, kind: str, metadata: Any, text: str
) -> tuple[list[To], list[Skipped]]:
    """The subscribers of a topic whose filter lets a message through, and who cannot get it."""
    places = [
        (one["agent_id"], "topic", bool(one["muted"]))
        for one in mail.participants(work, row["id"])
        if one["role"] != "observer" and wants(one["filter"], kind, metadata, text)
    ]
    return reachable(work, sender, row, places)


def wants(filter_: str | None, kind: str, metadata: Any, text: str) -> bool:
    """Whether a subscriber's filter lets a message through: one of its kinds, one of its tags."""
    if filter_ is None:
        return True
    from cleo_conduit.service.bodies import with_extracted

    asked = json.loads(filter_)
    kinds, tags = asked.get("kinds") or (), asked.get("tags") or ()
    if kinds and kind not in kinds:
        return False
    return not tags or not set(tags).isdisjoint(with_extracted(metadata, text).get("tags", ()))


def named_topic(work: Work, name: str, created_by: str, *, visibility: str = "public") -> Row:
    """The conversation of a topic, made where there is none; raises nothing of its own."""
    row = mail.topic(work, name)
    if row is None:
        from cleo_conduit.service.naming import epic_of

        epic, wave = epic_of(name)
        add_conversation(
            work,
            kind="topic",
            created_by=created_by,
            visibility=visibility,
            topic=name,
            epic_id=epic,
            wave=wave,
        )
        row = mail.topic(work, name)
        assert row is not None
    return row


def _named(work: Work, who: Acting, draft: Draft, row: Row | None) -> list[To]:
    """Those that ``to`` and ``cc`` name; each must be there, and have room."""
    chosen = []
    for role, names in (("to", draft.to), ("cc", draft.cc)):
        for agent_id in names:
            if agent_id == who.agent_id:
                continue
            one = (
                _newly(work, agent_id, role) if row is None else _taking(work, row, agent_id, role)
            )
            if is_full(work, agent_id):
                raise _full(agent_id)
            chosen.append(one)
    if not chosen:
        raise UsageError(
            "A message to yourself alone goes nowhere.", fix="cleo conduit send 'text' --to bob"
        )
    return chosen


def _newly(work: Work, agent_id: str, role: str) -> To:
    """Somebody that a message without a conversation names."""
    known: To | None = work.known.get(("named", agent_id, role))
    if known is None:
        _require(work, agent_id)
        known = work.known["named", agent_id, role] = To(agent_id, role, work.routes.of(agent_id))
    return known


def _taking(work: Work, row: Row, agent_id: str, role: str) -> To:
    """Somebody that is named of those who take part in a conversation."""
    place = _place(work, row, agent_id)
    if not _is_known(work, agent_id, place, row):
        raise _unknown(work, agent_id, row)
    return To(agent_id, role, work.routes.of(agent_id), place is not None and bool(place["muted"]))


def _require(work: Work, agent_id: str) -> None:
    if f"known {agent_id}" not in work.known:
        if not _is_known(work, agent_id, None, None):
            raise _unknown(work, agent_id)
        work.known[f"known {agent_id}"] = True


def reachable(
    work: Work, sender: str, row: Row | None, places: Iterable[tuple[str, str, bool]]
) -> tuple[list[To], list[Skipped]]:
    """Those of many that can get a message, and those that cannot; its sender is left out.

    :param places: agent, role of its receipt, and whether it is not woken.
    """
    goes: list[To] = []
    skipped: list[Skipped] = []
    for agent_id, role, muted in places:
        if agent_id == sender or (agent_id != HUMAN and is_reserved(agent_id)):
            continue
        ref = refs.get(work, agent_id)
        if agent_id != HUMAN and ref is not None and not ref["enabled"]:
            skipped.append(Skipped(agent_id, "disabled"))
        elif agent_id != HUMAN and ref is None and (row is None or not _place(work, row, agent_id)):
            skipped.append(Skipped(agent_id, "unknown"))
        elif is_full(work, agent_id):
            skipped.append(Skipped(agent_id, FULL))
        elif len(goes) == MOST_RECIPIENTS:
            skipped.append(Skipped(agent_id, "too_many"))
        else:
            goes.append(To(agent_id, role, work.routes.of(agent_id), muted))
    return goes, skipped


def _place(work: Work, row: Row, agent_id: str) -> Row | None:
    """The place of somebody who takes part now."""
    place = mail.participant(work, row["id"], agent_id)
    return place if place is not None and place["left_at"] is None else None


def _is_known(work: Work, agent_id: str, place: Row | None, row: Row | None) -> bool:
    if agent_id == HUMAN:
        return True
    if is_reserved(agent_id):
        return False
    ref = refs.get(work, agent_id)
    if row is not None and place is None and row["kind"] != "topic":
        return False
    return bool(ref["enabled"]) if ref is not None else place is not None


def is_full(work: Work, agent_id: str) -> bool:
    """Whether no more mail fits into an inbox.

    Counting a deep inbox takes as long as it is deep. Each message adds one at most, so after a
    count it is known up to which message there is room.
    """
    most = work.known.get("inbox_max")
    if most is None:
        most = work.known["inbox_max"] = int(work.unit.app.config.get("conduit.inbox_max"))
    key = f"room_until:{agent_id}"
    if key not in work.known:
        work.known[key] = marks.room_until(work, agent_id, most)
    last = work.last_seq()
    if last < work.known[key]:
        return False
    room = int(most) - mail.pending(work, agent_id)
    work.known[key] = last + room
    marks.remember_room(work, agent_id, most, last + room)
    return room <= 0


def _full(agent_id: str) -> ConduitError:
    return over_limit(
        f"The inbox of {agent_id} is full.", "cleo config get conduit.inbox_max", agentId=agent_id
    )


def _unknown(work: Work, agent_id: str, row: Row | None = None) -> ConduitError:
    if agent_id != HUMAN and is_reserved(agent_id):
        message, fix = f"Nobody can write to {agent_id}.", "cleo conduit agents"
    elif row is not None and refs.get(work, agent_id) is not None:
        message = f"{agent_id} takes no part in the conversation {row['id']}."
        fix = f"cleo conduit send 'text' --to {agent_id}"
    else:
        message = f"This project does not see an agent {agent_id}."
        fix = to_be_seen(work.unit.app, agent_id)
    return ConduitError("E_RECIPIENT_UNKNOWN", message, fix=fix, details={"agentId": agent_id})
