"""What services return about manifests."""

from __future__ import annotations

from typing import Any

from cleo_core.api import Declared
from cleo_core.api.records import record


@record
class ManifestLine(Declared):
    """One manifest in a list, without its text."""

    id: str
    type: str
    title: str
    status: str
    task_id: str | None
    epic_id: str | None
    session_id: str | None
    brain_obs_id: str | None
    source_file: str | None
    created_at: str
    archived_at: str | None


@record
class ManifestHit(ManifestLine):
    """One manifest that a search found.

    ``score``: the higher the better. ``matched_in``: the fields that a word of the query is in.
    ``snippet``: text around the first match, which stands in square brackets.
    """

    score: int
    matched_in: list[str]
    snippet: str


@record
class Manifest(Declared):
    """One manifest, whole.

    ``epic_id``: the nearest epic above the task. ``content_hash``: the first 16 hexadecimal digits
    of the content's SHA-256. ``source_file``: relative to the project's root. ``brain_obs_id``: the
    observation that it was distilled into.
    """

    id: str
    session_id: str | None
    task_id: str | None
    epic_id: str | None
    type: str
    title: str
    content: str
    content_hash: str
    status: str
    brain_obs_id: str | None
    source_file: str | None
    metadata: dict[str, Any]
    created_at: str
    archived_at: str | None


@record
class ManifestAdded(Manifest):
    """A manifest that was added, or the one that holds the same content: ``merged`` tells."""

    merged: bool


@record
class StageOutput(Declared):
    """What a lifecycle stage brought forth. ``tasks``: ids of the tasks it belongs to."""

    id: str
    pipeline_id: str | None
    stage_id: str | None
    title: str
    date: str
    status: str
    agent_type: str | None
    output_file: str | None
    created_by: str | None
    topics: list[str]
    findings: list[Any]
    created_at: str
    tasks: list[str]


@record
class ManifestStats(Declared):
    """How many manifests there are, by type and by status; words that none has count 0."""

    total: int
    by_type: dict[str, int]
    by_status: dict[str, int]


@record
class ManifestsArchived(Declared):
    """The ids that were archived."""

    archived: list[str]
