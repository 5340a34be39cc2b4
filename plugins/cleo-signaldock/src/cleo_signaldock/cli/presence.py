"""``cleo agent heartbeat``, ``stop``, ``status``, ``whoami``, ``signin``, ``retire`` and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_core.cli import Result, command
from cleo_core.errors import UsageError
from cleo_core.output import Page
from cleo_signaldock.cli import rendering, service

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_signaldock.records import ChangedAgents


@command("heartbeat", project="optional", writes=True)
@click.argument("agent_id", metavar="[ID]", required=False)
@click.option(
    "--status",
    type=click.Choice(("online", "busy", "away")),
    default="online",
    help="How it is there.",
)
def heartbeat_command(app: App, agent_id: str | None, status: str) -> Result:
    """Note that an agent is there: ID, else the one that acts.

    Example: cleo agent heartbeat reviewer
    """
    agent = service(app).heartbeat(agent_id or app.require_agent(), status=status)
    return Result(
        agent,
        ids=[agent.agent_id],
        human=lambda out: out.line(f"{agent.agent_id}: {agent.status}"),
    )


@command("stop", project="optional", writes=True)
@click.argument("ids", metavar="ID...", nargs=-1)
@click.option("--all", "everyone", is_flag=True, help="All agents that are there.")
def stop_command(app: App, ids: tuple[str, ...], everyone: bool) -> Result:
    """Note that agents went away.

    Example: cleo agent stop reviewer
    """
    if not ids and not everyone:
        ids = (app.require_agent(),)
    if ids and everyone:
        raise UsageError("Name agents, or take --all.", fix="cleo agent stop --all")
    return _changed("offline", service(app).stop(*ids, everyone=everyone))


@command("status", project="optional")
@click.argument("ids", metavar="ID...", nargs=-1)
@click.option("--all", "everywhere", is_flag=True, help="All agents of this machine.")
def status_command(app: App, ids: tuple[str, ...], everywhere: bool) -> Result:
    """Show who is there: the agents named, else those of this project.

    Example: cleo agent status
    """
    found = service(app).status(*ids, everywhere=everywhere)
    return Result(
        {"agents": found},
        page=Page(max(1, len(found)), 0, len(found)),
        ids=[agent.agent_id for agent in found],
        human=lambda out: rendering.table(out, found),
    )


@command("whoami", project="optional")
def whoami_command(app: App) -> Result:
    """Show the agent that acts: --agent, else CLEO_AGENT_ID, else config agent.id.

    Example: cleo agent whoami
    """
    agent = service(app).whoami()
    return Result(agent, ids=[agent.agent_id], human=lambda out: rendering.show(out, agent))


@command("retire", project="optional", writes=True)
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
def retire_command(app: App, ids: tuple[str, ...]) -> Result:
    """Let agents act no more; their history is kept.

    Example: cleo agent retire reviewer
    """
    return _changed("retired", service(app).retire(*ids))


@command("revive", project="optional", writes=True)
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
def revive_command(app: App, ids: tuple[str, ...]) -> Result:
    """Let retired agents act again.

    Example: cleo agent revive reviewer
    """
    return _changed("active", service(app).revive(*ids))


@command("prune", project="optional", writes=True)
@click.option("--max-age", default="24h", metavar="24h|7d", help="How long nobody saw them.")
def prune_command(app: App, max_age: str) -> Result:
    """Retire agents that were not seen for long; nothing is deleted.

    Example: cleo agent prune --max-age 7d --dry-run
    """
    return _changed("retired", service(app).prune(max_age=max_age))


@command("signin", project="optional", writes=True)
@click.argument("agent_id", metavar="ID")
def signin_command(app: App, agent_id: str) -> Result:
    """Ask an agent's server whether it takes the agent's key.

    Example: cleo agent signin reviewer
    """
    done = service(app).signin(agent_id)
    return Result(
        done,
        ids=[done.agent_id],
        human=lambda out: out.line(f"{done.agent_id}: taken by {done.base_url}"),
    )


def _changed(word: str, done: ChangedAgents) -> Result:
    text = f"{word}: {', '.join(done.changed)}" if done.changed else "nothing to change"
    return Result(done, ids=done.changed, human=lambda out: out.line(text))
