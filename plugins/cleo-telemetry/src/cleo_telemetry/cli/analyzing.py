"""``cleo telemetry analyze``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_core.cli import Result, command
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_core.app import App


@command("analyze", project="examined")
@click.option(
    "--days",
    type=click.IntRange(1, 36_500),
    default=30,
    show_default=True,
    help="Runs of so many last days.",
)
@click.option("--command", metavar="NAME", help="This command alone, as `show` names it.")
@click.option("--observe", is_flag=True, help="Store what stands out in this project's memory.")
def analyze_command(app: App, days: int, command: str | None, observe: bool) -> Result:
    """Say how commands performed: how often they fail, how long they take, what stands out.

    Example: cleo telemetry analyze --days 7
    """
    found = app.service("telemetry").analyze(days=days, command=command, observe=observe)

    def human(out: Printer) -> None:
        total = found.totals
        out.line(
            f"{total.runs} runs of {total.commands} commands in {found.window.days} days, "
            f"{total.failures} failed"
        )
        out.table(
            ("command", "runs", "failed", "rate", "mean", "median", "p95", "max", "error"),
            [
                (
                    one.command,
                    one.runs,
                    one.failures,
                    f"{one.failure_rate:.2f}",
                    f"{one.mean_ms:.0f}",
                    f"{one.median_ms:.0f}",
                    one.p95_ms,
                    one.max_ms,
                    one.top_error,
                )
                for one in found.commands
            ],
        )
        for text in found.observations:
            out.line(text)
        if found.observed is not None:
            out.line(f"{len(found.observed)} observations stored.")

    ids = [one.id for one in found.observed or ()]
    return Result(found, ids=ids, human=human)
