"""``cleo chain list`` and ``show``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_core.cli import Result, command
from cleo_core.output import Printer
from cleo_nexus.cli.chains.printing import print_chain
from cleo_nexus.cli.rendering import service
from cleo_nexus.enums import INSTANCE_OPEN, STAGE_CATEGORY

if TYPE_CHECKING:
    from cleo_core.app import App


@command("list", project="optional", lists=True)
@click.option("--templates", is_flag=True, help="Only those that have variables.")
@click.option(
    "--category", type=click.Choice(STAGE_CATEGORY), help="Only those with a stage of this kind."
)
def list_command(
    app: App, templates: bool, category: str | None, limit: int | None, offset: int
) -> Result:
    """List the chains, those that come with the plugin too.

    Example: cleo chain list --templates
    """
    found, page = service(app).chain_list(
        templates=templates, category=category, limit=limit, offset=offset
    )

    def human(out: Printer) -> None:
        if not found:
            out.line("No chain is like that; `cleo chain list` shows all.")
            return
        out.table(
            ("id", "version", "name", "kind", "stages", "gates", "open", "all"),
            [
                (
                    one.id,
                    one.version,
                    one.name,
                    ("packaged " if one.packaged else "")
                    + ("template" if one.template else "chain"),
                    str(len(one.stages)),
                    str(len(one.gates)),
                    str(sum(one.instances[status] for status in INSTANCE_OPEN)),
                    str(sum(one.instances.values())),
                )
                for one in found
            ],
        )

    return Result(found, page=page, ids=[one.id for one in found], human=human)


@command("show", project="optional")
@click.argument("chain_id", metavar="ID")
def show_command(app: App, chain_id: str) -> Result:
    """Show a chain: its stages, links, gates and variables.

    Example: cleo chain show rcasd-ivtrc
    """
    found = service(app).chain_show(chain_id)
    return Result(found, ids=[found.id], human=lambda out: print_chain(out, found))
