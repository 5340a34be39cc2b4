"""Records whose methods are shared: they behave like generated frozen dataclasses."""

from __future__ import annotations

import copy
import hashlib
import inspect
import pickle
import sys
import typing
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import (
    KW_ONLY,
    FrozenInstanceError,
    astuple,
    dataclass,
    field,
    fields,
    replace,
)
from typing import Any, ClassVar

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


def test_a_class_variable_is_no_field_however_it_is_spelled() -> None:
    @record
    class Dot(Declared):
        x: int
        LIMIT: typing.ClassVar[int] = 3
        OTHER: ClassVar = 4

    assert vars(Dot(1)) == {"x": 1}


def _odd(annotation: Any, **given: Any) -> type[Declared]:
    """A record whose second field is odd."""
    body = {"__annotations__": {"x": "int", "odd": annotation}, **given}
    return record(type("Odd", (Declared,), body))


@pytest.mark.parametrize(
    "make",
    [
        lambda: _odd("KW_ONLY"),
        lambda: _odd(KW_ONLY),
        lambda: _odd("InitVar[int]", odd=1),
        lambda: _odd("'ClassVar[int]'", odd=1),
        lambda: _odd("int", odd=field(default=1, init=False)),
        lambda: _odd("int", odd=field(default=1, kw_only=True)),
        lambda: _odd("int", odd=field(default=1, compare=False)),
        lambda: _odd("int", odd=field(default=1, hash=False)),
        lambda: _odd("list[int]", odd=[]),
        lambda: _odd("list[int]", odd=field(default=[])),
        lambda: _odd("int", x=1),
        lambda: type("Odd", (_odd("int"),), {"odd": property(lambda self: 1)}),
    ],
)
def test_what_a_record_cannot_have_is_refused_at_the_first_instance(
    make: Callable[[], Callable[..., object]],
) -> None:
    kind = make()
    for _ in range(2):
        with pytest.raises(TypeError, match=r"Odd\.odd\b"):
            kind(1, 2)


@pytest.mark.parametrize("name", ["__init__", "__setattr__", "__delattr__"])
def test_a_record_has_no_methods_of_its_own_for_those_that_are_shared(name: str) -> None:
    with pytest.raises(TypeError, match=name):
        record(type("Odd", (Declared,), {name: lambda self: None}))


def test_names_of_fields_are_free() -> None:
    @record
    class Odd(Declared):
        self: int
        _plan: int = 3

    assert vars(Odd(self=1)) == {"self": 1, "_plan": 3}


def test_records_without_fields_are_equal() -> None:
    @record
    class Nothing(Declared):
        pass

    assert {Nothing(), Nothing()} == {Nothing()}


def test_a_plain_subclass_behaves_the_same_however_many_there_are() -> None:
    @record
    class Dot(Declared):
        x: int
        y: int = 2

    class Square(Dot):
        def __init__(self, x: int) -> None:
            super().__init__(x, x)

        def __post_init__(self) -> None:
            raise AssertionError("the class with the fields has none")

    for _ in range(2):
        assert {(one.x, one.y) for one in map(Square, [7] * 1000)} == {(7, 7)}
        assert {one.y for one in map(Dot, range(1000))} == {2}


def test_fields_that_are_declared_again_are_those_of_dataclasses() -> None:
    @record
    class Base(Declared):
        x: float = 1
        tags: list[str] = field(default_factory=list)
        key: str = field(default="hush", repr=False)

    @record
    class Left(Base):
        x: int  # the default is the inherited one

    @record
    class Middle(Base):
        x: float = 2
        tags: Any = ()
        key: str = "open"

    @record
    class Bottom(Left, Middle):
        pass

    kinds: list[Any] = [Left, Middle, Bottom]  # the type checker wants x for two of them
    assert [repr(kind()).rpartition(".")[2] for kind in kinds] == [
        "Left(x=1, tags=[])",
        "Middle(x=2, tags=(), key='open')",
        "Bottom(x=1, tags=[])",
    ]
    for kind in kinds:
        made = kind()
        assert astuple(made) == tuple(
            one.default_factory() if callable(one.default_factory) else one.default
            for one in fields(kind)
        )


def test_a_frozen_dataclass_may_extend_a_record() -> None:
    @record
    class Secret(Declared):
        name: str
        key: str = field(repr=False)

    @dataclass(frozen=True)
    class Third(Secret):
        more: int = 0

    @record
    class Fourth(Third):
        most: int = 1

    assert repr(Third("a", "hush", 2)).endswith("Third(name='a', more=2)")
    made = Fourth("a", "hush")
    assert (made.more, made.most) == (0, 1)
    assert [one.name for one in fields(Fourth)] == ["name", "key", "more", "most"]
    assert "hush" not in repr(made)
    with pytest.raises(FrozenInstanceError):
        made.name = "b"  # type: ignore[misc] # what the type checker refuses too


def test_patterns_and_signatures_know_the_fields_of_a_class_and_of_its_subclass() -> None:
    @record
    class Dot(Declared):
        x: int
        y: int = 2

    @record
    class Named(Dot):
        name: str = "origin"

    fields(Dot)
    for _ in range(2):
        match Named(1):
            case Named(x, y, name):
                assert (x, y, name) == (1, 2, "origin")
        assert str(inspect.signature(Dot)) == "(x: 'int', y: 'int' = 2) -> None"
        assert list(inspect.signature(Named).parameters) == ["x", "y", "name"]
        list(map(Named, range(1000)))


def test_a_record_can_be_copied_and_pickled() -> None:
    made = Named(1, 5, ["a"])
    for copied in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert copied == made
        assert hash(copied) == hash(made)
        with pytest.raises(FrozenInstanceError):
            copied.x = 2  # type: ignore[misc] # what the type checker refuses too


def test_threads_that_make_the_first_instances_while_fields_are_asked_for() -> None:
    def make(kind: type[Declared]) -> str:
        return repr(kind(1))  # type: ignore[call-arg] # it is one of those below

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            for _ in range(300):

                @record
                class Dot(Declared):
                    x: int
                    key: str = field(default="hush", repr=False)
                    tags: list[str] = field(default_factory=list)

                asked = [pool.submit(call, Dot) for call in (fields, make, fields, make)]
                assert [one.result() for one in asked[1::2]] == [repr(Dot(1))] * 2
                assert "hush" not in repr(Dot(1))
    finally:
        sys.setswitchinterval(before)
