"""``cleo verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_core.cli import Result, command
from cleo_tasks.cli import render_verification
from cleo_tasks.cli.tasks import service
from cleo_tasks.enums import GATE_RESULT, GATES

if TYPE_CHECKING:
    from cleo_core.app import App


@command("verify", edits=True)
@click.argument("id")
@click.option("--gate", help=f"{', '.join(GATES[:-1])} or {GATES[-1]}.")
@click.option("--result", type=click.Choice(GATE_RESULT), help="What became of it.")
@click.option(
    "--evidence",
    multiple=True,
    metavar="ATOM",
    help="commit:SHA, files:PATH,PATH, test-run:PATH, tool:NAME=EXIT, url:… or note:…; repeatable.",
)
@click.option("--reason", help="Why it is a fail, a warn or a reset.")
@click.option("--round", type=click.IntRange(min=1), help="Refuse unless this is the round.")
@click.option("--reset", is_flag=True, help="Begin again with round 1.")
def verify_command(app: App, id: str, **given: Any) -> Result:
    """Record the result of a gate of a task, or without --gate show them all.

    A pass needs evidence that can be checked, a warn only a reason. A fail ends the round, and the
    gates have to be passed anew.

    Example: cleo verify T001 --gate implemented --result pass --evidence commit:HEAD
    """
    result = service(app).verify(id, **given)
    return Result(result, human=lambda out: render_verification.verification(out, result))
