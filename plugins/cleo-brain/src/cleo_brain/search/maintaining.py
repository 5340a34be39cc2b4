"""Keeping vectors whole: what the step ``vectors`` of the maintenance does, and what is counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cleo_brain.search.extension import loaded, ready
from cleo_brain.store import entries, vec0, vectors
from cleo_core import clock

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Backend

#: Runs a body as one unit of the brain store: ``lambda body: self.write("memory.maintain", body)``.
Writer = Callable[[Callable[[Any], Any]], Any]
#: Called with what is counted, how much is done and of how much.
Progress = Callable[[str, int, "int | None"], None]

#: Vectors below which the table of whole vectors is made again.
FLOAT_AGAIN = 8_000
_BLOCK = 500


class Maintained(NamedTuple):
    """What a step looked at and what it changed."""

    examined: int
    changed: int


class VectorState(NamedTuple):
    """Counts for ``stats`` and doctor.

    :ivar model: of the embedder that would be used; None where none can run.
    :ivar current: live entries with a vector of it.
    :ivar pending: live entries without one.
    :ivar stale: rows that are to be taken out of the vec0 tables.
    :ivar unindexed: vectors that are not in the vec0 tables yet.
    :ivar engine: what a first search in this process would use; None without vectors.
    :ivar extension: why sqlite-vec does not load here; None where it does.
    :ivar stored_model: whose vectors the store holds, whether or not it can run here.
    """

    model: str | None
    dims: int | None
    current: int
    pending: int
    stale: int
    unindexed: int
    engine: str | None
    extension: str | None
    stored_model: str | None


def maintain_vectors(app: App, write: Writer, progress: Progress | None = None) -> Maintained:
    """Empty what is stale, index what is not, embed what is pending, keep or drop the float table.

    Works in units of its own through ``write``; embedding happens outside of them. A second run
    reports no change. With ``app.dry_run`` it only counts.

    :raises EmbedderError: the embedder fails with a whole block.
    """
    from cleo_brain.embed import choosing
    from cleo_brain.search import filling, storing

    db = app.store("brain")
    spec = choosing.chosen(app) if app.config.get("brain.embed") != "never" else None
    state = vector_state(app, db)
    wrong = out_of_step(db)
    examined = state.current + state.pending
    if app.dry_run:
        changed = len(wrong[0]) + len(wrong[1]) + (state.pending if spec is not None else 0)
        if state.extension is None:
            changed += state.stale + state.unindexed
        return Maintained(examined, changed)
    changed = 0
    if any(wrong):
        write(lambda tx: mend(tx, *wrong))
        # What is missing counts when it is put in.
        changed += len(wrong[0]) + (0 if ready(app)[0] else len(wrong[1]))
    if spec is not None:
        filled = filling.Filled()
        known = vectors.model(db, spec.model_id)
        blocks = filling.blocks(db, None if known is None else known[0], filling.BATCH)

        def tell(examined: int) -> None:
            if progress is not None:
                progress("vectors", examined, state.pending)

        filling.fill_all(write, spec, blocks, filled, missing=state.pending, tell=tell)
        if filled.examined:
            filling.complete(write, spec, examined_all=True)
        changed += filled.stored
    if ready(app)[0]:
        while step := write(lambda tx: storing.catch_up(tx, _BLOCK)):
            changed += step
        changed += write(lambda tx: storing.keep_float_table(tx, FLOAT_AGAIN))
    return Maintained(examined, changed)


def drop(work: Any, seqs: Sequence[int]) -> int:
    """Take entries out of the vec0 tables: they are being forgotten or withdrawn.

    Called inside the unit, before the rows are deleted. Where sqlite-vec is not loaded they are
    noted in ``brain_vec_stale``. The rows of ``brain_vectors`` are left to the cascade.

    :returns: vectors that the entries have.
    """
    rows = work.read(vectors.EARLIER, seqs=vectors.listed(seqs))
    if not rows:
        return 0
    there = vec0.there(work)
    indexed = [row["seq"] for row in rows if row["indexed"]]
    if there and (loaded(work) or ready(work.app)[0]):
        for table in there:
            vec0.delete(work, table, [row["seq"] for row in rows])
        every = vectors.listed(row["seq"] for row in rows)
        work.execute(vectors.DROP_STALE, seqs=every)
        # What is withdrawn keeps its vector, and the tables want nothing of it.
        work.execute(vectors.SET_INDEXED, seqs=every, indexed=1)
    elif indexed:
        work.execute(vectors.ADD_STALE, seqs=vectors.listed(indexed))
    return len(rows)


def restore(work: Any, seqs: Sequence[int]) -> None:
    """Let withdrawn entries that live again back into the vec0 tables; called inside the unit."""
    work.execute(vectors.SET_INDEXED, seqs=vectors.listed(seqs), indexed=0)


def vector_state(app: App, db: Backend) -> VectorState:
    """Counts of vectors, the model and the engine; reads only."""
    from cleo_brain.embed import choosing

    now = clock.now()
    spec = choosing.chosen(app)
    stored = entries.meta(db, vectors.EMBEDDER) or None
    model = None if spec is None else spec.model_id
    known = vectors.model(db, model or stored or "")
    slot = None if known is None else known[0]
    extension = _why_not(app, db)
    engine = None
    if known is not None:
        there = vec0.there(db)
        engine = "vec0" if extension is None and known[1] in there.values() else "plain"
    (counts,) = db.read(vectors.COUNTS, slot=slot, now=now)
    current = int(counts["current"])
    return VectorState(
        model=model,
        dims=spec.dims if spec is not None else None if known is None else known[1],
        current=current,
        pending=counts["live"] - current,
        stale=int(db.scalar(vectors.COUNT_STALE)),
        unindexed=int(counts["unindexed"]),
        engine=engine,
        extension=extension,
        stored_model=stored,
    )


def _why_not(app: App, db: Backend) -> str | None:
    if getattr(db, "connection", None) is not app.store("brain").connection:
        return "not looked at"
    works, why = ready(app)
    return None if works else why


def out_of_step(db: Backend) -> tuple[list[int], list[int]]:
    """Rows of the vec0 tables without a live entry's vector, and vectors wrongly called indexed.

    Reads only, and needs no extension; for reconcile as well.
    """
    inside = rows_inside(db)
    if not vec0.there(db):
        return [], []
    slot = (vectors.model(db, entries.meta(db, vectors.EMBEDDER)) or (None,))[0]
    stale = frozenset(vectors.seqs(db, vectors.STALE, n=-1))
    wanted = frozenset(vectors.seqs(db, vectors.INDEXED_SEQS, slot=slot, now=clock.now()))
    every = frozenset(vectors.seqs(db, vectors.LIVE_SEQS, slot=slot, now=clock.now()))
    kept = frozenset(vec0.rows(db, vec0.BIT)) if vec0.BIT in vec0.there(db) else inside
    return sorted(inside - every - stale), sorted(wanted - kept)


def rows_inside(db: Backend) -> frozenset[int]:
    """The rows of all vec0 tables."""
    return frozenset(seq for table in vec0.there(db) for seq in vec0.rows(db, table))


def mend(tx: Any, superfluous: Sequence[int], missing: Sequence[int]) -> None:
    """Take the first out of the tables, or note them; have the others put in by the next process.

    :param superfluous: and ``missing``: what :func:`out_of_step` found.
    """
    if superfluous and loaded(tx):
        for table in vec0.there(tx):
            vec0.delete(tx, table, superfluous)
        tx.execute(vectors.DROP_STALE, seqs=vectors.listed(superfluous))
    elif superfluous:
        tx.execute(vectors.ADD_STALE, seqs=vectors.listed(superfluous))
    tx.execute(vectors.SET_INDEXED, seqs=vectors.listed(missing), indexed=0)
