"""All tasks of a project at once, for those who look at several projects."""

from __future__ import annotations

import json
from collections.abc import Iterable

from cleo_tasks.bulk_records import Features, Summary, WaitingGraph
from cleo_tasks.enums import OPEN_STATUS, TASK_STATUS
from cleo_tasks.ids import parse_ids
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.store import bulk as store


class BulkVerbs(Verbs):
    """``edges``, ``summary`` and ``features``, each one read."""

    def edges(self) -> WaitingGraph:
        """The whole waiting graph, as the cycle check sees it.

        A task waits for what it depends on and for its children, whatever the status of either. Who
        looks for what holds up open work goes by the statuses: an edge counts where both ends are
        open.
        """
        with self.db.snapshot() as db:
            return WaitingGraph(store.statuses(db), store.waits(db))

    def summary(self) -> Summary:
        """How many tasks there are, in which statuses and with which labels."""
        with self.db.snapshot() as db:
            counts = dict.fromkeys(TASK_STATUS, 0)
            counts |= {row["status"]: row["tasks"] for row in store.counts(db)}
            return Summary(
                tasks=sum(counts.values()) - counts["archived"],
                open=sum(counts[status] for status in OPEN_STATUS),
                by_status=counts,
                labels=store.labels(db),
            )

    def features(self, ids: Iterable[str] | None = None) -> list[Features]:
        """What tasks are about, in order of number, whatever their status.

        :param ids: of these tasks, those that exist; by default of all.
        :raises UsageError: one is no task id.
        """
        named = None if ids is None else parse_ids(ids)
        return [
            Features(id_, title, status, json.loads(labels), description, json.loads(files))
            for id_, title, status, labels, description, files in store.features(self.db, named)
        ]
