"""Vectors of what is written: with the entry where the embedder is loaded, else a while later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from cleo_brain.service import deriving
from cleo_brain.store import vectors

if TYPE_CHECKING:
    from cleo_brain.api import EmbedderSpec
    from cleo_brain.service.work import Work
    from cleo_brain.service.writing import Draft
    from cleo_core.app import App
    from cleo_core.units import Unit

#: Entries without a vector that a write may leave.
LEFT = 32


class Prepared:
    """Vectors made before a unit, by the hash of their text.

    :ivar spec: whose they are.
    """

    def __init__(self, spec: EmbedderSpec, found: Mapping[str, bytes]) -> None:
        self.spec = spec
        self._found = found

    def keep(self, work: Work, rows: Iterable[Mapping[str, Any]]) -> None:
        """Store the vectors of entries that are being written; called inside their unit.

        :param rows: their columns ``seq`` and ``text_hash``.
        """
        from cleo_brain.search import storing

        items = [
            storing.Item(row["seq"], row["text_hash"], self._found[row["text_hash"]])
            for row in rows
            if row["text_hash"] in self._found
        ]
        if items:
            storing.put(work, self.spec, items)
            for item in items:
                if vectors.mark(work, self.spec.model_id) == item.seq - 1:
                    vectors.set_mark(work, item.seq)


def prepare(app: App, drafts: Iterable[Draft], *, load: bool = False) -> Prepared | None:
    """Embed what is about to be written, where this process has the embedder at hand.

    :param load: load the embedder for it.
    :returns: None where it has not (:func:`arrange` sees to it later), or nothing is embedded.
    """
    texts: dict[str, str] = {}
    for draft in drafts:
        title, body = deriving.title_and_body(draft.kind, draft.typed)
        texts[deriving.text_hash(title, body)] = deriving.embedded_text(title, body)
    word = app.config.get("brain.embed")
    if not texts or word == "never":
        return None
    import sys

    load = load or word == "always"
    if not load and "cleo_brain.embed.model" not in sys.modules:
        return None
    from cleo_brain.embed import choosing, model

    spec = choosing.chosen(app)
    if spec is None or not (load or model.is_loaded(spec)):
        return None
    try:
        embedded = model.embed(spec, list(texts.values()))
    except model.EmbedderError as error:
        app.warn("W_EMBEDDER_FAILED", f"Stored without a vector: {error}.")
        return None
    from cleo_brain.search.extension import ready

    ready(app)
    pairs = zip(texts, embedded.vectors, strict=True)
    return Prepared(spec, {key: vector for key, vector in pairs if vector is not None})


def arrange(app: App) -> None:
    """After a write: if more than 32 entries wait for their vector, make 512 once it is answered.

    Vectors that a process without sqlite-vec wrote are put into the index on the same occasion.
    """
    if app.dry_run or app.config.get("brain.embed") == "never":
        return
    row = app.store("brain").one(vectors.BEHIND)
    assert row is not None
    if row["newest"] - _mark(row["mark"] or "") > _left(app) or row["waits"]:
        app.afterwards.add("cleo_brain.vectors", lambda: catch_up(app))


def catch_up(app: App) -> int:
    """Embed up to 512 entries if more than 32 lack a vector, and bring the index up to date.

    :returns: vectors stored.
    """
    from cleo_brain.embed import choosing
    from cleo_brain.search import filling, storing
    from cleo_brain.search.extension import ready
    from cleo_core import clock

    spec = choosing.chosen(app)
    filled = filling.Filled()
    ready(app)

    def write(body: Any) -> Any:
        def run(unit: Unit) -> Any:
            return body(unit)

        return app.write("brain", run)

    if spec is not None:
        db = app.store("brain")
        known = vectors.model(db, spec.model_id)
        slot = None if known is None else known[0]
        mark = vectors.mark(db, spec.model_id)
        rows = vectors.pending(db, slot, mark, clock.now(), filling.BATCH)
        if len(rows) > _left(app):
            filling.fill(write, spec, rows, filled)
        elif slot is not None:
            # What lies before the first that waits need not be looked at again.
            waiting = [row["seq"] for row in rows if row["seq"] > mark]
            done = min(waiting, default=vectors.newest(db) + 1) - 1
            if done > mark:

                def advance(unit: Unit) -> None:
                    if vectors.mark(unit, spec.model_id) == mark:
                        vectors.set_mark(unit, done)

                write(advance)
        if len(rows) < filling.BATCH and not filled.failed and (filled.examined or not rows):
            filling.complete(write, spec, examined_all=False)
    if ready(app)[0]:
        write(lambda unit: storing.catch_up(unit, filling.BATCH))
    return filled.stored


def _left(app: App) -> int:
    """Entries that may wait for their vector."""
    return 0 if app.config.get("brain.embed") == "always" else LEFT


def _mark(text: str) -> int:
    return int(text) if text.isdigit() else 0
