"""``cleo nexus list``, ``show``, ``status`` and ``sync``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_core.cli import Result, command
from cleo_core.output import Printer
from cleo_nexus.cli.rendering import counted, print_project, service
from cleo_nexus.enums import HEALTH

if TYPE_CHECKING:
    from cleo_core.app import App


@command("list", project="optional", lists=True)
@click.option("--health", type=click.Choice(HEALTH), help="Only those of this health.")
def list_command(app: App, health: str | None, limit: int | None, offset: int) -> Result:
    """List the registered projects.

    Example: cleo nexus list
    """
    found, page = service(app).list(health=health, limit=limit, offset=offset)

    def human(out: Printer) -> None:
        if not found:
            out.line("No project is registered; `cleo nexus register` adds this one.")
            return
        out.table(
            ("", "slug", "name", "lets", "health", "tasks", "path"),
            [
                (
                    "*" if one.current else "",
                    one.slug,
                    one.name,
                    one.permissions,
                    one.health.status,
                    counted(one),
                    one.path,
                )
                for one in found
            ],
        )

    return Result(found, page=page, ids=[one.slug for one in found], human=human)


@command("show", project="optional")
@click.argument("key", metavar="PROJECT")
def show_command(app: App, key: str) -> Result:
    """Show a project: by slug, id, hash, path or a former name.

    Example: cleo nexus show web
    """
    found = service(app).show(key)
    return Result(found, ids=[found.slug], human=lambda out: print_project(out, found))


@command("status", project="optional")
def status_command(app: App) -> Result:
    """Say how many projects there are, of which health, and what joins them.

    Example: cleo nexus status
    """
    found = service(app).status()

    def human(out: Printer) -> None:
        health = ", ".join(f"{count} {word}" for word, count in found.by_health.items() if count)
        out.line(f"{found.projects} projects{f': {health}' if health else ''}")
        out.line(f"{found.edges} edges between their tasks")
        out.line(f"{found.open_instances} open instances, {found.open_transfers} open transfers")

    return Result(found, ids=[], human=human)


@command("sync", project="optional", writes=True)
@click.argument("key", metavar="[PROJECT]", required=False)
@click.option("--all", "everything", is_flag=True, help="Every registered project.")
def sync_command(app: App, key: str | None, everything: bool) -> Result:
    """Count the tasks and labels of a project, by default this one, and note its health.

    Its files are only read.

    Example: cleo nexus sync --all
    """
    from cleo_core.cli.progress import Progress

    with Progress() as progress:
        found = service(app).sync(
            key,
            everything=everything,
            progress=lambda done, total: progress("projects", done, total),
        )

    def human(out: Printer) -> None:
        for one in found.synced:
            out.line(f"{one.slug}: {one.task_count} tasks, {one.health.status}")
        for failure in found.failed:
            out.line(f"{failure.project} could not be counted: {failure.message}")
        if not found.synced and not found.failed:
            out.line("No project is registered; `cleo nexus register` adds this one.")

    return Result(found, ids=[one.slug for one in found.synced], human=human)
