"""What the text of an architecture decision says about itself.

The header is the lines ``**Key**: value`` between the title and the first ``---`` or second
heading. Whatever is not understood there is a finding and costs only itself: the text is stored
whole all the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_tasks.adr_ids import MAX_DIGITS, adr_id
from cleo_tasks.enums import ADR_GATE, ADR_GATE_STATUS, ADR_STATUS
from cleo_tasks.ids import MAX_DIGITS as MAX_TASK_DIGITS
from cleo_tasks.ids import task_id

_BLANK = ("", " ", "\t")
_LINE_END = re.compile(r"\r\n|\n|\r")
_UNDERLINE = re.compile(r" {0,3}=+[ \t]*\Z")
_RULE = re.compile(r" {0,3}-{3,}[ \t]*\Z")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
#: The colon may stand on either side of the closing asterisks. Every repetition that another one
#: follows has an end: a line of a million blanks must not take a million times its length.
_KEY = re.compile(
    r" {0,3}(?:[-*+][ \t]{1,8})?\*\*([^*:]{1,80}?)[ \t]{0,8}(?::\*\*|\*\*[ \t]{0,8}:)(.*)\Z"
)
_COMMENT = re.compile(r"(<!--|-->)")
_ITEM = re.compile(r" {0,8}(?:[-*+]|\d{1,9}[.)])[ \t]+")
_OWN_ID = re.compile(r"\[?ADR[-_ ]?(\d+)\b\]?\s*[:.–—-]*\s*(.*)\Z", re.IGNORECASE)
_ADR = re.compile(rf"\bADR[-_ ]?(\d{{1,{MAX_DIGITS}}})\b", re.IGNORECASE)
_TASK = re.compile(rf"\bT(\d{{1,{MAX_TASK_DIGITS}}})\b")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
#: What people write where there is nothing to name.
_NOTHING = frozenset({"", "-", "–", "—", "none", "n/a", "na", "nothing"})

_STATUS = {word.lower(): word for word in ADR_STATUS} | {"approved": "accepted"}
_GATE = {word.lower(): word for word in ADR_GATE}
_GATE_STATUS = {word.lower(): word for word in ADR_GATE_STATUS} | {"approved": "passed"}

#: Key that refers -> type of the relation to the decisions it names, and whether they are the
#: ones that the relation goes out from.
RELATION_KEYS = {
    "supersedes": ("supersedes", False),
    "superseded by": ("supersedes", True),
    "amends": ("amends", False),
    "amended by": ("amends", True),
    "related adrs": ("related", False),
    "related tasks": ("related", False),
    "task": ("related", False),
    "epic": ("related", False),
}


@record
class Finding(Declared):
    """Something that a line of a file says and that is not, or not wholly, understood."""

    line: int
    code: str
    message: str


@record
class Names(Declared):
    """The decisions and tasks that one line of the header names.

    ``relation``: type of the relation; ``backward``: it leads from them to this decision.
    """

    line: int
    relation: str
    backward: bool
    adrs: tuple[str, ...]
    tasks: tuple[str, ...]


@dataclass
class Header:
    """What a text says: the title, columns, names of others, findings.

    ``title``: None where there is none. ``number``: the one in the title's own ``ADR-n``.
    ``lines``: key -> the line it stands on. ``consensus``: id of a manifest entry.
    """

    title: str | None = None
    title_line: int = 1
    number: int | None = None
    status: str = "proposed"
    date: str | None = None
    accepted_at: str | None = None
    gate: str | None = None
    gate_status: str | None = None
    summary: str | None = None
    keywords: list[str] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    consensus: str | None = None
    names: list[Names] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)

    def find(self, line: int, code: str, message: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(line, code, message))


def read_header(text: str) -> Header:
    """What a decision's text says about itself; never fails."""
    header = Header()
    values = _Reader(header).entries(text)
    for line, key, value in values:
        _take(header, line, key, value)
    if header.title is not None and not values:
        header.find(
            header.title_line, "W_ADR_HEADER", "there is no header with lines `**Key**: value`"
        )
    return header


