"""What the maintenance looks at and sets, in blocks."""

from __future__ import annotations

from typing import Any

from cleo_core.database import Backend, Row

BLOCK = 500

ALL = "SELECT * FROM brain_entries WHERE seq > :after ORDER BY seq LIMIT :n"
LIVE_BLOCK = (
    "SELECT * FROM brain_entries WHERE seq > :after AND invalid_at IS NULL ORDER BY seq LIMIT :n"
)
NEWEST = (
    "SELECT * FROM brain_entries WHERE invalid_at IS NULL AND kind <> 'sticky' "
    "ORDER BY seq DESC LIMIT :n"
)
EDGES_AMONG = (
    "SELECT from_id, to_entry FROM brain_edges WHERE to_entry IS NOT NULL "
    "AND from_id IN (SELECT value FROM json_each(:ids)) "
    "AND to_entry IN (SELECT value FROM json_each(:ids))"
)
SET_QUALITY = "UPDATE brain_entries SET quality = :quality WHERE seq = :seq AND quality <> :quality"
SET_SEARCHED = (
    "UPDATE brain_entries SET extra = :extra, context = :context, dates = :dates WHERE seq = :seq "
    "AND (extra <> :extra OR context <> :context OR dates <> :dates)"
)
#: The index against the rows; damage raises.
INDEX_CHECK = "INSERT INTO brain_fts (brain_fts, rank) VALUES ('integrity-check', 1)"
INDEX_REBUILD = "INSERT INTO brain_fts (brain_fts) VALUES ('rebuild')"
INDEX_MERGE = "INSERT INTO brain_fts (brain_fts, rank) VALUES ('merge', 500)"
COUNT_ENTRIES = "SELECT count(*) FROM brain_entries"
COUNT_LOG = "SELECT count(*) FROM brain_retrieval_log"
COUNT_KEYS = "SELECT count(*) FROM idempotency_keys"
DELETE_KEYS = "DELETE FROM idempotency_keys WHERE expires_at <= :now"


def block(db: Backend, after: int, *, live: bool) -> list[Row]:
    """The next entries by ``seq``."""
    return db.read(LIVE_BLOCK if live else ALL, after=after, n=BLOCK)


def check_index(tx: Any) -> None:
    """Hold the full-text index against the rows; damage raises what the driver raises."""
    tx.execute(INDEX_CHECK)


def count(db: Backend, statement: str) -> int:
    """One of the counts."""
    return int(db.scalar(statement))
