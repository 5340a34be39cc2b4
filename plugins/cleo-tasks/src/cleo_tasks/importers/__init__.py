"""Importers: one module for each foreign format, and the engine that all of them share.

A module maps one source row to one :class:`~cleo_tasks.importers.row.Row` and knows nothing of the
database. To add one: write the module with the two functions of :class:`Importer`, and give it a
line in :data:`MODULES`.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from cleo_tasks.importers.row import Row
    from cleo_tasks.importers.source import Item, Source

#: provider, as links name it -> module.
MODULES = {
    "jsonl": "cleo_tasks.importers.jsonl",
    "beads": "cleo_tasks.importers.beads",
    "cleo": "cleo_tasks.importers.cleo",
    "taskwarrior": "cleo_tasks.importers.taskwarrior",
    "task-master": "cleo_tasks.importers.taskmaster",
    "github": "cleo_tasks.importers.github",
}


#: Reads what any other provider's records are written down in.
GENERIC = "cleo_tasks.importers.generic"


class Importer(Protocol):
    """What a module offers."""

    #: What the format is called in messages, and the command that makes such a file.
    FORMAT: str
    FIX: str
    #: Whether edges that cannot be made are dropped; else they are kept in the metadata.
    STRIPS: bool
    #: Fields that change while the row does not: they are dropped, and counted as such.
    DERIVED: tuple[str, ...]
    #: The statuses, as they are called here, that the source can tell apart.
    SAYS: tuple[str, ...]

    @staticmethod
    def items(source: Source) -> Iterator[Item]:
        """The file's rows in order, each read once; sets ``source.scope`` where ids need one.

        :raises CleoError: ``E_VALIDATION``, the file is not of this format.
        """
        ...

    @staticmethod
    def settle(raw: dict[str, object], row: Row) -> None:
        """Map one source row; what it does not take out of ``row.rest`` ends in the metadata.

        :raises SkippedError: the row is none to import.
        :raises MalformedError: it cannot be understood.
        """
        ...


def importer(provider: str | None) -> Importer:
    """The importer of a provider; the generic one for None and for who has none of its own."""
    return cast(Importer, import_module(MODULES.get(provider or "", GENERIC)))
