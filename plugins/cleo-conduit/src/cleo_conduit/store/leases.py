"""Leases: who keeps others off what."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from cleo_conduit.store import meta
from cleo_core.database import Backend, Row

FENCE = "lease_fence"

#: All that nobody has closed; the words of the enum are named so that the index is used.
_ALL = "namespace IN ('file', 'tool', 'resource') AND released_at IS NULL"

LIVE = (
    "SELECT * FROM leases WHERE namespace = :namespace AND released_at IS NULL "
    "AND expires_at > :now ORDER BY fence"
)
PAGE = (
    f"SELECT * FROM leases WHERE {_ALL} AND expires_at > :now ORDER BY fence "
    "LIMIT :limit OFFSET :offset"
)
COUNT = f"SELECT count(*) FROM leases WHERE {_ALL} AND expires_at > :now"
BY_ID = "SELECT * FROM leases WHERE id = :id"
#: Newest first.
OF_PATTERN = (
    "SELECT * FROM leases WHERE agent_id = :agent_id "
    "AND pattern IN (SELECT value FROM json_each(:patterns)) ORDER BY fence DESC"
)
OF_AGENT = (
    f"SELECT * FROM leases WHERE {_ALL} AND expires_at > :now AND agent_id = :agent_id "
    "ORDER BY fence"
)
DUE = (
    f"SELECT * FROM leases WHERE {_ALL} AND expires_at <= :now "
    "ORDER BY expires_at, fence LIMIT :limit"
)
#: One that was closed late had ended when its time was over.
ENDED = (
    "SELECT * FROM leases "
    "WHERE min(coalesce(released_at, expires_at), expires_at) <= :before "
    "ORDER BY fence LIMIT :limit"
)
HIGHEST = "SELECT coalesce(max(fence), 0) FROM leases"
INSERT = (
    "INSERT INTO leases (id, agent_id, pattern, namespace, mode, reason, task_id, fence, "
    "acquired_at, renewed_at, expires_at) VALUES (:id, :agent_id, :pattern, :namespace, :mode, "
    ":reason, :task_id, :fence, :acquired_at, :renewed_at, :expires_at)"
)
RENEW = (
    "UPDATE leases SET reason = :reason, task_id = :task_id, renewed_at = :renewed_at, "
    "expires_at = :expires_at WHERE id = :id"
)
DELETE = "DELETE FROM leases WHERE id = :id"

_RENEWED = ("id", "reason", "task_id", "renewed_at", "expires_at")
_INSERTED = (*_RENEWED, "agent_id", "pattern", "namespace", "mode", "fence", "acquired_at")


def live(db: Backend, namespace: str, now: str) -> list[Row]:
    """Leases that hold others off, by fence."""
    return db.read(LIVE, namespace=namespace, now=now)


def page(db: Backend, now: str, *, limit: int, offset: int) -> list[Row]:
    """Some of the leases that hold others off, by fence."""
    return db.read(PAGE, now=now, limit=limit, offset=offset)


def count(db: Backend, now: str) -> int:
    """How many leases hold others off."""
    return int(db.scalar(COUNT, now=now))


def get(db: Backend, id_: str) -> Row | None:
    """One lease, ended or not."""
    return db.one(BY_ID, id=id_)


def of_pattern(db: Backend, agent_id: str, patterns: Sequence[str]) -> list[Row]:
    """All leases of an agent on one of these patterns, ended or not, newest first."""
    return db.read(OF_PATTERN, agent_id=agent_id, patterns=json.dumps(list(patterns)))


def of_agent(db: Backend, agent_id: str, now: str) -> list[Row]:
    """The leases that an agent holds, by fence."""
    return db.read(OF_AGENT, agent_id=agent_id, now=now)


def due(tx: Any, now: str, limit: int) -> list[Row]:
    """Leases whose time is over and that nobody has closed, longest ago first."""
    rows: list[Row] = tx.read(DUE, now=now, limit=limit)
    return rows


def ended(tx: Any, before: str, limit: int) -> list[Row]:
    """Leases that ended before a time, by fence."""
    rows: list[Row] = tx.read(ENDED, before=before, limit=limit)
    return rows


def next_fence(tx: Any) -> int:
    """Draw a number above all that were drawn before."""
    drawn = max(int(meta.get(tx, FENCE) or 0), int(tx.scalar(HIGHEST))) + 1
    meta.put(tx, FENCE, str(drawn))
    return drawn


def insert(tx: Any, row: Row) -> None:
    """Add a lease."""
    tx.execute(INSERT, **{name: row[name] for name in _INSERTED})


def renew(tx: Any, row: Row) -> None:
    """Write what renewing changes."""
    tx.execute(RENEW, **{name: row[name] for name in _RENEWED})


def delete(tx: Any, id_: str) -> None:
    """Delete a lease."""
    tx.execute(DELETE, id=id_)
