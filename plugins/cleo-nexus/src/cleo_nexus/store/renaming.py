"""Giving edges and open instances other names for the tasks that they name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from cleo_nexus.store import edges

if TYPE_CHECKING:
    from cleo_core.database import Row

#: A task: the project's id and its own.
Node = tuple[str, str]
#: Source and target of an edge.
Edge = tuple[Node, Node]

MOVE_EDGE = (
    "UPDATE OR IGNORE cross_project_dependencies SET source_project_id = :new_source_project, "
    "source_task_id = :new_source_task, target_project_id = :new_target_project, "
    "target_task_id = :new_target_task WHERE source_project_id = :source_project "
    "AND source_task_id = :source_task AND target_project_id = :target_project "
    "AND target_task_id = :target_task"
)
#: Instances that are over keep what they named: they do not change.
MOVE_INSTANCE = (
    "UPDATE warp_chain_instances SET epic_project_id = :project, epic_id = :epic, "
    "stage_to_task = :stages, row_version = row_version + 1, updated_at = :now WHERE id = :id "
    "AND status IN ('pending', 'active', 'failed')"
)


def rename_edges(
    tx: Any, found: Iterable[Edge], name: Callable[[Node], Node]
) -> tuple[int, list[Edge]]:
    """Let edges name other tasks; one that is there already under the new names is one with it.

    :param name: what a task is called now.
    :returns: how many were renamed, and those that would lie inside one project, by their old
        names; these are left as they are.
    """
    renamed, inside = 0, []
    for old in found:
        source, target = name(old[0]), name(old[1])
        if source[0] == target[0]:
            inside.append(old)
            continue
        new = {f"new_{key}": value for key, value in bound((source, target)).items()}
        tx.execute(MOVE_EDGE, **bound(old), **new)
        edges.delete(tx, bound(old))
        renamed += 1
    return renamed, inside


def rename_instances(tx: Any, name: Callable[[Node], Node], now: str) -> int:
    """Let the epics and stages of open instances name other tasks; how many instances changed."""
    renamed = 0
    for row in edges.instances(tx):
        epic = row["epic_project_id"], row["epic_id"]
        stages: dict[str, str] = json.loads(row["stage_to_task"])
        after = {stage: ":".join(name(_node(one))) for stage, one in stages.items()}
        if name(epic) == epic and after == stages:
            continue
        project, task = name(epic)
        tx.execute(
            MOVE_INSTANCE,
            id=row["id"],
            project=project,
            epic=task,
            stages=json.dumps(after, sort_keys=True),
            now=now,
        )
        renamed += 1
    return renamed


def edge_of(row: Row) -> Edge:
    """The edge of a row."""
    return (
        (row["source_project_id"], row["source_task_id"]),
        (row["target_project_id"], row["target_task_id"]),
    )


def bound(edge: Edge) -> dict[str, str]:
    """An edge by the names that the statements bind."""
    (source_project, source_task), (target_project, target_task) = edge
    return {
        "source_project": source_project,
        "source_task": source_task,
        "target_project": target_project,
        "target_task": target_task,
    }


def _node(reference: str) -> Node:
    project, _, task = reference.partition(":")
    return project, task
