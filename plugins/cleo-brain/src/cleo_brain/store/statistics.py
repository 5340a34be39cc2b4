"""Counts over the store."""

from __future__ import annotations

from cleo_brain.store.live import LIVE
from cleo_core.database import Backend, Row

ENTRIES = (
    f"SELECT e.kind, sum({LIVE}) AS live, sum(NOT ({LIVE})) AS invalid "
    "FROM brain_entries AS e GROUP BY e.kind"
)
TIERS = f"SELECT e.tier AS name, count(*) AS n FROM brain_entries AS e WHERE {LIVE} GROUP BY e.tier"
REASONS = (
    "SELECT coalesce(e.invalid_reason, 'expired') AS name, count(*) AS n FROM brain_entries AS e "
    f"WHERE NOT ({LIVE}) GROUP BY 1"
)
LINKS = "SELECT count(*) FROM brain_memory_links"
EDGES = "SELECT count(*) FROM brain_edges"
TAGS = "SELECT tag, count(*) AS n FROM brain_tags GROUP BY tag ORDER BY n DESC, tag LIMIT :n"
LOG = "SELECT count(*) FROM brain_retrieval_log"
NEWEST = "SELECT created_at FROM brain_entries ORDER BY seq DESC LIMIT 1"
PAGES = (
    "SELECT (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size)"
)


def counted(db: Backend, statement: str, now: str) -> dict[str, int]:
    """Name -> number, of a statement that gives such rows."""
    rows: list[Row] = db.read(statement, now=now)
    return {row["name"]: int(row["n"]) for row in rows}
