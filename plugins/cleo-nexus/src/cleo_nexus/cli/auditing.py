"""``cleo nexus audit``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_core.cli import Result, command, group
from cleo_core.output import Printer
from cleo_nexus.cli.rendering import service

if TYPE_CHECKING:
    from cleo_core.app import App


@command("list", project="optional", lists=True)
@click.option("--action", help="Rows of this action, nexus.register for instance.")
@click.option("--in", "in_project", metavar="PROJECT", help="Rows about this project.")
@click.option("--since", metavar="TIME", help="Rows written at or after this time.")
def list_command(
    app: App,
    action: str | None,
    in_project: str | None,
    since: str | None,
    limit: int | None,
    offset: int,
) -> Result:
    """List what was done in the map of projects, and what was refused, newest first.

    Example: cleo nexus audit list --action nexus.register
    """
    rows, page = service(app).audit_list(
        action=action, in_project=in_project, since=since, limit=limit, offset=offset
    )

    def human(out: Printer) -> None:
        if not rows:
            out.line("The audit has no such row.")
            return
        out.table(
            ("seq", "time", "action", "project", "result"),
            [
                (
                    str(row["seq"]),
                    row["timestamp"],
                    row["action"],
                    row["projectId"] or "",
                    "done" if row["success"] else f"refused: {row['errorCode']}",
                )
                for row in rows
            ],
        )

    return Result(rows, page=page, ids=[str(row["seq"]) for row in rows], human=human)


@command("prune", project="optional", writes=True)
@click.option("--before", metavar="TIME", required=True, help="Rows written before this time.")
def prune_command(app: App, before: str) -> Result:
    """Archive old rows of the audit to a file of their own, then delete them.

    Example: cleo nexus audit prune --before 2026-01-01 --dry-run
    """
    found = service(app).audit_prune(before=before)

    def human(out: Printer) -> None:
        if found.path is None:
            out.line(f"{found.deleted} rows would be archived and deleted")
        else:
            out.line(f"{found.deleted} rows are in {found.path} now")

    return Result(found, ids=[found.path] if found.path else [], human=human)


audit_command = group(
    "audit",
    "What was done in the map of projects, and what was refused.",
    list_command,
    prune_command,
)
