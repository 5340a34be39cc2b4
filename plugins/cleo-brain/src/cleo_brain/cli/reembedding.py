"""``cleo memory reembed``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_brain.cli import service
from cleo_core.cli import Result, command
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_brain.service.reembedding import Reembedded
    from cleo_core.app import App


def show_reembedded(out: Printer, done: Reembedded) -> None:
    """What became of the vectors, for people."""
    out.line(f"{done.embedded} embedded with {done.model}, {done.current} current")
    if done.empty:
        out.line(f"  {done.empty} without anything to embed")
    for one in done.failed:
        out.line(f"  {one['id']}: {one['error']}")


@command("reembed", writes=True)
@click.option("--all", "all_", is_flag=True, help="Also what has a current vector.")
@click.option("--model", metavar="ID", help="Another embedder than the settings choose.")
@click.option("--batch", type=int, default=512, help="Entries of one unit.", show_default=True)
def reembed_command(app: App, all_: bool, model: str | None, batch: int) -> Result:
    """Give every entry a vector of the model in use, the newest first.

    Example: cleo memory reembed
    """
    from cleo_core.cli.progress import Progress

    with Progress() as progress:
        done = service(app).reembed(all=all_, model=model, batch=batch, progress=progress)
    return Result(done, human=lambda out: show_reembedded(out, done))
