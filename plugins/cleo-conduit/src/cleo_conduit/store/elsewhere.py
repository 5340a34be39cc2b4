"""Refs in a file of another project, read from a private copy."""

from __future__ import annotations

import os

from cleo_conduit.api import STORE
from cleo_core.database import Row, header
from cleo_core.database.foreign import foreign, unreadable
from cleo_core.paths import file_error

__all__ = ["rows", "unreadable"]

TABLE = "project_agent_refs"
COLUMNS = frozenset(
    (
        *("agent_id", "attached_at", "attached_by", "role", "capabilities_override"),
        *("last_used_at", "enabled", "detached_at", "updated_at"),
    )
)


def rows(path: str) -> list[Row]:
    """All refs of a file; none where there is no file. Nothing of it or beside it moves.

    :raises ValidationError: 6, it is no file of this store, damaged, or written without pause.
    :raises CleoError: 3, it cannot be read.
    """
    try:
        size, application_id = header(path)
    except FileNotFoundError as error:
        if os.path.islink(path):
            raise file_error(error, path) from error
        return []
    except OSError as error:
        raise file_error(error, path) from error
    if size == 0 and not os.path.exists(path + "-wal"):
        return []
    if application_id != STORE.application_id:
        raise unreadable(path, "it belongs to something else")
    with foreign(path) as found:
        if not COLUMNS.issubset(found.tables.get(TABLE, ())):
            raise unreadable(path, f"it has no table {TABLE} as this program knows it")
        return list(found.rows(TABLE))
