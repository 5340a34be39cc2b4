"""Topics: messages to whoever subscribes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import islice
from typing import Any

from cleo_conduit.enums import MESSAGE_KIND
from cleo_conduit.records.keeping import Subscription
from cleo_conduit.records.messages import Conversation, Reading, Sent
from cleo_conduit.service import marks
from cleo_conduit.service.acting import acting
from cleo_conduit.service.addressing import named_topic, wants
from cleo_conduit.service.bodies import is_tag
from cleo_conduit.service.drafts import Draft
from cleo_conduit.service.naming import topic_name
from cleo_conduit.service.posting import take_part
from cleo_conduit.service.reading import ReadVerbs, cursor
from cleo_conduit.service.refs import attach_by_use
from cleo_conduit.service.sending import SendVerbs
from cleo_conduit.service.shaping import as_conversation, as_message
from cleo_conduit.service.work import Work
from cleo_conduit.store import mail, reading, topics
from cleo_core import inputs
from cleo_core.database import Row
from cleo_core.errors import NotFoundError, ValidationError, echoed
from cleo_core.output import Page

MOST_WORDS = 50
WORD_LENGTH = 100


class TopicVerbs(SendVerbs, ReadVerbs):
    """Publishing and subscribing."""

    def topic_publish(
        self,
        topic: str,
        content: str | None = None,
        *,
        as_human: bool = False,
        idempotency_key: str | None = None,
        deliver: bool | None = None,
        **more: Any,
    ) -> Sent:
        """Send a message to the subscribers of a topic, which is made where there is none.

        :param more: ``subject``, ``kind``, ``importance``, ``metadata``, ``payload`` … of ``send``.
        :raises CleoError: as ``send``.
        """
        draft = Draft(content, topic=topic_name(topic), **more)
        return self.send_draft(
            draft, as_human=as_human, key=idempotency_key, deliver=deliver, verb="topic.publish"
        )

    def topic_subscribe(
        self,
        topic: str,
        *,
        history: bool = False,
        kinds: Sequence[str] = (),
        tags: Sequence[str] = (),
        as_human: bool = False,
    ) -> Subscription:
        """Let the acting agent get the messages of a topic from now on.

        Subscribed again, it gets the filter that is given.

        :param history: those that were published before too, the newest that the inbox has room
            for; a warning says where that is not all of them.
        :param kinds: only messages of these kinds; ``tags``: only those with one of these tags.
        """
        name = topic_name(topic)
        filter_ = _filter(kinds, tags)

        def body(work: Work) -> Subscription:
            who = acting(self.app, work, as_human=as_human)
            attach_by_use(work, who)
            row = named_topic(work, name, who.agent_id)
            seq = 0 if history else int(row["last_seq"] or 0)
            place = mail.participant(work, row["id"], who.agent_id)
            here = place is not None and place["left_at"] is None
            text = None if filter_ is None else json.dumps(filter_, ensure_ascii=False)
            changed = not here
            if not here:
                take_part(work, row, who.agent_id, joined_seq=seq, filter_=text)
            elif place is not None and (
                place["filter"] != text or (history and place["joined_seq"])
            ):
                params = {"id": row["id"], "agent_id": who.agent_id, "filter": text}
                at = 0 if history else place["joined_seq"]
                work.execute(topics.FILTER, joined_seq=at, **params)
                changed = True
            complete = True
            if history:
                added, complete = _catch_up(work, row["id"], who.agent_id, text)
                changed = added or changed
            if changed:
                work.note("conversation", row["id"], agent=who.agent_id, history=history)
            now = mail.participant(work, row["id"], who.agent_id)
            assert now is not None
            return Subscription(
                name, row["id"], who.agent_id, changed, now["joined_seq"], filter_, complete
            )

        done = self.write("topic.subscribe", body)
        if not done.complete:
            self.app.warn(
                "W_HISTORY_CUT",
                f"The inbox of {done.agent_id} has no room for all that was published before.",
                fix=f"cleo topic read {name} --history",
            )
        return done

    def topic_unsubscribe(self, topic: str, *, as_human: bool = False) -> Subscription:
        """End the acting agent's subscription; what it got until now stays readable to it.

        :raises NotFoundError: 4, there is no such topic.
        """
        name = topic_name(topic)

        def body(work: Work) -> Subscription:
            who = acting(self.app, work, as_human=as_human)
            row = _found(work, name)
            seq = int(row["last_seq"] or 0)
            params = {"id": row["id"], "agent_id": who.agent_id, "seq": seq, "now": work.now}
            changed = bool(work.execute(topics.LEAVE, **params))
            if changed:
                work.note("conversation", row["id"], agent=who.agent_id)
            return Subscription(name, row["id"], who.agent_id, changed, seq, None)

        return self.write("topic.unsubscribe", body)

    def topic_list(
        self, *, limit: int | None = None, offset: int = 0, as_human: bool = False
    ) -> tuple[list[Conversation], Page]:
        """The topics of the project, the one with the newest message first."""
        return self.conversations(limit=limit, offset=offset, as_human=as_human, topics=True)

    def topic_read(
        self,
        topic: str,
        *,
        history: bool = False,
        kinds: Sequence[str] = (),
        tags: Sequence[str] = (),
        after: int = 0,
        limit: int | None = None,
        as_human: bool = False,
    ) -> Reading:
        """Messages of a topic, oldest first; nothing is marked.

        :param history: for a subscriber those from before it subscribed too.
        :param kinds: only messages of these kinds; ``tags``: only those with one of these tags.
        :raises NotFoundError: 4, there is no such topic.
        """
        name = topic_name(topic)
        db = self.db
        who = acting(self.app, db, as_human=as_human)
        row = _found(db, name)
        start, most = cursor(after, limit)
        place = mail.participant(db, row["id"], who.agent_id)
        if place is not None and not history:
            start = max(start, place["joined_seq"])
        wanted = _filter(kinds, tags)
        text = None if wanted is None else json.dumps(wanted)
        found: list[Any] = []
        while len(found) <= most:
            rows = db.read(
                reading.CONVERSATION,
                id=row["id"],
                reader=who.agent_id,
                attached=1,
                after=start,
                limit=most,
            )
            for one in rows:
                start = one["seq"]
                if wants(text, one["kind"], json.loads(one["metadata"]), ""):
                    found.append(one)
                    if len(found) > most:
                        break
            if len(rows) < most:
                break
        more = len(found) > most
        if more:
            del found[most:]
            start = found[-1]["seq"]
        names = reading.names(db, [row["id"]])[row["id"]]
        return Reading(as_conversation(row, names), [as_message(one) for one in found], start, more)


def _found(db: Any, name: str) -> Row:
    row = mail.topic(db, name)
    if row is None:
        raise NotFoundError(f"There is no topic {echoed(name)}.", fix="cleo topic list")
    return row


def _filter(kinds: Sequence[str], tags: Sequence[str]) -> dict[str, list[str]] | None:
    """A subscriber's filter; None where everything is wanted.

    :raises ValidationError: a kind is unknown, a tag is none.
    """
    named = [inputs.word_of(MESSAGE_KIND, "kind")(one) for one in inputs.texts(kinds, "kinds")]
    words = [_tag(one) for one in inputs.texts(tags, "tags")[:MOST_WORDS]]
    if not named and not words:
        return None
    return {"kinds": sorted(set(named)), "tags": sorted(set(words))}


def _tag(value: str) -> str:
    """A tag as a text can hold it.

    :raises ValidationError: no text could.
    """
    tag = inputs.line(value.removeprefix("#"), "tag", WORD_LENGTH, fix="--filter urgent")
    if not is_tag(tag):
        raise ValidationError(
            f"{echoed(value)} is no tag that a text can have.", fix="--filter urgent"
        )
    return tag


def _catch_up(work: Work, id_: str, agent_id: str, filter_: str | None) -> tuple[bool, bool]:
    """Receipts for what was published before, the newest that the inbox has room for.

    :returns: whether there were any, and whether there was room for all.
    """
    most = int(work.unit.app.config.get("conduit.inbox_max"))
    room = max(0, most - mail.pending(work, agent_id))
    wanted = (
        (row["seq"], agent_id, "topic", "local", 0)
        for row in topics.missed(work, id_, agent_id, work.now)
        if wants(filter_, row["kind"], json.loads(row["metadata"]), "")
    )
    rows = list(islice(wanted, room))
    complete = next(wanted, None) is None
    if not rows:
        return False, complete
    mail.add_receipts(work, rows[::-1])
    marks.forget(work, agent_id)
    return True, complete
