"""``cleo stats``, ``dash``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from cleo_core.cli import Result, command
from cleo_tasks.cli import render_stats as render
from cleo_tasks.cli.tasks import service

if TYPE_CHECKING:
    from cleo_core.app import App


def _selection(callback: Callable[..., Result]) -> Callable[..., Result]:
    for option in (
        click.option("--within", metavar="ID", help="Only this task and what is below it."),
        click.option("--phase", metavar="SLUG", help="Only tasks of this phase."),
    ):
        callback = option(callback)
    return callback


@command("stats")
@_selection
def stats_command(app: App, phase: str | None, within: str | None) -> Result:
    """Count tasks by status, priority, type and phase, and those ready, blocked and claimed.

    By status all tasks are counted, by priority and type the open ones. Blocked is the status;
    waiting are open tasks with an open dependency, and held up is either.

    Example: cleo stats --within T001
    """
    found = service(app).stats(phase=phase, within=within)
    return Result(found, ids=(), human=lambda out: render.stats(out, found))


@command("dash")
@_selection
def dash_command(app: App, phase: str | None, within: str | None) -> Result:
    """Show where the project stands: numbers, work in progress, what is next, what is stuck.

    Example: cleo dash --phase beta
    """
    found = service(app).dash(phase=phase, within=within)
    ids = [one.id for one in found.active]
    return Result(found, ids=ids, human=lambda out: render.dash(out, found))
