"""Taking entries away for good, with every row that names them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from cleo_brain.store.entries import HIGHEST, meta, set_meta
from cleo_core.database import Backend, Row

#: Says that a forgotten text may still be readable in the file: a process ended before it was out.
UNWIPED = "unwiped"

_IDS = "IN (SELECT value FROM json_each(:ids))"
ROWS = f"SELECT seq, id, kind, thread FROM brain_entries WHERE id {_IDS} ORDER BY seq"
MATCHING = (
    "SELECT e.id FROM brain_entries AS e WHERE (:agent IS NULL OR e.agent = :agent) "
    "AND (:thread IS NULL OR e.thread = :thread) AND (:before IS NULL OR e.valid_at < :before) "
    "AND (:kinds = '[]' OR e.kind IN (SELECT value FROM json_each(:kinds))) "
    "AND (:prefix IS NULL OR substr(e.origin, 1, length(:prefix)) = :prefix) "
    "AND NOT EXISTS (SELECT 1 FROM json_each(:tags) AS wanted WHERE NOT EXISTS (SELECT 1 FROM "
    "brain_tags AS t WHERE t.entry_id = e.id AND t.tag = wanted.value)) ORDER BY e.seq"
)
COUNT_TAGS = f"SELECT count(*) FROM brain_tags WHERE entry_id {_IDS}"
COUNT_LINKS = f"SELECT count(*) FROM brain_memory_links WHERE memory_id {_IDS}"
COUNT_EDGES = f"SELECT count(*) FROM brain_edges WHERE from_id {_IDS} OR to_entry {_IDS}"
DELETE = f"DELETE FROM brain_entries WHERE id {_IDS}"
#: Entries that lose their successor.
PREDECESSORS = (
    f"SELECT e.* FROM brain_edges AS g JOIN brain_entries AS e ON e.id = g.to_entry "
    f"WHERE g.edge_type = 'supersedes' AND g.from_id {_IDS} AND NOT g.to_entry {_IDS} "
    "ORDER BY e.seq"
)
#: Summaries that speak of some of the entries.
SUMMARIES = (
    "SELECT DISTINCT e.id FROM brain_edges AS g JOIN brain_entries AS e ON e.id = g.from_id "
    "JOIN brain_observations AS o ON o.id = e.id WHERE o.source_type = 'maintenance' "
    f"AND g.edge_type = 'derived_from' AND g.to_entry {_IDS} AND NOT e.id {_IDS} ORDER BY e.id"
)
#: Notes that became one of the entries, and learnings that were such a note.
BECAME = (
    "SELECT e.* FROM brain_sticky_notes AS s JOIN brain_entries AS e ON e.id = s.id "
    f"WHERE s.converted_to IN (SELECT e2.kind || ':' || e2.id FROM brain_entries AS e2 "
    f"WHERE e2.id {_IDS}) AND NOT s.id {_IDS}"
)
CAME_FROM = (
    "SELECT e.* FROM brain_learnings AS l JOIN brain_entries AS e ON e.id = l.id WHERE l.source IN "
    f"(SELECT 'sticky:' || value FROM json_each(:ids)) AND NOT l.id {_IDS}"
)
DELETE_LOG = (
    "DELETE FROM brain_retrieval_log WHERE EXISTS (SELECT 1 FROM json_each(entry_ids_json) AS j "
    f"WHERE j.value {_IDS})"
)
LOGGED_QUERIES = "SELECT seq, query FROM brain_retrieval_log WHERE query IS NOT NULL"
DELETE_LOGGED = "DELETE FROM brain_retrieval_log WHERE seq IN (SELECT value FROM json_each(:seqs))"
DELETE_KEYS = (
    "DELETE FROM idempotency_keys WHERE EXISTS (SELECT 1 FROM json_tree(result) AS j "
    f"WHERE j.atom {_IDS})"
)
OPTIMIZE = "INSERT INTO brain_fts (brain_fts) VALUES ('optimize')"
DROP_META = "DELETE FROM brain_schema_meta WHERE key = :key"
#: In a copy that is attached as ``kept``; only there it can be prepared.
_HELD = f"SELECT id FROM kept.brain_entries WHERE id {_IDS} LIMIT 1"
_NUMBER = re.compile(r"(?:D|SN-)(\d+)\Z")


def listed_numbers(numbers: Sequence[int]) -> str:
    """Row numbers as the statements take them."""
    return json.dumps(list(numbers))


def listed(ids: Sequence[str]) -> str:
    """Ids as the statements take them."""
    return json.dumps(list(ids))


def matching(
    db: Backend,
    *,
    tags: Sequence[str],
    agent: str | None,
    thread: str | None,
    kinds: Sequence[str],
    before: str | None,
    prefix: str | None,
) -> list[str]:
    """Ids of all entries that a filter means, withdrawn ones included."""
    rows = db.read(
        MATCHING,
        tags=json.dumps(list(tags)),
        agent=agent,
        thread=thread,
        kinds=json.dumps(list(kinds)),
        before=before,
        prefix=prefix,
    )
    return [row["id"] for row in rows]


def counts(db: Backend, ids: Sequence[str]) -> tuple[int, int, int]:
    """Tags, links and edges that go with entries."""
    asked = listed(ids)
    return (
        int(db.scalar(COUNT_TAGS, ids=asked)),
        int(db.scalar(COUNT_LINKS, ids=asked)),
        int(db.scalar(COUNT_EDGES, ids=asked)),
    )


def keep_sequence(tx: Any, rows: Sequence[Row]) -> None:
    """Number on from the highest of what is about to go, so that no number is given again."""
    for kind in ("decision", "sticky"):
        if any(row["kind"] == kind and _NUMBER.match(row["id"]) for row in rows):
            highest = int(tx.scalar(HIGHEST[kind]) or 0)
            key = f"{kind}_sequence"
            if highest > int(meta(tx, key) or 0):
                set_meta(tx, key, str(highest))


def held_by(connection: Any, path: str, ids: Sequence[str]) -> bool:
    """Whether the copy of the store at a path has one of the ids; the copy keeps every byte."""
    from urllib.parse import quote

    connection.execute(
        "ATTACH :uri AS kept", {"uri": f"file:{quote(path)}?mode=ro&immutable=1"}
    ).fetchall()
    try:
        return connection.execute(_HELD, {"ids": listed(ids)}).fetchone() is not None
    finally:
        connection.execute("DETACH kept")
