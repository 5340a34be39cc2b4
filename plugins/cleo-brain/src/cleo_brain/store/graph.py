"""Links to tasks, edges between entries, tags."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from cleo_core.database import Backend, Row

ADD_TAG = "INSERT INTO brain_tags (entry_id, tag) VALUES (:id, :tag) ON CONFLICT DO NOTHING"
REMOVE_TAG = "DELETE FROM brain_tags WHERE entry_id = :id AND tag = :tag"
TAGS_OF = (
    "SELECT entry_id, tag FROM brain_tags WHERE entry_id IN (SELECT value FROM json_each(:ids)) "
    "ORDER BY entry_id, tag"
)
ADD_LINK = (
    "INSERT INTO brain_memory_links (memory_type, memory_id, task_id, link_type, agent, "
    "created_at) VALUES (:kind, :id, :task, :type, :agent, :now) ON CONFLICT DO NOTHING"
)
REMOVE_LINK = (
    "DELETE FROM brain_memory_links WHERE memory_id = :id AND task_id = :task AND link_type = :type"
)
LINKS_OF = (
    "SELECT * FROM brain_memory_links WHERE memory_id IN (SELECT value FROM json_each(:ids)) "
    "ORDER BY memory_id, task_id, link_type"
)
ADD_EDGE = (
    "INSERT INTO brain_edges (from_id, edge_type, to_entry, to_node, reason, agent, created_at) "
    "VALUES (:id, :type, :entry, :node, :reason, :agent, :now) ON CONFLICT DO NOTHING"
)
REMOVE_EDGE = (
    "DELETE FROM brain_edges WHERE from_id = :id AND edge_type = :type "
    "AND coalesce(to_entry, to_node) = :target"
)
EDGES_OF = (
    "SELECT * FROM brain_edges WHERE from_id IN (SELECT value FROM json_each(:ids)) "
    "OR to_entry IN (SELECT value FROM json_each(:ids)) ORDER BY edge_id"
)
SUCCESSOR = "SELECT from_id FROM brain_edges WHERE to_entry = :id AND edge_type = 'supersedes'"
#: Everything that an entry supersedes, directly or through others.
PREDECESSORS = (
    "WITH RECURSIVE older (id) AS (SELECT to_entry FROM brain_edges WHERE from_id = :id "
    "AND edge_type = 'supersedes' UNION SELECT e.to_entry FROM brain_edges AS e "
    "JOIN older ON e.from_id = older.id WHERE e.edge_type = 'supersedes') SELECT id FROM older"
)
CONTRADICTS = (
    "SELECT from_id, to_entry FROM brain_edges WHERE edge_type = 'contradicts' "
    "AND (from_id IN (SELECT value FROM json_each(:ids)) "
    "OR to_entry IN (SELECT value FROM json_each(:ids))) ORDER BY edge_id"
)


def add_tags(tx: Any, id_: str, tags: Iterable[str]) -> list[str]:
    """Give an entry tags; returns those that it had not."""
    return [tag for tag in tags if tx.execute(ADD_TAG, id=id_, tag=tag)]


def remove_tags(tx: Any, id_: str, tags: Iterable[str]) -> list[str]:
    """Take tags from an entry; returns those that it had."""
    return [tag for tag in tags if tx.execute(REMOVE_TAG, id=id_, tag=tag)]


def tags_of(db: Backend, ids: Sequence[str]) -> dict[str, list[str]]:
    """Tags by entry; every id has a list."""
    found: dict[str, list[str]] = {id_: [] for id_ in ids}
    for row in db.read(TAGS_OF, ids=json.dumps(list(ids))):
        found[row["entry_id"]].append(row["tag"])
    return found


def add_link(
    tx: Any, kind: str, id_: str, task: str, type_: str, agent: str | None, now: str
) -> bool:
    """Link an entry to a task; False where the link was there."""
    return bool(
        tx.execute(ADD_LINK, kind=kind, id=id_, task=task, type=type_, agent=agent, now=now)
    )


def remove_link(tx: Any, id_: str, task: str, type_: str) -> bool:
    """Take a link away; False where there was none."""
    return bool(tx.execute(REMOVE_LINK, id=id_, task=task, type=type_))


def links_of(db: Backend, ids: Sequence[str]) -> dict[str, list[Row]]:
    """Links by entry; every id has a list."""
    found: dict[str, list[Row]] = {id_: [] for id_ in ids}
    for row in db.read(LINKS_OF, ids=json.dumps(list(ids))):
        found[row["memory_id"]].append(row)
    return found


def add_edge(
    tx: Any,
    id_: str,
    type_: str,
    *,
    entry: str | None = None,
    node: str | None = None,
    reason: str | None = None,
    agent: str | None = None,
    now: str,
) -> bool:
    """Add an edge to an entry or to a node outside; False where it was there."""
    return bool(
        tx.execute(
            ADD_EDGE,
            id=id_,
            type=type_,
            entry=entry,
            node=node,
            reason=reason,
            agent=agent,
            now=now,
        )
    )


def remove_edge(tx: Any, id_: str, type_: str, target: str) -> bool:
    """Take an edge away; False where there was none."""
    return bool(tx.execute(REMOVE_EDGE, id=id_, type=type_, target=target))


def edges_of(db: Backend, ids: Sequence[str]) -> dict[str, list[Row]]:
    """Edges by entry, of either direction; every id has a list."""
    found: dict[str, list[Row]] = {id_: [] for id_ in ids}
    for row in db.read(EDGES_OF, ids=json.dumps(list(ids))):
        for end in (row["from_id"], row["to_entry"]):
            if end in found:
                found[end].append(row)
    return found


def successor(db: Backend, id_: str) -> str | None:
    """The entry that supersedes one, or None."""
    found = db.scalar(SUCCESSOR, id=id_)
    return None if found is None else str(found)


def predecessors(db: Backend, id_: str) -> set[str]:
    """Everything that an entry supersedes, directly or through others."""
    return {row["id"] for row in db.read(PREDECESSORS, id=id_)}


def contradictions(db: Backend, ids: Sequence[str]) -> dict[str, list[str]]:
    """Id -> the ids that it contradicts, or that contradict it; only those that have any."""
    wanted = set(ids)
    found: dict[str, list[str]] = {}
    for row in db.read(CONTRADICTS, ids=json.dumps(list(ids))):
        for one, other in ((row["from_id"], row["to_entry"]), (row["to_entry"], row["from_id"])):
            if one in wanted and other not in found.setdefault(one, []):
                found[one].append(other)
    return found
