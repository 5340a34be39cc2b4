"""``cleo deps``, ``blockers``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_core.cli import Result, command, group
from cleo_tasks.cli import render_structure as render
from cleo_tasks.cli.tasks import service

if TYPE_CHECKING:
    from cleo_core.app import App

_WITHIN = click.option("--within", metavar="ID", help="Only this task and what is below it.")


@command("show")
@click.argument("id")
def _show(app: App, id: str) -> Result:
    """Show what a task depends on, and what depends on it.

    Example: cleo deps show T003
    """
    found = service(app).deps_show(id)
    return Result(found, human=lambda out: render.dependencies(out, found))


@command("add", edits=True)
@click.argument("id")
@click.argument("depends_on", nargs=-1, required=True, metavar="OTHER…")
def _add(app: App, id: str, depends_on: tuple[str, ...], if_version: int | None) -> Result:
    """Let a task wait for others.

    Example: cleo deps add T003 T001 T002
    """
    result = service(app).deps_add(id, depends_on, if_version=if_version)
    return Result(result, human=lambda out: render.dependency_change(out, result))


@command("remove", edits=True)
@click.argument("id")
@click.argument("depends_on", nargs=-1, required=True, metavar="OTHER…")
def _remove(app: App, id: str, depends_on: tuple[str, ...], if_version: int | None) -> Result:
    """Let a task no longer wait for others.

    Example: cleo deps remove T003 T001
    """
    result = service(app).deps_remove(id, depends_on, if_version=if_version)
    return Result(result, human=lambda out: render.dependency_change(out, result))


@command("waves")
@_WITHIN
def _waves(app: App, within: str | None) -> Result:
    """Show open tasks in waves: each waits only for earlier ones, a parent for its children.

    Example: cleo deps waves --within T001
    """
    found = service(app).deps_waves(within=within)
    ids = [line.id for wave in found.waves for line in wave]
    return Result(found, ids=ids, human=lambda out: render.waves(out, found))


@command("critical-path")
@_WITHIN
def _critical_path(app: App, within: str | None) -> Result:
    """Show the longest chain of open tasks that wait for each other.

    Example: cleo deps critical-path
    """
    found = service(app).deps_critical_path(within=within)
    return Result(found, human=lambda out: render.critical_path(out, found))


@command("impact")
@click.argument("id")
@_WITHIN
def _impact(app: App, id: str, within: str | None) -> Result:
    """Show the open tasks that wait for a task, directly or through others.

    Example: cleo deps impact T001
    """
    found = service(app).deps_impact(id, within=within)
    return Result(found, human=lambda out: render.impact(out, found))


@command("cycles")
@_WITHIN
def _cycles(app: App, within: str | None) -> Result:
    """Show tasks that wait for each other; only a corrupted file has any.

    Example: cleo deps cycles
    """
    found = service(app).deps_cycles(within=within)
    ids = [loop.path[0] for loop in found.cycles]
    return Result(found, ids=ids, human=lambda out: render.cycles(out, found))


@command("overview")
@_WITHIN
def _overview(app: App, within: str | None) -> Result:
    """Count open tasks, what they wait for and what can be started.

    Example: cleo deps overview
    """
    found = service(app).deps_overview(within=within)
    return Result(found, human=lambda out: render.overview(out, found))


deps_command = group(
    "deps",
    "What waits for what.",
    *(_show, _add, _remove, _waves, _critical_path, _impact, _cycles, _overview),
)


@command("blockers", lists=True)
def blockers_command(app: App, limit: int | None, offset: int) -> Result:
    """List the open tasks that hold most others up; a root waits for nothing itself.

    Example: cleo blockers --limit 5
    """
    found, page = service(app).blockers(limit=limit, offset=offset)
    return Result(found, page=page, human=lambda out: render.blockers(out, found))
