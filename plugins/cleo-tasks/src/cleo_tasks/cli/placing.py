"""``cleo tree``, ``reparent``, ``reorder``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_core.cli import Result, command
from cleo_tasks.cli import render_structure as render
from cleo_tasks.cli.tasks import service

if TYPE_CHECKING:
    from cleo_core.app import App


@command("tree")
@click.argument("id", required=False)
@click.option("--depth", type=click.IntRange(min=1), help="Levels at most.")
@click.option("--open", is_flag=True, help="Without what is done or cancelled.")
def tree_command(app: App, id: str | None, depth: int | None, open: bool) -> Result:
    """Show the hierarchy of the project or below one task.

    Example: cleo tree T001 --open
    """
    nodes = service(app).tree(id, depth=depth, open=open)
    return Result(nodes, human=lambda out: render.tree(out, nodes))


@command("reparent", edits=True)
@click.argument("id")
@click.option("--to", required=True, metavar="ID|root", help="The new parent, or root.")
def reparent_command(app: App, id: str, to: str, if_version: int | None) -> Result:
    """Move a task, with all that is below it, under another one.

    Example: cleo reparent T005 --to T002
    """
    result = service(app).reparent(id, to, if_version=if_version)
    return Result(result, human=lambda out: render.moved(out, result))


@command("reorder", edits=True)
@click.argument("id")
@click.option("--position", type=click.IntRange(min=1), help="Its place among its siblings.")
@click.option("--before", metavar="ID", help="The sibling it goes before.")
@click.option("--after", metavar="ID", help="The sibling it goes behind.")
def reorder_command(app: App, id: str, **given: Any) -> Result:
    """Move a task among its siblings.

    Example: cleo reorder T005 --before T003
    """
    result = service(app).reorder(id, **given)
    return Result(result, human=lambda out: render.moved(out, result))
