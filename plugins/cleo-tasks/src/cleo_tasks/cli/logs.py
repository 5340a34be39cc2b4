"""``cleo log`` and ``cleo sequence``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_core.cli import Result, command, group
from cleo_tasks.cli import render_records
from cleo_tasks.cli.tasks import service

if TYPE_CHECKING:
    from cleo_core.app import App


@command("list", lists=True)
@click.option("--task", metavar="ID", help="About this task, purged or not.")
@click.option("--action", help="With this action, such as task.complete.")
@click.option("--actor", metavar="AGENT", help="By this agent, or by user.")
@click.option("--in-session", metavar="ID", help="Done in this session.")
@click.option("--since", metavar="TIME", help="Written at or after this time.")
@click.option("--before", metavar="TIME", help="Written before this time.")
def list_command(app: App, **filters: Any) -> Result:
    """List who changed what, newest first.

    Example: cleo log list --task T001
    """
    rows, page = service(app).log_list(**filters)
    ids = [str(row["id"]) for row in rows]
    return Result(rows, page=page, ids=ids, human=lambda out: render_records.log(out, rows))


@command("show")
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
def show_command(app: App, ids: tuple[str, ...]) -> Result:
    """Show rows of the log with what changed; ID is a row's number, or a request's id.

    Example: cleo log show 12
    """
    rows = service(app).log_show(*ids)
    return Result(
        rows[0] if len(ids) == len(rows) == 1 else rows,
        ids=[str(row["id"]) for row in rows],
        human=lambda out: render_records.log_rows(out, rows),
    )


@command("prune", writes=True)
@click.option("--before", metavar="TIME", required=True, help="Rows written before this time.")
def prune_command(app: App, before: str) -> Result:
    """Archive old rows of the log, then delete them.

    The archive lies in .cleo/backups/logs. Where it cannot be written, nothing is deleted.

    Example: cleo log prune --before 2026-01-01 --dry-run
    """
    result = service(app).log_prune(before=before)
    return Result(result, ids=(), human=lambda out: render_records.pruned(out, result, app.dry_run))


@command("show")
def sequence_show_command(app: App) -> Result:
    """Show the number that the next task gets.

    Example: cleo sequence show --field next
    """
    state = service(app).sequence_show()
    return Result(state, human=lambda out: render_records.sequence(out, state))


@command("check")
def sequence_check_command(app: App) -> Result:
    """Say whether the stored number is right for the tasks there are.

    Example: cleo sequence check --field ok
    """
    state = service(app).sequence_check()
    return Result(state, human=lambda out: render_records.sequence(out, state))


@command("repair", writes=True)
def sequence_repair_command(app: App) -> Result:
    """Set a stored number right that is behind, or beyond any.

    Example: cleo sequence repair
    """
    state = service(app).sequence_repair()
    return Result(state, human=lambda out: render_records.sequence(out, state))


log_command = group("log", "Who changed what.", list_command, show_command, prune_command)
sequence_command = group(
    "sequence",
    "The numbers of tasks.",
    sequence_show_command,
    sequence_check_command,
    sequence_repair_command,
)
