"""Embedding what is pending, block by block: texts outside of units, vectors inside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from cleo_brain.embed import model
from cleo_brain.search import storing
from cleo_brain.store import vectors
from cleo_core import clock

if TYPE_CHECKING:
    from cleo_brain.api import EmbedderSpec
    from cleo_core.database import Backend, Row

T = TypeVar("T")
#: Entries of one unit.
BATCH = 512


@dataclass
class Filled:
    """What came of it.

    :ivar failed: entry id -> why it has no vector.
    """

    examined: int = 0
    stored: int = 0
    replaced: int = 0
    empty: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def blocks(db: Backend, slot: int | None, n: int, *, every: bool = False) -> Iterator[list[Row]]:
    """Live entries that lack a vector, newest first, in blocks; with ``every`` all live ones."""
    below = 2**62
    statement = vectors.LIVE_BELOW if every else vectors.PENDING_BELOW
    while True:
        given: dict[str, Any] = {} if every else {"slot": slot}
        rows = db.read(statement, below=below, now=clock.now(), n=n, **given)
        if not rows:
            return
        below = rows[-1]["seq"]
        yield rows


def fill(
    write: Callable[[Callable[[Any], Any]], Any],
    spec: EmbedderSpec,
    rows: list[Row],
    filled: Filled,
) -> None:
    """Embed entries and store their vectors in one unit, which looks at each text again.

    :raises EmbedderError: the embedder fails with all of them.
    """
    _store(write, spec, rows, _embedded(spec, rows), filled, 0)


def fill_all(
    write: Callable[[Callable[[Any], Any]], Any],
    spec: EmbedderSpec,
    listed: Iterator[list[Row]],
    filled: Filled,
    *,
    missing: int = 0,
    tell: Callable[[int], None] | None = None,
) -> None:
    """:func:`fill` for many blocks: while one is stored, the next is embedded in a thread.

    :param missing: vectors that are to come, so far as all of them are of entries without one.
    :param tell: called with how many entries were examined.
    :raises EmbedderError: the embedder fails with a whole block; those before it are stored.
    """
    from concurrent.futures import Future, ThreadPoolExecutor

    def store(rows: list[Row], embedded: Future[model.Embedded]) -> None:
        _store(write, spec, rows, embedded.result(), filled, missing - filled.examined)
        if tell is not None:
            tell(filled.examined)

    before: tuple[list[Row], Future[model.Embedded]] | None = None
    with ThreadPoolExecutor(1, "embedder") as ahead:
        for rows in listed:
            coming = ahead.submit(_embedded, spec, rows)
            if before is not None:
                store(*before)
            before = rows, coming
        if before is not None:
            store(*before)


def _embedded(spec: EmbedderSpec, rows: list[Row]) -> model.Embedded:
    return model.embed(spec, [f"{row['title']}\n{row['body']}" for row in rows])


def _store(
    write: Callable[[Callable[[Any], Any]], Any],
    spec: EmbedderSpec,
    rows: list[Row],
    embedded: model.Embedded,
    filled: Filled,
    coming: int,
) -> None:
    items = [
        storing.Item(row["seq"], row["text_hash"], vector)
        for row, vector in zip(rows, embedded.vectors, strict=True)
        if vector is not None
    ]

    def body(tx: Any) -> storing.Put:
        return storing.put(tx, spec, items, coming=coming)

    done = write(body) if items else storing.Put(0, 0)
    filled.examined += len(rows)
    filled.stored += done.stored
    filled.replaced += done.replaced
    filled.failed.update((rows[index]["id"], why) for index, why in embedded.failed.items())
    filled.empty += len(rows) - len(items) - len(embedded.failed)


def complete(
    write: Callable[[Callable[[Any], Any]], Any], spec: EmbedderSpec, *, examined_all: bool
) -> None:
    """Note up to where vectors are complete, where nothing is missing any more."""

    def body(tx: Any) -> None:
        known = vectors.model(tx, spec.model_id)
        if known is not None:
            storing.advance(tx, known[0], from_the_start=examined_all)

    write(body)
