"""Frozen dataclasses that cost a tenth to make: for records that daily commands load."""

from __future__ import annotations

import re
from _thread import RLock
from collections.abc import Callable
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

from cleo_core.api.declared import PLAN, Declared

T = TypeVar("T", bound=Declared)

#: Where ``dataclasses`` looks for the fields of a class.
_FIELDS = "__dataclass_fields__"
#: Instances of a class after which generating its ``__init__`` pays.
_MANY = 500
_making = RLock()


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """Make a subclass of ``Declared`` a frozen dataclass, and generate nothing before it pays.

    Generating ``__init__`` and the two methods that refuse changes takes half a millisecond for
    each class, and taking its annotations apart another quarter. The methods are therefore shared;
    the fields are found when somebody asks for them, and a class of which there are many instances
    gets an ``__init__`` of its own.

    A field has a default, a ``default_factory`` or neither, and may be left out of the ``repr``.
    What else ``dataclasses`` knows is refused when the first instance is made.

    :returns: the class; ``dataclasses.fields`` and ``replace`` work on it, ``__post_init__`` is
        called.
    :raises TypeError: the class has methods that a record shares.
    """
    if own := vars(cls).keys() & {"__init__", "__setattr__", "__delattr__"}:
        raise TypeError(f"the record {cls.__name__} cannot have a {min(own)} of its own")
    for name, value in (
        ("__init__", _init),
        ("__setattr__", _refuse_change),
        ("__delattr__", _refuse_change),
        ("__replace__", _replaced),
        ("__match_args__", _MATCH_ARGS),
        ("__signature__", _SIGNATURE),
        (_FIELDS, _Unmade(cls)),
    ):
        setattr(cls, name, value)
    return cls


class _Asked:
    """Stands for what is worked out whenever somebody asks a class for it."""

    def __init__(self, find: Callable[[type], Any]) -> None:
        self._find = find

    def __get__(self, instance: object, owner: type) -> Any:
        return self._find(owner)


class _Unmade:
    """Stands for the fields of a class that is no dataclass yet, and makes it one when asked."""

    def __init__(self, cls: type) -> None:
        self._cls = cls

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        with _making:
            # Another thread may have been first, and defaults that are made are gone then.
            if vars(self._cls)[_FIELDS] is self:
                for name in vars(self._cls).keys() & {"__setattr__", "__delattr__"}:
                    # Only a class without them is made frozen, as its subclasses have to be.
                    delattr(self._cls, name)
                dataclass(init=False, eq=False, repr=False, frozen=True)(self._cls)
        return vars(self._cls)[_FIELDS]


class _Plan:
    """How instances of a class, and of its subclasses that declare no fields, are made.

    :ivar fields: name -> default of every field, ``MISSING`` where there is none.
    :ivar factories: name -> what makes a default.
    :ivar hidden: fields that never stand in a ``repr``.
    :ivar required: fields that have to be given.
    :ivar owner: the class.
    :ivar after: whether ``__post_init__`` is called.
    :ivar uses: instances made of it.
    """

    __slots__ = ("after", "factories", "fields", "hidden", "owner", "required", "uses")

    def __init__(self, kind: type) -> None:
        self.fields: dict[str, Any] = {}
        self.factories: dict[str, Any] = {}
        self.hidden: set[str] = set()
        self.uses = 0
        self.owner = kind
        self.after = hasattr(kind, "__post_init__")
        for base in reversed(kind.__mro__[1:]):
            if _FIELDS in vars(base):
                inherited = _plan_of(base)
                self.fields |= inherited.fields
                self.factories |= inherited.factories
                self.hidden |= inherited.hidden
        self._declare(kind)
        required = [
            name
            for name, default in self.fields.items()
            if default is MISSING and name not in self.factories
        ]
        if list(self.fields)[: len(required)] != required:
            raise TypeError(
                f"{kind.__name__}.{required[-1]} needs a default, for a field before it has one"
            )
        self.required = frozenset(required)

    def _declare(self, kind: type) -> None:
        """Add the fields of a class itself, which stays what it is: no dataclass, or one."""
        made = vars(kind)[_FIELDS]
        given = vars(kind) if isinstance(made, _Unmade) else made
        for name, annotation in kind.__annotations__.items():
            text = str(annotation)
            if text.partition("[")[0].rpartition(".")[2] == "ClassVar":
                continue
            default: Any = given.get(name, self.fields.get(name, MISSING))
            self.factories.pop(name, None)
            self.hidden.discard(name)
            plain = True
            if isinstance(default, Field):
                one = default
                default = one.default
                plain = one.init and one.compare and one.hash is None and one.kw_only is not True
                if one.default_factory is not MISSING:
                    self.factories[name] = one.default_factory
                if not one.repr:
                    self.hidden.add(name)
            if not plain or type(default).__hash__ is None or _special(text):
                raise TypeError(
                    f"{kind.__name__}.{name}: a record takes its fields by place and by name, with"
                    " a default that cannot change, a default_factory or neither, and of field()"
                    " else only repr; dataclasses.dataclass knows more"
                )
            self.fields[name] = default


