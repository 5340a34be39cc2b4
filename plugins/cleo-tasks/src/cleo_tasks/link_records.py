"""Records of links to other trackers."""

from __future__ import annotations

from dataclasses import field
from typing import Any, ClassVar

from cleo_core.api import Declared
from cleo_core.api.records import record


@record
class ExternalLink(Declared):
    """A task and what it is called elsewhere.

    ``id`` is None in a dry run. ``external_updated_at``, ``content_hash``, ``external_title``: of
    the foreign record as it was last seen. ``metadata``: what came of it here, ``{status}``.
    """

    id: int | None
    task_id: str
    provider_id: str
    external_id: str
    external_url: str | None
    external_title: str | None
    link_type: str
    sync_direction: str
    external_updated_at: str | None
    content_hash: str | None
    metadata: dict[str, Any]
    linked_at: str
    last_sync_at: str | None


@record
class LinkAdded(Declared):
    """A link that was made, or was there: ``created`` tells, and ``changed`` whether anything is
    different from before.
    """

    link: ExternalLink
    created: bool
    changed: bool


@record
class LinksRemoved(Declared):
    """The links that are gone."""

    removed: list[ExternalLink]


@record
class ReconcileAction(Declared):
    """What became of one record.

    ``action``: create, update, complete, activate, conflict or outbound. ``changes``: what changes
    here, or what the two cannot agree about, field -> ``{here, outside}``. ``outbound``: what the
    provider should change, likewise; nothing is sent. ``code``, ``message``: why a conflict is one.
    """

    action: str
    line: int
    external_id: str
    task_id: str | None
    changes: dict[str, dict[str, Any]]
    outbound: dict[str, dict[str, Any]]
    code: str | None = None
    message: str | None = None

    OPTIONAL: ClassVar[tuple[str, ...]] = ("code", "message")


@record
class ReconcileResult(Declared):
    """What became of a file's records: the ``counts`` of all actions add up to ``read``.

    ``reasons`` counts the skipped ones by reason; ``actions`` lists all others. ``absent``: links
    of the provider whose record is not in the file; nothing is done about them. ``problems``: the
    first records that could not be understood.
    """

    provider: str
    policy: str
    read: int
    counts: dict[str, int]
    reasons: dict[str, int]
    absent: int
    actions: list[ReconcileAction]
    problems: list[dict[str, Any]] = field(default_factory=list)
    report: str | None = None

    OPTIONAL: ClassVar[tuple[str, ...]] = ("report",)
