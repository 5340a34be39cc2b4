"""The section that a release adds to ``CHANGELOG.md``, and where it goes.

A file's own style is kept: the heading is ``## v1.2.0 - 2026-03-25`` in a new file, and
``## [1.2.0] - 2026-03-25`` in one that is written as https://keepachangelog.com asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cleo_tasks.service.repository import Commit

NAME = "CHANGELOG.md"
#: Commits that are listed; the others are counted.
MOST_COMMITS = 50

#: Roles of tasks -> heading, and heading in a file that keeps a changelog.
GROUPS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("work",), "Features", "Added"),
    (("bug",), "Fixes", "Fixed"),
    (("research", "experiment", "spike"), "Research", "Research"),
    (("release",), "Release work", "Release work"),
)
COMMITS = "Other commits"

_HEADING = re.compile(r"(#{1,3})[ \t]+(.*)")
_VERSION = re.compile(r"(?:version[ \t]+|release[ \t]+)?(\[?)(v?)[0-9]+\.[0-9]", re.IGNORECASE)
_UNRELEASED = re.compile(r"(\[?)unreleased\b", re.IGNORECASE)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
#: Characters that steer instead of showing, and halves of surrogate pairs.
_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class Style(NamedTuple):
    """How a file writes the heading of a version."""

    level: int = 2
    bracket: bool = False
    prefix: str = "v"


class Heading(NamedTuple):
    """A heading: where its line begins and ends in the text, its level and its words."""

    start: int
    end: int
    level: int
    words: str


def headings(text: str) -> Iterator[Heading]:
    """The headings of the first three levels, those in code blocks and comments left out."""
    fence: str | None = None
    comment = False
    at = 0
    while at < len(text):
        newline = text.find("\n", at)
        end = len(text) if newline < 0 else newline + 1
        if at == 0 and text.startswith("\ufeff"):
            at = 1
        line = text[at:end].strip("\r\n")
        mark = _FENCE.match(line)
        if comment:
            comment = "-->" not in line
        elif fence is not None:
            if mark and mark[1].startswith(fence) and not line.strip(" `~"):
                fence = None
        elif mark:
            fence = mark[1]
        elif found := _HEADING.fullmatch(line):
            yield Heading(at, end, len(found[1]), found[2].strip())
        else:
            opened = line.rfind("<!--")
            comment = opened >= 0 and "-->" not in line[opened:]
        at = end


def style_of(text: str) -> Style:
    """The style of a file's first version; of its unreleased changes where it has none."""
    bracket = False
    for one in headings(text):
        if found := _VERSION.match(one.words):
            return Style(min(one.level, 2), bool(found[1]), found[2])
        if found := _UNRELEASED.match(one.words):
            bracket = bool(found[1])
    return Style(bracket=True, prefix="") if bracket else Style()


def section_of(text: str, version: str) -> str | None:
    """The section of a file whose heading is about a version, or None.

    :returns: up to the next heading of its level, with newlines ``\\n``, the last one included.
    """
    wanted = re.compile(
        rf"(?:version[ \t]+|release[ \t]+)?\[?v?{re.escape(version[1:])}\]?(?=[\s(:,]|$)",
        re.IGNORECASE,
    )
    found: Heading | None = None
    end = len(text)
    for one in headings(text):
        if found is None:
            found = one if wanted.match(one.words) else None
        elif one.level <= found.level:
            end = one.start
            break
    if found is None:
        return None
    # What is no UTF-8 cannot be shown, nor kept in the store.
    whole = text[found.start : end].encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return whole.replace("\r\n", "\n").replace("\0", "\ufffd").strip("\n") + "\n"


def section(
    style: Style,
    version: str,
    day: str,
    *,
    note: str | None,
    tasks: Sequence[Mapping[str, Any]],
    commits: Sequence[Commit],
) -> str:
    """A version's section, with newlines ``\\n``, the last one included.

    :param version: with its ``v``.
    :param day: ``YYYY-MM-DD``.
    :param tasks: ``{id, title, type, role, parent_id}`` in order.
    :param commits: those that name none of the tasks.
    """
    name = style.prefix + version[1:]
    heading = f"{'#' * style.level} {f'[{name}]' if style.bracket else name} - {day}"
    blocks = [heading]
    if note:
        lines = [escaped(line) for line in re.split(r"\r\n|\r|\n", note.strip())]
        blocks.append("\n".join(lines))
    below = "#" * (style.level + 1)
    for roles, plain, kept in GROUPS:
        lines = list(_entries([task for task in tasks if task["role"] in roles]))
        if lines:
            blocks.append(f"{below} {kept if style.bracket else plain}\n\n" + "\n".join(lines))
    if commits:
        lines = [f"- {escaped(one.subject)} ({one.short})" for one in commits[:MOST_COMMITS]]
        if len(commits) > MOST_COMMITS:
            lines.append(f"- and {len(commits) - MOST_COMMITS} more")
        blocks.append(f"{below} {COMMITS}\n\n" + "\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def body_of(section: str) -> str:
    """A section without its heading."""
    return section.partition("\n")[2].strip("\n")


def inserted(content: bytes, section: str) -> bytes:
    """A file with a section added; not one byte of what it held is changed.

    The section stands above the other versions. Below a heading for what is unreleased it stands
    too, since that is what the version releases.
    """
    text = content.decode("utf-8", "surrogateescape")
    if not text.strip("\ufeff \t\r\n"):
        text = text or "# Changelog\n"
    newline = "\r\n" if "\r\n" in text else "\n"
    at = _place(text)
    before, after = text[:at], text[at:]
    gap_before = ""
    if before.strip("\ufeff \t\r\n"):
        ending = before.replace("\r\n", "\n")
        gap_before = "" if ending.endswith("\n\n") else "\n" if ending.endswith("\n") else "\n\n"
    gap_after = "\n" if after and not after.startswith(("\n", "\r\n")) else ""
    added = (gap_before + section + gap_after).replace("\n", newline)
    return (before + added + after).encode("utf-8", "surrogateescape")


def escaped(text: str) -> str:
    """A line of text that Markdown shows as it is."""
    line = re.sub(r" +", " ", _STEERING.sub(" ", text)).strip()
    line = re.sub(r"([\\`*\[\]<>|~&])", r"\\\1", line)
    # Inside of a word an underscore stands for itself.
    line = re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", line)
    line = re.sub(r"^([#+=-])", r"\\\1", line)
    return re.sub(r"^([0-9]+)([.)])(?=\s|$)", r"\1\\\2", line)


def _entries(tasks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """One line per task, epics first, each below its parent where that is listed too."""
    listed = {task["id"] for task in tasks}
    below: dict[str | None, list[Mapping[str, Any]]] = {}
    for task in sorted(tasks, key=lambda task: task["type"] != "epic"):
        parent = task["parent_id"] if task["parent_id"] in listed else None
        below.setdefault(parent, []).append(task)
    stack = [(task, 0) for task in reversed(below.get(None, []))]
    while stack:
        task, depth = stack.pop()
        yield f"{'  ' * depth}- {escaped(task['title'])} ({task['id']})"
        stack += [(child, depth + 1) for child in reversed(below.get(task["id"], []))]


def _place(text: str) -> int:
    """Where a section goes."""
    second: int | None = None
    for one in headings(text):
        if _UNRELEASED.match(one.words):
            return one.end
        if _VERSION.match(one.words):
            return one.start
        if second is None and one.level == 2:
            second = one.start
    return len(text) if second is None else second
