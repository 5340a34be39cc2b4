"""``cleo nexus deps add``, ``remove``, ``refresh`` and ``show``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_core.cli import Result, command, group
from cleo_core.output import Printer
from cleo_nexus.cli.rendering import TIMEOUT, print_entries, print_skipped, service

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_nexus.records.edges import EdgeChange, Refreshed


@command("add", project="optional", creates=True)
@click.argument("source")
@click.argument("target")
@click.option("--note", metavar="TEXT", help="Why it waits.")
def _add(
    app: App, source: str, target: str, note: str | None, idempotency_key: str | None
) -> Result:
    """Let a task wait for a task of another project; it is blocked until that one is done.

    Example: cleo nexus deps add T003 api:T001
    """
    made = service(app).deps_add(source, target, note=note, idempotency_key=idempotency_key)
    return Result(made, ids=[made.source.ref], human=lambda out: _print_change(out, made))


@command("remove", project="optional", writes=True)
@click.argument("source")
@click.argument("target")
def _remove(app: App, source: str, target: str) -> Result:
    """Let a task no longer wait for a task of another project.

    Example: cleo nexus deps remove T003 api:T001
    """
    made = service(app).deps_remove(source, target)
    return Result(made, ids=[made.source.ref], human=lambda out: _print_change(out, made))


@command("refresh", project="optional", writes=True)
def _refresh(app: App) -> Result:
    """Block and release tasks by what they wait for in other projects.

    Example: cleo nexus deps refresh
    """
    from cleo_core.cli.progress import Progress

    with Progress() as progress:
        found = service(app).deps_refresh(
            progress=lambda done, total: progress("projects", done, total)
        )
    ids = [ref.ref for ref in (*found.blocked, *found.released, *found.reworded)]
    return Result(found, ids=ids, human=lambda out: _print_refreshed(out, found))


@command("show", project="optional")
@click.argument("reference", metavar="REF")
@click.option("--reverse", is_flag=True, help="Show who waits for it instead.")
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help="Steps at most.")
@TIMEOUT
def _show(
    app: App, reference: str, reverse: bool, depth: int | None, timeout: float | None
) -> Result:
    """Show what a task waits for, over all projects; a parent waits for its children.

    Example: cleo nexus deps show api:T001 --reverse
    """
    found = service(app).deps_show(reference, reverse=reverse, depth=depth, timeout=timeout)

    def human(out: Printer) -> None:
        nothing = "Nothing waits for it." if reverse else "It waits for nothing."
        out.line(found.root.ref)
        print_entries(out, found.entries, nothing)
        print_skipped(out, found.skipped)

    return Result(found, ids=[one.ref for one in found.entries], human=human)


deps_command = group(
    "deps",
    "What waits for tasks of other projects.",
    *(_add, _remove, _refresh, _show),
)


def _print_change(out: Printer, made: EdgeChange) -> None:
    word = "waits for" if made.created else "no longer waits for"
    out.line(f"{made.source.ref} {word} {made.target.ref}.")
    if made.source_status is not None:
        out.line(f"  {made.source.ref} is {made.source_status}")


def _print_refreshed(out: Printer, found: Refreshed) -> None:
    for word in ("blocked", "released", "reworded"):
        refs = getattr(found, word)
        if refs:
            out.line(f"{word}: {', '.join(ref.ref for ref in refs)}")
    if not (found.blocked or found.released or found.reworded):
        out.line("Every task is blocked, or is not, as it should be.")
    if found.unknown:
        out.line(f"{found.unknown} targets could not be looked at.")
    print_skipped(out, found.skipped)
