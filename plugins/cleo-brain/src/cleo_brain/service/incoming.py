"""Drafts made of what other programs remember: every value is checked, none is trusted."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cleo_brain.enums import (
    CONFIDENCE,
    CONFIRMATION_STATE,
    DECIDED_BY,
    DECISION_TYPE,
    IMPACT,
    INVALID_REASON,
    LINK_TYPE,
    OBSERVATION_TYPE,
    OUTCOME,
    PATTERN_TYPE,
    SOURCE_CONFIDENCE,
    SOURCE_TYPE,
    STICKY_COLOR,
    STICKY_PRIORITY,
    STICKY_REASON,
    STICKY_STATUS,
    TIER,
)
from cleo_brain.ids import parse_id
from cleo_brain.service import deriving, fields
from cleo_brain.service.classify import observation_type
from cleo_brain.service.private import Stripper
from cleo_brain.service.writing import Draft
from cleo_core import clock
from cleo_core.errors import UsageError, ValidationError, shortened

if TYPE_CHECKING:
    from cleo_brain.importers.item import Item

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
_CONVERTED = re.compile(r"(task|decision|learning|observation):\S{1,200}")


class Incoming(NamedTuple):
    """A draft and what is done once all entries are there.

    :ivar id: its id in the source.
    :ivar origin: of the draft.
    """

    where: str
    origin: str
    id: str | None
    draft: Draft
    edges: list[dict[str, Any]]
    summary: str | None
    unknown: list[str]


def incoming(item: Item, thread: str | None, tags: Sequence[str]) -> Incoming:
    """The draft of an item.

    :param thread: the thread of all observations, if given.
    :param tags: given to every entry.
    :raises CleoError: a value cannot be stored; the message holds no private text.
    """
    strip = Stripper()
    values = strip(item.values)
    columns = strip(item.columns)
    unknown = strip(item.unknown)
    metadata = strip(item.metadata)
    if not isinstance(metadata, dict):
        raise ValidationError("metadata is no object.")
    typed = _TYPED[item.kind](values, unknown)
    if unknown:
        metadata = {**metadata, "import": {**_mapping(metadata.get("import")), **unknown}}
    _check_metadata(metadata)
    own, confidence = _columns(item.kind, columns, typed)
    given_id = _id(item.kind, strip(item.id))
    if given_id is not None:
        own["id"] = given_id
    said = {"kind": item.kind, "values": values}
    origin = _line(strip(item.origin), "origin") or "jsonl:" + _digest(said)
    own["origin"] = origin
    at = _time(strip(item.at), "the time")
    if item.kind == "learning" and typed["confirmed_at"] is None:
        typed["confirmed_at"] = at or own.get("created_at") or clock.now()
    links = [_link(one) for one in _list(strip(item.links), "links")]
    source_thread = thread or _line(strip(item.thread), "thread")
    return Incoming(
        where=item.where,
        origin=origin,
        id=given_id or _line(strip(item.id), "id"),
        draft=Draft(
            kind=item.kind,
            typed=typed,
            source_confidence=confidence,
            valid_at=at,
            thread=source_thread if item.kind == "observation" or not thread else None,
            agent=_line(strip(item.agent), "agent"),
            tags=_tags(strip(item.tags), tags),
            tasks=links,
            metadata=metadata,
            columns=own,
            private_spans=strip.spans,
            force=item.forced,
        ),
        edges=[_edge(one) for one in _list(strip(item.edges), "edges")],
        summary=_line(columns.get("summary_id"), "summaryId"),
        unknown=[shortened(name) for name in unknown],
    )


def _decision(values: dict[str, Any], unknown: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": _word(values, "type", DECISION_TYPE, "technical", unknown),
        "decision": fields.text(_given(values, "decision"), "decision"),
        "rationale": fields.text(values.get("rationale") or "not given", "rationale"),
        "confidence": _word(values, "confidence", CONFIDENCE, "medium", unknown),
        "outcome": _word(values, "outcome", OUTCOME, None, unknown),
        "alternatives_json": _items(values, "alternatives", unknown),
        **{
            name: _line(values.get(name), name)
            for name in ("context_epic_id", "context_task_id", "context_phase", "adr_id")
        },
        "adr_path": _line(values.get("adr_path"), "adr_path"),
        "confirmation_state": _word(
            values, "confirmation_state", CONFIRMATION_STATE, "accepted", unknown
        ),
        "decided_by": _word(values, "decided_by", DECIDED_BY, "agent", unknown),
    }


def _pattern(values: dict[str, Any], unknown: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": _word(values, "type", PATTERN_TYPE, "recurring", unknown),
        "pattern": fields.text(_given(values, "pattern"), "pattern"),
        "context": fields.text(values.get("context") or "not given", "context"),
        "frequency": _whole(values, "frequency", 1, unknown) or 1,
        "success_rate": _share(values, "success_rate", unknown),
        "impact": _word(values, "impact", IMPACT, None, unknown),
        "anti_pattern": _optional(values, "anti_pattern"),
        "mitigation": _optional(values, "mitigation"),
        "examples_json": _items(values, "examples", unknown),
    }


def _learning(values: dict[str, Any], unknown: dict[str, Any]) -> dict[str, Any]:
    confidence = _share(values, "confidence", unknown)
    return {
        "insight": fields.text(_given(values, "insight"), "insight"),
        "source": fields.text(values.get("source") or "import", "source"),
        "confidence": 0.5 if confidence is None else confidence,
        "actionable": values.get("actionable") in (True, 1),
        "application": _optional(values, "application"),
        "applicable_types_json": _items(values, "applicable_types", unknown),
        "confirmed_at": _time(values.get("confirmed_at"), "confirmedAt"),
    }


def _observation(values: dict[str, Any], unknown: dict[str, Any]) -> dict[str, Any]:
    narrative = fields.text(_given(values, "narrative"), "text")
    title = fields.optional(values.get("title"), "title", fields.BODY_LENGTH)
    derived = title is None or values.get("title_derived") in (True, 1)
    if derived:
        title = deriving.cut_title(narrative)
    elif title is not None and len(title) > fields.TITLE_LENGTH:
        unknown["title"] = title
        title = deriving.cut_title(title, fields.TITLE_LENGTH)
    subtitle = _optional(values, "subtitle")
    if subtitle is not None and len(subtitle) > fields.TITLE_LENGTH:
        unknown["subtitle"] = subtitle
        subtitle = deriving.cut_title(subtitle, fields.TITLE_LENGTH)
    assert title is not None
    type_ = _word(values, "type", OBSERVATION_TYPE, None, unknown)
    return {
        "type": type_ or observation_type("" if derived else title, narrative),
        "subtitle": subtitle,
        "title_derived": derived,
        "title": title,
        "narrative": narrative,
        "facts_json": _items(values, "facts", unknown),
        "concepts_json": _items(values, "concepts", unknown),
        "files_read_json": _items(values, "files_read", unknown),
        "files_modified_json": _items(values, "files_modified", unknown),
        "project": _line(values.get("project"), "project"),
        "source_session_id": _line(values.get("source_session_id"), "sourceSessionId"),
        "source_type": _word(values, "source_type", SOURCE_TYPE, "jsonl", unknown),
        "discovery_tokens": _whole(values, "discovery_tokens", 0, unknown),
        "attachments_json": _items(values, "attachments", unknown),
    }


def _sticky(values: dict[str, Any], unknown: dict[str, Any]) -> dict[str, Any]:
    status = _word(values, "status", STICKY_STATUS, "active", unknown)
    target = values.get("converted_to")
    if isinstance(target, str) and target.startswith("{"):
        # The TypeScript CLEO keeps {"type": …, "id": …}.
        try:
            loaded = json.loads(target)
            target = f"{loaded['type']}:{loaded['id']}"
        except (ValueError, KeyError, TypeError, RecursionError):
            target = None
    if not (isinstance(target, str) and _CONVERTED.fullmatch(target)):
        target = None
    if status == "converted" and target is None:
        status = "archived"
    return {
        "content": fields.text(_given(values, "content"), "content"),
        "status": status,
        "color": _word(values, "color", STICKY_COLOR, "yellow", unknown),
        "priority": _word(values, "priority", STICKY_PRIORITY, "medium", unknown),
        "converted_to": target if status == "converted" else None,
        "expires_at": _time(values.get("expires_at"), "expiresAt"),
    }


_TYPED = {
    "decision": _decision,
    "pattern": _pattern,
    "learning": _learning,
    "observation": _observation,
    "sticky": _sticky,
}


def _columns(
    kind: str, given: Mapping[str, Any], typed: Mapping[str, Any]
) -> tuple[dict[str, Any], str]:
    """Columns of ``brain_entries`` that follow from one another, and who vouches."""
    found: dict[str, Any] = {}
    for name in ("created_at", "updated_at", "last_seen_at", "last_used_at", "tier_changed_at"):
        time = _time(given.get(name), name)
        if time is not None:
            found[name] = time
    if "created_at" in found:
        found.setdefault("updated_at", found["created_at"])
        found.setdefault("last_seen_at", found["created_at"])
    if given.get("tier") in TIER:
        found["tier"] = given["tier"]
    if given.get("tier_reason"):
        found["tier_reason"] = _line(given["tier_reason"], "tierReason")
    for name, least in (("uses", 0), ("seen", 1)):
        number = _whole(given, name, least, {})
        if number is not None:
            found[name] = number
    word = given.get("source_confidence")
    confidence = word if word in SOURCE_CONFIDENCE else "agent"
    if "verified" in given:
        verified = given["verified"] in (True, 1)
        when = _time(given.get("verified_at"), "verifiedAt") or found.get("created_at")
        found["verified"] = verified
        found["verified_at"] = (when or clock.now()) if verified else None
        by = _line(given.get("verified_by"), "verifiedBy")
        found["verified_by"] = (by or "owner") if verified else None
    _set_invalid(kind, given, typed, found)
    return found, confidence


def _set_invalid(
    kind: str, given: Mapping[str, Any], typed: Mapping[str, Any], found: dict[str, Any]
) -> None:
    at, reason = _time(given.get("invalid_at"), "invalidAt"), given.get("invalid_reason")
    if kind == "sticky":
        if typed["status"] == "active":
            return
        at = at or found.get("updated_at") or clock.now()
        if typed["status"] == "converted":
            reason = "converted"
        elif reason not in ("archived", "expired"):
            reason = "archived"
    elif at is not None and (reason not in INVALID_REASON or reason in STICKY_REASON):
        reason = "evicted"
    if at is not None:
        found["invalid_at"], found["invalid_reason"] = at, reason


def _given(values: Mapping[str, Any], name: str) -> Any:
    value = values.get(name)
    return "" if value is None else value


def _optional(values: Mapping[str, Any], name: str) -> str | None:
    return fields.optional(values.get(name), name, fields.BODY_LENGTH)


def _line(value: Any, name: str) -> str | None:
    """A short text on one line; what is a number becomes text."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 2**63 else "number"
    found = fields.optional(value, name, fields.LINE_LENGTH)
    return None if found is None else " ".join(found.split())


