"""What services return about architecture decisions."""

from __future__ import annotations

from typing import ClassVar

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_tasks.records import Line


@record
class AdrRelation(Declared):
    """One decision supersedes, amends or is related to another; ``source`` is file or manual."""

    from_adr_id: str
    to_adr_id: str
    relation_type: str
    source: str


@record
class AdrTask(Declared):
    """A task that a decision is linked to; ``source`` is file or manual."""

    task_id: str
    link_type: str
    source: str
    created_at: str
    task: Line


@record
class AdrLine(Declared):
    """One decision in a list. ``removed_at``: since when its file is gone."""

    id: str
    number: int
    title: str
    status: str
    date: str | None
    accepted_at: str | None
    gate: str | None
    gate_status: str | None
    file_path: str | None
    summary: str | None
    keywords: list[str]
    topics: list[str]
    updated_at: str
    removed_at: str | None


@record
class AdrHit(AdrLine):
    """One decision that a search found.

    ``score``: the higher the better. ``matched_in``: the fields that a word of the query is in.
    ``snippet``: text around the first match, which stands in square brackets.
    """

    score: int
    matched_in: list[str]
    snippet: str


@record
class AdrWarning(Declared):
    """Something in a file that was not, or not wholly, understood."""

    file: str
    line: int
    code: str
    message: str


@record
class AdrSync(Declared):
    """What a sync did. Each file that was read is in one of the first four counts.

    ``created``, ``updated`` (a column or an edge changed), ``restored`` (the file came back):
    ids; ``unchanged``: how many. ``removed``: ids whose file is gone since the last sync.
    ``unread``: ids whose file is there and could not be read. The other counts are edges that the
    files say.
    """

    files: int
    created: list[str]
    updated: list[str]
    restored: list[str]
    unchanged: int
    removed: list[str]
    unread: list[str]
    relations_added: int
    relations_removed: int
    links_added: int
    links_removed: int
    warnings: list[AdrWarning]


@record
class Adr(Declared):
    """One decision, whole.

    ``content``: the file's text. ``content_hash``: SHA-256 of the file's bytes in hexadecimal.
    ``file_path``: relative to the project's root. ``relations``: both directions. ``tasks``: the
    tasks it is linked to. ``sync``: of one that was just added, what the sync after it did, with
    the warnings of its own file.
    """

    id: str
    number: int
    title: str
    status: str
    date: str | None
    accepted_at: str | None
    consensus_manifest_id: str | None
    gate: str | None
    gate_status: str | None
    file_path: str | None
    summary: str | None
    keywords: list[str]
    topics: list[str]
    content: str
    content_hash: str
    created_at: str
    updated_at: str
    removed_at: str | None
    relations: list[AdrRelation]
    tasks: list[AdrTask]
    sync: AdrSync | None = None

    OPTIONAL: ClassVar[tuple[str, ...]] = ("sync",)


@record
class AdrLink(Declared):
    """A link of a decision to a task (``task_id``) or to another decision (``to_adr_id``)."""

    adr_id: str
    task_id: str | None
    to_adr_id: str | None
    type: str
    source: str

    OPTIONAL: ClassVar[tuple[str, ...]] = ("task_id", "to_adr_id")


@record
class AdrUnlinked(Declared):
    """The links that are gone."""

    removed: list[AdrLink]
