"""Definitions as JSON: reading text, refusing what cannot be stored, the form that is stored."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from cleo_core.inputs import MOST_LEVELS
from cleo_nexus.definitions.records import Problem

#: Bytes of a definition's JSON at most.
MOST_BYTES = 1024 * 1024
#: Bits of a whole number at most; what is longer no other program reads.
_MOST_BITS = 1024

#: Where a value stands: the trail to what holds it, and its key or index there.
Trail = tuple[Any, "str | int"] | None


class NotJsonError(ValueError):
    """A text that is no JSON; says what and where."""


def loads(data: str | bytes) -> Any:
    """The value of a JSON text: UTF-8, no number beyond JSON's, no key twice in one object.

    :raises NotJsonError: it is none.
    """
    if len(data) > MOST_BYTES:
        raise NotJsonError(f"it is longer than {MOST_BYTES} bytes")
    try:
        text = data if isinstance(data, str) else bytes(data).decode("utf-8-sig")
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_once_each)
    except json.JSONDecodeError as error:
        raise NotJsonError(f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except UnicodeDecodeError as error:
        raise NotJsonError(f"byte {error.start} is no UTF-8") from None
    except RecursionError:
        raise NotJsonError(f"it is nested deeper than {MOST_LEVELS} levels") from None
    except NotJsonError:
        raise
    except ValueError:
        raise NotJsonError("it holds a number that is too long") from None


def stored(definition: Mapping[str, Any]) -> str:
    """The JSON text of a definition as it is stored: its fields in the order they came in."""
    return json.dumps(definition, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def canonical(definition: Mapping[str, Any]) -> str:
    """The JSON text that a definition's SHA-256 is taken of: its fields sorted."""
    return json.dumps(
        definition, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )


def unfit(value: Any) -> Problem | None:
    """The first thing in a value that JSON cannot say or that is too much to store."""
    pending: list[tuple[Any, Trail, int]] = [(value, None, 0)]
    budget = MOST_BYTES
    while pending:
        one, trail, depth = pending.pop()
        budget -= len(one) + 2 if isinstance(one, str) else 1
        if isinstance(one, (dict, list)):
            # Before they are looked at: the same list many times over is not many lists.
            budget -= len(one)
        if budget < 0:
            return Problem("TOO_LARGE", "$", f"A definition has at most {MOST_BYTES} bytes.")
        if depth > MOST_LEVELS:
            return Problem("TOO_LARGE", "$", f"It is nested deeper than {MOST_LEVELS} levels.")
        if isinstance(one, dict):
            for key, item in one.items():
                fault = _bad_text(key) if isinstance(key, str) else "is no text"
                if fault:
                    return Problem("BAD_TEXT", path_of(trail), f"A field's name {fault}.")
                pending.append((item, (trail, key), depth + 1))
        elif isinstance(one, list):
            pending.extend((item, (trail, at), depth + 1) for at, item in enumerate(one))
        else:
            fault, code = _bad_scalar(one)
            if fault:
                return Problem(code, path_of(trail), f"The value {fault}.")
    if len(canonical({"": value}).encode()) - len('{"":}') > MOST_BYTES:
        return Problem("TOO_LARGE", "$", f"A definition has at most {MOST_BYTES} bytes.")
    return None


def path_of(trail: Trail) -> str:
    """The JSON path that a trail stands for."""
    steps: list[str | int] = []
    while trail is not None:
        trail, step = trail
        steps.append(step)
    return "$" + "".join(step_of(step) for step in reversed(steps))


def step_of(key: str | int) -> str:
    """One step of a JSON path."""
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if key.isascii() and key.isidentifier() else f"[{json.dumps(key[:80])}]"


def _bad_scalar(value: Any) -> tuple[str | None, str]:
    if isinstance(value, str):
        return _bad_text(value), "BAD_TEXT"
    if isinstance(value, int):
        return ("is too large a number" if value.bit_length() > _MOST_BITS else None), "BAD_TYPE"
    if isinstance(value, float):
        return (None if math.isfinite(value) else "is no number of JSON"), "BAD_TYPE"
    return (None if value is None else "is nothing that JSON can say"), "BAD_TYPE"


def _bad_text(text: str) -> str | None:
    if "\0" in text:
        return "contains a NUL character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "contains half a surrogate pair"
    return None


def _no_constant(word: str) -> Any:
    raise NotJsonError(f"{word} is no number of JSON")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise NotJsonError(f"the field {json.dumps(key[:80])} stands twice in one object")
            seen.add(key)
    return found
