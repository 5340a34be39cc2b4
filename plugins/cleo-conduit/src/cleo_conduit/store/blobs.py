"""The contents of document versions, one row for equal bytes."""

from __future__ import annotations

from typing import Any

from cleo_core.database import Backend, Row

#: A content that is longer than any may be is not loaded.
GET = (
    "SELECT hash, codec, original_size, compressed_size, length(content) AS stored_size, "
    "CASE WHEN length(content) <= :most THEN content END AS content "
    "FROM attachment_blobs WHERE hash = :hash"
)
EXISTS = "SELECT count(*) FROM attachment_blobs WHERE hash = :hash"
PUT = (
    "INSERT INTO attachment_blobs "
    "(hash, codec, content, original_size, compressed_size, created_at) "
    "VALUES (:hash, :codec, :content, :original_size, :compressed_size, :created_at) "
    "ON CONFLICT (hash) DO UPDATE SET codec = excluded.codec, content = excluded.content, "
    "original_size = excluded.original_size, compressed_size = excluded.compressed_size"
)
#: The length of a content stands before it; its bytes are not read.
STORED = "SELECT coalesce(sum(length(content)), 0) FROM attachment_blobs"
COUNT = "SELECT count(*) FROM attachment_blobs"
SAMPLE = "SELECT hash FROM attachment_blobs ORDER BY random() LIMIT :most"
ALL = "SELECT hash FROM attachment_blobs ORDER BY hash"
ORPHANS = (
    "SELECT count(*) FROM attachment_blobs "
    "WHERE hash NOT IN (SELECT content_hash FROM attachment_versions)"
)
DELETE_ORPHANS = (
    "DELETE FROM attachment_blobs WHERE hash IN (SELECT b.hash FROM attachment_blobs AS b "
    "WHERE b.hash NOT IN (SELECT content_hash FROM attachment_versions) LIMIT :most)"
)


def get(db: Backend, hash_: str, most: int) -> Row | None:
    """A blob; its ``content`` is None where it has more bytes than ``most``."""
    return db.one(GET, hash=hash_, most=most)


def exists(db: Backend, hash_: str) -> bool:
    """Whether these bytes are stored."""
    return bool(db.scalar(EXISTS, hash=hash_))


def put(tx: Any, row: Row) -> None:
    """Write a blob, over what was there under its hash."""
    tx.execute(PUT, **row)


def stored(db: Backend) -> int:
    """Bytes of all blobs as they are stored."""
    return int(db.scalar(STORED))


def count(db: Backend) -> int:
    """How many there are."""
    return int(db.scalar(COUNT))


def hashes(db: Backend, most: int | None) -> list[str]:
    """The hashes of some blobs, chosen at random, or of all."""
    rows = db.read(ALL) if most is None else db.read(SAMPLE, most=most)
    return [row["hash"] for row in rows]


def orphans(db: Backend) -> int:
    """How many belong to no version."""
    return int(db.scalar(ORPHANS))


def delete_orphans(tx: Any, most: int) -> int:
    """Delete some of those that belong to no version.

    :returns: how many.
    """
    return int(tx.execute(DELETE_ORPHANS, most=most))
