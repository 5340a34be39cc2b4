"""How exports and imports look to people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.output import Printer
    from cleo_tasks.exporter import ExportResult
    from cleo_tasks.importers.result import ImportResult

#: Reasons for which a row was left alone, and the option that changes that.
_WAYS = {
    "changed": "--update applies them",
    "deleted here": "--revive takes them back",
    "id taken": "--on-conflict remap gives them new ids",
}


def exported(out: Printer, result: ExportResult, app: App) -> None:
    """What was written, and where."""
    wrote = "Would write" if app.dry_run else "Wrote"
    out.line(f"{wrote} {result.tasks} tasks and {result.edges} dependencies to {result.file}")
    if result.external:
        out.line(f"  {result.external} edges lead out of the selection and are kept as external.")


def imported(out: Printer, result: ImportResult, app: App) -> None:
    """The three sums, why rows were skipped, and what was made of the rest."""
    would = "would be " if app.dry_run else ""
    out.line(
        f"{result.read} rows: {result.imported} {would}imported, "
        f"{result.updated} {would}updated, {result.skipped} {would}skipped",
        "bold",
    )
    for reason, count in result.reasons.items():
        way = f" ({_WAYS[reason]})" if reason in _WAYS else ""
        out.line(f"  skipped  {count:6} {reason}{way}")
    edges = result.edges
    for name in ("parents", "dependencies", "relations"):
        if edges[name]:
            out.line(f"  edges    {edges[name]:6} {name}")
    for reason, count in edges["skipped"].items():
        out.line(f"  edges    {count:6} left out: {reason}")
    for name in ("labels", "notes", "gates", "phases"):
        if getattr(result, name):
            out.line(f"  with     {getattr(result, name):6} {name}")
    for name, count in result.adjusted.items():
        out.line(f"  changed  {count:6} {name}")
    for problem in result.problems:
        out.line(f"  line {problem['line']}: {problem['reason']}: {problem['message']}")
    if result.finished:
        out.line(f"  {result.finished} of the updated ones finish an import that was cut short.")
    if result.report and not app.dry_run:
        out.line(f"Report: {result.report}")
