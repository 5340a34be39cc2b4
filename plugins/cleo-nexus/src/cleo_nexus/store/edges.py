"""Edges between tasks of different projects: the source depends on the target."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cleo_core.database import Backend, Row

#: Whether a project's tasks wait for tasks elsewhere, and whether tasks elsewhere wait for its own.
AT = (
    "SELECT EXISTS (SELECT 1 FROM cross_project_dependencies WHERE source_project_id = :project) "
    "AS outward, EXISTS (SELECT 1 FROM cross_project_dependencies "
    "WHERE target_project_id = :project) AS inward"
)
_COLUMNS = "source_project_id, source_task_id, target_project_id, target_task_id"
ALL = f"SELECT {_COLUMNS} FROM cross_project_dependencies ORDER BY seq"
OUT_OF = (
    f"SELECT {_COLUMNS} FROM cross_project_dependencies WHERE source_project_id = :project "
    "ORDER BY seq"
)
INTO = (
    f"SELECT {_COLUMNS} FROM cross_project_dependencies WHERE target_project_id = :project "
    "ORDER BY seq"
)
OUT_OF_TASKS = (
    f"SELECT {_COLUMNS} FROM cross_project_dependencies WHERE source_project_id = :project "
    "AND source_task_id IN (SELECT value FROM json_each(:tasks)) ORDER BY seq"
)
INTO_TASKS = (
    f"SELECT {_COLUMNS} FROM cross_project_dependencies WHERE target_project_id = :project "
    "AND target_task_id IN (SELECT value FROM json_each(:tasks)) ORDER BY seq"
)
SOURCES = "SELECT DISTINCT source_project_id FROM cross_project_dependencies"
THROUGH = (
    "SELECT DISTINCT source_project_id AS project_id FROM cross_project_dependencies "
    "INTERSECT SELECT target_project_id FROM cross_project_dependencies"
)
#: Projects of which edges were taken away; what they left behind may still have to be undone.
RELEASED = (
    "SELECT DISTINCT project_id FROM nexus_audit_log "
    "WHERE action = 'nexus.deps.remove' AND success = 1 AND project_id IS NOT NULL"
)
_ONE = (
    "source_project_id = :source_project AND source_task_id = :source_task "
    "AND target_project_id = :target_project AND target_task_id = :target_task"
)
ONE = f"SELECT 1 FROM cross_project_dependencies WHERE {_ONE}"
ADD = (
    "INSERT INTO cross_project_dependencies (source_project_id, source_task_id, "
    "target_project_id, target_task_id, note, created_by, created_at) VALUES (:source_project, "
    ":source_task, :target_project, :target_task, :note, :actor, :now)"
)
DELETE = f"DELETE FROM cross_project_dependencies WHERE {_ONE}"
#: Instances that are not over, and the tasks that they name.
INSTANCES = (
    "SELECT id, epic_project_id, epic_id, stage_to_task FROM warp_chain_instances "
    "WHERE status IN ('pending', 'active', 'failed') ORDER BY id"
)
FORGET_STAGE = (
    "UPDATE warp_chain_instances SET stage_to_task = json_remove(stage_to_task, :path), "
    "row_version = row_version + 1, updated_at = :now "
    "WHERE id = :id AND stage_to_task ->> :path = :task "
    "AND status IN ('pending', 'active', 'failed')"
)


def at(db: Backend, project: str) -> tuple[bool, bool]:
    """Whether a project's tasks wait for others elsewhere, and whether others wait for its own."""
    row = db.one(AT, project=project)
    return (False, False) if row is None else (bool(row["outward"]), bool(row["inward"]))


def everything(db: Backend) -> list[Row]:
    """All edges."""
    return db.read(ALL)


def out_of(db: Backend, project: str, tasks: Iterable[str] | None = None) -> list[Row]:
    """The edges of a project's tasks, or of these tasks of it, to what they wait for."""
    if tasks is None:
        return db.read(OUT_OF, project=project)
    return db.read(OUT_OF_TASKS, project=project, tasks=json.dumps(list(tasks)))


def into(db: Backend, project: str, tasks: Iterable[str] | None = None) -> list[Row]:
    """The edges of tasks elsewhere that wait for a project's, or for these tasks of it."""
    if tasks is None:
        return db.read(INTO, project=project)
    return db.read(INTO_TASKS, project=project, tasks=json.dumps(list(tasks)))


def sources(db: Backend) -> list[str]:
    """The projects whose tasks wait for tasks elsewhere."""
    return [row["source_project_id"] for row in db.read(SOURCES)]


def through(db: Backend) -> list[str]:
    """The projects that a loop of edges can lead through: with edges both in and out."""
    return [row["project_id"] for row in db.read(THROUGH)]


def released(db: Backend) -> list[str]:
    """The projects of which edges were taken away, as far as the audit says."""
    return [row["project_id"] for row in db.read(RELEASED)]


def exists(db: Backend, edge: Mapping[str, str]) -> bool:
    """Whether there is this edge."""
    return db.one(ONE, **edge) is not None


def add(tx: Any, edge: Mapping[str, str], note: str | None, actor: str, now: str) -> None:
    """Let a task wait for one elsewhere."""
    tx.execute(ADD, **edge, note=note, actor=actor, now=now)


def delete(tx: Any, edge: Mapping[str, str]) -> int:
    """Let it wait no longer; returns how many edges that were."""
    return int(tx.execute(DELETE, **edge))


def named(row: Row | Mapping[str, Any]) -> dict[str, str]:
    """The four ids of an edge's row, by the names that the statements bind."""
    return {
        "source_project": row["source_project_id"],
        "source_task": row["source_task_id"],
        "target_project": row["target_project_id"],
        "target_task": row["target_task_id"],
    }


def instances(db: Backend) -> list[Row]:
    """The instances that are not over, with their epics and the tasks of their stages."""
    return db.read(INSTANCES)


def forget_stage(tx: Any, id_: str, path: str, task: str, now: str) -> int:
    """Let a stage of an instance name no task, if it still names this one."""
    return int(tx.execute(FORGET_STAGE, id=id_, path=path, task=task, now=now))
