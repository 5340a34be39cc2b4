"""How changes of fields and status look to people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cleo_tasks.cli import render

if TYPE_CHECKING:
    from cleo_core.output import Printer
    from cleo_tasks.records import Line
    from cleo_tasks.service.archiving import ArchiveResult, ReopenResult
    from cleo_tasks.service.closing import CloseResult
    from cleo_tasks.service.completing import CompleteResult
    from cleo_tasks.service.edits import UpdateResult


def updated(out: Printer, result: UpdateResult) -> None:
    """What an edit changed."""
    if result.completed is not None:
        completed(out, [result.completed])
    elif result.changed:
        out.line(f"Changed {result.task.id}: {', '.join(result.fields)}")
    else:
        out.line(f"{result.task.id} is as it was.")


def completed(out: Printer, results: Sequence[CompleteResult]) -> None:
    """What was completed, and what can go on because of it."""
    for one in results:
        out.line(f"{render.status('done')} {one.task.id}  {one.task.title}")
        for id_ in one.auto_completed:
            out.line(f"  {render.status('done')} {id_}, whose children are all closed")
        for refused in one.auto_complete_refused:
            out.line(f"  {refused['id']} stays open: {refused['code']}")
        _lines(out, "ready now", one.unblocked_tasks)


def closed(out: Printer, result: CloseResult, word: str) -> None:
    """What was cancelled, deleted or purged."""
    for line in result.tasks:
        out.line(f"{word} {line.id}  {line.title}")
    for move in result.moved:
        out.line(f"  {move['id']} moved to {move['parentId'] or 'the root'} as {move['type']}")
    for edge in result.detached:
        out.line(f"  {edge['id']} no longer depends on {edge['dependsOn']}")
    _lines(out, "ready now", result.unblocked_tasks)


def reopened(out: Printer, result: ReopenResult) -> None:
    """What is open again."""
    for line in result.tasks:
        out.line(f"{render.status(line.status)} {line.id}  {line.title}")
    _lines(out, "waits again", result.reblocked)


def archived(out: Printer, result: ArchiveResult) -> None:
    """What was put away or taken out."""
    for line in result.tasks:
        out.line(f"{render.status(line.status)} {line.id}  {line.title}")
    for skipped in result.skipped:
        out.line(f"  {skipped['id']} skipped: {', '.join(skipped['children'])} still open")


def _lines(out: Printer, heading: str, lines: Sequence[Line]) -> None:
    for line in lines:
        out.line(f"  {heading}: {line.id}  {line.title}")
