"""``cleo doc export``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_conduit.cli.doc import service
from cleo_core.cli import Result, command
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_core.app import App


@command("export", dry_run=True)
@click.argument("slug")
@click.argument("path")
@click.option("--version", type=click.IntRange(min=1), help="By default the current one.")
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
def export_command(app: App, slug: str, path: str, version: int | None, force: bool) -> Result:
    """Write the content of a document to a file.

    Example: cleo doc export plan plan.md --version 2
    """
    done = service(app).export(slug, path, version=version, force=force)

    def human(out: Printer) -> None:
        word = "would be" if app.dry_run else "is"
        what = f"Version {done.version_number} of {done.slug}, {done.bytes} bytes,"
        out.line(f"{what} {word} in {done.path}.")

    return Result(done, ids=[done.slug], human=human)
