"""The ways of finding that are compared: full-text tables as others use them, and ``find``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.brain_corpora import Corpus
from cleo_core.database import driver

#: Query -> keys of the corpus, best first.
Arm = Callable[[str], list[str]]
MOST = 20


def full_text(corpus: Corpus, *, porter: bool) -> Any:
    """A bare FTS5 table of the texts."""
    connection = driver().connect(":memory:")
    stemmer = "porter " if porter else ""
    connection.execute(f"CREATE VIRTUAL TABLE f USING fts5(text, tokenize='{stemmer}unicode61')")
    rows = (f"{item.title}\n{item.text}" if item.title else item.text for item in corpus.items)
    connection.executemany("INSERT INTO f (rowid, text) VALUES (?, ?)", enumerate(rows))
    return connection


def plain_bm25(corpus: Corpus) -> Arm:
    """BM25 with porter over the OR of all words, stop words too."""
    table = full_text(corpus, porter=True)

    def arm(query: str) -> list[str]:
        return _matches(table, corpus, " OR ".join(f'"{word}"' for word in _words(query)))

    return arm


def prefixes(corpus: Corpus) -> Arm:
    """All words as prefixes joined by AND; where that finds nothing, by OR; no stemming."""
    table = full_text(corpus, porter=False)

    def arm(query: str) -> list[str]:
        words = [f'"{word}" *' for word in _words(query)]
        return _matches(table, corpus, " AND ".join(words)) or _matches(
            table, corpus, " OR ".join(words)
        )

    return arm


def finding(brain: Any, keys: dict[str, str], **options: Any) -> Arm:
    """``find``.

    :param keys: id -> key.
    """

    def arm(query: str) -> list[str]:
        found, _ = brain.find(query, limit=MOST, **options)
        return [keys[line.id] for line in found.results if line.id in keys]

    return arm


def recall(arm: Arm, corpus: Corpus, at: Sequence[int]) -> list[float]:
    """Sums over the questions of the share of the evidence among the first k, for each k."""
    sums = [0.0] * len(at)
    for question in corpus.questions:
        found = arm(question.query)
        for number, k in enumerate(at):
            first = set(found[:k])
            hits = sum(key in first for key in question.keys)
            sums[number] += hits / len(question.keys)
    return sums


def _words(query: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"\w+", query.casefold())))


def _matches(table: Any, corpus: Corpus, match: str) -> list[str]:
    if not match:
        return []
    rows = table.execute("SELECT rowid FROM f WHERE f MATCH ? ORDER BY rank LIMIT ?", (match, MOST))
    return [corpus.items[number].key for (number,) in rows]
