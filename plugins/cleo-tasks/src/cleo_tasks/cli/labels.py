"""``cleo label``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_core.cli import Result, command, group
from cleo_tasks.cli import render_records
from cleo_tasks.cli.tasks import service

if TYPE_CHECKING:
    from cleo_core.app import App


@command("list", lists=True)
def list_command(app: App, limit: int | None, offset: int) -> Result:
    """List the labels in use, with the number of tasks that have them.

    Example: cleo label list
    """
    found, page = service(app).label_list(limit=limit, offset=offset)
    ids = [one.label for one in found]
    return Result(
        found, page=page, ids=ids, human=lambda out: render_records.label_counts(out, found)
    )


@command("show", lists=True)
@click.argument("label")
def show_command(app: App, label: str, limit: int | None, offset: int) -> Result:
    """List the tasks that have a label, in any status.

    Example: cleo label show cli
    """
    found, page = service(app).label_show(label, limit=limit, offset=offset)
    return Result(found, page=page, human=lambda out: render_records.label(out, found))


@command("rename", writes=True)
@click.argument("label")
@click.argument("to")
def rename_command(app: App, label: str, to: str) -> Result:
    """Give a label another name on every task.

    Example: cleo label rename ui frontend
    """
    result = service(app).label_rename(label, to)
    return Result(
        result,
        ids=[result.label],
        human=lambda out: out.line(f"{label} is {result.label} now, on {result.tasks} tasks."),
    )


@command("remove", writes=True)
@click.argument("label")
def remove_command(app: App, label: str) -> Result:
    """Take a label from every task that has it.

    Example: cleo label remove someday
    """
    result = service(app).label_remove(label)
    return Result(
        result,
        ids=[result.label],
        human=lambda out: out.line(f"{result.label} was taken from {result.tasks} tasks."),
    )


label_command = group(
    "label", "Labels.", list_command, show_command, rename_command, remove_command
)
