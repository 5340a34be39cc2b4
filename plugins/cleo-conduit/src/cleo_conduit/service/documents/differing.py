"""What lies between two texts: their unified diff, the sections and the tokens that changed."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

#: Texts of more lines are not compared.
MOST_LINES = 200_000
#: Pairs of lines that are compared where no line stands only once in both texts, and lines that are
#: looked through for such ones; with more, what is left is taken as replaced.
MOST_PAIRS = 250_000
MOST_LOOKED_AT = 10_000_000
#: Headings that a version names, and characters of each.
MOST_SECTIONS = 200
SECTION_LENGTH = 200
#: Unchanged lines around a change, as everywhere.
CONTEXT = 3

_HEADING = re.compile(r" {0,3}#{1,6}[ \t]")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")

#: Lines ``[a_from, a_to)`` of the old text became ``[b_from, b_to)`` of the new one.
Block = tuple[int, int, int, int]


class Difference(NamedTuple):
    """What became of a text.

    :ivar patch: unified diff; None where one of the two is no text, or of too many lines.
    :ivar sections: headings whose lines changed.
    """

    patch: str | None
    sections: list[str]
    added: int
    removed: int


def tokens_of(size: int) -> int:
    """How many tokens so many bytes are taken for."""
    return -(-size // 4)


def as_text(data: bytes) -> str | None:
    """The text that bytes are; None where they are none."""
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def difference(
    before: bytes, after: bytes, *, names: tuple[str, str], headings: bool
) -> Difference:
    """What lies between two contents.

    :param names: what the two are called in the patch.
    :param headings: whether lines that begin with ``#`` are headings.
    """
    long = max(one.count(b"\n") for one in (before, after)) > MOST_LINES
    old, new = (None, None) if long else (as_text(before), as_text(after))
    if old is None or new is None:
        return Difference(None, [], tokens_of(len(after)), tokens_of(len(before)))
    a, b = lines_of(old), lines_of(new)
    blocks = changed_blocks(a, b)
    return Difference(
        "".join(_patch(a, b, blocks, names)),
        _sections(a, b, blocks) if headings else [],
        _tokens(b[start:end] for _, _, start, end in blocks),
        _tokens(a[start:end] for start, end, _, _ in blocks),
    )


def lines_of(text: str) -> list[str]:
    """Lines with their ends; only a line feed ends one, as ``patch`` has it."""
    lines = [f"{line}\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def changed_blocks(a: Sequence[str], b: Sequence[str]) -> list[Block]:
    """The lines that differ, in order, never two blocks that touch.

    Lines that stand once in both texts hold the rest together; between them the texts are
    compared line by line, as long as that is not too much work.
    """
    found: list[Block] = []
    budget, unseen = MOST_PAIRS, MOST_LOOKED_AT
    waiting: list[Block] = [(0, len(a), 0, len(b))]
    while waiting:
        a_from, a_to, b_from, b_to = waiting.pop()
        while a_from < a_to and b_from < b_to and a[a_from] == b[b_from]:
            a_from, b_from = a_from + 1, b_from + 1
        while a_from < a_to and b_from < b_to and a[a_to - 1] == b[b_to - 1]:
            a_to, b_to = a_to - 1, b_to - 1
        if a_from == a_to or b_from == b_to:
            if a_from != a_to or b_from != b_to:
                found.append((a_from, a_to, b_from, b_to))
            continue
        unseen -= a_to - a_from + b_to - b_from
        anchors = _anchors(a[a_from:a_to], b[b_from:b_to]) if unseen > 0 else []
        if anchors:
            start_a, start_b = a_from, b_from
            for i, j in anchors:
                waiting.append((start_a, a_from + i, start_b, b_from + j))
                start_a, start_b = a_from + i + 1, b_from + j + 1
            waiting.append((start_a, a_to, start_b, b_to))
            continue
        pairs = (a_to - a_from) * (b_to - b_from)
        if pairs > budget:
            found.append((a_from, a_to, b_from, b_to))
            continue
        budget -= pairs
        found += _compared(a[a_from:a_to], b[b_from:b_to], a_from, b_from)
    return _joined(sorted(found))


def _anchors(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int]]:
    """Places of lines that stand once in each, as many as keep their order in both."""
    in_a, in_b = Counter(a), Counter(b)
    place = {line: j for j, line in enumerate(b) if in_b[line] == 1}
    pairs = [(i, place[line]) for i, line in enumerate(a) if in_a[line] == 1 and line in place]
    # The longest rising sequence: piles of which each shows its smallest top.
    tops: list[int] = []
    piles: list[int] = []
    under: list[int] = []
    for number, (_, j) in enumerate(pairs):
        pile = bisect_left(tops, j)
        under.append(piles[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [j]
        piles[pile : pile + 1] = [number]
    chain: list[tuple[int, int]] = []
    at = piles[-1] if piles else -1
    while at >= 0:
        chain.append(pairs[at])
        at = under[at]
    return chain[::-1]


def _compared(a: Sequence[str], b: Sequence[str], a_start: int, b_start: int) -> Iterator[Block]:
    from difflib import SequenceMatcher

    for tag, a_from, a_to, b_from, b_to in SequenceMatcher(None, a, b).get_opcodes():
        if tag != "equal":
            yield a_start + a_from, a_start + a_to, b_start + b_from, b_start + b_to


def _joined(blocks: Sequence[Block]) -> list[Block]:
    joined: list[Block] = []
    for a_from, a_to, b_from, b_to in blocks:
        if joined and joined[-1][1] == a_from and joined[-1][3] == b_from:
            joined[-1] = (joined[-1][0], a_to, joined[-1][2], b_to)
        else:
            joined.append((a_from, a_to, b_from, b_to))
    return joined


def _patch(
    a: Sequence[str], b: Sequence[str], blocks: Sequence[Block], names: tuple[str, str]
) -> Iterator[str]:
    if not blocks:
        return
    yield f"--- {names[0]}\n+++ {names[1]}\n"
    hunk: list[Block] = []
    for block in blocks:
        if hunk and block[0] - hunk[-1][1] > 2 * CONTEXT:
            yield from _hunk(a, b, hunk)
            hunk = []
        hunk.append(block)
    yield from _hunk(a, b, hunk)


def _hunk(a: Sequence[str], b: Sequence[str], blocks: Sequence[Block]) -> Iterator[str]:
    before = min(CONTEXT, blocks[0][0])
    after = min(CONTEXT, len(a) - blocks[-1][1])
    a_from, a_to = blocks[0][0] - before, blocks[-1][1] + after
    b_from, b_to = blocks[0][2] - before, blocks[-1][3] + after
    yield f"@@ -{_range(a_from, a_to)} +{_range(b_from, b_to)} @@\n"
    at = a_from
    for start, end, new_start, new_end in blocks:
        yield from _marked(" ", a[at:start])
        yield from _marked("-", a[start:end])
        yield from _marked("+", b[new_start:new_end])
        at = end
    yield from _marked(" ", a[at:a_to])


def _marked(mark: str, lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        yield mark + line
        if not line.endswith("\n"):
            yield "\n\\ No newline at end of file\n"


def _range(start: int, end: int) -> str:
    """Where lines stand, as unified diffs write it: an empty range names the line before it."""
    count = end - start
    if count == 1:
        return str(start + 1)
    return f"{start + 1 if count else start},{count}"


def _tokens(parts: Iterator[Sequence[str]]) -> int:
    return tokens_of(sum(len(line.encode()) for part in parts for line in part))


def _sections(a: Sequence[str], b: Sequence[str], blocks: Sequence[Block]) -> list[str]:
    """Headings above the lines that changed, each once: those of the new text, then of the old."""
    found: dict[str, None] = {}
    for lines, first in ((b, 2), (a, 0)):
        above = _headings(lines)
        for block in blocks:
            for heading in above[block[first] : block[first + 1]]:
                if heading:
                    found[heading] = None
    return list(found)[:MOST_SECTIONS]


def _headings(lines: Sequence[str]) -> list[str]:
    """The heading that each line stands under, itself if it is one; empty before the first."""
    above: list[str] = []
    current, fence = "", ""
    for line in lines:
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not line[mark.end() :].strip():
                fence = ""
        elif mark:
            fence = mark[1]
        else:
            heading = _HEADING.match(line)
            if heading:
                current = _title(line[heading.end() :]) or current
        above.append(current)
    return above


def _title(text: str) -> str:
    """The words of a heading, without the number signs that may close it."""
    words = text.strip()
    open_ = words.rstrip("#")
    if not open_ or open_[-1] in " \t":
        words = open_.rstrip()
    return words[:SECTION_LENGTH]
