"""``cleo conduit show``, ``thread``, ``conversation`` and ``conversations``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_conduit.cli.options import AS_HUMAN
from cleo_conduit.cli.printing import more, preview, whole
from cleo_conduit.cli.refs import service
from cleo_core.cli import Result, command
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_conduit.records.messages import Message, Reading
    from cleo_core.app import App

_AFTER = click.option("--after", type=int, default=0, metavar="SEQ", help="Only above this number.")
_LIMIT = click.option("--limit", type=int, help="Messages at most, 20 unless given, up to 200.")


@command("show")
@click.argument("id_", metavar="ID")
@AS_HUMAN
def show_command(app: App, id_: str, by_person: bool) -> Result:
    """Show a message, and to those who take part what became of it.

    Example: cleo conduit show 42
    """
    found = service(app).show(id_, as_human=by_person)

    def human(out: Printer) -> None:
        whole(out, found.message)
        for one in found.receipts:
            reason = f" ({one.reason})" if one.reason else ""
            out.line(f"  {one.role} {one.agent_id}: {one.state}{reason}")

    return Result(found, ids=[found.message.id], human=human)


@command("thread")
@click.argument("id_", metavar="ID")
@_AFTER
@_LIMIT
@AS_HUMAN
def thread_command(app: App, id_: str, after: int, limit: int | None, by_person: bool) -> Result:
    """Print the reply tree of a message.

    Example: cleo conduit thread 42
    """
    found = service(app).thread(id_, after=after, limit=limit, as_human=by_person)
    depths = depths_of(found.messages)
    data = {
        "messages": [{"depth": depths[one.id], "message": one} for one in found.messages],
        "nextAfter": found.next_after,
        "hasMore": found.has_more,
    }

    def human(out: Printer) -> None:
        for one in in_tree(found.messages):
            said = preview(one.subject or one.content)
            out.line(f"{'  ' * depths[one.id]}{one.seq} {one.from_}: {said}")
        more(out, found)

    return Result(data, ids=[one.id for one in found.messages], human=human)


@command("conversation")
@click.argument("id_", metavar="ID")
@_AFTER
@_LIMIT
@AS_HUMAN
def conversation_command(
    app: App, id_: str, after: int, limit: int | None, by_person: bool
) -> Result:
    """Print the messages of a conversation.

    Example: cleo conduit conversation 019ac8b0-0000-7000-8000-000000000001
    """
    return read(service(app).conversation(id_, after=after, limit=limit, as_human=by_person))


@command("conversations", lists=True)
@_AFTER
@AS_HUMAN
def conversations_command(
    app: App, after: int, limit: int | None, offset: int, by_person: bool
) -> Result:
    """List your conversations, the one with the newest message first.

    Example: cleo conduit conversations
    """
    found, page = service(app).conversations(
        after=after, limit=limit, offset=offset, as_human=by_person
    )

    def human(out: Printer) -> None:
        if not found:
            out.line("No conversation.")
            return
        out.table(
            ("id", "kind", "with", "messages", "last"),
            [
                (
                    one.id,
                    one.kind,
                    ", ".join(one.participants[:5]),
                    str(one.message_count),
                    (one.last_message_at or "")[:16].replace("T", " "),
                )
                for one in found
            ],
        )

    ids = [one.id for one in found]
    return Result({"conversations": found}, page=page, ids=ids, human=human)


def read(found: Reading) -> Result:
    """Messages that were read, as a command shows them."""

    def human(out: Printer) -> None:
        if not found.messages:
            out.line("No message.")
        for one in found.messages:
            whole(out, one)
            out.line("")
        more(out, found)

    return Result(found, ids=[one.id for one in found.messages], human=human)


def depths_of(messages: list[Message]) -> dict[str, int]:
    """How deep each message stands below the first; an answer to what is not there is one deep."""
    depths: dict[str, int] = {}
    for one in messages:
        above = one.reply_to
        depths[one.id] = 0 if above is None else depths.get(above, 0) + 1
    return depths


def in_tree(messages: list[Message]) -> list[Message]:
    """Messages with each answer below what it answers."""
    below: dict[str | None, list[Message]] = {}
    here = {one.id for one in messages}
    for one in messages:
        below.setdefault(one.reply_to if one.reply_to in here else None, []).append(one)
    ordered: list[Message] = []
    left = list(reversed(below.get(None, [])))
    while left:
        one = left.pop()
        ordered.append(one)
        left += reversed(below.get(one.id, []))
    return ordered
