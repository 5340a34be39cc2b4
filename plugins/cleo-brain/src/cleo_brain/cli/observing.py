"""``cleo observe`` and ``cleo memory observe``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from cleo_brain.cli import service
from cleo_brain.enums import OBSERVATION_TYPE, SOURCE_CONFIDENCE, SOURCE_TYPE
from cleo_core.cli import Result, command
from cleo_core.errors import UsageError
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_brain.records import Stored
    from cleo_core.app import App


def text_of(value: str) -> str:
    """An argument, or standard input where it is ``-``."""
    return sys.stdin.read() if value == "-" else value


def show_stored(out: Printer, stored: Stored) -> None:
    """What became of a text, for people."""
    type_ = f" ({stored.type})" if stored.type else ""
    out.line(f"{stored.outcome} {stored.id}{type_}")
    if stored.linked:
        out.line(f"  linked to {', '.join(stored.linked)}")
    if stored.private_stripped:
        out.line(f"  {stored.private_stripped} private spans left out")
    for line in stored.similar or ():
        out.line(f"  similar: {line.id}  {line.title}")
        out.line(f"    cleo memory link {stored.id} supersedes {line.id}")


@command("observe", creates=True)
@click.argument("text", required=False)
@click.option("--title", help="A title; else the beginning of the text.")
@click.option("--subtitle", help="A second line.")
@click.option("--type", "type_", type=click.Choice(OBSERVATION_TYPE), help="What it is.")
@click.option("--fact", "facts", multiple=True, help="A single fact in it.")
@click.option("--concept", "concepts", multiple=True, help="What it is about.")
@click.option("--file-read", "files_read", multiple=True, help="A file that was read.")
@click.option("--file-modified", "files_modified", multiple=True, help="A file that was changed.")
@click.option("--attach", "attachments", multiple=True, help="Slug of a shared document.")
@click.option("--tag", "tags", multiple=True, help="A tag.")
@click.option("--task", "tasks", multiple=True, help="A task that it applies to.")
@click.option("--thread", help="The conversation that it belongs to; else the session.")
@click.option("--source-type", type=click.Choice(SOURCE_TYPE), help="Where it comes from.")
@click.option("--source-confidence", type=click.Choice(SOURCE_CONFIDENCE), help="Who vouches.")
@click.option("--supersedes", multiple=True, metavar="ID", help="An entry that it replaces.")
@click.option("--at", metavar="TIME", help="Since when it holds; else now.")
@click.option("--no-task", is_flag=True, help="Do not link it to the session's current task.")
@click.option("--force", is_flag=True, help="Store what looks like a program's chatter.")
@click.option("--batch", metavar="FILE", help="JSON lines instead of TEXT; - is standard input.")
def observe_command(
    app: App,
    text: str | None,
    type_: str | None,
    no_task: bool,
    batch: str | None,
    **given: Any,
) -> Result:
    """Note what was noticed; TEXT may be - for standard input.

    Example: cleo observe "The parser drops comments after a comma"
    """
    if batch is not None:
        strays = [name for name, value in given.items() if value and name != "force"]
        if text is not None or type_ is not None or strays:
            raise UsageError(
                "--batch takes everything else from the lines of the file.",
                fix="cleo observe --batch FILE",
            )
        return _batch(app, batch, force=given["force"], link_current=not no_task)
    if text is None:
        raise UsageError("Say what was noticed.", fix='cleo observe "what was noticed"')
    stored = service(app).observe(text_of(text), type=type_, link_current=not no_task, **given)
    return Result(stored, ids=[stored.id], human=lambda out: show_stored(out, stored))


def _batch(app: App, source: str, *, force: bool, link_current: bool) -> Result:
    from cleo_core.errors import CleoError

    try:
        with click.open_file(source, encoding="utf-8", errors="surrogateescape") as lines:
            done = service(app).observe_batch(lines, force=force, link_current=link_current)
    except OSError as error:
        raise CleoError(
            "E_IO", f"{source} cannot be read: {error}.", fix="cleo observe --batch FILE"
        ) from None

    def human(out: Printer) -> None:
        out.line(f"{done.stored} stored, {done.merged} merged, {len(done.rejected)} rejected")
        for one in done.rejected:
            out.line(f"  line {one['line']}: {one['reason']}")

    return Result(done, ids=[], human=human)
