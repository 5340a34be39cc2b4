"""The words of the store's enums, declared once; CHECKs, options and documents are made of them."""

from __future__ import annotations

#: What a project lets others do, each word including those before it.
PERMISSION = ("read", "write", "execute")
HEALTH = ("unknown", "healthy", "degraded", "unreachable")
ALIAS_KIND = ("id", "slug")

INSTANCE_STATUS = ("pending", "active", "failed", "completed", "cancelled")
#: Statuses of an instance that may still go on.
INSTANCE_OPEN = ("pending", "active", "failed")
#: Statuses that nothing changes any more.
INSTANCE_FINAL = ("completed", "cancelled")
EVENT_TYPE = (
    *("created", "gate", "entered", "left", "skipped", "waiting"),
    *("failed", "resumed", "completed", "cancelled"),
)
OUTCOME = ("passed", "failed", "unknown")

STAGE_CATEGORY = (
    *("research", "consensus", "architecture", "specification", "decomposition"),
    *("implementation", "validation", "testing", "release", "contribution", "custom"),
)
LINK_TYPE = ("linear", "fork", "branch")
GATE_POSITION = ("before", "after")
GATE_TYPE = ("entry", "exit", "checkpoint")
GATE_SEVERITY = ("blocking", "warning", "info")
CHECK_TYPE = (
    *("stage_complete", "artifact_exists", "protocol_valid"),
    *("verification_gate", "custom"),
)
PROTOCOL = (
    *("research", "consensus", "architecture-decision", "specification", "decomposition"),
    *("implementation", "contribution", "validation", "testing", "release"),
    *("artifact-publish", "provenance"),
)
VERIFICATION_GATE = (
    *("implemented", "testsPassed", "qaPassed", "cleanupDone", "securityPassed", "documented"),
)
VARIABLE_TYPE = ("string", "number", "boolean", "taskId", "epicId")

TRANSFER_MODE = ("copy", "move")
TRANSFER_STATE = (
    *("planned", "imported", "mapped", "linked", "repointed", "archived", "done", "aborted"),
)

AUDIT_SOURCE = ("cli", "python", "server")
GATEWAY = ("query", "mutate")
