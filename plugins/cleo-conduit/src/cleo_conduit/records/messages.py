"""Messages, conversations and what becomes of them."""

from __future__ import annotations

from typing import Any, ClassVar

from cleo_core.api import Declared
from cleo_core.api.records import record


@record
class Message(Declared):
    """A message as its reader sees it.

    ``from_``: who sent it; ``verified``: it proved who it is. ``state``: of the reader's receipt,
    None where the reader has none. ``attachments``, ``metadata`` and ``payload`` are JSON values.
    """

    id: str
    seq: int
    from_: str
    verified: bool
    conversation_id: str
    thread_id: str
    reply_to: str | None
    kind: str
    importance: str
    subject: str | None
    content: str
    content_type: str
    attachments: list[dict[str, Any]]
    metadata: dict[str, Any]
    payload: Any
    ack_required: bool
    ack_due_at: str | None
    state: str | None
    created_at: str


@record
class Recipient(Declared):
    """What became of a message for one of its recipients when the verb returned.

    ``route``: the transport; ``job_id``, ``parked_for`` and ``error``: of its delivery job.
    """

    OPTIONAL: ClassVar[tuple[str, ...]] = ("job_id", "parked_for", "error")

    agent_id: str
    role: str
    route: str
    state: str
    job_id: str | None = None
    parked_for: str | None = None
    error: str | None = None


@record
class Skipped(Declared):
    """An agent that a message to many did not go to, and why.

    ``reason``: disabled, unknown, inbox_full, or too_many beyond five hundred.
    """

    agent_id: str
    reason: str


@record
class Sent(Declared):
    """A message that was sent."""

    id: str
    seq: int
    conversation_id: str
    thread_id: str
    verified: bool
    recipients: list[Recipient]
    skipped: list[Skipped]


@record
class Inbox(Declared):
    """Messages for a reader. ``next_after``: the cursor for the next page.

    ``unread`` and ``needs_ack`` count all of the reader's, whatever was asked for. ``has_more``:
    there is a next page now.
    """

    messages: list[Message]
    next_after: int
    has_more: bool
    unread: int
    needs_ack: int


@record
class Claimed(Message):
    """A message that was handed over, until ``claim_until`` to this consumer alone; None
    where its recipient has taken delivery.

    ``claims``: how often it was handed over; ``redelivered``: more than once.
    """

    claim_until: str | None
    claims: int
    redelivered: bool


@record
class Polled(Declared):
    """What was handed over, and how many earlier ones were confirmed."""

    messages: list[Claimed]
    confirmed: int
    next_after: int


@record
class Confirmation(Declared):
    """What became of ids that a recipient confirmed.

    ``not_yours``: messages that it is no recipient of; ``unknown``: ids of no message.
    """

    OPTIONAL: ClassVar[tuple[str, ...]] = ("messages",)

    changed: list[str]
    unchanged: list[str]
    not_yours: list[str]
    unknown: list[str]
    messages: list[Message] | None = None


@record
class ReceiptLine(Declared):
    """What became of a message for one recipient."""

    agent_id: str
    role: str
    route: str
    state: str
    delivered_at: str | None
    read_at: str | None
    acked_at: str | None
    closed_at: str | None
    reason: str | None


@record
class Overdue(Declared):
    """A recipient that was to acknowledge a message by ``due_at`` and has not."""

    id: str
    seq: int
    from_: str
    agent_id: str
    state: str
    due_at: str
    escalated_at: str | None
    subject: str | None


@record
class Conversation(Declared):
    """A conversation as a reader sees it. ``participants``: those who take part now."""

    id: str
    kind: str
    visibility: str
    topic: str | None
    title: str | None
    epic_id: str | None
    wave: int | None
    participants: list[str]
    message_count: int
    last_seq: int | None
    last_message_at: str | None
    archived_at: str | None
    created_by: str
    created_at: str


@record
class Shown(Declared):
    """A message with what became of it for everybody."""

    message: Message
    receipts: list[ReceiptLine]


@record
class Reading(Declared):
    """Messages of a conversation or a thread. ``next_after``: the cursor for the next page.

    ``has_more``: there is a next page now.
    """

    conversation: Conversation | None
    messages: list[Message]
    next_after: int
    has_more: bool


@record
class Hit(Declared):
    """A message that a search found. ``score``: the higher the better, 0 by LIKE."""

    id: str
    seq: int
    from_: str
    conversation_id: str
    subject: str | None
    snippet: str
    score: float
    created_at: str


@record
class Hits(Declared):
    """What a search found, and by which ``arm``: ``fts`` or ``like``."""

    arm: str
    hits: list[Hit]
