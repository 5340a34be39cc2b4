"""Every closed set of words of the tasks store, declared once.

The CHECKs of the schema, the rows of ``status_registry``, the JSON Schema of a task and the
choices of the command line are all made from these tuples. Nothing is imported here, so that the
command line may use them at no cost.
"""

from __future__ import annotations

# Tasks
TASK_STATUS = ("pending", "active", "blocked", "done", "cancelled", "archived", "proposed")
TASK_PRIORITY = ("critical", "high", "medium", "low")
TASK_TYPE = ("epic", "task", "subtask")
TASK_ROLE = ("work", "research", "experiment", "bug", "spike", "release")
TASK_SCOPE = ("project", "feature", "unit")
SEVERITY = ("P0", "P1", "P2", "P3")
SIZE = ("small", "medium", "large")
STAGES = (
    "research",
    "consensus",
    "architecture_decision",
    "specification",
    "decomposition",
    "implementation",
    "validation",
    "testing",
    "release",
    "contribution",
)
PIPELINE_STAGE = (*STAGES, "cancelled")
ORIGIN = ("native", "imported", "transferred", "converted")
ARCHIVE_REASON = (
    "completed",
    "cancelled",
    "deleted",
    "superseded",
    "duplicate",
    "transferred",
)
ARCHIVED_FROM = ("pending", "active", "blocked", "done", "cancelled", "proposed")
PHASE_STATUS = ("pending", "active", "completed")
RELATION_TYPE = (
    "related",
    "blocks",
    "duplicates",
    "absorbs",
    "fixes",
    "extends",
    "supersedes",
)
GATES = (
    "implemented",
    "testsPassed",
    "qaPassed",
    "documented",
    "securityPassed",
    "cleanupDone",
)
GATE_RESULT = ("pass", "fail", "warn")

OPEN_STATUS = frozenset({"pending", "active", "blocked", "proposed"})
SATISFIED_STATUS = frozenset({"done", "cancelled", "archived"})
PRIORITY_ORDER = {"critical": 0, "high": 1, "medium": 2, "low": 3}

# Sessions
SESSION_STATUS = ("active", "ended", "orphaned", "suspended")
SESSION_SCOPE = ("global", "epic", "task")
SESSION_ORIGIN = ("explicit", "implicit")
SESSION_TASK_KIND = ("created", "completed")

# Lifecycle
PIPELINE_STATUS = ("active", "completed", "blocked", "failed", "cancelled", "aborted")
STAGE_STATUS = ("not_started", "in_progress", "blocked", "completed", "skipped", "failed")
EVIDENCE_TYPE = ("file", "url", "manifest")
TRANSITION_TYPE = ("automatic", "manual", "forced")

# Manifests, decisions, releases
MANIFEST_ENTRY_STATUS = ("completed", "partial", "blocked", "archived")
MANIFEST_TYPE = (
    "research",
    "implementation",
    "specification",
    "design",
    "analysis",
    "decision",
    "note",
)
MANIFEST_STATUS = ("active", "distilled", "archived")
ADR_STATUS = ("proposed", "accepted", "superseded", "deprecated")
ADR_GATE = ("HITL", "automated")
ADR_GATE_STATUS = ("pending", "passed", "failed", "waived")
ADR_LINK_TYPE = ("related", "governed_by", "implements")
ADR_LINK_SOURCE = ("file", "manual")
ADR_RELATION_TYPE = ("supersedes", "amends", "related")
RELEASE_STATUS = ("draft", "prepared", "committed", "tagged", "pushed", "rolled_back")
RELEASE_STEP = ("prepare", "bump", "changelog", "commit", "tag", "push")
RELEASE_STEP_STATUS = ("pending", "running", "done", "skipped", "failed")

