"""The engine that asks sqlite-vec; what is not in its tables yet is looked at beside them."""

from __future__ import annotations

from collections.abc import Sequence

from cleo_brain.search import exact, plain
from cleo_brain.search.scene import STEPS, Scene
from cleo_brain.store import vec0, vectors

#: Vectors outside the tables up to which they are compared exactly.
_FEW = 2_000
#: Beyond these, vec0 takes longer than Python does over all sign bits.
_WORTHWHILE = STEPS[:2]


def table_for(scene: Scene) -> str | None:
    """The table to ask; None where there is none of this model's size."""
    there = vec0.there(scene.db)
    wanted = (vec0.FLOAT, vec0.BIT) if scene.few else (vec0.BIT,)
    return next((table for table in wanted if there.get(table) == scene.dims), None)


def nearest(scene: Scene, table: str, k: int, within: Sequence[int] | None) -> exact.Scored:
    """The nearest live entries, and more."""
    if within is not None and len(within) <= max(k, STEPS[1]):
        return scene.near(within)
    scored = _beside(scene, k, within)
    if table == vec0.FLOAT:
        return scored + _exactly(scene, k, within)
    for step in _WORTHWHILE:
        if step < k:
            continue
        seqs = vec0.nearest(scene.db, table, scene.code, step, within)
        found = scene.near(seqs)
        if len(seqs) < step or (len(found) >= k and _reached(scene, seqs, found)):
            return scored + found
    return scored + plain.by_codes(scene, vectors.CODES, k, within)


def _exactly(scene: Scene, k: int, within: Sequence[int] | None) -> exact.Scored:
    """From the table of whole vectors; more where too few of them live."""
    found: exact.Scored = []
    for step in STEPS:
        # A few more, so that equal distances at the end do not decide.
        wanted = min(max(step, k) + STEPS[0], STEPS[-1])
        seqs = vec0.nearest(scene.db, vec0.FLOAT, scene.vector, wanted, within)
        found = scene.near(seqs)
        if len(found) >= k or len(seqs) < wanted:
            break
    return found


def _beside(scene: Scene, k: int, within: Sequence[int] | None) -> exact.Scored:
    """What no process with sqlite-vec has put into the tables yet."""
    seqs = vectors.seqs(scene.db, vectors.NOT_INDEXED_SEQS, slot=scene.slot)
    if not seqs:
        return []
    if len(seqs) > _FEW:
        return plain.by_codes(scene, vectors.CODES_NOT_INDEXED, k, within)
    if within is not None:
        allowed = frozenset(within)
        seqs = [seq for seq in seqs if seq in allowed]
    return scene.near(seqs)


def _reached(scene: Scene, seqs: Sequence[int], found: exact.Scored) -> bool:
    """Whether nothing nearer can lie behind what the sign bits gave."""
    from cleo_brain.embed.model import code_of

    reach = exact.radius(exact.ordered(found), scene.dims)
    last = dict(vectors.values(scene.db, seqs[-1:], scene.slot)).get(seqs[-1])
    if last is None:
        return False
    sought = int.from_bytes(scene.code, "little")
    return (int.from_bytes(code_of(last), "little") ^ sought).bit_count() >= reach
