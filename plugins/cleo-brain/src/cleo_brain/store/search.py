"""Searching: full-text matches, filters over entries, the newest, substrings.

Filters are fragments over ``brain_entries`` under the alias e; which of them a statement holds is
chosen by name, every value is a parameter.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cleo_brain.store.live import LIVE
from cleo_core.database import Backend, Row

#: Name of a filter -> its condition; its parameters bear the same name.
FILTERS: Mapping[str, str] = {
    "live": LIVE,
    "as_of": (
        "e.valid_at <= :as_of AND (e.invalid_at IS NULL OR e.invalid_at > :as_of) "
        "AND (e.kind <> 'sticky' OR NOT EXISTS (SELECT 1 FROM brain_sticky_notes AS note "
        "WHERE note.id = e.id AND note.expires_at <= :as_of))"
    ),
    "valid_by": "e.valid_at <= :valid_by",
    "kinds": "e.kind IN (SELECT value FROM json_each(:kinds))",
    "types": (
        "CASE e.kind WHEN 'decision' THEN (SELECT type FROM brain_decisions WHERE id = e.id) "
        "WHEN 'pattern' THEN (SELECT type FROM brain_patterns WHERE id = e.id) "
        "WHEN 'observation' THEN (SELECT type FROM brain_observations WHERE id = e.id) "
        "END IN (SELECT value FROM json_each(:types))"
    ),
    "tags": (
        "NOT EXISTS (SELECT 1 FROM json_each(:tags) AS wanted WHERE NOT EXISTS (SELECT 1 FROM "
        "brain_tags AS had WHERE had.entry_id = e.id AND had.tag = wanted.value))"
    ),
    "by_agent": "e.agent = :by_agent",
    "task": (
        "(EXISTS (SELECT 1 FROM brain_memory_links AS link WHERE link.memory_id = e.id "
        "AND link.task_id = :task) OR EXISTS (SELECT 1 FROM brain_decisions AS d "
        "WHERE d.id = e.id AND :task IN (d.context_task_id, d.context_epic_id)))"
    ),
    "thread": "e.thread = :thread",
    "in_session": (
        "EXISTS (SELECT 1 FROM brain_observations AS o WHERE o.id = e.id "
        "AND o.source_session_id = :in_session)"
    ),
    "tier": "e.tier = :tier",
    "verified": "e.verified = 1",
    "since": "e.valid_at >= :since",
    "until": "e.valid_at <= :until",
    "confident": "e.id IN (SELECT value FROM json_each(:confident))",
    "required": "e.seq IN (SELECT rowid FROM brain_fts WHERE brain_fts MATCH :required)",
    "excluded": "e.seq NOT IN (SELECT rowid FROM brain_fts WHERE brain_fts MATCH :excluded)",
}

#: Rows of a term, counted no further than :most.
COUNT = (
    "SELECT count(*) FROM (SELECT rowid FROM brain_fts WHERE brain_fts MATCH :match LIMIT :most)"
)
RANKED = (
    "SELECT rowid AS seq, rank FROM brain_fts WHERE brain_fts MATCH :match "
    "ORDER BY rank LIMIT :most"
)
NEWEST_MATCHES = (
    "SELECT rowid AS seq FROM brain_fts WHERE brain_fts MATCH :match "
    "ORDER BY rowid DESC LIMIT :most"
)
CONFIDENT = "SELECT id, confidence, confirmed_at FROM brain_learnings WHERE confidence >= :least"
#: What is looked at to order hits: the text, and who stands beside it in its thread.
TEXTS = (
    "SELECT e.seq AS seq, e.title AS title, e.body AS body, "
    "(SELECT max(b.seq) FROM brain_entries AS b WHERE b.thread = e.thread AND b.seq < e.seq "
    "AND b.kind = 'observation' AND b.invalid_at IS NULL) AS before, "
    "(SELECT min(a.seq) FROM brain_entries AS a WHERE a.thread = e.thread AND a.seq > e.seq "
    "AND a.kind = 'observation' AND a.invalid_at IS NULL) AS after "
    "FROM brain_entries AS e WHERE e.seq IN (SELECT value FROM json_each(:seqs))"
)
_RANKED_WHERE = (
    "SELECT f.rowid AS seq, f.rank AS rank FROM brain_fts AS f JOIN brain_entries AS e "
    "ON e.seq = f.rowid WHERE f.brain_fts MATCH :match AND {where} ORDER BY f.rank LIMIT :most"
)
_NEWEST_MATCHES_WHERE = (
    "SELECT f.rowid AS seq FROM brain_fts AS f JOIN brain_entries AS e ON e.seq = f.rowid "
    "WHERE f.brain_fts MATCH :match AND {where} ORDER BY f.rowid DESC LIMIT :most"
)
_PASSING = (
    "SELECT e.seq AS seq FROM brain_entries AS e "
    "WHERE e.seq IN (SELECT value FROM json_each(:seqs)) AND {where}"
)
_ALL_PASSING = "SELECT e.seq AS seq FROM brain_entries AS e WHERE {where}"
_TOTAL = "SELECT count(*) FROM brain_entries AS e WHERE {where}"
_NEWEST = (
    "SELECT e.seq AS seq FROM brain_entries AS e WHERE {where} "
    "ORDER BY e.seq DESC LIMIT :most OFFSET :offset"
)
_BEFORE = (
    "SELECT e.seq AS seq FROM brain_entries AS e WHERE e.seq < :anchor AND {where} "
    "ORDER BY e.seq DESC LIMIT :most"
)
_AFTER = (
    "SELECT e.seq AS seq FROM brain_entries AS e WHERE e.seq > :anchor AND {where} "
    "ORDER BY e.seq LIMIT :most"
)
#: {like} is a condition for each text.
_CONTAINING = (
    "SELECT e.seq AS seq FROM brain_entries AS e WHERE e.seq > :oldest AND {where} AND {like} "
    "ORDER BY e.seq DESC LIMIT :most"
)
SCANNED_FROM = "SELECT seq FROM brain_entries ORDER BY seq DESC LIMIT 1 OFFSET :most"
_LIKE = "(e.title LIKE :text{n} ESCAPE '\\' OR e.body LIKE :text{n} ESCAPE '\\')"
#: Texts that are looked for as they stand.
MOST_TEXTS = 8


def where(names: Iterable[str]) -> str:
    """The conditions of filters, joined."""
    return " AND ".join(FILTERS[name] for name in names) or "TRUE"


def statements() -> Iterator[str]:
    """Every composed statement with every filter."""
    for names in (*((name,) for name in FILTERS), tuple(FILTERS), ()):
        for text in (
            *(_RANKED_WHERE, _NEWEST_MATCHES_WHERE, _PASSING, _ALL_PASSING, _TOTAL, _NEWEST),
            *(_BEFORE, _AFTER),
        ):
            yield text.format(where=where(names))
        yield _CONTAINING.format(where=where(names), like=_like(2))


def count(db: Backend, match: str, most: int) -> int:
    """Entries that match, counted up to ``most``."""
    return int(db.scalar(COUNT, match=match, most=most))


def ranked(
    db: Backend, match: str, most: int, names: Sequence[str] = (), values: Mapping[str, Any] = {}
) -> list[tuple[int, float]]:
    """The best matches as (seq, score); BM25's number turned so that more is better.

    :param names: filters joined inside, so that ``most`` are found where there are as many.
    """
    if names:
        text = _RANKED_WHERE.format(where=where(names))
        rows = db.read(text, match=match, most=most, **values)
    else:
        rows = db.read(RANKED, match=match, most=most)
    return [(row["seq"], -row["rank"]) for row in rows]


def newest_matches(
    db: Backend, match: str, most: int, names: Sequence[str] = (), values: Mapping[str, Any] = {}
) -> list[int]:
    """The newest matches, without looking at more of them."""
    if names:
        text = _NEWEST_MATCHES_WHERE.format(where=where(names))
        return _seqs(db.read(text, match=match, most=most, **values))
    return _seqs(db.read(NEWEST_MATCHES, match=match, most=most))


def passing(
    db: Backend, seqs: Iterable[int], names: Sequence[str], values: Mapping[str, Any]
) -> set[int]:
    """Those of some entries that pass filters."""
    listed = json.dumps(list(seqs))
    return set(_seqs(db.read(_PASSING.format(where=where(names)), seqs=listed, **values)))


def all_passing(db: Backend, names: Sequence[str], values: Mapping[str, Any]) -> list[int]:
    """All entries that pass filters."""
    return _seqs(db.read(_ALL_PASSING.format(where=where(names)), **values))


def total(db: Backend, names: Sequence[str], values: Mapping[str, Any]) -> int:
    """How many entries pass filters."""
    return int(db.scalar(_TOTAL.format(where=where(names)), **values))


def newest(
    db: Backend, names: Sequence[str], values: Mapping[str, Any], most: int, offset: int = 0
) -> list[int]:
    """The newest entries that pass filters."""
    text = _NEWEST.format(where=where(names))
    return _seqs(db.read(text, most=most, offset=offset, **values))


def around(
    db: Backend,
    anchor: int,
    before: int,
    after: int,
    names: Sequence[str],
    values: Mapping[str, Any],
) -> tuple[list[int], list[int]]:
    """The entries before and after one by ``seq``, both in that order."""
    condition = where(names)
    earlier = db.read(_BEFORE.format(where=condition), anchor=anchor, most=before, **values)
    later = db.read(_AFTER.format(where=condition), anchor=anchor, most=after, **values)
    return _seqs(reversed(earlier)), _seqs(later)


def containing(
    db: Backend,
    texts: Sequence[str],
    scanned: int,
    most: int,
    names: Sequence[str],
    values: Mapping[str, Any],
) -> list[int]:
    """The newest entries whose title or body holds each of the texts as it stands.

    :param scanned: how many of the newest entries are looked at.
    """
    wanted = texts[:MOST_TEXTS]
    bound = {f"text{n}": f"%{_escaped(text)}%" for n, text in enumerate(wanted)}
    oldest = db.scalar(SCANNED_FROM, most=scanned)
    text = _CONTAINING.format(where=where(names), like=_like(len(wanted)))
    rows = db.read(text, oldest=oldest if oldest is not None else 0, most=most, **bound, **values)
    return _seqs(rows)


def texts(db: Backend, seqs: Iterable[int]) -> list[Row]:
    """seq, title, beginning of the body, and the ``seq`` before and after it in its thread."""
    return db.read(TEXTS, seqs=json.dumps(list(seqs)))


def learnings(db: Backend, least: float) -> list[Row]:
    """id, confidence and time of confirmation of learnings asserted with at least so much."""
    return db.read(CONFIDENT, least=least)


def _like(n: int) -> str:
    return " AND ".join(_LIKE.format(n=number) for number in range(n))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _seqs(rows: Iterable[Mapping[str, Any]]) -> list[int]:
    return [row["seq"] for row in rows]
