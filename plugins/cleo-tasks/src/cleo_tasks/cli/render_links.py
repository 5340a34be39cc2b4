"""How links to other trackers look to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cleo_core.output import Printer
    from cleo_tasks.link_records import ExternalLink, LinkAdded, LinksRemoved, ReconcileResult


def links(out: Printer, found: Sequence[ExternalLink]) -> None:
    """Links as a table."""
    if not found:
        out.line("No links.")
        return
    out.table(
        ("task", "provider", "external", "type", "direction", "title", "address", "synchronised"),
        [
            (
                one.task_id,
                one.provider_id,
                one.external_id,
                one.link_type,
                one.sync_direction,
                one.external_title,
                one.external_url,
                one.last_sync_at,
            )
            for one in found
        ],
    )


def added(out: Printer, result: LinkAdded) -> None:
    """What became of an add."""
    link = result.link
    what = f"{link.task_id} to {link.external_id} at {link.provider_id}"
    if result.created:
        out.line(f"Linked {what} ({link.link_type}, {link.sync_direction}).")
    elif result.changed:
        out.line(f"Changed the link of {what} ({link.link_type}, {link.sync_direction}).")
    else:
        out.line(f"The link of {what} is there already.")


def removed(out: Printer, result: LinksRemoved, dry_run: bool) -> None:
    """What became of a removal."""
    would = "would be" if dry_run else "is"
    for one in result.removed:
        out.line(
            f"The link of {one.task_id} to {one.external_id} at {one.provider_id} {would} gone."
        )


def reconciled(out: Printer, result: ReconcileResult, dry_run: bool) -> None:
    """The sums, and what became of each record that was not passed over."""
    said = ", ".join(f"{count} {name}" for name, count in result.counts.items() if count)
    nothing = dry_run or result.policy == "report-only"
    out.line(f"{result.read} records: {said or 'none'}", "bold")
    for reason, count in result.reasons.items():
        out.line(f"  skipped  {count:6} {reason}")
    for one in result.actions:
        out.line(f"  {one.action:9} {one.task_id or '-'}  {one.external_id}{_words(one.changes)}")
        if one.outbound:
            out.line(f"            there:{_words(one.outbound, outward=True)}")
        if one.message:
            code = f"{one.code}: " if one.code else ""
            out.line(f"            {code}{one.message}")
    for problem in result.problems:
        out.line(f"  line {problem['line']}: {problem['reason']}: {problem['message']}")
    if result.absent:
        out.line(f"{result.absent} linked tasks have no record in the file; they stay as they are.")
    if nothing:
        out.line("Nothing was changed.")
    elif result.report:
        out.line(f"Report: {result.report}")


def _words(changes: Mapping[str, Mapping[str, Any]], *, outward: bool = False) -> str:
    """`` status: pending → done`` of short values, and the name alone of long ones."""
    said = []
    for name, one in changes.items():
        before, after = one["outside"], one["here"]
        if not outward:
            before, after = after, before
        short = all(isinstance(value, str) and len(value) <= 40 for value in (before, after))
        said.append(f" {name}: {before} → {after}" if short else f" {name}")
    return ",".join(said)
