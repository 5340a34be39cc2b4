"""``cleo nexus resolve``, ``search`` and ``discover``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_core.cli import Result, command
from cleo_core.output import Page, Printer
from cleo_nexus.cli.rendering import TIMEOUT, service

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_nexus.records.found import Matches


@command("resolve", project="optional")
@click.argument("reference", metavar="REF")
@TIMEOUT
def resolve_command(app: App, reference: str, timeout: float | None) -> Result:
    """Say which task a reference means; `*:T001` is looked for in every project.

    Example: cleo nexus resolve web:T001
    """
    return _found(service(app).resolve(reference, timeout=timeout))


@command("search", project="optional", lists=True)
@click.argument("query")
@click.option("--in", "projects", multiple=True, metavar="PROJECT", help="Only here; repeatable.")
@click.option("--status", multiple=True, metavar="WORD", help="Of this status; repeatable.")
@TIMEOUT
def search_command(
    app: App,
    query: str,
    projects: tuple[str, ...],
    status: tuple[str, ...],
    timeout: float | None,
    limit: int | None,
    offset: int,
) -> Result:
    """Find tasks in all projects.

    Example: cleo nexus search parser --in web
    """
    found, page = service(app).search(
        query, projects=projects, status=status, limit=limit, offset=offset, timeout=timeout
    )
    return _found(found, page)


@command("discover", project="optional", lists=True)
@click.argument("reference", metavar="REF")
@click.option(
    "--method",
    type=click.Choice(("auto", "labels", "description", "files")),
    default="auto",
    show_default=True,
    help="What tasks must have in common.",
)
@TIMEOUT
def discover_command(
    app: App, reference: str, method: str, timeout: float | None, limit: int | None, offset: int
) -> Result:
    """Find tasks of other projects that have something in common with one.

    Example: cleo nexus discover T001
    """
    found, page = service(app).discover(
        reference, method=method, limit=limit, offset=offset, timeout=timeout
    )
    return _found(found, page)


def _found(found: Matches, page: Page | None = None) -> Result:
    def human(out: Printer) -> None:
        if not found.matches:
            out.line("Nothing was found.")
        else:
            # The scores of a search are not of one scale in all projects.
            scored = any(one.arm is None and one.score is not None for one in found.matches)
            rows = [
                (one.ref, one.status, one.title, *((_score(one.score),) if scored else ()))
                for one in found.matches
            ]
            out.table(("ref", "status", "title", *(("score",) if scored else ())), rows)
        for one in found.skipped:
            out.line(f"not asked: {one.project} ({one.reason})")

    ids = [one.ref for one in found.matches]
    return Result(found, page=page, ids=ids, human=human)


def _score(score: float | None) -> str:
    return "" if score is None else f"{score:.2f}"
