"""Task lists of the TypeScript CLEO: its envelope, or the bare list."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from cleo_tasks.enums import (
    ARCHIVE_REASON,
    GATES,
    SEVERITY,
    SIZE,
    STAGES,
    TASK_PRIORITY,
    TASK_ROLE,
    TASK_SCOPE,
    TASK_STATUS,
    TASK_TYPE,
)
from cleo_tasks.importers import mapping
from cleo_tasks.importers.row import DEPENDENCY, PARENT, RELATION, Edge, Gate, Row
from cleo_tasks.importers.source import Document, Item, MalformedError, Source
from cleo_tasks.service.fields import STAGE_SPELLINGS

FORMAT = "a task list of the TypeScript CLEO"
FIX = "cleo list --json > tasks.json"
STRIPS = False
DERIVED = ()
SAYS = TASK_STATUS

#: Where the list may stand: in the envelope of either kind, in a project's file, or alone.
LISTS: list[tuple[str, ...]] = [
    ("data", "tasks"),
    ("data",),
    ("result", "tasks"),
    ("result",),
    ("tasks",),
    (),
]
#: Where the project's id may stand beside it.
SCOPES = ("projectId", "data.projectId", "meta.projectId", "_meta.projectId", "project.id")

#: Keys of an entry that is an object which may hold its text.
_TEXTS = ("text", "note", "content", "description", "criterion", "title", "path", "file", "name")
_STAGES = {**{word: word for word in (*STAGES, "cancelled")}, **STAGE_SPELLINGS}


def items(source: Source) -> Iterator[Item]:
    """The list's entries; the scope is the file's project, else its name without suffix."""
    document = Document(source, LISTS, FIX)
    source.scope = "stdin" if source.path == "-" else os.path.splitext(source.name)[0]
    yield from document.items()
    for path in SCOPES:
        found = document.others.get(path)
        if isinstance(found, str) and found.strip():
            source.scope = found.strip()
            break
    listed, total = document.others.get("page.hasMore"), document.others.get("data.total")
    if listed is True:
        source.facts["partial"] = total


def settle(raw: dict[str, Any], row: Row) -> None:
    """Map one task."""
    row.key = row.take_id("id")
    mapping.name(row, row.rest.pop("title", None), (None, row.take_text("description")))
    columns = row.columns
    columns["created_at"] = mapping.time(row, "createdAt")
    columns["updated_at"] = mapping.time(row, "updatedAt")
    columns["created_by"] = row.take_text("createdBy")
    for field, column, words in (
        ("priority", "priority", TASK_PRIORITY),
        ("size", "size", SIZE),
        ("scope", "scope", TASK_SCOPE),
        ("severity", "severity", SEVERITY),
        ("kind", "role", TASK_ROLE),
        ("type", "type", TASK_TYPE),
    ):
        columns[column] = row.take_word(field, _same(words))
    columns["priority"] = columns["priority"] or "medium"
    columns["role"] = columns["role"] or "work"
    _status(raw, row)
    mapping.phase(row, "phase")
    _position(row)
    columns["no_auto_complete"] = row.take_flag("noAutoComplete")
    mapping.assignee(row)
    for text in _texts(row, "notes"):
        mapping.note(row, text, at=columns["updated_at"] or columns["created_at"])
    columns["acceptance"] = _texts(row, "acceptance")
    columns["files"] = _texts(row, "files")
    mapping.labels(row, "labels", _texts(row, "labels"))
    _edges(row)
    _verification(raw, row)


def _same(words: Sequence[str]) -> dict[str, str]:
    return {word: word for word in words}


def _status(raw: dict[str, Any], row: Row) -> None:
    columns = row.columns
    status = row.take_word("status", _same(TASK_STATUS), "pending")
    columns["status"] = former = status
    if status == "archived":
        former = "done" if raw.get("completedAt") else "cancelled"
        if former == "cancelled" and not raw.get("cancelledAt"):
            former = "pending"
        columns["archived_from"] = former
        columns["archived_at"] = mapping.time(row, "archivedAt")
        columns["archive_reason"] = row.take_word("archiveReason", _same(ARCHIVE_REASON))
    if former == "done":
        columns["completed_at"] = mapping.time(row, "completedAt")
    if former == "cancelled":
        columns["cancelled_at"] = mapping.time(row, "cancelledAt")
        columns["cancellation_reason"] = row.take_text("cancellationReason")
    if status in ("done", "cancelled", "archived"):
        row.reopened = {
            name: raw.get(name)
            for name in ("status", "completedAt", "cancelledAt", "archivedAt", "cancellationReason")
        }
    if isinstance(row.rest.get("blockedBy"), str):
        columns["blocked_reason"] = row.take_text("blockedBy")
    _stage(row, former)


def _stage(row: Row, status: str) -> None:
    """The stage where it agrees with the status; else the default, and the original is kept."""
    given = row.take_word("pipelineStage", _STAGES)
    closing = {"done": "contribution", "cancelled": "cancelled"}.get(status)
    agrees = given == closing if closing else given not in ("contribution", "cancelled")
    if given is not None and not agrees:
        row.keep("pipelineStage", given)
        given = None
    row.columns["pipeline_stage"] = given


def _position(row: Row) -> None:
    value = row.rest.get("position")
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31:
        row.sibling = row.rest.pop("position")


def _texts(row: Row, field: str) -> list[str]:
    """The entries of a list as texts; what an entry that is an object holds beside is kept.

    :raises MalformedError: an entry is neither a text nor an object.
    """
    texts, left = [], []
    for entry in row.take_list(field):
        if isinstance(entry, dict):
            key = next((name for name in _TEXTS if isinstance(entry.get(name), str)), None)
            if key is not None and entry[key].strip():
                texts.append(entry[key])
            more = {name: one for name, one in entry.items() if name != key}
            if more:
                left.append(more)
        elif isinstance(entry, str):
            if entry.strip():
                texts.append(entry)
        else:
            raise MalformedError("wrong type", f"{field} must be texts or objects")
    if left:
        row.keep(field, left)
    return texts


def _edges(row: Row) -> None:
    parent = row.take_text("parentId")
    if parent is not None:
        row.edges.append(Edge(PARENT, row.key, parent, field="parentId"))
    for target in row.take_list("depends"):
        if not isinstance(target, str) or not target:
            raise MalformedError("wrong type", "depends must be ids")
        row.edges.append(Edge(DEPENDENCY, row.key, target, field="depends"))
    left = []
    for entry in row.take_list("relates"):
        entry = {"taskId": entry} if isinstance(entry, str) else entry
        if not isinstance(entry, dict) or not isinstance(entry.get("taskId"), str):
            raise MalformedError("wrong type", "relates must be ids or objects with one")
        type_, reason = entry.get("type") or "related", entry.get("reason")
        if not isinstance(type_, str) or not isinstance(reason, str | None):
            raise MalformedError("wrong type", "a relation's type and reason must be text")
        relation = mapping.RELATIONS.get(type_)
        if relation is None:
            left.append(entry)
            reason = reason or type_
        row.edges.append(
            Edge(
                RELATION,
                row.key,
                entry["taskId"],
                relation or "related",
                reason,
                field="relates",
                original=entry,
            )
        )
        more = entry.keys() - {"taskId", "type", "reason"}
        if more and entry not in left:
            left.append(entry)
    if left:
        row.keep("relates", left)


def _verification(raw: dict[str, Any], row: Row) -> None:
    """Round and gates; nothing was checked here, so a passed gate is a warning with its reason."""
    whole = raw.get("verification")
    if not isinstance(whole, dict):
        return
    round_ = whole.get("round")
    if isinstance(round_, int) and not isinstance(round_, bool) and 1 <= round_ < 2**31:
        row.columns["verification_round"] = round_
    gates = whole.get("gates")
    if not isinstance(gates, dict):
        return
    row.gates += [
        Gate(
            gate,
            "warn",
            row.columns.get("verification_round", 1),
            None,
            [],
            "imported, not checked here",
            None,
        )
        for gate in GATES
        if gates.get(gate) is True
    ]
