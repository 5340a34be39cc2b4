"""The lexical arm: the best matches by BM25, within a budget of rows that are looked at.

Terms are joined by OR. BM25 over every row of a common word costs 355 ms at a million entries, so
each term is counted first, and where they are too common together, the common ones raise a score
but bring no candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from cleo_brain.search.filters import Conditions
from cleo_brain.search.terms import Terms, quoted
from cleo_brain.store import search
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.database import Backend

#: Candidates that a statement brings.
CANDIDATES = 200
#: With fewer left after the filters, the statement runs again with the filters inside.
ENOUGH = 50
#: A term with more rows is common.
MOST_ROWS = 4_000
#: Rows of all rare terms together.
BUDGET = 8_000
#: How many of the newest entries are searched for a substring.
SCANNED = 100_000


@record
class LexicalArm(Declared):
    """What the lexical arm did.

    :param candidates: hits that it brought, after the filters.
    :param terms_used: words that bring candidates; ``terms_common`` only raise scores;
        ``terms_absent`` are in no entry.
    :param exhaustive: whether every entry with one of the words was looked at.
    """

    candidates: int = 0
    terms_used: list[str] = field(default_factory=list)
    terms_common: list[str] = field(default_factory=list)
    terms_absent: list[str] = field(default_factory=list)
    exhaustive: bool = True


class Lexical:
    """Hits of the lexical arm: ``seq`` -> score, and which way they were found.

    :ivar way: ``lexical``, ``prefix`` or ``substring``.
    """

    def __init__(self, scores: dict[int, float], arm: LexicalArm, way: str = "lexical") -> None:
        self.scores = scores
        self.arm = arm
        self.way = way


class LexicalSearch:
    """The lexical arm on one store.

    What it finds does not depend on the page that is looked at, so that pages fit together.
    """

    def __init__(self, db: Backend, conditions: Conditions) -> None:
        self.db = db
        self.conditions = conditions
        self.most = CANDIDATES

    def words(self, terms: Terms) -> Lexical:
        """Matches of the words; where there are none, of the longer ones as prefixes."""
        found = self._matches(terms.words, terms.phrases)
        if found.scores or not terms.prefixes or terms.phrases or terms.every:
            return found
        again = self._matches(terms.prefixes, ())
        if not again.scores:
            return found
        return Lexical(again.scores, again.arm, "prefix")

    def substrings(self, terms: Terms) -> Lexical | None:
        """The newest entries that hold the words as they stand; None where there is none."""
        if not terms.texts:
            return None
        seqs = search.containing(
            self.db,
            terms.texts,
            SCANNED,
            self.most,
            self.conditions.names,
            self.conditions.values,
        )
        if not seqs:
            return None
        return Lexical(
            dict.fromkeys(seqs, 1.0),
            LexicalArm(len(seqs), list(terms.texts), exhaustive=len(seqs) < self.most),
            "substring",
        )

    def _matches(self, words: Sequence[str], phrases: Sequence[str]) -> Lexical:
        counts = {
            quoted(term): search.count(self.db, quoted(term), MOST_ROWS + 1)
            for term in (*phrases, *words)
        }
        spelled = {quoted(term): term for term in (*phrases, *words)}
        present = [term for term in counts if counts[term]]
        absent = [spelled[term] for term in counts if not counts[term]]
        rare, common = split(counts)
        if not present:
            return Lexical({}, LexicalArm(terms_absent=absent))
        if not rare:
            scores = self._newest(common)
        else:
            match = " OR ".join(rare)
            if common:
                match = f"({match}) OR (({match}) AND ({' OR '.join(common)}))"
            scores = dict(self._ranked(match))
        return Lexical(
            scores,
            LexicalArm(
                len(scores),
                [spelled[term] for term in present if term not in common],
                [spelled[term] for term in present if term in common],
                absent,
                exhaustive=not common and len(scores) < CANDIDATES,
            ),
        )

    def _ranked(self, match: str) -> list[tuple[int, float]]:
        """The best matches that pass the filters."""
        names, values = self.conditions.names, self.conditions.values
        found = search.ranked(self.db, match, CANDIDATES)
        passing = search.passing(self.db, (seq for seq, _ in found), names, values)
        kept = [(seq, score) for seq, score in found if seq in passing]
        full = len(found) == CANDIDATES
        if not full or (len(kept) >= ENOUGH and not self.conditions.narrowing):
            return kept
        return search.ranked(self.db, match, self.most, names, values)

    def _newest(self, common: Sequence[str]) -> dict[int, float]:
        """Where every word is common: the newest with all of them, then with all but the shortest,
        until there are enough; scored by the share of words.
        """
        names, values = self.conditions.names, self.conditions.values
        scores: dict[int, float] = {}
        left = sorted(common, key=len, reverse=True)
        while left and len(scores) < self.most:
            match = " AND ".join(f"({term})" for term in left)
            share = len(left) / len(common)
            for seq in search.newest_matches(self.db, match, self.most, names, values):
                if len(scores) < self.most:
                    scores.setdefault(seq, share)
            left.pop()
        return scores


def split(counts: dict[str, int]) -> tuple[list[str], list[str]]:
    """The rare terms, which bring candidates, and the common ones.

    :param counts: rows of each term, counted up to one more than ``MOST_ROWS``.
    """
    present = sorted((term for term in counts if counts[term]), key=lambda term: counts[term])
    rare: list[str] = []
    rows = 0
    for term in present:
        if counts[term] > MOST_ROWS or rows + counts[term] > BUDGET:
            break
        rare.append(term)
        rows += counts[term]
    return rare, present[len(rare) :]
