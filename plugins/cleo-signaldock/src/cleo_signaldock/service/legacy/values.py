"""Single values of the older file as they are stored today."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from cleo_core import clock
from cleo_core.inputs import MOST_LEVELS

#: Numbers from here on are milliseconds: as seconds they would be the year 5138.
_MILLISECONDS = 10**11
_LAST = 253_402_300_799
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_NAMESPACE = uuid.UUID("5c1f0b3e-6c1d-5f27-9a47-0c1e0d0c2a10")
_SURROGATES = re.compile("[\ud800-\udfff\0]")
_YES, _NO = ("1", "true", "yes", "t", "on"), ("0", "false", "no", "f", "off", "")
#: Columns of agents by what they hold.
_TIMES = frozenset(("created_at", "updated_at", "last_seen", "last_used_at", "installed_at"))
_FLAGS = frozenset(("is_active", "can_spawn", "requires_reauth"))
_NUMBERS = frozenset(
    ("messages_sent", "messages_received", "conversation_count", "orch_level", "version")
)
#: Columns of which the name says that they hold what nobody may read.
_SECRET = re.compile(r"secret|token|password|api_?key|private_?key|credential", re.IGNORECASE)


def text(value: Any) -> str | None:
    """Text that can be stored, or None; bytes are decoded, a NUL becomes U+FFFD."""
    if value is None:
        return None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return _SURROGATES.sub("\ufffd", str(value))


def word(value: Any) -> str | None:
    """Trimmed text, or None where nothing is left."""
    found = text(value)
    return (found.strip() or None) if found is not None else None


def time(value: Any) -> str | None:
    """A time as it is stored: of seconds, milliseconds or ISO text; None where it is none."""
    if isinstance(value, (str, bytes)):
        found = word(value) or ""
        try:
            value = float(found)
        except ValueError:
            try:
                value = clock.parse_time(found)
            except (ValueError, OverflowError):
                return None
            return _formatted(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        return None
    return _formatted(value / 1000 if abs(value) >= _MILLISECONDS else value)


def _formatted(seconds: float) -> str | None:
    return clock.format_time(seconds) if 0 < seconds <= _LAST else None


def first_time(*values: Any, default: str) -> str:
    """The first of several values that is a time."""
    for value in values:
        found = time(value)
        if found is not None:
            return found
    return default


def whole(value: Any, default: int = 0) -> int:
    """A number that is not negative."""
    try:
        found = int(value)
    except (TypeError, ValueError, OverflowError):
        return default
    return found if 0 <= found < 2**63 else default


def yes(value: Any, default: bool = False) -> int:
    """1 or 0 of a number or a word; the default where it is neither."""
    found = _flag(value)
    return int(default if found is None else found)


def _flag(value: Any) -> bool | None:
    if isinstance(value, (str, bytes)):
        given = (word(value) or "").lower()
        return True if given in _YES else False if given in _NO else None
    return None if value is None else bool(value)


def unread(row: Mapping[str, Any]) -> dict[str, Any]:
    """Column -> the value as text, of every value that is not what its column should hold."""
    found: dict[str, Any] = {}
    for column, value in row.items():
        if value is None:
            continue
        if column in _TIMES:
            readable = time(value) is not None
        elif column in _FLAGS:
            readable = _flag(value) is not None
        elif column in _NUMBERS:
            readable = whole(value, -1) >= 0
        elif isinstance(value, bytes) and not _SECRET.search(column):
            readable = value.decode("utf-8", "replace").encode("utf-8") == value
        else:
            continue
        if not readable:
            found[column] = value.hex() if isinstance(value, bytes) else text(value)
    return found


def parsed(value: Any) -> Any:
    """The value of JSON text, or None."""
    if isinstance(value, (str, bytes)):
        try:
            found = json.loads(value)
        except (ValueError, RecursionError):
            return None
        return clean(found) if _is_shallow(found, MOST_LEVELS) else None
    return None


def _is_shallow(value: Any, levels: int) -> bool:
    """Whether a value is nested so little that SQLite reads it too."""
    if levels == 0:
        return False
    if isinstance(value, dict):
        value = list(value.values())
    return not isinstance(value, list) or all(_is_shallow(one, levels - 1) for one in value)


def clean(value: Any) -> Any:
    """A value of JSON of which every text can be stored."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        return [clean(one) for one in value]
    if isinstance(value, dict):
        return {str(text(name)): clean(one) for name, one in value.items()}
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value


def mapping(value: Any) -> dict[str, Any] | None:
    """An object of JSON text, or None."""
    found = parsed(value)
    return found if isinstance(found, dict) else None


def listed(value: Any) -> list[Any] | None:
    """A list of JSON text, or None."""
    found = parsed(value)
    return found if isinstance(found, list) else None


def names(value: Any) -> list[str]:
    """Names in either encoding: a JSON list, or text with commas."""
    found = parsed(value)
    if isinstance(found, dict):
        return []
    given = found if isinstance(found, list) else (text(value) or "").split(",")
    trimmed = (word(one) for one in given if not isinstance(one, (dict, list)))
    return list(dict.fromkeys(one for one in trimmed if one))


def as_json(value: Any) -> str:
    """Text of a JSON value."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def id_of(kind: str, value: Any) -> str:
    """The UUID of a row: its own, or one that is always made of the same other id."""
    found = word(value) or ""
    lower = found.lower()
    if _UUID.match(lower):
        return lower
    return str(uuid.uuid5(_NAMESPACE, f"{kind}:{found}"))


def without_secrets(value: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """An object without the keys whose name says that nobody may read them, and their names."""
    secret = [name for name in value if _SECRET.search(name)]
    return {name: one for name, one in value.items() if name not in secret}, secret


def one_of(value: Any, known: Iterable[str]) -> str | None:
    """A word of an enum, or None."""
    found = (word(value) or "").lower()
    return found if found in known else None


def rest(
    row: Mapping[str, Any], used: Iterable[str], kept: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], list[str]]:
    """What of a row has no home today.

    :param used: columns that have one.
    :param kept: more that is kept with it.
    :returns: values for ``metadata.legacy``, and the columns that are left out as secrets.
    """
    homes = set(used)
    found: dict[str, Any] = {}
    secret: list[str] = []
    for name, value in row.items():
        if name in homes or value is None or value == "":
            continue
        if _SECRET.search(name):
            secret.append(name)
        elif isinstance(value, (int, float)):
            found[name] = clean(value)
        else:
            json_value = parsed(value)
            found[name] = text(value) if json_value is None else json_value
    return {**found, **(kept or {})}, secret


def with_legacy(metadata: Mapping[str, Any] | None, legacy: Mapping[str, Any]) -> str:
    """Metadata with what has no home below ``legacy``."""
    found = dict(metadata or {})
    if legacy:
        found["legacy"] = dict(legacy)
    return as_json(found)
