"""``redact``: the text of a message is taken out, wherever the store keeps it."""

from __future__ import annotations

import json
from typing import Any

from cleo_conduit.errors import not_participant
from cleo_conduit.records.keeping import Redacted
from cleo_conduit.service.acting import acting
from cleo_conduit.service.bodies import EXTRACTED
from cleo_conduit.service.reading import readable
from cleo_conduit.service.work import Verbs, Work
from cleo_conduit.store import erasing, mail, pins
from cleo_core.database import Row

PLACEHOLDER = "[redacted]"


class RedactVerbs(Verbs):
    """Taking text back."""

    def redact(self, id: str | int, *, as_human: bool = False) -> Redacted:
        """Replace subject and text of a message, and take out what came with them.

        Jobs and dead letters that carry it are rewritten too. Its sender may do it, and the person.

        :raises NotFoundError: 4; 99, somebody else wrote it.
        """

        def body(work: Work) -> Redacted:
            who = acting(self.app, work, as_human=as_human)
            row = _found(work, who, id)
            if row["redacted_at"] is not None:
                return Redacted(row["id"], False, row["redacted_at"])
            erasing.secure(work.connection, True)
            metadata = _without_extracted(json.loads(row["metadata"]))
            work.execute(
                pins.REDACT,
                seq=row["seq"],
                metadata=json.dumps(metadata, ensure_ascii=False),
                now=work.now,
            )
            for read, write, params in (
                (pins.JOBS, pins.SET_JOB, {"seq": row["seq"]}),
                (pins.LETTERS, pins.SET_LETTER, {"id": row["id"]}),
            ):
                for kept in work.read(read, **params):
                    payload = json.dumps(_blank(json.loads(kept["payload"])), ensure_ascii=False)
                    more = {"now": work.now} if write is pins.SET_JOB else {}
                    work.execute(write, id=kept["id"], payload=payload, **more)
            work.execute(erasing.OPTIMIZE)
            work.execute(pins.REDACT_TITLE, id=row["conversation_id"], subject=row["subject"])
            work.unit.updated("message", row["id"], {}, {"redacted_at": work.now})
            work.note("message", row["id"])
            return Redacted(row["id"], True, work.now)

        try:
            done = self.write("message.redact", body)
        finally:
            if not self.app.dry_run:
                erasing.secure(self.db.connection, False)
        if done.changed and not self.app.dry_run and not erasing.truncate_log(self.db.connection):
            self.app.warn(
                "W_STILL_IN_LOG",
                "Another process reads the store; what was taken out leaves its write-ahead log "
                "when that is done.",
            )
        return done


def _found(work: Work, who: Any, id: str | int) -> Row:
    from cleo_conduit.ids import message_id
    from cleo_core.errors import NotFoundError, echoed

    if not who.human:
        row = readable(work, who, id)
        if row["from_agent_id"] != who.agent_id:
            raise not_participant(f"The message {row['id']} is of {row['from_agent_id']}.")
        return row
    found = mail.message(work, message_id(id))
    if found is None:
        raise NotFoundError(f"There is no message {echoed(str(id))}.", fix="cleo conduit inbox")
    return found


def _without_extracted(metadata: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metadata.items() if name not in EXTRACTED}


def _blank(event: Any) -> Any:
    if not isinstance(event, dict):
        return event
    blank = dict(event)
    if blank.get("subject") is not None:
        blank["subject"] = PLACEHOLDER
    # What it says now has another hash, and nobody compares it with the one that it had.
    blank |= {"content": PLACEHOLDER, "attachments": [], "payload": None, "bodyHash": None}
    if isinstance(blank.get("metadata"), dict):
        blank["metadata"] = _without_extracted(blank["metadata"])
    return blank
