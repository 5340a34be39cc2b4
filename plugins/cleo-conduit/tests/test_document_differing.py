"""Unified diffs, and what they count."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleo_conduit.service.documents import differing
from cleo_conduit.service.documents.differing import difference, lines_of, tokens_of

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@\n")
_TEXTS = st.lists(
    st.sampled_from(("# A\n", "a\n", "b\n", "c\n", "\n", "\r", "é\u2028", "x", "--- y\n", "@@\n"))
).map("".join)


def difference_of(before: str, after: str, *, headings: bool = False) -> differing.Difference:
    return difference(before.encode(), after.encode(), names=("old", "new"), headings=headings)


def patched(before: str, patch: str) -> str:
    """What a unified diff makes of a text, read as strictly as ``patch`` would."""
    if not patch:
        return before
    a, out, at = lines_of(before), list[str](), 0
    lines = lines_of(patch)
    assert lines[:2] == ["--- old\n", "+++ new\n"]
    place = 2
    while place < len(lines):
        hunk = _HUNK.fullmatch(lines[place])
        assert hunk, lines[place]
        start, old, new_start, new = (
            int(hunk[1]),
            int(hunk[2] or 1),
            int(hunk[3]),
            int(hunk[4] or 1),
        )
        first = start - 1 if old else start
        out += a[at:first]
        assert len(out) == (new_start - 1 if new else new_start)
        at, place = first, place + 1
        while old or new:
            mark, line = lines[place][0], lines[place][1:]
            place += 1
            if place < len(lines) and lines[place].startswith("\\"):
                line, place = line.removesuffix("\n"), place + 1
            if mark != "+":
                assert a[at] == line
                at, old = at + 1, old - 1
            if mark != "-":
                out.append(line)
                new -= 1
    return "".join([*out, *a[at:]])


@settings(max_examples=100, deadline=None)
@given(before=_TEXTS, after=_TEXTS)
def test_a_patch_makes_the_new_text_of_the_old_one(before: str, after: str) -> None:
    found = difference_of(before, after)
    assert found.patch is not None
    assert patched(before, found.patch) == after
    assert (found.patch == "") is (before == after)
    assert found.added <= tokens_of(len(after.encode()))
    assert found.removed <= tokens_of(len(before.encode()))


def test_other_programs_can_apply_a_patch(tmp_path: Path) -> None:
    before = "".join(f"line {number}\n" for number in range(40)) + "end"
    after = before.replace("line 3\n", "").replace("line 30\n", "line 30\nmore\n") + " of it\n"
    (tmp_path / "text").write_text(before)
    patch = difference_of(before, after).patch
    assert patch is not None
    patch = patch.replace("--- old", "--- a/text").replace("+++ new", "+++ b/text")
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=patch.encode(), check=True)
    assert (tmp_path / "text").read_text() == after


def test_few_changes_in_a_long_text_are_a_short_patch() -> None:
    lines = [f"{number % 97} {number}\n" for number in range(50_000)]
    after = [*lines]
    after[3], after[25_000], after[-2] = "one\n", "two\n", "three\n"
    patch = difference_of("".join(lines), "".join(after)).patch
    assert patch is not None
    assert patch.count("@@ -") == 3
    assert len(patch) < 500


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["a\n", "b\n"] * 60_000, ["b\n", "b\n", "a\n"] * 40_000),
        ([f"{n}\n" for n in range(60_000)], [f"{n}\n" for n in reversed(range(60_000))]),
        (["a\n"] * 199_000, ["b\n"] * 190),
        (["a\n", "b\n", "c\n"] * 800, ["c\n", "a\n", "a\n"] * 66),
    ],
    ids=["two lines", "backwards", "nothing in common", "few against many"],
)
def test_hard_texts_take_no_long_time(before: list[str], after: list[str]) -> None:
    one, other = "".join(before), "".join(after)
    started = time.process_time()
    found = difference_of(one, other, headings=True)
    assert time.process_time() - started < 10
    assert found.patch
    assert found.added + found.removed > 0


def test_headings_are_named_whose_lines_changed() -> None:
    before = (
        "intro\n# One\n\na\n## Two ##\nb\n```sh\n# no heading\n```\n#hash\n# Three\nc\n# Four\nd\n"
    )
    after = before.replace("intro", "begin").replace("b\n", "bb\n").replace("# no ", "# still no ")
    assert difference_of(before, after, headings=True).sections == ["Two"]
    gone = after.replace("# Four\nd\n", "").replace("\na\n", "\na2\n")
    assert difference_of(after, gone, headings=True).sections == ["One", "Four"]
    assert difference_of(before, after).sections == []


def test_a_heading_may_be_closed_and_is_cut() -> None:
    lines = ["# C# #", "## a #b", "### ", "#", "#### " + "x" * 999 + " ####", "####### seven"]
    above = differing._headings([f"{line}\n" for line in lines])
    assert above == ["C#", "a #b", "a #b", "a #b", "x" * 200, "x" * 200]


def test_a_line_of_spaces_and_number_signs_takes_no_long_time() -> None:
    started = time.process_time()
    differing._headings(["# " + " " * 500_000 + "#" * 500_000 + " " * 500_000 + "x\n"])
    assert time.process_time() - started < 2


def test_texts_of_too_many_lines_are_not_compared() -> None:
    few, many = "a\n", "\n" * (differing.MOST_LINES + 1)
    for before, after in ((few, many), (many, few), (many, many + "x")):
        found = difference_of(before, after, headings=True)
        assert (found.patch, found.sections) == (None, [])
        assert (found.added, found.removed) == (tokens_of(len(after)), tokens_of(len(before)))
