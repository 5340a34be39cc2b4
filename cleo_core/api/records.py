"""Frozen dataclasses that cost a tenth to make: for records that daily commands load."""

from __future__ import annotations

from _thread import RLock
from collections.abc import Iterator
from dataclasses import (
    MISSING,
    Field,
    FrozenInstanceError,
    dataclass,
    field,
    fields,
    make_dataclass,
    replace,
)
from typing import Any, NoReturn, TypeVar, dataclass_transform

from cleo_core.api.declared import Declared

T = TypeVar("T", bound=Declared)

#: Where ``dataclasses`` looks for the fields of a class.
_FIELDS = "__dataclass_fields__"
#: Instances of a class after which generating its ``__init__`` pays.
_MANY = 200
_making = RLock()


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """Make a subclass of ``Declared`` a frozen dataclass, and generate nothing before it pays.

    Generating ``__init__`` and the two methods that refuse changes takes half a millisecond for
    each class, and taking its annotations apart another quarter. The methods are therefore shared;
    the fields are found when somebody asks for them, and a class of which there are many instances
    gets an ``__init__`` of its own.

    :returns: the class; ``dataclasses.fields`` and ``replace`` work on it, ``__post_init__`` is
        called.
    """
    for name, value in (
        ("__init__", _init),
        ("__setattr__", _refuse_change),
        ("__delattr__", _refuse_change),
        ("__replace__", _replaced),
        (_FIELDS, _Unmade(cls)),
    ):
        setattr(cls, name, value)
    return cls


class _Unmade:
    """Stands for the fields of a class that is no dataclass yet, and makes it one when asked."""

    def __init__(self, cls: type) -> None:
        self._cls = cls

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        with _making:
            # Another thread may have been first, and defaults that are made are gone then.
            if vars(self._cls)[_FIELDS] is self:
                dataclass(init=False, eq=False, repr=False)(self._cls)
        return vars(self._cls)[_FIELDS]


class _Plan:
    """How instances of one class are made.

    :ivar fields: name -> default and factory of every field.
    :ivar hidden: fields that never stand in a ``repr``.
    :ivar uses: instances made of it.
    """

    __slots__ = ("fields", "hidden", "uses")

    def __init__(self, kind: type) -> None:
        self.fields: dict[str, tuple[Any, Any]] = {}
        self.hidden: set[str] = set()
        self.uses = 0
        for base in reversed(kind.__mro__):
            made = vars(base).get(_FIELDS)
            if made is not None:
                for name, value in _declared_in(base, made):
                    self._take(name, value)

    def _take(self, name: str, value: Any) -> None:
        if isinstance(value, Field):
            self.fields[name] = (value.default, value.default_factory)
            if not value.repr:
                self.hidden.add(name)
        else:
            self.fields[name] = (value, MISSING)


def _declared_in(base: type, made: Any) -> Iterator[tuple[str, Any]]:
    """Name and default, or what ``field()`` gave, of a class's fields; it is not made a dataclass.

    :param made: what stands for its fields.
    """
    if not isinstance(made, _Unmade):
        yield from ((one.name, one) for one in fields(base))
        return
    for name, annotation in base.__annotations__.items():
        if not str(annotation).startswith("ClassVar"):
            yield name, vars(base).get(name, MISSING)


def _init(self: Declared, *values: Any, **named: Any) -> None:
    kind = type(self)
    plan = vars(kind).get("_plan")
    if plan is None:
        plan = _Plan(kind)
        kind._plan = plan  # type: ignore[attr-defined] # kept with the class, so made once
    plan.uses += 1
    if plan.uses > _MANY:
        kind.__init__ = _generated(kind, plan)  # type: ignore[method-assign] # the same, quicker
        kind.__init__(self, *values, **named)
        return
    if len(values) > len(plan.fields):
        raise TypeError(
            f"{kind.__name__}() takes {len(plan.fields)} values but {len(values)} were given"
        )
    given = dict(zip(plan.fields, values, strict=False))
    for name in named:
        if name in given:
            raise TypeError(f"{kind.__name__}() got multiple values for argument {name!r}")
        if name not in plan.fields:
            raise TypeError(f"{kind.__name__}() got an unexpected keyword argument {name!r}")
    given.update(named)
    state, missing = vars(self), []
    for name, (default, factory) in plan.fields.items():
        if name in given:
            state[name] = given[name]
        elif default is not MISSING:
            state[name] = default
        elif factory is not MISSING:
            state[name] = factory()
        else:
            missing.append(name)
    if missing:
        raise TypeError(f"{kind.__name__}() misses {', '.join(missing)}")
    if hasattr(kind, "__post_init__"):
        kind.__post_init__(self)


def _generated(kind: type, plan: _Plan) -> Any:
    """The ``__init__`` that ``dataclasses`` writes for a class."""
    listed: list[Any] = []
    for name, (default, factory) in plan.fields.items():
        if factory is not MISSING:
            listed.append((name, Any, field(default_factory=factory)))
        elif default is not MISSING:
            listed.append((name, Any, field(default=default)))
        else:
            listed.append((name, Any))
    after = getattr(kind, "__post_init__", None)
    made = make_dataclass(
        kind.__name__,
        listed,
        namespace={"__post_init__": after} if after is not None else {},
        frozen=True,
        eq=False,
        repr=False,
    )
    return vars(made)["__init__"]


def _refuse_change(self: Declared, name: str, *value: Any) -> NoReturn:
    raise FrozenInstanceError(f"cannot change field {name!r}")


def _replaced(self: Declared, **changes: Any) -> Declared:
    return replace(self, **changes)  # type: ignore[type-var] # every record is a dataclass
