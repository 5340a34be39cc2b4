"""``cleo conduit token``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_conduit.cli.options import AS_HUMAN
from cleo_conduit.cli.refs import service
from cleo_core.cli import Result, command
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_core.app import App


@command("token")
@click.argument("agent_id", metavar="ID")
@click.option("--remove", is_flag=True, help="Take the token away.")
@AS_HUMAN
def token_command(app: App, agent_id: str, remove: bool, by_person: bool) -> Result:
    """Make a token that proves who acts; it is shown this once.

    From then on nobody acts as this agent without it. HumanOverseer is the person at the keyboard.

    Example: cleo conduit token builder
    """
    done = service(app).token(agent_id, remove=remove, as_human=by_person)

    def human(out: Printer) -> None:
        if done is None:
            out.line(f"{agent_id} has no token any more.")
            return
        out.line(done.token)
        out.line(f"Set it as {done.variable} where {agent_id} runs; it is not shown again.")

    data = {"agentId": agent_id, "removed": True} if done is None else done
    return Result(data, ids=[agent_id], human=human)
