"""``stats``: how much of what there is."""

from __future__ import annotations

from typing import Any

from cleo_brain.enums import INVALID_REASON, KIND, TIER
from cleo_brain.service.work import Verbs
from cleo_brain.store import retrievals
from cleo_brain.store import statistics as store
from cleo_core import clock
from cleo_core.api import Declared
from cleo_core.api.records import record

#: Tags that are listed.
MOST_TAGS = 50


@record
class Stats(Declared):
    """Counts.

    ``entries``: kind -> live and invalid. ``tiers``: of live entries. ``reasons``: of invalid ones.
    ``tags``: the most used, with their number. ``vectors``: those of the embedder's model that are
    current, entries that lack one (pending), rows to be taken out of the tables of sqlite-vec
    (stale). ``embedder``: model id of the one that would be used, None where none can run.
    ``bytes``: of the database. ``newest``: when the newest entry was written.
    """

    entries: dict[str, dict[str, int]]
    tiers: dict[str, int]
    reasons: dict[str, int]
    links: int
    edges: int
    tags: list[dict[str, Any]]
    vectors: dict[str, Any]
    embedder: str | None
    log: dict[str, int]
    bytes: int
    bytes_per_entry: int
    newest: str | None


class StatsVerbs(Verbs):
    """``stats``."""

    def stats(self) -> Stats:
        """Count entries, vectors and bytes; reads only.

        :raises StoreError: the file cannot be read.
        """
        from cleo_brain.search.maintaining import vector_state

        now = clock.now()
        with self.db.snapshot() as db:
            kinds = {row["kind"]: row for row in db.read(store.ENTRIES, now=now)}
            entries = {
                kind: {
                    "live": int(kinds[kind]["live"]) if kind in kinds else 0,
                    "invalid": int(kinds[kind]["invalid"]) if kind in kinds else 0,
                }
                for kind in KIND
            }
            tiers = store.counted(db, store.TIERS, now)
            reasons = store.counted(db, store.REASONS, now)
            state = vector_state(self.app, db)
            number = sum(one["live"] + one["invalid"] for one in entries.values())
            size = int(db.scalar(store.PAGES))
            return Stats(
                entries,
                {tier: tiers.get(tier, 0) for tier in TIER},
                {reason: reasons.get(reason, 0) for reason in INVALID_REASON},
                int(db.scalar(store.LINKS)),
                int(db.scalar(store.EDGES)),
                db.read(store.TAGS, n=MOST_TAGS),
                {
                    "model": state.model or state.stored_model,
                    "dims": state.dims,
                    "current": state.current,
                    "pending": state.pending,
                    "stale": state.stale,
                    "engine": state.engine,
                },
                state.model,
                {"rows": int(db.scalar(store.LOG)), "cap": retrievals.CAP},
                size,
                size // number if number else 0,
                db.scalar(store.NEWEST),
            )
