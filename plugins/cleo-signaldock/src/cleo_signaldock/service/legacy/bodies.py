"""What a message of the older file says, as today's columns."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cleo_signaldock.enums import CONTENT_TYPE
from cleo_signaldock.service.legacy import values
from cleo_signaldock.service.legacy.source import Row

#: Bytes of a message's text at most; what is longer stands whole in ``metadata.legacy``.
_LONGEST = 65_536
_MESSAGE = (
    *("id", "conversation_id", "from_agent_id", "to_agent_id", "content", "content_type"),
    *("status", "attachments", "group_id", "metadata", "reply_to", "created_at"),
    *("delivered_at", "read_at", "acked_at"),
)


def converted(
    id_: str, rows: list[tuple[str, Row]], answered: str | None
) -> tuple[dict[str, Any], list[str]]:
    """Columns of the message that rows are one of.

    :param rows: key and row; the first is the message, all are its copies.
    :param answered: the message that it answers, where that is there.
    :returns: the columns that say what it is, and the row's columns that are left out as secrets.
    """
    key, row = rows[0]
    legacy, secret = values.rest(row, _MESSAGE)
    group = values.word(row.get("group_id"))
    if group is not None:
        legacy["groupId"] = group
    if group is not None or key != id_:
        legacy["ids"] = [one for one, _ in rows]
    content = values.text(row.get("content")) or ""
    if len(content.encode()) > _LONGEST:
        legacy["content"] = content
        content = content.encode()[:_LONGEST].decode("utf-8", "ignore")
    type_ = values.one_of(row.get("content_type"), CONTENT_TYPE)
    if type_ is None and values.word(row.get("content_type")):
        legacy["content_type"] = values.text(row["content_type"])
    attached = values.listed(row.get("attachments"))
    if attached is None and values.word(row.get("attachments")):
        legacy["attachments"] = values.text(row["attachments"])
    metadata = values.mapping(row.get("metadata"))
    if metadata is None and values.word(row.get("metadata")):
        legacy["metadata"] = values.text(row["metadata"])
    if answered is None and values.word(row.get("reply_to")):
        legacy["reply_to"] = values.text(row["reply_to"])
    return {
        "id": id_,
        "content": content,
        "content_type": type_ or "text",
        "attachments": values.as_json(
            [{"slug": one} if isinstance(one, str) else one for one in attached or []]
        ),
        "metadata": values.with_legacy(metadata, legacy),
        "reply_to": answered,
    }, secret


def root(id_: str, answers: Mapping[str, str | None]) -> str:
    """The message that a thread began with; a circle of answers begins anywhere."""
    seen = {id_}
    while (above := answers.get(id_)) is not None and above not in seen:
        seen.add(above)
        id_ = above
    return id_


def body_hash(row: Mapping[str, Any]) -> str:
    """SHA-256 of what a message says, as canonical JSON."""
    body = {
        "from": row["from_agent_id"],
        "subject": None,
        "content": row["content"],
        "contentType": row["content_type"],
        "kind": "message",
        "importance": "normal",
        "ackRequired": False,
        "attachments": json.loads(row["attachments"]),
        "payload": None,
        "metadata": json.loads(row["metadata"]),
        "replyTo": row["reply_to"],
        "expiresAt": None,
    }
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
