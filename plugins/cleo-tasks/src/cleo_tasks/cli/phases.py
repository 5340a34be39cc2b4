"""``cleo phase``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_core.cli import Result, command, group
from cleo_tasks.cli import render_records
from cleo_tasks.cli.tasks import service

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_tasks.service.phases import Phase


@command("list", lists=True)
def list_command(app: App, limit: int | None, offset: int) -> Result:
    """List the phases in their order, with the number of tasks in them.

    Example: cleo phase list
    """
    found, page = service(app).phase_list(limit=limit, offset=offset)
    return Result(
        found,
        page=page,
        ids=[one.slug for one in found],
        human=lambda out: render_records.phases(out, found),
    )


@command("show")
@click.argument("slug")
def show_command(app: App, slug: str) -> Result:
    """Show a phase, with its tasks counted by status.

    Example: cleo phase show beta
    """
    found = service(app).phase_show(slug)
    return Result(found, ids=[found.slug], human=lambda out: render_records.phase(out, found))


@command("add", creates=True)
@click.argument("slug")
@click.option("--name", help="What people call it.")
@click.option("--position", type=int, help="Its place among the phases, from 1.")
def add_command(app: App, slug: str, **given: Any) -> Result:
    """Make a phase.

    Example: cleo phase add beta --name "Public beta"
    """
    return _result(service(app).phase_add(slug, **given), "Added")


@command("rename", writes=True)
@click.argument("slug")
@click.argument("to", required=False)
@click.option("--name", help="Another name for people.")
def rename_command(app: App, slug: str, to: str | None, name: str | None) -> Result:
    """Give a phase another slug or name; its tasks stay in it.

    Example: cleo phase rename beta public-beta --name "Public beta"
    """
    return _result(service(app).phase_rename(slug, to, name=name), "Renamed")


@command("start", writes=True)
@click.argument("slug")
def start_command(app: App, slug: str) -> Result:
    """Make a phase the active one: `cleo next` prefers its tasks.

    Example: cleo phase start beta
    """
    return _result(service(app).phase_start(slug), "Started")


@command("complete", writes=True)
@click.argument("slug")
def complete_command(app: App, slug: str) -> Result:
    """Complete the active phase, when none of its tasks is open.

    Example: cleo phase complete beta
    """
    return _result(service(app).phase_complete(slug), "Completed")


@command("delete", writes=True)
@click.argument("slug")
def delete_command(app: App, slug: str) -> Result:
    """Delete a phase that no task is in.

    Example: cleo phase delete beta
    """
    return _result(service(app).phase_delete(slug), "Deleted")


def _result(found: Phase, word: str) -> Result:
    return Result(
        found,
        ids=[found.slug],
        human=lambda out: out.line(f"{word} phase {found.slug}: {found.name}"),
    )


phase_command = group(
    "phase",
    "Phases of the project.",
    list_command,
    show_command,
    add_command,
    rename_command,
    start_command,
    complete_command,
    delete_command,
)
