"""``cleo conduit pin``, ``unpin``, ``pins`` and ``redact``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_conduit.cli.options import AS_HUMAN
from cleo_conduit.cli.printing import preview
from cleo_conduit.cli.refs import service
from cleo_core.cli import Result, command
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_core.app import App


@command("pin", writes=True)
@click.argument("id_", metavar="ID")
@click.option("--note", help="Why.")
@AS_HUMAN
def pin_command(app: App, id_: str, note: str | None, by_person: bool) -> Result:
    """Pin a message, so that you find it again.

    Example: cleo conduit pin 42 --note "read before the release"
    """
    done = service(app).pin(id_, note=note, as_human=by_person)
    word = "pinned" if done.changed else "was pinned before"
    return Result(done, ids=[done.id], human=lambda out: out.line(f"{id_} {word}."))


@command("unpin", writes=True)
@click.argument("id_", metavar="ID")
@AS_HUMAN
def unpin_command(app: App, id_: str, by_person: bool) -> Result:
    """Take your pin off a message.

    Example: cleo conduit unpin 42
    """
    done = service(app).unpin(id_, as_human=by_person)
    word = "unpinned" if done.changed else "was not pinned"
    return Result(done, ids=[done.id], human=lambda out: out.line(f"{id_} {word}."))


@command("pins", lists=True)
@click.option("--conversation", metavar="ID", help="Only of this conversation.")
@AS_HUMAN
def pins_command(
    app: App, conversation: str | None, limit: int | None, offset: int, by_person: bool
) -> Result:
    """List your pins, the newest first.

    Example: cleo conduit pins
    """
    found, page = service(app).pins(
        conversation=conversation, limit=limit, offset=offset, as_human=by_person
    )

    def human(out: Printer) -> None:
        if not found:
            out.line("Nothing is pinned.")
        for one in found:
            said = f": {one.note}" if one.note else ""
            out.line(f"{one.seq} {preview(one.subject or one.content)}{said}")

    return Result({"pins": found}, page=page, ids=[one.message_id for one in found], human=human)


@command("redact", writes=True)
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@AS_HUMAN
def redact_command(app: App, ids: tuple[str, ...], by_person: bool) -> Result:
    """Take the text of your messages out, for good and everywhere in this project.

    All of them or none. The file is written anew once, which takes a while where it is large.

    Example: cleo conduit redact 42 43
    """
    done = service(app).redact_all(ids, as_human=by_person)

    def human(out: Printer) -> None:
        for one in done:
            out.line(f"{one.id} {'redacted' if one.changed else 'was redacted before'}.")

    return Result({"redacted": done}, ids=[one.id for one in done], human=human)
