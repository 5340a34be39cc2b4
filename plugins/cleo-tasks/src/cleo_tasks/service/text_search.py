"""Searching texts of which there are hundreds, not hundreds of thousands: word by word.

SQLite compares only ASCII letters without their case, so the words are looked for here, in rows
that are read one at a time. Every word of the query must be in some field; a row's score is the
sum of the weights of the fields that hold each word.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from cleo_core import inputs
from cleo_core.errors import UsageError

#: Characters shown around the first match.
AROUND = 60


class Match(NamedTuple):
    """A row that has every word."""

    row: Mapping[str, Any]
    score: int
    matched_in: list[str]
    snippet: str


def words_of(query: object, verb: str) -> list[str]:
    """The words of a query, each once, without their case.

    :raises UsageError: it is no text, or has no word.
    """
    text = inputs.as_filter(lambda given: inputs.plain_text(given, "query"), query)
    words = list(dict.fromkeys(text.casefold().split()))
    if not words:
        raise UsageError("The query has no word to search for.", fix=f"cleo {verb} WORD")
    return words


def search(
    rows: Iterable[Mapping[str, Any]],
    words: Sequence[str],
    weights: Mapping[str, int],
    *,
    without: Collection[str] = (),
) -> list[Match]:
    """The rows that have every word, the best first, otherwise in their order.

    :param weights: field -> what a word in it counts; fields are texts or lists of texts.
    :param without: long fields that are searched and not kept: a search that finds much would hold
        every text.
    """
    found = []
    for row in rows:
        match = _match(row, words, weights)
        if match is not None:
            kept = {name: value for name, value in row.items() if name not in without}
            found.append(match._replace(row=kept))
    return sorted(found, key=lambda match: -match.score)


def _match(
    row: Mapping[str, Any], words: Sequence[str], weights: Mapping[str, int]
) -> Match | None:
    texts = {name: _text(row[name]) for name in weights}
    plain = {name: text.casefold() for name, text in texts.items()}
    score = 0
    matched: dict[str, None] = {}
    for word in words:
        places = [name for name in weights if word in plain[name]]
        if not places:
            return None
        score += sum(weights[name] for name in places)
        matched |= dict.fromkeys(places)
    inside = [name for name in weights if name in matched]
    return Match(row, score, inside, _snippet(texts[inside[-1]], words))


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return "" if value is None else str(value)


def _snippet(text: str, words: Sequence[str]) -> str:
    found = re.search("|".join(map(re.escape, words)), text, re.IGNORECASE)
    if found is None:
        # Only without its case is it the word: ß and ss.
        return " ".join(text[: 2 * AROUND].split())
    start, end = max(0, found.start() - AROUND), found.end() + AROUND
    before, after = text[start : found.start()], text[found.end() : end]
    shown = " ".join(f"{before}[{found[0]}]{after}".split())
    return ("…" if start else "") + shown + ("…" if end < len(text) else "")
