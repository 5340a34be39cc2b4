"""Documents that agents share, their versions, and what reviewers say of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, LargeBinary, PrimaryKeyConstraint, UniqueConstraint

from cleo_conduit.enums import (
    APPROVAL_STATUS,
    BLOB_CODEC,
    CHANGE_TYPE,
    DOCUMENT_FORMAT,
    DOCUMENT_MODE,
)
from cleo_conduit.schema.tables import of_conversation, of_document, table
from cleo_core.columns import (
    agent,
    at,
    index,
    integer,
    json_list,
    one_of,
    refers,
    required,
    text,
    uuid,
)


def _sizes() -> tuple[Column[Any], Column[Any]]:
    """Bytes of a content, and of it as it is stored."""
    return integer("original_size"), integer("compressed_size")


attachments = table(
    "attachments",
    required(
        "slug",
        "slug GLOB '[a-z0-9]*' AND slug NOT GLOB '*[^a-z0-9-]*' AND length(slug) <= 64",
        primary_key=True,
    ),
    of_conversation("SET NULL", nullable=True),
    agent("from_agent_id"),
    text("title"),
    one_of("format", DOCUMENT_FORMAT, "text"),
    one_of("mode", DOCUMENT_MODE, "draft"),
    integer("required_approvals", "required_approvals >= 0", default=1),
    integer("current_version"),
    integer("version_count"),
    required("content_hash"),
    *_sizes(),
    integer("tokens"),
    at("expires_at"),
    at("created_at", nullable=False),
    at("updated_at", nullable=False),
    index("conversation_id"),
    index("from_agent_id"),
)

attachment_blobs = table(
    "attachment_blobs",
    required("hash", primary_key=True),
    one_of("codec", BLOB_CODEC),
    Column("content", LargeBinary(), nullable=False, info={"kind": "blob", "words": ()}),
    *_sizes(),
    at("created_at", nullable=False),
)

attachment_versions = table(
    "attachment_versions",
    uuid("id", primary_key=True),
    of_document(),
    integer("version_number", "version_number >= 1"),
    integer("base_version", nullable=True),
    agent("author_agent_id"),
    one_of("change_type", CHANGE_TYPE),
    text("patch_text", "patch_text IS NULL OR change_type = 'patch'"),
    refers("content_hash", "attachment_blobs.hash", None, nullable=False),
    *_sizes(),
    integer("tokens"),
    text("change_summary"),
    json_list("sections_modified"),
    integer("tokens_added", default=0),
    integer("tokens_removed", default=0),
    at("created_at", nullable=False),
    UniqueConstraint("slug", "version_number"),
    index("author_agent_id"),
)

attachment_approvals = table(
    "attachment_approvals",
    uuid("id", primary_key=True),
    of_document(),
    agent("reviewer_agent_id"),
    integer("version_reviewed"),
    one_of("status", APPROVAL_STATUS, "pending"),
    text("comment"),
    at("created_at", nullable=False),
    at("updated_at", nullable=False),
    UniqueConstraint("slug", "reviewer_agent_id", "version_reviewed"),
)

attachment_contributors = table(
    "attachment_contributors",
    of_document(),
    agent("agent_id"),
    integer("version_count", default=0),
    integer("total_tokens_added", default=0),
    integer("total_tokens_removed", default=0),
    at("first_contribution_at", nullable=False),
    at("last_contribution_at", nullable=False),
    PrimaryKeyConstraint("slug", "agent_id"),
    sqlite_with_rowid=False,
)
