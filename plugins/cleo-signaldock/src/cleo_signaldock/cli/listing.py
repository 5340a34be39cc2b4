"""``cleo agent list`` and ``get``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_core.cli import Result, command
from cleo_signaldock.cli import rendering, service
from cleo_signaldock.enums import CLASS

if TYPE_CHECKING:
    from cleo_core.app import App


@command("list", project="optional", lists=True)
@click.option("--global", "everywhere", is_flag=True, help="All agents of this machine.")
@click.option("--active", is_flag=True, help="Without those that are retired.")
@click.option("--include-disabled", is_flag=True, help="With those that are detached.")
@click.option("--class", "class_", type=click.Choice(CLASS), help="Of this kind.")
@click.option("--capability", help="Can do this.")
@click.option("--skill", help="Knows this.")
@click.option("--search", metavar="TEXT", help="Has this in its id, name or description.")
def list_command(app: App, **given: Any) -> Result:
    """List the agents that this project sees. Also called ls.

    Example: cleo agent list --active
    """
    found, page = service(app).list(**given)
    return Result(
        {"agents": found},
        page=page,
        ids=[agent.agent_id for agent in found],
        human=lambda out: rendering.table(out, found),
    )


@command("get", project="optional")
@click.argument("agent_id", metavar="ID")
@click.option(
    "--global", "everywhere", is_flag=True, help="Also one that this project does not see."
)
def get_command(app: App, agent_id: str, everywhere: bool) -> Result:
    """Show an agent. Also called show.

    Example: cleo agent get reviewer
    """
    agent = service(app).get(agent_id, everywhere=everywhere)
    return Result(
        {"agents": [agent]}, ids=[agent.agent_id], human=lambda out: rendering.show(out, agent)
    )
