"""``cleo conduit receipts`` and ``overdue``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_conduit.cli.options import AS_HUMAN
from cleo_conduit.cli.refs import service
from cleo_core.cli import Result, command
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_core.app import App


@command("receipts")
@click.argument("id_", metavar="ID")
@click.option("--refresh", is_flag=True, help="Ask other machines first.")
@AS_HUMAN
def receipts_command(app: App, id_: str, refresh: bool, by_person: bool) -> Result:
    """Say what became of a message for each of its recipients.

    Example: cleo conduit receipts 42
    """
    found = service(app).receipts(id_, refresh=refresh, as_human=by_person)

    def human(out: Printer) -> None:
        out.table(
            ("to", "role", "state", "delivered", "read", "acknowledged", "why"),
            [
                (
                    one.agent_id,
                    one.role,
                    one.state,
                    one.delivered_at or "",
                    one.read_at or "",
                    one.acked_at or "",
                    one.reason or "",
                )
                for one in found
            ],
        )

    return Result({"receipts": found}, ids=[one.agent_id for one in found], human=human)


@command("overdue", lists=True)
@click.option("--mine", is_flag=True, help="Only what you owe.")
@AS_HUMAN
def overdue_command(
    app: App, mine: bool, limit: int | None, offset: int, by_person: bool
) -> Result:
    """List acknowledgements that are overdue: that you wait for, or owe.

    Example: cleo conduit overdue --mine
    """
    found, page = service(app).overdue(mine=mine, limit=limit, offset=offset, as_human=by_person)

    def human(out: Printer) -> None:
        if not found:
            out.line("Nothing is overdue.")
        for one in found:
            out.line(f"{one.seq} {one.agent_id} owes {one.from_} since {one.due_at}: {one.id}")

    ids = [one.id for one in found]
    return Result({"receipts": found}, page=page, ids=ids, human=human)
