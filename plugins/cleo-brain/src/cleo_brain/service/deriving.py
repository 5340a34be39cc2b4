"""What is a function of an entry's columns: hashes, search columns, price, quality."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from cleo_brain.words import MONTHS, nfkc
from cleo_core import clock
from cleo_core.hashing import sha256

TITLE_CUT = 120
#: Characters of each neighbour that go into the context of an observation.
NEIGHBOUR_CUT = 400
#: Neighbours on each side.
NEIGHBOURS = 2

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_COMPOUND = r"\w+(?:[._]\w+)+|\w*[a-z0-9][A-Z]\w*"
#: It begins with what is rare, so that a text without a seam is passed over fast.
_SEAM = r"[A-Z._](?:(?<=[a-z0-9][A-Z])|(?<=\w[._])(?=\w))"
_PART = r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\dA-Za-z_]+"

#: Kind -> the columns of its table whose words go into ``extra``.
_EXTRA = {
    "decision": ("alternatives_json",),
    "pattern": ("anti_pattern", "mitigation"),
    "learning": ("application", "source"),
    "observation": ("subtitle", "facts_json", "concepts_json"),
    "sticky": (),
}
_FILES = ("files_read_json", "files_modified_json")

MULTIPLIER = {"owner": 1.0, "task-outcome": 0.9, "agent": 0.7, "speculative": 0.4}
TIER_BONUS = {"short": 0.0, "medium": 0.05, "long": 0.10}


def normalised(text: str) -> str:
    """A text as it is compared: NFKC, casefolded, blanks collapsed."""
    return " ".join(nfkc(text).casefold().split())


def content_text(kind: str, typed: Mapping[str, Any]) -> str:
    """The words that decide whether two entries of a kind are the same."""
    parts = {
        "decision": ("type", "decision", "rationale"),
        "pattern": ("type", "pattern"),
        "learning": ("insight",),
        "observation": ("title", "narrative"),
        "sticky": ("content",),
    }[kind]
    return " ".join(str(typed[name]) for name in parts)


def content_hash(kind: str, thread: str | None, typed: Mapping[str, Any]) -> str:
    """SHA-256 of kind, thread (of observations) and normalised text, NULs between."""
    where = thread or "" if kind == "observation" else ""
    body = f"{kind}\0{where}\0{normalised(content_text(kind, typed))}"
    return sha256(body.encode())


def text_hash(title: str, body: str) -> str:
    """SHA-256 of the text that is embedded."""
    return sha256(embedded_text(title, body).encode())


def embedded_text(title: str, body: str) -> str:
    """The text that is embedded: title, newline, body."""
    return f"{title}\n{body}"


def title_and_body(kind: str, typed: Mapping[str, Any]) -> tuple[str, str]:
    """The two columns that are searched first; a title made from the text is not indexed twice."""
    if kind == "decision":
        return typed["decision"], typed["rationale"]
    if kind == "pattern":
        return typed["pattern"], typed["context"]
    if kind == "learning":
        return "", typed["insight"]
    if kind == "observation":
        return "" if typed["title_derived"] else typed["title"], typed["narrative"]
    return "", typed["content"]


def extra_of(kind: str, typed: Mapping[str, Any], tags: Sequence[str]) -> str:
    """Further words to find an entry by, in the order of its columns."""
    words: list[str] = []
    for name in _EXTRA[kind]:
        value = typed[name]
        words += value if isinstance(value, list) else [value or ""]
    words += tags
    if kind == "observation":
        for path in (path for name in _FILES for path in typed[name]):
            words += [part for part in re.split(r"[\\/]+", path) if part not in ("", ".", "..")]
    texts = title_and_body(kind, typed)
    words += _parts_of(*texts)
    words += _spelled_otherwise(*texts)
    return " ".join(word for word in words if word)


@lru_cache(1024)
def dates_of(valid_at: str) -> str:
    """The day of a stored time as words: ``2023 may 8 monday``."""
    day = time.gmtime(clock.parse_time(valid_at))
    return f"{day.tm_year} {MONTHS[day.tm_mon - 1]} {day.tm_mday} {_DAYS[day.tm_wday]}"


def context_of(before: Iterable[str], after: Iterable[str]) -> str:
    """What stands around an observation in its thread, in the order of the thread."""
    parts = [*list(before)[::-1], *after]
    return "\n".join(part[:NEIGHBOUR_CUT] for part in parts)


def cut_title(text: str, most: int = TITLE_CUT) -> str:
    """The beginning of a text on one line, cut at a word."""
    line = " ".join(text.split())
    if len(line) <= most:
        return line
    head, blank, _ = line[: most + 1].rpartition(" ")
    return head if blank and len(head) > most // 2 else line[:most]


def tokens_of(text: str) -> int:
    """The price of a text: a quarter of its characters, at least 1."""
    return max(1, -(-len(text) // 4))


def quality_of(
    kind: str,
    typed: Mapping[str, Any],
    *,
    source_confidence: str,
    tier: str,
    uses: int,
) -> float:
    """How much an entry is worth before anybody judges it, from 0 to 1, three decimals."""
    value = _base(kind, typed) * MULTIPLIER[source_confidence] + TIER_BONUS[tier]
    return round(min(1.0, max(0.0, value + min(0.01 * uses, 0.15))), 3)


def effective_confidence(confidence: float, confirmed_at: str) -> float:
    """What is left of a learning's confidence: half a percent less each day after thirty."""
    days = (clock.seconds() - clock.parse_time(confirmed_at)) / 86400
    return float(confidence * 0.995 ** max(0.0, days - 30))


def _base(kind: str, typed: Mapping[str, Any]) -> float:
    if kind == "decision":
        value = {"high": 0.9, "medium": 0.7, "low": 0.5}[typed["confidence"]]
        value += 0.10 if len(typed["rationale"]) > 50 else 0.0
        return value + (0.05 if typed["context_task_id"] or typed["context_epic_id"] else 0.0)
    if kind == "pattern":
        value = 0.4 + {"workflow": 0.10, "success": 0.05}.get(typed["type"], 0.0)
        value += 0.10 if len(typed["pattern"]) > 100 else 0.0
        value += 0.10 if len(typed["context"]) > 50 else 0.0
        return value + (0.10 if len(typed["examples_json"]) > 3 else 0.0)
    if kind == "learning":
        value = float(typed["confidence"]) + (0.10 if typed["actionable"] else 0.0)
        value += 0.10 if len(typed["insight"]) > 100 else 0.0
        return value + (0.10 if len(typed["application"] or "") > 20 else 0.0)
    text = typed["narrative"] if kind == "observation" else typed["content"]
    given = kind == "observation" and not typed["title_derived"] and len(typed["title"]) > 10
    return 0.6 + (0.10 if len(text) > 200 else 0.0) + (0.05 if given else 0.0)


def _spelled_otherwise(*texts: str) -> list[str]:
    """Words that a query, which is normalised, would spell in other letters, as it spells them."""
    found: dict[str, None] = {}
    for text in texts:
        if not text.isascii() and nfkc(text).casefold() != text.lower():
            for word in text.split():
                folded = nfkc(word).casefold()
                if folded != word.lower():
                    found[folded] = None
    return list(found)


def _parts_of(*texts: str) -> list[str]:
    """The parts of every word that is put together of several, each once."""
    found: dict[str, None] = {}
    for text in texts:
        for word in re.findall(_COMPOUND, text) if re.search(_SEAM, text) else ():
            parts = re.findall(_PART, word)
            if len(parts) > 1:
                found.update(dict.fromkeys(parts))
    return list(found)
