"""Every enum of the store: the CHECKs, the choices of options and the documents come from here."""

from __future__ import annotations

KIND = ("decision", "pattern", "learning", "observation", "sticky")
TIER = ("short", "medium", "long")
SOURCE_CONFIDENCE = ("owner", "task-outcome", "agent", "speculative")
INVALID_REASON = ("superseded", "evicted", "decayed", "archived", "converted", "expired")
#: Reasons that belong to sticky notes; the others to the rest.
STICKY_REASON = ("archived", "converted", "expired")

DECISION_TYPE = ("architecture", "technical", "process", "strategic", "tactical")
CONFIDENCE = ("low", "medium", "high")
OUTCOME = ("success", "failure", "mixed", "pending")
CONFIRMATION_STATE = ("proposed", "accepted")
DECIDED_BY = ("owner", "council", "agent")

PATTERN_TYPE = (
    *("recurring", "anti-pattern", "improvement", "workflow"),
    *("blocker", "success", "failure", "optimization"),
)
IMPACT = ("low", "medium", "high")

OBSERVATION_TYPE = (
    *("discovery", "change", "feature", "bugfix"),
    *("refactor", "decision", "diary", "session-summary"),
)
SOURCE_TYPE = (
    *("agent", "manual", "session-debrief", "claude-mem"),
    *("cleo", "markdown", "jsonl", "sticky", "maintenance"),
)

STICKY_STATUS = ("active", "converted", "archived")
STICKY_COLOR = ("yellow", "blue", "green", "red", "purple")
STICKY_PRIORITY = ("low", "medium", "high")

LINK_TYPE = ("produced_by", "applies_to", "informed_by", "contradicts")
EDGE_TYPE = ("supersedes", "contradicts", "supports", "derived_from", "related", "references")
#: What an edge may lead to outside the store, before the ``:``.
NODE_PREFIX = ("task", "session", "file", "symbol", "commit", "url")
RETRIEVAL_SOURCE = ("fetch", "context")
