"""What the health checks and reconcile look at."""

from __future__ import annotations

from typing import Any

from cleo_core.database import Backend, sqlite_version

#: The full-text table has one row here for each entry that it knows.
#: Asked for the numbers alone, SQLite reads the smallest index instead of every entry.
UNINDEXED = (
    "SELECT id FROM brain_entries WHERE seq IN (SELECT e.seq FROM brain_entries AS e "
    "WHERE NOT EXISTS (SELECT 1 FROM brain_fts_docsize AS d WHERE d.id = e.seq)) ORDER BY seq"
)
COUNTS = (
    "SELECT (SELECT count(*) FROM brain_fts_docsize) AS indexed, "
    "(SELECT count(*) FROM brain_entries) AS entries"
)
#: Edges to files of the project.
FILES = (
    "SELECT edge_id, from_id, substr(to_node, 6) AS path FROM brain_edges "
    "WHERE to_node >= 'file:' AND to_node < 'file;' ORDER BY edge_id"
)
#: The index in itself, for an SQLite from 3.44 on; reading alone is enough there.
INDEX_CHECK = "SELECT integrity_check AS words FROM pragma_integrity_check('brain_fts')"
_READING_SINCE = (3, 44)


def index_fault(db: Backend) -> str | None:
    """What is wrong inside the full-text index, or None; None also where SQLite is too old."""
    if sqlite_version() < _READING_SINCE:
        return None
    words = [str(row["words"]) for row in db.read(INDEX_CHECK)]
    return None if words == ["ok"] else "; ".join(words[:3])


def unindexed(db: Backend) -> list[str]:
    """Entries that the full-text table does not know."""
    return [row["id"] for row in db.read(UNINDEXED)]


def superfluous(db: Backend, missing: int) -> int:
    """Rows of the full-text table without an entry.

    :param missing: how many entries it does not know; each of the others has one row.
    """
    (counts,) = db.read(COUNTS)
    return int(counts["indexed"] - (counts["entries"] - missing))


def files(db: Backend) -> list[dict[str, Any]]:
    """Edges to files: ``from_id`` and the file's ``path``."""
    return db.read(FILES)
