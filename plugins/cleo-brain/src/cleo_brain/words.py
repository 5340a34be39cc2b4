"""Words that carry meaning, and how alike two texts are by them."""

from __future__ import annotations

import re

_WORD = r"\w+"

_STOP = """
a about after again against all also am an and any are as at be because been before being
between both by can could did do does down during each few for from further had has have he her
here him his how i if in into is it its just many me might more most much must my no nor not now
of off on once only or other our out over own same shall she should so some such than that the
their them then there these they this those through to too until up us very was we were what
when where which while who whom whose why will with would you your
d ll m re s t ve aren couldn didn doesn don hadn hasn haven isn shouldn wasn weren won wouldn
"""
#: What says nothing about a text. "may" is a month and is not here.
STOP_WORDS = frozenset(_STOP.split())

#: As the column ``dates`` and queries spell them.
MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december"),
)


def nfkc(text: str) -> str:
    """A text in Unicode's normal form KC, in which ASCII is already."""
    if text.isascii():
        return text
    import unicodedata

    return unicodedata.normalize("NFKC", text)


def content_words(text: str, least: int = 2) -> frozenset[str]:
    """The words of a text without stop words, casefolded, each once.

    :param least: characters that a word has at least; digits count at any length.
    """
    found = re.findall(_WORD, nfkc(text).casefold())
    return frozenset(
        word for word in found if (len(word) >= least or word.isdigit()) and word not in STOP_WORDS
    )


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Common words as a share of all words of two sets; 0 where both are empty."""
    union = len(one | other)
    return len(one & other) / union if union else 0.0
