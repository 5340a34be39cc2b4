"""The engine that needs nothing: vectors and sign bits straight from their tables."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from cleo_brain.search import exact
from cleo_brain.search.scene import STEPS, Scene, near_by_codes
from cleo_brain.store import vectors


def nearest(scene: Scene, k: int, within: Sequence[int] | None) -> exact.Scored:
    """The nearest live entries, and more."""
    if within is not None and len(within) <= max(k, STEPS[1]):
        return scene.near(within)
    if scene.few:
        every = vectors.seqs(scene.db, vectors.ALL_SEQS, slot=scene.slot)
        return scene.nearest_of(every if within is None else within, k)
    return by_codes(scene, vectors.CODES, k, within)


def by_codes(scene: Scene, statement: str, k: int, within: Sequence[int] | None) -> exact.Scored:
    """The nearest among what a statement of (seq, code) gives."""
    sought = int.from_bytes(scene.code, "little")
    rows = scene.db.read(statement, slot=scene.slot, after=0)
    read = int.from_bytes
    pairs = [((read(row["code"], "little") ^ sought).bit_count(), row["seq"]) for row in rows]
    if within is not None:
        allowed = frozenset(within)
        pairs = [pair for pair in pairs if pair[1] in allowed]
    return near_by_codes(scene, heapq.nsmallest(max(STEPS[-1], k), pairs), k)
