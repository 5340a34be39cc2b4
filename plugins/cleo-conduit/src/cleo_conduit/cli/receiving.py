"""``cleo conduit poll``, ``ack``, ``read`` and ``reject``."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import click

from cleo_conduit.cli.options import AS_HUMAN, SECONDS
from cleo_conduit.cli.printing import whole
from cleo_conduit.cli.refs import service
from cleo_core.cli import Result, command
from cleo_core.output import Printer
from cleo_core.stopping import Stopping

if TYPE_CHECKING:
    from cleo_conduit.records.messages import Confirmation
    from cleo_core.app import App


@command("poll", writes=True)
@click.option("--limit", type=int, help="Messages at most, 20 unless given, up to 200.")
@click.option("--consumer", metavar="NAME", help="Which of the agent's processes asks.")
@click.option("--confirm", type=int, metavar="SEQ", help="Take delivery of what came with it.")
@click.option("--deliver", is_flag=True, help="Take delivery at once, at most one time.")
@click.option("--wait", type=SECONDS, metavar="SECONDS", help="Wait for a message.")
@AS_HUMAN
def poll_command(app: App, by_person: bool, **given: Any) -> Result:
    """Take messages: each is yours for a minute, and comes again if you do not confirm it.

    Confirm with the next poll (`--confirm SEQ`), or with `read`, `ack` or `reject`. With `--wait`
    that ran out the exit is 100; a signal ends the waiting with 0.

    Example: cleo conduit poll --confirm 41
    """
    with Stopping() if given["wait"] else nullcontext() as stopping:
        done = service(app).poll(as_human=by_person, stop=stopping, **given)

    def human(out: Printer) -> None:
        if done.confirmed:
            out.line(f"{done.confirmed} confirmed.")
        if not done.messages:
            out.line("stopped" if stopped else "Nothing waits.")
        for one in done.messages:
            whole(out, one)
            if one.redelivered:
                out.line(f"(handed over {one.claims} times)")
            out.line("")

    stopped = stopping is not None and stopping.wanted
    waited = given["wait"] is not None and not done.messages and not app.dry_run and not stopped
    ids = [one.id for one in done.messages]
    return Result(done, ids=ids, human=human, exit=100 if waited else 0)


@command("ack", writes=True)
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@AS_HUMAN
def ack_command(app: App, ids: tuple[str, ...], by_person: bool) -> Result:
    """Acknowledge messages.

    Example: cleo conduit ack 019ac8b0-0000-7000-8000-000000000001
    """
    return _told(service(app).ack(*ids, as_human=by_person), "acknowledged")


@command("read", writes=True)
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@AS_HUMAN
def read_command(app: App, ids: tuple[str, ...], by_person: bool) -> Result:
    """Print messages and mark them as read.

    Example: cleo conduit read 42
    """
    return _told(service(app).read(*ids, as_human=by_person), "read")


@command("reject", writes=True)
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--reason", help="Why; the sender sees it.")
@AS_HUMAN
def reject_command(app: App, ids: tuple[str, ...], reason: str | None, by_person: bool) -> Result:
    """Refuse messages, for good.

    Example: cleo conduit reject 42 --reason "not mine"
    """
    return _told(service(app).reject(*ids, reason=reason, as_human=by_person), "refused")


def _told(done: Confirmation, word: str) -> Result:
    def human(out: Printer) -> None:
        for message in done.messages or ():
            whole(out, message)
            out.line("")
        if done.messages is None:
            out.line(f"{len(done.changed)} {word}, {len(done.unchanged)} were before.")
        if done.not_yours:
            out.line(f"not for you: {', '.join(done.not_yours)}")
        if done.unknown:
            out.line(f"unknown: {', '.join(done.unknown)}")

    return Result(done, ids=[*done.changed, *done.unchanged], human=human)
