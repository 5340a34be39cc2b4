"""``cleo adr``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_core.cli import Result, command, group
from cleo_tasks.cli import render_adrs as render
from cleo_tasks.cli.tasks import service
from cleo_tasks.enums import ADR_LINK_TYPE, ADR_RELATION_TYPE, ADR_STATUS

if TYPE_CHECKING:
    from cleo_core.app import App


@command("add", creates=True)
@click.argument("title")
@click.option("--summary", help="What was decided, in one line.")
@click.option("--status", default="proposed", help="proposed, accepted or deprecated.")
@click.option("--topic", "topics", multiple=True, help="Repeatable.")
def _add(app: App, title: str, **given: Any) -> Result:
    """Write a new decision into .cleo/adrs, with the next number, then sync.

    Example: cleo adr add "Keep one file per store" --summary "So that each can be restored"
    """
    result = service(app).adr_add(title, **given)
    return Result(result, human=lambda out: render.added(out, result, app.dry_run))


@command("list", lists=True)
@click.option("--status", multiple=True, help=f"{', '.join(ADR_STATUS)}; repeatable.")
@click.option("--topic", "topics", multiple=True, help="About this; repeatable, all of them.")
@click.option("--task", metavar="ID", help="Linked to this task.")
@click.option("--removed", is_flag=True, help="Also those whose file is gone.")
def _list(app: App, **filters: Any) -> Result:
    """List decisions by number.

    Example: cleo adr list --status accepted --topic storage
    """
    found, page = service(app).adr_list(**filters)
    return Result(found, page=page, human=lambda out: render.lines(out, found))


@command("show")
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
def _show(app: App, ids: tuple[str, ...]) -> Result:
    """Show decisions whole, with their relations and tasks.

    Example: cleo adr show ADR-006
    """
    found = service(app).adr_show(*ids)
    return Result(found[0] if len(ids) == 1 else found, human=lambda out: render.adrs(out, found))


@command("find", lists=True)
@click.argument("query")
@click.option("--status", multiple=True, help=f"{', '.join(ADR_STATUS)}; repeatable.")
@click.option("--topic", "topics", multiple=True, help="About this; repeatable, all of them.")
@click.option("--removed", is_flag=True, help="Also those whose file is gone.")
def _find(app: App, query: str, **given: Any) -> Result:
    """Search decisions: those that have every word, the best first.

    Example: cleo adr find "sqlite wal"
    """
    found, page = service(app).adr_find(query, **given)
    return Result(found, page=page, human=lambda out: render.hits(out, found))


@command("sync", writes=True)
def _sync(app: App) -> Result:
    """Read .cleo/adrs/ADR-NNN-slug.md and bring the stored decisions to what they say.

    Example: cleo adr sync --dry-run
    """
    result = service(app).adr_sync()
    changed = [*result.created, *result.updated, *result.restored, *result.removed]
    return Result(result, ids=changed, human=lambda out: render.synced(out, result, app.dry_run))


@command("link", writes=True)
@click.argument("adr")
@click.argument("other", metavar="TASK_OR_ADR")
@click.option(
    "--type",
    default="related",
    help=f"To a task {', '.join(ADR_LINK_TYPE)}; to a decision {', '.join(ADR_RELATION_TYPE)}.",
)
def _link(app: App, adr: str, other: str, type: str) -> Result:
    """Link a decision to a task or to another decision; syncing leaves the link alone.

    Example: cleo adr link ADR-006 T012 --type governed_by
    """
    result = service(app).adr_link(adr, other, type=type)
    return Result(result, ids=[result.adr_id], human=lambda out: render.links(out, [result]))


@command("unlink", writes=True)
@click.argument("adr")
@click.argument("other", metavar="TASK_OR_ADR")
@click.option("--type", help="Only this link; all by default.")
def _unlink(app: App, adr: str, other: str, type: str | None) -> Result:
    """Remove links that were made by hand; what a file says is changed in the file.

    Example: cleo adr unlink ADR-006 T012
    """
    result = service(app).adr_unlink(adr, other, type=type)
    ids = [one.adr_id for one in result.removed[:1]]
    return Result(result, ids=ids, human=lambda out: render.links(out, result.removed, gone=True))


adr_command = group(
    "adr", "Architecture decisions.", _add, _list, _show, _find, _sync, _link, _unlink
)
