"""``timeline``: what stood around an entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cleo_brain.errors import entry_not_found
from cleo_brain.ids import parse_id
from cleo_brain.records import Line
from cleo_brain.search.filters import Conditions, Filters
from cleo_brain.service import filtering, finding, reading
from cleo_brain.service.work import MOST_LISTED, Verbs
from cleo_brain.store import entries, search
from cleo_core import clock
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.database import Backend
from cleo_core.errors import NotFoundError, UsageError, shortened

if TYPE_CHECKING:
    from cleo_brain.entry_records import Entry


@record
class Timeline(Declared):
    """An entry whole, and those written before and after it, oldest first."""

    anchor: Entry
    before: list[Line]
    after: list[Line]


class TimelineVerbs(Verbs):
    """``timeline``."""

    def timeline(
        self,
        anchor: str | None = None,
        *,
        query: str | None = None,
        before: int = 3,
        after: int = 3,
        same_thread: bool = False,
        **filters: Any,
    ) -> Timeline:
        """What was written before and after an entry; nothing depends on times.

        :param anchor: its id; or ``query``, whose best hit it is.
        :param same_thread: only what belongs to its conversation.
        :param filters: as of ``find``; they hold for what is around the anchor, and for the hit.
        :raises UsageError: neither or both are given, or a value is not valid.
        :raises NotFoundError: there is no such entry, or the query finds nothing.
        """
        if (anchor is None) == (query is None):
            raise UsageError(
                "Name an entry or give a query, one of both.", fix="cleo memory timeline ID"
            )
        for name, number in (("before", before), ("after", after)):
            if isinstance(number, bool) or not isinstance(number, int):
                raise UsageError(f"{name} is a number of entries.", fix=f"--{name} 3")
            if not 0 <= number <= MOST_LISTED:
                raise UsageError(f"{name} is from 0 to {MOST_LISTED}.", fix=f"--{name} 3")
        with self.db.snapshot() as db:
            chosen = filtering.filters(db, filters)
            row = (
                self._hit(db, query, chosen)
                if anchor is None
                else entries.get(db, parse_id(anchor))
            )
            if row is None:
                raise entry_not_found(parse_id(anchor))
            conditions = Conditions(chosen, clock.now())
            names, values = list(conditions.names), dict(conditions.values)
            if same_thread:
                if chosen.thread not in (None, row["thread"]) or row["thread"] is None:
                    before = after = 0  # no conversation, or another one
                elif chosen.thread is None:
                    names.append("thread")
                    values["thread"] = row["thread"]
            earlier, later = search.around(db, row["seq"], before, after, names, values)
            return Timeline(
                reading.records(db, [row["id"]])[0],
                finding.lines_of(db, earlier),
                finding.lines_of(db, later),
            )

    def _hit(self, db: Backend, query: Any, chosen: Filters) -> dict[str, Any]:
        hits = finding.look(self.app, db, finding.asked_text(query), chosen, limit=1)
        if not hits.order:
            raise NotFoundError(
                f"Nothing was found for {shortened(str(query), 80)!r}.", fix="cleo memory find"
            )
        return entries.by_seqs(db, hits.order[:1])[hits.order[0]]
