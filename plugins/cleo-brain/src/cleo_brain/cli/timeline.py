"""``cleo memory timeline``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_brain.cli import service
from cleo_brain.cli.filtering import filter_options
from cleo_core.cli import Result, command
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_brain.service.timeline import Timeline
    from cleo_core.app import App


@command("timeline")
@click.argument("anchor", required=False)
@click.option("--query", metavar="TEXT", help="Around the best hit of this search.")
@click.option("--before", type=click.IntRange(0, 200), default=3, help="Entries before it.")
@click.option("--after", type=click.IntRange(0, 200), default=3, help="Entries after it.")
@click.option("--same-thread", is_flag=True, help="Of its conversation only.")
@filter_options
def timeline_command(app: App, **options: Any) -> Result:
    """Show an entry and what was written before and after it.

    Example: cleo memory timeline --query "parser comments" --before 5
    """
    found = service(app).timeline(**options)
    ids = [line.id for line in found.before] + [found.anchor.id]
    ids += [line.id for line in found.after]
    return Result(found, ids=ids, human=lambda out: _show(out, found))


def _show(out: Printer, found: Timeline) -> None:
    from cleo_brain.service.rendering import index_line, record_text

    for line in found.before:
        out.line(index_line(line))
    out.line(f"> {record_text(found.anchor)}")
    for line in found.after:
        out.line(index_line(line))
