"""Pins, redactions, tokens, subscriptions, and what pruning removed."""

from __future__ import annotations

from dataclasses import field

from cleo_core.api import Declared
from cleo_core.api.records import record


@record
class Pin(Declared):
    """A message that somebody pinned."""

    id: str
    message_id: str
    seq: int
    conversation_id: str
    pinned_by: str
    note: str | None
    subject: str | None
    content: str
    created_at: str


@record
class PinChange(Declared):
    """What became of a pin."""

    id: str
    changed: bool


@record
class Redacted(Declared):
    """What became of a message whose text was taken out."""

    id: str
    changed: bool
    redacted_at: str


@record
class Token(Declared):
    """A token that was made, in clear this one time. ``agent_id``: whose it is."""

    agent_id: str
    token: str = field(repr=False)
    variable: str


@record
class Subscription(Declared):
    """A subscriber's place in a topic.

    ``complete``: of what was published before, nothing that was asked for had no room.
    """

    topic: str
    conversation_id: str
    agent_id: str
    changed: bool
    joined_seq: int
    filter: dict[str, list[str]] | None
    complete: bool = True


@record
class Pruned(Declared):
    """How much was removed, by what it was; ``due``: what expired or was overdue."""

    due: int
    jobs: int
    leases: int
    idempotency_keys: int
    messages: int
    documents: int
    blobs: int
