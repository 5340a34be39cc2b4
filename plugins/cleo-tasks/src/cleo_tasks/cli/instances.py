"""``cleo instance`` and its verbs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_core.cli import Result, command, group
from cleo_core.errors import UsageError
from cleo_tasks.cli import render_instances as render
from cleo_tasks.cli.tasks import service
from cleo_tasks.enums import AGENT_TYPE, INSTANCE_STATUS, TOKEN_METHOD

if TYPE_CHECKING:
    from cleo_core.app import App

_REPORTED = ("active", "idle", "error")


@command("register", creates=True)
@click.option("--type", required=True, type=click.Choice(AGENT_TYPE), help="What kind of agent.")
@click.option("--task", metavar="ID", help="What it works on.")
@click.option("--parent", metavar="INSTANCE", help="The instance that started it.")
@click.option("--capacity", type=float, help="How much it can take on, 0 to 1; by default 1.")
@click.option("--host", help="By default this machine.")
@click.option("--pid", type=int, help="By default the process that called cleo.")
@click.option("--metadata", metavar="JSON", help="A JSON object.")
def register(app: App, metadata: str | None, **given: Any) -> Result:
    """Say that an instance of the acting agent runs.

    The result says how often it should report with `cleo instance heartbeat`.

    Example: cleo instance register --type executor --task T001 --agent builder
    """
    from cleo_tasks.cli.json_input import json_object

    given["metadata"] = None if metadata is None else json_object(metadata, "--metadata")
    found = service(app).instance_register(**given)
    return Result(found, human=lambda out: render.registered(out, found))


@command("heartbeat", writes=True)
@click.argument("id")
@click.option("--status", type=click.Choice(_REPORTED), help="How it is from now on.")
@click.option("--task", metavar="ID", help="What it works on now, or none.")
@click.option("--capacity", type=float, help="How much it can take on, 0 to 1.")
@click.option("--input-tokens", type=int, help="Tokens that were sent since the last time.")
@click.option("--output-tokens", type=int, help="Tokens that came back since the last time.")
@click.option("--method", type=click.Choice(TOKEN_METHOD), help="Where the numbers come from.")
@click.option("--provider", help="Who serves the model.")
@click.option("--model", help="The model's name.")
@click.option("--request-id", metavar="ID", help="The same request is counted once.")
def heartbeat(
    app: App, id: str, status: str | None, task: str | None, capacity: float | None, **usage: Any
) -> Result:
    """Say that an instance is alive; the first time it becomes active.

    Tokens are recorded as `cleo token record` would; that they cannot be is a warning only.

    Example: cleo instance heartbeat agt_20260325143015_1a2b3c --status idle
    """
    spent = {name: value for name, value in usage.items() if value is not None}
    found = service(app).instance_heartbeat(
        id, status=status, task=task, capacity=capacity, usage=spent
    )
    return Result(found, human=lambda out: render.beaten(out, found))


@command("list", lists=True)
@click.option("--status", multiple=True, type=click.Choice(INSTANCE_STATUS), help="Repeatable.")
@click.option("--type", type=click.Choice(AGENT_TYPE), help="Of this kind.")
@click.option("--task", metavar="ID", help="Working on this task.")
@click.option("--parent", metavar="INSTANCE", help="Started by this instance.")
@click.option("--of-agent", metavar="AGENT", help="Of this agent.")
@click.option("--cached", is_flag=True, help="Agents whose credentials are cached here instead.")
def list_(app: App, cached: bool, limit: int | None, offset: int, **filters: Any) -> Result:
    """List instances, newest first.

    Example: cleo instance list --status active
    """
    if cached:
        given = [name for name, value in filters.items() if value]
        if given:
            option = given[0].replace("_", "-")
            raise UsageError(
                f"--cached lists agents, which --{option} does not narrow.",
                fix="cleo instance list --cached",
            )
        agents, page = service(app).instance_cached(limit=limit, offset=offset)
        ids = [one.agent_id for one in agents]
        return Result(agents, page=page, ids=ids, human=lambda out: render.cached(out, agents))
    rows, page = service(app).instance_list(**filters, limit=limit, offset=offset)
    return Result(rows, page=page, human=lambda out: render.lines(out, rows))


@command("show")
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
def show(app: App, ids: tuple[str, ...]) -> Result:
    """Show instances whole.

    Example: cleo instance show agt_20260325143015_1a2b3c
    """
    rows = service(app).instance_show(*ids)
    return Result(rows[0] if len(ids) == 1 else rows, human=lambda out: render.whole(out, rows))


@command("error", writes=True)
@click.argument("id")
@click.argument("text")
def error(app: App, id: str, text: str) -> Result:
    """Count an error of an instance; TEXT says whether it may pass.

    Timeouts, busy servers, connections, 429 and 5xx are retriable; authentication, other 4xx and
    what is not found are permanent; all else is unknown. What looks like a key is not kept.

    Example: cleo instance error agt_20260325143015_1a2b3c "HTTP 429: too many requests"
    """
    found = service(app).instance_error(id, text)
    return Result(found, human=lambda out: render.failed(out, found))


@command("stop", writes=True)
@click.argument("id")
def stop(app: App, id: str) -> Result:
    """Say that an instance has ended.

    Example: cleo instance stop agt_20260325143015_1a2b3c
    """
    found = service(app).instance_stop(id)
    return Result(found, human=lambda out: render.stopped(out, found))


@command("reap", writes=True)
@click.option("--stale", metavar="AGE", help="Silent for longer than this, such as 3m.")
@click.option("--release", is_flag=True, help="Give back what their agents hold too.")
def reap(app: App, **given: Any) -> Result:
    """Mark instances as crashed that were silent for too long.

    Example: cleo instance reap --release
    """
    result = service(app).instance_reap(**given)
    return Result(
        result,
        ids=[one.id for one in result.crashed],
        human=lambda out: render.reaped(out, result, app.dry_run),
    )


instance_command = group(
    "instance",
    "Agents at work, and those that are gone.",
    register,
    heartbeat,
    list_,
    show,
    error,
    stop,
    reap,
)
