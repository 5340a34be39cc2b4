"""What one vector search looks at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cleo_brain.search import exact
from cleo_brain.store import vectors
from cleo_core.database import Backend

#: Vectors up to which all are compared exactly.
EXACT_UP_TO = 10_000
#: Candidates by sign bits that a search begins with, and how it goes on where too few of them live.
STEPS = (64, 256, 1024, 4096)


class Scene(NamedTuple):
    """The store, the query and its model.

    :ivar vector: the query's; ``code`` its sign bits.
    :ivar known: vectors of the model, counted up to one more than are compared exactly.
    """

    db: Backend
    model_id: str
    slot: int
    dims: int
    now: str
    vector: bytes
    code: bytes
    known: int

    @property
    def few(self) -> bool:
        """Whether there are so few vectors that all are compared exactly."""
        return self.known <= EXACT_UP_TO

    def near(self, seqs: Sequence[int]) -> exact.Scored:
        """Cosines of those of the entries that are live and have a current vector."""
        return exact.cosines(self.vector, vectors.near(self.db, seqs, self.slot, self.now))

    def nearest_of(self, seqs: Sequence[int], k: int) -> exact.Scored:
        """At least the ``k`` nearest of many entries that are live and have a current vector.

        Entries are wide, and reading each to see whether it lives takes longer than all the rest;
        so vectors are compared first.
        """
        size = 4 * self.dims
        rows = [row for row in vectors.raw(self.db, seqs) if len(row[1]) == size]
        rough = exact.ordered(exact.cosines(self.vector, rows))
        kept: exact.Scored = []
        for first in range(0, len(rough), 2 * k):
            block = rough[first : first + 2 * k]
            alive = vectors.near_seqs(self.db, [seq for seq, _ in block], self.slot, self.now)
            kept += [one for one in block if one[0] in alive]
            if len(kept) >= k:
                break
        return kept


def near_by_codes(
    scene: Scene, by_distance: Sequence[tuple[int, int]], k: int, most: int = STEPS[-1]
) -> exact.Scored:
    """The nearest by cosine of what sign bits put into order.

    :param by_distance: (differing bits, seq), the nearest first.
    :param most: how many are compared exactly at most.
    """
    scored: exact.Scored = []
    done = 0
    for step in STEPS:
        if done >= len(by_distance) or (done and len(scored) >= k):
            break
        scored += scene.near([seq for _, seq in by_distance[done : max(step, k)]])
        done = max(step, k)
    reach = exact.radius(exact.ordered(scored), scene.dims)
    end = done
    while end < min(len(by_distance), most) and by_distance[end][0] <= reach:
        end += 1
    if end > done:
        scored += scene.nearest_of([seq for _, seq in by_distance[done:end]], k)
    return scored
