"""Patterns of paths: normal forms, which path fits, and whether two have a path in common."""

from __future__ import annotations

import itertools
import re
import time
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleo_conduit.globs import PatternError, beginning, fits, literal, normalized, overlap

OVERLAPS = [
    ("src/**", "src/a.py", True),
    ("src/*.py", "src/a*", True),
    ("a/*.py", "a/*.md", False),
    ("src/*", "src/a/b", False),
    ("src/**", "src", True),
    ("src/**", "srcs/a", False),
    ("**", "a/b/c", True),
    ("**/b", "b", True),
    ("**/b", "a/**", True),
    ("a/**/b", "a/b", True),
    ("a/**/b", "**/c/**", True),
    ("a/**/b", "a/**/c", False),
    ("*", "a/b", False),
    ("a?c", "abc", True),
    ("a?c", "a/c", False),
    ("[a-c]", "[c-e]", True),
    ("[a-c]", "[d-e]", False),
    ("[!a-c]", "b", False),
    ("[^a-c]", "d", True),
    ("[]a]", "]", True),
    ("[a-]", "-", True),
    ("[ -~]", "/", False),
    ("[a", "[a", True),
    ("[a", "a", False),
    (r"\*", "*", True),
    (r"\*", "a", False),
    ("a*b*c", "*x*", True),
    ("**a", "b/a", False),
    (".*", "*", True),
    ("ä*", "?ö", True),
]


@pytest.mark.guarantee(
    "conduit-24", "Whether two patterns overlap is decided for all paths at once, both ways round."
)
@pytest.mark.parametrize(("one", "other", "expected"), OVERLAPS)
def test_two_patterns_overlap_where_some_path_fits_both(
    one: str, other: str, expected: bool
) -> None:
    assert overlap(one, other) is expected
    assert overlap(other, one) is expected


NAMES = ["".join(name) for length in (1, 2) for name in itertools.product("abc", repeat=length)]
PATHS = "\n".join(
    "/".join(names) for n in (1, 2, 3, 4) for names in itertools.product(NAMES, repeat=n)
)
LONG = "\n".join("".join(name) for n in range(1, 8) for name in itertools.product("abc", repeat=n))

PIECES = {"a": "a", "b": "b", "*": "[^/\n]*", "?": "[^/\n]", "[ab]": "[ab]", "[!a]": "[^a/\n]"}


@cache
def those_that_fit(pattern: str, paths: str) -> frozenset[str]:
    """All of the paths that fit, found by a regular expression."""
    words = ""
    names = pattern.split("/")
    for place, name in enumerate(names):
        last = place == len(names) - 1
        if name == "**":
            # Whole names with their slashes; at the end the slash is in front.
            words = (
                f"{words.removesuffix('/')}(?:(?:^|/)[^/\n]+)*" if last else f"{words}(?:[^/\n]+/)*"
            )
            continue
        pieces = re.findall(r"\[[^]]*\]|.", name)
        words += "".join(PIECES[piece] for piece in pieces) + ("" if last else "/")
    return frozenset(
        found[0] for found in re.finditer(f"^{words}$", paths, re.MULTILINE) if found[0]
    )


def joined(names: list[list[str]]) -> str:
    return normalized("/".join("".join(name) for name in names))


patterns = (
    st.lists(
        st.one_of(
            st.just(["**"]), st.lists(st.sampled_from(sorted(PIECES)), min_size=1, max_size=2)
        ),
        min_size=1,
        max_size=3,
    )
    .filter(lambda names: sum(name != ["**"] for name in names) < 3)
    .map(joined)
)


@pytest.mark.guarantee(
    "conduit-24", "Two patterns overlap exactly when some path fits both, as counting them shows."
)
@given(patterns, patterns)
@settings(max_examples=60, deadline=None)
def test_overlap_is_what_counting_all_short_paths_finds(one: str, other: str) -> None:
    both = those_that_fit(one, PATHS) & those_that_fit(other, PATHS)
    assert overlap(one, other) is bool(both)
    assert overlap(other, one) is bool(both)


names_of_one = (
    st.lists(st.sampled_from(sorted(PIECES)), min_size=1, max_size=4)
    .map(lambda pieces: joined([pieces]))
    .filter(lambda name: name != "**")
)


@given(names_of_one, names_of_one)
@settings(max_examples=60, deadline=None)
def test_overlap_of_names_is_what_counting_all_short_names_finds(one: str, other: str) -> None:
    both = those_that_fit(one, LONG) & those_that_fit(other, LONG)
    assert overlap(one, other) is bool(both)


@given(patterns, st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map("/".join))
@settings(max_examples=60, deadline=None)
def test_a_path_fits_where_a_regular_expression_says_so(pattern: str, path: str) -> None:
    assert fits(path, pattern) is (path in those_that_fit(pattern, PATHS))


@given(st.text(alphabet="ab*?[]!^-\\.é\n", min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_the_pattern_of_a_path_fits_that_path_alone(name: str) -> None:
    path = f"x/{name}/y"
    if name in (".", ".."):
        return
    pattern = normalized(literal(path))
    assert fits(path, pattern)
    assert beginning(pattern) == (["x", name], "y")
    assert not fits(f"x/{name}a/y", pattern)


@given(st.text(alphabet="ab*?[]!^-:\\./", max_size=12), st.text(alphabet="ab*[]!-\\/", max_size=9))
@settings(max_examples=60, deadline=None)
def test_every_text_is_a_pattern_or_is_refused(text: str, other: str) -> None:
    found = []
    for one in (text, other):
        try:
            found.append(normalized(one))
        except PatternError:
            return
    assert [normalized(one) for one in found] == found
    assert overlap(found[0], found[0])
    assert overlap(*found) is overlap(found[1], found[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("src/", "src/**"),
        ("./src//a.py", "src/a.py"),
        (".", "**"),
        ("a/**/**/b", "a/**/b"),
        ("src/**/", "src/**"),
        ("a b/ü", "a b/ü"),
    ],
)
def test_a_pattern_has_one_form(text: str, expected: str) -> None:
    assert normalized(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/a",
        "..",
        "a/../b",
        r"a/\../b",
        "[.][.]/a",
        "[.]",
        "[z-a]",
        "a\\",
        "[[:alpha:]]",
    ],
)
def test_a_text_that_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(PatternError):
        normalized(text)


def test_no_two_patterns_take_long() -> None:
    hard = ["*a" * 512, "*b" * 512, "?*" * 512, "[" * 1024, "**/a*/" * 170 + "x", "a/" * 512 + "b"]
    hard.append("[" + "".join(chr(0x100 + 2 * n) for n in range(1000)) + "]*")
    hard.append("/".join(f"[{chr(0x100 + n)}-{chr(0x120 + n)}]" for n in range(170)))
    hard = [normalized(one) for one in hard]
    started = time.process_time()
    for one, other in itertools.combinations_with_replacement(hard, 2):
        overlap(one, other)
    assert time.process_time() - started < 2
