"""What reviewers say of versions of documents."""

from __future__ import annotations

from typing import Any

from cleo_core.database import Backend, Row

OF_DOCUMENT = (
    "SELECT * FROM attachment_approvals WHERE slug = :slug "
    "ORDER BY version_reviewed, created_at, reviewer_agent_id"
)
GET = (
    "SELECT * FROM attachment_approvals WHERE slug = :slug "
    "AND reviewer_agent_id = :reviewer_agent_id AND version_reviewed = :version_reviewed"
)
PUT = (
    "INSERT INTO attachment_approvals (id, slug, reviewer_agent_id, version_reviewed, status, "
    "comment, created_at, updated_at) VALUES (:id, :slug, :reviewer_agent_id, "
    ":version_reviewed, :status, :comment, :created_at, :updated_at) "
    "ON CONFLICT (slug, reviewer_agent_id, version_reviewed) DO UPDATE SET "
    "status = excluded.status, comment = excluded.comment, updated_at = excluded.updated_at"
)


def of_document(db: Backend, slug: str) -> list[Row]:
    """All reviews of a document, those of older versions first."""
    return db.read(OF_DOCUMENT, slug=slug)


def get(db: Backend, slug: str, reviewer: str, version: int) -> Row | None:
    """What one reviewer says of a version, or None."""
    return db.one(GET, slug=slug, reviewer_agent_id=reviewer, version_reviewed=version)


def put(tx: Any, row: Row) -> None:
    """Write what a reviewer says of a version, over what it said before."""
    tx.execute(PUT, **row)
