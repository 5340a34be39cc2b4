"""Jobs and dead letters."""

from __future__ import annotations

from typing import Any, ClassVar

from cleo_core.api import Declared
from cleo_core.api.records import record


@record
class Job(Declared):
    """A message that is to be carried to a recipient elsewhere.

    ``parked_for``: what it waits for: offline, auth, breaker or transport.
    """

    id: str
    message_id: str
    sender: str
    recipient: str
    transport: str
    state: str
    parked_for: str | None
    attempts: int
    max_attempts: int
    next_attempt_at: str
    last_error: str | None
    last_status: int | None
    created_at: str
    finished_at: str | None


@record
class Letter(Declared):
    """What could not be delivered. ``payload`` and ``history`` only where one is shown alone."""

    OPTIONAL: ClassVar[tuple[str, ...]] = ("payload", "history")

    id: str
    job_id: str | None
    message_id: str
    recipient: str
    transport: str
    reason: str
    last_error: str | None
    last_status: int | None
    attempts: int
    replays: int
    replay_job_id: str | None
    replayed_at: str | None
    created_at: str
    payload: dict[str, Any] | None = None
    history: list[dict[str, Any]] | None = None


@record
class Replay(Declared):
    """A dead letter that is sent again; ``job_id`` is None where the recipient is here.

    ``sent`` is false where the recipient has the message already, and where it cannot be sent:
    ``error`` says why then.
    """

    OPTIONAL: ClassVar[tuple[str, ...]] = ("error",)

    letter_id: str
    message_id: str
    seq: int | None
    recipient: str
    job_id: str | None
    sent: bool
    error: dict[str, Any] | None = None


@record
class Purged(Declared):
    """Dead letters that were deleted."""

    deleted: list[str]
