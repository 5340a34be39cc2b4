"""Who stops waiting, and who waits again, when tasks close or open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cleo_core.database import Row
from cleo_tasks.enums import OPEN_STATUS
from cleo_tasks.records import Line
from cleo_tasks.service.work import Work
from cleo_tasks.store import closing, tasks


class Waiting:
    """The dependants of some tasks, as they are before these tasks change.

    :param ids: the tasks that are about to change.
    """

    def __init__(self, work: Work, ids: Iterable[str]) -> None:
        self._work = work
        self._before = {one["id"]: one["waiting"] for one in closing.dependants(work, ids)}

    def released(self) -> list[Line]:
        """Pending tasks whose last open dependency is gone now.

        A dependency of theirs that was given up is named in a warning: what it should have
        delivered is not there.
        """
        found = [
            one["id"]
            for one in self._now()
            if one["status"] == "pending" and one["waiting"] == 0 and self._before[one["id"]] > 0
        ]
        warn_of_cancelled(self._work, found)
        return tasks.lines(self._work, found)

    def held(self) -> list[Line]:
        """Open tasks that had nothing to wait for and wait again."""
        found = [
            one["id"]
            for one in self._now()
            if one["status"] in OPEN_STATUS and one["waiting"] > 0 and self._before[one["id"]] == 0
        ]
        return tasks.lines(self._work, found)

    def _now(self) -> list[Row]:
        return closing.waiting(self._work, self._before) if self._before else []


def warn_of_cancelled(work: Work, ids: Sequence[str]) -> None:
    """Name the dependencies of tasks that ended cancelled."""
    if not ids:
        return
    given_up: dict[str, list[str]] = {}
    for edge in closing.cancelled_dependencies(work, ids):
        given_up.setdefault(edge["task_id"], []).append(edge["depends_on"])
    for id_, dependencies in given_up.items():
        verb = "was" if len(dependencies) == 1 else "were"
        work.warn(
            "W_DEPENDENCY_CANCELLED",
            f"{id_} depends on {', '.join(dependencies)}, which {verb} cancelled.",
        )
