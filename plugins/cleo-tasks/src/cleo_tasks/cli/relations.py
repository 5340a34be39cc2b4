"""``cleo relate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_core.cli import Result, command, group
from cleo_tasks.cli import render_structure as render
from cleo_tasks.cli.tasks import service
from cleo_tasks.enums import RELATION_TYPE

if TYPE_CHECKING:
    from cleo_core.app import App


@command("add", edits=True)
@click.argument("id")
@click.argument("other")
@click.option("--type", default="related", help=f"{', '.join(RELATION_TYPE)}.")
@click.option("--reason", help="Why.")
def _add(app: App, id: str, other: str, **given: Any) -> Result:
    """Relate a task to another one; readiness is not affected.

    Example: cleo relate add T003 T001 --type duplicates
    """
    result = service(app).relate_add(id, other, **given)
    return Result(result, ids=[result.task_id], human=lambda out: render.related(out, [result]))


@command("remove", edits=True)
@click.argument("id")
@click.argument("other")
@click.option("--type", help="Only this relation; all by default.")
def _remove(app: App, id: str, other: str, **given: Any) -> Result:
    """Remove the relations of a task to another one.

    Example: cleo relate remove T003 T001
    """
    result = service(app).relate_remove(id, other, **given)
    return Result(result, human=lambda out: render.related(out, result.removed, gone=True))


@command("list", lists=True)
@click.argument("id")
def _list(app: App, id: str, limit: int | None, offset: int) -> Result:
    """List a task's relations in both directions.

    Example: cleo relate list T003
    """
    found, page = service(app).relate_list(id, limit=limit, offset=offset)
    return Result(found, page=page, human=lambda out: render.related(out, found))


@command("suggest", lists=True)
@click.argument("id")
def _suggest(app: App, id: str, limit: int | None, offset: int) -> Result:
    """List unrelated tasks with the same labels, phase or parent.

    Example: cleo relate suggest T003
    """
    found, page = service(app).relate_suggest(id, limit=limit, offset=offset)
    return Result(found, page=page, human=lambda out: render.similar(out, found))


relate_command = group("relate", "Relations between tasks.", _add, _remove, _list, _suggest)
