"""Messages for people: control characters are shown, never obeyed (the Printer sees to it)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cleo_conduit.records.messages import Inbox, Message, Reading, Sent
    from cleo_core.output import Printer

PREVIEW = 60


def listed(out: Printer, messages: Iterable[Message]) -> None:
    """A table with a line for each message."""
    out.table(
        ("seq", "from", "kind", "state", "when", "what"),
        [
            (
                str(one.seq),
                one.from_ + (" ✓" if one.verified else ""),
                one.kind if one.importance == "normal" else f"{one.kind}, {one.importance}",
                (one.state or "") + (", ack?" if one.ack_required else ""),
                one.created_at[:16].replace("T", " "),
                preview(one.subject or one.content),
            )
            for one in messages
        ],
    )


def whole(out: Printer, message: Message) -> None:
    """One message with its text."""
    proved = "" if message.verified else " (not verified)"
    out.line(f"{message.seq}  {message.id}")
    out.line(f"from {message.from_}{proved}, {message.created_at}")
    if message.subject:
        out.line(f"subject: {message.subject}")
    extra = [message.kind] if message.kind != "message" else []
    extra += [message.importance] if message.importance != "normal" else []
    extra += [f"acknowledge by {message.ack_due_at}"] if message.ack_required else []
    if extra:
        out.line(", ".join(extra))
    for one in message.attachments:
        out.line(f"attached: {one.get('slug') or one.get('url')}")
    out.line("")
    for line in message.content.splitlines() or [""]:
        out.line(line)


def more(out: Printer, found: Inbox | Reading) -> None:
    """Say that there is more than is shown."""
    if found.has_more:
        out.line(f"There is more: --after {found.next_after}")


def sent(out: Printer, done: Sent) -> None:
    """What became of a message that was sent."""
    out.line(f"{done.id} ({done.seq})")
    for one in done.recipients:
        more = f", waits: {one.parked_for}" if one.parked_for else ""
        out.line(f"  {one.role} {one.agent_id}: {one.state}{more}")
    for skipped in done.skipped:
        out.line(f"  not to {skipped.agent_id}: {skipped.reason}")
    if not done.recipients:
        out.line("  to nobody")


def preview(text: str) -> str:
    """The first line of a text, cut."""
    line = (text.splitlines() or [""])[0]
    return line if len(line) <= PREVIEW else f"{line[: PREVIEW - 1]}…"
