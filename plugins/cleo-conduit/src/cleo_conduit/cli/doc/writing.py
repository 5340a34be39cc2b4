"""``cleo doc create`` and ``edit``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_conduit.cli.doc import render, service
from cleo_conduit.cli.doc.content import read_content
from cleo_conduit.enums import DOCUMENT_FORMAT
from cleo_core.cli import Result, command
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_core.app import App


@command("create", creates=True)
@click.argument("file", metavar="FILE|-")
@click.option("--slug", help="Its name; by default ten random letters.")
@click.option("--conversation", metavar="ID", help="Only for those who take part in it.")
@click.option("--title", help="One line that says what it is.")
@click.option("--format", type=click.Choice(DOCUMENT_FORMAT), default="text", help="What it is.")
@click.option("--summary", help="What the first version is.")
@click.option(
    "--required-approvals", type=int, default=1, help="Approvals that locking needs; 1 by default."
)
@click.option("--ttl", metavar="DURATION", help="How long it lives, such as 7d; else for ever.")
def create_command(
    app: App,
    file: str,
    slug: str | None,
    conversation: str | None,
    title: str | None,
    format: str,
    summary: str | None,
    required_approvals: int,
    ttl: str | None,
    idempotency_key: str | None,
) -> Result:
    """Share a file, or what stdin gives, as a document; it starts as a draft.

    Example: cleo doc create plan.md --format markdown --title "Plan of the migration"
    """
    done = service(app).create(
        read_content(file),
        slug=slug,
        conversation=conversation,
        title=title,
        format=format,
        summary=summary,
        required_approvals=required_approvals,
        ttl=ttl,
        idempotency_key=idempotency_key,
    )

    def human(out: Printer) -> None:
        out.line(f"{done.slug} created.")
        render.heading(out, done)

    return Result(done, ids=[done.slug], human=human)


@command("edit", edits=True, creates=True)
@click.argument("slug")
@click.argument("file", metavar="FILE|-")
@click.option("--summary", help="What was changed.")
def edit_command(
    app: App,
    slug: str,
    file: str,
    summary: str | None,
    if_version: int | None,
    idempotency_key: str | None,
) -> Result:
    """Give a document a new content; --if-version names the version that it was made from.

    Approvals of earlier versions become stale.

    Example: cleo doc edit plan plan.md --if-version 1 --summary "Name the owners"
    """
    done = service(app).edit(
        slug,
        read_content(file),
        if_version=if_version,
        summary=summary,
        idempotency_key=idempotency_key,
    )

    def human(out: Printer) -> None:
        render.changed(out, done, f"{slug} has a new version.")
        if done.version is not None:
            written = done.version
            out.line(f"  +{written.tokens_added} -{written.tokens_removed} tokens")
            if written.sections_modified:
                out.line(f"  sections: {', '.join(written.sections_modified)}")

    return Result(done, ids=[done.slug], human=human)
