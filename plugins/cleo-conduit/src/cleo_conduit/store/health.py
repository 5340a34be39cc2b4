"""The search index, looked at and made anew."""

from __future__ import annotations

from typing import Any

from cleo_core.database import Backend, sqlite_version

#: The full-text table has one row in its shadow table for each message that it knows.
UNINDEXED = (
    "SELECT m.id FROM messages AS m WHERE NOT EXISTS "
    "(SELECT 1 FROM messages_fts_docsize AS d WHERE d.id = m.seq) ORDER BY m.seq"
)
SUPERFLUOUS = (
    "SELECT count(*) FROM messages_fts_docsize AS d WHERE NOT EXISTS "
    "(SELECT 1 FROM messages AS m WHERE m.seq = d.id)"
)
#: The index in itself, for an SQLite from 3.44 on; reading alone is enough there.
INDEX_CHECK = "SELECT integrity_check AS words FROM pragma_integrity_check('messages_fts')"
_READING_SINCE = (3, 44)
#: Fails where the index does not agree with the messages; it writes nothing.
COMPARE = "INSERT INTO messages_fts (messages_fts, rank) VALUES ('integrity-check', 1)"
FOREIGN_KEYS = "SELECT * FROM pragma_foreign_key_check"
QUICK = "SELECT quick_check AS words FROM pragma_quick_check"
REBUILD = "INSERT INTO messages_fts (messages_fts) VALUES ('rebuild')"


def unindexed(db: Backend) -> list[str]:
    """Messages that the full-text table does not know."""
    return [row["id"] for row in db.read(UNINDEXED)]


def superfluous(db: Backend) -> int:
    """Rows of the full-text table without a message."""
    return int(db.scalar(SUPERFLUOUS))


def index_fault(db: Backend) -> str | None:
    """What is wrong inside the full-text index, or None; None also where SQLite is too old."""
    if sqlite_version() < _READING_SINCE:
        return None
    words = [str(row["words"]) for row in db.read(INDEX_CHECK)]
    return None if words == ["ok"] else "; ".join(words[:3])


def rebuild(tx: Any) -> None:
    """Make the index anew from the messages."""
    tx.execute(REBUILD)