# Records and caches
AUDIT_ENTITY_KIND = (
    "task",
    "session",
    "pipeline",
    "adr",
    "release",
    "manifest",
    "phase",
    "link",
    "instance",
    "credential",
    "sequence",
)
AUDIT_SOURCE = ("cli", "python", "mcp", "import", "system")
TOKEN_TRANSPORT = ("cli", "api", "agent", "mcp", "unknown")
TOKEN_METHOD = ("otel", "provider_api", "tokenizer", "heuristic")
TOKEN_CONFIDENCE = ("real", "high", "estimated", "coarse")
LINK_TYPE = ("created", "matched", "manual", "transferred")
SYNC_DIRECTION = ("inbound", "outbound", "bidirectional")
AGENT_TYPE = (
    "orchestrator",
    "executor",
    "researcher",
    "architect",
    "validator",
    "documentor",
    "custom",
)
INSTANCE_STATUS = ("starting", "active", "idle", "error", "crashed", "stopped")
#: Of instances that have not ended.
INSTANCE_RUNNING = frozenset({"starting", "active", "idle", "error"})
ERROR_KIND = ("retriable", "permanent", "unknown")
PRIVACY_TIER = ("public", "discoverable", "private")
REGISTRY_ENTITY = (
    "task",
    "session",
    "lifecycle_pipeline",
    "lifecycle_stage",
    "adr",
    "gate",
    "manifest",
)
REGISTRY_NAMESPACE = ("workflow", "governance", "manifest")

# entity type, namespace, its enum, its terminal words, what each word means
_REGISTRY: tuple[tuple[str, str, tuple[str, ...], frozenset[str], dict[str, str]], ...] = (
    (
        "task",
        "workflow",
        TASK_STATUS,
        SATISFIED_STATUS,
        {
            "pending": "Accepted and not begun.",
            "active": "Being worked on.",
            "blocked": "Held up by something outside its dependencies.",
            "done": "Finished.",
            "cancelled": "Given up.",
            "archived": "Put away, and kept.",
            "proposed": "Suggested and not accepted yet.",
        },
    ),
    (
        "session",
        "workflow",
        SESSION_STATUS,
        frozenset({"ended", "orphaned"}),
        {
            "active": "An agent works in it.",
            "ended": "Closed, with its handoff written.",
            "orphaned": "Left idle until it was collected.",
            "suspended": "Paused, to be resumed.",
        },
    ),
    (
        "lifecycle_pipeline",
        "workflow",
        PIPELINE_STATUS,
        frozenset({"completed", "failed", "cancelled", "aborted"}),
        {
            "active": "Moving through its stages.",
            "completed": "Its release stage is completed or skipped.",
            "blocked": "Its current stage is blocked.",
            "failed": "Its current stage has failed.",
            "cancelled": "Cancelled together with its task.",
            "aborted": "Stopped on request, with a reason.",
        },
    ),
    (
        "lifecycle_stage",
        "workflow",
        STAGE_STATUS,
        frozenset({"completed", "skipped", "failed"}),
        {
            "not_started": "Not entered yet.",
            "in_progress": "Entered and being worked on.",
            "blocked": "Entered and held up.",
            "completed": "Finished, with its gates passed.",
            "skipped": "Left out, with a reason.",
            "failed": "Tried without success.",
        },
    ),
    (
        "adr",
        "governance",
        ADR_STATUS,
        frozenset({"superseded", "deprecated"}),
        {
            "proposed": "Put forward for decision.",
            "accepted": "Decided and in force.",
            "superseded": "Replaced by a later decision.",
            "deprecated": "No longer in force, and not replaced.",
        },
    ),
    (
        "gate",
        "governance",
        ADR_GATE_STATUS,
        frozenset({"passed", "failed", "waived"}),
        {
            "pending": "Not decided yet.",
            "passed": "Examined and accepted.",
            "failed": "Examined and refused.",
            "waived": "Let through without examination.",
        },
    ),
    (
        "manifest",
        "manifest",
        MANIFEST_ENTRY_STATUS,
        frozenset({"completed", "archived"}),
        {
            "completed": "The whole output is there.",
            "partial": "Part of the output is there.",
            "blocked": "The output is held up.",
            "archived": "Put away, and kept.",
        },
    ),
)

STATUS_REGISTRY: tuple[tuple[str, str, str, str, bool], ...] = tuple(
    (word, entity, namespace, meanings[word], word in terminal)
    for entity, namespace, words, terminal, meanings in _REGISTRY
    for word in words
)
"""Rows of ``status_registry``: name, entity_type, namespace, description, is_terminal."""
