"""The engine of processes that search again and again: sign bits stay in memory, as numpy arrays.

Used only where something else has imported numpy already.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from copy import copy
from typing import Any

from cleo_brain.search import exact
from cleo_brain.search.scene import STEPS, Scene
from cleo_brain.store import entries, vectors
from cleo_core.database import Backend

#: Files whose codes are kept.
_KEPT = 4
#: Candidates compared exactly at most, after those by sign bits were put into a better order.
_MOST = 512

_Key = tuple[str, int, str]
_lock = threading.Lock()
_searches: dict[_Key, int] = {}
_codes: dict[_Key, Codes]


class Codes:
    """Sign bits, and up to 10 000 the vectors, of one model in one file."""

    def __init__(self, dims: int) -> None:
        self.dims = dims
        self.generation: tuple[int, int] | None = None
        self.seqs: Any = None
        self.columns: list[Any] = []
        self.table: Any = None

    def refresh(self, scene: Scene) -> None:
        """Read what came since; everything anew where more than that happened."""
        import numpy

        generation = generation_of(scene.db)
        if generation == self.generation:
            if scene.few and self.table is None:
                self._read_table(scene)
            return
        appended = self.generation is not None and generation[0] == self.generation[0]
        after = int(self.seqs[-1]) if appended and len(self.seqs) else 0
        rows = scene.db.read(vectors.CODES, slot=scene.slot, after=after)
        seqs = numpy.array([row["seq"] for row in rows], dtype=numpy.int64)
        joined = b"".join(row["code"] for row in rows)
        words = numpy.frombuffer(joined, dtype="<u8").reshape(-1, self.dims // 64)
        columns = [numpy.ascontiguousarray(words[:, n]) for n in range(self.dims // 64)]
        if after:
            seqs = numpy.concatenate((self.seqs, seqs))
            columns = [numpy.concatenate(p) for p in zip(self.columns, columns, strict=True)]
        self.seqs, self.columns, self.table = seqs, columns, None
        self.generation = generation
        if scene.few:
            self._read_table(scene)

    def _read_table(self, scene: Scene) -> None:
        import numpy

        rows = scene.db.read(vectors.EMBEDDINGS, slot=scene.slot, after=0)
        joined = b"".join(row["embedding"] for row in rows)
        table = numpy.frombuffer(joined, dtype="<f4").reshape(-1, self.dims)
        norms = numpy.linalg.norm(table, axis=1, keepdims=True)
        norms[norms == 0] = 1
        self.seqs = numpy.array([row["seq"] for row in rows], dtype=numpy.int64)
        self.table = table / norms

    def nearest(self, scene: Scene, k: int, within: Sequence[int] | None) -> exact.Scored:
        """The nearest live entries, and more."""
        import numpy

        if within is not None and len(within) <= max(k, STEPS[1]):
            return scene.near(within)
        chosen = None if within is None else numpy.isin(self.seqs, numpy.asarray(within))
        if scene.few and self.table is not None:
            distances = -(self.table @ numpy.frombuffer(scene.vector, dtype="<f4"))
            return self._exactly(scene, distances, k, chosen)
        return self._by_codes(scene, k, chosen)

    def _exactly(self, scene: Scene, distances: Any, k: int, chosen: Any) -> exact.Scored:
        seqs = self.seqs
        if chosen is not None:
            distances, seqs = distances[chosen], seqs[chosen]
        found: exact.Scored = []
        for step in STEPS:
            wanted = max(step, k) + STEPS[0]
            found = scene.near(seqs[_lowest(distances, wanted)].tolist())
            if len(found) >= k or wanted >= len(seqs):
                break
        return found

    def _by_codes(self, scene: Scene, k: int, chosen: Any) -> exact.Scored:
        import numpy

        sought = numpy.frombuffer(scene.code, dtype="<u8")
        distances = numpy.zeros(len(self.seqs), dtype=numpy.uint16)
        for column, word in zip(self.columns, sought, strict=True):
            distances += numpy.bitwise_count(column ^ word)
        places = None if chosen is None else numpy.nonzero(chosen)[0]
        if places is not None:
            distances = distances[places]

        def seqs_at(found: Any) -> list[int]:
            at = found if places is None else places[found]
            listed: list[int] = self.seqs[at].tolist()
            return listed

        scored: exact.Scored = []
        fresh = numpy.ones(len(distances), dtype=bool)
        for step in STEPS:
            nearest = _lowest(distances, max(step, k))
            scored += scene.near(seqs_at(nearest[fresh[nearest]]))
            fresh[nearest] = False
            if len(scored) >= k or len(nearest) >= len(distances):
                break
        reach = exact.radius(exact.ordered(scored), self.dims)
        more = numpy.nonzero((distances <= reach) & fresh)[0]
        if len(more) > STEPS[-1]:
            more = more[_lowest(distances[more], STEPS[-1])]
        if len(more) > _MOST:
            at = more if places is None else places[more]
            more = more[_lowest(self._estimated(scene, at), _MOST)]
        return scored + scene.nearest_of(seqs_at(more), k) if len(more) else scored

    def _estimated(self, scene: Scene, at: Any) -> Any:
        """A better order of a few than that by differing bits: the query's own numbers count."""
        import numpy

        words = numpy.stack([column[at] for column in self.columns], axis=1)
        places = words.view(numpy.uint8)
        # What each value of each byte of a code adds to the product with the query.
        bits = numpy.unpackbits(numpy.arange(256, dtype=numpy.uint8)[:, None], axis=1)[:, ::-1]
        parts = numpy.frombuffer(scene.vector, dtype="<f4").reshape(-1, 8) @ bits.T.astype("<f4")
        return -parts[numpy.arange(len(parts)), places].sum(axis=1)


_codes = {}


def codes_for(scene: Scene, path: str) -> Codes | None:
    """The codes of a file where this engine may run: numpy is here, and it is asked again.

    :param path: of the store's file; one in memory is never kept.
    """
    inode = _inode(path)
    if inode is None:
        return None
    key = (path, inode, scene.model_id)
    with _lock:
        _searches[key] = _searches.get(key, 0) + 1
        if _searches[key] < 2 or "numpy" not in sys.modules:
            return None
        kept = _codes.pop(key, None)
        if kept is None or kept.dims != scene.dims:
            kept = Codes(scene.dims)
        _codes[key] = kept
        while len(_codes) > _KEPT:
            _codes.pop(next(iter(_codes)))
        kept.refresh(scene)
        # Another thread may refresh it while this one searches.
        return copy(kept)


def generation_of(db: Backend) -> tuple[int, int]:
    """How often vectors were replaced or removed, and how often newer ones only came in addition.

    Other processes' changes show here as well: it stands in the file.
    """
    first, _, second = entries.meta(db, vectors.GENERATION).partition(":")
    return int(first or 0), int(second or 0)


def _lowest(values: Any, n: int) -> Any:
    """Where the ``n`` lowest stand; equal ones in their order."""
    import numpy

    if len(values) <= n:
        return numpy.arange(len(values))
    limit = numpy.partition(values, n - 1)[n - 1]
    below = numpy.nonzero(values < limit)[0]
    equal = numpy.nonzero(values == limit)[0][: n - len(below)]
    return numpy.concatenate((below, equal))


def _inode(path: str) -> int | None:
    try:
        return os.stat(path).st_ino
    except OSError:
        return None
