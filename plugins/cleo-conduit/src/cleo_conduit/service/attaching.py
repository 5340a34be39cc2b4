"""Documents that a message refers to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cleo_conduit.errors import not_participant
from cleo_conduit.store import documents
from cleo_core.errors import echoed

if TYPE_CHECKING:
    from cleo_conduit.service.acting import Acting
    from cleo_conduit.service.work import Work

#: Format of a document -> media type.
MEDIA_TYPES = {
    "text": "text/plain",
    "markdown": "text/markdown",
    "json": "application/json",
    "code": "text/plain",
    "diff": "text/x-diff",
    "binary": "application/octet-stream",
}


def attached(work: Work, who: Acting, slugs: Iterable[str]) -> list[dict[str, Any]]:
    """What a message keeps of the documents that it refers to.

    :raises ConduitError: 99, there is no such document that the sender may read.
    """
    found = []
    for slug in dict.fromkeys(slugs):
        row = documents.readable(work, slug, who.agent_id, work.now)
        if row is None:
            raise not_participant(
                f"There is no document {echoed(slug)} that {who.agent_id} may read.",
                "cleo doc list",
            )
        item = {
            "id": slug,
            "contentType": MEDIA_TYPES[row["format"]],
            "slug": slug,
            "sizeBytes": row["original_size"],
            "checksum": row["content_hash"],
        }
        found.append(item if row["title"] is None else {**item, "filename": row["title"]})
    return found
