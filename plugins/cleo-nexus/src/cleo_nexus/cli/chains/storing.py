"""``cleo chain validate``, ``add`` and ``delete``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_core.cli import Result, command
from cleo_core.output import Printer
from cleo_nexus.cli.chains.files import read_file
from cleo_nexus.cli.chains.printing import print_chain, print_validation
from cleo_nexus.cli.rendering import service

if TYPE_CHECKING:
    from cleo_core.app import App

#: The exit of an invalid chain.
_INVALID = 78


@command("validate", project="optional")
@click.argument("file")
def validate_command(app: App, file: str) -> Result:
    """Say what is wrong with a definition.

    FILE holds JSON; - is standard input. Nothing is stored; an invalid chain is exit 78.

    Example: cleo chain validate release.json
    """
    found = service(app).chain_validate(read_file(file))
    return Result(
        found,
        ids=[one.code for one in found.errors],
        human=lambda out: print_validation(out, found),
        exit=0 if found.valid else _INVALID,
    )


@command("add", project="optional", creates=True)
@click.argument("file")
@click.option("--replace", is_flag=True, help="Take the place of an older version.")
def add_command(app: App, file: str, replace: bool, idempotency_key: str | None) -> Result:
    """Store a chain of a definition.

    FILE holds JSON; - is standard input. Instances that run keep the definition they began with.

    Example: cleo chain add release.json
    """
    found = service(app).chain_add(
        read_file(file), replace=replace, idempotency_key=idempotency_key
    )
    return Result(found, ids=[found.id], human=lambda out: print_chain(out, found))


@command("delete", project="optional", writes=True)
@click.argument("chain_id", metavar="ID")
@click.option("--purge", is_flag=True, help="Remove its finished instances with it.")
def delete_command(app: App, chain_id: str, purge: bool) -> Result:
    """Remove a chain that no instance goes through.

    Example: cleo chain delete release --purge
    """
    found = service(app).chain_delete(chain_id, purge=purge)

    def human(out: Printer) -> None:
        would = "would be " if app.dry_run else ""
        more = f", with {found.instances} finished instances" if found.instances else ""
        out.line(f"{found.deleted} {would}deleted{more}.")
        if found.packaged:
            out.line("The one that comes with the plugin is in its place.")

    return Result(found, ids=[found.deleted], human=human)
