"""``cleo conduit search``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_conduit.cli.options import AS_HUMAN
from cleo_conduit.cli.refs import service
from cleo_core.cli import Result, command
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_core.app import App


@command("search", lists=True)
@click.argument("words", nargs=-1, required=True)
@click.option("--from", "sender", metavar="ID", help="Only from this agent.")
@click.option("--conversation", metavar="ID", help="Only of this conversation.")
@AS_HUMAN
def search_command(
    app: App,
    words: tuple[str, ...],
    sender: str | None,
    conversation: str | None,
    limit: int | None,
    offset: int,
    by_person: bool,
) -> Result:
    """Find messages that have all of the words; `plan*` finds what begins with plan.

    Example: cleo conduit search release plan
    """
    found, page = service(app).search(
        " ".join(words),
        sender=sender,
        conversation=conversation,
        limit=limit,
        offset=offset,
        as_human=by_person,
    )

    def human(out: Printer) -> None:
        if not found.hits:
            out.line("Nothing found.")
        for one in found.hits:
            out.line(f"{one.seq} {one.from_}, {one.created_at[:16].replace('T', ' ')}")
            out.line(f"  {' '.join(one.snippet.split())}")

    return Result(found, page=page, ids=[one.id for one in found.hits], human=human)
