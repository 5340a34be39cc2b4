"""``redact``: the text of a message is taken out, wherever the store keeps it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from cleo_conduit.errors import not_participant
from cleo_conduit.ids import message_id
from cleo_conduit.records.keeping import Redacted
from cleo_conduit.service.acting import Acting, acting
from cleo_conduit.service.bodies import EXTRACTED
from cleo_conduit.service.reading import readable
from cleo_conduit.service.wiping import mark, wipe
from cleo_conduit.service.work import Verbs, Work
from cleo_conduit.store import mail, meta, pins
from cleo_conduit.store.erasing import UNWIPED
from cleo_core.database import Row, erasing
from cleo_core.errors import NotFoundError, UsageError

PLACEHOLDER = "[redacted]"
#: Messages that are redacted at once.
MOST = 500
#: What an event without its text has beside it.
REDACTED_AT = "redactedAt"


class RedactVerbs(Verbs):
    """Taking text back."""

    def redact(self, id: str | int, *, as_human: bool = False) -> Redacted:
        """Replace subject and text of a message, and take out what came with them.

        Jobs and dead letters that carry it are rewritten too, and the errors of their attempts are
        taken out; letters also where the message itself was pruned. Then the file is written anew.
        Its sender may do it, and the person.

        :raises NotFoundError: 4; 99, somebody else wrote it.
        """
        return self.redact_all([id], as_human=as_human)[0]

    def redact_all(self, ids: Sequence[str | int], *, as_human: bool = False) -> list[Redacted]:
        """Redact several messages, or none of them, and write the file anew once.

        :raises UsageError: 2, there are none, or more than five hundred; else as :meth:`redact`.
        """
        named = [message_id(id_) for id_ in ids]
        if not 1 <= len(named) <= MOST:
            raise UsageError(f"Name 1 to {MOST} messages.", fix="cleo conduit redact ID")

        def body(work: Work) -> list[Redacted]:
            who = acting(self.app, work, as_human=as_human)
            return [_redact(work, who, one) for one in named]

        try:
            done = self.write("message.redact", body)
            # One that was redacted before may still be in the file.
            if not self.app.dry_run and meta.get(self.db, UNWIPED) is not None:
                wipe(self.app)
        finally:
            if not self.db.stands_in:
                erasing.secure(self.db.connection, False)
        return done


def _redact(work: Work, who: Acting, named: str | int) -> Redacted:
    row = mail.message(work, named)
    letters = [] if row is not None else _letters(work, who, named)
    if not letters:
        row = _own(work, who, named)
        if row["redacted_at"] is not None:
            return Redacted(row["id"], False, row["redacted_at"])
    elif all(one.get(REDACTED_AT) for one in letters):
        return Redacted(str(named), False, max(one[REDACTED_AT] for one in letters))
    erasing.secure(work.connection, True)
    mark(work)
    if row is None:
        id_ = str(named)
    else:
        id_ = row["id"]
        _blank_message(work, row)
        work.unit.updated("message", id_, {}, {"redacted_at": work.now})
    for kept in work.read(pins.LETTERS, id=id_):
        work.execute(pins.SET_LETTER, id=kept["id"], **_blanked(work, kept))
    work.note("message", id_)
    return Redacted(id_, True, work.now)


def _own(work: Work, who: Acting, named: str | int) -> Row:
    if not who.human:
        row = readable(work, who, named)
        if row["from_agent_id"] != who.agent_id:
            raise not_participant(f"The message {row['id']} is of {row['from_agent_id']}.")
        return row
    found = mail.message(work, named)
    if found is None:
        raise NotFoundError(f"There is no message {named}.", fix="cleo conduit inbox --all")
    return found


def _letters(work: Work, who: Acting, named: str | int) -> list[dict[str, Any]]:
    """What the acting agent's dead letters of a message carry; the person's are everybody's."""
    events = [json.loads(row["payload"]) for row in work.read(pins.LETTERS, id=named)]
    return [
        one
        for one in events
        if isinstance(one, dict) and (who.human or one.get("from") == who.agent_id)
    ]


def _blank_message(work: Work, row: Row) -> None:
    metadata = _without_extracted(json.loads(row["metadata"]))
    text = json.dumps(metadata, ensure_ascii=False)
    work.execute(pins.REDACT, seq=row["seq"], metadata=text, now=work.now)
    for kept in work.read(pins.JOBS, seq=row["seq"]):
        work.execute(pins.SET_JOB, id=kept["id"], now=work.now, **_blanked(work, kept))
    work.execute(pins.REDACT_TITLE, id=row["conversation_id"], subject=row["subject"])


def _blanked(work: Work, kept: Row) -> dict[str, str]:
    """Payload and history of a job or a letter; a server's error may repeat what it was given."""
    history = [
        {**one, "error": None} if isinstance(one, dict) else None
        for one in json.loads(kept["history"])
    ]
    return {
        "payload": json.dumps(_blank(json.loads(kept["payload"]), work.now), ensure_ascii=False),
        "history": json.dumps(history, ensure_ascii=False),
    }


def _without_extracted(metadata: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metadata.items() if name not in EXTRACTED}


def _blank(event: Any, now: str) -> Any:
    if not isinstance(event, dict):
        return event
    blank = dict(event)
    if blank.get("subject") is not None:
        blank["subject"] = PLACEHOLDER
    # What it says now has another hash, and nobody compares it with the one that it had.
    blank |= {"content": PLACEHOLDER, "attachments": [], "payload": None, "bodyHash": None}
    blank[REDACTED_AT] = now
    if isinstance(blank.get("metadata"), dict):
        blank["metadata"] = _without_extracted(blank["metadata"])
    return blank
