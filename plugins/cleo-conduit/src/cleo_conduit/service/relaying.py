"""What transports do with the mailboxes of this project."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cleo_conduit.ids import parse_agent_id
from cleo_conduit.service.accepting import RefusedError, accept, known_id
from cleo_conduit.service.events import event_of
from cleo_conduit.service.receiving import move
from cleo_conduit.service.work import Verbs, Work
from cleo_conduit.store import inbound, jobs, mail, refs
from cleo_core.agent_ids import is_agent_id

#: State that is reported -> state of the receipt here.
MOVES = ("delivered", "read", "acked", "rejected")
REASON = "reported by its server"


class RelayVerbs(Verbs):
    """Handing mail over to, and taking it from, another store."""

    def accept_here(self, event: Mapping[str, Any], *, origin: str) -> tuple[str, str | None]:
        """Store a message from elsewhere for the recipient that it names.

        It is not verified: whoever can open the file can hand over.

        :returns: an outcome of a push and what is wrong, if anything.
        """

        def body(work: Work) -> tuple[str, str | None]:
            recipient = event.get("recipient")
            known = isinstance(recipient, str) and is_agent_id(recipient)
            ref = refs.get(work, str(recipient)) if known else None
            if ref is None or not ref["enabled"]:
                return "permanent", "This project does not see the recipient."
            try:
                accept(work, event, str(recipient), origin=origin, verified=False, reported=None)
            except RefusedError as error:
                work.note("message", known_id(event), why=str(error))
                return "permanent", f"The message was refused: {error}."
            return "accepted", None

        found: tuple[str, str | None] = self.write("message.accept", body)
        return found

    def waiting(self, agent_id: str, after: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
        """Messages that wait for an agent, with their numbers, as events."""
        id_ = parse_agent_id(agent_id)
        found = []
        for row in self.db.read(inbound.FOR_AGENT, agent_id=id_, after=after, limit=limit):
            receipts = mail.receipts_of(self.db, row["seq"])
            event = event_of(
                row,
                row["conversation_kind"],
                [one["agent_id"] for one in receipts if one["role"] == "to"],
                [one["agent_id"] for one in receipts if one["role"] == "cc"],
                topic=row["topic"],
                recipient=id_,
            )
            found.append((row["seq"], event))
        return found

    def note_states(self, agent_id: str, ids: Sequence[str], state: str) -> None:
        """Move receipts of an agent up, as another store says."""
        id_ = parse_agent_id(agent_id)

        def body(work: Work) -> None:
            for message_id in ids:
                row = mail.message(work, str(message_id))
                if row is not None:
                    take_state(work, row["seq"], row["id"], id_, state)

        self.write("message.states", body)

    def states(self, sender: str, ids: Sequence[str]) -> dict[str, dict[str, str]]:
        """What became of messages that an agent sent: id -> recipient -> state."""
        found: dict[str, dict[str, str]] = {}
        params = {"sender": parse_agent_id(sender), "ids": json.dumps([str(id_) for id_ in ids])}
        for row in self.db.read(inbound.STATES, **params):
            found.setdefault(row["id"], {})[row["agent_id"]] = row["state"]
        return found


def take_state(work: Work, seq: int, id_: str, agent_id: str, state: str) -> bool:
    """Move a receipt up to a state that another store reports.

    :returns: whether it moved.
    """
    if state == "relayed":
        moved = bool(work.execute(jobs.RELAY, seq=seq, agent_id=agent_id))
        if moved:
            work.note("receipt", f"{id_}:{agent_id}", action="receipt.relayed")
        return moved
    if state not in MOVES:
        return False
    return move(work, seq, id_, agent_id, state, REASON if state == "rejected" else None)
