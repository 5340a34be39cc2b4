"""Pins: messages that an agent wants to find again."""

from __future__ import annotations

from cleo_conduit.ids import conversation_id
from cleo_conduit.records.keeping import Pin, PinChange
from cleo_conduit.service.acting import acting
from cleo_conduit.service.reading import readable
from cleo_conduit.service.work import Verbs, Work
from cleo_conduit.store import pins
from cleo_core import inputs
from cleo_core.ids import ordered_id
from cleo_core.output import Page

NOTE_LENGTH = 500


class PinVerbs(Verbs):
    """Pinned messages of the acting agent."""

    def pin(self, id: str | int, *, note: str | None = None, as_human: bool = False) -> PinChange:
        """Pin a message; pinned again it gets the note that is given.

        :raises NotFoundError: 4; 99, it is not for the acting agent.
        """
        said = (
            None
            if note is None
            else inputs.line(note, "note", NOTE_LENGTH, fix="--note 'read before release'")
        )

        def body(work: Work) -> PinChange:
            who = acting(self.app, work, as_human=as_human)
            message = readable(work, who, id)
            row = pins.of(work, message["seq"], who.agent_id)
            if row is not None:
                if said is None or said == row["note"]:
                    return PinChange(row["id"], False)
                work.execute(pins.NOTE, id=row["id"], note=said)
                work.note("pin", row["id"], columns=["note"])
                return PinChange(row["id"], True)
            work.unit.check("conduit.pin_agent", [who.agent_id])
            new = {
                "id": ordered_id(),
                "seq": message["seq"],
                "conversation_id": message["conversation_id"],
                "pinned_by": who.agent_id,
                "note": said,
                "now": work.now,
            }
            pins.add(work, new)
            work.note("pin", new["id"], message=message["id"])
            return PinChange(new["id"], True)

        return self.write("message.pin", body)

    def unpin(self, id: str | int, *, as_human: bool = False) -> PinChange:
        """Take the acting agent's pin off a message; raises as :meth:`pin`."""

        def body(work: Work) -> PinChange:
            who = acting(self.app, work, as_human=as_human)
            message = readable(work, who, id)
            row = pins.of(work, message["seq"], who.agent_id)
            if row is None:
                return PinChange(message["id"], False)
            work.execute(pins.DELETE, id=row["id"])
            work.note("pin", row["id"], message=message["id"])
            return PinChange(row["id"], True)

        return self.write("message.unpin", body)

    def pins(
        self,
        *,
        conversation: str | None = None,
        limit: int | None = None,
        offset: int = 0,
        as_human: bool = False,
    ) -> tuple[list[Pin], Page]:
        """The pins of the acting agent, the newest first."""
        db = self.db
        who = acting(self.app, db, as_human=as_human)
        most, start = self.page(limit, offset)
        params = {
            "agent_id": who.agent_id,
            "conversation": None if conversation is None else conversation_id(conversation),
        }
        rows = db.read(pins.LISTED, limit=most, offset=start, **params)
        names = (
            *("id", "message_id", "seq", "conversation_id", "pinned_by", "note", "subject"),
            *("content", "created_at"),
        )
        found = [Pin(**{name: row[name] for name in names}) for row in rows]
        return found, Page(most, start, int(db.scalar(pins.COUNT, **params)))
