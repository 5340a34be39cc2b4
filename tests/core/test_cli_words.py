"""Numbers as people read them."""

from __future__ import annotations

import pytest

from cleo_core.cli.words import ago, counted, size


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (4_200_000, "4.2 MB"), (10**16, "10000.0 TB")],
)
def test_a_size_has_the_unit_that_it_is_read_in(number: int, words: str) -> None:
    assert size(number) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (7300, "2 hours ago"),
        (172_800, "2 days ago"),
    ],
)
def test_an_age_has_the_largest_unit_that_fits(seconds: float, words: str) -> None:
    assert ago(seconds) == words


def test_one_is_not_many() -> None:
    assert (counted(1, "set"), counted(0, "set")) == ("1 set", "0 sets")
