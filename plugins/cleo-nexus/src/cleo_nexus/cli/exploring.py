"""``cleo nexus blocking``, ``critical-path`` and ``orphans``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_core.cli import Result, command
from cleo_core.output import Printer
from cleo_nexus.cli.rendering import TIMEOUT, print_entries, print_skipped, service

if TYPE_CHECKING:
    from cleo_core.app import App


@command("blocking", project="optional")
@click.argument("reference", metavar="REF")
@TIMEOUT
def blocking_command(app: App, reference: str, timeout: float | None) -> Result:
    """List the open tasks of all projects that wait for a task, nearest first.

    Example: cleo nexus blocking api:T001
    """
    found = service(app).blocking(reference, timeout=timeout)

    def human(out: Printer) -> None:
        print_entries(out, found.entries, f"No open task waits for {found.root.ref}.")
        if found.entries:
            out.line(f"Open tasks that wait for {found.root.ref}: {found.impact_score}.")
        print_skipped(out, found.skipped)

    return Result(found, ids=[one.ref for one in found.entries], human=human)


@command("critical-path", project="optional")
@click.argument("reference", metavar="[REF]", required=False)
@TIMEOUT
def critical_path_command(app: App, reference: str | None, timeout: float | None) -> Result:
    """Show the longest chain of open tasks of all projects, or the one that leads to a task.

    Example: cleo nexus critical-path web:T004
    """
    found = service(app).critical_path(reference, timeout=timeout)

    def human(out: Printer) -> None:
        print_entries(out, found.entries, "No task is open.", indent=False)
        if found.blocked_by is not None:
            out.line(f"It goes on with {found.blocked_by.ref}.")
        print_skipped(out, found.skipped)

    return Result(found, ids=[one.ref for one in found.entries], human=human)


@command("orphans", project="optional", writes=True)
@click.option("--prune", is_flag=True, help="Count what would be removed; with --yes remove it.")
@click.option("--yes", is_flag=True, help="Remove it.")
def orphans_command(app: App, prune: bool, yes: bool) -> Result:
    """List edges, epics and stages whose task or project is gone.

    Example: cleo nexus orphans --prune --yes
    """
    found = service(app).orphans(prune=prune, yes=yes)

    def human(out: Printer) -> None:
        if found.orphans:
            out.table(
                ("what", "task", "why", "of"),
                [(one.kind, one.ref, one.reason, one.of) for one in found.orphans],
            )
        if found.unknown:
            out.line(f"{found.unknown} tasks could not be looked at; they are left alone.")
        if prune:
            done = "were" if yes and not app.dry_run else "would be"
            out.line(f"{found.removed} {done} removed.")

    return Result(found, ids=[one.ref for one in found.orphans], human=human)
