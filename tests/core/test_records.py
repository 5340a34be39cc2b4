"""Records whose methods are shared: they behave like generated frozen dataclasses."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
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


def test_a_class_of_many_records_behaves_as_before() -> None:
    @record
    class Dot(Declared):
        x: int
        y: int = 2
        tags: list[str] = field(default_factory=list)

        def __post_init__(self) -> None:
            if not self.tags:
                object.__setattr__(self, "tags", [f"at {self.x}"])

    made = [Dot(number, y=3) for number in range(1000)]
    assert Dot.__init__ is not Point.__init__
    assert all(vars(one) == {"x": x, "y": 3, "tags": [f"at {x}"]} for x, one in enumerate(made))
    assert [one.name for one in fields(Dot)] == ["x", "y", "tags"]
    assert replace(made[7], x=8) == Dot(8, 3, ["at 7"]) != made[8]
    for values in ((), (1, 2, [], 4)):
        with pytest.raises(TypeError):
            Dot(*values)  # type: ignore[arg-type] # what the type checker refuses too
    with pytest.raises(FrozenInstanceError):
        made[0].x = 2  # type: ignore[misc] # what the type checker refuses too


def test_threads_that_ask_for_the_fields_at_once_get_the_same() -> None:
    for _ in range(20):

        @record
        class Dot(Declared):
            x: int
            tags: list[str] = field(default_factory=list)

        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(fields, [Dot] * 8))
        assert {tuple(one.name for one in names) for names in found} == {("x", "tags")}
        assert Dot(1).tags == []


def test_what_is_hidden_never_stands_in_a_repr() -> None:
    @record
    class Secret(Declared):
        name: str
        key: str = field(repr=False)

    @record
    class Named(Secret):
        more: int = 0

    assert repr(Secret("a", "hush")).endswith("Secret(name='a')")
    fields(Secret)
    assert repr(Named("a", "hush")).endswith("Named(name='a', more=0)")
