"""``cleo conduit inbox``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_conduit.cli.options import AS_HUMAN
from cleo_conduit.cli.printing import listed, more
from cleo_conduit.cli.refs import service
from cleo_core.cli import Result, command
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_core.app import App


@command("inbox")
@click.option("--all", "everything", is_flag=True, help="Those that were read too.")
@click.option("--urgent", is_flag=True, help="Only urgent ones.")
@click.option("--needs-ack", is_flag=True, help="Only those that wait for an acknowledgement.")
@click.option("--from", "sender", metavar="ID", help="Only from this agent.")
@click.option("--conversation", metavar="ID", help="Only of this conversation.")
@click.option("--after", type=int, default=0, metavar="SEQ", help="Only above this number.")
@click.option("--limit", type=int, help="Messages at most, 20 unless given, up to 200.")
@AS_HUMAN
def inbox_command(app: App, by_person: bool, **given: Any) -> Result:
    """List the messages that you have not read; nothing is marked.

    Example: cleo conduit inbox --needs-ack
    """
    found = service(app).inbox(as_human=by_person, **given)

    def human(out: Printer) -> None:
        if found.messages:
            listed(out, found.messages)
        else:
            out.line("Nothing to show.")
        more(out, found)
        out.line(f"{found.unread} unread, {found.needs_ack} to acknowledge.")

    return Result(found, ids=[one.id for one in found.messages], human=human)
