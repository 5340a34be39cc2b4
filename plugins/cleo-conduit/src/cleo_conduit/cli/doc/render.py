"""Documents for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cleo_conduit.records.documents import Document, DocumentChange
    from cleo_core.output import Printer


def heading(out: Printer, found: Document) -> None:
    """Name, title and state of a document."""
    title = f" {found.title}" if found.title else ""
    out.line(f"{found.slug}{title}", "bold")
    out.line(
        f"  {found.mode}, version {found.current_version}, {found.format}, "
        f"{found.original_size} bytes, about {found.tokens} tokens"
    )
    where = found.conversation_id or "the whole project"
    out.line(f"  by {found.from_agent_id}, for {where}")
    if found.expires_at:
        out.line(f"  until {found.expires_at}")
    reviews(out, found)


def reviews(out: Printer, found: Document) -> None:
    """How far it is reviewed, and by whom."""
    all_ = found.approvals
    words = [f"{all_.given} of {all_.required} approvals"]
    for count, word in (
        (all_.rejected, "rejected"),
        (all_.pending, "pending"),
        (all_.stale, "stale"),
    ):
        if count:
            words.append(f"{count} {word}")
    out.line(f"  {', '.join(words)}")
    for one in found.reviews:
        stale = ", stale" if one.stale else ""
        said = f": {one.comment}" if one.comment else ""
        out.line(
            f"    {one.reviewer_agent_id} {one.status} version {one.version_reviewed}{stale}{said}"
        )


def changed(out: Printer, done: DocumentChange, words: str) -> None:
    """What a verb did, and how the document stands."""
    out.line(words if done.changed else f"{done.slug} stays as it is.")
    out.line(f"  {done.mode}, version {done.current_version}")
    reviews(out, done)
