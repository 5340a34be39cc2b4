"""What services return: typed records, whose field names in camelCase are the JSON keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from cleo_core.api import Declared
from cleo_core.api.records import record

if TYPE_CHECKING:
    from cleo_tasks.gate_records import GateResult


@record
class Task(Declared):
    """One task, whole.

    Times are ISO-8601 UTC with milliseconds. ``ready``: pending, nothing open to wait for, not an
    epic, no open children. ``open_dependencies``: the ids it still waits for. ``pipeline``:
    of its own lifecycle, ``{id, status, stage}``, which ``show`` gives where there is one.
    """

    id: str
    title: str
    description: str | None
    status: str
    priority: str
    type: str
    role: str
    scope: str
    severity: str | None
    size: str | None
    parent_id: str | None
    phase: str | None
    position: int
    acceptance: list[str]
    notes: list[dict[str, Any]]
    files: list[str]
    metadata: dict[str, Any]
    blocked_reason: str | None
    no_auto_complete: bool
    assignee: str | None
    claimed_at: str | None
    pipeline_stage: str
    verification_round: int
    session_id: str | None
    origin: str
    created_by: str | None
    modified_by: str | None
    created_at: str
    updated_at: str
    started_at: str | None
    completed_at: str | None
    cancelled_at: str | None
    archived_at: str | None
    cancellation_reason: str | None
    archive_reason: str | None
    archived_from: str | None
    version: int
    labels: list[str]
    depends_on: list[str]
    ready: bool
    open_dependencies: list[str]
    history: list[dict[str, Any]] | None = None
    children: list[Line] | None = None
    gates: dict[str, GateResult] | None = None
    pipeline: dict[str, Any] | None = None

    OPTIONAL: ClassVar[tuple[str, ...]] = ("history", "children", "gates", "pipeline")


@record
class Line(Declared):
    """One task in a list."""

    id: str
    title: str
    status: str
    priority: str
    type: str
    phase: str | None
    parent_id: str | None
    assignee: str | None
    labels: list[str]
    ready: bool
    version: int
