"""Values as callers give them: roles and overrides of capabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cleo_core import inputs
from cleo_core.errors import UsageError, ValidationError

ROLE_LENGTH = 100
WORD_LENGTH = 100
MOST_WORDS = 200
_FIX = 'an object: {"set": ["testing"]} or {"add": ["testing"], "remove": ["git"]}'


def role(value: Any) -> str | None:
    """The role that an agent has in this project, or None for none.

    :raises UsageError: it is no line of printable text.
    """
    if value is None:
        return None
    return inputs.as_filter(
        lambda given: inputs.line(
            given, "role", ROLE_LENGTH, fix="--role reviewer", printable=True
        ),
        value,
    )


def override(value: Any) -> dict[str, list[str]] | None:
    """What is changed of an agent's capabilities in this project, or None for nothing.

    A bare list is what they are set to.

    :raises ValidationError: it has another shape.
    """
    if value is None:
        return None
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        value = {"set": value}
    if not isinstance(value, Mapping) or not value:
        raise _shapeless()
    if value.keys() == {"set"}:
        return {"set": _words(value["set"])}
    if not value.keys() <= {"add", "remove"}:
        raise _shapeless()
    return {name: _words(value.get(name, ())) for name in ("add", "remove")}


def flag(value: Any, field: str) -> bool:
    """Yes or no.

    :raises UsageError: it is neither.
    """
    if not isinstance(value, bool):
        raise UsageError(f"{field} is true or false.", field=field)
    return value


def _words(value: Any) -> list[str]:
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise _shapeless()
    if len(value) > MOST_WORDS:
        raise ValidationError(
            f"The override has {len(value)} capabilities; at most {MOST_WORDS} are allowed.",
            fix=_FIX,
        )
    found = [inputs.line(one, "capability", WORD_LENGTH, fix=_FIX, printable=True) for one in value]
    return list(dict.fromkeys(found))


def _shapeless() -> ValidationError:
    return ValidationError(
        "The override of capabilities sets a list, or adds to and removes from the agent's own.",
        fix=_FIX,
        field="override",
    )
