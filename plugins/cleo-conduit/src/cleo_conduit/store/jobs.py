"""Delivery jobs: claimed with a lease and a fence, completed by whoever holds them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cleo_core.database import Backend, Row

#: Jobs that are read at first; the rest where all of these wait.
AT_ONCE = 5000
OF_MESSAGE = "SELECT * FROM delivery_jobs WHERE message_seq = :seq ORDER BY recipient, transport"
ADD = (
    "INSERT INTO delivery_jobs (id, message_seq, recipient, transport, payload, state, "
    "parked_for, last_error, next_attempt_at, created_at, updated_at) VALUES (:id, :seq, "
    ":recipient, :transport, :payload, :state, :parked_for, :last_error, :now, :now, :now)"
)
OUTLIVED = (
    "SELECT j.message_seq, j.recipient FROM delivery_jobs AS j "
    "WHERE j.state IN ('pending', 'leased', 'parked') AND j.created_at <= :before "
    "ORDER BY j.created_at LIMIT :limit"
)
#: A lease that is to end later than any can is of a clock that was set back since.
LEASE_OVER = (
    "SELECT * FROM delivery_jobs WHERE state = 'leased' "
    "AND state IN ('pending', 'leased', 'parked') "
    "AND (lease_until <= :now OR lease_until > :latest) LIMIT :limit"
)
RELEASE = (
    "UPDATE delivery_jobs SET state = 'pending', lease_owner = NULL, lease_until = NULL, "
    "next_attempt_at = :now, updated_at = :now WHERE id = :id"
)
UNPARK = (
    "UPDATE delivery_jobs SET state = 'pending', parked_for = NULL, next_attempt_at = :now, "
    "updated_at = :now WHERE state = 'parked' AND state IN ('pending', 'leased', 'parked') "
    "AND (updated_at <= :before OR updated_at > :now)"
)
UNPARK_ONE = (
    "UPDATE delivery_jobs SET state = 'pending', parked_for = NULL, next_attempt_at = :now, "
    "updated_at = :now WHERE id = :id AND state = 'parked'"
)
PARKED = (
    "SELECT j.id, j.recipient, m.from_agent_id AS sender FROM delivery_jobs AS j "
    "JOIN messages AS m ON m.seq = j.message_seq WHERE j.state = 'parked' "
    "AND j.state IN ('pending', 'leased', 'parked') AND j.parked_for <> 'transport' LIMIT :limit"
)
#: A job that waits until its recipient or the server is back keeps those behind it waiting; one
#: whose sender has no key must not keep other senders' waiting.
IN_ORDER = (
    "SELECT j.id, j.recipient, m.conversation_id, j.state, j.parked_for, j.next_attempt_at "
    "FROM delivery_jobs AS j CROSS JOIN messages AS m ON m.seq = j.message_seq "
    "WHERE j.state IN ('pending', 'leased', 'parked') "
    "AND (j.state <> 'parked' OR j.parked_for IN ('offline', 'breaker')) "
    "ORDER BY j.message_seq, j.recipient, j.transport LIMIT :limit"
)
EARLIER = (
    "SELECT 1 FROM delivery_jobs AS e CROSS JOIN messages AS em ON em.seq = e.message_seq "
    "WHERE e.state IN ('pending', 'leased', 'parked') "
    "AND (e.state <> 'parked' OR e.parked_for IN ('offline', 'breaker')) "
    "AND e.recipient = :recipient AND e.message_seq < :seq "
    "AND em.conversation_id = (SELECT m.conversation_id FROM messages AS m WHERE m.seq = :seq) "
    "LIMIT 1"
)
PENDING = (
    "SELECT * FROM delivery_jobs WHERE id = :id AND state = 'pending' "
    "AND (next_attempt_at <= :now OR next_attempt_at > :far)"
)
NEXT = (
    "SELECT min(next_attempt_at) FROM delivery_jobs WHERE state = 'pending' "
    "AND state IN ('pending', 'leased', 'parked')"
)
CLAIM = (
    "UPDATE delivery_jobs SET state = 'leased', lease_owner = :owner, lease_until = :until, "
    "attempts = attempts + 1, fence = fence + 1, updated_at = :now WHERE id = :id "
    "RETURNING *, (SELECT m.from_agent_id FROM messages AS m "
    "WHERE m.seq = delivery_jobs.message_seq) AS sender, (SELECT m.id FROM messages AS m "
    "WHERE m.seq = delivery_jobs.message_seq) AS message_id"
)
RENEW = (
    "UPDATE delivery_jobs SET lease_until = :until WHERE id = :id AND state = 'leased' "
    "AND fence = :fence"
)
HELD = (
    "SELECT j.payload, j.history, m.redacted_at FROM delivery_jobs AS j "
    "JOIN messages AS m ON m.seq = j.message_seq "
    "WHERE j.id = :id AND j.state = 'leased' AND j.fence = :fence"
)
COMPLETE = (
    "UPDATE delivery_jobs SET state = :state, parked_for = :parked_for, attempts = :attempts, "
    "next_attempt_at = :next, lease_owner = NULL, lease_until = NULL, last_error = :error, "
    "last_status = :status, history = :history, finished_at = :finished, updated_at = :now "
    "WHERE id = :id AND state = 'leased' AND fence = :fence"
)
PARK_OTHERS = (
    "UPDATE delivery_jobs SET state = 'parked', parked_for = :parked_for, updated_at = :now "
    "WHERE state = 'pending' AND id IN (SELECT value FROM json_each(:ids))"
)
PENDING_OF = (
    "SELECT j.id, j.recipient, m.from_agent_id AS sender FROM delivery_jobs AS j "
    "JOIN messages AS m ON m.seq = j.message_seq WHERE j.state = 'pending' "
    "AND j.state IN ('pending', 'leased', 'parked') LIMIT :limit"
)
RELAY = (
    "UPDATE receipts SET state = 'relayed' WHERE message_seq = :seq AND agent_id = :agent_id "
    "AND state = 'pending'"
)
LISTED = (
    "SELECT j.*, m.id AS message_id, m.from_agent_id AS sender FROM delivery_jobs AS j "
    "JOIN messages AS m ON m.seq = j.message_seq WHERE (:state IS NULL OR j.state = :state) "
    "AND (:recipient IS NULL OR j.recipient = :recipient) "
    "AND (:sender IS NULL OR m.from_agent_id = :sender) "
    "AND (:everything OR j.state IN ('pending', 'leased', 'parked')) "
    "ORDER BY j.message_seq DESC, j.recipient LIMIT :limit OFFSET :offset"
)
COUNT = (
    "SELECT count(*) FROM delivery_jobs AS j JOIN messages AS m ON m.seq = j.message_seq "
    "WHERE (:state IS NULL OR j.state = :state) "
    "AND (:recipient IS NULL OR j.recipient = :recipient) "
    "AND (:sender IS NULL OR m.from_agent_id = :sender) "
    "AND (:everything OR j.state IN ('pending', 'leased', 'parked'))"
)
OPEN_OF = (
    "SELECT j.*, m.id AS message_id FROM delivery_jobs AS j "
    "JOIN messages AS m ON m.seq = j.message_seq WHERE j.message_seq = :seq "
    "AND j.recipient = :agent_id AND j.state IN ('pending', 'leased', 'parked')"
)


def of_message(db: Backend, seq: int) -> list[Row]:
    """The jobs of a message."""
    return db.read(OF_MESSAGE, seq=seq)


def open_of(db: Backend, seq: int, agent_id: str) -> list[Row]:
    """The jobs that are still to carry a message to one recipient."""
    return db.read(OPEN_OF, seq=seq, agent_id=agent_id)


def in_order(tx: Any) -> Iterator[Row]:
    """Jobs that somebody has, that wait, or that can be taken, in the order of their messages."""
    rows = tx.read(IN_ORDER, limit=AT_ONCE)
    yield from rows
    if len(rows) == AT_ONCE:
        # Each read sorts all of them, so that pages would cost more than the whole.
        yield from tx.read(IN_ORDER, limit=-1)[AT_ONCE:]


def take(tx: Any, id_: str, owner: str, until: str, now: str, far: str) -> Row | None:
    """Take a job, unless somebody has it or an earlier one of its conversation comes first.

    Its fence tells whoever had it before that it is gone.
    """
    row = tx.one(PENDING, id=id_, now=now, far=far)
    if row is None:
        return None
    earlier = tx.scalar(EARLIER, recipient=row["recipient"], seq=row["message_seq"])
    if earlier is not None:
        return None
    taken: Row | None = tx.one(CLAIM, id=id_, owner=owner, until=until, now=now)
    return taken
