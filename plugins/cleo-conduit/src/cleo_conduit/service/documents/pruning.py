"""What is removed of documents: those whose time is over, and contents of no version."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cleo_conduit.store import blobs, documents

if TYPE_CHECKING:
    from cleo_conduit.service.work import Work
    from cleo_core.database import Row

#: Documents, and contents, that one unit removes.
MOST = 500


class Removed(NamedTuple):
    """How many documents and stored contents were removed."""

    documents: int
    blobs: int


def prune_documents(work: Work, most: int = MOST) -> Removed:
    """Delete documents whose time is over, and then the contents that no version has.

    Where it is ``most`` of either, there may be more.
    """
    rows = documents.expired(work, work.now, most)
    for row in rows:
        drop(work, row)
    return Removed(len(rows), blobs.delete_orphans(work, most))


def drop(work: Work, row: Row) -> None:
    """Delete a document with its versions, and say so; its contents go with the next prune."""
    documents.delete(work, row["slug"])
    work.unit.deleted("document", row["slug"], row)
    work.note("document", row["slug"], expired=True)
