"""The context of observations: what stands around each of them in its thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cleo_brain.service.deriving import NEIGHBOURS, context_of
from cleo_brain.service.work import Work
from cleo_brain.store import entries


def refresh(work: Work, row: Mapping[str, Any]) -> int:
    """Compute the context of an entry and of its neighbours anew.

    Called in the unit that adds, withdraws, revives or changes the entry, so that withdrawn words
    are not found through what stood beside them.

    :param row: its columns, ``seq``, ``kind``, ``thread``.
    :returns: contexts that changed.
    """
    if row["kind"] != "observation" or row["thread"] is None:
        return 0
    return sum(set_context(work, row["thread"], seq) for seq in _touched(work, row))


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
    return sum(set_context(work, thread, seq) for thread, seq in sorted(touched))


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


def set_context(work: Work, thread: str, seq: int) -> int:
    """Compute the context of one observation anew; returns 1 where it changed."""
    return entries.set_context(work, seq, context(work, thread, seq))
