"""What the text of a decision says about itself."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleo_tasks.service.adr_text import RELATION_KEYS, outside_brackets, read_header

TITLE = "# ADR-007: Domains\n\n"


def codes(text: str) -> list[tuple[int, str]]:
    return [(one.line, one.code) for one in read_header(text).findings]


def names(text: str) -> list[tuple[str, bool, tuple[str, ...], tuple[str, ...]]]:
    return [(one.relation, one.backward, one.adrs, one.tasks) for one in read_header(text).names]


@pytest.mark.parametrize(
    ("text", "title", "line", "number"),
    [
        ("# ADR-007: Domains", "Domains", 1, 7),
        ("# adr 7 — Domains #\n", "Domains", 1, 7),
        ("\ufeff# ADR-007: Domains\r\n\r\n**Status**: accepted\r\n", "Domains", 1, 7),
        ("\n\n#   Domains   ##  ", "Domains", 3, None),
        ("ADR-007: Domains\n=====\n", "Domains", 1, 7),
        ("## ADR-007: Domains", "Domains", 1, 7),
        ("## Context\n\n# Domains", "Domains", 3, None),
        ("<!-- # Not this -->\n# Domains", "Domains", 2, None),
        ("```\n# Not this\n```\n# Domains", "Domains", 4, None),
        ("# ADR-007: C#\n", "C#", 1, 7),
        ("# 7 domains", "7 domains", 1, None),
        ("# ADR-1234567890123: Domains", "Domains", 1, -1),
        ("# ADR-007:\n", None, 1, 7),
        ("#\n", None, 1, None),
        ("#Domains\n", None, 1, None),
        ("    # Domains\n", None, 1, None),
        ("## Context\n", None, 1, None),
        ("text\n---\n", None, 1, None),
        ("", None, 1, None),
    ],
)
def test_the_title_is_the_first_heading(
    text: str, title: str | None, line: int, number: int | None
) -> None:
    found = read_header(text)
    assert (found.title, found.title_line, found.number) == (title, line, number)


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("**Date**: 2026-02-22", "date", "2026-02-22"),
        ("**Date**: 2026-03-06 (original) · 2026-05-20 (revision)", "date", "2026-03-06"),
        ("**date:** 2026-02-22  ", "date", "2026-02-22"),
        ("- **DATE** :2026-02-22\\", "date", "2026-02-22"),
        ("**Accepted**: 2026-02-25", "accepted_at", "2026-02-25"),
        ("**Status**: Accepted (revised 2026-05-20)", "status", "accepted"),
        ("**Status**: approved", "status", "accepted"),
        ("**Status**: `SUPERSEDED`", "status", "superseded"),
        ("**Gate**: hitl", "gate", "HITL"),
        ("**Gate-Status**: approved", "gate_status", "passed"),
        ("**gate_status**: passed (T5313 consensus)", "gate_status", "passed"),
        ("**Summary**: one (two), three", "summary", "one (two), three"),
        ("**Summary**: one\ntwo", "summary", "one two"),
        ("**Keywords**: a, b (c, d),, a", "keywords", ["a", "b (c, d)"]),
        ("**Topics**:\n- storage\n- naming\n", "topics", ["storage", "naming"]),
        ("**Topics**: a\n\n**Topics**: b", "topics", ["a", "b"]),
        ("**Consensus**: M-7 (agreed)", "consensus", "M-7"),
        ("**Accepted**:", "accepted_at", None),
        ("**Accepted**: none", "accepted_at", None),
    ],
)
def test_keys_are_read_in_any_spelling(line: str, field: str, value: Any) -> None:
    found = read_header(TITLE + line + "\n")
    assert getattr(found, field) == value
    assert found.findings == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("**Supersedes**: ADR-1, adr-02", ("supersedes", False, ("ADR-001", "ADR-002"), ())),
        (
            "**Superseded-By**: [ADR-024](ADR-099-x.md) (2026-03-05, ADR-098)",
            ("supersedes", True, ("ADR-024",), ()),
        ),
        ("**Amends**: ADR-006 Section 4 (not ADR-5)", ("amends", False, ("ADR-006",), ())),
        ("**Amended By**: ADR-010, ADR-010", ("amends", True, ("ADR-010",), ())),
        (
            "**Related ADRs**: ADR-006 (storage), T12",
            ("related", False, ("ADR-006",), ("T012",)),
        ),
        ("**Related Tasks**: T4628, T4554", ("related", False, (), ("T4628", "T4554"))),
        (
            "**Task**: T5577 (original) · T9783 (revision under T9782)",
            ("related", False, (), ("T5577", "T9783")),
        ),
        ("**Epic**: T5576", ("related", False, (), ("T5576",))),
        ("**Related ADRs**:\n* ADR-1\n* ADR-2", ("related", False, ("ADR-001", "ADR-002"), ())),
    ],
)
def test_keys_that_refer_name_decisions_and_tasks(line: str, expected: Any) -> None:
    assert names(TITLE + line) == [expected]
    assert codes(TITLE + line) == []


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("**Status**: agreed", [(3, "W_ADR_VALUE")]),
        ("**Date**: 2026-02-31", [(3, "W_ADR_VALUE")]),
        ("**Date**: yesterday", [(3, "W_ADR_VALUE")]),
        ("**Date**: ٢٠٢٦-٠١-٠١", [(3, "W_ADR_VALUE")]),
        ("**Status**: accepted\n**Gate**: both", [(4, "W_ADR_VALUE")]),
        ("**Status**: accepted\n**Deciders**: all", [(4, "W_ADR_KEY")]),
        ("**Status**: accepted\n**Status**: proposed", [(4, "W_ADR_KEY")]),
        ("**Supersedes**: the old way (T1)", [(3, "W_ADR_VALUE")]),
        ("**Consensus**: (later)", [(3, "W_ADR_VALUE")]),
        ("plain words", [(1, "W_ADR_HEADER")]),
        ("> **Status**: accepted", [(1, "W_ADR_HEADER")]),
        ("## Context\n**Status**: accepted", [(1, "W_ADR_HEADER")]),
        ("---\n**Status**: accepted", [(1, "W_ADR_HEADER")]),
    ],
)
def test_what_is_not_understood_is_found_with_its_line(
    header: str, expected: list[tuple[int, str]]
) -> None:
    found = read_header(TITLE + header)
    assert codes(TITLE + header) == expected
    assert found.status in ("proposed", "accepted")
    assert found.date is None


def test_the_first_of_two_values_counts() -> None:
    assert read_header(TITLE + "**Status**: accepted\n**Status**: proposed").status == "accepted"


def test_front_matter_is_passed_over_and_said() -> None:
    text = "---\nstatus: accepted\n---\n# Domains\n**Status**: accepted\n"
    found = read_header(text)
    assert (found.title, found.title_line, found.status) == ("Domains", 4, "accepted")
    assert codes(text) == [(1, "W_ADR_HEADER")]


def test_the_header_ends_at_the_first_rule_or_second_heading() -> None:
    for end in ("---", "-----", "## Context", "### Deep", "# Another", "Context\n======="):
        text = f"{TITLE}**Status**: accepted\n\n{end}\n\n**Gate**: HITL\n"
        assert (read_header(text).status, read_header(text).gate) == ("accepted", None), end


def test_comments_and_fences_are_no_header() -> None:
    text = (
        f"{TITLE}**Status**: accepted\n<!-- **Gate**: HITL\n**Gate Status**: passed -->\n"
        "```\n**Date**: 2026-01-01\n---\n```\n**Accepted**: 2026-02-25 <!-- late -->\n"
    )
    found = read_header(text)
    assert (found.status, found.gate, found.gate_status, found.date) == (
        *("accepted", None),
        *(None, None),
    )
    assert found.accepted_at == "2026-02-25"


@pytest.mark.parametrize("key", ["Status", "Date", "Summary", "Keywords", *RELATION_KEYS])
@settings(max_examples=15, deadline=None)
@given(value=st.text(max_size=60))
def test_any_value_can_be_read(key: str, value: str) -> None:
    read_header(f"{TITLE}**{key}**: {value}")


@settings(max_examples=150, deadline=None)
@given(text=st.text(alphabet="# -*:=`~<!>()[]ADRT0123\n\r\tab\ufeff", max_size=120))
def test_any_text_can_be_read(text: str) -> None:
    found = read_header(text)
    assert found.title is None or found.title.strip()
    assert all(1 <= one.line <= text.count("\n") + text.count("\r") + 1 for one in found.findings)


@pytest.mark.parametrize(
    "line",
    [
        "#" + " " * 300_000 + "x",
        "# T" + " #" * 300_000 + "x",
        "**" + " " * 300_000,
        "**Keywords**: " + "a,(" * 300_000,
        "<!---->" * 100_000,
        "**Summary**: x\n" + "y\n" * 50_000,
        "**Related ADRs**: " + "ADR-1 " * 100_000,
        "=" * 300_000 + "x",
        "-" * 300_000 + "x",
        "`" * 300_000,
    ],
)
def test_a_long_line_takes_time_in_proportion(line: str) -> None:
    started = time.process_time()
    read_header(TITLE + line)
    assert time.process_time() - started < 5


@settings(max_examples=100, deadline=None)
@given(text=st.text(alphabet="a()", max_size=30))
def test_round_brackets_may_be_nested_or_left_open(text: str) -> None:
    kept = outside_brackets(text)
    assert "(" not in kept
    assert kept.count("a") <= text.count("a")
    if "(" not in text:
        assert kept == text
