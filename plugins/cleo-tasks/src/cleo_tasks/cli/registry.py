"""``cleo statuses``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_core.cli import Result, command
from cleo_tasks.cli.tasks import service
from cleo_tasks.enums import REGISTRY_ENTITY, REGISTRY_NAMESPACE

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.output import Printer
    from cleo_tasks.service.registry import RegisteredStatus


@command("statuses", lists=True)
@click.option("--entity", type=click.Choice(REGISTRY_ENTITY), help="Of this kind of thing.")
@click.option("--namespace", type=click.Choice(REGISTRY_NAMESPACE), help="In this namespace.")
@click.option(
    "--terminal/--open", default=None, help="Only those that do not count as open, or that do."
)
def statuses_command(app: App, **filters: Any) -> Result:
    """List the statuses there are and what each means.

    Example: cleo statuses --entity task --terminal
    """
    found, page = service(app).statuses(**filters)
    return Result(
        found, page=page, ids=[one.name for one in found], human=lambda out: _table(out, found)
    )


def _table(out: Printer, found: list[RegisteredStatus]) -> None:
    if not found:
        out.line("No statuses.")
        return
    out.table(
        ("entity", "status", "terminal", "namespace", "meaning"),
        [
            (
                one.entity_type,
                one.name,
                "yes" if one.is_terminal else "",
                one.namespace,
                one.description,
            )
            for one in found
        ],
    )