class _Reader:
    """Finds the title and the header's entries; what stands in fences and comments is skipped."""

    def __init__(self, header: Header) -> None:
        self._header = header
        self._entries: list[tuple[int, str, list[str]]] = []
        self._open = False

    def entries(self, text: str) -> list[tuple[int, str, str]]:
        """``(line, key as written, value)``."""
        before = ""
        for number, line in self._lines(text.removeprefix("\ufeff")):
            heading = _heading(line)
            if heading is not None and not self._heading(number, *heading):
                break
            if self._header.title is not None and _RULE.match(line):
                break
            if _UNDERLINE.match(line) and before.strip() and not _KEY.match(before):
                if self._header.title is not None:
                    break
                self._title(number - 1, before.strip())
            elif heading is None:
                self._entry(number, line)
            before = line
        return [(at, key, "".join(parts).strip()) for at, key, parts in self._entries]

    def _lines(self, text: str) -> Iterator[tuple[int, str]]:
        lines = _LINE_END.split(text)
        fence, comment, front = "", False, False
        for number, line in enumerate(lines, 1):
            if number == 1 and line.rstrip() == "---":
                self._header.find(1, "W_ADR_HEADER", "front matter between --- is not read")
                front = True
                continue
            if front:
                front = line.rstrip() not in ("---", "...")
                continue
            opened = _FENCE.match(line)
            if fence:
                if opened and opened[1].startswith(fence) and not line.strip(" \t`~"):
                    fence = ""
                continue
            line, comment = _uncommented(line, comment)
            if opened and not comment:
                fence = opened[1]
                continue
            yield number, line

    def _heading(self, number: int, level: int, text: str) -> bool:
        """Take a heading as the title if it can be; False where it ends the header."""
        if self._header.title is not None:
            return False
        if level == 1 or _OWN_ID.match(text):
            self._title(number, text)
        return True

    def _title(self, number: int, text: str) -> None:
        own = _OWN_ID.match(text)
        if own is not None:
            text = own[2].strip()
            self._header.number = int(own[1]) if len(own[1]) <= MAX_DIGITS else -1
        if text:
            self._header.title, self._header.title_line = text, number
        elif self._header.title_line == 1:
            self._header.title_line = number

    def _entry(self, number: int, line: str) -> None:
        found = _KEY.match(line)
        if found is not None:
            self._entries.append((number, found[1].strip(), [_trimmed(found[2])]))
            self._open = True
        elif not line.strip() or line.lstrip().startswith(">"):
            self._open = False
        elif self._open:
            # The same paragraph, or a list below the key.
            parts = self._entries[-1][2]
            item = _ITEM.match(line)
            parts.append(", " if item and any(parts) else " ")
            parts.append(_trimmed(line[item.end() :] if item else line))


def _heading(line: str) -> tuple[int, str] | None:
    """Level and text of a heading that begins with ``#``; None where a line is none."""
    text = line.lstrip(" ")
    level = len(text) - len(text.lstrip("#"))
    if len(line) - len(text) > 3 or not 1 <= level <= 6 or text[level : level + 1] not in _BLANK:
        return None
    text = text[level:].strip()
    bare = text.rstrip("#")
    # Closing marks stand apart from the text.
    return level, bare.rstrip() if bare[-1:] in _BLANK else text


def _uncommented(line: str, inside: bool) -> tuple[str, bool]:
    """A line without its HTML comments, and whether one goes on in the next line."""
    kept = []
    for part in _COMMENT.split(line):
        if part == ("-->" if inside else "<!--"):
            inside = not inside
        elif not inside:
            kept.append(part)
    return "".join(kept), inside


def _trimmed(text: str) -> str:
    """A value without the blanks or the backslash that break a line in Markdown."""
    return text.strip().removesuffix("\\").strip()


