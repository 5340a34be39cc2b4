"""Entries whole: one record for each kind, whose field names in camelCase are the JSON keys."""

from __future__ import annotations

from typing import Any

from cleo_core.api import Declared
from cleo_core.api.records import record


@record
class Link(Declared):
    """A link of an entry to a task."""

    task_id: str
    link_type: str
    agent: str | None
    created_at: str


@record
class Edge(Declared):
    """An edge of an entry: ``direction`` is ``out`` or ``in``, ``target`` the other end."""

    edge_type: str
    direction: str
    target: str
    reason: str | None
    agent: str | None
    created_at: str

    @property
    def is_successor(self) -> bool:
        """Whether the other end has taken this entry's place."""
        return self.edge_type == "supersedes" and self.direction == "in"


@record
class Entry(Declared):
    """One entry, whole; each kind adds the columns of its own table.

    ``date`` is since when it holds (``valid_at``). ``effective_confidence``: of a learning, what
    is left of its confidence today. ``superseded_by``: the successor's id.
    """

    id: str
    kind: str
    type: str | None
    title: str
    date: str
    tier: str
    verified: bool
    tokens: int
    thread: str | None
    origin: str | None
    tier_changed_at: str | None
    tier_reason: str | None
    verified_by: str | None
    verified_at: str | None
    source_confidence: str
    quality: float
    uses: int
    last_used_at: str | None
    seen: int
    last_seen_at: str
    agent: str | None
    summary_id: str | None
    metadata: dict[str, Any]
    invalid_at: str | None
    invalid_reason: str | None
    created_at: str
    updated_at: str
    tags: list[str]
    links: list[Link]
    edges: list[Edge]
    superseded_by: str | None
    contradicts: list[str]
    effective_confidence: float | None


@record
class Decision(Entry):
    """A decision."""

    decision: str
    rationale: str
    confidence: str
    outcome: str | None
    alternatives: list[str]
    context_epic_id: str | None
    context_task_id: str | None
    context_phase: str | None
    adr_id: str | None
    adr_path: str | None
    confirmation_state: str
    decided_by: str


@record
class Pattern(Entry):
    """A pattern; ``examples`` are task ids."""

    pattern: str
    context: str
    frequency: int
    success_rate: float | None
    impact: str | None
    anti_pattern: str | None
    mitigation: str | None
    examples: list[str]


@record
class Learning(Entry):
    """A learning; ``confidence`` is what was asserted, from 0 to 1."""

    insight: str
    source: str
    confidence: float
    actionable: bool
    application: str | None
    applicable_types: list[str]
    confirmed_at: str


@record
class Observation(Entry):
    """An observation; ``discovery_tokens``: what finding it out has cost."""

    subtitle: str | None
    title_derived: bool
    narrative: str
    facts: list[str]
    concepts: list[str]
    files_read: list[str]
    files_modified: list[str]
    project: str | None
    source_session_id: str | None
    source_type: str
    discovery_tokens: int | None
    attachments: list[str]


@record
class Sticky(Entry):
    """A sticky note; ``converted_to`` is ``task:T007`` or ``decision:D004``."""

    content: str
    status: str
    color: str
    priority: str
    converted_to: str | None
    expires_at: str | None


#: Kind -> its record.
RECORD: dict[str, type[Entry]] = {
    "decision": Decision,
    "pattern": Pattern,
    "learning": Learning,
    "observation": Observation,
    "sticky": Sticky,
}
