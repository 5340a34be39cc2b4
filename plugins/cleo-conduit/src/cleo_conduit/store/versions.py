"""The versions of documents, and who wrote how much of them."""

from __future__ import annotations

from typing import Any

from cleo_core.database import Backend, Row

GET = "SELECT * FROM attachment_versions WHERE slug = :slug AND version_number = :number"
#: Without the patches, which may be long.
PAGE = (
    "SELECT id, version_number, base_version, author_agent_id, change_type, content_hash, "
    "original_size, compressed_size, tokens, change_summary, sections_modified, tokens_added, "
    "tokens_removed, created_at FROM attachment_versions WHERE slug = :slug "
    "ORDER BY version_number DESC LIMIT :limit OFFSET :offset"
)
INSERT = (
    "INSERT INTO attachment_versions (id, slug, version_number, base_version, author_agent_id, "
    "change_type, patch_text, content_hash, original_size, compressed_size, tokens, "
    "change_summary, sections_modified, tokens_added, tokens_removed, created_at) VALUES (:id, "
    ":slug, :version_number, :base_version, :author_agent_id, :change_type, :patch_text, "
    ":content_hash, :original_size, :compressed_size, :tokens, :change_summary, "
    ":sections_modified, :tokens_added, :tokens_removed, :created_at)"
)
CONTRIBUTORS = (
    "SELECT * FROM attachment_contributors WHERE slug = :slug "
    "ORDER BY first_contribution_at, agent_id"
)
CONTRIBUTE = (
    "INSERT INTO attachment_contributors (slug, agent_id, version_count, total_tokens_added, "
    "total_tokens_removed, first_contribution_at, last_contribution_at) "
    "VALUES (:slug, :agent_id, 1, :added, :removed, :now, :now) "
    "ON CONFLICT (slug, agent_id) DO UPDATE SET version_count = version_count + 1, "
    "total_tokens_added = total_tokens_added + excluded.total_tokens_added, "
    "total_tokens_removed = total_tokens_removed + excluded.total_tokens_removed, "
    "last_contribution_at = excluded.last_contribution_at"
)
_RECOUNT = (
    "SELECT slug, author_agent_id AS agent_id, count(*) AS version_count, "
    "sum(tokens_added) AS total_tokens_added, sum(tokens_removed) AS total_tokens_removed, "
    "min(created_at) AS first_contribution_at, max(created_at) AS last_contribution_at "
    "FROM attachment_versions GROUP BY slug, author_agent_id"
)
_SUMS = "slug, agent_id, version_count, total_tokens_added, total_tokens_removed"
#: A clock that was set back may leave times that are not the recount's; the sums are what counts.
MISCOUNTED = (
    f"SELECT DISTINCT slug FROM (SELECT * FROM (SELECT {_SUMS} FROM ({_RECOUNT}) "
    f"EXCEPT SELECT {_SUMS} FROM attachment_contributors) "
    f"UNION ALL SELECT * FROM (SELECT {_SUMS} FROM attachment_contributors "
    f"EXCEPT SELECT {_SUMS} FROM ({_RECOUNT}))) ORDER BY slug"
)
FORGET = "DELETE FROM attachment_contributors WHERE slug = :slug"
RECOUNT = (
    "INSERT INTO attachment_contributors (slug, agent_id, version_count, total_tokens_added, "
    "total_tokens_removed, first_contribution_at, last_contribution_at) "
    f"SELECT * FROM ({_RECOUNT}) WHERE slug = :slug"
)


def get(db: Backend, slug: str, number: int) -> Row | None:
    """One version, or None."""
    return db.one(GET, slug=slug, number=number)


def page(db: Backend, slug: str, *, limit: int, offset: int) -> list[Row]:
    """Some versions of a document, the newest first."""
    return db.read(PAGE, slug=slug, limit=limit, offset=offset)


def insert(tx: Any, row: Row) -> None:
    """Add a version and what its author did in it."""
    tx.execute(INSERT, **row)
    tx.execute(
        CONTRIBUTE,
        slug=row["slug"],
        agent_id=row["author_agent_id"],
        added=row["tokens_added"],
        removed=row["tokens_removed"],
        now=row["created_at"],
    )


def contributors(db: Backend, slug: str) -> list[Row]:
    """Who wrote versions of a document, in the order in which they began."""
    return db.read(CONTRIBUTORS, slug=slug)


def miscounted(db: Backend) -> list[str]:
    """Documents whose contributors' sums are not those of its versions."""
    return [row["slug"] for row in db.read(MISCOUNTED)]


def recount(tx: Any, slug: str) -> None:
    """Make the contributors of a document anew from its versions."""
    tx.execute(FORGET, slug=slug)
    tx.execute(RECOUNT, slug=slug)
