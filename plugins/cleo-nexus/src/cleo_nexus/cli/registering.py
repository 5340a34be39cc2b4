"""``cleo nexus register``, ``unregister``, ``rename`` and ``permission``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_core.cli import Result, command, group
from cleo_core.output import Printer
from cleo_nexus.cli.rendering import print_project, service
from cleo_nexus.enums import PERMISSION

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_nexus.records.projects import Permission


@command("register", project="optional", creates=True)
@click.argument("path", required=False)
@click.option("--name", help="What people read.")
@click.option("--slug", help="What references use.")
@click.option(
    "--permission",
    type=click.Choice(PERMISSION),
    default="read",
    show_default=True,
    help="What it lets other projects do.",
)
def register_command(
    app: App,
    path: str | None,
    name: str | None,
    slug: str | None,
    permission: str,
    idempotency_key: str | None,
) -> Result:
    """Put a project into the registry, by default this one.

    Example: cleo nexus register ../web --slug web
    """
    found = service(app).register(
        path, name=name, slug=slug, permission=permission, idempotency_key=idempotency_key
    )
    return Result(found, ids=[found.slug], human=lambda out: print_project(out, found))


@command("unregister", project="optional", writes=True)
@click.argument("key", metavar="PROJECT")
@click.option("--with-edges", is_flag=True, help="Remove the edges of its tasks too.")
@click.option("--force", is_flag=True, help="Also while an instance or a transfer is open.")
def unregister_command(app: App, key: str, with_edges: bool, force: bool) -> Result:
    """Take a project out of the registry; its files are left alone.

    Edges and instances that name it stay, and `cleo nexus orphans` shows them.

    Example: cleo nexus unregister web --dry-run
    """
    found = service(app).unregister(key, with_edges=with_edges, force=force)

    def human(out: Printer) -> None:
        fate = "removed with it" if with_edges else "still there"
        out.line(f"{found.removed.slug} is no longer registered: {found.removed.path}")
        out.line(f"  {found.edges} edges are {fate}, {found.instances} instances are still there")

    return Result(found, ids=[found.removed.slug], human=human)


@command("rename", project="optional", writes=True)
@click.argument("key", metavar="PROJECT")
@click.option("--name", help="What people read.")
@click.option("--slug", help="What references use; the old one goes on leading here.")
def rename_command(app: App, key: str, name: str | None, slug: str | None) -> Result:
    """Change a project's name, its slug or both.

    Example: cleo nexus rename web --slug frontend
    """
    found = service(app).rename(key, name=name, slug=slug)
    return Result(found, ids=[found.slug], human=lambda out: print_project(out, found))


@command("get", project="optional")
@click.argument("key", metavar="PROJECT")
def permission_get_command(app: App, key: str) -> Result:
    """Show what a project lets other projects do.

    Example: cleo nexus permission get web
    """
    return _permission(service(app).permission_get(key))


@command("set", project="optional", writes=True)
@click.argument("key", metavar="PROJECT")
@click.argument("level", metavar="LEVEL", type=click.Choice(PERMISSION))
def permission_set_command(app: App, key: str, level: str) -> Result:
    """Let other projects do more or less with a project: read, write or execute.

    Each level includes those before it. read: see its tasks, wait for them, copy them. write: let
    its tasks wait for tasks elsewhere, and put tasks into it. execute: move its tasks away.

    This is advice, not security: the same user owns all the files. It keeps an agent from changing
    the wrong project by mistake, and does not stop anyone who means to.

    Example: cleo nexus permission set web write
    """
    return _permission(service(app).permission_set(key, level))


permission_command = group(
    "permission",
    "What a project lets other projects do. Advice, not security.",
    permission_get_command,
    permission_set_command,
)


def _permission(found: Permission) -> Result:
    was = "" if found.previous is None else f" (before: {found.previous})"
    return Result(
        found,
        ids=[found.project],
        human=lambda out: out.line(f"{found.project} lets other projects {found.permissions}{was}"),
    )
