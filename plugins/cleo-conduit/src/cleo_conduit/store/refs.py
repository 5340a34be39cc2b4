"""Which agents the project sees."""

from __future__ import annotations

from typing import Any

from cleo_core.database import Backend, Row

GET = "SELECT * FROM project_agent_refs WHERE agent_id = :agent_id"
ALL = "SELECT * FROM project_agent_refs ORDER BY agent_id"
ENABLED = "SELECT * FROM project_agent_refs WHERE enabled = 1 ORDER BY agent_id"
PAGE = (
    "SELECT * FROM project_agent_refs WHERE enabled = 1 OR :disabled "
    "ORDER BY agent_id LIMIT :limit OFFSET :offset"
)
COUNT = "SELECT count(*) FROM project_agent_refs WHERE enabled = 1 OR :disabled"
INSERT = (
    "INSERT INTO project_agent_refs (agent_id, attached_at, attached_by, role, "
    "capabilities_override, last_used_at, enabled, detached_at, token_hash, updated_at) "
    "VALUES (:agent_id, :attached_at, :attached_by, :role, :capabilities_override, "
    ":last_used_at, :enabled, :detached_at, :token_hash, :updated_at)"
)
UPDATE = (
    "UPDATE project_agent_refs SET attached_at = :attached_at, attached_by = :attached_by, "
    "role = :role, capabilities_override = :capabilities_override, enabled = :enabled, "
    "detached_at = :detached_at, updated_at = :updated_at WHERE agent_id = :agent_id"
)
PROOF = (
    "UPDATE project_agent_refs SET token_hash = :hash, updated_at = :now WHERE agent_id = :agent_id"
)
DELETE = "DELETE FROM project_agent_refs WHERE agent_id = :agent_id"
#: A clock that was set back leaves a time to come, which says nothing.
TOUCH = (
    "UPDATE project_agent_refs SET last_used_at = :now WHERE agent_id = :agent_id "
    "AND enabled = 1 AND (last_used_at IS NULL OR last_used_at <= :before OR last_used_at > :now)"
)


def get(db: Backend, agent_id: str) -> Row | None:
    """One ref, whether or not it is enabled."""
    return db.one(GET, agent_id=agent_id)


def listed(db: Backend, *, enabled_only: bool) -> list[Row]:
    """All refs, by agent id."""
    return db.read(ENABLED if enabled_only else ALL)


def page(db: Backend, *, disabled: bool, limit: int, offset: int) -> list[Row]:
    """Some refs, by agent id."""
    return db.read(PAGE, disabled=int(disabled), limit=limit, offset=offset)


def count(db: Backend, *, disabled: bool) -> int:
    """How many there are in all."""
    return int(db.scalar(COUNT, disabled=int(disabled)))


def insert(tx: Any, row: Row) -> None:
    """Add a ref."""
    tx.execute(INSERT, **row)


def update(tx: Any, row: Row) -> None:
    """Write a ref's columns but for ``last_used_at`` and ``token_hash``."""
    names = ("attached_at", "attached_by", "role", "capabilities_override", "enabled")
    tx.execute(
        UPDATE,
        agent_id=row["agent_id"],
        detached_at=row["detached_at"],
        updated_at=row["updated_at"],
        **{name: row[name] for name in names},
    )


def delete(tx: Any, agent_id: str) -> None:
    """Delete a ref."""
    tx.execute(DELETE, agent_id=agent_id)


def touch(tx: Any, agent_id: str, now: str, before: str) -> bool:
    """Move ``last_used_at`` where it is older than ``before``."""
    return bool(tx.execute(TOUCH, agent_id=agent_id, now=now, before=before))


def set_token(tx: Any, agent_id: str, hash_: str | None, now: str) -> None:
    """Set the hash of an agent's token, or take it away."""
    tx.execute(PROOF, agent_id=agent_id, hash=hash_, now=now)
