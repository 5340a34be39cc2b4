"""Rows as the records that services return."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cleo_conduit.records.messages import Claimed, Conversation, Message, ReceiptLine

if TYPE_CHECKING:
    from cleo_core.database import Row


def as_message(row: Row) -> Message:
    """A message with the state of its reader's receipt."""
    return Message(**_message(row))


def as_claimed(row: Row, until: str, *, delivered: bool) -> Claimed:
    """A message that is handed over now.

    :param delivered: its recipient takes delivery with that.
    """
    claims = row["claims"]
    values = _message({**row, "state": "delivered"} if delivered else row)
    return Claimed(
        **values,
        claim_until=None if delivered else until,
        claims=claims + 1,
        redelivered=claims > 0,
    )


def _message(row: Row) -> dict[str, Any]:
    payload = row["payload"]
    return {
        "id": row["id"],
        "seq": row["seq"],
        "from_": row["from_agent_id"],
        "verified": bool(row["verified"]),
        "conversation_id": row["conversation_id"],
        "thread_id": row["thread_id"],
        "reply_to": row["reply_to"],
        "kind": row["kind"],
        "importance": row["importance"],
        "subject": row["subject"],
        "content": row["content"],
        "content_type": row["content_type"],
        "attachments": json.loads(row["attachments"]),
        "metadata": json.loads(row["metadata"]),
        "payload": None if payload is None else json.loads(payload),
        "ack_required": bool(row["ack_required"]),
        "ack_due_at": row["ack_due_at"],
        "state": row["state"],
        "created_at": row["created_at"],
    }


def as_receipt(row: Row) -> ReceiptLine:
    """What became of a message for one recipient."""
    names = ("agent_id", "role", "route", "state", "delivered_at", "read_at", "acked_at")
    return ReceiptLine(**{name: row[name] for name in (*names, "closed_at", "reason")})


def as_conversation(row: Row, participants: list[str]) -> Conversation:
    """A conversation with those who take part now."""
    names = (
        *("id", "kind", "visibility", "topic", "title", "epic_id", "wave", "message_count"),
        *("last_seq", "last_message_at", "archived_at", "created_by", "created_at"),
    )
    return Conversation(participants=participants, **{name: row[name] for name in names})
