"""How architecture decisions look to people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cleo_tasks.cli.render import status as task_status

if TYPE_CHECKING:
    from cleo_core.output import Printer
    from cleo_tasks.adr_records import Adr, AdrHit, AdrLine, AdrLink, AdrSync

SYMBOLS = {"proposed": "?", "accepted": "✓", "superseded": "▪", "deprecated": "✗"}
#: A relation as the decision that it leads to says it.
BACKWARD = {
    "supersedes": "superseded by",
    "amends": "amended by",
    "related": "related to",
}


def status(word: str) -> str:
    """``✓ accepted``."""
    return f"{SYMBOLS.get(word, ' ')} {word}"


def lines(out: Printer, rows: Sequence[AdrLine]) -> None:
    """Decisions as a table."""
    if not rows:
        out.line("No decisions.")
        return
    out.table(
        ("id", "status", "date", "title", "topics"),
        [
            (
                row.id,
                status(row.status) + (" (file gone)" if row.removed_at else ""),
                row.date,
                row.title,
                ", ".join(row.topics),
            )
            for row in rows
        ],
    )


def hits(out: Printer, rows: Sequence[AdrHit]) -> None:
    """What a search found."""
    if not rows:
        out.line("No decision has all of these words.")
    for row in rows:
        out.line(f"{row.id}  {status(row.status)}  {row.title}", "bold")
        out.line(f"  {row.snippet}")


def adrs(out: Printer, found: Sequence[Adr]) -> None:
    """Decisions whole, one below the other."""
    for number, one in enumerate(found):
        if number:
            out.line()
        adr(out, one)


def adr(out: Printer, one: Adr) -> None:
    """One decision whole."""
    out.line(f"{one.id}  {one.title}", "bold")
    out.line(f"  {status(one.status)}")
    gate = one.gate and f"{one.gate} {one.gate_status or ''}"
    for name, value in (
        ("date", one.date),
        ("accepted", one.accepted_at),
        ("gate", gate or one.gate_status),
        ("consensus", one.consensus_manifest_id),
        ("file", one.file_path),
        ("file gone", one.removed_at),
        ("keywords", ", ".join(one.keywords)),
        ("topics", ", ".join(one.topics)),
        ("summary", one.summary),
    ):
        if value:
            out.line(f"  {name:10} {value}")
    for edge in one.relations:
        forward = edge.from_adr_id == one.id
        word = edge.relation_type if forward else BACKWARD[edge.relation_type]
        if forward and word == "related":
            word = "related to"
        out.line(f"  {word} {edge.to_adr_id if forward else edge.from_adr_id} ({edge.source})")
    for link in one.tasks:
        out.line(
            f"  {link.link_type} {link.task_id} {task_status(link.task.status)} "
            f"{link.task.title} ({link.source})"
        )
    out.line()
    for text in one.content.splitlines():
        out.line(f"  {text}")


def added(out: Printer, one: Adr, dry_run: bool) -> None:
    """What became of an add."""
    said = "Would add" if dry_run else "Added"
    out.line(f"{said} {one.id}: {one.title}")
    out.line(f"  {one.file_path}")


def synced(out: Printer, result: AdrSync, dry_run: bool) -> None:
    """What a sync did."""
    out.line(
        f"{result.files} files: {len(result.created)} created, {len(result.updated)} updated, "
        f"{len(result.restored)} restored, {result.unchanged} unchanged; "
        f"{len(result.removed)} removed" + (" (dry run)." if dry_run else ".")
    )
    out.line(
        f"relations +{result.relations_added} −{result.relations_removed}, "
        f"links to tasks +{result.links_added} −{result.links_removed}"
    )
    for name in ("created", "updated", "restored", "removed", "unread"):
        ids = getattr(result, name)
        if ids:
            out.line(f"  {name:9} {' '.join(ids)}")


def links(out: Printer, found: Sequence[AdrLink], *, gone: bool = False) -> None:
    """Links that were made, or are gone."""
    for one in found:
        said = "is not linked any more" if gone else "is linked"
        out.line(f"{one.adr_id} {said} to {one.task_id or one.to_adr_id} ({one.type}).")
