"""Instances of chains, and the events of their history."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from cleo_core.database import Backend, Row

_COLUMNS = (
    "id, chain_id, chain_version, definition, epic_project_id, epic_id, variables, stage_to_task, "
    "status, active_stages, current_stage, attempt, row_version, created_by, created_at, "
    "updated_at, finished_at"
)
_EVENT = (
    "seq, instance_id, attempt, type, stage_id, to_stage_id, gate_id, outcome, forced, reason, "
    "message, actor, evaluated_at"
)
_WANTED = (
    "(:status IS NULL OR status = :status) AND (:project IS NULL OR epic_project_id = :project) "
    "AND (:epic IS NULL OR epic_id = :epic)"
)
BY_ID = f"SELECT {_COLUMNS} FROM warp_chain_instances WHERE id = :id"
LISTED = (
    f"SELECT {_COLUMNS} FROM warp_chain_instances WHERE {_WANTED} "
    "ORDER BY rowid DESC LIMIT :limit OFFSET :offset"
)
COUNT = f"SELECT COUNT(*) FROM warp_chain_instances WHERE {_WANTED}"
MOVING = "SELECT id FROM warp_chain_instances WHERE status IN ('pending', 'active') ORDER BY rowid"
OPEN = (
    f"SELECT {_COLUMNS} FROM warp_chain_instances "
    "WHERE status IN ('pending', 'active', 'failed') ORDER BY rowid"
)
ADD = (
    "INSERT INTO warp_chain_instances (id, chain_id, chain_version, definition, epic_project_id, "
    "epic_id, variables, stage_to_task, status, active_stages, current_stage, created_by, "
    "created_at, updated_at) VALUES (:id, :chain_id, :chain_version, :definition, "
    ":epic_project_id, :epic_id, :variables, :stage_to_task, 'pending', :active_stages, "
    ":current_stage, :actor, :now, :now)"
)
MOVE = (
    "UPDATE warp_chain_instances SET status = :status, active_stages = :active_stages, "
    "current_stage = :current_stage, attempt = :attempt, row_version = row_version + 1, "
    "updated_at = :now, finished_at = :finished_at WHERE id = :id AND row_version = :row_version"
)
ADD_EVENT = (
    "INSERT INTO warp_instance_events (instance_id, attempt, type, stage_id, to_stage_id, gate_id, "
    "outcome, forced, reason, message, actor, evaluated_at) VALUES (:instance_id, :attempt, :type, "
    ":stage_id, :to_stage_id, :gate_id, :outcome, :forced, :reason, :message, :actor, "
    ":evaluated_at)"
)
EVENTS = (
    f"SELECT {_EVENT} FROM warp_instance_events WHERE instance_id = :id "
    "ORDER BY seq LIMIT :limit OFFSET :offset"
)
COUNT_EVENTS = "SELECT COUNT(*) FROM warp_instance_events WHERE instance_id = :id"
STEPS = (
    "SELECT type, stage_id, to_stage_id FROM warp_instance_events WHERE instance_id = :id "
    "AND type IN ('entered', 'left', 'skipped', 'waiting') ORDER BY seq"
)
LATEST_GATES = (
    f"SELECT {_EVENT} FROM warp_instance_events WHERE seq IN (SELECT MAX(seq) "
    "FROM warp_instance_events WHERE type = 'gate' "
    "AND instance_id IN (SELECT value FROM json_each(:ids)) GROUP BY instance_id, gate_id) "
    "ORDER BY seq"
)


def by_id(db: Backend, id_: str) -> Row | None:
    """An instance."""
    return db.one(BY_ID, id=id_)


def listed(
    db: Backend,
    *,
    status: str | None,
    epic: tuple[str, str] | None,
    limit: int,
    offset: int,
) -> tuple[list[Row], int]:
    """Some instances, the newest first, and how many there are.

    :param epic: the epic's project and id.
    """
    project, task = epic or (None, None)
    wanted = {"status": status, "project": project, "epic": task}
    rows = db.read(LISTED, limit=limit, offset=offset, **wanted)
    return rows, int(db.scalar(COUNT, **wanted) or 0)


def moving(db: Backend) -> list[str]:
    """The instances that may be moved, the oldest first."""
    return [row["id"] for row in db.read(MOVING)]


def unfinished(db: Backend) -> list[Row]:
    """The instances that are not over, the oldest first."""
    return db.read(OPEN)


def add(tx: Any, row: Mapping[str, Any]) -> None:
    """Add an instance."""
    tx.execute(ADD, **row)


def move(tx: Any, row: Mapping[str, Any]) -> bool:
    """Change where an instance stands; False where it has another version by now."""
    return bool(tx.execute(MOVE, **row))


def add_event(tx: Any, row: Mapping[str, Any]) -> None:
    """Add to the history of an instance."""
    empty = dict.fromkeys(("stage_id", "to_stage_id", "gate_id", "outcome", "reason", "message"))
    tx.execute(ADD_EVENT, **{**empty, "forced": 0, **row})


def events(db: Backend, id_: str, *, limit: int, offset: int) -> tuple[list[Row], int]:
    """A part of an instance's history, the oldest first, and how long it is."""
    rows = db.read(EVENTS, id=id_, limit=limit, offset=offset)
    return rows, int(db.scalar(COUNT_EVENTS, id=id_) or 0)


def steps(db: Backend, id_: str) -> list[Row]:
    """What moves have done, the oldest first."""
    return db.read(STEPS, id=id_)


def latest_gates(db: Backend, ids: Iterable[str]) -> dict[str, list[Row]]:
    """Instance -> the last result of each of its gates, in the order they were asked."""
    found: dict[str, list[Row]] = {}
    for row in db.read(LATEST_GATES, ids=json.dumps(list(ids))):
        found.setdefault(row["instance_id"], []).append(row)
    return found
