"""``cleo sticky``: add, list, show, edit, archive, restore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_brain.cli import service
from cleo_brain.cli.observing import text_of
from cleo_brain.enums import STICKY_COLOR, STICKY_PRIORITY, STICKY_STATUS
from cleo_core.cli import Result, command
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_brain.entry_records import Sticky
    from cleo_core.app import App


def show_note(out: Printer, note: Sticky) -> None:
    """One note, for people."""
    until = f", until {note.expires_at}" if note.expires_at and note.status == "active" else ""
    became = f", became {note.converted_to}" if note.converted_to else ""
    out.line(f"{note.id} {note.color}, {note.priority}, {note.status}{until}{became}")
    for line in note.content.splitlines():
        out.line(f"  {line}")
    if note.tags:
        out.line(f"  Tags: {', '.join(note.tags)}")


@command("add", creates=True)
@click.argument("text")
@click.option("--tag", "tags", multiple=True, help="A tag.")
@click.option(
    "--color", type=click.Choice(STICKY_COLOR), default="yellow", help="Colour; else yellow."
)
@click.option(
    "--priority", type=click.Choice(STICKY_PRIORITY), default="medium", help="Else medium."
)
@click.option("--expires", metavar="3d|DATE|never", help="How long it lives.")
def add_command(app: App, text: str, **given: Any) -> Result:
    """Put up a note; TEXT may be - for standard input. Also called jot.

    Example: cleo sticky add "Ask about the licence" --color red
    """
    note = service(app).sticky_add(text_of(text), **given)
    return Result(note, ids=[note.id], human=lambda out: show_note(out, note))


@command("list", lists=True)
@click.option("--tag", "tags", multiple=True, help="Has this tag; all of several.")
@click.option("--color", type=click.Choice(STICKY_COLOR), help="Of this colour.")
@click.option("--priority", type=click.Choice(STICKY_PRIORITY), help="Of this priority.")
@click.option(
    "--status", type=click.Choice(STICKY_STATUS), default="active", help="Else the active ones."
)
def list_command(app: App, **given: Any) -> Result:
    """List notes, newest first. Also called ls.

    Example: cleo sticky list --tag licence
    """
    found, page = service(app).sticky_list(**given)

    def human(out: Printer) -> None:
        if not found:
            out.line("No notes.")
        for note in found:
            show_note(out, note)

    return Result(found, page=page, ids=[note.id for note in found], human=human)


@command("show")
@click.argument("id_", metavar="ID")
def show_command(app: App, id_: str) -> Result:
    """Show a note.

    Example: cleo sticky show SN-001
    """
    note = service(app).sticky_show(id_)
    return Result(note, ids=[note.id], human=lambda out: show_note(out, note))


@command("edit", writes=True)
@click.argument("id_", metavar="ID")
@click.option("--content", metavar="TEXT", help="New text; - for standard input.")
@click.option("--color", type=click.Choice(STICKY_COLOR), help="New colour.")
@click.option("--priority", type=click.Choice(STICKY_PRIORITY), help="New priority.")
@click.option("--tag", "tags", multiple=True, help="All its tags from now on; '' for none.")
@click.option("--expires", metavar="3d|DATE|never", help="How long it lives from now.")
def edit_command(
    app: App, id_: str, content: str | None, tags: tuple[str, ...], **given: Any
) -> Result:
    """Change a note.

    Example: cleo sticky edit SN-001 --priority high --expires never
    """
    text = None if content is None else text_of(content)
    note = service(app).sticky_edit(id_, content=text, tags=tags or None, **given)
    return Result(note, ids=[note.id], human=lambda out: show_note(out, note))


@command("archive", writes=True)
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
def archive_command(app: App, ids: tuple[str, ...]) -> Result:
    """Take notes down.

    Example: cleo sticky archive SN-001 SN-002
    """
    found = service(app).sticky_archive(*ids)
    return Result(
        found,
        ids=found.changed,
        human=lambda out: out.line(f"Archived: {', '.join(found.changed)}"),
    )


@command("restore", writes=True)
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
def restore_command(app: App, ids: tuple[str, ...]) -> Result:
    """Put archived notes up again, with a new time to live.

    Example: cleo sticky restore SN-001
    """
    found = service(app).sticky_restore(*ids)
    return Result(
        found,
        ids=found.changed,
        human=lambda out: out.line(f"Active again: {', '.join(found.changed)}"),
    )
