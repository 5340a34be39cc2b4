"""``cleo conduit join``, ``leave`` and ``agents``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_core.cli import Result, command
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_conduit.service import ConduitService
    from cleo_core.app import App


def service(app: App) -> ConduitService:
    """The service that the commands call.

    A project may still have the file in which an older CLEO kept its messages; whoever can take
    that over warns of it.
    """
    if app.has_service("agents"):
        getattr(app.service("agents"), "warn_of_legacy", int)()
    found: ConduitService = app.service("conduit")
    return found


@command("join", writes=True)
@click.argument("agent_id", metavar="ID")
@click.option("--role", help="Its role in this project.")
def join_command(app: App, agent_id: str, role: str | None) -> Result:
    """Let this project see an agent, so that it can be written to.

    Where a registry of agents is installed, `cleo agent attach` does this.

    Example: cleo conduit join builder --role reviewer
    """
    given: dict[str, Any] = {} if role is None else {"role": role}
    done = service(app).join(agent_id, **given)

    def human(out: Printer) -> None:
        word = "joined" if done.changed else "was here already"
        out.line(f"{agent_id} {word}{f' as {done.ref.role}' if done.ref.role else ''}.")

    return Result(done, ids=[done.agent_id], human=human)


@command("leave", writes=True)
@click.argument("agent_id", metavar="ID")
def leave_command(app: App, agent_id: str) -> Result:
    """Stop this project from seeing an agent; its mail and its history stay.

    Where a registry of agents is installed, `cleo agent detach` does this.

    Example: cleo conduit leave builder
    """
    done = service(app).leave(agent_id)

    def human(out: Printer) -> None:
        out.line(f"{agent_id} {'left' if done.changed else 'had left before'}.")
        if done.released:
            out.line(f"  leases released: {len(done.released)}")

    return Result(done, ids=[done.agent_id], human=human)


@command("agents", lists=True)
@click.option("--include-disabled", is_flag=True, help="Those that left too.")
def agents_command(app: App, include_disabled: bool, limit: int | None, offset: int) -> Result:
    """List the agents that this project sees.

    Example: cleo conduit agents
    """
    found, page = service(app).agents(include_disabled=include_disabled, limit=limit, offset=offset)

    def human(out: Printer) -> None:
        if not found:
            verb = "agent register" if app.has_service("agents") else "conduit join"
            out.line(f"This project sees no agent; `cleo {verb} ID` lets it see one.")
            return
        out.table(
            ("agent", "role", "since", "last used", "state"),
            [
                (
                    one.agent_id,
                    one.role or "",
                    one.attached_at[:10],
                    one.last_used_at or "never",
                    "enabled" if one.enabled else "left",
                )
                for one in found
            ],
        )

    data = {"agents": found}
    return Result(data, page=page, ids=[one.agent_id for one in found], human=human)
