"""Issues of the ``bd`` tracker: its JSONL, one issue per line, or a JSON list of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cleo_tasks.importers import mapping
from cleo_tasks.importers.row import DEPENDENCY, HINT, PARENT, RELATION, Edge, Row, SkippedError
from cleo_tasks.importers.source import Document, Item, MalformedError, Source

FORMAT = "a beads export, one issue per line"
FIX = "bd export -o issues.jsonl"
STRIPS = False
DERIVED = ()
SAYS = ("pending", "active", "blocked", "done")

STATUS = {
    "open": "pending",
    "in_progress": "active",
    "hooked": "active",
    "blocked": "blocked",
    "deferred": "blocked",
    "closed": "done",
    "pinned": "pending",
}
PRIORITY = {0: "critical", 1: "high", 2: "medium", 3: "low", 4: "low"}
#: issue types that are not simply work: role, whether an epic, whether also a label.
TYPES: dict[str, tuple[str, bool, bool]] = {
    "epic": ("work", True, False),
    "molecule": ("work", True, False),
    "bug": ("bug", False, False),
    "spike": ("spike", False, False),
    "feature": ("work", False, False),
    "task": ("work", False, False),
    "story": ("work", False, False),
    "chore": ("work", False, True),
    "decision": ("work", False, True),
    "milestone": ("work", False, True),
}
#: Types whose name nothing else says afterwards.
_NAMELESS = frozenset({"molecule", "feature", "story"})
_NO_TASKS = frozenset({"message", "gate", "event"})

#: dependency types -> (kind of edge, relation type).
DEPENDENCIES: dict[str, tuple[str, str | None]] = {
    "blocks": (DEPENDENCY, None),
    "waits-for": (DEPENDENCY, None),
    "conditional-blocks": (DEPENDENCY, None),
    "parent-child": (PARENT, None),
    "parent_child": (PARENT, None),
    "duplicates": (RELATION, "duplicates"),
    "supersedes": (RELATION, "supersedes"),
}
#: dependency types that name people or claims, not issues.
_RECORDS = frozenset({"authored-by", "assigned-to", "approved-by", "attests"})
_EDGE_FIELDS = frozenset({"issue_id", "depends_on_id", "type", "created_at", "created_by"})
_COMMENT_FIELDS = frozenset({"issue_id", "author", "text", "created_at"})


def items(source: Source) -> Iterator[Item]:
    """Lines, or the entries of a list."""
    if source.peek() == b"[":
        return Document(source, [()], FIX).items()
    return source.objects()


def settle(raw: dict[str, Any], row: Row) -> None:
    """Map one issue."""
    row.key = row.take_id("id")
    _leave_out(raw)
    mapping.name(
        row,
        row.rest.pop("title", None),
        (None, row.take_text("description")),
        ("Design", row.take_text("design")),
    )
    columns = row.columns
    for field, column in (("created_at", "created_at"), ("updated_at", "updated_at")):
        columns[column] = mapping.time(row, field)
    columns["started_at"] = mapping.time(row, "started_at")
    columns["created_by"] = row.take_text("created_by")
    columns["acceptance"] = mapping.acceptance(row.take_text("acceptance_criteria"))
    _type(raw, row)
    _priority(raw, row)
    mapping.labels(row, "labels", row.take_list("labels"))
    _status(raw, row)
    mapping.assignee(row)
    _notes(raw, row)
    _edges(row)


def _leave_out(raw: dict[str, Any]) -> None:
    kind = raw.get("_type")
    if kind is not None and kind != "issue":
        raise SkippedError("not an issue")
    for field, reason in (("ephemeral", "ephemeral"), ("is_template", "template")):
        if raw.get(field) is True:
            raise SkippedError(reason)
    if raw.get("status") == "tombstone":
        raise SkippedError("tombstone")
    type_ = raw.get("issue_type")
    if isinstance(type_, str) and type_ in _NO_TASKS:
        raise SkippedError(type_)


def _type(raw: dict[str, Any], row: Row) -> None:
    row.rest.pop("_type", None)
    type_ = row.take_text("issue_type")
    role, row.epic, labelled = TYPES.get(type_ or "task", ("work", False, False))
    row.columns["role"] = role
    if labelled and type_:
        row.labels.append(type_)
    if type_ in _NAMELESS or (type_ and type_ not in TYPES):
        row.keep("issue_type", type_)


def _priority(raw: dict[str, Any], row: Row) -> None:
    row.columns["priority"] = row.take_word("priority", PRIORITY, "medium")
    if raw.get("priority") == 4:
        row.keep("priority", 4)


def _status(raw: dict[str, Any], row: Row) -> None:
    status = row.take_text("status") or "open"
    columns = row.columns
    columns["status"] = STATUS.get(status, "pending")
    if status not in STATUS or status in ("hooked", "deferred"):
        row.keep("status", status)
    if status == "pinned" and "pinned" not in row.labels:
        row.labels.append("pinned")
    if status == "deferred":
        until = next(
            (raw[name] for name in ("defer_until", "deferred_until") if raw.get(name)), None
        )
        columns["blocked_reason"] = f"deferred until {until}" if until else "deferred"
    if status == "closed":
        columns["completed_at"] = mapping.time(row, "closed_at")
        row.reopened = {"status": status, "closed_at": raw.get("closed_at")}


def _notes(raw: dict[str, Any], row: Row) -> None:
    mapping.note(row, row.take_text("notes"), at=None)
    left = []
    for comment in row.take_list("comments"):
        if not isinstance(comment, dict):
            raise MalformedError("wrong type", "comments must be objects")
        text, author = comment.get("text"), comment.get("author")
        if not isinstance(text, str | None) or not isinstance(author, str | None):
            raise MalformedError("wrong type", "a comment's text and author must be text")
        mapping.note(row, text, at=mapping.settled_time(comment.get("created_at")), by=author)
        more = {name: one for name, one in comment.items() if name not in _COMMENT_FIELDS}
        if more:
            left.append(more)
    if left:
        row.keep("comments", left)
    closed = row.columns.get("completed_at") or mapping.settled_time(raw.get("closed_at"))
    mapping.note(row, row.take_text("close_reason"), at=closed)


def _edges(row: Row) -> None:
    """The dependencies; whose target or meaning has no place here is kept as it stands."""
    kept = []
    has_parent = False
    for entry in row.take_list("dependencies"):
        if not isinstance(entry, dict):
            raise MalformedError("wrong type", "dependencies must be objects")
        source, target, type_ = (
            entry.get("issue_id") or row.key,
            entry.get("depends_on_id"),
            entry.get("type") or "blocks",
        )
        if not all(isinstance(one, str) and one for one in (source, target, type_)):
            raise MalformedError("wrong type", "a dependency's ids and type must be text")
        more = {name for name in entry if name not in _EDGE_FIELDS and entry[name] not in _EMPTY}
        if type_ in _RECORDS:
            kept.append(entry)
            continue
        kind, relation = DEPENDENCIES.get(type_, (RELATION, "related"))
        if more or (kind == DEPENDENCY and type_ != "blocks"):
            kept.append(entry)
        has_parent = has_parent or (kind == PARENT and source == row.key)
        by = entry.get("created_by")
        row.edges.append(
            Edge(
                kind,
                source,
                target,  # type: ignore[arg-type]
                relation,
                type_ if kind == RELATION and relation == "related" else None,
                mapping.settled_time(entry.get("created_at")),
                by if isinstance(by, str) and by else None,
                "dependencies",
                entry,
            )
        )
    above, dot, number = row.key.rpartition(".")
    if dot and above and number.isdigit() and not has_parent:
        row.edges.append(Edge(HINT, row.key, above))
    if kept:
        row.keep("dependencies", kept)


#: What beads writes where there is nothing to say.
_EMPTY: tuple[Any, ...] = (None, "", "{}", {}, [])
