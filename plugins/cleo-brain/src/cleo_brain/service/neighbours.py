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
    before, after = entries.beside(work, row["thread"], row["seq"], NEIGHBOURS)
    touched = [row["seq"], *(one["seq"] for one in (*before, *after))]
    return sum(set_context(work, row["thread"], seq) for seq in touched)


def refresh_around(work: Work, rows: Sequence[Mapping[str, Any]]) -> int:
    """As :func:`refresh`, for entries that were deleted: what stood beside them.

    :returns: contexts that changed.
    """
    touched: set[tuple[str, int]] = set()
    for row in rows:
        if row["kind"] == "observation" and row["thread"] is not None:
            before, after = entries.beside(work, row["thread"], row["seq"], NEIGHBOURS)
            touched.update((row["thread"], one["seq"]) for one in (*before, *after))
    # Withdrawn ones keep the words that stood beside them then.
    for thread in {row["thread"] for row in rows if row["thread"] is not None}:
        touched.update((thread, seq) for seq in entries.withdrawn_in(work, thread))
    return sum(set_context(work, thread, seq) for thread, seq in sorted(touched))


def context(db: Any, thread: str, seq: int) -> str:
    """What the context of an observation is by the rows."""
    before, after = entries.beside(db, thread, seq, NEIGHBOURS)
    return context_of([one["body"] for one in before], [one["body"] for one in after])


def set_context(work: Work, thread: str, seq: int) -> int:
    """Compute the context of one observation anew; returns 1 where it changed."""
    return entries.set_context(work, seq, context(work, thread, seq))
