"""How labels, phases, the audit log and the sequence look to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cleo_tasks.cli import render

if TYPE_CHECKING:
    from cleo_core.output import Printer
    from cleo_tasks.service.batch import BatchResult
    from cleo_tasks.service.labels import LabelCount, LabelTasks
    from cleo_tasks.service.logs import Pruned
    from cleo_tasks.service.numbering import SequenceState
    from cleo_tasks.service.phases import Phase


def label_counts(out: Printer, found: Sequence[LabelCount]) -> None:
    """Labels with their numbers of tasks."""
    if found:
        out.table(("label", "tasks"), [(one.label, one.tasks) for one in found])
    else:
        out.line("No labels.")


def label(out: Printer, found: LabelTasks) -> None:
    """A label's tasks."""
    out.line(f"{found.label}: {found.tasks} tasks", "bold")
    render.lines(out, found.lines)


def phases(out: Printer, found: Sequence[Phase]) -> None:
    """Phases in their order."""
    if not found:
        out.line("No phases.")
        return
    out.table(
        ("", "phase", "name", "status", "tasks", "done"),
        [
            (one.position, one.slug, one.name, one.status, one.tasks, one.counts["done"])
            for one in found
        ],
    )


def phase(out: Printer, found: Phase) -> None:
    """One phase and its tasks by status."""
    out.line(f"{found.slug}  {found.name}", "bold")
    out.line(f"  {found.status} · number {found.position}")
    for name, value in (("started", found.started_at), ("completed", found.completed_at)):
        if value:
            out.line(f"  {name:10} {value}")
    counted = [f"{number} {status}" for status, number in found.counts.items() if number]
    words = "1 task" if found.tasks == 1 else f"{found.tasks} tasks"
    out.line(f"  {words}" + (f": {', '.join(counted)}" if counted else ""))


def log(out: Printer, rows: Sequence[Mapping[str, Any]]) -> None:
    """Audit rows as a table."""
    if not rows:
        out.line("No log rows.")
        return
    out.table(
        ("row", "time", "action", "what", "by", "changed"),
        [
            (
                row["id"],
                row["timestamp"],
                row["action"] + (" (forced)" if row["forced"] else ""),
                f"{row['entityKind']} {row['entityId']}",
                row["actor"],
                _changed(row),
            )
            for row in rows
        ],
    )


def _changed(row: Mapping[str, Any]) -> str:
    """The names of the columns that changed; a new row has changed in all of them."""
    return "created" if row["before"] is None else " ".join(row["after"] or row["before"])


def log_rows(out: Printer, rows: Sequence[Mapping[str, Any]]) -> None:
    """Audit rows whole, one below the other."""
    for row in rows:
        out.line(f"{row['id']}  {row['action']}  {row['entityKind']} {row['entityId']}", "bold")
        session = f" in {row['sessionId']}" if row["sessionId"] else ""
        out.line(f"  {row['timestamp']} by {row['actor']}{session} ({row['source']})")
        out.line(f"  request {row['requestId']}")
        if row["reason"]:
            out.line(f"  reason: {row['reason']}")
        before, after = row["before"] or {}, row["after"] or {}
        for name in {**before, **after}:
            out.line(f"  {name}: {before.get(name)!r} → {after.get(name)!r}")


def pruned(out: Printer, result: Pruned, dry_run: bool) -> None:
    """What became of a prune."""
    if dry_run:
        out.line(f"{result.archived} rows would be archived and deleted.")
    elif result.path is None:
        out.line("No row is that old.")
    else:
        out.line(f"{result.deleted} rows were deleted; they are in {result.path}.")


def sequence(out: Printer, state: SequenceState) -> None:
    """The numbers of tasks."""
    out.line(f"next {state.next} · stored {state.stored} · highest {state.max}")
    out.line("ok" if state.ok else "The stored number is wrong: cleo sequence repair")


def batch(out: Printer, result: BatchResult) -> None:
    """What became of a batch."""
    for one in result.created:
        name = f" ({one.ref})" if one.ref else ""
        out.line(f"Added {one.id}{name}: {one.title}")
    for failure in result.failed:
        for problem in failure.problems:
            out.line(f"Line {failure.line} was not added: {problem['message']}")
    if not result.created and not result.failed:
        out.line("Nothing to add.")
