"""Values as other programs write them: read leniently, kept only as far as they can be stored."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from cleo_brain.enums import LINK_TYPE
from cleo_brain.ids import parse_id
from cleo_brain.service import fields
from cleo_core import clock
from cleo_core.errors import UsageError

#: Characters of what a source says under keys that have no column here.
MOST_UNKNOWN = 65_536
_LATEST = 253_402_300_799_999
_NO_TAG = re.compile(r"[\s,\x00-\x1f\x7f-\x9f]+")
_IDS = {
    "decision": re.compile(r"D\d{3,}|AGT-.+"),
    "pattern": re.compile(r"P-[0-9a-f]{8}|P\d{3,}"),
    "learning": re.compile(r"L-[0-9a-f]{8}|L\d{3,}"),
    "observation": re.compile(r"(?:O|CM)-.+"),
    "sticky": re.compile(r"SN-\d{3,}"),
}


def given(values: Mapping[str, Any], name: str) -> Any:
    """What stands there; an empty text for nothing."""
    value = values.get(name)
    return "" if value is None else value


def optional(values: Mapping[str, Any], name: str) -> str | None:
    """A text of any length, or None where it is blank."""
    return fields.optional(values.get(name), name, fields.BODY_LENGTH)


def line(value: Any, name: str) -> str | None:
    """A short text on one line; what is a number becomes text."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 2**63 else "number"
    found = fields.optional(value, name, fields.LINE_LENGTH)
    return None if found is None else " ".join(found.split())


def word(
    values: Mapping[str, Any],
    name: str,
    words: Sequence[str],
    default: Any,
    unknown: dict[str, Any],
) -> Any:
    """A word of an enum; another word is kept beside, and the default stands in."""
    value = values.get(name)
    if isinstance(value, str) and value in words:
        return value
    if value not in (None, ""):
        unknown.setdefault(name, value)
    return default


def whole(values: Mapping[str, Any], name: str, least: int, unknown: dict[str, Any]) -> int | None:
    """A whole number from a least one; anything else is kept beside."""
    value = values.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and least <= value < 2**53:
        return value
    if value is not None:
        unknown.setdefault(name, value)
    return None


def share(values: Mapping[str, Any], name: str, unknown: dict[str, Any]) -> float | None:
    """A number from 0 to 1; anything else is kept beside."""
    value = values.get(name)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    if value is not None:
        unknown.setdefault(name, value)
    return None


def items(values: Mapping[str, Any], name: str, unknown: dict[str, Any]) -> list[str]:
    """A list of texts; what is beyond the limit is kept beside."""
    value = values.get(name)
    if not value:
        return []
    found = [value] if isinstance(value, str) else listed(value, name)
    words = [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in found]
    if len(words) > fields.MOST_ITEMS:
        unknown[name] = words[fields.MOST_ITEMS :]
    return fields.items(words[: fields.MOST_ITEMS], name)


def listed(value: Any, name: str) -> list[Any]:
    """A list.

    :raises UsageError: it is none.
    """
    if not isinstance(value, (list, tuple)):
        raise UsageError(f"{name} is no list.", field=name)
    return list(value)


def mapping(value: Any) -> dict[str, Any]:
    """An object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def tags(value: Any, more: Sequence[str]) -> list[str]:
    """Tags, with what a tag cannot hold replaced."""
    if not value and not more:
        return []
    found = listed([value] if isinstance(value, str) else value or (), "tags")
    words = [fields.text(one, "tag") for one in found]
    made = [
        _NO_TAG.sub("-", word.strip().casefold()).strip("-")[: fields.TAG_LENGTH] for word in words
    ]
    return fields.tags(list(dict.fromkeys([*(one for one in made if one), *more])))


def time(value: Any, name: str) -> str | None:
    """A time as it is stored: of milliseconds, ISO-8601, or ``YYYY-MM-DD HH:MM:SS`` in UTC.

    :raises UsageError: it is none.
    """
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value[:20])
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if not 0 <= value <= _LATEST:
                raise ValueError
            return clock.format_time(value / 1000)
        if isinstance(value, str):
            found = clock.format_time(clock.parse_time(value.strip()))
            if len(found) == 24:
                return found
    except (ValueError, OverflowError, OSError):
        pass
    raise UsageError(f"{name} is not a time.", field=name)


def kept_id(kind: str, value: Any) -> str | None:
    """An id that can be kept; None where another is made."""
    if value is None:
        return None
    try:
        found = parse_id(value)
    except UsageError:
        return None
    if len(found) > 20 and found[:1] in "DPLS" and found[-1:].isdigit() and "-" not in found[1:3]:
        return None
    return found if _IDS[kind].fullmatch(found) else None


def link(value: Any) -> tuple[str, str]:
    """A link to a task as (task id, type).

    :raises UsageError: it is none.
    """
    task = value.get("taskId") if isinstance(value, dict) else None
    type_ = value.get("linkType") if isinstance(value, dict) else None
    if not isinstance(task, str) or not task or type_ not in LINK_TYPE:
        raise UsageError("a link has no task or an unknown type.", field="links")
    return line(task, "taskId") or "", type_


def edge(value: Any) -> dict[str, Any]:
    """An edge, its values checked.

    :raises UsageError: it is none.
    """
    from cleo_brain.enums import EDGE_TYPE

    if not isinstance(value, dict) or value.get("edgeType") not in EDGE_TYPE:
        raise UsageError("an edge has no known type.", field="edges")
    return {
        "type": value["edgeType"],
        "target": line(value.get("target"), "target"),
        "reason": fields.optional(value.get("reason"), "reason"),
        "agent": line(value.get("agent"), "agent"),
        "created_at": time(value.get("createdAt"), "createdAt"),
    }


def digest(value: Any) -> str:
    """What stands for a value in an origin."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def check_metadata(value: dict[str, Any]) -> None:
    """Refuse what is too much, or no text that can be stored.

    :raises UsageError: it is.
    """
    if not value:
        return
    text = json.dumps(value, ensure_ascii=False, default=str)
    if len(text) > MOST_UNKNOWN:
        raise UsageError("the unknown keys hold too much.", field="metadata")
    fields.text(text, "metadata", MOST_UNKNOWN)
