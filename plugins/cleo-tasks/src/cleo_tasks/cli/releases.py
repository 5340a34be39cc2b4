"""``cleo release``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from cleo_core.cli import Result, command, group
from cleo_tasks.cli import render_releases
from cleo_tasks.cli.tasks import service
from cleo_tasks.enums import RELEASE_STATUS

if TYPE_CHECKING:
    from cleo_core.app import App

_OPTIONS = (
    click.option("--epic", metavar="ID", help="Release the done tasks below this epic."),
    click.option("--task", "tasks", multiple=True, metavar="ID", help="This task; repeatable."),
    click.option("--all-done", is_flag=True, help="Every done task that no release has."),
    click.option("--note", metavar="TEXT", help="What the changelog says first."),
    click.option("--dist-tag", metavar="NAME", help="The channel, such as latest or beta."),
    click.option("--push", is_flag=True, help="Push the commit and the tag too."),
    click.option("--force", is_flag=True, help="Pass the gates that can be passed."),
    click.option("--reason", metavar="TEXT", help="Why they are passed; recorded."),
)


def _what(callback: Callable[..., Any]) -> Callable[..., Any]:
    """The options that ``plan`` and ``ship`` share."""
    for option in reversed(_OPTIONS):
        callback = option(callback)
    return callback


@command("plan")
@click.argument("version")
@_what
def plan_command(app: App, version: str, **options: Any) -> Result:
    """Show what shipping a version would do, and what stands in its way; nothing is written.

    Example: cleo release plan v1.2.0 --all-done
    """
    result = service(app).release_plan(version, **options)
    return Result(result, human=lambda out: render_releases.plan(out, result))


@command("ship", creates=True, edits=True)
@click.argument("version")
@_what
def ship_command(app: App, version: str, **options: Any) -> Result:
    """Make a release: prepare, bump, changelog, commit, tag and, with --push, push.

    The tasks are those that were completed since the last release, unless you choose them; for the
    first release you have to. Whatever interrupts it, the same command goes on from there. What
    others have changed or staged in the work tree is never committed.

    The bump command is configured with `cleo config set tasks.release.bump_command`; {version} in
    it stands for 1.2.0 and {tag} for v1.2.0, and so do CLEO_RELEASE_VERSION and CLEO_RELEASE_TAG
    in its environment.

    Example: cleo release ship v1.2.0 --push
    """
    result = service(app).release_ship(version, **options)
    return Result(result, human=lambda out: render_releases.shipped(out, result, app.dry_run))


@command("list", lists=True)
@click.option("--status", type=click.Choice(RELEASE_STATUS), help="With this status.")
def list_command(app: App, status: str | None, limit: int | None, offset: int) -> Result:
    """List the releases, newest first.

    Example: cleo release list
    """
    found, page = service(app).release_list(status=status, limit=limit, offset=offset)
    return Result(found, page=page, human=lambda out: render_releases.listing(out, found))


@command("show")
@click.argument("release")
def show_command(app: App, release: str) -> Result:
    """Show a release with its steps and tasks; RELEASE is its version or id.

    Example: cleo release show v1.2.0
    """
    result = service(app).release_show(release)
    return Result(result, human=lambda out: render_releases.release(out, result))


@command("changelog")
@click.argument("release")
def changelog_command(app: App, release: str) -> Result:
    """Print the section of the changelog that a release has.

    Example: cleo release changelog v1.2.0 --field changelog
    """
    result = service(app).release_changelog(release)
    return Result(
        result, ids=[result.version], human=lambda out: out.line(result.changelog.rstrip("\n"))
    )


@command("cancel", edits=True)
@click.argument("release")
@click.option("--reason", metavar="TEXT", help="Why; recorded.")
def cancel_command(app: App, release: str, **options: Any) -> Result:
    """End a release that has made no commit yet.

    Its version and tasks are free again. What its steps have written stays as it is; the result
    names the commands that take it back.

    Example: cleo release cancel v1.2.0
    """
    result = service(app).release_cancel(release, **options)
    return Result(result, human=lambda out: render_releases.ended(out, result))


@command("rollback", edits=True)
@click.argument("release")
@click.option("--reason", metavar="TEXT", help="Why; recorded.")
def rollback_command(app: App, release: str, **options: Any) -> Result:
    """Record that a release is taken back.

    git is not touched; the result names the commands that take back its commit and tag. After them
    the version can be shipped again.

    Example: cleo release rollback v1.2.0 --reason "breaks the importer"
    """
    result = service(app).release_rollback(release, **options)
    return Result(result, human=lambda out: render_releases.ended(out, result))


release_command = group(
    "release",
    "Releases.",
    plan_command,
    ship_command,
    list_command,
    show_command,
    changelog_command,
    cancel_command,
    rollback_command,
)
