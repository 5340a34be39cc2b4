"""An agent at work as services return it: typed records, as in :mod:`cleo_tasks.records`."""

from __future__ import annotations

from typing import Any, ClassVar

from cleo_core.api import Declared
from cleo_core.api.records import record


@record
class Instance(Declared):
    """One running, or once running, instance of an agent.

    ``live``: it has not ended, and its last heartbeat is younger than
    ``tasks.agents.stale_seconds``. ``accepted``: whether a heartbeat was, which it is not from an
    instance that has ended. ``changed``: whether the command ended it. ``heartbeat_seconds``: how
    often it should report, ``stale_seconds``: after which silence it counts as crashed.
    """

    id: str
    agent_id: str | None
    agent_type: str
    status: str
    session_id: str | None
    task_id: str | None
    parent_instance_id: str | None
    host: str | None
    pid: int | None
    started_at: str
    last_heartbeat_at: str
    stopped_at: str | None
    error_count: int
    total_tasks_completed: int
    last_error: str | None
    last_error_kind: str | None
    capacity: float
    metadata: dict[str, Any]
    live: bool
    accepted: bool | None = None
    changed: bool | None = None
    heartbeat_seconds: int | None = None
    stale_seconds: int | None = None

    OPTIONAL: ClassVar[tuple[str, ...]] = (
        *("accepted", "changed", "heartbeat_seconds", "stale_seconds"),
    )


@record
class Reaped(Declared):
    """Instances that are now crashed, and the ids of the tasks whose claims were freed."""

    crashed: list[Instance]
    released: list[str]


@record
class CachedAgent(Declared):
    """What may be shown of an agent whose credential is cached here."""

    agent_id: str
    display_name: str
    is_active: bool
    last_used_at: str | None
    source_updated_at: str
