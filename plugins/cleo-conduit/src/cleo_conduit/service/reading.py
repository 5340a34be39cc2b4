"""Looking at mail: nothing here writes, and what was looked at is as unread as before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cleo_conduit.errors import not_participant
from cleo_conduit.ids import conversation_id, message_id, parse_agent_id
from cleo_conduit.records.messages import Conversation, Inbox, Overdue, Reading, ReceiptLine, Shown
from cleo_conduit.service.acting import Acting, acting
from cleo_conduit.service.fields import flag
from cleo_conduit.service.shaping import as_conversation, as_message, as_receipt
from cleo_conduit.service.work import LIST_LIMIT, MOST_LISTED, Verbs
from cleo_conduit.store import mail, reading
from cleo_core import clock
from cleo_core.errors import NotFoundError, UsageError, echoed
from cleo_core.output import Page

if TYPE_CHECKING:
    from cleo_core.database import Row


class ReadVerbs(Verbs):
    """Mail as its readers see it."""

    def inbox(
        self,
        *,
        everything: bool = False,
        urgent: bool = False,
        needs_ack: bool = False,
        sender: str | None = None,
        conversation: str | None = None,
        after: int = 0,
        limit: int | None = None,
        as_human: bool = False,
    ) -> Inbox:
        """Messages for the acting agent that it has not read, oldest first.

        :param everything: those that it has read, refused or missed too.
        :param urgent: of importance ``urgent``; ``needs_ack``: that wait for its acknowledgement.
        :param sender: from this agent.
        :param after: with a number above this one.
        :raises CleoError: 2 no agent; 99 not attached.
        :raises UsageError: an option's value is none.
        """
        db = self.db
        who = acting(self.app, db, as_human=as_human)
        start, most = cursor(after, limit)
        rows = reading.inbox(
            db,
            everything=flag(everything, "everything"),
            needs_ack=flag(needs_ack, "needs_ack"),
            agent_id=who.agent_id,
            after=start,
            sender=None if sender is None else parse_agent_id(sender),
            conversation=None if conversation is None else conversation_id(conversation),
            urgent=int(flag(urgent, "urgent")),
            limit=most + 1,
        )
        more = len(rows) > most
        del rows[most:]
        return Inbox(
            [as_message(row) for row in rows],
            rows[-1]["seq"] if rows else start,
            more,
            int(db.scalar(reading.UNREAD, agent_id=who.agent_id)),
            int(db.scalar(reading.NEEDS_ACK, agent_id=who.agent_id)),
        )

    def show(self, id: str | int, *, as_human: bool = False) -> Shown:
        """A message; with its receipts for its sender and those who take part.

        :raises NotFoundError: 4, there is no such message.
        :raises ConduitError: 99, it is not for the acting agent.
        """
        db = self.db
        who = acting(self.app, db, as_human=as_human)
        row = self._readable(db, who, id)
        found = db.one(reading.MESSAGE, seq=row["seq"], reader=who.agent_id)
        assert found is not None
        receipts = []
        if _knows_receipts(db, who, row):
            receipts = [as_receipt(one) for one in mail.receipts_of(db, row["seq"])]
        return Shown(as_message(found), receipts)

    def receipts(
        self, id: str | int, *, refresh: bool = False, as_human: bool = False
    ) -> list[ReceiptLine]:
        """What became of a message for each of its recipients.

        :param refresh: ask first, where it left for another machine, what became of it there.
        :raises NotFoundError: 4, there is no such message.
        :raises ConduitError: 99, the acting agent neither wrote it nor takes part.
        """
        db = self.db
        who = acting(self.app, db, as_human=as_human)
        row = self._readable(db, who, id)
        if not _knows_receipts(db, who, row):
            raise not_participant(f"What became of {row['id']} is told to those who take part.")
        if flag(refresh, "refresh") and not self.app.dry_run:
            from cleo_conduit.service.refreshing import refresh_message

            refresh_message(self.app, row["seq"])
        return [as_receipt(one) for one in mail.receipts_of(db, row["seq"])]

    def thread(
        self, id: str | int, *, after: int = 0, limit: int | None = None, as_human: bool = False
    ) -> Reading:
        """The messages of a reply tree that the acting agent may read, oldest first.

        :param id: any message of it.
        :raises NotFoundError: 4.
        :raises ConduitError: 99, that message is not for the acting agent.
        """
        db = self.db
        who = acting(self.app, db, as_human=as_human)
        row = self._readable(db, who, id)
        start, most = cursor(after, limit)
        rows = db.read(
            reading.THREAD,
            id=row["thread_id"],
            reader=who.agent_id,
            attached=1,
            after=start,
            limit=most + 1,
        )
        shown = rows[:most]
        last = shown[-1]["seq"] if shown else start
        return Reading(None, [as_message(one) for one in shown], last, len(rows) > most)

    def conversation(
        self, id: str, *, after: int = 0, limit: int | None = None, as_human: bool = False
    ) -> Reading:
        """The messages of a conversation that the acting agent may read, oldest first.

        :raises NotFoundError: 4, there is none of that id.
        :raises ConduitError: 99, it is not for the acting agent.
        """
        db = self.db
        who = acting(self.app, db, as_human=as_human)
        return self._conversation(who, conversation_id(id), after, limit)

    def conversations(
        self,
        *,
        after: int = 0,
        limit: int | None = None,
        offset: int = 0,
        as_human: bool = False,
        topics: bool = False,
    ) -> tuple[list[Conversation], Page]:
        """The conversations of the acting agent, the one with the newest message first.

        :param after: those with a message above this number.
        :param topics: the topics instead.
        """
        db = self.db
        who = acting(self.app, db, as_human=as_human)
        most, start = self.page(limit, offset)
        first, _ = cursor(after, None)
        params: dict[str, Any] = {
            "reader": who.agent_id,
            "attached": 1,
            "topics": int(topics),
            "after": first,
        }
        rows = db.read(reading.CONVERSATIONS, limit=most, offset=start, **params)
        names = reading.names(db, [row["id"] for row in rows])
        total = int(db.scalar(reading.COUNT_CONVERSATIONS, **params))
        return [as_conversation(row, names[row["id"]]) for row in rows], Page(most, start, total)

    def overdue(
        self,
        *,
        mine: bool = False,
        limit: int | None = None,
        offset: int = 0,
        as_human: bool = False,
    ) -> tuple[list[Overdue], Page]:
        """Acknowledgements that are overdue: that the acting agent waits for, or owes.

        :param mine: only those that it owes.
        """
        db = self.db
        who = acting(self.app, db, as_human=as_human)
        most, start = self.page(limit, offset)
        params = {"reader": who.agent_id, "mine": int(flag(mine, "mine")), "now": clock.now()}
        rows = db.read(reading.OVERDUE, limit=most, offset=start, **params)
        found = [
            Overdue(
                row["id"],
                row["seq"],
                row["from_agent_id"],
                row["agent_id"],
                row["state"],
                row["ack_due_at"],
                row["escalated_at"],
                row["subject"],
            )
            for row in rows
        ]
        return found, Page(most, start, int(db.scalar(reading.COUNT_OVERDUE, **params)))

    def _conversation(self, who: Acting, id_: str, after: int, limit: int | None) -> Reading:
        db = self.db
        row = mail.conversation(db, id_)
        if row is None:
            raise NotFoundError(
                f"There is no conversation {echoed(id_)}.", fix="cleo conduit conversations"
            )
        if not reading.knows(db, id_, who.agent_id, attached=True):
            raise not_participant(
                f"The conversation {id_} is not for {who.agent_id}.", "cleo conduit conversations"
            )
        start, most = cursor(after, limit)
        rows = db.read(
            reading.CONVERSATION,
            id=id_,
            reader=who.agent_id,
            attached=1,
            after=start,
            limit=most + 1,
        )
        more = len(rows) > most
        del rows[most:]
        place = mail.participant(db, id_, who.agent_id)
        if place is not None and place["left_at"] is not None and row["visibility"] == "private":
            row = {**row, **reading.seen_until(db, id_, place["left_seq"])}
            names: list[str] = []
        else:
            names = reading.names(db, [id_])[id_]
        return Reading(
            as_conversation(row, names),
            [as_message(one) for one in rows],
            rows[-1]["seq"] if rows else start,
            more,
        )

    def _readable(self, db: Any, who: Acting, id: str | int) -> Row:
        return readable(db, who, id)


def readable(db: Any, who: Acting, id: str | int) -> Row:
    """A message that somebody may read.

    :raises NotFoundError: 4, there is none of that id.
    :raises ConduitError: 99, it is not for the reader.
    """
    row = mail.message(db, message_id(id))
    if row is None:
        raise NotFoundError(
            f"There is no message {echoed(str(id))}.", fix="cleo conduit inbox --all"
        )
    if not reading.can_read(db, row["seq"], who.agent_id, attached=True):
        raise not_participant(
            f"The message {row['id']} is not for {who.agent_id}.", "cleo conduit inbox --all"
        )
    return row


def cursor(after: Any, limit: Any) -> tuple[int, int]:
    """Where to go on, and how many at most.

    :raises UsageError: a number is out of range.
    """
    most = LIST_LIMIT if limit is None else limit
    whole = all(isinstance(one, int) and not isinstance(one, bool) for one in (after, most))
    if not whole or not 1 <= most <= MOST_LISTED or not 0 <= after < 2**63:
        raise UsageError(
            f"A limit is from 1 to {MOST_LISTED}, and --after is a message's number.",
            fix=f"--limit {LIST_LIMIT} --after 0",
        )
    return after, most


def _knows_receipts(db: Any, who: Acting, row: Row) -> bool:
    if row["from_agent_id"] == who.agent_id:
        return True
    place = mail.participant(db, row["conversation_id"], who.agent_id)
    if place is not None and place["left_at"] is None:
        return True
    # Who was written to knows to whom else.
    return mail.receipt(db, row["seq"], who.agent_id) is not None
