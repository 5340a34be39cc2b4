"""Leaving nothing of what was deleted in a store's file and its write-ahead log."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cleo_core.database import Database

#: Seconds before each attempt at emptying the log.
_WAITS = (0.0, 0.1, 0.3, 0.6)


def secure(connection: Any, on: bool) -> None:
    """Have what is deleted on this connection overwritten with zeros, or no longer."""
    connection.execute(f"PRAGMA secure_delete={'ON' if on else 'OFF'}").fetchall()


def vacuum(connection: Any) -> None:
    """Write the file anew from its rows, so that no page keeps what it held before."""
    connection.execute("VACUUM")


def empty_log(db: Database) -> bool:
    """Move the write-ahead log into the file and empty it.

    Asked a few times and briefly, since a reader must not hold writers up.

    :returns: False where a reader was in the way each time.
    """
    for wait in _WAITS:
        time.sleep(wait)
        with db.hurried():
            assert db.connection is not None
            busy = db.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy is None or busy[0] == 0:
            return True
    return False
