"""The vector arm of a search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cleo_core import clock

if TYPE_CHECKING:
    from cleo_brain.api import EmbedderSpec
    from cleo_core.app import App
    from cleo_core.database import Backend

#: Entries without a vector that take part all the same, embedded for the search.
PENDING = 512


class VectorSearch:
    """What vectors say about one query.

    :ivar used: whether the arm takes part; where not, ``reason`` says why: ``disabled``,
        ``no-embedder``, ``embedder-failed``, ``no-vectors``, ``model-changed``.
    :ivar engine: ``resident``, ``vec0`` or ``plain``.
    :ivar model: id of the embedder's model.
    :ivar pending: live entries that have no current vector yet.
    :ivar weight: of a cosine beside the lexical score; ``floor``: least cosine of a hit by vector
        alone.
    """

    used = False
    engine: str | None = None
    model: str | None = None
    pending = 0
    reason: str | None = "no-embedder"
    weight = 0.7
    floor = 0.3

    def nearest(self, k: int = 64, within: Sequence[int] | None = None) -> list[tuple[int, float]]:
        """The nearest live entries as (seq, cosine), best first, then by seq.

        :param within: only among these; all live ones if None.
        """
        return []

    def cosines(self, seqs: Sequence[int]) -> dict[int, float]:
        """The cosine of each entry that has a vector, withdrawn ones included."""
        return {}


class _Refused(VectorSearch):
    def __init__(self, reason: str, spec: EmbedderSpec | None = None, pending: int = 0) -> None:
        self.reason = reason
        self.pending = pending
        if spec is not None:
            self.model, self.weight, self.floor = spec.model_id, spec.weight, spec.floor


class _Search(VectorSearch):
    """A search that takes part.

    :param scene: None while the model has no vectors in the store.
    :param here: (seq, vector) of the pending entries that were embedded for this search.
    """

    used = True
    reason = None

    def __init__(
        self,
        spec: EmbedderSpec,
        scene: Any,
        vector: bytes | None,
        here: list[tuple[int, bytes]],
        pending: int,
        path: str,
    ) -> None:
        self.model, self.weight, self.floor = spec.model_id, spec.weight, spec.floor
        self.pending = pending
        self.engine = "plain"
        self._scene = scene
        self._vector = vector
        self._here = here
        self._codes: Any = None
        self._table: str | None = None
        if scene is not None and vector is not None:
            self._choose(path)

    def _choose(self, path: str) -> None:
        from cleo_brain.search import indexed, resident
        from cleo_brain.search.extension import loaded

        self._codes = resident.codes_for(self._scene, path)
        if self._codes is not None:
            self.engine = "resident"
        elif loaded(self._scene.db):
            self._table = indexed.table_for(self._scene)
            self.engine = "plain" if self._table is None else "vec0"

    def nearest(self, k: int = 64, within: Sequence[int] | None = None) -> list[tuple[int, float]]:
        from cleo_brain.search import exact, indexed, plain

        if self._vector is None or k < 1 or (within is not None and not within):
            return []
        found: exact.Scored = []
        if self._scene is not None:
            if self._codes is not None:
                found = self._codes.nearest(self._scene, k, within)
            elif self._table is not None:
                found = indexed.nearest(self._scene, self._table, k, within)
            else:
                found = plain.nearest(self._scene, k, within)
        allowed = None if within is None else frozenset(within)
        here = [one for one in self._here if allowed is None or one[0] in allowed]
        every = dict([*found, *exact.cosines(self._vector, here)])
        return exact.ordered(list(every.items()))[:k]

    def cosines(self, seqs: Sequence[int]) -> dict[int, float]:
        from cleo_brain.search import exact
        from cleo_brain.store import vectors

        if self._vector is None or not seqs:
            return {}
        rows: list[tuple[int, bytes]] = []
        if self._scene is not None:
            rows = vectors.values(self._scene.db, seqs, self._scene.slot)
        wanted = frozenset(seqs)
        rows += [one for one in self._here if one[0] in wanted]
        return dict(exact.cosines(self._vector, rows))


def vector_search(app: App, db: Backend, query: str) -> VectorSearch:
    """The vector arm for a query text.

    Nothing is stored. Where entries have no vector yet, the newest 512 of them are embedded for
    this search.
    """
    from cleo_brain.embed import choosing, model
    from cleo_brain.search.scene import EXACT_UP_TO, Scene
    from cleo_brain.store import vectors

    if app.config.get("brain.search.vectors") == "off":
        return _Refused("disabled")
    spec = choosing.chosen(app)
    if spec is None:
        return _Refused("no-embedder")
    now = clock.now()
    known = vectors.model(db, spec.model_id)
    if known is not None and known[1] != spec.dims:
        return _Refused("embedder-failed", spec)
    slot = None if known is None else known[0]
    count = 0 if slot is None else vectors.at_most(db, slot, EXACT_UP_TO + 1)
    mark = vectors.mark(db, spec.model_id)
    lacking = vectors.pending(db, slot, mark, now, PENDING + 1)
    pending = len(lacking)
    if pending > PENDING:
        pending = vectors.count_pending(db, slot, mark, now)
    if not count and pending > PENDING and any(row["used"] for row in db.read(vectors.MODELS)):
        return _Refused("model-changed", spec, pending)
    if not count and not pending:
        return _Refused("no-vectors", spec)
    rows = lacking[:PENDING]
    try:
        (vector,), refused = model.embed(spec, [query], query=True)
        if refused:
            raise model.EmbedderError(refused[0])
        texts = [f"{row['title']}\n{row['body']}" for row in rows] if vector is not None else []
        embedded = model.embed(spec, texts)
    except model.EmbedderError as error:
        app.warn("W_EMBEDDER_FAILED", f"Vectors took no part in the search: {error}.")
        return _Refused("embedder-failed", spec, pending)
    here = [
        (row["seq"], made)
        for row, made in zip(rows, embedded.vectors, strict=bool(texts))
        if made is not None
    ]
    scene = None
    if slot is not None and count and vector is not None:
        _load(app, db)
        code = model.code_of(vector)
        scene = Scene(db, spec.model_id, slot, spec.dims, now, vector, code, count)
    return _Search(spec, scene, vector, here, pending, getattr(db, "path", ""))


def _load(app: App, db: Backend) -> None:
    """Have sqlite-vec on the connection, where that is the App's own."""
    from cleo_brain.search.extension import ready

    database = app.store("brain")
    if getattr(db, "connection", None) is database.connection:
        ready(app)
