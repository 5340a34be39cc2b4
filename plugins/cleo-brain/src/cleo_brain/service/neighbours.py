"""The context of observations: what stands around each of them in its thread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cleo_brain.service.deriving import NEIGHBOURS, context_of
from cleo_brain.service.work import Work
from cleo_brain.store import entries

#: Before what is being written at the end of a thread.
_END = 2**62


class Joining:
    """An observation that is about to be written at the end of its thread.

    :ivar context: its own context.
    """

    def __init__(self, work: Work, thread: str) -> None:
        self._work = work
        self._thread = thread
        # Those that get a new neighbour, and what stands before them.
        self._before = entries.before_in_thread(work, thread, _END, 2 * NEIGHBOURS)
        self.context = context_of([one["body"] for one in self._before[:NEIGHBOURS]], [])

    def tell(self, row: Mapping[str, Any]) -> None:
        """Give those before it their new context, now that it is written.

        :param row: its columns, with ``seq``.
        """
        work, thread = self._work, self._thread
        near = self._before[:NEIGHBOURS]
        found: dict[int, str] = {}
        after = [row["body"]]
        for place, one in enumerate(near, 1):
            before = self._before[place : place + NEIGHBOURS]
            found[one["seq"]] = context_of([other["body"] for other in before], after)
            after = [one["body"], *after]
        low = near[-1]["seq"] if len(near) == NEIGHBOURS else 0
        for seq in entries.withdrawn_between(work, thread, low, row["seq"] - 1):
            found[seq] = context(work, thread, seq)
        entries.set_contexts(work, found)


def refresh(work: Work, row: Mapping[str, Any]) -> int:
    """Compute the context of an entry and of its neighbours anew.

    Called in the unit that adds, withdraws, revives or changes the entry, so that withdrawn words
    are not found through what stood beside them.

    :param row: its columns, ``seq``, ``kind``, ``thread``.
    :returns: contexts that changed.
    """
    if row["kind"] != "observation" or row["thread"] is None:
        return 0
    thread = row["thread"]
    return set_contexts(work, [(thread, seq) for seq in _touched(work, row)])


def refresh_around(work: Work, rows: Sequence[Mapping[str, Any]]) -> int:
    """As :func:`refresh`, for entries that were deleted: what stood beside them.

    :returns: contexts that changed.
    """
    touched = {
        (row["thread"], seq)
        for row in rows
        if row["kind"] == "observation" and row["thread"] is not None
        for seq in _touched(work, row)
    }
    return set_contexts(work, sorted(touched))


def _touched(work: Work, row: Mapping[str, Any]) -> list[int]:
    """An observation, its live neighbours, and the withdrawn ones that it may be a neighbour of."""
    before, after = entries.beside(work, row["thread"], row["seq"], NEIGHBOURS)
    low = before[-1]["seq"] if len(before) == NEIGHBOURS else 0
    high = after[-1]["seq"] if len(after) == NEIGHBOURS else 2**62
    withdrawn = entries.withdrawn_between(work, row["thread"], low, high)
    live = [row["seq"], *(one["seq"] for one in (*before, *after))]
    return list(dict.fromkeys((*live, *withdrawn)))


def context(db: Any, thread: str, seq: int) -> str:
    """What the context of an observation is by the rows."""
    before, after = entries.beside(db, thread, seq, NEIGHBOURS)
    return context_of([one["body"] for one in before], [one["body"] for one in after])


def set_contexts(work: Work, places: Iterable[tuple[str, int]]) -> int:
    """Compute the context of observations anew, of (thread, seq); returns how many changed."""
    return entries.set_contexts(work, {seq: context(work, thread, seq) for thread, seq in places})
