"""``cleo memory store``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_brain.cli import service
from cleo_brain.cli.observing import show_stored, text_of
from cleo_brain.enums import IMPACT, PATTERN_TYPE, SOURCE_CONFIDENCE
from cleo_core.cli import Result, command

if TYPE_CHECKING:
    from cleo_core.app import App


@command("store", creates=True)
@click.option(
    "--type", "type_", type=click.Choice(("pattern", "learning")), required=True, help="Which."
)
@click.option("--content", required=True, help="The pattern or the insight; - is standard input.")
@click.option("--pattern-type", type=click.Choice(PATTERN_TYPE), help="Kind of pattern.")
@click.option("--context", help="Where the pattern is met.")
@click.option("--impact", type=click.Choice(IMPACT), help="How much it matters.")
@click.option("--anti-pattern", help="What is done wrongly instead.")
@click.option("--mitigation", help="What helps.")
@click.option("--success-rate", type=float, help="From 0 to 1.")
@click.option("--example", "examples", multiple=True, metavar="TASK", help="A task that shows it.")
@click.option("--source", help="Where the learning comes from; else manual.")
@click.option("--confidence", type=float, help="From 0 to 1; else 0.5.")
@click.option("--actionable", is_flag=True, help="Something can be done about it.")
@click.option("--application", help="What to do with it.")
@click.option("--applies-to", multiple=True, metavar="TYPE", help="A type of task.")
@click.option("--tag", "tags", multiple=True, help="A tag.")
@click.option("--task", "tasks", multiple=True, help="A task that it applies to.")
@click.option("--supersedes", multiple=True, metavar="ID", help="An entry that it replaces.")
@click.option("--source-confidence", type=click.Choice(SOURCE_CONFIDENCE), help="Who vouches.")
@click.option("--force", is_flag=True, help="Store what the gate would not.")
def store_command(app: App, type_: str, content: str, **given: Any) -> Result:
    """Store a pattern or a learning.

    Example: cleo memory store --type learning --content "Opening costs less than importing"
    """
    stored = service(app).store(text_of(content), type=type_, **given)
    return Result(stored, ids=[stored.id], human=lambda out: show_stored(out, stored))
