"""``cleo template-name``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from cleo_core.cli import Printer, Result, command, group

from cleo_template_name.store import IMPORTANCE

if TYPE_CHECKING:
    from cleo_core.app import App

    from cleo_template_name.service import Item, Service


@command("add", creates=True)
@click.argument("title")
@click.option("--importance", type=click.Choice(IMPORTANCE), default="normal", show_default=True)
@click.option("--tag", "tags", multiple=True, help="A word to find it by; repeatable.")
def add(app: App, **given: Any) -> Result:
    """Keep an item.

    Example: cleo template-name add "Read the guide" --tag start
    """
    item = service(app).add(**given)
    return Result(item, human=lambda out: show_item(out, item))


@command("list", lists=True)
@click.option("--importance", type=click.Choice(IMPORTANCE), help="Of this importance only.")
def list_items(app: App, **filters: Any) -> Result:
    """List the items in the order they were made.

    Example: cleo template-name list --importance high
    """
    items, page = service(app).list(**filters)
    rows = [(item.id, item.title, item.importance, ", ".join(item.tags)) for item in items]
    return Result(
        items, page=page, human=lambda out: out.table(("id", "title", "importance", "tags"), rows)
    )


@command("show")
@click.argument("id")
def show(app: App, id: str) -> Result:
    """Show one item.

    Example: cleo template-name show template-name-1
    """
    item = service(app).show(id)
    return Result(item, human=lambda out: show_item(out, item))


root = group(
    "template-name",
    "Keep items in template-name.",
    add,
    list_items,
    show,
)


def service(app: App) -> Service:
    """The service of this store."""
    found: Service = app.service("template_name")
    return found


def show_item(out: Printer, item: Item) -> None:
    """An item for people."""
    out.line(f"{item.id}  {item.title}", "bold")
    out.line(f"importance {item.importance}, made {item.created_at}")
    if item.tags:
        out.line(f"tags {', '.join(item.tags)}")
