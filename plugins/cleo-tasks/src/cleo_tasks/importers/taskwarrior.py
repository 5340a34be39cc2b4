"""Tasks of Taskwarrior: what ``task export`` prints, as a JSON array or one object per line.

The fields: https://taskwarrior.org/docs/design/task/.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cleo_core import clock
from cleo_tasks.importers import mapping
from cleo_tasks.importers.row import DEPENDENCY, Edge, Row, SkippedError
from cleo_tasks.importers.source import Document, Item, MalformedError, Source

FORMAT = "an export of Taskwarrior"
FIX = "task export > tasks.json"
STRIPS = False
#: The number in a list and the score: both change while the task does not.
DERIVED = ("id", "urgency")
SAYS = ("pending", "active", "blocked", "done")

STATUS = {"pending": "pending", "waiting": "blocked", "completed": "done"}
PRIORITY = {"H": "high", "M": "medium", "L": "low"}
_SKIPPED = {"deleted": "deleted", "recurring": "recurrence template"}


def items(source: Source) -> Iterator[Item]:
    """Lines, or the entries of a list."""
    if source.peek() == b"[":
        return Document(source, [()], FIX).items()
    return source.objects()


def settle(raw: dict[str, Any], row: Row) -> None:
    """Map one task."""
    row.key = row.take_id("uuid")
    status = raw.get("status")
    if isinstance(status, str) and status in _SKIPPED:
        raise SkippedError(_SKIPPED[status])
    mapping.name(row, row.rest.pop("description", None))
    columns = row.columns
    columns["created_at"] = mapping.time(row, "entry")
    columns["updated_at"] = mapping.time(row, "modified")
    columns["started_at"] = mapping.time(row, "start")
    _status(raw, row)
    columns["priority"] = row.take_word("priority", PRIORITY, "medium")
    mapping.labels(row, "tags", row.take_list("tags"))
    project = row.take_text("project")
    if project is not None:
        mapping.labelled(row, "project", project)
    for target in _depends(row):
        row.edges.append(Edge(DEPENDENCY, row.key, target, field="depends"))
    _annotations(row)


def _status(raw: dict[str, Any], row: Row) -> None:
    columns = row.columns
    columns["status"] = status = row.take_word("status", STATUS, "pending")
    if status == "done":
        columns["completed_at"] = mapping.time(row, "end")
        row.reopened = {"status": raw.get("status"), "end": raw.get("end")}
    elif columns["started_at"] is not None and status == "pending":
        columns["status"] = "active"
    elif _waits(raw):
        # Newer versions say pending and leave it to the reader to look at the time.
        columns["status"] = "blocked"
        until = mapping.settled_time(raw.get("wait"))
        columns["blocked_reason"] = f"waiting until {until[:19]}Z" if until else "waiting"


def _waits(raw: dict[str, Any]) -> bool:
    if raw.get("status") == "waiting":
        return True
    until = mapping.settled_time(raw.get("wait"))
    return raw.get("status") == "pending" and until is not None and until > clock.now()


def _depends(row: Row) -> list[str]:
    """Ids from a list, or from a text with commas, as older versions write it."""
    value = row.rest.get("depends")
    if isinstance(value, str):
        value = [one.strip() for one in row.rest.pop("depends").split(",")]
    else:
        value = row.take_list("depends")
    if not all(isinstance(one, str) for one in value):
        raise MalformedError("wrong type", "depends must be ids")
    return [one for one in value if one]


def _annotations(row: Row) -> None:
    left = []
    for entry in row.take_list("annotations"):
        if not isinstance(entry, dict) or not isinstance(entry.get("description"), str | None):
            raise MalformedError("wrong type", "annotations must be objects with a description")
        at = mapping.settled_time(entry.get("entry"))
        mapping.note(row, entry.get("description"), at=at)
        more = {
            name: one
            for name, one in entry.items()
            if name != "description" and not (name == "entry" and at is not None)
        }
        if more:
            left.append(more)
    if left:
        row.keep("annotations", left)
