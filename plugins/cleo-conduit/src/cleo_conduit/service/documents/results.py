"""Rows of documents as the service returns them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from cleo_conduit.records.documents import (
    Approvals,
    Contributor,
    Document,
    DocumentChange,
    DocumentVersion,
    Review,
)
from cleo_conduit.store import reviews, versions
from cleo_core.output import camel

if TYPE_CHECKING:
    from cleo_core.database import Backend, Row

#: Columns of a version that its record does not have.
_UNSHOWN = ("slug", "patch_text")


class Tally(NamedTuple):
    """The reviews of a document, and what they come to."""

    approvals: Approvals
    reviews: list[Review]


def tally(db: Backend, row: Row) -> Tally:
    """The reviews of a document; those of older versions are stale and count for nothing."""
    current = row["current_version"]
    version = versions.get(db, row["slug"], current)
    author = None if version is None else version["author_agent_id"]
    rows = reviews.of_document(db, row["slug"])
    now = [one for one in rows if one["version_reviewed"] == current]

    def count(status: str) -> int:
        return sum(one["status"] == status for one in now)

    approvals = Approvals(
        required=row["required_approvals"],
        given=sum(
            one["status"] == "approved" and one["reviewer_agent_id"] != author for one in now
        ),
        stale=sum(
            one["status"] == "approved" and one["version_reviewed"] != current for one in rows
        ),
        rejected=count("rejected"),
        pending=count("pending"),
    )
    listed = [
        Review(
            stale=one["version_reviewed"] != current,
            **{
                name: one[name]
                for name in (
                    *("reviewer_agent_id", "version_reviewed", "status", "comment"),
                    *("created_at", "updated_at"),
                )
            },
        )
        for one in rows
    ]
    return Tally(approvals, listed)


def parts(db: Backend, row: Row) -> dict[str, Any]:
    """The fields of a Document."""
    found = tally(db, row)
    contributors = [
        Contributor(**{name: one[name] for name in one if name != "slug"})
        for one in versions.contributors(db, row["slug"])
    ]
    return {
        "approvals": found.approvals,
        "reviews": found.reviews,
        "contributors": contributors,
        **{name: value for name, value in row.items() if name != "required_approvals"},
    }


def document(db: Backend, row: Row) -> Document:
    """A document as it stands."""
    return Document(**parts(db, row))


def change(
    db: Backend, row: Row, *, changed: bool = True, version: Row | None = None
) -> DocumentChange:
    """A document as a verb left it."""
    written = None if version is None else as_version(version)
    return DocumentChange(**parts(db, row), changed=changed, version=written)


def as_version(row: Row) -> DocumentVersion:
    """One version."""
    values = {name: value for name, value in row.items() if name not in _UNSHOWN}
    values["sections_modified"] = json.loads(row["sections_modified"])
    return DocumentVersion(**values)


def change_from_json(data: Mapping[str, Any]) -> DocumentChange:
    """A DocumentChange as an idempotency key kept it."""
    values = _values(DocumentChange, data)
    values["approvals"] = Approvals(**_values(Approvals, data["approvals"]))
    values["reviews"] = [Review(**_values(Review, one)) for one in data["reviews"]]
    values["contributors"] = [
        Contributor(**_values(Contributor, one)) for one in data["contributors"]
    ]
    if data["version"] is not None:
        values["version"] = DocumentVersion(**_values(DocumentVersion, data["version"]))
    return DocumentChange(**values)


def _values(record: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: data[camel(name)] for name in record.__dataclass_fields__}
