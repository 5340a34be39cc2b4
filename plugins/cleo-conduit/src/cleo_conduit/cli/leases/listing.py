"""``cleo lease list`` and ``check``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_conduit.cli.leases import service, show
from cleo_core.cli import Result, command
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_core.app import App


@command("list", lists=True)
def list_command(app: App, limit: int | None, offset: int) -> Result:
    """List the leases that are held, by all agents.

    Example: cleo lease list
    """
    found, page = service(app).list(limit=limit, offset=offset)

    def human(out: Printer) -> None:
        if found:
            show(out, found)
        else:
            out.line("No lease is held.")

    return Result({"leases": found}, page=page, ids=[one.id for one in found], human=human)


@command("check")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--staged", is_flag=True, help="What git's next commit changes.")
def check_command(app: App, paths: tuple[str, ...], staged: bool) -> Result:
    """Exit 97 where another agent holds an exclusive lease over a path.

    Paths are below the project's root; with --staged this is a test for git's pre-commit hook.

    Example: cleo lease check --staged
    """
    done = service(app).check(*paths, staged=staged)

    def human(out: Printer) -> None:
        number = len(done.checked)
        out.line(f"{number} path{'' if number == 1 else 's'} looked at: free.")

    return Result(done, ids=done.checked, human=human)
