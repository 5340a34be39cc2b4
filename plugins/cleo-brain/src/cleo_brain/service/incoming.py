"""Drafts made of what other programs remember: every value is checked, none is trusted."""

from __future__ import annotations

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
from cleo_brain.service import deriving, fields, source_values
from cleo_brain.service.classify import observation_type
from cleo_brain.service.private import Stripper
from cleo_brain.service.writing import Draft
from cleo_core import clock
from cleo_core.errors import ValidationError, shortened

if TYPE_CHECKING:
    from cleo_brain.importers.item import Item

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
        metadata = {
            **metadata,
            "import": {**source_values.mapping(metadata.get("import")), **unknown},
        }
    source_values.check_metadata(metadata)
    own, confidence = _columns(item.kind, columns, typed)
    given_id = source_values.kept_id(item.kind, strip(item.id))
    if given_id is not None:
        own["id"] = given_id
    said = {"kind": item.kind, "values": values}
    origin = source_values.line(strip(item.origin), "origin") or "jsonl:" + source_values.digest(
        said
    )
    own["origin"] = origin
    at = source_values.time(strip(item.at), "the time")
    if item.kind == "learning" and typed["confirmed_at"] is None:
        typed["confirmed_at"] = at or own.get("created_at") or clock.now()
    links = [source_values.link(one) for one in source_values.listed(strip(item.links), "links")]
    source_thread = thread or source_values.line(strip(item.thread), "thread")
    return Incoming(
        where=item.where,
        origin=origin,
        id=given_id or source_values.line(strip(item.id), "id"),
        draft=Draft(
            kind=item.kind,
            typed=typed,
            source_confidence=confidence,
            valid_at=at,
            thread=source_thread if item.kind == "observation" or not thread else None,
            agent=source_values.line(strip(item.agent), "agent"),
            tags=source_values.tags(strip(item.tags), tags),
            tasks=links,
            metadata=metadata,
            columns=own,
            private_spans=strip.spans,
            force=item.forced,
        ),
        edges=[source_values.edge(one) for one in source_values.listed(strip(item.edges), "edges")],
        summary=source_values.line(columns.get("summary_id"), "summaryId"),
        unknown=[shortened(name) for name in unknown],
    )


def _decision(values: dict[str, Any], unknown: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": source_values.word(values, "type", DECISION_TYPE, "technical", unknown),
        "decision": fields.text(source_values.given(values, "decision"), "decision"),
        "rationale": fields.text(values.get("rationale") or "not given", "rationale"),
        "confidence": source_values.word(values, "confidence", CONFIDENCE, "medium", unknown),
        "outcome": source_values.word(values, "outcome", OUTCOME, None, unknown),
        "alternatives_json": source_values.items(values, "alternatives", unknown),
        **{
            name: source_values.line(values.get(name), name)
            for name in ("context_epic_id", "context_task_id", "context_phase", "adr_id")
        },
        "adr_path": source_values.line(values.get("adr_path"), "adr_path"),
        "confirmation_state": source_values.word(
            values, "confirmation_state", CONFIRMATION_STATE, "accepted", unknown
        ),
        "decided_by": source_values.word(values, "decided_by", DECIDED_BY, "agent", unknown),
    }


def _pattern(values: dict[str, Any], unknown: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": source_values.word(values, "type", PATTERN_TYPE, "recurring", unknown),
        "pattern": fields.text(source_values.given(values, "pattern"), "pattern"),
        "context": fields.text(values.get("context") or "not given", "context"),
        "frequency": source_values.whole(values, "frequency", 1, unknown) or 1,
        "success_rate": source_values.share(values, "success_rate", unknown),
        "impact": source_values.word(values, "impact", IMPACT, None, unknown),
        "anti_pattern": source_values.optional(values, "anti_pattern"),
        "mitigation": source_values.optional(values, "mitigation"),
        "examples_json": source_values.items(values, "examples", unknown),
    }


def _learning(values: dict[str, Any], unknown: dict[str, Any]) -> dict[str, Any]:
    confidence = source_values.share(values, "confidence", unknown)
    return {
        "insight": fields.text(source_values.given(values, "insight"), "insight"),
        "source": fields.text(values.get("source") or "import", "source"),
        "confidence": 0.5 if confidence is None else confidence,
        "actionable": values.get("actionable") in (True, 1),
        "application": source_values.optional(values, "application"),
        "applicable_types_json": source_values.items(values, "applicable_types", unknown),
        "confirmed_at": source_values.time(values.get("confirmed_at"), "confirmedAt"),
    }


