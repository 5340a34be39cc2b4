"""``cleo export``, ``cleo import``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from cleo_core.cli import Result, command, group
from cleo_tasks.cli import render_transfer
from cleo_tasks.cli.tasks import service

if TYPE_CHECKING:
    from collections.abc import Callable

    from cleo_core.app import App


@command("export", dry_run=True)
@click.option("--output", metavar="FILE", help="By default tasks-<time>.jsonl here; - is stdout.")
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@click.option("--within", metavar="ID", help="Only this task and what is below it.")
@click.option("--status", multiple=True, help="Only tasks of this status; repeatable.")
@click.option("--include-links", is_flag=True, help="With the links to other trackers.")
def export_command(
    app: App,
    output: str | None,
    force: bool,
    within: str | None,
    status: tuple[str, ...],
    include_links: bool,
) -> Result:
    """Write tasks to a file of JSON lines, archived ones included.

    `cleo import jsonl` reads it back.

    Example: cleo export --output tasks.jsonl --within T001
    """
    from cleo_core.cli.progress import Progress

    with Progress() as progress:
        result = service(app).export(
            output=None if output == "-" else output,
            force=force,
            stream=sys.stdout.buffer if output == "-" else None,
            within=within,
            status=status,
            include_links=include_links,
            progress=progress,
        )
    return Result(
        result,
        raw="" if output == "-" else None,
        ids=[result.file or "-"],
        human=lambda out: render_transfer.exported(out, result, app),
    )


def _options(callback: Callable[..., Result]) -> Callable[..., Result]:
    """The options that every import has."""
    for option in (
        click.option("--force", is_flag=True, help="Replace the report if it is there."),
        click.option("--report", metavar="FILE", help="Write one JSON line per row there."),
        click.option("--no-assignee", is_flag=True, help="Leave the tasks unclaimed."),
        click.option("--revive", is_flag=True, help="Take back tasks that were deleted here."),
        click.option("--update", is_flag=True, help="Apply rows that changed since last time."),
        click.argument("file"),
    ):
        callback = option(callback)
    return callback


def _imported(app: App, verb: str, file: str, no_assignee: bool, **options: Any) -> Result:
    from cleo_core.cli.progress import Progress

    with Progress(reads=file) as progress:
        result = getattr(service(app), verb)(
            file, assignees=not no_assignee, progress=progress, **options
        )
    return Result(result, ids=[], human=lambda out: render_transfer.imported(out, result, app))


@command("jsonl", writes=True)
@_options
@click.option(
    "--on-conflict",
    type=click.Choice(("fail", "skip", "remap")),
    default="fail",
    help="What to do with tasks whose id is taken here.",
)
@click.option(
    "--on-missing",
    type=click.Choice(("strip", "fail")),
    default="strip",
    help="What to do with edges to tasks that are not there.",
)
def import_jsonl(app: App, **options: Any) -> Result:
    """Import a file that `cleo export` wrote; tasks keep their ids.

    Example: cleo import jsonl tasks.jsonl --on-conflict remap
    """
    return _imported(app, "import_jsonl", **options)


@command("beads", writes=True)
@_options
def import_beads(app: App, **options: Any) -> Result:
    """Import issues of beads (bd), one JSON object per line.

    Example: cleo import beads .beads/issues.jsonl --dry-run
    """
    return _imported(app, "import_beads", **options)


@command("cleo", writes=True)
@_options
def import_cleo(app: App, **options: Any) -> Result:
    """Import a task list of the TypeScript CLEO.

    Example: cleo import cleo tasks.json --report report.jsonl
    """
    return _imported(app, "import_cleo", **options)


@command("taskwarrior", writes=True)
@_options
def import_taskwarrior(app: App, **options: Any) -> Result:
    """Import what `task export` printed.

    Example: cleo import taskwarrior tasks.json
    """
    return _imported(app, "import_taskwarrior", **options)


@command("task-master", writes=True)
@_options
@click.option("--tag", "tags", multiple=True, help="Only the tasks under this tag; repeatable.")
def import_task_master(app: App, **options: Any) -> Result:
    """Import the tasks.json of Task Master; subtasks come below their tasks.

    Example: cleo import task-master .taskmaster/tasks/tasks.json --tag master
    """
    return _imported(app, "import_task_master", **options)


@command("github", writes=True)
@_options
def import_github(app: App, **options: Any) -> Result:
    """Import issues of GitHub: what `gh issue list --json` or the REST interface gives.

    Example: cleo import github issues.json --no-assignee
    """
    return _imported(app, "import_github", **options)


import_command = group(
    "import",
    "Read tasks from a file or another tracker.",
    import_jsonl,
    import_beads,
    import_cleo,
    import_taskwarrior,
    import_task_master,
    import_github,
)
