"""A message as it travels: everything that storing it elsewhere needs, and nothing secret."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


def event_of(
    row: Mapping[str, Any],
    conversation_kind: str,
    to: Sequence[str],
    cc: Sequence[str],
    *,
    topic: str | None = None,
    recipient: str | None = None,
) -> dict[str, Any]:
    """A message's row as an event.

    :param recipient: whom this copy is for, where it is for one.
    """
    payload = row["payload"]
    event = {
        "id": row["id"],
        "from": row["from_agent_id"],
        "verified": bool(row["verified"]),
        "to": list(to),
        "cc": list(cc),
        "conversationId": row["conversation_id"],
        "conversationKind": conversation_kind,
        "topic": topic,
        "threadId": row["thread_id"],
        "replyTo": row["reply_to"],
        "kind": row["kind"],
        "importance": row["importance"],
        "subject": row["subject"],
        "content": row["content"],
        "contentType": row["content_type"],
        "attachments": json.loads(row["attachments"]),
        "metadata": json.loads(row["metadata"]),
        "payload": None if payload is None else json.loads(payload),
        "ackRequired": bool(row["ack_required"]),
        "ackDueAt": row["ack_due_at"],
        "expiresAt": row["expires_at"],
        # What was taken out has another hash than what was sent.
        "bodyHash": None if row["redacted_at"] is not None else row["body_hash"],
        "createdAt": row["created_at"],
    }
    if recipient is not None:
        event["recipient"] = recipient
        event["idempotencyKey"] = f"{row['id']}:{recipient}"
    return event
