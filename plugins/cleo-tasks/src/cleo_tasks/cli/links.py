"""``cleo link``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_core.cli import Result, command, group
from cleo_tasks.cli import render_links as render
from cleo_tasks.cli.tasks import service
from cleo_tasks.enums import LINK_TYPE, SYNC_DIRECTION
from cleo_tasks.importers.agreement import POLICIES

if TYPE_CHECKING:
    from cleo_core.app import App

_PROVIDER = click.option("--provider", metavar="NAME", help="What the tracker is called.")
_TYPE = click.option("--type", help=f"{', '.join(LINK_TYPE)}.")
_DIRECTION = click.option("--direction", help=f"{', '.join(SYNC_DIRECTION)}.")


@command("add", creates=True)
@click.argument("id")
@click.argument("external", metavar="EXTERNAL")
@_PROVIDER
@_TYPE
@_DIRECTION
@click.option("--url", help="Where people find the record.")
def _add(app: App, id: str, external: str, **given: Any) -> Result:
    """Link a task to a record of another tracker.

    EXTERNAL is the record's id there, or the address of a GitHub issue. A repeat changes nothing
    but the type, direction and address that are given.

    Example: cleo link add T001 PROJ-12 --provider jira --direction bidirectional
    """
    result = service(app).link_add(id, external, **given)
    return Result(
        result, ids=[result.link.external_id], human=lambda out: render.added(out, result)
    )


@command("list", lists=True)
@click.argument("id", required=False)
@_PROVIDER
@_TYPE
@_DIRECTION
def _list(app: App, id: str | None, limit: int | None, offset: int, **given: Any) -> Result:
    """List links to other trackers, of one task or all.

    Example: cleo link list T001
    """
    found, page = service(app).link_list(id, limit=limit, offset=offset, **given)
    ids = [one.external_id for one in found]
    return Result(found, page=page, ids=ids, human=lambda out: render.links(out, found))


@command("remove", writes=True)
@click.argument("id")
@click.argument("external", metavar="EXTERNAL")
@_PROVIDER
def _remove(app: App, id: str, external: str, provider: str | None) -> Result:
    """Remove a link; neither the task nor the record is touched.

    Example: cleo link remove T001 PROJ-12
    """
    result = service(app).link_remove(id, external, provider=provider)
    ids = [one.external_id for one in result.removed]
    return Result(result, ids=ids, human=lambda out: render.removed(out, result, app.dry_run))


@command("reconcile", writes=True)
@click.argument("provider")
@click.argument("file")
@click.option(
    "--policy",
    type=click.Choice(POLICIES),
    default=POLICIES[0],
    help="Who wins where both sides changed.",
)
@click.option("--no-assignee", is_flag=True, help="Leave the tasks unclaimed.")
@click.option("--tag", "tags", multiple=True, help="Task Master: only this tag; repeatable.")
@click.option("--report", metavar="FILE", help="Write one JSON line per record there.")
@click.option("--force", is_flag=True, help="Replace the report if it is there.")
def _reconcile(app: App, provider: str, file: str, no_assignee: bool, **given: Any) -> Result:
    """Reconcile tasks with their records at a tracker.

    FILE is what `cleo import` reads for that tracker, or JSON lines with external_id, title,
    status, url and updated_at. What only one side changed goes to the other side; where both did,
    the policy decides. Nothing is sent, and nothing is deleted because its record is absent.

    Example: cleo link reconcile jira issues.jsonl --policy report-only
    """
    from cleo_core.cli.progress import Progress

    with Progress(reads=file) as progress:
        result = service(app).link_reconcile(
            provider, file, assignees=not no_assignee, progress=progress, **given
        )
    ids = [one.external_id for one in result.actions]
    return Result(result, ids=ids, human=lambda out: render.reconciled(out, result, app.dry_run))


link_command = group("link", "Links to other trackers.", _add, _list, _remove, _reconcile)
