"""Putting vectors into the store, inside a unit; with sqlite-vec loaded, into its tables too."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cleo_brain.embed.model import code_of
from cleo_brain.search.extension import loaded
from cleo_brain.search.resident import generation_of
from cleo_brain.search.scene import EXACT_UP_TO
from cleo_brain.store import entries, vec0, vectors
from cleo_core.errors import CleoError

if TYPE_CHECKING:
    from cleo_brain.api import EmbedderSpec


class Item(NamedTuple):
    """A vector and the text that it was made of."""

    seq: int
    text_hash: str
    vector: bytes


class Put(NamedTuple):
    """How many vectors were stored, and how many of them took another's place."""

    stored: int
    replaced: int


def put(tx: Any, spec: EmbedderSpec, items: Sequence[Item], *, coming: int = 0) -> Put:
    """Store vectors of those entries that still have the text that was embedded.

    :param coming: how many new vectors will follow in other units, these included.
    :raises CleoError: ``E_VALIDATION`` (6), the store holds vectors of this model of another size.
    """
    slot = slot_for(tx, spec)
    rows = json.dumps([[item.seq, item.text_hash] for item in items])
    unchanged = frozenset(vectors.seqs(tx, vectors.UNCHANGED, rows=rows))
    # In ascending order: the other way round SQLite leaves a third of each page empty.
    kept = sorted(item for item in items if item.seq in unchanged)
    if not kept:
        return Put(0, 0)
    listed = vectors.listed(item.seq for item in kept)
    earlier = tx.read(vectors.EARLIER, seqs=listed)
    only_newer = not earlier and min(unchanged) > int(tx.scalar(vectors.NEWEST_VECTOR, slot=slot))
    tables = _tables(tx, slot, spec.dims, max(coming, len(kept))) if loaded(tx) else None
    indexed = [row["seq"] for row in earlier if row["indexed"]]
    if tables is None:
        tx.execute(vectors.ADD_STALE, seqs=vectors.listed(indexed))
    tx.execute(vectors.DELETE, seqs=listed)
    made = [
        {
            "seq": item.seq,
            "slot": slot,
            "text_hash": item.text_hash,
            "code": code_of(item.vector),
            "indexed": int(tables is not None),
            "now": tx.now,
            "embedding": item.vector,
        }
        for item in kept
    ]
    tx.executemany(vectors.INSERT, made)
    tx.executemany(vectors.INSERT_VALUES, made)
    if tables is not None:
        _into_tables(tx, tables, [(row["seq"], row["code"], row["embedding"]) for row in made])
    changed(tx, appended=only_newer)
    tx.execute(vectors.DROP_MODELS, slot=slot)
    return Put(len(kept), len(earlier))


def slot_for(tx: Any, spec: EmbedderSpec) -> int:
    """The slot of a model, made where there is none; another model's index goes.

    :raises CleoError: as :func:`put`.
    """
    known = vectors.model(tx, spec.model_id)
    if known is not None and known[1] != spec.dims:
        raise CleoError(
            "E_VALIDATION",
            f"{spec.model_id} had {known[1]} dimensions and now has {spec.dims}; "
            "a model id stands for vectors that can be compared.",
            fix="cleo config set brain.embedder none",
        )
    if entries.meta(tx, vectors.EMBEDDER) != spec.model_id:
        if loaded(tx):
            _empty_index(tx)
        else:
            tx.execute(vectors.ALL_STALE)
            tx.execute(vectors.NONE_INDEXED)
        entries.set_meta(tx, vectors.EMBEDDER, spec.model_id)
        vectors.set_mark(tx, 0)
        changed(tx)
    if known is not None:
        return known[0]
    return int(tx.scalar(vectors.ADD_MODEL, model=spec.model_id, dims=spec.dims, now=tx.now))


def advance(tx: Any, slot: int, *, from_the_start: bool = False) -> None:
    """Say that vectors are complete up to the newest entry, if they are.

    :param from_the_start: look at every entry, not only at those after the mark.
    """
    model_id = entries.meta(tx, vectors.EMBEDDER)
    mark = 0 if from_the_start else vectors.mark(tx, model_id)
    if not vectors.pending(tx, slot, mark, tx.now, 1):
        vectors.set_mark(tx, vectors.newest(tx))


