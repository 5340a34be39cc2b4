"""Documents, their versions and approvals."""

from __future__ import annotations

from cleo_core.api import Declared
from cleo_core.api.records import record


@record
class Approvals(Declared):
    """How far a document is from being locked, by the reviews of its current version.

    ``given``: approvals, that of the version's author left out. ``stale``: approvals of older
    versions. ``pending``: reviewers who were asked and have not answered.
    """

    required: int
    given: int
    stale: int
    rejected: int
    pending: int


@record
class Review(Declared):
    """What a reviewer says of a version; ``stale``: it is not the current one any more."""

    reviewer_agent_id: str
    version_reviewed: int
    status: str
    comment: str | None
    stale: bool
    created_at: str
    updated_at: str


@record
class Contributor(Declared):
    """How many versions an agent wrote, and how many tokens it added and removed in them."""

    agent_id: str
    version_count: int
    total_tokens_added: int
    total_tokens_removed: int
    first_contribution_at: str
    last_contribution_at: str


@record
class DocumentVersion(Declared):
    """One version of a document, without its content.

    ``change_type``: ``initial``, ``patch`` (a unified diff is shorter) or ``full_replace``.
    ``sections_modified``: headings whose lines changed against ``base_version``.
    """

    id: str
    version_number: int
    base_version: int | None
    author_agent_id: str
    change_type: str
    content_hash: str
    original_size: int
    compressed_size: int
    tokens: int
    change_summary: str | None
    sections_modified: list[str]
    tokens_added: int
    tokens_removed: int
    created_at: str


@record
class Document(Declared):
    """A document as it stands, without its content.

    ``conversation_id``: whose participants may read it; None for all agents of the project.
    Sizes and tokens are those of the current version.
    """

    slug: str
    title: str | None
    format: str
    mode: str
    conversation_id: str | None
    from_agent_id: str
    current_version: int
    version_count: int
    content_hash: str
    original_size: int
    compressed_size: int
    tokens: int
    approvals: Approvals
    reviews: list[Review]
    contributors: list[Contributor]
    expires_at: str | None
    created_at: str
    updated_at: str


@record
class DocumentChange(Document):
    """What became of a document; ``version``: the one that was written, if one was."""

    changed: bool
    version: DocumentVersion | None


@record
class DocumentContent(Document):
    """A document with the content of one of its versions.

    ``encoding``: ``utf-8``, or ``base64`` where the content is no text.
    """

    version: DocumentVersion
    encoding: str
    content: str


@record
class DocumentDiff(Declared):
    """What lies between two versions.

    ``patch``: None where one of them is no text, or has more than 200 000 lines.
    """

    slug: str
    from_version: int
    to_version: int
    patch: str | None
    sections_modified: list[str]
    tokens_added: int
    tokens_removed: int


@record
class DocumentExport(Declared):
    """What was written to which file."""

    slug: str
    version_number: int
    path: str
    bytes: int
    content_hash: str
