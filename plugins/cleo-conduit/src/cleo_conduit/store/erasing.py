"""Taking text out of the file, not only out of the rows."""

from __future__ import annotations

from typing import Any

#: Writes the index anew as one piece, without the words of what was taken out.
OPTIMIZE = "INSERT INTO messages_fts (messages_fts) VALUES ('optimize')"


def secure(connection: Any, on: bool) -> None:
    """Have what is deleted on this connection overwritten with zeros, or no longer."""
    connection.execute(f"PRAGMA secure_delete={'ON' if on else 'OFF'}").fetchall()


def truncate_log(connection: Any) -> bool:
    """Move the write-ahead log into the file and empty it; False where a reader is in the way."""
    busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return busy is None or busy[0] == 0
