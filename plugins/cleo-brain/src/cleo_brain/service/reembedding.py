"""``reembed``: give every live entry a vector of the model in use."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import field
from typing import Any

from cleo_brain.service.work import Verbs
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.errors import CleoError, UsageError
from cleo_core.units import Unit

#: Entries of one unit, and at most.
BATCH = 512
LARGEST = 10_000


@record
class Reembedded(Declared):
    """What a run did.

    :ivar embedded: vectors stored; ``replaced`` of them took another's place.
    :ivar current: live entries that have a vector of the model afterwards.
    :ivar empty: entries in whose text the embedder finds nothing.
    :ivar failed: ``{"id", "error"}`` of entries without a vector all the same.
    """

    model: str
    dims: int
    embedded: int
    current: int
    empty: int
    failed: list[dict[str, str]] = field(default_factory=list)
    replaced: int = 0
    ms: int = 0


class ReembedVerbs(Verbs):
    """``reembed``."""

    def reembed(
        self,
        *,
        all: bool = False,
        model: str | None = None,
        batch: int = BATCH,
        progress: Callable[[str, int, int | None], None] | None = None,
    ) -> Reembedded:
        """Embed the live entries that lack a current vector, the newest first.

        Each batch is a unit of its own, so that a run that was killed goes on where it ended.

        :param all: embed all live entries anew.
        :param model: id of an embedder other than the one that the settings choose.
        :param batch: entries of one unit.
        :param progress: called with what is counted, how much is done and of how much.
        :raises UsageError: there is no such model; the batch is out of range.
        :raises CleoError: ``E_EXTRA_MISSING`` (5), what the embedder needs is not installed;
            ``E_VALIDATION`` (6), it cannot be loaded or fails with everything.
        """
        from cleo_brain.embed import choosing
        from cleo_brain.embed.model import EmbedderError
        from cleo_brain.search import filling
        from cleo_brain.search.extension import ready
        from cleo_brain.store import vectors
        from cleo_core import clock

        if isinstance(batch, bool) or not isinstance(batch, int) or not 1 <= batch <= LARGEST:
            raise UsageError(f"A batch is from 1 to {LARGEST} entries.", fix=f"--batch {BATCH}")
        if model is not None and not isinstance(model, str):
            raise UsageError("A model is named by its id.", fix="cleo memory reembed")
        started = time.monotonic()
        spec = choosing.required(self.app, model)
        if self.app.dry_run:
            return self._rehearsed(spec, all)
        self._write(lambda tx: None)
        ready(self.app)
        db = self.db
        known = vectors.model(db, spec.model_id)
        slot = None if known is None else known[0]
        now = clock.now()
        total = int(db.scalar(vectors.COUNT_LIVE, now=now))
        if not all:
            total -= int(db.scalar(vectors.COUNT_CURRENT, slot=slot, now=now))
        filled = filling.Filled()

        def tell(examined: int) -> None:
            if progress is not None:
                progress("entries", examined, total)

        try:
            filling.fill_all(
                self._write,
                spec,
                filling.blocks(db, slot, batch, every=all),
                filled,
                missing=0 if all else total,
                tell=tell,
            )
        except EmbedderError as error:
            raise CleoError(
                "E_VALIDATION",
                f"{spec.model_id} failed: {error}. {filled.stored} vectors were stored before.",
                fix="cleo memory reembed",
            ) from error
        if not filled.failed:
            filling.complete(self._write, spec, examined_all=True)
        self._index()
        return Reembedded(
            spec.model_id,
            spec.dims,
            filled.stored,
            self._current(spec.model_id),
            filled.empty,
            [{"id": id_, "error": why} for id_, why in filled.failed.items()],
            filled.replaced,
            int((time.monotonic() - started) * 1000),
        )

    def _rehearsed(self, spec: Any, every: bool) -> Reembedded:
        from cleo_brain.store import vectors
        from cleo_core import clock

        now = clock.now()
        current = self._current(spec.model_id)
        live = int(self.db.scalar(vectors.COUNT_LIVE, now=now))
        return Reembedded(spec.model_id, spec.dims, live if every else live - current, current, 0)

    def _current(self, model_id: str) -> int:
        from cleo_brain.store import vectors
        from cleo_core import clock

        known = vectors.model(self.db, model_id)
        slot = None if known is None else known[0]
        return int(self.db.scalar(vectors.COUNT_CURRENT, slot=slot, now=clock.now()))

    def _index(self) -> None:
        from cleo_brain.search import storing
        from cleo_brain.search.extension import ready

        if ready(self.app)[0]:
            while self._write(lambda tx: storing.catch_up(tx, BATCH)):
                pass

    def _write(self, body: Callable[[Any], Any]) -> Any:
        def run(unit: Unit) -> Any:
            return body(unit)

        return self.app.write("brain", run)
