"""``cleo memory link``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_brain.cli import service
from cleo_brain.enums import EDGE_TYPE, LINK_TYPE
from cleo_core.cli import Result, command
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_core.app import App

_TYPES = tuple(dict.fromkeys((*LINK_TYPE, *EDGE_TYPE)))


@command("link", writes=True)
@click.argument("entry")
@click.argument("type_", metavar="TYPE", type=click.Choice(_TYPES))
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option("--reason", help="Why they belong together.")
@click.option("--remove", is_flag=True, help="Take the links away.")
def link_command(
    app: App, entry: str, type_: str, targets: tuple[str, ...], reason: str | None, remove: bool
) -> Result:
    """Link an entry to tasks, to other entries, or to a file, a commit or an address.

    Example: cleo memory link D001 applies_to T004 T005
    """
    done = service(app).link(entry, type_, *targets, reason=reason, remove=remove)

    def human(out: Printer) -> None:
        if done.linked:
            out.line(f"{'unlinked' if remove else 'linked'}: {', '.join(done.linked)}")
        if done.existing:
            out.line(f"there already: {', '.join(done.existing)}")
        for one in done.refused:
            out.line(f"refused {one['id']}: {one['reason']}")

    return Result(done, ids=done.linked, human=human)
