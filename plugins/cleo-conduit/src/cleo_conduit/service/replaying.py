"""Jobs and dead letters: looking at them, sending letters again, deleting them."""

from __future__ import annotations

import json
from typing import Any

from cleo_conduit.enums import JOB_STATE
from cleo_conduit.errors import ConduitError
from cleo_conduit.ids import parse_agent_id
from cleo_conduit.records.delivery import Job, Letter, Purged, Replay
from cleo_conduit.service import marks
from cleo_conduit.service.accepting import RefusedError, accept
from cleo_conduit.service.acting import HUMAN, acting
from cleo_conduit.service.events import event_of
from cleo_conduit.service.posting import To
from cleo_conduit.service.queueing import queue
from cleo_conduit.service.work import Verbs, Work
from cleo_conduit.store import jobs, letters, mail, receiving, refs
from cleo_core import inputs
from cleo_core.errors import CleoError, NotFoundError, UsageError, ValidationError, echoed
from cleo_core.output import Page

MOST = 500
#: Letters that one unit sends again.
BATCH = 100
#: States of a receipt whose recipient has the message.
ARRIVED = ("delivered", "read", "acked", "rejected")


class LetterVerbs(Verbs):
    """What is to leave for other machines, and what could not."""

    def jobs(
        self,
        *,
        state: str | None = None,
        recipient: str | None = None,
        everything: bool = False,
        limit: int | None = None,
        offset: int = 0,
        as_human: bool = False,
    ) -> tuple[list[Job], Page]:
        """Delivery jobs of the acting agent's messages that are still to be done, newest first.

        The person sees everybody's.

        :param everything: the finished ones too; ``state`` names one state.
        """
        most, start = self.page(limit, offset)
        check = inputs.word_of(JOB_STATE, "state")
        params: dict[str, Any] = {
            "state": None if state is None else inputs.as_filter(check, state),
            "recipient": None if recipient is None else parse_agent_id(recipient),
            "sender": self._sender(as_human),
            "everything": int(bool(everything) or state is not None),
        }
        rows = self.db.read(jobs.LISTED, limit=most, offset=start, **params)
        found = [_as_job(row) for row in rows]
        return found, Page(most, start, int(self.db.scalar(jobs.COUNT, **params)))

    def dead_list(
        self,
        *,
        recipient: str | None = None,
        everything: bool = False,
        limit: int | None = None,
        offset: int = 0,
        as_human: bool = False,
    ) -> tuple[list[Letter], Page]:
        """The acting agent's dead letters that were not sent again, newest first, without text.

        The person sees everybody's.

        :param everything: those that were too.
        """
        most, start = self.page(limit, offset)
        params: dict[str, Any] = {
            "recipient": None if recipient is None else parse_agent_id(recipient),
            "sender": self._sender(as_human),
            "everything": int(bool(everything)),
        }
        rows = self.db.read(letters.LISTED, limit=most, offset=start, **params)
        found = [_as_letter(row, whole=False) for row in rows]
        return found, Page(most, start, int(self.db.scalar(letters.COUNT, **params)))

    def dead_show(self, id: str, *, as_human: bool = False) -> Letter:
        """A dead letter with what it carries and every attempt.

        :raises NotFoundError: 4, the acting agent has no such letter.
        """
        return _as_letter(_letter(self.db, id, self._sender(as_human)), whole=True)

    def dead_replay(
        self,
        *ids: str,
        everything: bool = False,
        recipient: str | None = None,
        as_human: bool = False,
    ) -> list[Replay]:
        """Send dead letters again, each with fresh attempts; the message is restored if it is gone.

        The recipient gets the same id and the same text. A letter whose message the recipient has
        is done with, and nothing is sent.

        :param everything: instead of those named all that were not sent again, each for itself:
            what is wrong with one stands in its ``error``, unless that is so of all of them;
            ``recipient``: of these the ones to one agent.
        :raises NotFoundError: 4.
        :raises ConduitError: 17, it is being sent again; 95, nobody here can get it.
        """
        if bool(ids) == bool(everything) or len(ids) > MOST or (recipient and not everything):
            raise UsageError(f"Name 1 to {MOST} letters, or all.", fix="cleo conduit dead list")
        to = None if recipient is None else parse_agent_id(recipient)

        if everything:
            return self._replay_all(to, as_human)

        def body(work: Work) -> list[Replay]:
            sender = self._sender(as_human, work)
            rows = {id_: _letter(work, id_, sender) for id_ in ids}
            return [_replay(work, row) for row in rows.values()]

        return self.write("letter.replay", body)

    def _replay_all(self, recipient: str | None, as_human: bool) -> list[Replay]:
        params = {"recipient": recipient, "sender": self._sender(as_human), "everything": 0}
        ids = [row["id"] for row in self.db.read(letters.IDS, **params)]
        done: list[Replay] = []
        failed: list[CleoError] = []
        for first in range(0, len(ids), BATCH):
            some = ids[first : first + BATCH]

            def body(work: Work, some: list[str] = some) -> tuple[list[Replay], list[CleoError]]:
                sender = self._sender(as_human, work)
                found, bad = [], []
                for id_ in some:
                    row = letters.one(work, id_)
                    # Somebody else may have sent or deleted it since, or waits for it.
                    mine = row is not None and sender in (None, row["sender"])
                    if row is None or not mine or row["replayed_at"] or _runs(work, row):
                        continue
                    try:
                        found.append(_replay(work, row))
                    except CleoError as error:
                        bad.append(error)
                        found.append(_failed(row, error))
                return found, bad

            more, wrong = self.write("letter.replay", body)
            done += more
            failed += wrong
        if failed and len(failed) == len(done):
            raise failed[0]
        return done

    def dead_purge(self, *ids: str, everything: bool = False, as_human: bool = False) -> Purged:
        """Delete dead letters for good: those named, or all of the acting agent's.

        :raises NotFoundError: 4.
        """
        if bool(ids) == bool(everything):
            raise UsageError("Name letters, or all.", fix="cleo conduit dead purge --all")

        def body(work: Work) -> Purged:
            sender = self._sender(as_human, work)
            if everything:
                params = {"recipient": None, "sender": sender, "everything": 1}
                rows = work.read(letters.LISTED, limit=-1, offset=0, **params)
            else:
                rows = [_letter(work, id_, sender) for id_ in ids]
            named = list(dict.fromkeys(row["id"] for row in rows))
            for id_ in named:
                work.execute(letters.DELETE, id=id_)
                work.note("letter", id_)
            return Purged(named)

        return self.write("letter.purge", body)

    def _sender(self, as_human: bool, db: Any = None) -> str | None:
        """Whose letters are meant; None for everybody's, which the person sees."""
        who = acting(self.app, self.db if db is None else db, as_human=as_human)
        return None if who.human else who.agent_id


