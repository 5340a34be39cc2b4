"""A session as services return it: typed records, as in :mod:`cleo_tasks.records`."""

from __future__ import annotations

from typing import Any, ClassVar

from cleo_core.api import Declared
from cleo_core.api.records import record


@record
class Focus(Declared):
    """A task that a session worked on; ``cleared_at`` is None while it does."""

    task_id: str
    set_at: str
    cleared_at: str | None


@record
class Session(Declared):
    """One session, whole.

    ``created``: this very command made it; ``adopted``: it was implicit until now;
    ``successor_of``: the ended session that it goes on from; ``consumed``: the handoff that it took
    over; ``backup``: the set that its end asked for; ``work``: what was in focus and from when to
    when, newest last.
    """

    id: str
    name: str
    status: str
    scope_kind: str
    scope_task_id: str | None
    agent_id: str | None
    origin: str
    current_task_id: str | None
    task_started_at: str | None
    notes: list[dict[str, Any]]
    next_action: str | None
    handoff: dict[str, Any] | None
    handoff_consumed_at: str | None
    handoff_consumed_by: str | None
    previous_session_id: str | None
    resume_count: int
    suspend_reason: str | None
    started_at: str
    last_activity_at: str
    ended_at: str | None
    version: int
    created: bool | None = None
    adopted: bool | None = None
    successor_of: str | None = None
    consumed: dict[str, Any] | None = None
    backup: str | None = None
    work: list[Focus] | None = None

    OPTIONAL: ClassVar[tuple[str, ...]] = (
        *("created", "adopted", "successor_of", "consumed", "backup", "work"),
    )


@record
class SessionLine(Declared):
    """One session in a list."""

    id: str
    name: str
    status: str
    scope: str
    agent_id: str | None
    current_task_id: str | None
    started_at: str
    last_activity_at: str
    ended_at: str | None
    version: int