def _observation(values: dict[str, Any], unknown: dict[str, Any]) -> dict[str, Any]:
    narrative = fields.text(source_values.given(values, "narrative"), "text")
    title = fields.optional(values.get("title"), "title", fields.BODY_LENGTH)
    derived = title is None or values.get("title_derived") in (True, 1)
    if derived:
        title = deriving.cut_title(narrative)
    elif title is not None and len(title) > fields.TITLE_LENGTH:
        unknown["title"] = title
        title = deriving.cut_title(title, fields.TITLE_LENGTH)
    subtitle = source_values.optional(values, "subtitle")
    if subtitle is not None and len(subtitle) > fields.TITLE_LENGTH:
        unknown["subtitle"] = subtitle
        subtitle = deriving.cut_title(subtitle, fields.TITLE_LENGTH)
    assert title is not None
    type_ = source_values.word(values, "type", OBSERVATION_TYPE, None, unknown)
    return {
        "type": type_ or observation_type("" if derived else title, narrative),
        "subtitle": subtitle,
        "title_derived": derived,
        "title": title,
        "narrative": narrative,
        "facts_json": source_values.items(values, "facts", unknown),
        "concepts_json": source_values.items(values, "concepts", unknown),
        "files_read_json": source_values.items(values, "files_read", unknown),
        "files_modified_json": source_values.items(values, "files_modified", unknown),
        "project": source_values.line(values.get("project"), "project"),
        "source_session_id": source_values.line(values.get("source_session_id"), "sourceSessionId"),
        "source_type": source_values.word(values, "source_type", SOURCE_TYPE, "jsonl", unknown),
        "discovery_tokens": source_values.whole(values, "discovery_tokens", 0, unknown),
        "attachments_json": source_values.items(values, "attachments", unknown),
    }


def _sticky(values: dict[str, Any], unknown: dict[str, Any]) -> dict[str, Any]:
    status = source_values.word(values, "status", STICKY_STATUS, "active", unknown)
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
        "content": fields.text(source_values.given(values, "content"), "content"),
        "status": status,
        "color": source_values.word(values, "color", STICKY_COLOR, "yellow", unknown),
        "priority": source_values.word(values, "priority", STICKY_PRIORITY, "medium", unknown),
        "converted_to": target if status == "converted" else None,
        "expires_at": source_values.time(values.get("expires_at"), "expiresAt"),
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
    if not given and kind != "sticky":
        return {}, "agent"
    found: dict[str, Any] = {}
    for name in ("created_at", "updated_at", "last_seen_at", "last_used_at", "tier_changed_at"):
        time = source_values.time(given.get(name), name)
        if time is not None:
            found[name] = time
    if "created_at" in found:
        found.setdefault("updated_at", found["created_at"])
        found.setdefault("last_seen_at", found["created_at"])
    if given.get("tier") in TIER:
        found["tier"] = given["tier"]
    if given.get("tier_reason"):
        found["tier_reason"] = source_values.line(given["tier_reason"], "tierReason")
    for name, least in (("uses", 0), ("seen", 1)):
        number = source_values.whole(given, name, least, {})
        if number is not None:
            found[name] = number
    word = given.get("source_confidence")
    confidence = word if word in SOURCE_CONFIDENCE else "agent"
    if "verified" in given:
        verified = given["verified"] in (True, 1)
        when = source_values.time(given.get("verified_at"), "verifiedAt") or found.get("created_at")
        found["verified"] = verified
        found["verified_at"] = (when or clock.now()) if verified else None
        by = source_values.line(given.get("verified_by"), "verifiedBy")
        found["verified_by"] = (by or "owner") if verified else None
    _set_invalid(kind, given, typed, found)
    return found, confidence


def _set_invalid(
    kind: str, given: Mapping[str, Any], typed: Mapping[str, Any], found: dict[str, Any]
) -> None:
    at, reason = (
        source_values.time(given.get("invalid_at"), "invalidAt"),
        given.get("invalid_reason"),
    )
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
