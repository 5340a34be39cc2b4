"""``cleo chain compose``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_core.cli import Result, command
from cleo_nexus.cli.chains.printing import print_chain
from cleo_nexus.cli.rendering import service
from cleo_nexus.definitions.composing import MODES

if TYPE_CHECKING:
    from cleo_core.app import App


@command("compose", project="optional", creates=True)
@click.argument("mode", type=click.Choice(MODES))
@click.argument("chains", metavar="CHAIN CHAIN...", nargs=-1, required=True)
@click.option("--id", "chain_id", metavar="ID", required=True, help="The id of what is made.")
def compose_command(
    app: App, mode: str, chains: tuple[str, ...], chain_id: str, idempotency_key: str | None
) -> Result:
    """Store a chain made of other chains.

    In a sequence each begins where the one before ends; parallel ones begin and end together.

    Example: cleo chain compose sequence design build --id design-and-build
    """
    found = service(app).chain_compose(
        mode, chains, chain_id=chain_id, idempotency_key=idempotency_key
    )
    return Result(found, ids=[found.id], human=lambda out: print_chain(out, found))
