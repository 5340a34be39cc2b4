"""``cleo next``, ``ready``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from cleo_core.cli import Result, command
from cleo_tasks.cli import render, render_structure
from cleo_tasks.cli.tasks import service
from cleo_tasks.enums import TASK_ROLE, TASK_TYPE

if TYPE_CHECKING:
    from cleo_core.app import App


def _filters(callback: Callable[..., Result]) -> Callable[..., Result]:
    for option in (
        click.option("--priority", help="Of this priority."),
        click.option("--role", type=click.Choice(TASK_ROLE), help="Of this role."),
        click.option("--type", type=click.Choice(TASK_TYPE), help="Of this type."),
        click.option("--phase", help="In this phase."),
        click.option("--label", "labels", multiple=True, help="With this label; repeatable."),
    ):
        callback = option(callback)
    return callback


@command("next")
@click.option("-n", type=click.IntRange(min=1), default=1, help="How many; 1 by default.")
@click.option("--explain", is_flag=True, help="With the points of each score.")
@_filters
def next_command(app: App, n: int, **given: Any) -> Result:
    """Say what to do next: the ready tasks with the highest scores.

    Example: cleo next -n 5 --explain
    """
    found = service(app).next(n, **given)
    return Result(found, human=lambda out: render_structure.suggestions(out, found))


@command("ready", lists=True)
@click.option("--mine", is_flag=True, help="Also those that the caller holds.")
@click.option("--claimed", is_flag=True, help="Also those that anybody holds.")
@_filters
def ready_command(app: App, **given: Any) -> Result:
    """List what can be started now, in the order of next.

    Example: cleo ready --label cli
    """
    lines, page = service(app).ready(**given)
    return Result(lines, page=page, human=lambda out: render.lines(out, lines))
