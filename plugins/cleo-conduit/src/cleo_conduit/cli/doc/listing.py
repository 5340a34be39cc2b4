"""``cleo doc list``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_conduit.cli.doc import service
from cleo_conduit.enums import DOCUMENT_MODE
from cleo_core.cli import Result, command
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_core.app import App


@command("list", lists=True)
@click.option("--conversation", metavar="ID", help="Only those of this conversation.")
@click.option("--mode", type=click.Choice(DOCUMENT_MODE), help="Only those in this mode.")
@click.option("--author", metavar="ID", help="Only those that this agent made.")
def list_command(
    app: App,
    conversation: str | None,
    mode: str | None,
    author: str | None,
    limit: int | None,
    offset: int,
) -> Result:
    """List the documents that you may read, the last changed first.

    Example: cleo doc list --mode review
    """
    found, page = service(app).list(
        conversation=conversation, mode=mode, author=author, limit=limit, offset=offset
    )

    def human(out: Printer) -> None:
        if not found:
            out.line("There is no document that you may read.")
            return
        out.table(
            ("document", "title", "mode", "version", "approvals", "by", "changed"),
            [
                (
                    one.slug,
                    one.title or "",
                    one.mode,
                    one.current_version,
                    f"{one.approvals.given} of {one.approvals.required}",
                    one.from_agent_id,
                    one.updated_at,
                )
                for one in found
            ],
        )

    return Result({"documents": found}, page=page, ids=[one.slug for one in found], human=human)
