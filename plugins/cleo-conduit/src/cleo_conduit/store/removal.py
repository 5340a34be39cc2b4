"""What waits for a recipient that is gone: open receipts and jobs become dead letters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cleo_core.database import Row

#: The state is named twice: the first list is that of the partial index.
RECEIPTS = (
    "SELECT r.message_seq, m.*, c.kind AS conversation_kind, c.topic, "
    "(SELECT json_group_array(t.agent_id) FROM receipts AS t "
    "WHERE t.message_seq = m.seq AND t.role = 'to') AS recipients, "
    "(SELECT json_group_array(t.agent_id) FROM receipts AS t "
    "WHERE t.message_seq = m.seq AND t.role = 'cc') AS copies "
    "FROM receipts AS r JOIN messages AS m ON m.seq = r.message_seq "
    "JOIN conversations AS c ON c.id = m.conversation_id "
    "WHERE r.agent_id = :agent_id AND r.route = 'local' "
    "AND r.state IN ('pending', 'relayed', 'delivered') AND r.state IN ('pending', 'relayed') "
    "ORDER BY r.message_seq"
)
JOBS = (
    "SELECT j.*, m.id AS message_id FROM delivery_jobs AS j "
    "JOIN messages AS m ON m.seq = j.message_seq "
    "WHERE j.recipient = :agent_id AND j.state IN ('pending', 'leased', 'parked') "
    "ORDER BY j.message_seq"
)
CLOSE_JOB = (
    "UPDATE delivery_jobs SET state = 'dead', lease_owner = NULL, lease_until = NULL, "
    "parked_for = NULL, finished_at = :now, updated_at = :now WHERE id = :id"
)
ADD_LETTER = (
    "INSERT INTO dead_letters (id, job_id, message_id, recipient, transport, payload, reason, "
    "last_error, last_status, attempts, history, created_at) "
    "VALUES (:id, :job_id, :message_id, :recipient, :transport, :payload, 'recipient_removed', "
    ":last_error, :last_status, :attempts, :history, :created_at)"
)


def receipts(tx: Any, agent_id: str) -> list[Row]:
    """Messages that wait here for an agent, with their conversation's kind and recipients."""
    rows: list[Row] = tx.read(RECEIPTS, agent_id=agent_id)
    return rows


def jobs(tx: Any, agent_id: str) -> list[Row]:
    """Jobs for an agent that are still to be done."""
    rows: list[Row] = tx.read(JOBS, agent_id=agent_id)
    return rows


def close_jobs(tx: Any, ids: Iterable[str], now: str) -> None:
    """Make jobs dead; a worker that holds one finds its lease gone."""
    tx.executemany(CLOSE_JOB, [{"id": id_, "now": now} for id_ in ids])


def add_letters(tx: Any, letters: Iterable[Mapping[str, Any]]) -> None:
    """Add dead letters."""
    tx.executemany(ADD_LETTER, letters)
