"""Tasks of Task Master: its ``tasks.json``, with tags or without.

The fields: https://github.com/eyaltoledano/claude-task-master, docs/task-structure.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from cleo_tasks.importers import mapping
from cleo_tasks.importers.row import DEPENDENCY, PARENT, Edge, Row
from cleo_tasks.importers.source import Document, Item, MalformedError, Source

FORMAT = "a task list of Task Master"
FIX = "cleo import task-master .taskmaster/tasks/tasks.json"
STRIPS = False
DERIVED = ()
SAYS = ("pending", "active", "blocked", "done", "cancelled")

#: The tag that lists without tags belong to, and that needs no label.
MASTER = "master"
#: Where a list may stand: alone, or under each tag.
LISTS: list[tuple[str | None, ...]] = [("tasks",), (None, "tasks")]

STATUS = {
    "pending": "pending",
    "todo": "pending",
    "in-progress": "active",
    "review": "active",
    "done": "done",
    "completed": "done",
    "blocked": "blocked",
    "deferred": "blocked",
    "cancelled": "cancelled",
}
PRIORITY = {word: word for word in ("critical", "high", "medium", "low")}


def items(source: Source) -> Iterator[Item]:
    """Tasks, each followed by its subtasks, as ``{tag, above, entry}``.

    Subtasks of one task that have the same id, which the program makes at times, are told apart by
    ``repeat``.

    :raises CleoError: ``E_VALIDATION``, a tag is asked for that is not there.
    """
    document = Document(source, LISTS, FIX, several=True)
    for item in document.items():
        tag = _tag(document.paths[-1])
        if source.tags and tag not in source.tags:
            continue
        yield from _with_subtasks(item, tag)
    there = dict.fromkeys(map(_tag, document.paths))
    missing = [tag for tag in source.tags if tag not in there]
    if missing:
        raise source.refused(
            f"it has no tag {', '.join(missing)}; its tags are {', '.join(there)}.",
            f"--tag {next(iter(there))}",
        )


def settle(raw: dict[str, Any], row: Row) -> None:
    """Map one task or subtask."""
    tag, above = raw["tag"], raw["above"]
    row.rest = {name: value for name, value in raw["entry"].items() if value is not None}
    number = row.take_id("id")
    row.key = f"{tag}:{number}" if above is None else f"{tag}:{above}.{number}"
    if "repeat" in raw:
        row.key += f"/{raw['repeat']}"
        row.keep("id", raw["entry"]["id"])
        row.marks.append("repeated_id")
    if above is not None:
        row.edges.append(Edge(PARENT, row.key, f"{tag}:{above}"))
    mapping.name(
        row,
        row.rest.pop("title", None),
        (None, row.take_text("description")),
        ("Details", row.take_text("details")),
    )
    columns = row.columns
    columns["updated_at"] = mapping.time(row, "updatedAt")
    columns["priority"] = row.take_word("priority", PRIORITY, "medium")
    strategy = row.take_text("testStrategy")
    columns["acceptance"] = [strategy] if strategy and strategy.strip() else []
    _status(raw["entry"], row)
    if tag != MASTER:
        mapping.labelled(row, "tag", tag)
    _edges(row, tag, above)
    # Only what is no list is left here, which it must not be.
    row.take_list("subtasks")


def _tag(path: tuple[str, ...]) -> str:
    return path[0] if len(path) > 1 else MASTER


def _with_subtasks(item: Item, tag: str) -> Iterator[Item]:
    """A task and everything below it, parents first."""
    waiting: list[tuple[Any, dict[str, Any]]] = [(item.value, {"above": None})]
    while waiting:
        entry, place = waiting.pop()
        if not isinstance(entry, dict):
            problem = MalformedError("not an object", "a subtask must be an object")
            yield Item(item.line, entry if isinstance(entry, MalformedError) else problem)
            continue
        below = entry.get("subtasks")
        if isinstance(below, list):
            entry = {name: value for name, value in entry.items() if name != "subtasks"}
            # A task without an id is refused by itself; its subtasks then miss their parent.
            number = entry.get("id")
            path = f"{number}" if place["above"] is None else f"{place['above']}.{number}"
            waiting += reversed(list(_below(below, path)))
        yield Item(item.line, {"tag": tag, **place, "entry": entry})


def _below(subtasks: list[Any], path: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    times: Counter[str] = Counter()
    for entry in subtasks:
        place: dict[str, Any] = {"above": path}
        number = str(entry.get("id")) if isinstance(entry, dict) else ""
        times[number] += 1
        yield entry, place | ({"repeat": times[number]} if times[number] > 1 else {})


def _status(entry: dict[str, Any], row: Row) -> None:
    status = entry.get("status")
    row.columns["status"] = settled = row.take_word("status", STATUS, "pending")
    if status == "review":
        row.labels.append("review")
    elif status == "deferred":
        row.keep("status", status)
        row.columns["blocked_reason"] = status
    elif settled in ("done", "cancelled"):
        row.reopened = {"status": status}


def _edges(row: Row, tag: str, above: str | None) -> None:
    """Dependencies: in a subtask a bare number is one beside it, and ``1.2`` is any subtask."""
    for given in row.take_list("dependencies"):
        if isinstance(given, bool) or not isinstance(given, (int, float, str)) or given == "":
            raise MalformedError("wrong type", "dependencies must be numbers or texts")
        target = str(given).strip()
        if above is not None and "." not in target:
            target = f"{above}.{target}"
        row.edges.append(
            Edge(DEPENDENCY, row.key, f"{tag}:{target}", field="dependencies", original=given)
        )
