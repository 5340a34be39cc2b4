"""``cleo doc show``, ``versions`` and ``diff``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_conduit.cli.doc import render, service
from cleo_core.cli import Result, command
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_core.app import App

_VERSION = click.IntRange(min=1)


@command("show")
@click.argument("slug")
@click.option("--version", type=_VERSION, help="By default the current one.")
def show_command(app: App, slug: str, version: int | None) -> Result:
    """Show a document: its state, its reviews and its content.

    Content that is no text is given as base64; `cleo doc export` writes the bytes.

    Example: cleo doc show plan --version 2
    """
    found = service(app).show(slug, version=version)

    def human(out: Printer) -> None:
        render.heading(out, found)
        if found.version.version_number != found.current_version:
            out.line(f"  this is version {found.version.version_number}")
        out.line()
        if found.encoding == "utf-8":
            out.line(found.content.removesuffix("\n"))
        else:
            out.line(f"The content is no text; cleo doc export {found.slug} PATH writes it.")

    return Result(found, ids=[found.slug], human=human)


@command("versions", lists=True)
@click.argument("slug")
def versions_command(app: App, slug: str, limit: int | None, offset: int) -> Result:
    """List the versions of a document, the newest first.

    Example: cleo doc versions plan
    """
    found, page = service(app).versions(slug, limit=limit, offset=offset)

    def human(out: Printer) -> None:
        out.table(
            ("version", "author", "change", "tokens", "at", "summary"),
            [
                (
                    one.version_number,
                    one.author_agent_id,
                    one.change_type,
                    f"{one.tokens} (+{one.tokens_added} -{one.tokens_removed})",
                    one.created_at,
                    one.change_summary or "",
                )
                for one in found
            ],
        )

    return Result(
        {"versions": found},
        page=page,
        ids=[str(one.version_number) for one in found],
        human=human,
    )


@command("diff")
@click.argument("slug")
@click.option("--version", type=_VERSION, help="The newer one; by default the current one.")
@click.option("--from", "base", type=_VERSION, help="The older one; by default the one before.")
def diff_command(app: App, slug: str, version: int | None, base: int | None) -> Result:
    """Show what lies between two versions of a document, as a unified diff.

    Example: cleo doc diff plan --from 1 --version 3
    """
    found = service(app).diff(slug, version=version, base=base)

    def human(out: Printer) -> None:
        if found.patch is None:
            out.line("One of the two is no text, or has too many lines to be compared.")
        else:
            out.line(found.patch.removesuffix("\n") or "There is no difference.")

    return Result(found, ids=[found.slug], human=human)