def _letter(db: Any, id_: Any, sender: str | None) -> Any:
    row = letters.one(db, id_) if isinstance(id_, str) else None
    if row is None or (sender is not None and row["sender"] != sender):
        raise NotFoundError(f"There is no dead letter {echoed(id_)}.", fix="cleo conduit dead list")
    return row


def _runs(work: Work, letter: Any) -> bool:
    """Whether what the letter carries is under way, by this letter or by another.

    A job is to carry it, or it waits here for its recipient.
    """
    row = mail.message(work, letter["message_id"])
    if row is None:
        return False
    recipient = letter["recipient"]
    if receiving.has_jobs(work, row["seq"], recipient):
        return True
    here = work.routes.of(recipient).transport == "local"
    return here and receiving.is_waiting(work, row["seq"], recipient)


def _failed(letter: Any, error: CleoError) -> Replay:
    said = {"code": error.code, "message": error.message, "fix": error.fix}
    return Replay(
        letter["id"], letter["message_id"], None, letter["recipient"], None, False, error=said
    )


def _replay(work: Work, letter: Any) -> Replay:
    recipient = letter["recipient"]
    if _runs(work, letter):
        raise ConduitError(
            "E_REPLAY_RUNNING",
            f"The letter {letter['id']} is being sent again already.",
            fix="cleo conduit jobs",
        )
    row = mail.message(work, letter["message_id"])
    receipt = None if row is None else mail.receipt(work, row["seq"], recipient)
    if row is not None and receipt is not None and receipt["state"] in ARRIVED:
        work.execute(letters.REPLAYED, id=letter["id"], job_id=None, now=work.now)
        work.note("letter", letter["id"], arrived=True)
        return Replay(letter["id"], row["id"], row["seq"], recipient, None, False)
    _check_recipient(work, letter)
    try:
        row = _restored(work, letter)
    except RefusedError as error:
        raise ValidationError(
            f"What the letter {letter['id']} carries is no message: {error}.",
            fix=f"cleo conduit dead show {letter['id']}",
        ) from error
    route = work.routes.of(recipient)
    work.execute(letters.REOPEN, seq=row["seq"], agent_id=recipient, route=route.transport)
    marks.forget(work, recipient)
    job_id = None
    if route.transport != "local":
        work.execute(
            letters.DELETE_JOBS, seq=row["seq"], recipient=recipient, transport=route.transport
        )
        event = _event(work, row, recipient)
        job_id = queue(work, row["seq"], To(recipient, route=route), event).job_id
    work.execute(letters.REPLAYED, id=letter["id"], job_id=job_id, now=work.now)
    work.note("letter", letter["id"], job=job_id)
    work.wake([recipient])
    return Replay(letter["id"], row["id"], row["seq"], recipient, job_id, True)


