"""``cleo nexus reconcile``, ``scan`` and ``clean``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_core.cli import Result, command
from cleo_core.output import Printer
from cleo_nexus.cli.rendering import print_project, service

if TYPE_CHECKING:
    from cleo_core.app import App

#: Outcome -> what people read.
_OUTCOMES = {
    "ok": "The project is where it is registered.",
    "moved": "The project has moved; the registry knows its new place.",
    "new": "The project is registered now.",
    "claimed": "The registration is here now; the other directory is the copy.",
    "new_id": "This copy has an id of its own, and is registered.",
    "adopted": "This directory has the registered id.",
    "replaced": "This directory's id is in the place of the registered one.",
}


@command("reconcile", writes=True)
@click.option("--new-id", is_flag=True, help="This is a copy: give it an id of its own.")
@click.option("--claim", is_flag=True, help="The other one is the copy: register this one.")
@click.option("--adopt", is_flag=True, help="Write the registered id into this directory.")
@click.option(
    "--replace", is_flag=True, help="Register this directory's id in the old one's place."
)
@click.option("--alias", is_flag=True, help="With --replace: what named the old id follows.")
def reconcile_command(
    app: App, new_id: bool, claim: bool, adopt: bool, replace: bool, alias: bool
) -> Result:
    """Make the registry agree with this directory.

    A project that was moved is found again. A copy, or a directory whose id is not the registered
    one, is exit 75 until one of the options settles it.

    Example: cleo nexus reconcile --dry-run
    """
    found = service(app).reconcile(
        new_id=new_id, claim=claim, adopt=adopt, replace=replace, alias=alias
    )

    def human(out: Printer) -> None:
        out.line(_OUTCOMES[found.outcome])
        if found.old_path is not None:
            out.line(f"  before  {found.old_path}")
        print_project(out, found.project)

    return Result(found, ids=[found.project.slug], human=human)


@command("scan", project="optional", writes=True)
@click.argument("roots", metavar="[ROOT]...", nargs=-1)
@click.option(
    "--depth", type=click.IntRange(1, 20), default=4, show_default=True, help="Levels below a root."
)
@click.option("--register", is_flag=True, help="Register what is not registered.")
def scan_command(app: App, roots: tuple[str, ...], depth: int, register: bool) -> Result:
    """Look for projects that are not registered, have moved, or are copies.

    Without a root it looks where `nexus.scan_roots` says.

    Example: cleo nexus scan ~/code --register
    """
    from cleo_core.cli.progress import Progress

    with Progress() as progress:
        found = service(app).scan(
            *roots,
            depth=depth,
            register=register,
            progress=lambda done: progress("directories", done, None),
        )

    def human(out: Printer) -> None:
        if not found.found:
            out.line("Every project there is registered as it is.")
            return
        out.table(
            ("state", "path", "id"),
            [
                (one.state if one.slug is None else f"registered: {one.slug}", one.path, one.id)
                for one in found.found
            ],
        )

    return Result(found, ids=[one.path for one in found.found], human=human)


@command("clean", project="optional", writes=True)
@click.option("--missing", is_flag=True, help="Their directory is gone.")
@click.option("--temp", is_flag=True, help="They lie under the system's temporary directory.")
@click.option("--never-synced", is_flag=True, help="Nothing of them was ever counted.")
@click.option("--match", metavar="REGEX", help="This is found in their path.")
@click.option("--yes", is_flag=True, help="Do it; otherwise this is a dry run.")
def clean_command(
    app: App, missing: bool, temp: bool, never_synced: bool, match: str | None, yes: bool
) -> Result:
    """Take the projects out of the registry that meet every criterion given.

    No file of any project is touched. Without --yes it only says what would be done.

    Example: cleo nexus clean --missing --yes
    """
    found = service(app).clean(
        missing=missing, temp=temp, never_synced=never_synced, match=match, yes=yes
    )

    def human(out: Printer) -> None:
        out.table(("slug", "path"), [(one.slug, one.path) for one in found.matched])
        for kept in found.skipped:
            out.line(f"{kept.project} stays: {kept.reason}")
        if yes and not app.dry_run:
            out.line(f"{found.removed} projects were taken out of the registry")
        else:
            count = len(found.matched) - len(found.skipped)
            out.line(f"{count} projects would be taken out of the registry; --yes does it")

    return Result(found, ids=[one.slug for one in found.matched], human=human)
