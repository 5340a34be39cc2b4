"""Conditions on branches compare, and do nothing else."""

from __future__ import annotations

import pytest

from cleo_nexus.definitions import ConditionError, evaluate, parse_condition


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ('size == "s"', True),
        ('size=="s"', True),
        ('size != "s"', False),
        ("urgent == true", False),
        ("urgent == 0", False),
        ("count == 1", True),
        ("count == 1.0", True),
        ("count == true", False),
        ('size == "s" and count != 2', True),
        ('size == "s" and count == 2', False),
        ('size == "a and b == 1"', False),
        ("nothing == null", True),
        ('list == ["a", {"b": 1}]', True),
        ("list == []", False),
        ("  urgent\t==\nfalse  ", True),
    ],
)
def test_conditions_compare_json_values(condition: str, holds: bool) -> None:
    values = {"size": "s", "urgent": False, "count": 1, "list": ["a", {"b": 1}]}
    assert evaluate(condition, values) is holds


@pytest.mark.parametrize(
    "text",
    [
        *("", "size", "size ==", "== 1", "size = 1", "size > 1", "size == s", "size == 'x'"),
        *("size == 1 and", "and size == 1", "size == 1 and and size == 2", "size == 1 size == 2"),
        *("size == NaN", "size == -Infinity", "size == 01", "size() == 1", "a.b == 1", "1 == size"),
        *("size == 1and b == 2", "size == 1 or b == 2", "not size == 1", "(size == 1)"),
        *("size == " + "[" * 1500, "size == " + "9" * 1990, "x" * 3000, "size == 1;import os"),
    ],
)
def test_everything_else_is_no_condition(text: str) -> None:
    if text.endswith("9" * 1990):
        assert parse_condition(text)
        return
    with pytest.raises(ConditionError):
        parse_condition(text)
