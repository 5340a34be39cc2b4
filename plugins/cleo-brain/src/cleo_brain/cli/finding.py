"""``cleo memory find``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_brain.cli import service
from cleo_brain.cli.filtering import filter_options
from cleo_core.cli import Result, command

if TYPE_CHECKING:
    from cleo_core.app import App


@command("find", lists=True)
@click.argument("query", required=False)
@filter_options
@click.option(
    "--order", type=click.Choice(("score", "newest")), default="score", help="Which first."
)
@click.option("--arm", type=click.Choice(("lexical", "vector")), help="Only by words, or meaning.")
@click.option("--all", "every", is_flag=True, help="Every word must occur.")
def find_command(app: App, query: str | None, every: bool, **options: Any) -> Result:
    """Search; what it shows is an index with the price of each entry in tokens.

    "Quoted words" must occur side by side, -word must not occur, word* is a beginning, and
    2026-03-25 is a day. Without QUERY: the newest entries.

    Example: cleo memory find "parser comments" --kind decision
    """
    from cleo_brain.service.rendering import index_text

    found, page = service(app).find(query, all=every, **options)
    return Result(
        found,
        page=page,
        ids=[line.id for line in found.results],
        human=lambda out: out.line(index_text(found.results)),
    )
