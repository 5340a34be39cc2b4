"""``cleo find``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_core.cli import Result, command
from cleo_tasks.cli import render_search
from cleo_tasks.cli.tasks import service
from cleo_tasks.enums import TASK_STATUS

if TYPE_CHECKING:
    from cleo_core.app import App

#: As in the service, which is not loaded to print this help.
_FIELDS = ("id", "title", "description", "acceptance", "notes")


@command("find", lists=True)
@click.argument("query")
@click.option(
    "--in", "fields", multiple=True, type=click.Choice(_FIELDS), help="Only there; repeatable."
)
@click.option(
    "--status", multiple=True, type=click.Choice(TASK_STATUS), help="With this status; repeatable."
)
@click.option("--exact", is_flag=True, help="The id or the whole title only.")
@click.option("--include-archive", is_flag=True, help="Archived tasks too.")
def find_command(app: App, query: str, **options: Any) -> Result:
    """Search tasks: by id, title, then all words, then any word.

    Every character is searched for as it stands; the last word may be unfinished.

    Example: cleo find "date parser" --in title
    """
    hits, page = service(app).find(query, **options)
    return Result(hits, page=page, human=lambda out: render_search.hits(out, hits))
