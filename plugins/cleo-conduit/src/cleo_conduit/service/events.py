"""A message as it travels: everything that storing it elsewhere needs, and nothing secret."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cleo_conduit.service.bodies import body_hash


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
    payload = None if row["payload"] is None else json.loads(row["payload"])
    attachments, metadata = json.loads(row["attachments"]), json.loads(row["metadata"])
    hash_ = body_hash(
        sender=row["from_agent_id"],
        subject=row["subject"],
        content=row["content"],
        content_type=row["content_type"],
        kind=row["kind"],
        importance=row["importance"],
        ack_required=bool(row["ack_required"]),
        attachments=attachments,
        payload=payload,
        metadata=metadata,
        reply_to=row["in_reply_to"],
        expires_at=row["expires_at"],
    )
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
        "replyTo": row["in_reply_to"],
        "kind": row["kind"],
        "importance": row["importance"],
        "subject": row["subject"],
        "content": row["content"],
        "contentType": row["content_type"],
        "attachments": attachments,
        "metadata": metadata,
        "payload": payload,
        "ackRequired": bool(row["ack_required"]),
        "ackDueAt": row["ack_due_at"],
        "expiresAt": row["expires_at"],
        # What was taken out, and what a file of before lost, has another hash than what was sent.
        "bodyHash": hash_ if hash_ == row["body_hash"] else None,
        "redactedAt": row["redacted_at"],
        "createdAt": row["created_at"],
    }
    if recipient is not None:
        event["recipient"] = recipient
        event["idempotencyKey"] = f"{row['id']}:{recipient}"
    return event
