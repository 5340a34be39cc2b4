"""The rows of the older file, and which agent each of its ids means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cleo_core.errors import UsageError, ValidationError, echoed
from cleo_signaldock.ids import new_agent_id, parse_agent_id
from cleo_signaldock.service.legacy import values

Row = Mapping[str, Any]
#: Tables that SQLite, the search index and older migration runners keep for themselves.
_INTERNAL = ("sqlite_", "messages_fts", "_signaldock_", "__diesel", "__drizzle", "_sqlx_")


class Source:
    """The older file in memory.

    :param tables: table -> rows, in the order in which they lie there.
    :param renames: id in the file -> id that the agent gets.
    """

    def __init__(
        self, tables: Mapping[str, list[dict[str, Any]]], renames: Mapping[str, str]
    ) -> None:
        self.tables = {
            name: rows for name, rows in tables.items() if not name.startswith(_INTERNAL)
        }
        self.renames = dict(renames)
        self._agents: dict[str, str] = {}
        for row in self.rows("agents"):
            raw = self.raw_id(row)
            if raw is not None:
                self._agents[values.word(row.get("id")) or raw] = raw

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The rows of a table; none where the file has no such table."""
        return self.tables.get(table, [])

    def keyed(self, table: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Rows with what reports call them by: their id, else their place."""
        seen: set[str] = set()
        for number, row in enumerate(self.rows(table), 1):
            key = values.word(row.get("id")) or f"row {number}"
            while key in seen:
                key = f"{key} (row {number})"
            seen.add(key)
            yield key, row

    @staticmethod
    def raw_id(row: Row) -> str | None:
        """The id of an agent as its row says it; the oldest layouts have only ``id``."""
        return values.word(row["agent_id"] if "agent_id" in row else row.get("id"))

    def raw_of(self, value: Any) -> str | None:
        """The agent's id in the file that a UUID of its ``agents``, or an id, means."""
        found = values.word(value)
        return None if found is None else self._agents.get(found, found)

    def agent(self, value: Any) -> str | None:
        """The id that the agent gets whom a UUID or an id of the file means."""
        raw = self.raw_of(value)
        return None if raw is None else self.renames.get(raw, raw)

    def counts(self) -> dict[str, int]:
        """Table -> rows."""
        return {name: len(rows) for name, rows in sorted(self.tables.items())}


def renames(given: Mapping[str, str] | None) -> dict[str, str]:
    """Checked renames.

    :raises UsageError: a new id can be no agent's.
    """
    found = {}
    for old, new in (given or {}).items():
        if not isinstance(old, str) or not old.strip():
            raise UsageError("A rename names the id in the file.", fix="--rename OLD=NEW")
        found[old.strip()] = new_agent_id(new)
    return found


def check_renames(source: Source) -> None:
    """Refuse renames of ids that are not there.

    :raises ValidationError: 6.
    """
    known = {source.raw_id(row) for row in source.rows("agents")}
    for row in source.rows("messages"):
        known |= {values.word(row.get("from_agent_id")), values.word(row.get("to_agent_id"))}
    for row in source.rows("conversations"):
        known.update(values.names(row.get("participants")))
    for old in source.renames:
        if old not in known:
            raise ValidationError(
                f"The file knows no agent {echoed(old)}.", fix="cleo agent migrate-legacy --dry-run"
            )


def is_agent_id(value: str) -> bool:
    """Whether a text can be an agent's id."""
    try:
        parse_agent_id(value)
    except UsageError:
        return False
    return True
