"""``cleo conduit dead list``, ``show``, ``replay`` and ``purge``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_conduit.cli.options import AS_HUMAN
from cleo_conduit.cli.refs import service
from cleo_core.cli import Result, command
from cleo_core.errors import UsageError
from cleo_core.output import Printer, dumps

if TYPE_CHECKING:
    from cleo_core.app import App

_RECIPIENT = click.option("--recipient", metavar="ID", help="Only to this agent.")


@command("list", lists=True)
@_RECIPIENT
@click.option("--all", "everything", is_flag=True, help="Those that were sent again too.")
@AS_HUMAN
def list_command(
    app: App,
    recipient: str | None,
    everything: bool,
    limit: int | None,
    offset: int,
    by_person: bool,
) -> Result:
    """List the messages that could not be delivered.

    Example: cleo conduit dead list
    """
    found, page = service(app).dead_list(
        recipient=recipient,
        everything=everything,
        limit=limit,
        offset=offset,
        as_human=by_person,
    )

    def human(out: Printer) -> None:
        if not found:
            out.line("No dead letter.")
            return
        out.table(
            ("id", "to", "by", "why", "error", "since"),
            [
                (
                    one.id,
                    one.recipient,
                    one.transport,
                    one.reason,
                    one.last_error or "",
                    one.created_at[:16].replace("T", " "),
                )
                for one in found
            ],
        )

    return Result({"letters": found}, page=page, ids=[one.id for one in found], human=human)


@command("show")
@click.argument("id_", metavar="ID")
@AS_HUMAN
def show_command(app: App, id_: str, by_person: bool) -> Result:
    """Show a dead letter with what it carries and every attempt.

    Example: cleo conduit dead show 019ac8b0-0000-7000-8000-000000000001
    """
    found = service(app).dead_show(id_, as_human=by_person)

    def human(out: Printer) -> None:
        out.line(f"{found.id} to {found.recipient} by {found.transport}: {found.reason}")
        for one in found.history or ():
            out.line(f"  {one.get('at')} {one.get('outcome')} {one.get('error') or ''}")
        out.line(dumps(found.payload, indent=2))

    return Result(found, ids=[found.id], human=human)


@command("replay", writes=True)
@click.argument("ids", nargs=-1, metavar="ID...")
@click.option("--all", "everything", is_flag=True, help="Every letter that was not sent again.")
@_RECIPIENT
@AS_HUMAN
def replay_command(
    app: App, ids: tuple[str, ...], everything: bool, recipient: str | None, by_person: bool
) -> Result:
    """Send dead letters again; the recipient gets the same id and the same text.

    Example: cleo conduit dead replay --all --recipient bob
    """
    if bool(ids) == everything or (recipient is not None and not everything):
        raise UsageError("Name letters, or --all.", fix="cleo conduit dead replay --all")
    done = service(app).dead_replay(
        *ids, everything=everything, recipient=recipient, as_human=by_person
    )

    def human(out: Printer) -> None:
        sent = sum(one.sent for one in done)
        out.line(f"{sent} sent again.")
        failed = [(one.letter_id, one.error) for one in done if one.error is not None]
        arrived = len(done) - sent - len(failed)
        if arrived:
            out.line(f"{arrived} had arrived already.")
        for id_, error in failed:
            out.line(f"{id_} was not: {error['message']} {error['fix']}")

    return Result({"replayed": done}, ids=[one.letter_id for one in done], human=human)


@command("purge", writes=True)
@click.argument("ids", nargs=-1, metavar="ID...")
@click.option("--all", "everything", is_flag=True, help="Every letter.")
@AS_HUMAN
def purge_command(app: App, ids: tuple[str, ...], everything: bool, by_person: bool) -> Result:
    """Delete dead letters for good.

    Example: cleo conduit dead purge 019ac8b0-0000-7000-8000-000000000001
    """
    done = service(app).dead_purge(*ids, everything=everything, as_human=by_person)
    count = len(done.deleted)
    return Result(done, ids=done.deleted, human=lambda out: out.line(f"{count} deleted."))
