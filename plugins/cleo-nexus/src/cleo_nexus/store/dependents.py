"""What names a project beside the registry: edges, instances and transfers."""

from __future__ import annotations

import json
from typing import Any

from cleo_core.database import Backend, Row

EDGES = (
    "SELECT count(*) FROM cross_project_dependencies "
    "WHERE source_project_id = :id OR target_project_id = :id"
)
#: Tasks whose edges begin or end in a project.
SOURCES_OF = (
    "SELECT DISTINCT source_project_id, source_task_id FROM cross_project_dependencies "
    "WHERE source_project_id = :id OR target_project_id = :id "
    "ORDER BY source_project_id, source_task_id"
)
DELETE_EDGES = (
    "DELETE FROM cross_project_dependencies "
    "WHERE source_project_id = :id OR target_project_id = :id"
)
INSTANCES = "SELECT count(*) FROM warp_chain_instances WHERE epic_project_id = :id"
OPEN_INSTANCES = (
    "SELECT id FROM warp_chain_instances WHERE epic_project_id = :id "
    "AND status IN ('pending', 'active', 'failed') ORDER BY id"
)
#: As words of the index, which a list of those that are over would not be.
_OPEN = "'planned', 'imported', 'mapped', 'linked', 'repointed', 'archived'"
OPEN_TRANSFERS = (
    "SELECT id FROM transfer_journal "
    "WHERE (source_project_id = :id OR target_project_id = :id) "
    f"AND state IN ({_OPEN}) ORDER BY id"
)
HELD = (
    "SELECT epic_project_id AS id FROM warp_chain_instances "
    "WHERE status IN ('pending', 'active', 'failed') "
    f"UNION SELECT source_project_id FROM transfer_journal WHERE state IN ({_OPEN}) "
    f"UNION SELECT target_project_id FROM transfer_journal WHERE state IN ({_OPEN})"
)
COUNTS = (
    "SELECT (SELECT count(*) FROM project_registry) AS projects, "
    "(SELECT count(*) FROM cross_project_dependencies) AS edges, "
    "(SELECT count(*) FROM warp_chain_instances "
    "WHERE status IN ('pending', 'active', 'failed')) AS open_instances, "
    "(SELECT count(*) FROM transfer_journal "
    f"WHERE state IN ({_OPEN})) AS open_transfers"
)
DOUBLED_SOURCE = (
    "DELETE FROM cross_project_dependencies WHERE source_project_id = :old AND EXISTS ("
    "SELECT 1 FROM cross_project_dependencies AS kept WHERE kept.source_project_id = :new "
    "AND kept.source_task_id = cross_project_dependencies.source_task_id "
    "AND kept.target_project_id = cross_project_dependencies.target_project_id "
    "AND kept.target_task_id = cross_project_dependencies.target_task_id)"
)
DOUBLED_TARGET = (
    "DELETE FROM cross_project_dependencies WHERE target_project_id = :old AND EXISTS ("
    "SELECT 1 FROM cross_project_dependencies AS kept WHERE kept.target_project_id = :new "
    "AND kept.target_task_id = cross_project_dependencies.target_task_id "
    "AND kept.source_project_id = cross_project_dependencies.source_project_id "
    "AND kept.source_task_id = cross_project_dependencies.source_task_id)"
)
_BETWEEN = (
    "(source_project_id = :old AND target_project_id = :new) "
    "OR (source_project_id = :new AND target_project_id = :old)"
)
BETWEEN = (
    "SELECT source_task_id, target_task_id FROM cross_project_dependencies "
    f"WHERE {_BETWEEN} ORDER BY seq"
)
DELETE_BETWEEN = f"DELETE FROM cross_project_dependencies WHERE {_BETWEEN}"
SOURCES = (
    "UPDATE cross_project_dependencies SET source_project_id = :new WHERE source_project_id = :old"
)
TARGETS = (
    "UPDATE cross_project_dependencies SET target_project_id = :new WHERE target_project_id = :old"
)
#: Instances that are over keep what they named: they do not change.
EPICS = (
    "UPDATE warp_chain_instances SET epic_project_id = :new, updated_at = :now "
    "WHERE epic_project_id = :old AND status IN ('pending', 'active', 'failed')"
)
STAGES = (
    "SELECT id, stage_to_task FROM warp_chain_instances "
    "WHERE status IN ('pending', 'active', 'failed') AND EXISTS (SELECT 1 FROM "
    "json_each(stage_to_task) AS task WHERE substr(task.value, 1, length(:old) + 1) = :old || ':')"
)
SET_STAGES = (
    "UPDATE warp_chain_instances SET stage_to_task = :stages, updated_at = :now WHERE id = :id"
)
TRANSFERS_FROM = (
    "UPDATE transfer_journal SET source_project_id = :new, updated_at = :now "
    "WHERE source_project_id = :old"
)
TRANSFERS_TO = (
    "UPDATE transfer_journal SET target_project_id = :new, updated_at = :now "
    "WHERE target_project_id = :old"
)


def edges(db: Backend, id_: str) -> int:
    """How many edges begin or end in a project."""
    return int(db.scalar(EDGES, id=id_))


def sources(db: Backend, id_: str) -> list[tuple[str, str]]:
    """The tasks, project and id, that wait by an edge that begins or ends in a project."""
    rows = db.read(SOURCES_OF, id=id_)
    return [(row["source_project_id"], row["source_task_id"]) for row in rows]


def delete_edges(tx: Any, id_: str) -> int:
    """Remove the edges that begin or end in a project; how many."""
    removed: int = tx.execute(DELETE_EDGES, id=id_)
    return removed


def instances(db: Backend, id_: str) -> int:
    """How many instances have their epic in a project."""
    return int(db.scalar(INSTANCES, id=id_))


def open_work(db: Backend, id_: str) -> tuple[list[str], list[str]]:
    """Instances of a project that are not over, and transfers from or to it."""
    return (
        [row["id"] for row in db.read(OPEN_INSTANCES, id=id_)],
        [row["id"] for row in db.read(OPEN_TRANSFERS, id=id_)],
    )


def held(db: Backend) -> frozenset[str]:
    """Ids of the projects that :func:`open_work` has an answer for."""
    return frozenset(row["id"] for row in db.read(HELD))


def counts(db: Backend) -> Row:
    """How many projects, edges, open instances and open transfers there are."""
    found = db.one(COUNTS)
    assert found is not None
    return found


def rewrite(tx: Any, old: str, new: str, now: str) -> list[tuple[str, str]]:
    """Let edges, open instances and transfers name another project.

    :returns: the edges, source and target task, that would now lie inside one project; they are
        removed.
    """
    inside = [
        (row["source_task_id"], row["target_task_id"]) for row in tx.read(BETWEEN, old=old, new=new)
    ]
    tx.execute(DELETE_BETWEEN, old=old, new=new)
    for statement in (DOUBLED_SOURCE, DOUBLED_TARGET, SOURCES, TARGETS):
        tx.execute(statement, old=old, new=new)
    for statement in (EPICS, TRANSFERS_FROM, TRANSFERS_TO):
        tx.execute(statement, old=old, new=new, now=now)
    for row in tx.read(STAGES, old=old):
        stages = {
            stage: _of(new, task) if task.startswith(f"{old}:") else task
            for stage, task in json.loads(row["stage_to_task"]).items()
        }
        tx.execute(SET_STAGES, id=row["id"], stages=json.dumps(stages, sort_keys=True), now=now)
    return inside


def _of(project: str, task: str) -> str:
    return f"{project}:{task.partition(':')[2]}"
