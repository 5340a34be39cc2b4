"""JSON lines: our own export, and plain lines ``{"text": …}``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from cleo_brain.enums import KIND
from cleo_brain.importers import files
from cleo_brain.importers.item import Item, left_over, unreadable
from cleo_core.errors import ValidationError, shortened

FORMAT = "cleo-brain"
VERSION = 1

#: Keys of an entry -> columns of ``brain_entries``.
COLUMNS = {
    "tier": "tier",
    "tierChangedAt": "tier_changed_at",
    "tierReason": "tier_reason",
    "verified": "verified",
    "verifiedBy": "verified_by",
    "verifiedAt": "verified_at",
    "sourceConfidence": "source_confidence",
    "uses": "uses",
    "lastUsedAt": "last_used_at",
    "seen": "seen",
    "lastSeenAt": "last_seen_at",
    "summaryId": "summary_id",
    "invalidAt": "invalid_at",
    "invalidReason": "invalid_reason",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
}
#: Kind -> keys of its table -> columns without ``_json``.
VALUES = {
    "decision": {
        **{name: name for name in ("type", "decision", "rationale", "confidence", "outcome")},
        "alternatives": "alternatives",
        "contextEpicId": "context_epic_id",
        "contextTaskId": "context_task_id",
        "contextPhase": "context_phase",
        "adrId": "adr_id",
        "adrPath": "adr_path",
        "confirmationState": "confirmation_state",
        "decidedBy": "decided_by",
    },
    "pattern": {
        **{name: name for name in ("type", "pattern", "context", "frequency", "impact")},
        "successRate": "success_rate",
        "antiPattern": "anti_pattern",
        "mitigation": "mitigation",
        "examples": "examples",
    },
    "learning": {
        **{name: name for name in ("insight", "source", "confidence", "actionable")},
        "application": "application",
        "applicableTypes": "applicable_types",
        "confirmedAt": "confirmed_at",
    },
    "observation": {
        **{name: name for name in ("type", "title", "subtitle", "narrative", "facts", "concepts")},
        "titleDerived": "title_derived",
        "filesRead": "files_read",
        "project": "project",
        "filesModified": "files_modified",
        "sourceSessionId": "source_session_id",
        "sourceType": "source_type",
        "discoveryTokens": "discovery_tokens",
        "attachments": "attachments",
    },
    "sticky": {
        **{name: name for name in ("content", "status", "color", "priority")},
        "convertedTo": "converted_to",
        "expiresAt": "expires_at",
    },
}
_OWN = ("id", "kind", "origin", "date", "thread", "agent", "tags", "links", "edges", "metadata")
#: Computed from the rest.
_COMPUTED = ("tokens", "quality", "score", "arms", "supersededBy", "contradicts")
_IGNORED = frozenset((*_OWN, *_COMPUTED, "effectiveConfidence", *COLUMNS))
_KNOWN = {kind: _IGNORED.union(keys) for kind, keys in VALUES.items()}
_PLAIN = {
    **{name: name for name in ("type", "title", "subtitle", "facts", "concepts", "project")},
    "filesRead": "files_read",
    "filesModified": "files_modified",
}
_PLAIN_KNOWN = frozenset(("text", "at", "date", "tags", "thread", "agent", "origin", *_PLAIN))


def read(path: str, project: str | None) -> Iterator[Item]:
    """The lines of a file, in its order.

    :raises ValidationError: it is an export of another format, or of a later version.
    """
    exported = False
    for number, line in files.lines(path):
        where = f"line {number}"
        if line is None:
            yield unreadable(where, "it is too long, or no UTF-8")
            continue
        if not line.strip():
            continue
        try:
            value = files.parsed(line)
        except ValueError as error:
            yield unreadable(where, f"it is no JSON: {getattr(error, 'msg', '') or error}")
            continue
        if not isinstance(value, dict):
            yield unreadable(where, "it is no object")
        elif "format" in value and number == 1:
            _check_header(path, value)
            exported = True
        else:
            item = _item(where, value, exported)
            if project is None or item.values.get("project") == project:
                yield item


def entry_item(where: str, entry: dict[str, Any]) -> Item:
    """The item of an entry as it is exported."""
    kind = entry.get("kind")
    if kind not in KIND:
        return unreadable(where, "its kind is none of " + ", ".join(KIND))
    return Item(
        where=where,
        kind=kind,
        values={ours: entry[key] for key, ours in VALUES[kind].items() if key in entry},
        origin=entry.get("origin"),
        id=entry.get("id"),
        at=entry.get("date"),
        thread=entry.get("thread"),
        agent=entry.get("agent"),
        tags=entry.get("tags") or (),
        columns={ours: entry[key] for key, ours in COLUMNS.items() if entry.get(key) is not None},
        links=entry.get("links") or (),
        edges=entry.get("edges") or (),
        metadata=entry.get("metadata") or {},
        unknown=left_over(entry, _KNOWN[kind]),
        forced=True,
    )


def _item(where: str, value: dict[str, Any], exported: bool) -> Item:
    if "kind" in value:
        item = entry_item(where, value)
        item.forced = exported
        return item
    if "text" not in value:
        return unreadable(where, 'it has neither "text" nor "kind"')
    origin = value.get("origin")
    if origin is None:
        said = [value["text"], value.get("title"), value.get("thread"), value.get("at")]
        digest = hashlib.sha256(json.dumps(said).encode()).hexdigest()
        origin = f"jsonl:{digest[:32]}"
    return Item(
        where=where,
        values={
            "narrative": value["text"],
            "source_type": "jsonl",
            **{ours: value[key] for key, ours in _PLAIN.items() if key in value},
        },
        origin=origin,
        at=value.get("at") or value.get("date"),
        thread=value.get("thread"),
        agent=value.get("agent"),
        tags=value.get("tags") or (),
        unknown={} if _PLAIN_KNOWN.issuperset(value) else left_over(value, _PLAIN_KNOWN),
    )


def _check_header(path: str, value: dict[str, Any]) -> None:
    if value.get("format") != FORMAT or value.get("version") != VERSION:
        raise ValidationError(
            f"{shortened(path)} is no export of version {VERSION} of {FORMAT}.",
            fix="cleo memory export FILE",
        )
