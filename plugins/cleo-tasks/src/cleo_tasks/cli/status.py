"""``cleo complete``, ``cancel``, ``reopen``, ``archive``, ``unarchive``, ``delete``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_core.cli import Result, command
from cleo_tasks.cli import render_status
from cleo_tasks.cli.tasks import service

if TYPE_CHECKING:
    from cleo_core.app import App

_CHILDREN = click.option(
    "--children",
    default="block",
    type=click.Choice(("block", "cascade", "orphan")),
    help="Refuse because of open children, include them, or move them up.",
)


@command("complete", edits=True)
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
@click.option("--note", help="A note for each of them.")
def complete_command(app: App, ids: tuple[str, ...], **given: Any) -> Result:
    """Complete tasks, and the parents that are finished with them.

    Example: cleo complete T001 --note "released in 1.2"
    """
    results = service(app).complete(*ids, **given)
    return Result(
        results[0] if len(ids) == 1 else results,
        human=lambda out: render_status.completed(out, results),
    )


@command("cancel", edits=True)
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
@click.option("--reason", help="Why, in at most 500 characters.")
@_CHILDREN
def cancel_command(app: App, ids: tuple[str, ...], **given: Any) -> Result:
    """Give tasks up.

    Example: cleo cancel T001 --reason "no longer needed" --children cascade
    """
    result = service(app).cancel(*ids, **given)
    return Result(result, human=lambda out: render_status.closed(out, result, "Cancelled"))


@command("reopen", edits=True)
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
@click.option("--status", default="pending", help="pending or active.")
def reopen_command(app: App, ids: tuple[str, ...], **given: Any) -> Result:
    """Open done or cancelled tasks again.

    Example: cleo reopen T001 --status active
    """
    result = service(app).reopen(*ids, **given)
    return Result(result, human=lambda out: render_status.reopened(out, result))


@command("archive", edits=True)
@click.argument("ids", nargs=-1, metavar="[ID…]")
@click.option("--done-before", metavar="TIME", help="All completed before this time.")
@click.option("--all-done", is_flag=True, help="All that are done.")
@click.option("--cancelled", is_flag=True, help="All that are cancelled.")
@click.option("--reason", help="completed, cancelled, superseded or duplicate.")
def archive_command(app: App, ids: tuple[str, ...], **given: Any) -> Result:
    """Put closed tasks away.

    Example: cleo archive --done-before 2026-01-01
    """
    result = service(app).archive(*ids, **given)
    return Result(result, human=lambda out: render_status.archived(out, result))


@command("unarchive", edits=True)
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
def unarchive_command(app: App, ids: tuple[str, ...], **given: Any) -> Result:
    """Take tasks back out of the archive, with the status they had.

    Example: cleo unarchive T001
    """
    result = service(app).unarchive(*ids, **given)
    return Result(result, human=lambda out: render_status.archived(out, result))


@command("delete", edits=True)
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
@click.option("--reason", help="Why, in at most 500 characters.")
@_CHILDREN
@click.option("--detach", is_flag=True, help="Remove the edges of tasks that depend on them.")
@click.option("--purge", is_flag=True, help="Remove archived tasks for good.")
def delete_command(app: App, ids: tuple[str, ...], purge: bool, **given: Any) -> Result:
    """Delete tasks into the archive, or with --purge archived ones for good.

    Example: cleo delete T001 --detach
    """
    result = service(app).delete(*ids, purge=purge, **given)
    word = "Purged" if purge else "Deleted"
    return Result(result, human=lambda out: render_status.closed(out, result, word))
