"""What an importer makes of one memory of its source."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cleo_core.errors import shortened


@dataclass
class Item:
    """One memory of a source, as the source has it: no value is checked yet.

    :ivar where: what the result calls it.
    :ivar values: columns of the kind's table.
    :ivar origin: the same for the same memory in every run; None: made of what it says.
    :ivar id: its id there.
    :ivar at: since when it holds: ISO-8601, ``YYYY-MM-DD HH:MM:SS`` in UTC, or milliseconds.
    :ivar columns: columns of ``brain_entries``.
    :ivar links: mappings with ``taskId`` and ``linkType``.
    :ivar edges: mappings with ``edgeType`` and ``target``.
    :ivar unknown: keys of the source that have no column here.
    :ivar forced: it passed a gate once.
    :ivar error: why it cannot be read; all else is empty then.
    """

    where: str
    kind: str = "observation"
    values: dict[str, Any] = field(default_factory=dict)
    origin: str | None = None
    id: Any = None
    at: Any = None
    thread: Any = None
    agent: Any = None
    tags: Any = ()
    columns: dict[str, Any] = field(default_factory=dict)
    links: Any = ()
    edges: Any = ()
    metadata: Any = field(default_factory=dict)
    unknown: dict[str, Any] = field(default_factory=dict)
    forced: bool = False
    error: str | None = None


def unreadable(where: str, reason: str) -> Item:
    """An item that only says why it could not be read."""
    return Item(shortened(where), error=shortened(reason))


def left_over(row: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """What a source says under keys that are not known; what is empty is left out."""
    return {
        str(key): value
        for key, value in row.items()
        if key not in known and value not in (None, "")
    }
