"""One order of what the two arms found.

The score of an entry is L / L_max, plus what the signals below add, plus w × cosine. L is BM25's
number. Measured on the five conversations of ``benchmarks/brain_recall.py`` (756 questions,
recall@1, 5, 10, 20), each row with the rows above it:

===========================================  =====  =====  =====  =====
plain BM25 of all words                      0.289  0.482  0.570  0.651
L alone                                      0.381  0.672  0.758  0.826
``PAIR`` and ``NAMED``                       0.429  0.715  0.793  0.857
``ANSWERS``                                  0.459  0.731  0.812  0.854
``ASKS``                                     0.460  0.732  0.810  0.855
``COVERS``                                   0.455  0.735  0.807  0.850
0.7 × cosine (wordllama), with neighbours'   0.459  0.748  0.809  0.858
``KNOWN``                                    0.459  0.747  0.809  0.858
===========================================  =====  =====  =====  =====

``COVERS`` and ``KNOWN`` are there for other texts, each to be found by four of its words (400
questions each; recall@1, 5, 10, 20). Without ``KNOWN`` a text that its reader remembers word by
word gave way to one that is nearer in sense: of docstrings the extra found fewer than words alone.

============================  ==========================  ==========================
arm                           paragraphs of documents     docstrings
============================  ==========================  ==========================
plain BM25 of all words       0.720  0.968  0.990  0.995  0.730  0.920  0.953  0.980
without ``COVERS``, cosines   0.807  0.975  0.993  0.998  0.805  0.953  0.983  0.998
lexical arm                   0.917  0.985  0.998  1.000  0.875  0.990  0.995  0.998
cosines without ``KNOWN``     0.925  0.993  0.998  1.000  0.868  0.988  0.995  0.998
cosines                       0.930  0.993  0.998  1.000  0.887  0.990  0.998  0.998
============================  ==========================  ==========================
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from cleo_brain.words import STOP_WORDS

#: Two words that stand side by side in the query and in the entry, each pair once.
PAIR = 0.1
#: All words of the query stand in the entry itself, not only beside it; a part of them: that part.
COVERS = 0.3
#: The entry begins with a name and a colon (``Ada: …``, ``fix: …``), and the query has that name,
#: of two words the first.
NAMED = 0.4
#: The entry before it in its thread asks something: this much of that one's L.
ANSWERS = 0.25
#: The entry ends with a question mark: it does not say what somebody wants to know. Taken off.
ASKS = 0.1
#: Where the best hits hold this share of the query's words, vectors push none of these below its
#: lexical place, if that is among the first ones, which one page shows.
KNOWN = 0.75
FIRST = 10
#: How far below such a hit the others stay at least.
HAIR = 1e-6
#: Share of an entry's own cosine beside the mean of its neighbours'.
OWN = 0.5

_WORD = r"\w+"
_NAME = r"\s*(\w+)(?: \w+)?:\s"
_ENDINGS = ("ingly", "edly", "ing", "ies", "ied", "es", "ed", "ly", "s", "e", "y")
#: Characters of an entry that are looked at.
LOOKED_AT = 2_000


class Text:
    """What fusion looks at in an entry.

    :param before: ``seq`` of the entry before it in its thread; ``after``: of the one after it.
    """

    __slots__ = ("after", "before", "body", "title")

    def __init__(
        self, title: str, body: str, before: int | None = None, after: int | None = None
    ) -> None:
        self.title = title
        self.body = body
        self.before = before
        self.after = after


class Asked:
    """The words of a query, as they are compared with those of entries.

    :param words: casefolded, in their order.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = frozenset(words)
        stems = [_stem(word) for word in words]
        self.stems = frozenset(stems)
        self.pairs = frozenset(pairwise(stems))
        self._heads = frozenset(stem[:3] for stem in stems)

    def stems_in(self, text: str) -> list[str]:
        """The words of a text without stop words, those that the query cannot have as ``""``."""
        return [
            _stem(word) if word[:3] in self._heads else ""
            for word in re.findall(_WORD, text[:LOOKED_AT].casefold())
            if word not in STOP_WORDS
        ]


