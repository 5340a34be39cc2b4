"""``cleo memory import``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_brain.cli import service
from cleo_core.cli import Result, command
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_brain.service.tally import Imported
    from cleo_core.app import App

_SOURCES = ("auto", "claude-mem", "cleo", "markdown", "jsonl")


def _show(out: Printer, result: Imported) -> None:
    out.line(
        f"{result.source}: {result.read} read, {result.stored} stored, {result.merged} merged, "
        f"{result.skipped} skipped, {result.rejected_total or len(result.rejected)} rejected"
    )
    for one in result.rejected[:20]:
        out.line(f"  {one['where']}: {one['reason']}")
    if len(result.rejected) > 20:
        out.line("  --json lists all of them")
    if result.unknown_keys:
        out.line(f"  kept beside, without a column of their own: {', '.join(result.unknown_keys)}")


@command("import", writes=True)
@click.argument("path")
@click.option("--from", "format", type=click.Choice(_SOURCES), default="auto", help="What it is.")
@click.option("--source-project", metavar="NAME", help="Only what it keeps of this project.")
@click.option("--thread", help="The conversation that all observations belong to.")
@click.option("--tag", "tags", multiple=True, help="A tag for every entry.")
@click.option("--no-embed", is_flag=True, help="Make no vectors now.")
def import_command(
    app: App,
    path: str,
    format: str,
    source_project: str | None,
    thread: str | None,
    tags: tuple[str, ...],
    no_embed: bool,
) -> Result:
    """Import what claude-mem, Markdown files, the TypeScript CLEO or an export remember.

    What came in an earlier run is skipped, so that it can be run again at any time.

    Example: cleo memory import CLAUDE.md --tag claude
    """
    from cleo_core.cli.progress import Progress

    with Progress() as progress:
        result = service(app).import_(
            path,
            format=format,
            source_project=source_project,
            thread=thread,
            tags=tags,
            embed=not no_embed,
            progress=progress,
        )
    return Result(result, ids=[], human=lambda out: _show(out, result))
