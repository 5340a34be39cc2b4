"""``find``: an index of hits with their prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

from cleo_brain.records import Line
from cleo_brain.search import fusion
from cleo_brain.search.filters import Conditions, Filters
from cleo_brain.search.lexical import Lexical, LexicalArm, LexicalSearch
from cleo_brain.search.terms import Terms, parse
from cleo_brain.search.vectors import VectorSearch
from cleo_brain.service import deriving, fields, filtering, reading, rendering
from cleo_brain.service.work import Verbs
from cleo_brain.store import entries, graph, search
from cleo_core import clock
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.output import Page

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Backend

ORDERS = ("score", "newest")
ARMS = ("lexical", "vector")
#: Hits that the vector arm brings.
NEAREST = 64


@record
class VectorArm(Declared):
    """What the vector arm did; ``reason`` says why it took no part."""

    used: bool = False
    engine: str | None = None
    model: str | None = None
    candidates: int = 0
    pending: int = 0
    reason: str | None = None


@record
class Arms(Declared):
    """What both arms did."""

    lexical: LexicalArm = field(default_factory=LexicalArm)
    vector: VectorArm = field(default_factory=VectorArm)


@record
class Found(Declared):
    """An index of hits.

    ``served_by``: lexical, hybrid, vector, prefix, substring or recent. ``tokens_index``: the
    price of this index as people see it; ``tokens_full``: of all its entries whole.
    """

    query: str | None
    results: list[Line]
    served_by: str
    arms: Arms
    tokens_index: int
    tokens_full: int


class Hits:
    """Hits in their order, before they are made into lines.

    :ivar scores: ``seq`` -> score from 0 to 1, or None where nothing was searched for.
    :ivar ways: ``seq`` -> the arms that found it.
    :ivar total: how many there are; all of ``order`` unless it is a page already.
    """

    def __init__(
        self,
        order: list[int],
        scores: Mapping[int, float],
        ways: Mapping[int, Sequence[str]],
        served_by: str,
        arms: Arms,
        total: int,
    ) -> None:
        self.order = order
        self.scores = scores
        self.ways = ways
        self.served_by = served_by
        self.arms = arms
        self.total = total


class FindVerbs(Verbs):
    """``find``."""

    def find(
        self,
        query: str | None = None,
        *,
        order: str = "score",
        arm: str | None = None,
        all: bool = False,
        limit: int | None = None,
        offset: int = 0,
        **filters: Any,
    ) -> tuple[Found, Page]:
        """Hits with their prices, best first; without a query the newest entries.

        :param order: ``score`` or ``newest``.
        :param arm: only ``lexical`` or ``vector``.
        :param all: every word must occur.
        :param filters: ``kinds types tags by_agent task thread in_session tier verified since
            until min_confidence include_superseded as_of``.
        :raises UsageError: a value is not valid.
        """
        limit, offset = self.page(limit, offset)
        fields.word(order, ORDERS, "order")
        if arm is not None:
            fields.word(arm, ARMS, "arm")
        asked = None if query is None else asked_text(query)
        with self.db.snapshot() as db:
            chosen = filtering.filters(db, filters)
            hits = look(
                *(self.app, db, asked, chosen),
                arm=arm,
                every=all,
                newest_first=order == "newest",
                limit=limit,
                offset=offset,
            )
            if arm == "vector" and not hits.arms.vector.used and hits.served_by == "vector":
                self.app.warn(
                    "W_NO_VECTORS",
                    f"The vector arm took no part: {hits.arms.vector.reason}.",
                )
            shown = hits.order if hits.served_by == "recent" else hits.order[offset:][:limit]
            lines = lines_of(db, shown, hits)
        found = Found(
            query,
            lines,
            hits.served_by,
            hits.arms,
            deriving.tokens_of(rendering.index_text(lines)),
            sum(line.tokens for line in lines),
        )
        return found, Page(limit, offset, hits.total)


def asked_text(query: Any) -> str:
    """A query as it was asked; NUL and halves of surrogate pairs become blanks.

    :raises UsageError: it is no text.
    """
    if not isinstance(query, str):
        return fields.text(query, "query")
    return query.replace("\0", " ").encode("utf-8", "replace").decode()


def look(
    app: App,
    db: Backend,
    query: str | None,
    filters: Filters,
    *,
    arm: str | None = None,
    every: bool = False,
    newest_first: bool = False,
    limit: int,
    offset: int = 0,
) -> Hits:
    """Search, or list the newest where nothing is searched for."""
    terms = parse(query or "", every=every)
    conditions = Conditions(filters, clock.now(), terms)
    if terms.empty:
        return _recent(db, conditions, limit, offset)
    vectors = _vectors(app, db, query or "", arm)
    lexical = _lexical(db, terms, conditions, arm, filters)
    near = _nearest(db, vectors, filters, conditions)
    if not lexical.scores and not near and arm != "vector":
        lexical = LexicalSearch(db, conditions).substrings(terms) or lexical
    words = [word.rstrip("*") for word in terms.words]
    scores = _scores(db, lexical, near, vectors, words, arm)
    order = sorted(scores, reverse=True) if newest_first else fusion.ordered(scores)
    near_seqs = {seq for seq, _ in near}
    ways = {
        seq: [
            *([lexical.way] if seq in lexical.scores and arm != "vector" else []),
            *(["vector"] if seq in near_seqs or arm == "vector" else []),
        ]
        for seq in order
    }
    return Hits(
        order,
        scores,
        ways,
        _served_by(lexical, near, vectors, arm),
        Arms(
            replace(lexical.arm, candidates=len(lexical.scores)),
            VectorArm(
                *(vectors.used, vectors.engine, vectors.model, len(near)),
                *(vectors.pending, vectors.reason),
            ),
        ),
        len(order),
    )


def lines_of(db: Backend, seqs: Sequence[int], hits: Hits | None = None) -> list[Line]:
    """Entries in a list; a note past its time is shown as expired."""
    rows = entries.by_seqs(db, seqs)
    typed = entries.typed_of(db, rows.values())
    against = graph.contradictions(db, [row["id"] for row in rows.values()])
    now = clock.now()
    found = []
    for seq in seqs:
        row = rows[seq]
        own = typed[row["id"]]
        if row["invalid_at"] is None and (own.get("expires_at") or "~") <= now:
            row = {**row, "invalid_reason": "expired"}
        found.append(
            reading.line(
                row,
                own,
                score=hits.scores.get(seq) if hits is not None else None,
                arms=hits.ways.get(seq, ()) if hits is not None else (),
                contradicts=against.get(row["id"]),
            )
        )
    return found


def _recent(db: Backend, conditions: Conditions, limit: int, offset: int) -> Hits:
    names, values = conditions.names, conditions.values
    order = search.newest(db, names, values, limit, offset)
    return Hits(
        order,
        {},
        dict.fromkeys(order, ("recent",)),
        "recent",
        Arms(),
        search.total(db, names, values),
    )


def _vectors(app: App, db: Backend, query: str, arm: str | None) -> VectorSearch:
    if arm == "lexical":
        unused = VectorSearch()
        unused.reason = "disabled"
        return unused
    from cleo_brain.search.vectors import vector_search

    return vector_search(app, db, query)


def _lexical(
    db: Backend,
    terms: Terms,
    conditions: Conditions,
    arm: str | None,
    filters: Filters,
) -> Lexical:
    """The lexical hits; where only vectors are asked for, those that they may score."""
    if arm == "vector" and filters.live_only:
        return Lexical({}, LexicalArm())
    return LexicalSearch(db, conditions).words(terms)


def _nearest(
    db: Backend, vectors: VectorSearch, filters: Filters, conditions: Conditions
) -> list[tuple[int, float]]:
    """What vectors bring by themselves: live entries that pass the filters, above the floor."""
    if not vectors.used or not filters.live_only:
        return []
    names, values = conditions.names, conditions.values
    within = search.all_passing(db, names, values) if conditions.narrowing else None
    near = [
        (seq, cosine) for seq, cosine in vectors.nearest(NEAREST, within) if cosine >= vectors.floor
    ]
    passing = search.passing(db, (seq for seq, _ in near), names, values)
    return [(seq, cosine) for seq, cosine in near if seq in passing]


def _scores(
    db: Backend,
    lexical: Lexical,
    near: Sequence[tuple[int, float]],
    vectors: VectorSearch,
    words: Sequence[str],
    arm: str | None,
) -> dict[int, float]:
    seqs = list(dict.fromkeys((*lexical.scores, *(seq for seq, _ in near))))
    if lexical.way == "substring":
        return dict.fromkeys(seqs, 1.0)
    texts = {
        row["seq"]: fusion.Text(row["title"], row["body"], row["before"], row["after"])
        for row in search.texts(db, seqs)
    }
    weight = vectors.weight if vectors.used else 0.0
    cosines: dict[int, float] = {}
    if vectors.used:
        beside = (one for text in texts.values() for one in (text.before, text.after))
        known = vectors.cosines(
            list(dict.fromkeys((*seqs, *(one for one in beside if one is not None))))
        )
        known.update(near)
        if arm == "vector":
            return {seq: max(0.0, known[seq]) for seq in seqs if seq in known}
        cosines = fusion.with_neighbours(known, texts, seqs)
    elif arm == "vector":
        return {}
    scored, covered = fusion.lexical_scores(lexical.scores, seqs, texts, fusion.Asked(words))
    return fusion.fuse(scored, covered, cosines, weight)


def _served_by(
    lexical: Lexical, near: Sequence[object], vectors: VectorSearch, arm: str | None
) -> str:
    if arm == "vector" or (near and not lexical.scores):
        return "vector"
    if vectors.used and lexical.way != "substring" and lexical.scores:
        return "hybrid"
    return lexical.way