def _take(header: Header, line: int, written: str, value: str) -> None:
    key = " ".join(re.split(r"[-_\s]+", written.casefold().strip()))
    if key in RELATION_KEYS:
        header.lines.setdefault(key, line)
        _take_names(header, line, key, written, value)
        return
    if key not in _COLUMNS:
        header.find(line, "W_ADR_KEY", f"the key {written[:80]!r} is unknown")
        return
    name, read = _COLUMNS[key]
    if key in header.lines and name not in ("keywords", "topics"):
        header.find(
            line, "W_ADR_KEY", f"the key {written!r} stood in line {header.lines[key]} already"
        )
        return
    header.lines.setdefault(key, line)
    if value.casefold() in _NOTHING:
        return
    if name in ("keywords", "topics"):
        listed: list[str] = getattr(header, name)
        listed[:] = dict.fromkeys([*listed, *read(value)])
        return
    understood = read(value)
    if understood is None:
        header.find(line, "W_ADR_VALUE", f"{written} {value[:80]!r} is {_EXPECTED[key]}")
        return
    setattr(header, name, understood)


def _take_names(header: Header, line: int, key: str, written: str, value: str) -> None:
    relation, backward = RELATION_KEYS[key]
    text = outside_brackets(value)
    adrs = tuple(dict.fromkeys(adr_id(int(digits)) for digits in _ADR.findall(text)))
    tasks = tuple(dict.fromkeys(task_id(int(digits)) for digits in _TASK.findall(text)))
    if adrs or tasks:
        header.names.append(Names(line, relation, backward, adrs, tasks))
    elif value.casefold() not in _NOTHING:
        header.find(line, "W_ADR_VALUE", f"{written} {value[:80]!r} names no decision and no task")


def outside_brackets(text: str) -> str:
    """A text without what stands in round brackets; an open one reaches to the end."""
    kept, depth = [], 0
    for char in text:
        if char == "(":
            depth += 1
        elif char == ")" and depth:
            depth -= 1
            kept.append(" ")
        elif not depth:
            kept.append(char)
    return "".join(kept)


def _counted(value: str) -> str:
    """The part of a date or word that counts: up to a round bracket, without decoration."""
    return value.partition("(")[0].strip().strip("`*_").strip()


def _word(words: dict[str, str]) -> Callable[[str], str | None]:
    return lambda value: words.get(_counted(value).lower())


def _day(value: str) -> str | None:
    text = _counted(value)
    if not _DAY.match(text) or not text.isascii():
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return None


def _several(value: str) -> list[str]:
    """Values separated by commas; a comma in round brackets separates nothing."""
    parts, depth, start = [], 0, 0
    for place, char in enumerate(value):
        if char == "(":
            depth += 1
        elif char == ")":
            depth = max(0, depth - 1)
        elif char == "," and not depth:
            parts.append(value[start:place])
            start = place + 1
    return [text for text in map(str.strip, (*parts, value[start:])) if text]


def _words_text(words: Sequence[str]) -> str:
    return f"not one of {', '.join(words)}"


#: Key -> (field, what reads its value; None is not understood).
_COLUMNS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "date": ("date", _day),
    "status": ("status", _word(_STATUS)),
    "accepted": ("accepted_at", _day),
    "gate": ("gate", _word(_GATE)),
    "gate status": ("gate_status", _word(_GATE_STATUS)),
    "summary": ("summary", str),
    "keywords": ("keywords", _several),
    "topics": ("topics", _several),
    "consensus": ("consensus", lambda value: _counted(value) or None),
}
_EXPECTED = {
    "date": "no date; dates look like 2026-03-25",
    "accepted": "no date; dates look like 2026-03-25",
    "status": _words_text(ADR_STATUS),
    "gate": _words_text(ADR_GATE),
    "gate status": _words_text(ADR_GATE_STATUS),
    "consensus": "no id of a manifest entry",
}