def _check_recipient(work: Work, letter: Any) -> None:
    """Nobody is written to who is not there.

    :raises ConduitError: 95.
    """
    recipient = letter["recipient"]
    ref = refs.get(work, recipient)
    away = ref is None and work.routes.of(recipient).transport != "local"
    if recipient == HUMAN or away or (ref is not None and ref["enabled"]):
        return
    raise ConduitError(
        "E_RECIPIENT_UNKNOWN",
        f"This project does not see the agent {recipient}.",
        fix=f"cleo conduit dead show {letter['id']}",
        details={"agentId": recipient},
    )


def _restored(work: Work, letter: Any) -> Any:
    """The message's row; put back, with the recipient's receipt, where it was pruned."""
    row = mail.message(work, letter["message_id"])
    if row is not None and mail.receipt(work, row["seq"], letter["recipient"]) is not None:
        return row
    event = json.loads(letter["payload"])
    if not isinstance(event, dict) or event.get("id") != letter["message_id"]:
        raise RefusedError("it is not the one that the letter is of")
    accept(
        work,
        {"to": [], "cc": [], **event},
        letter["recipient"],
        origin="local",
        verified=bool(event.get("verified")),
        route=work.routes.of(letter["recipient"]).transport,
        own=True,
    )
    return mail.message(work, letter["message_id"])


def _event(work: Work, row: Any, recipient: str) -> dict[str, Any]:
    conversation = mail.conversation(work, row["conversation_id"])
    assert conversation is not None
    receipts = mail.receipts_of(work, row["seq"])
    return event_of(
        row,
        conversation["kind"],
        [one["agent_id"] for one in receipts if one["role"] == "to"],
        [one["agent_id"] for one in receipts if one["role"] == "cc"],
        topic=conversation["topic"],
        recipient=recipient,
    )


def _as_job(row: Any) -> Job:
    names = (
        *("id", "message_id", "sender", "recipient", "transport", "state", "parked_for"),
        *("attempts", "max_attempts", "next_attempt_at", "last_error", "last_status"),
        *("created_at", "finished_at"),
    )
    return Job(**{name: row[name] for name in names})


def _as_letter(row: Any, *, whole: bool) -> Letter:
    names = (
        *("id", "job_id", "message_id", "recipient", "transport", "reason", "last_error"),
        *("last_status", "attempts", "replays", "replay_job_id", "replayed_at", "created_at"),
    )
    return Letter(
        **{name: row[name] for name in names},
        payload=json.loads(row["payload"]) if whole else None,
        history=json.loads(row["history"]) if whole else None,
    )
