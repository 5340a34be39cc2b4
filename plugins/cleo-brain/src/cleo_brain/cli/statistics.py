"""``cleo memory stats``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_brain.cli import service
from cleo_core.cli import Result, command
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_brain.service.statistics import Stats
    from cleo_core.app import App


def show(out: Printer, found: Stats) -> None:
    """The counts, for people."""
    for kind, count in found.entries.items():
        out.line(f"{kind}: {count['live']} live, {count['invalid']} invalid")
    out.line("Tiers: " + ", ".join(f"{tier} {n}" for tier, n in found.tiers.items()))
    gone = [f"{reason} {n}" for reason, n in found.reasons.items() if n]
    out.line("Withdrawn: " + (", ".join(gone) or "none"))
    out.line(f"{found.links} links, {found.edges} edges")
    if found.tags:
        out.line("Tags: " + ", ".join(f"{one['tag']} {one['n']}" for one in found.tags[:20]))
    vectors = found.vectors
    out.line(
        f"Vectors: {vectors['current']} current, {vectors['pending']} pending, "
        f"{vectors['stale']} stale; model {vectors['model'] or 'none'}, "
        f"engine {vectors['engine'] or 'none'}"
    )
    out.line(f"Retrieval log: {found.log['rows']} of {found.log['cap']} rows")
    out.line(f"{found.bytes} bytes, {found.bytes_per_entry} per entry")


@command("stats")
def stats_command(app: App) -> Result:
    """Count what there is.

    Example: cleo memory stats
    """
    found = service(app).stats()
    return Result(found, ids=[], human=lambda out: show(out, found))
