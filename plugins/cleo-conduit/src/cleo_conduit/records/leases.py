"""Leases on files and other things."""

from __future__ import annotations

from cleo_core.api import Declared
from cleo_core.api.records import record


@record
class Lease(Declared):
    """That an agent has told the others to keep their hands off something.

    ``pattern``: a glob relative to the project's root, or ``tool://`` or ``resource://`` and a
    name. ``fence``: a number that rises with every lease of the project. ``release_kind``: how it
    ended, where it did; one whose ``expires_at`` is over holds nobody off, ended or not.
    """

    id: str
    agent_id: str
    pattern: str
    namespace: str
    mode: str
    reason: str | None
    task_id: str | None
    fence: int
    acquired_at: str
    renewed_at: str
    expires_at: str
    released_at: str | None
    release_kind: str | None
    broken_by: str | None


@record
class LeaseConflict(Declared):
    """What stands in the way of a pattern, or of a path: another agent's lease."""

    pattern: str
    with_: Lease


@record
class LeaseGrant(Declared):
    """What was granted, new and renewed; ``conflicts``: what was not, and why."""

    granted: list[Lease]
    conflicts: list[LeaseConflict]


@record
class LeaseChange(Declared):
    """What became of leases. ``changed``: whether any of them is not as it was before."""

    changed: bool
    leases: list[Lease]


@record
class LeaseCheck(Declared):
    """What was looked at and found free; ``conflicts`` is empty, as others raise an error."""

    checked: list[str]
    conflicts: list[LeaseConflict]
