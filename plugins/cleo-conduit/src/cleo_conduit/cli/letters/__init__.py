"""``cleo conduit jobs`` and ``cleo conduit dead``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_conduit.cli.options import AS_HUMAN
from cleo_conduit.cli.refs import service
from cleo_conduit.enums import JOB_STATE
from cleo_core.cli import Result, command
from cleo_core.cli.lazy import LazyGroup
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_core.app import App

dead_command = LazyGroup(
    "dead",
    "Messages that could not be delivered.",
    __name__,
    dict.fromkeys(("list", "show", "replay", "purge"), "verbs"),
    {"ls": "list"},
)


@command("jobs", lists=True)
@click.option("--state", type=click.Choice(JOB_STATE), help="Only in this state.")
@click.option("--recipient", metavar="ID", help="Only to this agent.")
@click.option("--all", "everything", is_flag=True, help="The finished ones too.")
@AS_HUMAN
def jobs_command(
    app: App,
    state: str | None,
    recipient: str | None,
    everything: bool,
    limit: int | None,
    offset: int,
    by_person: bool,
) -> Result:
    """List what is still to be carried to other machines.

    Example: cleo conduit jobs --state parked
    """
    found, page = service(app).jobs(
        state=state,
        recipient=recipient,
        everything=everything,
        limit=limit,
        offset=offset,
        as_human=by_person,
    )

    def human(out: Printer) -> None:
        if not found:
            out.line("No job.")
            return
        out.table(
            ("id", "to", "by", "state", "attempts", "error"),
            [
                (
                    one.id,
                    one.recipient,
                    one.transport,
                    one.state + (f" ({one.parked_for})" if one.parked_for else ""),
                    f"{one.attempts}/{one.max_attempts}",
                    one.last_error or "",
                )
                for one in found
            ],
        )

    return Result({"jobs": found}, page=page, ids=[one.id for one in found], human=human)
