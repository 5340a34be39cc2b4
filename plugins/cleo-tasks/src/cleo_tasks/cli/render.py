"""How tasks look to people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cleo_core.output import Printer
    from cleo_tasks.records import Line, Task
    from cleo_tasks.service.adding import AddResult

#: A symbol for each status, so that a list reads without colour.
SYMBOLS = {
    "pending": "○",
    "active": "●",
    "blocked": "■",
    "done": "✓",
    "cancelled": "✗",
    "archived": "▪",
    "proposed": "?",
}


def status(word: str) -> str:
    """``✓ done``."""
    return f"{SYMBOLS.get(word, ' ')} {word}"


def lines(out: Printer, rows: Sequence[Line]) -> None:
    """Tasks as a table."""
    if not rows:
        out.line("No tasks.")
        return
    out.table(
        ("id", "status", "priority", "type", "title", "assignee", "labels"),
        [
            (
                row.id,
                status(row.status) + (" ready" if row.ready else ""),
                row.priority,
                row.type,
                row.title,
                row.assignee,
                " ".join(row.labels),
            )
            for row in rows
        ],
    )


def added(out: Printer, result: AddResult) -> None:
    """What became of an add."""
    if result.created:
        out.line(f"Added {result.task.id}: {result.task.title}")
    else:
        out.line(f"{result.task.id} was added a moment ago: {result.task.title}")


def tasks(out: Printer, found: Sequence[Task]) -> None:
    """Tasks whole, one below the other."""
    for number, one in enumerate(found):
        if number:
            out.line()
        task(out, one)


def task(out: Printer, one: Task) -> None:
    """One task whole."""
    out.line(f"{one.id}  {one.title}", "bold")
    out.line(f"  {status(one.status)} · {one.priority} · {one.type} · {one.role}")
    facts = (
        ("parent", one.parent_id),
        ("phase", one.phase),
        ("stage", one.pipeline_stage),
        ("pipeline", _pipeline(one)),
        ("held by", one.assignee),
        ("size", one.size),
        ("severity", one.severity),
        ("labels", " ".join(one.labels)),
        ("waits for", _waiting(one)),
        ("blocked", one.blocked_reason),
        ("created", f"{one.created_at} by {one.created_by}"),
        ("completed", one.completed_at),
        ("cancelled", one.cancelled_at),
        ("files", " ".join(one.files)),
    )
    for name, value in facts:
        if value:
            out.line(f"  {name:10} {value}")
    if one.ready and one.assignee is None:
        out.line("  ready to start")
    if one.description:
        out.line()
        for text in one.description.splitlines():
            out.line(f"  {text}")
    for heading, entries in (
        ("Acceptance", one.acceptance),
        ("Notes", [f"{note['at']} {note['by']}: {note['text']}" for note in one.notes]),
        (
            "History",
            [f"{row['timestamp']} {row['action']} by {row['actor']}" for row in one.history or ()],
        ),
        ("Children", [f"{row.id} {status(row.status)} {row.title}" for row in one.children or ()]),
        ("Gates", [f"{gate}: {found.result}" for gate, found in (one.gates or {}).items()]),
    ):
        if entries:
            out.line()
            out.line(f"  {heading}", "bold")
            for text in entries:
                out.line(f"  - {text}")


def _pipeline(one: Task) -> str:
    own = one.pipeline
    return f"{own['status']} (cleo lifecycle show {one.id})" if own else ""


def _waiting(one: Task) -> str:
    return " ".join(
        f"{id_} (open)" if id_ in one.open_dependencies else id_ for id_ in one.depends_on
    )
