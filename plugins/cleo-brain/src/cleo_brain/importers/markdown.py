"""Markdown that agents keep: one memory per top-level bullet."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from cleo_brain.importers import files
from cleo_brain.importers.item import Item
from cleo_brain.service.private import blank_private
from cleo_core.errors import ValidationError, shortened

_HEADING = re.compile(r" {0,3}(#{1,6})\s+(.*?)\s*#*\s*\Z")
_BULLET = re.compile(r" {0,3}(?:[-*+]|\d{1,9}[.)])\s+(\S.*)\Z")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_RULE = re.compile(r" {0,3}([-*_])(?:\s*\1){2,}\s*\Z")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_ANTI = re.compile(r"[*_`\s]*(?:never|avoid|don['\u2019]t|do not)\b", re.IGNORECASE)
_BECAUSE = re.compile(r",?\s+because\s+|\s+\u2013\s+", re.IGNORECASE)
_TAG = re.compile(r"[^\w]+")


class _Bullet(NamedTuple):
    line: int
    headings: tuple[str, ...]
    text: str


def read(path: str, project: str | None) -> Iterator[Item]:
    """The bullets of a file, in its order.

    :raises ValidationError: it has none.
    """
    source = files.text(path)
    name = os.path.basename(path)
    found = False
    for bullet in _bullets(source):
        found = True
        yield _item(name, bullet, project)
    if not found:
        raise ValidationError(
            f"{shortened(path)} has no bullet to remember.", fix="cleo memory import FILE"
        )


def _item(name: str, bullet: _Bullet, project: str | None) -> Item:
    below = bullet.headings[-1].casefold() if bullet.headings else ""
    tags = [
        tag
        for tag in (_TAG.sub("-", one.casefold()).strip("-")[:64] for one in bullet.headings)
        if tag
    ]
    digest = hashlib.sha256(" ".join(bullet.text.split()).encode("utf-8", "replace")).hexdigest()
    item = Item(
        where=f"line {bullet.line}",
        origin=f"markdown:{name}:{digest[:32]}",
        tags=tags,
        unknown={} if project is None else {"project": project},
    )
    anti = _ANTI.match(bullet.text)
    if "decision" in below:
        decision, rationale = bullet.text, f"imported from {name}"
        cut = _BECAUSE.search(bullet.text)
        if cut is not None and cut.start() and bullet.text[cut.end() :].strip():
            decision, rationale = bullet.text[: cut.start()], bullet.text[cut.end() :]
        item.kind = "decision"
        item.values = {"decision": decision, "rationale": rationale}
    elif anti is not None or "pattern" in below or "convention" in below:
        item.kind = "pattern"
        item.values = {
            "type": "anti-pattern" if anti is not None else "recurring",
            "pattern": bullet.text,
            "context": " / ".join(bullet.headings) or name,
            "anti_pattern": bullet.text if anti is not None else None,
        }
    else:
        item.kind = "learning"
        heading = f"#{bullet.headings[-1]}" if bullet.headings else ""
        item.values = {
            "insight": bullet.text,
            "source": f"markdown:{name}{heading}",
            "confidence": 0.7,
        }
    return item


def _bullets(source: str) -> Iterator[_Bullet]:
    """Top-level bullets with the lines that belong to them."""
    source = blank_private(source)
    source = _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), source)
    headings: list[tuple[int, str]] = []
    collected: list[str] = []
    began = 0
    fence: str | None = None
    blank = False
    lines = source.splitlines()
    start = _front_matter(lines)
    for number, line in enumerate([*lines[start:], "# "], start + 1):
        marker = _FENCE.match(line)
        if fence is not None:
            if marker is not None and marker[1].startswith(fence):
                fence = None
            if collected:
                collected.append(line)
            continue
        indented = line.startswith(("  ", "\t"))
        if marker is not None:
            fence = marker[1]
            if collected and indented:
                collected.append(line)
            elif collected:
                yield _made(began, headings, collected)
                collected = []
            continue
        if not line.strip():
            blank = True
            if collected:
                collected.append("")
            continue
        heading = _HEADING.match(line)
        bullet = None if _RULE.match(line) else _BULLET.match(line)
        nested = bullet is not None and collected and indented
        inside = collected and not heading and (indented or (not blank and not bullet))
        blank = False
        if nested or (inside and not _RULE.match(line)):
            collected.append(line)
            continue
        if collected:
            yield _made(began, headings, collected)
            collected = []
        if heading is not None:
            level = len(heading[1])
            headings = [one for one in headings if one[0] < level]
            if heading[2]:
                headings.append((level, heading[2]))
        elif bullet is not None:
            began, collected = number, [bullet[1]]
    if collected:
        yield _made(began, headings, collected)


def _made(line: int, headings: list[tuple[int, str]], collected: list[str]) -> _Bullet:
    first, *rest = collected
    text = "\n".join([first.strip(), *(one.rstrip() for one in rest)]).strip()
    return _Bullet(line, tuple(words for _, words in headings), text)


def _front_matter(lines: list[str]) -> int:
    """Lines of the front matter."""
    if lines and lines[0].strip() == "---":
        for number, line in enumerate(lines[1:], 1):
            if line.strip() in ("---", "..."):
                return number + 1
    return 0
