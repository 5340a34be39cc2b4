"""What services return: typed records, whose field names in camelCase are the JSON keys.

None of them has a field for a key or a ciphertext.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any, ClassVar

from cleo_core.api import Declared
from cleo_core.api.records import record


@record
class Agent(Declared):
    """An agent of the registry, as this project sees it.

    ``transport``: type, baseUrl, config. ``effective``: role and capabilities in this project.
    ``ref``: enabled, role, attachedAt, lastUsedAt; None where this project has no enabled one.
    ``class``, ``orchLevel`` and ``version`` are None only where this is read from a copy.
    """

    agent_id: str
    id: str
    name: str
    description: str
    class_: str | None
    classification: str | None
    privacy_tier: str
    is_active: bool
    status: str
    last_seen: str | None
    transport: dict[str, Any]
    capabilities: list[str]
    skills: list[str]
    effective: dict[str, Any]
    has_key: bool
    requires_reauth: bool
    reauth_reason: str | None
    owner_id: str | None
    organization_id: str | None
    tier: str
    can_spawn: bool
    orch_level: int | None
    reports_to: str | None
    version: int | None
    ref: dict[str, Any] | None
    created_at: str
    updated_at: str


@record
class Step(Declared):
    """What became of one store's part: written, unchanged, skipped or failed."""

    store: str
    state: str
    error: dict[str, Any] | None = None

    OPTIONAL: ClassVar[tuple[str, ...]] = ("error",)


@record
class Registered(Declared):
    """An agent after ``register``: whether its identity changed, and each store's part."""

    agent: Agent
    changed: bool
    steps: list[Step]
    warnings: list[str] = field(default_factory=list)


@record
class Updated(Declared):
    """An agent after ``update``."""

    agent: Agent
    changed: bool


@record
class RefChange(Declared):
    """What ``attach``, ``detach`` and ``remove`` did.

    ``ref``: the project ref after it. ``refs``: projects that refer to the agent.
    ``unreadable``: projects that could not be looked at. ``scanned``: ``nexus`` or ``project``.
    """

    agent_id: str
    changed: bool
    ref: dict[str, Any] | None = None
    refs: list[dict[str, Any]] | None = None
    unreadable: list[str] | None = None
    scanned: str | None = None

    OPTIONAL: ClassVar[tuple[str, ...]] = ("ref", "refs", "unreadable", "scanned")


@record
class Word(Declared):
    """A capability or a skill that the registry knows."""

    slug: str
    name: str
    category: str
    description: str


@record
class ChangedAgents(Declared):
    """The ids of the agents that were not in that state before."""

    changed: list[str]


@record
class LegacyMigration(Declared):
    """What became of a project's older file.

    ``status``: done, resumed, nothing, dry_run or rolled_back. ``counts``: table of the file ->
    source, copied, merged, present, dropped. ``reauth``: agents whose key must be given anew.
    ``renamed``: from, to. ``dropped``: table (and column), reason, count, the first keys.
    """

    status: str
    run_id: str | None = None
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    reauth: list[str] = field(default_factory=list)
    renamed: list[dict[str, str]] = field(default_factory=list)
    dropped: list[dict[str, Any]] = field(default_factory=list)
    bak_path: str | None = None
    warnings: list[str] = field(default_factory=list)


@record
class LegacyStatus(Declared):
    """Whether the older file is there, and the journal of the latest migration."""

    found: bool
    path: str
    journal: dict[str, Any] | None
