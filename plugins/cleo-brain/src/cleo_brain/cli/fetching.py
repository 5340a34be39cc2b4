"""``cleo memory fetch``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_brain.cli import service
from cleo_core.cli import Result, command
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_brain.service.fetching import Fetched
    from cleo_core.app import App


@command("fetch", writes=True)
@click.argument("ids", nargs=-1, required=True)
@click.option(
    "--used/--not-used", default=None, help="Count this as a use; else as brain.retrieval_log says."
)
def fetch_command(app: App, ids: tuple[str, ...], used: bool | None) -> Result:
    """Show entries whole.

    Example: cleo memory fetch D001 O-m3k2j1-x8f2
    """
    found = service(app).fetch(*ids, used=used)
    return Result(
        found, ids=[entry.id for entry in found.results], human=lambda out: _show(out, found)
    )


def _show(out: Printer, found: Fetched) -> None:
    from cleo_brain.service.rendering import record_text

    out.line("\n\n".join(map(record_text, found.results)))
    if found.not_found:
        out.line()
        out.line(f"not found: {', '.join(found.not_found)}")
