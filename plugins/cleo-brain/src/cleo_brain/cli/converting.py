"""``cleo sticky convert``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_brain.cli import service
from cleo_core.cli import Result, command

if TYPE_CHECKING:
    from cleo_core.app import App


@command("convert", writes=True)
@click.argument("id_", metavar="ID")
@click.option(
    "--to",
    required=True,
    type=click.Choice(("task", "decision", "learning", "observation")),
    help="What it becomes.",
)
@click.option("--title", help="Of a task or an observation; else the beginning of the note.")
@click.option("--rationale", help="Why; a decision needs it.")
@click.option("--parent", metavar="TASK", help="Parent of the task.")
@click.option("--type", "type_", help="Type of the task, decision or observation.")
def convert_command(app: App, id_: str, to: str, type_: str | None, **given: Any) -> Result:
    """Make something lasting of a note.

    Example: cleo sticky convert SN-001 --to task --parent T012
    """
    found = service(app).sticky_convert(id_, to, type=type_, **given)
    return Result(
        found,
        ids=[found.target.id],
        human=lambda out: out.line(
            f"{found.sticky.id} is {found.target.kind} {found.target.id} now ({found.outcome})."
        ),
    )
