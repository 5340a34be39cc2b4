"""How manifests look to people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cleo_core.output import Printer
    from cleo_tasks.manifest_records import (
        Manifest,
        ManifestAdded,
        ManifestHit,
        ManifestLine,
        ManifestsArchived,
        ManifestStats,
        StageOutput,
    )


def lines(out: Printer, rows: Sequence[ManifestLine]) -> None:
    """Manifests as a table."""
    if not rows:
        out.line("No manifests.")
        return
    out.table(
        ("id", "type", "status", "title", "task", "made"),
        [
            (row.id, row.type, row.status, row.title, row.task_id, row.created_at[:10])
            for row in rows
        ],
    )


def hits(out: Printer, rows: Sequence[ManifestHit]) -> None:
    """What a search found."""
    if not rows:
        out.line("No manifest has all of these words.")
    for row in rows:
        out.line(f"{row.id}  {row.type} · {row.status}  {row.title}", "bold")
        out.line(f"  {row.snippet}")


def whole(out: Printer, found: Sequence[Manifest | StageOutput]) -> None:
    """Manifests and outputs of stages whole, one below the other."""
    for number, one in enumerate(found):
        if number:
            out.line()
        out.line(f"{one.id}  {one.title}", "bold")
        out.line(f"  {getattr(one, 'type', 'output of a stage')} · {one.status}")
        for name in _FACTS:
            value = getattr(one, name, None)
            if value:
                text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
                out.line(f"  {name.replace('_', ' '):12} {text}")
        content = getattr(one, "content", None)
        if content:
            out.line()
            for text in content.splitlines():
                out.line(f"  {text}")


_FACTS = (
    *("task_id", "epic_id", "session_id", "pipeline_id", "stage_id", "tasks", "date"),
    *("source_file", "output_file", "agent_type", "created_by", "brain_obs_id", "topics"),
    *("findings", "metadata", "created_at", "archived_at"),
)


def outputs(out: Printer, rows: Sequence[StageOutput]) -> None:
    """Outputs of stages as a table."""
    if not rows:
        out.line("No stage brought anything forth.")
        return
    out.table(
        ("id", "status", "date", "title", "stage", "file"),
        [(row.id, row.status, row.date, row.title, row.stage_id, row.output_file) for row in rows],
    )


def added(out: Printer, one: ManifestAdded, dry_run: bool) -> None:
    """What became of an add."""
    if one.merged:
        out.line(f"{one.id} holds this content already: {one.title}")
    else:
        out.line(f"{'Would add' if dry_run else 'Added'} {one.id}: {one.title}")


def stats(out: Printer, found: ManifestStats) -> None:
    """Counts by type and by status."""
    out.line(f"{found.total} manifests")
    rows = [*found.by_status.items(), *found.by_type.items()]
    out.table(("word", "manifests"), [(word, count) for word, count in rows if count])


def distilled(out: Printer, one: Manifest) -> None:
    """What became of a manifest that was distilled."""
    out.line(f"{one.id} is {one.status} into {one.brain_obs_id or 'nothing that is known'}.")


def archived(out: Printer, result: ManifestsArchived, dry_run: bool) -> None:
    """Which manifests were put away."""
    said = "would be archived" if dry_run else "archived"
    out.line(f"{len(result.archived)} {said}: {' '.join(result.archived)}")
