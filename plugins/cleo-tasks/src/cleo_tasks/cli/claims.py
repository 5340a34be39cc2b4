"""``cleo claim``, ``unclaim``, ``start``, ``stop``, ``current``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_core.cli import Result, command
from cleo_tasks.cli import render_sessions as render
from cleo_tasks.cli.tasks import service

if TYPE_CHECKING:
    from cleo_core.app import App


@command("claim", edits=True)
@click.argument("id", required=False)
@click.option("--next", is_flag=True, help="The best ready task, in place of an id.")
@click.option("--start", is_flag=True, help="Begin to work on it too.")
@click.option("--resume", is_flag=True, help="First what the agent holds already.")
@click.option("--label", "labels", multiple=True, help="With this label; repeatable.")
@click.option("--phase", help="In this phase.")
@click.option("--type", help="Of this type.")
@click.option("--role", help="Of this role.")
@click.option("--priority", help="Of this priority.")
def claim_command(app: App, **given: Any) -> Result:
    """Take a task, so that no other agent does.

    Example: cleo claim --next --start --agent builder
    """
    result = service(app).claim(**given)
    return Result(result, human=lambda out: render.claimed(out, result))


@command("unclaim", edits=True)
@click.argument("id", required=False)
@click.option("--force", is_flag=True, help="Although another agent holds it.")
@click.option("--reason", help="Why; needed with --force.")
@click.option("--stale", is_flag=True, help="All old claims of agents that are gone.")
@click.option("--held-by", metavar="AGENT", help="All claims of one agent.")
def unclaim_command(app: App, **given: Any) -> Result:
    """Give a claimed task back.

    Example: cleo unclaim T001 --agent builder
    """
    result = service(app).unclaim(**given)
    return Result(result, human=lambda out: render.released(out, result))


@command("start", edits=True)
@click.argument("id")
def start_command(app: App, id: str, if_version: int | None) -> Result:
    """Begin to work on a task.

    Example: cleo start T001 --agent builder
    """
    result = service(app).start(id, if_version=if_version)
    return Result(result, human=lambda out: render.started(out, result))


@command("stop", edits=True)
@click.option("--release", is_flag=True, help="Give the claim back too.")
def stop_command(app: App, release: bool, if_version: int | None) -> Result:
    """Stop working on the current task.

    Example: cleo stop --release --agent builder
    """
    result = service(app).stop(release=release, if_version=if_version)
    return Result(result, human=lambda out: render.stopped(out, result))


@command("current")
def current_command(app: App) -> Result:
    """Show the task being worked on.

    Example: cleo current --agent builder --field task.id
    """
    result = service(app).current()
    return Result(result, human=lambda out: render.current(out, result))
