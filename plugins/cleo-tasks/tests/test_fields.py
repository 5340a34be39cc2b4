"""Values that many verbs take, by the rules that they share."""

from __future__ import annotations

from typing import Any

import pytest

from cleo_core import inputs
from cleo_core.errors import ValidationError
from cleo_tasks.service import fields


@pytest.mark.parametrize(
    ("given", "printable", "good"),
    [
        (" two words\n", False, True),
        ("x" * 20, False, True),
        ("no\u00a0break", False, True),
        ("no\u00a0break", True, False),
        ("bell\a", True, False),
        ("x" * 21, False, False),
        ("", False, False),
        (" \t", False, False),
        ("one\ntwo", False, False),
        ("one\rtwo", False, False),
        ("one\u2028two", False, False),
        ("a\0b", False, False),
        ("\ud800", False, False),
        (5, False, False),
        (None, False, False),
    ],
)
def test_a_line_is_one_line_of_bounded_length(given: Any, printable: bool, good: bool) -> None:
    def read() -> str:
        return inputs.line(given, "long_name", 20, fix="--long-name TEXT", printable=printable)

    if good:
        assert read() == given.strip()
        return
    with pytest.raises(ValidationError) as caught:
        read()
    assert "long name" in caught.value.message
    assert caught.value.exit == 6


@pytest.mark.parametrize(
    ("given", "stored"), [(None, None), (" because ", "because"), ("x" * 500, "x" * 500)]
)
def test_a_reason_is_trimmed_and_may_be_left_out(given: Any, stored: str | None) -> None:
    assert fields.reason(given) == stored


@pytest.mark.parametrize("given", ["", " ", "x" * 501, 5, "a\0", "\ud800"])
def test_a_reason_that_says_nothing_or_too_much_is_refused(given: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        fields.reason(given)
    assert caught.value.fix
