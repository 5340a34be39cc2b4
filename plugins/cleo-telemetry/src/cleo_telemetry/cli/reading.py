"""``cleo telemetry show`` and ``export``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from cleo_core.cli import Result, command
from cleo_core.output import Page, Printer

if TYPE_CHECKING:
    from cleo_core.app import App


@command("show", project="none")
@click.option(
    "--last",
    "--limit",
    "last",
    type=click.IntRange(1, 2**53),
    default=20,
    show_default=True,
    help="So many of the newest rows.",
)
@click.option("--offset", type=click.IntRange(0, 2**53), default=0, help="Rows to pass over first.")
@click.pass_context
def show_command(ctx: click.Context, app: App, last: int, offset: int) -> Result:
    """Show the newest rows exactly as they are stored; before enabling, an example of one.

    Example: cleo telemetry show --last 5
    """
    elapsed = round((time.perf_counter() - ctx.obj.started) * 1000)
    found, page = app.service("telemetry").show(last, offset=offset, elapsed_ms=elapsed)

    def human(out: Printer) -> None:
        if found and found[0].example:
            out.line("Nothing is recorded. This call would be stored as this row:")
        columns = ("id", "time", "command", "way", "exit", "ms", "error", "anonymous id")
        out.table(
            columns,
            [
                (
                    one.id,
                    one.timestamp,
                    one.command,
                    one.gateway,
                    one.exit_code,
                    one.duration_ms,
                    one.error_code,
                    one.anonymous_id,
                )
                for one in found
            ],
        )

    return Result(found, page=page, ids=[str(one.id) for one in found], human=human)


@command("export", project="examined")
@click.option(
    "--format",
    type=click.Choice(("json", "csv")),
    default="json",
    show_default=True,
    help="What to write.",
)
@click.option("--days", type=click.IntRange(1, 36_500), help="Only rows of so many last days.")
@click.option("--out", metavar="FILE", help="Write a file, readable by you alone.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def export_command(app: App, format: str, days: int | None, out: str | None, force: bool) -> Result:
    """Give every column of every row, the newest last.

    Example: cleo telemetry export --format csv --out timings.csv
    """
    service = app.service("telemetry")
    if out is not None:
        done = service.export(out, format=format, days=days, force=force)
        return Result(
            done, ids=[], human=lambda to: to.line(f"{done.rows} rows written to {done.path}")
        )
    found = service.events(days=days)
    if format == "csv":
        from cleo_telemetry.service.reading import as_text

        return Result(None, raw=as_text(found, "csv"))
    page = Page(len(found), 0, len(found))
    return Result(found, page=page, ids=[str(one.id) for one in found])
