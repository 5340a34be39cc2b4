"""``fetch``: entries whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cleo_brain.errors import entry_not_found
from cleo_brain.ids import parse_id
from cleo_brain.service import reading, retrieving
from cleo_brain.service.work import Verbs
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.errors import UsageError

if TYPE_CHECKING:
    from cleo_brain.entry_records import Entry


@record
class Fetched(Declared):
    """Entries in the order asked for, the ids that do not exist, and the price of all."""

    results: list[Entry]
    not_found: list[str]
    tokens: int


class FetchVerbs(Verbs):
    """``fetch``."""

    def fetch(self, *ids: str, used: bool | None = None) -> Fetched:
        """Entries whole, withdrawn ones included.

        :param used: log the answer and count a use of each entry; None: as config
            ``brain.retrieval_log`` says.
        :raises NotFoundError: none of them exists.
        """
        wanted = self.wanted(ids)
        with self.db.snapshot() as db:
            found = reading.records(db, wanted)
        if not found:
            raise entry_not_found(*wanted)
        there = {entry.id for entry in found}
        tokens = sum(entry.tokens for entry in found)
        if retrieving.counts(self, used):
            retrieving.count(self, "fetch", [entry.id for entry in found], tokens)
        return Fetched(found, [id_ for id_ in wanted if id_ not in there], tokens)

    @staticmethod
    def wanted(ids: Sequence[str]) -> list[str]:
        """The ids as they are stored, each once.

        :raises UsageError: none is given, or one can be no id.
        """
        if not ids:
            raise UsageError("Name the entries.", fix="cleo memory find")
        return list(dict.fromkeys(parse_id(id_) for id_ in ids))