def lexical_scores(
    scores: Mapping[int, float],
    seqs: Iterable[int],
    texts: Mapping[int, Text],
    asked: Asked,
) -> tuple[dict[int, float], dict[int, float]]:
    """L / L_max with what the signals add, and the share of the query's words that each entry has.

    Where L is missing it counts as 0.

    :param scores: ``seq`` -> L, none below 0.
    :param seqs: all hits, those by vector alone included.
    :param texts: of all hits.
    """
    best = max(scores.values(), default=0.0) or 1.0
    relative = {seq: score / best for seq, score in scores.items()}
    scored: dict[int, float] = {}
    covered: dict[int, float] = {}
    for seq in seqs:
        text = texts.get(seq)
        stems = [] if text is None else asked.stems_in(f"{text.title}\n{text.body}")
        covered[seq] = len(asked.stems.intersection(stems)) / max(1, len(asked.stems))
        scored[seq] = relative.get(seq, 0.0) + COVERS * covered[seq]
        if text is not None:
            scored[seq] += _signals(text, stems, relative, texts, asked)
    return scored, covered


def _signals(
    text: Text,
    stems: Sequence[str],
    relative: Mapping[int, float],
    texts: Mapping[int, Text],
    asked: Asked,
) -> float:
    added = PAIR * len(asked.pairs.intersection(pairwise(stems)))
    name = re.match(_NAME, text.body)
    if name is not None and name[1].casefold() in asked.words:
        added += NAMED
    before = texts.get(text.before) if text.before is not None else None
    if before is not None and text.before is not None and _asks(before.body):
        added += ANSWERS * relative.get(text.before, 0.0)
    if text.body.rstrip().endswith(("?", "\uff1f")):
        added -= ASKS
    return added


def with_neighbours(
    cosines: Mapping[int, float], texts: Mapping[int, Text], seqs: Iterable[int]
) -> dict[int, float]:
    """Cosines of entries, each mixed with the mean of those beside it in its thread.

    A single turn of a conversation is often too short for a vector to say what it is about.
    """
    mixed = {}
    for seq in seqs:
        own = cosines.get(seq)
        if own is None:
            continue
        text = texts.get(seq)
        beside = [
            cosines[one]
            for one in (() if text is None else (text.before, text.after))
            if one is not None and one in cosines
        ]
        mean = sum(beside) / len(beside) if beside else own
        mixed[seq] = OWN * max(0.0, own) + (1 - OWN) * max(0.0, mean)
    return mixed


def fuse(
    lexical: Mapping[int, float],
    covered: Mapping[int, float],
    cosines: Mapping[int, float],
    weight: float,
) -> dict[int, float]:
    """The scores of the union of both arms, from 0 to 1.

    A hit without a vector gets the median cosine of the others. A cosine moves no hit past one
    that holds more of the query's words, if the lexical arm has that one before it, among its
    first ones, and no hit holds more of them: it is likely the text that somebody remembers.

    :param lexical: ``seq`` -> lexical score with its signals, of every hit.
    :param covered: ``seq`` -> share of the query's words in the entry itself.
    :param weight: of a cosine; 0 where vectors take no part.
    """
    known = sorted(cosines[seq] for seq in lexical if seq in cosines)
    median = known[len(known) // 2] if known else 0.0
    most = max(1.0, max(lexical.values(), default=1.0)) + weight
    fused = {
        seq: max(0.0, score + weight * cosines.get(seq, median)) / most
        for seq, score in lexical.items()
    }
    best = max(covered.values(), default=0.0)
    if not weight or best < KNOWN:
        return fused
    return _held(fused, ordered(lexical), covered, best)


def _held(
    fused: Mapping[int, float], order: Sequence[int], covered: Mapping[int, float], best: float
) -> dict[int, float]:
    """The scores, no other one as high as that of a hit with ``best`` before it.

    What is held back keeps its own order.

    :param order: that of the lexical arm.
    """
    held: dict[int, float] = {}
    least = float("inf")
    for place, seq in enumerate(order):
        score = fused[seq]
        if covered.get(seq, 0.0) < best:
            held[seq] = max(0.0, min(score, least - HAIR * (2 - score)))
        else:
            held[seq] = score
            least = min(least, score) if place < FIRST else least
    return held


def ordered(scores: Mapping[int, float]) -> list[int]:
    """By score, then the newest."""
    return sorted(scores, key=lambda seq: (-scores[seq], -seq))


def _asks(body: str) -> bool:
    return "?" in body or "\uff1f" in body


def _stem(word: str) -> str:
    """A word without its ending, roughly: only whether two are the same word is asked."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word[:-1] if word[-1:] == word[-2:-1] else word
