"""Where a task and its record elsewhere differ, and which of the two is to follow the other.

What only one side changed since the two were last seen together goes to the other side. Where both
changed, or nothing is known of before, the policy decides.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from cleo_core.database import Row
from cleo_tasks.enums import OPEN_STATUS
from cleo_tasks.importers.agreed import COLUMNS, Agreed, digest

POLICIES = ("cleo-wins", "provider-wins", "latest-wins", "report-only")

#: Which side is to change: the task here, the record outside, or nobody until somebody decides.
IN, OUT, CONFLICT = "inbound", "outbound", "conflict"

#: How far along a task is.
_WAY = {"proposed": 0, "pending": 1, "active": 2, "done": 3}


class Difference(NamedTuple):
    """What a field is here and outside, and which side is to change."""

    here: Any
    outside: Any
    side: str


class Case(NamedTuple):
    """One record and its task.

    :param says: statuses that the tracker can tell apart.
    :param link: as it is stored.
    :param columns: of the record, as they would be here.
    :param updated_at: when the record changed, None where it does not say.
    :param agreed: what the two agreed on when last seen together, None where it is not known.
    """

    policy: str
    says: Collection[str]
    link: Row
    task: Row
    columns: Mapping[str, Any]
    status: str
    content_hash: str
    updated_at: str | None
    agreed: Agreed | None

    @property
    def changed_outside(self) -> bool:
        """Whether the record is another one than last time."""
        return bool(self.link["content_hash"] != self.content_hash)

    def differences(self) -> dict[str, Difference]:
        """Field -> difference, for those that somebody is to change."""
        found = {"title": self._title(), "status": self._status()}
        for name in COLUMNS:
            found[name] = self._column(name)
        return {name: one for name, one in found.items() if one is not None}

    @property
    def keeps_place(self) -> bool:
        """Whether the task was put elsewhere here, and stays there whatever the record says."""
        moved = self.agreed is None or self.task["parent_id"] != self.agreed.parent
        return moved and not self._gives_way

    def removed_labels(self, labels: Collection[str]) -> set[str]:
        """Those of the record's labels that were removed here, and stay so."""
        if self.agreed is None or self._gives_way:
            return set()
        return set(labels) & self.agreed.labels

    def removed_wait(self, key: str) -> bool:
        """Whether a dependency that is not here was removed here, and stays so."""
        return self.agreed is not None and key in self.agreed.waits and not self._gives_way

    @property
    def _gives_way(self) -> bool:
        """Whether the record wins where both sides changed."""
        return self._side(foreign=True, local=True) == IN

    def _title(self) -> Difference | None:
        here, outside, seen = self.task["title"], self.columns["title"], self.link["external_title"]
        if here == outside:
            return None
        local, foreign = here != seen, self.changed_outside and outside != seen
        return self._difference(here, outside, local=local, foreign=foreign)

    def _status(self) -> Difference | None:
        outside = self.status
        seen = self.link["metadata"].get("status")
        here = self._told(self.task["status"])
        wanted: str | None = outside
        if outside == "archived":
            # What is put away outside was finished before, or it is no business of ours.
            former = self.columns.get("archived_from")
            wanted = former if former in ("done", "cancelled") else None
        if wanted is None or here == wanted:
            return None
        local = here != (wanted if seen == "archived" else seen)
        foreign = self.changed_outside and outside != seen
        if local and foreign and self.policy in ("cleo-wins", "report-only"):
            ahead = _WAY.get(wanted, -1) > _WAY.get(here, 9)
            back = seen is None and _WAY.get(wanted, 9) < _WAY.get(here, -1)
            # Who is only further along the same way has not contradicted the other.
            if ahead and _WAY.get(seen or "pending", 9) <= _WAY[here]:
                return Difference(self.task["status"], wanted, IN)
            if back:
                return Difference(self.task["status"], wanted, OUT)
        return self._difference(self.task["status"], wanted, local=local, foreign=foreign)

    def _column(self, name: str) -> Difference | None:
        here, outside = self.task[name], self.columns.get(name)
        if outside in (None, []) or here == outside:
            return None
        if self.agreed is None:
            return self._difference(here, outside, local=True, foreign=self.changed_outside)
        seen = self.agreed.columns.get(name)
        return self._difference(
            here, outside, local=digest(here) != seen, foreign=digest(outside) != seen
        )

    def _difference(
        self, here: Any, outside: Any, *, local: bool, foreign: bool
    ) -> Difference | None:
        side = self._side(foreign=foreign, local=local)
        return Difference(here, outside, side) if side else None

    def _side(self, *, foreign: bool, local: bool) -> str:
        if not (foreign and local):
            return IN if foreign else OUT if local else ""
        if self.policy == "provider-wins":
            return IN
        if self.policy == "cleo-wins":
            return OUT
        if self.policy == "latest-wins" and self.updated_at is not None:
            return IN if self.updated_at > self.task["updated_at"] else OUT
        return CONFLICT

    def _told(self, status: str) -> str:
        """A status in the words of the tracker: what it cannot tell apart is all pending."""
        return "pending" if status in OPEN_STATUS and status not in self.says else status


def limited(differences: Mapping[str, Difference], direction: str) -> dict[str, Difference]:
    """What is left of differences on a link that goes one way only."""
    if direction == "inbound":
        return {name: one for name, one in differences.items() if one.side != OUT}
    if direction == "outbound":
        return {name: one._replace(side=OUT) for name, one in differences.items()}
    return dict(differences)
