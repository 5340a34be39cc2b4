"""Conditions on branches: ``name == value`` and ``name != value``, joined by ``and``; no code."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.inputs import too_deep

#: Characters of a condition at most.
LONGEST_CONDITION = 2000
_COMPARED = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(==|!=)\s*", re.ASCII)
_AND = re.compile(r"\s+and\s+")


@record
class Comparison(Declared):
    """One comparison of a variable with a JSON value."""

    name: str
    equal: bool
    value: Any


class ConditionError(ValueError):
    """A text that is no condition; says why."""


def parse_condition(text: str) -> tuple[Comparison, ...]:
    """The comparisons of a condition, which must all hold.

    :raises ConditionError: it is none.
    """
    if len(text) > LONGEST_CONDITION:
        raise ConditionError(f"it is longer than {LONGEST_CONDITION} characters")
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    found: list[Comparison] = []
    at = 0
    while True:
        compared = _COMPARED.match(text, at)
        if compared is None:
            raise ConditionError(
                f"`name == value` or `name != value` is expected at character {at}"
            )
        try:
            value, at = decoder.raw_decode(text, compared.end())
        except (ValueError, RecursionError):
            raise ConditionError(
                f"a JSON value is expected at character {compared.end()}"
            ) from None
        if too_deep(value):
            raise ConditionError("its value is nested too deep")
        found.append(Comparison(compared[1], compared[2] == "==", value))
        if not text[at:].strip():
            return tuple(found)
        joined = _AND.match(text, at)
        if joined is None:
            raise ConditionError(f"`and` or the end is expected at character {at}")
        at = joined.end()


def evaluate(condition: str, variables: Mapping[str, Any]) -> bool:
    """Whether a condition holds for an instance's variables; one without a value is ``null``.

    :raises ConditionError: it is none.
    """
    return all(
        same(variables.get(one.name), one.value) is one.equal for one in parse_condition(condition)
    )


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal: ``1`` and ``1.0`` are, ``1`` and ``true`` are not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _no_constant(word: str) -> Any:
    raise ValueError(word)
