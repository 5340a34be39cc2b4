"""The types of configuration values: what a file may hold and what a text means."""

from __future__ import annotations

from typing import Any

from cleo_core.api.specs import ConfigKey

_EXPECTED = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "duration": "a duration such as 30s, 15m, 24h or 7d",
    "list": 'a list of texts: a,b or ["a", "b"]',
}
_WORDS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}
#: Seconds; longer units first, because "ms" also ends in "s".
_UNITS = (("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400), ("w", 604800))
_INTEGERS = range(-(2**63), 2**63)


class WrongValueError(ValueError):
    """A value that its key does not take."""


def expected(key: ConfigKey) -> str:
    """What a key takes, in words."""
    if key.type == "enum":
        return f"one of {', '.join(key.choices or ())}"
    return _EXPECTED[key.type]


def from_file(key: ConfigKey, value: Any) -> Any:
    """The value that a JSON value means: a duration in seconds, everything else as it is.

    :raises WrongValueError: the key does not take it.
    """
    if value is None and key.default is None:
        return None
    if not _fits(key, value):
        raise WrongValueError(expected(key))
    if key.type == "duration":
        return _seconds(value) if isinstance(value, str) else value
    return list(value) if key.type == "list" else value


def from_text(key: ConfigKey, text: str) -> Any:
    """The JSON value that a text of the command line or the environment stands for.

    :raises WrongValueError: the key does not take it.
    """
    value = _parse(key, text)
    from_file(key, value)
    return value


def default(key: ConfigKey) -> Any:
    """The declared default, as :func:`from_file` gives values."""
    return from_file(key, list(key.default) if isinstance(key.default, tuple) else key.default)


def _fits(key: ConfigKey, value: Any) -> bool:
    match key.type:
        case "bool":
            return isinstance(value, bool)
        case "int":
            return type(value) is int and value in _INTEGERS
        case "float":
            return _is_number(value)
        case "duration":
            return isinstance(value, str) or (_is_number(value) and value >= 0)
        case "enum":
            return isinstance(value, str) and value in (key.choices or ())
        case "list":
            return isinstance(value, list) and all(_is_text(item) for item in value)
    return _is_text(value)


def _is_number(value: Any) -> bool:
    # The bounds leave out infinity and NaN.
    return type(value) in (int, float) and -1e300 < value < 1e300


def _is_text(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        # Bytes of the command line that are no UTF-8 arrive as lone surrogates.
        return False
    return True


def _parse(key: ConfigKey, text: str) -> Any:
    stripped = text.strip()
    match key.type:
        case "bool":
            return _WORDS.get(stripped.lower())
        case "int":
            return _number(stripped, int)
        case "float":
            return _number(stripped, float)
        case "duration":
            number = _number(stripped, float)
            return stripped if number is None else _whole(number)
        case "enum":
            return stripped
        case "list":
            return _items(stripped)
    return text


def _number(text: str, kind: type[int] | type[float]) -> int | float | None:
    # Python also takes 1_000 and digits of other scripts.
    if "_" in text or not text.isascii():
        return None
    try:
        return kind(text)
    except ValueError:
        return None


def _whole(number: float) -> int | float:
    return int(number) if number == number // 1 and abs(number) < 1e15 else number


def _seconds(text: str) -> int | float:
    stripped = text.strip()
    for unit, factor in _UNITS:
        if stripped.endswith(unit):
            number = _number(stripped[: -len(unit)], float)
            if number is not None and 0 <= number < 1e12:
                return _whole(number * factor)
    raise WrongValueError(_EXPECTED["duration"])


def _items(text: str) -> Any:
    if text.startswith("["):
        import json

        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return None
    return [item.strip() for item in text.split(",") if item.strip()]
