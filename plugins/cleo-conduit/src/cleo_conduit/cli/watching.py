"""``cleo conduit watch`` and ``run``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from cleo_conduit.cli.options import SECONDS
from cleo_conduit.cli.refs import service
from cleo_core.cli import Result, command
from cleo_core.cli.streaming import in_words, program, stream
from cleo_core.stopping import Stopping

if TYPE_CHECKING:
    from cleo_core.app import App

_CONSUMER = click.option(
    "--consumer", metavar="NAME", help="Which of the agent's processes takes messages."
)
_EXEC = click.option(
    "--exec", "handler", metavar="CMD", help="Give each message to a program's stdin."
)
_TIMEOUT = click.option("--timeout", type=SECONDS, metavar="SECONDS", help="Stop after so long.")


@command("watch", streams=True)
@_CONSUMER
@_EXEC
@_TIMEOUT
@click.option("--once", is_flag=True, help="Look once, and stop.")
def watch_command(
    app: App, consumer: str | None, handler: str | None, timeout: float | None, once: bool
) -> Result:
    """Print messages as they come, one JSON line for each; each is confirmed once it is printed.

    With `--exec` a message is confirmed when the program ends with 0; otherwise it comes again.

    Example: cleo conduit watch --exec "./on-message"
    """
    # Before a message is taken that nobody could be given.
    words = None if handler is None else program(handler)
    with Stopping() as stopping:
        events = service(app).watch(
            consumer=consumer, timeout=timeout, once=once, program=words, stop=stopping
        )
        last = stream(app, events, _words)
    return Result(last, ids=[], human=lambda out: out.line("stopped"))


@command("run", streams=True)
@click.option("--once", is_flag=True, help="One pass, and stop.")
@_TIMEOUT
@_CONSUMER
@_EXEC
@click.option("--for", "agent_id", metavar="ID", help="Fetch the mail of this agent alone.")
def run_command(
    app: App,
    once: bool,
    timeout: float | None,
    consumer: str | None,
    handler: str | None,
    agent_id: str | None,
) -> Result:
    """Carry mail to and from other machines, until it is stopped.

    Mail between the agents of this project needs no `run`. With `--exec` it also gives the acting
    agent's messages to a program, as `watch --exec` does.

    Example: cleo conduit run --once
    """
    words = None if handler is None else program(handler)
    with Stopping() as stopping:
        events = service(app).run(
            agent_id,
            once=once,
            timeout=timeout,
            program=words,
            consumer=consumer,
            stop=stopping,
        )
        last = stream(app, events, _words)
    return Result(last, ids=[], human=lambda out: out.line("stopped"))


def _words(event: Mapping[str, Any]) -> str:
    if event["event"] == "message":
        message = event["message"]
        said = f"{message['subject']}: {message['content']}" if message["subject"] else None
        return f"{message['seq']} {message['from']}: {said or message['content']}"
    if event["event"] == "state":
        return f"{event['id']}: {event['agentId']} {event['state']}"
    return in_words(event)
