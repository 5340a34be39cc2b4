"""How counts and the overview of a project look to people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cleo_tasks.cli.render import status

if TYPE_CHECKING:
    from cleo_core.output import Printer
    from cleo_tasks.service.stats import BlockedTask, Dash, PhaseCount, Stats


def stats(out: Printer, found: Stats) -> None:
    """The numbers, a line for each way of counting."""
    if not found.total:
        out.line("No tasks.")
    else:
        _headline(out, found)
        shown = {status(word): number for word, number in found.by_status.items()}
        for heading, numbers in (
            ("status", shown),
            ("priority", found.by_priority),
            ("type", found.by_type),
        ):
            if any(numbers.values()):
                out.line(f"  {heading:9} {_listed(numbers)}")
    if any(one.phase is not None for one in found.by_phase):
        out.line()
        out.table(
            ("phase", "status", "open", "closed", "total"),
            [
                (one.phase or "(none)", one.status, one.open, one.closed, one.total)
                for one in found.by_phase
            ],
        )


def dash(out: Printer, found: Dash) -> None:
    """The numbers and a block for each list that is not empty."""
    if found.project.name:
        out.line(found.project.name, "bold")
    if not found.stats.total:
        out.line("No tasks; add the first with: cleo add TITLE")
    else:
        _headline(out, found.stats)
    if found.phase is not None:
        out.line(f"Phase {_phase(found.phase)}")
    totals = found.totals
    _block(
        out,
        "Active",
        [
            f"{one.id}  {one.title}  ({_held(one.assignee, one.started_at)}"
            + (f", in {one.session_id})" if one.session_id else ")")
            for one in found.active
        ],
        totals["active"],
    )
    _block(
        out,
        "Next",
        [f"{one.task.id}  {one.task.title}  ({one.task.priority})" for one in found.next],
        totals["next"],
    )
    _block(
        out,
        "Blocked",
        [f"{one.id}  {one.title}  ({_why(one)})" for one in found.blocked],
        totals["blocked"],
    )
    _block(
        out,
        "Stale claims",
        [
            f"{one.id}  {one.title}  ({_held(one.assignee, one.claimed_at)})"
            for one in found.stale_claims
        ],
        totals["staleClaims"],
    )
    _block(
        out,
        "Sessions",
        [
            f"{one.id}  {one.name}  ({one.agent_id or 'nobody in particular'}, {one.scope}"
            + (f", on {one.current_task_id})" if one.current_task_id else ")")
            for one in found.sessions
        ],
        totals["sessions"],
    )
    _block(
        out,
        "Completed",
        [f"{one.id}  {one.title}  ({one.completed_at})" for one in found.completed],
        totals["completed"],
    )


def _headline(out: Printer, found: Stats) -> None:
    out.line(
        f"{_tasks(found.total)}, {found.open} open: {found.ready} ready, {found.blocked} blocked, "
        f"{found.waiting} waiting, {found.claimed} claimed",
        "bold",
    )


def _block(out: Printer, heading: str, rows: list[str], total: int) -> None:
    if not rows:
        return
    out.line()
    shown = f"{len(rows)} of {total}" if len(rows) < total else str(total)
    out.line(f"{heading} ({shown})", "bold")
    for row in rows:
        out.line(f"  {row}")


def _why(one: BlockedTask) -> str:
    """What a task that cannot go on needs."""
    more = one.open_dependencies - len(one.waits_for)
    waits = f"waits for {' '.join(one.waits_for)}" if one.waits_for else ""
    reasons = [
        *([one.reason or "blocked"] if one.status == "blocked" else []),
        *([waits + (f" and {more} more" if more > 0 else "")] if waits else []),
    ]
    return "; ".join(reasons)


def _held(agent: str | None, since: str | None) -> str:
    return (agent or "nobody") + (f" since {since}" if since else "")


def _phase(one: PhaseCount) -> str:
    name = f" ({one.name})" if one.name != one.phase else ""
    return f"{one.phase}{name}, {one.status}: {one.closed} of {one.total} closed"


def _listed(numbers: Mapping[str, int]) -> str:
    return " · ".join(f"{word} {number}" for word, number in numbers.items() if number)


def _tasks(number: int) -> str:
    return "1 task" if number == 1 else f"{number} tasks"
