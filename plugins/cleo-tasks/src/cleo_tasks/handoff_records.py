"""What handoffs and briefings consist of: typed records, as in :mod:`cleo_tasks.records`."""

from __future__ import annotations

from typing import Any, ClassVar

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_tasks.session_records import SessionLine


@record
class TaskRef(Declared):
    """A task as handoffs and briefings name it; ``reason`` says why it is blocked."""

    id: str
    title: str
    status: str
    priority: str
    severity: str | None = None
    reason: str | None = None

    OPTIONAL: ClassVar[tuple[str, ...]] = ("severity", "reason")


@record
class Handoff(Declared):
    """What a session leaves to the next one; written once, when it ends.

    ``last_task``: the one in focus at the end, else the last that was. ``next``: what its scope
    offered first. ``totals``: how many there were of the lists that are cut.
    """

    session_id: str
    agent_id: str | None
    scope: str
    started_at: str
    ended_at: str
    duration_seconds: int
    last_task: TaskRef | None
    created: list[TaskRef]
    completed: list[TaskRef]
    next: list[TaskRef]
    blocked: list[TaskRef]
    bugs: list[TaskRef]
    notes: list[dict[str, Any]]
    next_action: str | None
    totals: dict[str, int]


@record
class HandoffState(Declared):
    """A handoff and whether somebody took it over."""

    session_id: str
    session_name: str
    handoff: dict[str, Any]
    consumed_at: str | None
    consumed_by: str | None


@record
class Briefing(Declared):
    """What an agent should know when it begins.

    ``totals``: how many there are of the lists. ``truncated``: something was left out, from the
    end, to keep to the length asked for.
    """

    scope: str
    session_id: str | None
    handoff: dict[str, Any] | None
    current: TaskRef | None
    claims: list[TaskRef]
    next: list[TaskRef]
    blocked: list[TaskRef]
    others: list[SessionLine]
    totals: dict[str, int]
    truncated: bool
