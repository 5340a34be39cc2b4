"""From a query as people write it to what the index is asked for.

Nothing of a query reaches FTS5 but words and phrases in double quotes, so no operator or column
filter in it is ever interpreted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import field

from cleo_brain.words import MONTHS, STOP_WORDS, nfkc
from cleo_core.api import Declared
from cleo_core.api.records import record

#: Words of a query that count; the longest ones stay.
MOST_WORDS = 32
#: Phrases, and words that must not occur.
MOST_CONDITIONS = 32
#: From so many letters on a word is tried as the beginning of words.
PREFIX_LENGTH = 4
#: Characters of a query that are looked at; more are no question.
LONGEST = 20_000

#: A quoted phrase, or a run without blanks; each with what excludes it in front.
_PIECE = r'(?P<minus>-?)"(?P<phrase>[^"]*)"|(?P<plain>[^\s"]+)'
_DATE = r"(?<![\w-])(\d{4})-(\d{1,2})-(\d{1,2})(?![\w-])"
_WORD = r"\w+\*?"
#: The entry's own words: what stands around it must neither fulfil a phrase nor exclude it.
_OWN = "{title body extra dates} : "


@record
class Terms(Declared):
    """What a query asks for.

    :param words: joined by OR; a trailing ``*`` makes one a prefix.
    :param phrases: must occur.
    :param excluded: words and phrases that must not.
    :param every: whether every word must occur.
    :param texts: the words as they stand, for a search by substring; the whole query where it has
        no word at all.
    """

    words: list[str] = field(default_factory=list)
    phrases: list[str] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)
    every: bool = False
    texts: list[str] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether nothing is searched for; something may still be excluded."""
        return not (self.words or self.phrases or self.texts)

    @property
    def required(self) -> str | None:
        """The match of what must occur, or None."""
        parts = [_OWN + quoted(phrase) for phrase in self.phrases]
        if self.every:
            parts += [quoted(word) for word in self.words]
        return " AND ".join(f"({part})" for part in parts) or None

    @property
    def forbidden(self) -> str | None:
        """The match of what must not occur, or None."""
        joined = " OR ".join(map(quoted, self.excluded))
        return f"{_OWN}({joined})" if joined else None

    @property
    def prefixes(self) -> list[str]:
        """The longer words as beginnings of words."""
        return [f"{word}*" for word in self.words if len(word) >= PREFIX_LENGTH and word[-1] != "*"]


def parse(query: str, *, every: bool = False) -> Terms:
    """What a query asks for.

    :param every: every word must occur.
    """
    # NFKC can make a text longer, and a NUL ends a text for FTS5.
    text = nfkc(query[:LONGEST].replace("\0", " "))
    words: list[str] = []
    phrases: list[str] = []
    excluded: list[str] = []
    texts: list[str] = []
    for piece in re.finditer(_PIECE, text):
        phrase, plain = piece["phrase"], piece["plain"]
        if phrase is not None:
            inner = " ".join(_words(phrase))
            if inner:
                (excluded if piece["minus"] else phrases).append(inner)
                texts += [] if piece["minus"] else [phrase.strip()]
        elif len(plain) > 1 and plain[0] == "-" and (plain[1].isalnum() or plain[1] == "_"):
            inner = " ".join(_words(plain[1:]))
            excluded += [inner] if inner else []
        else:
            words += _words(plain)
            texts += [run.rstrip("*") for run in re.findall(_WORD, plain)]
    if not words and not phrases and not texts and not excluded and text.strip():
        texts = [text.strip()]
    kept = _kept(words)
    return Terms(
        kept,
        _once(phrases)[:MOST_CONDITIONS],
        _once(excluded)[:MOST_CONDITIONS],
        every,
        _once(one for one in texts if _says_something(one, kept)),
    )


def quoted(term: str) -> str:
    """A word, prefix or phrase as FTS5 takes it."""
    prefix = term.endswith("*")
    inner = term.rstrip("*").replace('"', '""')
    return f'"{inner}" *' if prefix else f'"{inner}"'


def _words(text: str) -> list[str]:
    """The words of a piece of a query, casefolded; a date becomes its parts."""
    spelled = re.sub(_DATE, _spelled, text.casefold())
    # What consists of underscores only is nothing to the index.
    return [word for word in re.findall(_WORD, spelled) if word.strip("_*")]


def _spelled(found: re.Match[str]) -> str:
    import datetime

    try:
        day = datetime.date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return found[0]
    return f"{day.year} {MONTHS[day.month - 1]} {day.day}"


def _kept(words: list[str]) -> list[str]:
    """The words that count: each once, no stop words unless there are only such."""
    distinct = _once(words)
    long = [word for word in distinct if len(word.rstrip("*")) > 1 or word.isdigit()]
    # A single character can be a whole word, of Chinese for one.
    found = [word for word in long if word not in STOP_WORDS] or long or distinct
    if len(found) > MOST_WORDS:
        longest = set(sorted(found, key=len, reverse=True)[:MOST_WORDS])
        found = [word for word in found if word in longest]
    return found


def _says_something(text: str, kept: list[str]) -> bool:
    """Whether a text is worth looking for as it stands: no stop word beside others."""
    folded = text.casefold()
    return folded not in STOP_WORDS or folded in kept


def _once(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))
