"""``cleo doc request``, ``approve``, ``reject`` and ``mode``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_conduit.cli.doc import render, service
from cleo_conduit.enums import DOCUMENT_MODE
from cleo_core.cli import Result, command

if TYPE_CHECKING:
    from cleo_core.app import App


@command("request", edits=True)
@click.argument("slug")
@click.option(
    "--reviewer", "reviewers", metavar="ID", multiple=True, required=True, help="Repeatable."
)
def request_command(
    app: App, slug: str, reviewers: tuple[str, ...], if_version: int | None
) -> Result:
    """Ask agents to review the current version of a document.

    Example: cleo doc request plan --reviewer bob --reviewer cem
    """
    done = service(app).request(slug, reviewers, if_version=if_version)
    return Result(
        done,
        ids=[done.slug],
        human=lambda out: render.changed(out, done, f"{', '.join(reviewers)} asked."),
    )


@command("approve", edits=True)
@click.argument("slug")
@click.option("--comment", help="What you think of it.")
def approve_command(app: App, slug: str, comment: str | None, if_version: int | None) -> Result:
    """Approve the current version of a document; --if-version names the one that you read.

    Example: cleo doc approve plan --if-version 2
    """
    done = service(app).approve(slug, comment=comment, if_version=if_version)
    return Result(
        done, ids=[done.slug], human=lambda out: render.changed(out, done, f"{slug} approved.")
    )


@command("reject", edits=True)
@click.argument("slug")
@click.option("--comment", help="What has to be changed.")
def reject_command(app: App, slug: str, comment: str | None, if_version: int | None) -> Result:
    """Reject the current version of a document, which keeps it from being locked.

    Example: cleo doc reject plan --comment "The third step lacks a way back."
    """
    done = service(app).reject(slug, comment=comment, if_version=if_version)
    return Result(
        done, ids=[done.slug], human=lambda out: render.changed(out, done, f"{slug} rejected.")
    )


@command("mode", edits=True)
@click.argument("slug")
@click.argument("mode", type=click.Choice(DOCUMENT_MODE))
def mode_command(app: App, slug: str, mode: str, if_version: int | None) -> Result:
    """Move a document from draft to review, back, to locked, or to archived.

    Locking needs the approvals that the document requires, no rejection, and no open request.

    Example: cleo doc mode plan locked
    """
    done = service(app).mode(slug, mode, if_version=if_version)
    return Result(
        done, ids=[done.slug], human=lambda out: render.changed(out, done, f"{slug} is {mode}.")
    )
