"""``cleo memory context``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_brain.cli import service
from cleo_brain.enums import KIND
from cleo_core.cli import Result, command

if TYPE_CHECKING:
    from cleo_core.app import App


@command("context", writes=True)
@click.option("--task", metavar="ID", help="What is to be worked on.")
@click.option("--query", metavar="TEXT", help="What it is about; else the task says.")
@click.option("--budget", type=int, metavar="TOKENS", help="Else as brain.context.budget says.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KIND), help="Only this kind.")
@click.option(
    "--used/--not-used", default=None, help="Count this as a use; else as brain.retrieval_log says."
)
def context_command(app: App, **options: Any) -> Result:
    """Show what is known about a task, within a budget of tokens.

    Example: cleo memory context --task T042 --budget 1500
    """
    found = service(app).context(**options)
    return Result(
        found,
        ids=[entry.id for entry in found.entries],
        human=lambda out: out.line(found.markdown or "Nothing is known."),
    )