def changed(tx: Any, *, appended: bool = False) -> None:
    """Count a change of vectors, for those who keep them in memory."""
    replaced, added = generation_of(tx)
    text = f"{replaced}:{added + 1}" if appended else f"{replaced + 1}:0"
    entries.set_meta(tx, vectors.GENERATION, text)


def catch_up(tx: Any, most: int) -> int:
    """With sqlite-vec loaded: take out what is stale, put in what is not indexed yet.

    :param most: rows of each at most.
    :returns: rows taken out and put in.
    """
    if not loaded(tx):
        return 0
    stale = vectors.seqs(tx, vectors.STALE, n=most)
    if stale:
        for table in vec0.there(tx):
            vec0.delete(tx, table, stale)
        tx.execute(vectors.DROP_STALE, seqs=vectors.listed(stale))
    known = vectors.model(tx, entries.meta(tx, vectors.EMBEDDER))
    if known is None:
        return len(stale)
    slot, dims = known
    rows = tx.read(vectors.NOT_INDEXED, slot=slot, now=tx.now, n=most)
    if rows:
        tables = _tables(tx, slot, dims, 0)
        # What is withdrawn stays outside, and is done with until it is brought back.
        made = [(row["seq"], row["code"], row["embedding"]) for row in rows if row["live"]]
        _into_tables(tx, tables, made)
        seqs = vectors.listed(row["seq"] for row in rows)
        tx.execute(vectors.SET_INDEXED, seqs=seqs, indexed=1)
    return len(stale) + len(rows)


def keep_float_table(tx: Any, lower: int) -> int:
    """Drop the table of whole vectors above 10 000, make it again below a number.

    :returns: 1 where it was dropped or made, else 0.
    """
    there = vec0.there(tx)
    known = vectors.model(tx, entries.meta(tx, vectors.EMBEDDER))
    if known is None or not loaded(tx) or vec0.BIT not in there:
        return 0
    slot, dims = known
    count = vectors.at_most(tx, slot, EXACT_UP_TO + 1)
    if vec0.FLOAT in there and count > EXACT_UP_TO:
        vec0.remove(tx, vec0.FLOAT)
        return 1
    if vec0.FLOAT in there or not 0 < count < lower:
        return 0
    vec0.make(tx, vec0.FLOAT, dims)
    inside = vec0.rows(tx, vec0.BIT)
    rows = vectors.values(tx, inside, slot)
    vec0.insert(tx, vec0.FLOAT, rows)
    return 1


def _empty_index(tx: Any) -> None:
    """Drop both tables; every vector is to be indexed anew."""
    for table in vec0.there(tx):
        vec0.remove(tx, table)
    tx.execute(vectors.NONE_INDEXED)
    tx.execute(vectors.DROP_ALL_STALE)


def _tables(tx: Any, slot: int, dims: int, coming: int) -> list[str]:
    """The tables that vectors go into, made where they are missing."""
    there = vec0.there(tx)
    if any(size != dims for size in there.values()):
        _empty_index(tx)
        there = {}
    few = vectors.at_most(tx, slot, EXACT_UP_TO + 1) + coming <= EXACT_UP_TO
    if vec0.BIT not in there:
        if vec0.FLOAT in there:
            vec0.remove(tx, vec0.FLOAT)
        tx.execute(vectors.NONE_INDEXED)
        vec0.make(tx, vec0.BIT, dims)
        if few:
            vec0.make(tx, vec0.FLOAT, dims)
        return [vec0.BIT, vec0.FLOAT] if few else [vec0.BIT]
    if vec0.FLOAT in there and not few:
        vec0.remove(tx, vec0.FLOAT)
        return [vec0.BIT]
    return [vec0.BIT, vec0.FLOAT] if vec0.FLOAT in there else [vec0.BIT]


def _into_tables(tx: Any, tables: Iterable[str], made: Sequence[tuple[int, bytes, bytes]]) -> None:
    """Put (seq, code, embedding) in; what was there under those numbers goes first."""
    seqs = [seq for seq, _, _ in made]
    for table in tables:
        vec0.delete(tx, table, vec0.inside(tx, table, seqs))
        bits = table == vec0.BIT
        vec0.insert(tx, table, [(seq, code if bits else whole) for seq, code, whole in made])
    tx.execute(vectors.DROP_STALE, seqs=vectors.listed(seqs))
