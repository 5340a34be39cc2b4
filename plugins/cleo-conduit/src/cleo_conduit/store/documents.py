"""Documents that agents share, and who may read them."""

from __future__ import annotations

from typing import Any

from cleo_core.database import Backend, Row

#: Whether an agent takes part in a conversation now, or everybody here may read it.
_OPEN_TO = (
    "(EXISTS (SELECT 1 FROM conversations AS c WHERE c.id = {column} "
    "AND c.visibility <> 'private') "
    "OR EXISTS (SELECT 1 FROM participants AS p WHERE p.conversation_id = {column} "
    "AND p.agent_id = :agent_id AND p.left_at IS NULL))"
)
_READABLE = (
    "(d.expires_at IS NULL OR d.expires_at > :now) AND (d.conversation_id IS NULL OR "
    + _OPEN_TO.format(column="d.conversation_id")
    + ")"
)
_CHOSEN = (
    f"FROM attachments AS d WHERE {_READABLE} "
    "AND (:conversation_id IS NULL OR d.conversation_id = :conversation_id) "
    "AND (:mode IS NULL OR d.mode = :mode) "
    "AND (:author IS NULL OR d.from_agent_id = :author)"
)

MAY_READ_CONVERSATION = f"SELECT {_OPEN_TO.format(column=':conversation_id')}"
READABLE = f"SELECT d.* FROM attachments AS d WHERE d.slug = :slug AND {_READABLE}"
PAGE = f"SELECT d.* {_CHOSEN} ORDER BY d.updated_at DESC, d.slug LIMIT :limit OFFSET :offset"
COUNT = f"SELECT count(*) {_CHOSEN}"
GET = "SELECT * FROM attachments WHERE slug = :slug"
EXPIRED = "SELECT * FROM attachments WHERE expires_at <= :now ORDER BY slug LIMIT :most"
INSERT = (
    "INSERT INTO attachments (slug, conversation_id, from_agent_id, title, format, mode, "
    "required_approvals, current_version, version_count, content_hash, original_size, "
    "compressed_size, tokens, expires_at, created_at, updated_at) VALUES (:slug, "
    ":conversation_id, :from_agent_id, :title, :format, :mode, :required_approvals, "
    ":current_version, :version_count, :content_hash, :original_size, :compressed_size, :tokens, "
    ":expires_at, :created_at, :updated_at)"
)
UPDATE = (
    "UPDATE attachments SET mode = :mode, current_version = :current_version, "
    "version_count = :version_count, content_hash = :content_hash, "
    "original_size = :original_size, compressed_size = :compressed_size, tokens = :tokens, "
    "updated_at = :updated_at WHERE slug = :slug"
)
DELETE = "DELETE FROM attachments WHERE slug = :slug"
TAKES_PART = (
    "SELECT count(*) FROM participants WHERE conversation_id = :conversation_id "
    "AND agent_id = :agent_id AND left_at IS NULL"
)


def readable(db: Backend, slug: str, agent_id: str, now: str) -> Row | None:
    """A document that an agent may read; None where it may not, or there is none."""
    return db.one(READABLE, slug=slug, agent_id=agent_id, now=now)


def may_read_conversation(db: Backend, conversation_id: str, agent_id: str) -> bool:
    """Whether a document of this conversation would be one that the agent may read."""
    found = db.scalar(MAY_READ_CONVERSATION, conversation_id=conversation_id, agent_id=agent_id)
    return bool(found)


def takes_part(db: Backend, conversation_id: str, agent_id: str) -> bool:
    """Whether an agent is in a conversation now."""
    return bool(db.scalar(TAKES_PART, conversation_id=conversation_id, agent_id=agent_id))


def page(db: Backend, *, limit: int, offset: int, **chosen: Any) -> list[Row]:
    """Some of the documents that an agent may read, the last changed first.

    :param chosen: ``agent_id``, ``now`` and the filters ``conversation_id``, ``mode``, ``author``.
    """
    return db.read(PAGE, limit=limit, offset=offset, **chosen)


def count(db: Backend, **chosen: Any) -> int:
    """How many there are in all."""
    return int(db.scalar(COUNT, **chosen))


def get(db: Backend, slug: str) -> Row | None:
    """A document, whoever asks; one whose time is over too."""
    return db.one(GET, slug=slug)


def expired(db: Backend, now: str, most: int) -> list[Row]:
    """Documents whose time is over."""
    return db.read(EXPIRED, now=now, most=most)


def insert(tx: Any, row: Row) -> None:
    """Add a document."""
    tx.execute(INSERT, **row)


def update(tx: Any, row: Row) -> None:
    """Write what may change of a document."""
    names = (
        *("slug", "mode", "current_version", "version_count", "content_hash"),
        *("original_size", "compressed_size", "tokens", "updated_at"),
    )
    tx.execute(UPDATE, **{name: row[name] for name in names})


def delete(tx: Any, slug: str) -> None:
    """Delete a document with its versions, reviews and contributors; the blobs stay."""
    tx.execute(DELETE, slug=slug)
