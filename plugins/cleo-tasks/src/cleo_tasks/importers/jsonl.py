"""CLEO's own form of tasks as JSON lines, which ``cleo export`` writes.

A header line, one line per task in the order of their numbers, one per phase, and an end line with
counts and the SHA-256 of all before it. Tasks keep their ids, versions and times.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from cleo_tasks import enums
from cleo_tasks.ids import task_id
from cleo_tasks.importers import mapping
from cleo_tasks.importers.row import DEPENDENCY, PARENT, RELATION, Edge, Gate, Link, Row
from cleo_tasks.importers.source import Item, MalformedError, Source, parse_line
from cleo_tasks.service.fields import SLUG

FORMAT = "a CLEO export"
FIX = "cleo export --output FILE"
STRIPS = True
DERIVED = ()
SAYS = enums.TASK_STATUS
NAME = "cleo.tasks"
VERSION = 1

#: Bytes of one task's line; our own tasks may be longer than what is taken from others.
LONGEST_ROW = 64 * 1024 * 1024

#: A number beyond these would leave too few for the tasks that come after.
_MOST_DIGITS = 9

#: Fields that are words of an enum: key -> (column, words, whether it may be absent).
_WORDS: dict[str, tuple[str, Sequence[str], bool]] = {
    "status": ("status", enums.TASK_STATUS, False),
    "priority": ("priority", enums.TASK_PRIORITY, False),
    "type": ("type", enums.TASK_TYPE, False),
    "role": ("role", enums.TASK_ROLE, False),
    "scope": ("scope", enums.TASK_SCOPE, False),
    "pipelineStage": ("pipeline_stage", enums.PIPELINE_STAGE, False),
    "severity": ("severity", enums.SEVERITY, True),
    "size": ("size", enums.SIZE, True),
    "archiveReason": ("archive_reason", enums.ARCHIVE_REASON, True),
    "archivedFrom": ("archived_from", enums.ARCHIVED_FROM, True),
}
_TEXTS = {
    "description": "description",
    "blockedReason": "blocked_reason",
    "assignee": "assignee",
    "createdBy": "created_by",
    "modifiedBy": "modified_by",
    "cancellationReason": "cancellation_reason",
}
_TIMES = {
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "claimedAt": "claimed_at",
    "startedAt": "started_at",
    "completedAt": "completed_at",
    "cancelledAt": "cancelled_at",
    "archivedAt": "archived_at",
}
_NUMBERS = {
    "position": ("position", 0),
    "verificationRound": ("verification_round", 1),
    "version": ("version", 1),
}


def items(source: Source) -> Iterator[Item]:
    """The tasks' lines; phases go to ``source.facts``.

    :raises CleoError: ``E_VALIDATION``: no header, no end, or not what was written.
    """
    digest = hashlib.sha256()
    source.facts["phases"] = phases = []
    ended = False
    tasks = 0
    number = 0
    for number, data, whole in source.lines(LONGEST_ROW):
        if not whole:
            raise source.refused(f"the line is longer than {LONGEST_ROW} bytes.", FIX, number)
        if not data.strip():
            digest.update(data)
            continue
        value = parse_line(data)
        if isinstance(value, MalformedError):
            raise source.refused(f"{value.message}.", FIX, number)
        if ended:
            raise source.refused("there is something after the end line.", FIX, number)
        record = value.pop("record", None)
        if number == 1:
            _header(source, record, value)
        elif record == "task":
            tasks += 1
            yield Item(number, value)
        elif record == "phase":
            try:
                phases.append(phase(value))
            except MalformedError as error:
                raise source.refused(f"{error.message}.", FIX, number) from None
        elif record == "end":
            ended = True
            _end(source, value, digest.hexdigest(), tasks, number)
        else:
            raise source.refused(f"the record {record!r} is unknown.", FIX, number)
        digest.update(data)
    if number == 0 or not ended:
        raise source.refused(
            "there is no end line; the file is cut short." if number else "the file is empty.", FIX
        )


def settle(raw: dict[str, Any], row: Row) -> None:
    """Take one task as it is."""
    row.rest.pop("origin", None)
    columns = row.columns
    row.key = row.take_id("id")
    row.number = _number(row.key)
    columns["title"] = title = row.take_text("title")
    if title is None:
        raise MalformedError("no title", "there is no title")
    if title != title.strip(" \t\r\n") or len(title) > 200 or "\n" in title or "\r" in title:
        raise MalformedError("wrong type", "the title is not one trimmed line of 200 characters")
    for key, (column, words, optional) in _WORDS.items():
        columns[column] = _word(row.rest.pop(key, None), key, words, optional)
    for key, column in _TEXTS.items():
        columns[column] = row.rest.pop(key, None)
        if not isinstance(columns[column], str | None):
            raise MalformedError("wrong type", f"{key} must be text")
    for key, column in _TIMES.items():
        columns[column] = _time(row.rest.pop(key, None), key)
    for key, (column, least) in _NUMBERS.items():
        columns[column] = _integer(row.rest.pop(key, None), key, least)
    columns["no_auto_complete"] = row.take_flag("noAutoComplete")
    columns["acceptance"] = _strings(row, "acceptance")
    columns["files"] = _strings(row, "files")
    _metadata_and_notes(row)
    if not (columns["assignee"] or "").strip():
        columns["assignee"] = None
    if not row.assignees and columns["assignee"] is not None:
        row.keep("assignee", columns["assignee"])
        columns["assignee"] = None
    phase = row.take_text("phase")
    if phase is not None:
        if not SLUG.match(phase):
            raise MalformedError("wrong type", "phase must be a slug")
        columns["phase"] = phase
        row.phase = (phase, phase)
    row.labels = _strings(row, "labels")
    if [mapping.label(word) for word in row.labels] != row.labels:
        raise MalformedError("wrong type", "labels must be labels")
    if columns["status"] in ("done", "cancelled", "archived"):
        row.reopened = {"status": columns["status"], "completedAt": columns["completed_at"]}
    _edges(row)
    row.gates = [_gate(entry) for entry in row.take_list("gateResults")]
    row.links = [_link(entry) for entry in row.take_list("links")]


def _header(source: Source, record: Any, value: dict[str, Any]) -> None:
    if record != "header" or value.get("format") != NAME:
        raise source.refused("this is no CLEO export; its header is missing.", FIX, 1)
    version = value.get("version")
    if version != VERSION:
        raise source.refused(
            f"the form has version {version!r}; this program reads version {VERSION}.",
            "pip install -U cleo-tasks",
            1,
        )
    scope = value.get("projectId")
    if not isinstance(scope, str) or not scope:
        raise source.refused("the header names no project.", FIX, 1)
    source.scope = scope


def _end(source: Source, value: dict[str, Any], digest: str, tasks: int, line: int) -> None:
    if value.get("sha256") != digest:
        raise source.refused("the content is not what was written: its SHA-256 differs.", FIX, line)
    if value.get("tasks") != tasks:
        raise source.refused(
            f"the end line counts {value.get('tasks')!r} tasks, and there are {tasks}.", FIX, line
        )


def phase(value: dict[str, Any]) -> dict[str, Any]:
    """The columns of a phase's line.

    :raises MalformedError: it cannot be understood.
    """
    slug, name = value.get("slug"), value.get("name")
    if not isinstance(slug, str) or not SLUG.match(slug) or not isinstance(name, str):
        raise MalformedError("wrong type", "a phase has a slug and a name")
    return {
        "slug": slug,
        "name": name,
        "position": _integer(value.get("position"), "position", 0),
        "status": _word(value.get("status"), "status", enums.PHASE_STATUS, False),
        "started_at": _time(value.get("startedAt"), "startedAt"),
        "completed_at": _time(value.get("completedAt"), "completedAt"),
    }


def _metadata_and_notes(row: Row) -> None:
    metadata = row.rest.pop("metadata", None) or {}
    if not isinstance(metadata, dict):
        raise MalformedError("wrong type", "metadata must be an object")
    row.columns["metadata"] = metadata
    for entry in row.take_list("notes"):
        if not isinstance(entry, dict) or not isinstance(entry.get("text"), str):
            raise MalformedError("wrong type", "notes must be objects with a text")
        if entry["text"].strip():
            at, by = _time(entry.get("at"), "at"), _text(entry.get("by"), "notes")
            row.notes.append({**entry, "at": at, "by": by})


def _edges(row: Row) -> None:
    for key in ("parentId", "externalParent"):
        parent = row.take_text(key)
        if parent is not None:
            row.edges.append(Edge(PARENT, row.key, parent, field=key))
    for key in ("dependencies", "externalDepends"):
        for entry in row.take_list(key):
            target = _field(entry, "dependsOn", key)
            at, by = _time(entry.get("createdAt"), "createdAt"), entry.get("createdBy")
            row.edges.append(Edge(DEPENDENCY, row.key, target, at=at, by=_text(by, key), field=key))
    for key in ("relations", "externalRelations"):
        for entry in row.take_list(key):
            target = _field(entry, "relatedTo", key)
            type_ = _word(entry.get("type"), "type", enums.RELATION_TYPE, False)
            at = _time(entry.get("createdAt"), "createdAt")
            reason = _text(entry.get("reason"), key)
            row.edges.append(Edge(RELATION, row.key, target, type_, reason, at, field=key))


def _gate(entry: Any) -> Gate:
    gate = _word(_field(entry, "gate", "gateResults"), "gate", enums.GATES, False)
    result = _word(entry.get("result"), "result", enums.GATE_RESULT, False)
    reason = _text(entry.get("reason"), "reason")
    evidence = entry.get("evidence") or []
    if not isinstance(evidence, list) or (result != "pass" and reason is None):
        raise MalformedError("wrong type", "a gate result has a list of evidence, and a reason")
    return Gate(
        str(gate),
        str(result),
        _integer(entry.get("round"), "round", 1),
        _text(entry.get("agentId"), "agentId"),
        evidence,
        reason,
        _time(entry.get("checkedAt"), "checkedAt"),
    )


def _link(entry: Any) -> Link:
    provider = _field(entry, "provider", "links")
    metadata = entry.get("metadata") or {}
    if not SLUG.match(provider) or not isinstance(metadata, dict):
        raise MalformedError("wrong type", "a link has a provider and metadata")
    return Link(
        provider,
        _field(entry, "externalId", "links"),
        _text(entry.get("url"), "url"),
        _text(entry.get("title"), "title"),
        str(_word(entry.get("type"), "type", enums.LINK_TYPE, False)),
        str(_word(entry.get("direction"), "direction", enums.SYNC_DIRECTION, False)),
        _time(entry.get("externalUpdatedAt"), "externalUpdatedAt"),
        _text(entry.get("contentHash"), "contentHash"),
        metadata,
        _time(entry.get("linkedAt"), "linkedAt"),
        _time(entry.get("lastSyncAt"), "lastSyncAt"),
    )


def _number(key: str) -> int:
    digits = key[1:]
    if digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS:
        number = int(digits)
        if number and task_id(number) == key:
            return number
    raise MalformedError("no id", f"{key!r} is no task id")


def _word(value: Any, key: str, words: Sequence[str], optional: bool) -> str | None:
    if value is None and optional:
        return None
    if not isinstance(value, str) or value not in words:
        raise MalformedError("wrong type", f"{key} is one of {', '.join(words)}, not {value!r}")
    return value


def _time(value: Any, key: str) -> str | None:
    if value is None:
        return None
    moment = mapping.settled_time(value)
    if moment is None:
        raise MalformedError("wrong type", f"{key} is no time")
    return moment


def _integer(value: Any, key: str, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**62:
        raise MalformedError("wrong type", f"{key} must be a number from {least}")
    return value


def _text(value: Any, key: str) -> str | None:
    if not isinstance(value, str | None):
        raise MalformedError("wrong type", f"{key} must be text")
    return value


def _field(entry: Any, name: str, key: str) -> str:
    if not isinstance(entry, dict) or not isinstance(entry.get(name), str) or not entry[name]:
        raise MalformedError("wrong type", f"{key} must be objects with {name}")
    found: str = entry[name]
    return found


def _strings(row: Row, key: str) -> list[str]:
    values = row.take_list(key)
    if not all(isinstance(value, str) for value in values):
        raise MalformedError("wrong type", f"{key} must be texts")
    return [value for value in values if value.strip()]
