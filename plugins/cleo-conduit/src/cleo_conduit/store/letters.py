"""Dead letters: what could not be delivered, with everything that sending it again needs."""

from __future__ import annotations

from typing import Any

from cleo_core.database import Backend, Row

ADD = (
    "INSERT INTO dead_letters (id, job_id, message_id, recipient, transport, payload, reason, "
    "last_error, last_status, attempts, history, created_at) "
    "VALUES (:id, :job_id, :message_id, :recipient, :transport, :payload, :reason, "
    ":last_error, :last_status, :attempts, :history, :created_at)"
)
#: Who wrote what a letter carries; nobody where neither the message nor the letter can say.
_SENDER = (
    "coalesce((SELECT m.from_agent_id FROM messages AS m WHERE m.id = d.message_id), "
    "json_extract(d.payload, '$.from'))"
)
ONE = f"SELECT d.*, {_SENDER} AS sender FROM dead_letters AS d WHERE d.id = :id"
_CHOSEN = (
    "FROM dead_letters AS d WHERE (:recipient IS NULL OR d.recipient = :recipient) "
    "AND (:everything OR d.replayed_at IS NULL) "
    f"AND (:sender IS NULL OR {_SENDER} = :sender)"
)
LISTED = f"SELECT d.* {_CHOSEN} ORDER BY d.created_at DESC, d.id DESC LIMIT :limit OFFSET :offset"
COUNT = f"SELECT count(*) {_CHOSEN}"
#: In the order in which they died, which is about that in which they were written.
IDS = f"SELECT d.id {_CHOSEN} ORDER BY d.created_at, d.id"
REPLAYED = (
    "UPDATE dead_letters SET replays = replays + 1, replay_job_id = :job_id, replayed_at = :now "
    "WHERE id = :id"
)
DELETE = "DELETE FROM dead_letters WHERE id = :id"
DELETE_JOBS = (
    "DELETE FROM delivery_jobs WHERE message_seq = :seq AND recipient = :recipient "
    "AND transport = :transport AND state NOT IN ('pending', 'leased', 'parked')"
)
#: It is handed over anew; who had it before it was closed has it no longer.
REOPEN = (
    "UPDATE receipts SET state = 'pending', closed_at = NULL, reason = NULL, route = :route, "
    "claim_owner = NULL, claim_until = NULL "
    "WHERE message_seq = :seq AND agent_id = :agent_id AND state IN ('expired', 'dead')"
)


def add(tx: Any, row: Row) -> None:
    """Add a letter."""
    tx.execute(ADD, **row)


def one(db: Backend, id_: str) -> Row | None:
    """A letter, with who wrote what it carries."""
    return db.one(ONE, id=id_)
