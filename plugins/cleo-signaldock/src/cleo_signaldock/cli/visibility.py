"""``cleo agent attach``, ``detach`` and ``remove``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_core.cli import Result, command
from cleo_signaldock.cli import json_option, service

if TYPE_CHECKING:
    from cleo_core.app import App


@command("attach", writes=True)
@click.argument("agent_id", metavar="ID")
@click.option("--role", help="What it does in this project.")
@click.option(
    "--capabilities-override",
    "override",
    metavar="JSON",
    help='What it can do in this project: \'["chat"]\' or \'{"add": [], "remove": []}\'.',
)
def attach_command(app: App, agent_id: str, role: str | None, override: str | None) -> Result:
    """Let this project see an agent.

    Example: cleo agent attach reviewer --role reviewer
    """
    done = service(app).attach(
        agent_id, role=role, override=json_option(override, "--capabilities-override", "'[]'")
    )
    word = "attached" if done.changed else "attached already"
    return Result(done, ids=[agent_id], human=lambda out: out.line(f"{agent_id}: {word}"))


@command("detach", writes=True)
@click.argument("agent_id", metavar="ID")
def detach_command(app: App, agent_id: str) -> Result:
    """Stop this project from seeing an agent; its identity, role and history stay.

    Example: cleo agent detach reviewer
    """
    done = service(app).detach(agent_id)
    word = "detached" if done.changed else "detached already"
    return Result(done, ids=[agent_id], human=lambda out: out.line(f"{agent_id}: {word}"))


@command("remove", project="optional", writes=True)
@click.argument("agent_id", metavar="ID")
@click.option("--global", "everywhere", is_flag=True, help="Its identity, off this machine.")
@click.option("--force", is_flag=True, help="Although projects name it.")
@click.option("--force-global", is_flag=True, hidden=True, help="The same as --global --force.")
def remove_command(
    app: App, agent_id: str, everywhere: bool, force: bool, force_global: bool
) -> Result:
    """Forget that this project saw an agent, or with --global delete its identity.

    Example: cleo agent remove reviewer
    """
    if everywhere or force_global:
        done = service(app).remove_everywhere(agent_id, force=force or force_global)
        text = f"{agent_id}: deleted"
        if done.scanned != "nexus":
            looked = "only this project" if done.scanned == "project" else "no project"
            text += f"; {looked} was looked at for refs of it"
    else:
        done = service(app).remove(agent_id)
        text = f"{agent_id}: not of this project any more"
    return Result(done, ids=[agent_id], human=lambda out: out.line(text))
