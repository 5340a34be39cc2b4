"""``cleo memory export``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from cleo_brain.cli import service
from cleo_brain.cli.filtering import filter_options
from cleo_core.cli import Result, command

if TYPE_CHECKING:
    from cleo_core.app import App


@command("export", dry_run=True)
@click.argument("path", required=False)
@click.option(
    "--format", type=click.Choice(("jsonl", "markdown")), default="jsonl", help="What to write."
)
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@filter_options
def export_command(app: App, path: str | None, format: str, force: bool, **filters: Any) -> Result:
    """Write entries to a file, or without PATH to standard output.

    All of them, withdrawn ones too; with a filter only those that pass it, as in find.

    Example: cleo memory export memories.jsonl --kind decision
    """
    result = service(app).export(
        path,
        format=format,
        force=force,
        stream=sys.stdout.buffer if path is None else None,
        **{name: value for name, value in filters.items() if value not in (None, (), False)},
    )
    return Result(
        result,
        raw="" if path is None else None,
        ids=[result.path or "-"],
        human=lambda out: out.line(f"{result.entries} entries written to {result.path}"),
    )
