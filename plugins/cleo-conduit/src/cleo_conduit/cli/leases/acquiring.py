"""``cleo lease acquire`` and ``renew``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_conduit.cli.leases import service, show
from cleo_core.cli import Result, command
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_core.app import App


@command("acquire", creates=True)
@click.argument("patterns", nargs=-1, required=True, metavar="PATTERN...")
@click.option("--exclusive", is_flag=True, help="For this agent alone (the default).")
@click.option("--shared", is_flag=True, help="Beside other agents' shared leases.")
@click.option("--ttl", metavar="TIME", help="How long, 60s to 24h; else 1h.")
@click.option("--reason", help="What for, for the others to read.")
@click.option("--task", metavar="ID", help="The task it is for.")
@click.option("--partial", is_flag=True, help="Take what is free, if anything is.")
@click.option("--wait", type=float, default=0.0, metavar="SECONDS", help="Wait for others to end.")
def acquire_command(
    app: App,
    patterns: tuple[str, ...],
    exclusive: bool,
    shared: bool,
    ttl: str | None,
    reason: str | None,
    task: str | None,
    partial: bool,
    wait: float,
    idempotency_key: str | None,
) -> Result:
    """Take leases on files, or renew them: on all patterns or on none.

    A pattern is a path below the project's root with `*`, `**`, `?` and `[…]`, or a name such as
    `tool://deploy` or `resource://staging`. Exit 97 where other agents are in the way.

    Example: cleo lease acquire 'src/**' README.md --reason "renaming the parser"
    """
    done = service(app).acquire(
        *patterns,
        exclusive=exclusive,
        shared=shared,
        ttl=ttl,
        reason=reason,
        task=task,
        partial=partial,
        wait=wait,
        idempotency_key=idempotency_key,
    )

    def human(out: Printer) -> None:
        show(out, done.granted)
        for one in done.conflicts:
            out.line(
                f"not granted: {one.pattern}, {one.with_.agent_id} has {one.with_.mode} "
                f"{one.with_.pattern} until {one.with_.expires_at}"
            )

    return Result(done, ids=[lease.id for lease in done.granted], human=human)


@command("renew", writes=True)
@click.argument("names", nargs=-1, metavar="[ID|PATTERN]...")
@click.option("--all", "all_", is_flag=True, help="All leases of this agent.")
@click.option("--ttl", metavar="TIME", help="How long from now; else as long as before.")
def renew_command(app: App, names: tuple[str, ...], all_: bool, ttl: str | None) -> Result:
    """Make leases last longer, counted from now.

    Example: cleo lease renew 'src/**' --ttl 2h
    """
    done = service(app).renew(*names, all=all_, ttl=ttl)

    def human(out: Printer) -> None:
        if done.leases:
            show(out, done.leases)
        else:
            out.line("No lease is held.")

    return Result(done, ids=[lease.id for lease in done.leases], human=human)
