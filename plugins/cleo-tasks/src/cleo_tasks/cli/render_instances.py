"""How instances of agents look to people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cleo_core.output import Printer
    from cleo_tasks.agent_records import CachedAgent, Instance, Reaped

#: A symbol for each status, so that a list reads without colour.
_SYMBOLS = {
    "starting": "○",
    "active": "●",
    "idle": "◌",
    "error": "!",
    "crashed": "✗",
    "stopped": "■",
}


def registered(out: Printer, found: Instance) -> None:
    """What became of a registration."""
    out.line(f"{found.id} of {found.agent_id} is {found.status}.")
    out.line(
        f"It should report every {found.heartbeat_seconds} seconds: "
        f"cleo instance heartbeat {found.id}"
    )


def beaten(out: Printer, found: Instance) -> None:
    """What became of a heartbeat."""
    if found.accepted:
        out.line(f"{found.id} is {found.status}.")
    else:
        out.line(f"{found.id} is {found.status}; its heartbeat was not accepted.")


def lines(out: Printer, rows: Sequence[Instance]) -> None:
    """Instances as a table."""
    if not rows:
        out.line("No instances.")
        return
    out.table(
        ("id", "status", "agent", "type", "task", "last heard of", "errors", "done", "capacity"),
        [
            (
                row.id,
                _status(row),
                row.agent_id,
                row.agent_type,
                row.task_id,
                row.last_heartbeat_at,
                row.error_count,
                row.total_tasks_completed,
                f"{row.capacity:g}",
            )
            for row in rows
        ],
    )


def whole(out: Printer, rows: Sequence[Instance]) -> None:
    """Instances whole, one below the other."""
    for row in rows:
        out.line(
            f"{row.id}  {_status(row)}  {row.agent_type} of {row.agent_id or 'nobody'}", "bold"
        )
        out.line(f"  started {row.started_at}, last heard of {row.last_heartbeat_at}")
        if row.stopped_at:
            out.line(f"  ended {row.stopped_at}")
        out.line(f"  host {row.host or '-'}, process {row.pid or '-'}")
        out.line(f"  capacity {row.capacity:g}, tasks completed {row.total_tasks_completed}")
        for name, value in (
            ("task", row.task_id),
            ("session", row.session_id),
            ("parent", row.parent_instance_id),
            ("metadata", row.metadata),
        ):
            if value:
                out.line(f"  {name} {value}")
        if row.error_count:
            out.line(
                f"  {row.error_count} errors, the last {row.last_error_kind}: {row.last_error}"
            )


def failed(out: Printer, found: Instance) -> None:
    """What became of an error."""
    out.line(f"{found.id}: error {found.error_count}, {found.last_error_kind}.")


def stopped(out: Printer, found: Instance) -> None:
    """What became of a stop."""
    if found.changed:
        out.line(f"{found.id} has stopped.")
    else:
        out.line(f"{found.id} was {found.status} already, since {found.stopped_at}.")


def reaped(out: Printer, result: Reaped, dry_run: bool) -> None:
    """What became of a reap."""
    if not result.crashed:
        out.line("No instance was silent for that long.")
    would = "would be" if dry_run else "is"
    for one in result.crashed:
        out.line(
            f"{one.id} of {one.agent_id or 'nobody'} {would} crashed; "
            f"last heard of {one.last_heartbeat_at}."
        )
    if result.released:
        out.line(f"Claims given back: {', '.join(result.released)}")


def cached(out: Printer, agents: Sequence[CachedAgent]) -> None:
    """Agents whose credentials are cached."""
    if not agents:
        out.line("No credentials are cached.")
        return
    out.table(
        ("agent", "name", "active", "last used", "copied from"),
        [
            (
                one.agent_id,
                one.display_name,
                "yes" if one.is_active else "no",
                one.last_used_at,
                one.source_updated_at,
            )
            for one in agents
        ],
    )


def _status(row: Instance) -> str:
    silent = " (silent)" if not row.live and row.status not in ("crashed", "stopped") else ""
    return f"{_SYMBOLS.get(row.status, ' ')} {row.status}{silent}"
