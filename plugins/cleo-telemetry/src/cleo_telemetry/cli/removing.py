"""``cleo telemetry prune`` and ``purge``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from cleo_core.cli import Result, command
from cleo_core.errors import CleoError

if TYPE_CHECKING:
    from cleo_core.app import App


@command("prune", writes=True, project="none")
def prune_command(app: App) -> Result:
    """Delete rows that are older or more than `telemetry.retention_days` and `.max_rows` allow.

    Example: cleo telemetry prune --dry-run
    """
    from cleo_core.cli.progress import Progress

    with Progress() as progress:
        done = app.service("telemetry").prune(
            progress=lambda gone, total: progress("rows", gone, total)
        )
    word = "would go" if app.dry_run else "deleted"
    return Result(
        done,
        ids=[],
        human=lambda out: out.line(
            f"{word}: {done.deleted_by_age} by age, {done.deleted_by_count} by number; "
            f"{done.rows} rows left"
        ),
    )


@command("purge", writes=True, project="none")
@click.option(
    "--days",
    type=click.IntRange(1, 36_500),
    help="Only rows older than so many days; the id stays.",
)
@click.option("--all", "whole", is_flag=True, help="Remove the file too, and disable telemetry.")
@click.option("--yes", is_flag=True, help="Do not ask; needed without a terminal.")
def purge_command(app: App, days: int | None, whole: bool, yes: bool) -> Result:
    """Delete rows and your id for good: no byte of them is left in the file.

    Example: cleo telemetry purge --all --yes
    """
    service = app.service("telemetry")
    service.present(all=whole)
    if not yes and not app.dry_run:
        _ask(days, whole)
    done = service.purge(days=days, all=whole)
    word = "would be " if app.dry_run else ""
    gone = f", and the file {word}removed" if done.file_removed else ""
    return Result(
        done, ids=[], human=lambda out: out.line(f"{done.deleted} rows {word}deleted{gone}.")
    )


def _ask(days: int | None, whole: bool) -> None:
    if not sys.stdin.isatty():
        more = " --all" if whole else "" if days is None else f" --days {days}"
        raise CleoError(
            "E_CONFIRMATION_NEEDED",
            "What is purged cannot be brought back; say --yes.",
            fix=f"cleo telemetry purge{more} --yes",
        )
    what = "all telemetry and its file" if whole else "all telemetry and your id"
    if days is not None:
        what = f"telemetry older than {days} days"
    if not click.confirm(f"Delete {what} for good?", err=True):
        raise CleoError("E_NO_CHANGE", "Nothing was deleted.", fix="cleo telemetry status")
