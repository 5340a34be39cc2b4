"""``cleo agent register`` and ``update``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from cleo_core.cli import Result, command
from cleo_core.errors import UsageError
from cleo_signaldock.cli import json_option, rendering, service
from cleo_signaldock.cli.secret_input import key_options, taken
from cleo_signaldock.enums import CLASS, PRIVACY_TIER, TRANSPORT

if TYPE_CHECKING:
    from cleo_core.app import App

_FIELDS = (
    click.option("--name", help="What people read."),
    click.option("--class", "class_", type=click.Choice(CLASS), help="What kind of agent it is."),
    click.option("--classification", metavar="WORD", help="Its role where a project says nothing."),
    click.option("--description", metavar="TEXT", help="What it is for."),
    click.option("--privacy", type=click.Choice(PRIVACY_TIER), help="Who may see it on a server."),
    click.option("--capability", "capabilities", multiple=True, help="What it can do; repeatable."),
    click.option("--skill", "skills", multiple=True, help="What it knows; repeatable."),
    click.option("--transport", type=click.Choice(TRANSPORT[:3]), help="How mail reaches it."),
    click.option("--url", help="The server that it is at."),
    click.option("--reports-to", metavar="ID", help="The agent that it reports to."),
    click.option(
        "--orch-level", type=click.IntRange(0, 2), help="0 orchestrator, 1 lead, 2 other."
    ),
    click.option("--can-spawn/--cannot-spawn", default=None, help="Whether it may start others."),
    click.option("--transport-config", metavar="JSON", help="How its transport is set up."),
    click.option("--strict", is_flag=True, help="Refuse unknown capabilities and skills."),
)


def _fields(callback: Callable[..., Result]) -> Callable[..., Result]:
    for option in reversed(_FIELDS):
        callback = option(callback)
    return callback


def _values(given: dict[str, Any]) -> dict[str, Any]:
    config = json_option(given["transport_config"], "--transport-config", "'{}'")
    words = {key: given[key] or None for key in ("capabilities", "skills")}
    return {**given, **words, "transport_config": config}


@command("register", project="optional", creates=True)
@click.argument("agent_id", metavar="ID")
@_fields
@key_options
@click.option("--role", help="What it does in this project.")
@click.option("--remote", is_flag=True, help="Make its key and register it at its server.")
@click.option("--no-attach", is_flag=True, help="Do not let this project see it.")
@click.option("--update", is_flag=True, help="Change the given fields where it is there already.")
def register_command(
    app: App, agent_id: str, no_attach: bool, idempotency_key: str | None, **given: Any
) -> Result:
    """Make an agent known on this machine, and visible in this project.

    Example: cleo agent register reviewer --class code_dev --capability code_review
    """
    if no_attach and given["role"] is not None:
        raise UsageError("Without a ref there is no role.", fix=f"cleo agent register {agent_id}")
    key = taken(app, given)
    done = service(app).register(
        agent_id,
        attach=not no_attach,
        api_key=key,
        idempotency_key=idempotency_key,
        **_values(given),
    )
    return Result(done, ids=[agent_id], human=lambda out: rendering.show(out, done.agent))


@command("update", project="optional", edits=True)
@click.argument("agent_id", metavar="ID")
@_fields
def update_command(app: App, agent_id: str, if_version: int | None, **given: Any) -> Result:
    """Change an agent; what is not given stays.

    Example: cleo agent update reviewer --name "The reviewer"
    """
    done = service(app).update(agent_id, if_version=if_version, **_values(given))
    return Result(done, ids=[agent_id], human=lambda out: rendering.show(out, done.agent))
