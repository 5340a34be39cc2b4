"""``cleo memory verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_brain.cli import service
from cleo_core.cli import Result, command
from cleo_core.errors import UsageError
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_core.app import App


@command("verify", writes=True, lists=True)
@click.argument("ids", nargs=-1)
@click.option("--by", metavar="NAME", help="Who vouches; else the agent, else owner.")
@click.option("--undo", is_flag=True, help="Take the verification back.")
@click.option("--list", "listed", is_flag=True, help="List what is used and not verified.")
@click.option("--min-uses", type=int, help="With --list: uses at least, else 5.")
def verify_command(
    app: App,
    ids: tuple[str, ...],
    by: str | None,
    undo: bool,
    listed: bool,
    min_uses: int | None,
    limit: int | None,
    offset: int,
) -> Result:
    """Vouch for entries; an evicted or decayed one comes back.

    Example: cleo memory verify L-3f2a9c01
    """
    if listed:
        if ids or by or undo:
            raise UsageError("--list stands alone.", fix="cleo memory verify --list")
        lines, page = service(app).verify_list(
            min_uses=5 if min_uses is None else min_uses, limit=limit, offset=offset
        )

        def show(out: Printer) -> None:
            for line in lines:
                out.line(f"{line.id}  {line.title}")

        return Result(lines, page=page, ids=[line.id for line in lines], human=show)
    if limit is not None or offset or min_uses is not None:
        raise UsageError(
            "--min-uses, --limit and --offset are for --list.", fix="cleo memory verify --list"
        )
    done = service(app).verify(*ids, by=by, undo=undo)

    def human(out: Printer) -> None:
        out.line(f"{'not verified any more' if undo else 'verified'}: {', '.join(done.verified)}")
        if done.revived:
            out.line(f"brought back: {', '.join(done.revived)}")

    return Result(done, ids=done.verified, human=human)