def _word(
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


def _whole(values: Mapping[str, Any], name: str, least: int, unknown: dict[str, Any]) -> int | None:
    value = values.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and least <= value < 2**53:
        return value
    if value is not None:
        unknown.setdefault(name, value)
    return None


def _share(values: Mapping[str, Any], name: str, unknown: dict[str, Any]) -> float | None:
    value = values.get(name)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    if value is not None:
        unknown.setdefault(name, value)
    return None


def _items(values: Mapping[str, Any], name: str, unknown: dict[str, Any]) -> list[str]:
    """A list of texts; what is beyond the limit is kept beside."""
    value = values.get(name)
    if not value:
        return []
    listed = [value] if isinstance(value, str) else _list(value, name)
    words = [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in listed]
    if len(words) > fields.MOST_ITEMS:
        unknown[name] = words[fields.MOST_ITEMS :]
    return fields.items(words[: fields.MOST_ITEMS], name)


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise UsageError(f"{name} is no list.", field=name)
    return list(value)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _tags(value: Any, more: Sequence[str]) -> list[str]:
    """Tags, with what a tag cannot hold replaced."""
    listed = _list([value] if isinstance(value, str) else value or (), "tags")
    words = [fields.text(one, "tag") for one in listed]
    made = [
        _NO_TAG.sub("-", word.strip().casefold()).strip("-")[: fields.TAG_LENGTH] for word in words
    ]
    return fields.tags(list(dict.fromkeys([*(one for one in made if one), *more])))


def _time(value: Any, name: str) -> str | None:
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


def _id(kind: str, value: Any) -> str | None:
    """An id that can be kept; None where another is made."""
    try:
        found = parse_id(value)
    except UsageError:
        return None
    if len(found) > 20 and found[:1] in "DPLS" and found[-1:].isdigit() and "-" not in found[1:3]:
        return None
    return found if _IDS[kind].fullmatch(found) else None


def _link(value: Any) -> tuple[str, str]:
    task = value.get("taskId") if isinstance(value, dict) else None
    type_ = value.get("linkType") if isinstance(value, dict) else None
    if not isinstance(task, str) or not task or type_ not in LINK_TYPE:
        raise UsageError("a link has no task or an unknown type.", field="links")
    return _line(task, "taskId") or "", type_


def _edge(value: Any) -> dict[str, Any]:
    from cleo_brain.enums import EDGE_TYPE

    if not isinstance(value, dict) or value.get("edgeType") not in EDGE_TYPE:
        raise UsageError("an edge has no known type.", field="edges")
    return {
        "type": value["edgeType"],
        "target": _line(value.get("target"), "target"),
        "reason": fields.optional(value.get("reason"), "reason"),
        "agent": _line(value.get("agent"), "agent"),
        "created_at": _time(value.get("createdAt"), "createdAt"),
    }


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _check_metadata(value: dict[str, Any]) -> None:
    if not value:
        return
    text = json.dumps(value, ensure_ascii=False, default=str)
    if len(text) > MOST_UNKNOWN:
        raise UsageError("the unknown keys hold too much.", field="metadata")
    fields.text(text, "metadata", MOST_UNKNOWN)
