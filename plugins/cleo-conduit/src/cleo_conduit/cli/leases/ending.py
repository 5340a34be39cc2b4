"""``cleo lease release`` and ``break``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_conduit.cli.leases import service
from cleo_core.cli import Result, command
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_conduit.records.leases import LeaseChange
    from cleo_core.app import App


@command("release", writes=True)
@click.argument("names", nargs=-1, metavar="[ID|PATTERN]...")
@click.option("--all", "all_", is_flag=True, help="All leases of this agent.")
def release_command(app: App, names: tuple[str, ...], all_: bool) -> Result:
    """Let go of leases.

    Example: cleo lease release 'src/**'
    """
    return _result(service(app).release(*names, all=all_))


@command("break", writes=True)
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--force", is_flag=True, help="Though its holder is active; for the person.")
# Under another name than `--human`, which every command has.
@click.option("--as-human", "for_person", is_flag=True, help="Act as the person at the terminal.")
def break_command(app: App, ids: tuple[str, ...], force: bool, for_person: bool) -> Result:
    """End leases of an agent that was not active for 45 minutes; it gets a notice.

    Example: cleo lease break 019ac8b0-0000-7000-8000-000000000001
    """
    return _result(service(app).break_(*ids, force=force, as_human=for_person))


def _result(done: LeaseChange) -> Result:
    def human(out: Printer) -> None:
        if not done.leases:
            out.line("No lease is held.")
        before = "" if done.changed else " before"
        for lease in done.leases:
            ended = f"{lease.release_kind}{before}"
            out.line(f"{lease.pattern} ({lease.mode}, {lease.agent_id}): {ended}.")

    return Result(done, ids=[lease.id for lease in done.leases], human=human)
