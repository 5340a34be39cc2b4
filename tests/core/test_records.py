"""Records whose methods are shared: they behave like generated frozen dataclasses."""

from __future__ import annotations

import hashlib
from dataclasses import FrozenInstanceError, field, fields, replace
from typing import ClassVar

import pytest

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.hashing import sha256


@record
class Point(Declared):
    """A point."""

    x: int
    y: int = 2
    tags: list[str] = field(default_factory=list)
    OPTIONAL: ClassVar[tuple[str, ...]] = ("tags",)


@record
class Named(Point):
    """A point with a name."""

    name: str = "origin"


def test_a_record_takes_its_fields_by_place_and_by_name() -> None:
    made = Named(1, name="corner")
    assert vars(made) == {"x": 1, "y": 2, "tags": [], "name": "corner"}
    assert [one.name for one in fields(Named)] == ["x", "y", "tags", "name"]
    assert [one.name for one in fields(Point)] == ["x", "y", "tags"]
    assert replace(made, y=5) == Named(1, 5, name="corner") != made
    assert Point(1).tags is not Point(1).tags


def test_a_record_refuses_fields_that_it_lacks_has_twice_or_needs() -> None:
    for values, named in (((), {}), ((1,), {"x": 1}), ((1,), {"z": 1}), ((1, 2, [], 4), {})):
        with pytest.raises(TypeError, match="Point"):
            Point(*values, **named)  # type: ignore[arg-type] # what the type checker refuses too


def test_a_record_is_frozen() -> None:
    made = Point(1)
    with pytest.raises(FrozenInstanceError):
        made.x = 2  # type: ignore[misc] # what the type checker refuses too
    with pytest.raises(FrozenInstanceError):
        del made.x
    assert made.x == 1


def test_the_hash_without_openssl_is_sha256() -> None:
    for data in (b"", b"a", "é\0".encode() * 1000):
        assert sha256(data) == hashlib.sha256(data).hexdigest()
