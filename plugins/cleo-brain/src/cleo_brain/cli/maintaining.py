"""``cleo memory maintain``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_brain.cli import service
from cleo_core.cli import Result, command
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_brain.service.maintaining import Maintenance
    from cleo_core.app import App

_STEPS = (
    *("quality", "tiers", "evict", "stickies", "consolidate"),
    *("references", "vectors", "search", "suspects", "caps"),
)


def show(out: Printer, found: Maintenance) -> None:
    """The steps and the suspects, for people."""
    for step in found.steps:
        out.line(f"{step.name}: {step.changed} of {step.examined} changed, {step.ms:.0f} ms")
        for row in step.references or []:
            if row["missing"] or row.get("refused"):
                why = f" ({row['refused']})" if row.get("refused") else ""
                out.line(
                    f"  {row['reference']}: {row['missing']} missing, "
                    f"{row['repaired']} repaired{why}"
                )
    for one in found.suspects:
        out.line(f"{one.reason}: {one.ids[0]} and {one.ids[1]}; {one.command}")


@command("maintain", writes=True)
@click.option("--only", multiple=True, type=click.Choice(_STEPS), help="Only this step.")
@click.option("--skip", multiple=True, type=click.Choice(_STEPS), help="Not this step.")
@click.option("--consolidate", is_flag=True, help="Sum up old notes that say nearly the same.")
@click.option("--deep", is_flag=True, help="Compute the searched columns of all entries anew.")
def maintain_command(app: App, **given: Any) -> Result:
    """Compute anew what follows from the entries, and withdraw what is worn out.

    Example: cleo memory maintain --skip vectors
    """
    from cleo_core.cli.progress import Progress

    with Progress() as progress:
        found = service(app).maintain(progress=progress, **given)
    return Result(
        found, ids=[step.name for step in found.steps], human=lambda out: show(out, found)
    )
