"""The statements that PostgreSQL says in its own words, and why each may.

A statement has a twin only to claim rows (``FOR UPDATE SKIP LOCKED``), to lock rows, to search full
text, to listen and notify, or as DDL. Everything else is one text for both databases.
"""

from __future__ import annotations

from typing import Any


class Twin:
    """One statement that differs.

    :ivar reason: claim, lock, search, notify or ddl.
    :ivar shared: its text on SQLite; empty where SQLite has none.
    :ivar postgres: its text on PostgreSQL.
    """

    __slots__ = ("postgres", "reason", "shared")

    def __init__(self, reason: str, shared: str, postgres: str) -> None:
        self.reason = reason
        self.shared = shared
        self.postgres = postgres


#: Name -> the statement in both forms.
TWINS: dict[str, Twin] = {
    "agents.hold": Twin(
        "lock", "", "SELECT agent_id FROM agents WHERE agent_id = :agent_id FOR UPDATE"
    ),
    "meta.hold": Twin("lock", "", "SELECT value FROM signaldock_meta WHERE key = :key FOR UPDATE"),
}


def hold(database: Any, twin: str, **params: Any) -> None:
    """Keep other writers off a row until the unit ends; SQLite's units keep them off anyway.

    :param twin: the name in :data:`TWINS` of a statement that locks.
    """
    if on_postgres(database):
        database.read(TWINS[twin].postgres, **params)


def on_postgres(database: Any) -> bool:
    """Whether a store, or an open unit on it, is on PostgreSQL; imports nothing to find out."""
    return hasattr(database.connection, "shared")
