"""What several commands print, and the service that they call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from cleo_core.output import Printer
from cleo_nexus.records.projects import Project

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_nexus.records.edges import Entry
    from cleo_nexus.records.found import Skipped
    from cleo_nexus.service import NexusService


TIMEOUT = click.option("--timeout", type=float, metavar="SECONDS", help="For all projects; 10.")


def service(app: App) -> NexusService:
    """The service of the running command."""
    found: NexusService = app.service("nexus")
    return found


def counted(project: Project) -> str:
    """How many tasks a project had when they were counted; ``?`` where they never were."""
    return "?" if project.last_sync is None else str(project.task_count)


def print_project(out: Printer, project: Project) -> None:
    """A project, for people."""
    here = " (this project)" if project.current else ""
    out.line(f"{project.slug}: {project.name}{here}")
    out.line(f"  path    {project.path}")
    out.line(f"  id      {project.id}")
    out.line(f"  lets    {project.permissions}")
    tasks = f"its tasks were never counted: cleo nexus sync {project.slug}"
    if project.last_sync is not None:
        tasks = f"{project.task_count} tasks"
    out.line(f"  health  {project.health.status}, {tasks}")
    if project.labels:
        out.line(f"  labels  {', '.join(project.labels)}")


def print_entries(
    out: Printer, entries: Sequence[Entry], nothing: str, *, indent: bool = True
) -> None:
    """Tasks, each on a line, indented by how far they are."""
    for entry in entries:
        space = "  " * entry.depth if indent else ""
        title = "" if entry.title is None else f"  {entry.title}"
        out.line(f"{space}{entry.ref}  [{entry.status}]{title}")
    if not entries:
        out.line(nothing)


def print_skipped(out: Printer, skipped: Sequence[Skipped]) -> None:
    """Projects that could not be looked at."""
    for one in skipped:
        out.line(f"not looked at: {one.project} ({one.reason})")
