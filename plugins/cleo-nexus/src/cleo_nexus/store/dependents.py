"""What names a project beside the registry: edges, instances and transfers."""

from __future__ import annotations

from typing import Any

from cleo_core.database import Backend, Row
from cleo_nexus.store import edges as cross
from cleo_nexus.store.renaming import Node, bound, edge_of, rename_edges, rename_instances

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

    def name(node: Node) -> Node:
        return (new, node[1]) if node[0] == old else node

    named = [edge_of(row) for row in (*cross.out_of(tx, old), *cross.into(tx, old))]
    _, inside = rename_edges(tx, named, name)
    for edge in inside:
        cross.delete(tx, bound(edge))
    rename_instances(tx, name, now)
    for statement in (TRANSFERS_FROM, TRANSFERS_TO):
        tx.execute(statement, old=old, new=new, now=now)
    return [(source, target) for (_, source), (_, target) in inside]
