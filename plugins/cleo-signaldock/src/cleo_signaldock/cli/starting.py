"""``cleo agent start``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_core.cli import Result, command
from cleo_core.cli.streaming import program, stream
from cleo_core.errors import CleoError
from cleo_core.stopping import Stopping
from cleo_signaldock.cli import service

if TYPE_CHECKING:
    from cleo_core.app import App


@command("start", streams=True)
@click.argument("agent_id", metavar="ID")
@click.option("--exec", "handler", metavar="CMD", help="Give each message to a program's stdin.")
@click.option(
    "--poll-interval",
    type=click.FloatRange(min=0.1, max=86_400),
    default=5.0,
    metavar="SECONDS",
    help="Between two looks at its server.",
)
@click.option("--no-heartbeat", is_flag=True, help="Do not note that it is still there.")
@click.option("--once", is_flag=True, help="One pass, and stop.")
def start_command(
    app: App,
    agent_id: str,
    handler: str | None,
    poll_interval: float,
    no_heartbeat: bool,
    once: bool,
) -> Result:
    """Set an agent online, carry its mail and give its program what comes, until it is stopped.

    Example: cleo agent start builder --exec "./on-message"
    """
    words = None if handler is None else program(handler)
    if not app.has_service("conduit"):
        raise CleoError(
            "E_PLUGIN_MISSING",
            "No installed plugin carries messages.",
            fix="pip install cleo-conduit",
        )
    with Stopping() as stopping:
        events = service(app).start(
            agent_id,
            once=once,
            poll_interval=poll_interval,
            heartbeat=not no_heartbeat,
            program=words,
            stop=stopping,
        )
        last = stream(app, events)
    return Result(last, ids=[], human=lambda out: out.line("stopped"))
