"""``cleo manifest``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from cleo_core.cli import Result, command, group
from cleo_tasks.cli import render_manifests as render
from cleo_tasks.cli.tasks import service
from cleo_tasks.enums import MANIFEST_ENTRY_STATUS, MANIFEST_STATUS, MANIFEST_TYPE

if TYPE_CHECKING:
    from cleo_core.app import App

_FILTERS = (
    click.option("--task", metavar="ID", help="Of this task."),
    click.option("--type", help=f"{', '.join(MANIFEST_TYPE)}."),
    click.option("--status", help=f"{', '.join(MANIFEST_STATUS)}."),
    click.option("--before", metavar="TIME", help="Made before this time."),
)


def _filtered(callback: Callable[..., Result]) -> Callable[..., Result]:
    for option in reversed(_FILTERS):
        callback = option(callback)
    return callback


@command("add", creates=True)
@click.argument("title")
@click.option("--content", help="The text.")
@click.option("--file", metavar="PATH", help="A text file of the project; - is stdin.")
@click.option("--type", default="note", help=f"{', '.join(MANIFEST_TYPE)}.")
@click.option("--task", metavar="ID", help="The task it belongs to.")
@click.option("--status", default="active", help="active; old tools call it completed.")
@click.option("--metadata", metavar="JSON", help="A JSON object.")
def _add(app: App, title: str, metadata: str | None, **given: Any) -> Result:
    """Store a text that work brought forth; the same text of a task is stored once.

    Example: cleo manifest add "How others cache" --type research --task T012 --file notes.md
    """
    from cleo_tasks.cli.json_input import json_object, read_text

    given["metadata"] = None if metadata is None else json_object(metadata, "--metadata")
    if given["file"] == "-" and given["content"] is None:
        given["content"], given["file"] = read_text("-"), None
    result = service(app).manifest_add(title, **given)
    return Result(result, human=lambda out: render.added(out, result, app.dry_run))


@command("list", lists=True)
@_filtered
def _list(app: App, **filters: Any) -> Result:
    """List manifests, newest first.

    Example: cleo manifest list --task T012 --type research
    """
    found, page = service(app).manifest_list(**filters)
    return Result(found, page=page, human=lambda out: render.lines(out, found))


@command("show")
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
def _show(app: App, ids: tuple[str, ...]) -> Result:
    """Show manifests and outputs of stages whole.

    Example: cleo manifest show T012-how-others-cache
    """
    found = service(app).manifest_show(*ids)
    return Result(found[0] if len(ids) == 1 else found, human=lambda out: render.whole(out, found))


@command("find", lists=True)
@click.argument("query")
@_filtered
def _find(app: App, query: str, **given: Any) -> Result:
    """Search manifests: those that have every word, the best first.

    Example: cleo manifest find "cache eviction"
    """
    found, page = service(app).manifest_find(query, **given)
    return Result(found, page=page, human=lambda out: render.hits(out, found))


@command("stats")
@_filtered
def _stats(app: App, **filters: Any) -> Result:
    """Count manifests by type and by status.

    Example: cleo manifest stats
    """
    found = service(app).manifest_stats(**filters)
    return Result(found, ids=[], human=lambda out: render.stats(out, found))


@command("distil", writes=True)
@click.argument("id")
@click.option("--observation", metavar="ID", required=True, help="What it was distilled into.")
def _distil(app: App, id: str, observation: str) -> Result:
    """Say which observation of the brain holds what a manifest comes to.

    Example: cleo manifest distil T012-how-others-cache --observation O-0012
    """
    found = service(app).manifest_distil(id, observation=observation)
    return Result(found, human=lambda out: render.distilled(out, found))


@command("archive", writes=True)
@click.argument("ids", nargs=-1, metavar="[ID…]")
@click.option("--before", metavar="TIME", help="All that were made before this time.")
def _archive(app: App, ids: tuple[str, ...], before: str | None) -> Result:
    """Put manifests away: by id, or all that are older than a time.

    Example: cleo manifest archive --before 2026-01-01 --dry-run
    """
    result = service(app).manifest_archive(*ids, before=before)
    return Result(
        result, ids=result.archived, human=lambda out: render.archived(out, result, app.dry_run)
    )


@command("stages", lists=True)
@click.option("--task", metavar="ID", help="Of this task.")
@click.option("--status", help=f"{', '.join(MANIFEST_ENTRY_STATUS)}.")
@click.option("--before", metavar="TIME", help="Made before this time.")
def _stages(app: App, **filters: Any) -> Result:
    """List what lifecycle stages brought forth, newest first.

    Example: cleo manifest stages --task T012
    """
    found, page = service(app).manifest_stages(**filters)
    return Result(found, page=page, human=lambda out: render.outputs(out, found))


manifest_command = group(
    "manifest",
    "What research and work brought forth.",
    _add,
    _list,
    _show,
    _find,
    _stats,
    _distil,
    _archive,
    _stages,
)