def _special(annotation: str) -> bool:
    """Whether something else than a field may be meant."""
    return ("Var" in annotation or "KW_" in annotation) and bool(
        re.search(r"\b(ClassVar|InitVar)\b|KW_ONLY", annotation)
    )


def _plan_of(kind: type) -> _Plan:
    plan: _Plan | None = vars(kind).get(PLAN)
    if plan is None:
        with _making:  # for a class that another thread makes a dataclass loses its defaults
            owner = next(base for base in kind.__mro__ if _FIELDS in vars(base))
            plan = _Plan(kind) if owner is kind else _plan_of(owner)
            for base in kind.__mro__:
                for name in plan.fields.keys() & vars(base).keys():
                    if hasattr(vars(base)[name], "__set__"):
                        raise TypeError(
                            f"{kind.__name__}.{name} is no field: it computes its value"
                        )
            setattr(kind, PLAN, plan)
    return plan


def _init(self: Declared, /, *values: Any, **named: Any) -> None:
    plan = _plan_of(type(self))
    given = dict(zip(plan.fields, values, strict=False), **named)
    state = plan.fields | given
    if (
        len(given) != len(values) + len(named)
        or len(state) != len(plan.fields)
        or not plan.required <= given.keys()
    ):
        _generated(plan.owner).__init__(self, *values, **named)  # it says what is wrong
        return
    plan.uses += 1
    if plan.uses >= _MANY and vars(plan.owner).get("__init__") is _init:
        plan.owner.__init__ = _generated(plan.owner).__init__  # type: ignore[misc] # the same, quicker
    for name, factory in plan.factories.items():
        if name not in given:
            state[name] = factory()
    vars(self).update(state)
    if plan.after:
        self.__post_init__()  # type: ignore[attr-defined] # the class has it


def _generated(kind: type) -> Any:
    """A class with the ``__init__`` that ``dataclasses`` writes for another."""
    after = getattr(kind, "__post_init__", None)
    return make_dataclass(
        kind.__name__,
        [
            (one.name, one.type, field(default=one.default, default_factory=one.default_factory))
            for one in fields(kind)
        ],
        namespace={"__post_init__": after} if after is not None else {},
        frozen=True,
        eq=False,
        repr=False,
    )


def _signature(kind: type) -> Any:
    if kind.__init__ is not _init:  # type: ignore[misc] # that of a subclass counts
        raise AttributeError("__signature__")
    import inspect

    return inspect.signature(_generated(kind))


_MATCH_ARGS = _Asked(lambda kind: tuple(one.name for one in fields(kind)))
_SIGNATURE = _Asked(_signature)


def _refuse_change(self: Declared, name: str, *value: Any) -> NoReturn:
    raise FrozenInstanceError(f"cannot change field {name!r}")


def _replaced(self: Declared, /, **changes: Any) -> Declared:
    return replace(self, **changes)  # type: ignore[type-var] # every record is a dataclass
