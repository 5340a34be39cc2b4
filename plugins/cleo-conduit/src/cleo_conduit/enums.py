"""The words of the store's enums, declared once; CHECKs, options and documents are made of them."""

from __future__ import annotations

CONVERSATION_KIND = ("dm", "group", "topic")
VISIBILITY = ("private", "shared", "public")
PARTICIPANT_ROLE = ("owner", "member", "observer")

CONTENT_TYPE = ("text", "image", "file", "video", "audio", "link", "rich_text", "mixed")
MESSAGE_KIND = ("message", "request", "notify", "bounce", "lifecycle")
IMPORTANCE = ("low", "normal", "high", "urgent")

RECEIPT_ROLE = ("to", "cc", "topic", "broadcast")
RECEIPT_STATE = (
    *("pending", "relayed", "delivered", "read"),
    *("acked", "rejected", "expired", "dead"),
)
#: States of a receipt whose recipient has yet to read.
RECEIPT_OPEN = ("pending", "relayed", "delivered")
#: States in which nobody waits for an acknowledgement any more.
RECEIPT_CLOSED = ("acked", "rejected", "expired", "dead")

JOB_STATE = ("pending", "leased", "parked", "done", "dead", "cancelled", "expired")
#: States of a job that is still to be done.
JOB_OPEN = ("pending", "leased", "parked")
PARKED_FOR = ("offline", "auth", "breaker", "transport")
DEAD_REASON = ("max_attempts", "permanent", "undecodable", "expired", "recipient_removed")

DOCUMENT_FORMAT = ("text", "markdown", "json", "code", "diff", "binary")
DOCUMENT_MODE = ("draft", "review", "locked", "archived")
BLOB_CODEC = ("raw", "zlib")
CHANGE_TYPE = ("initial", "patch", "full_replace")
APPROVAL_STATUS = ("pending", "approved", "rejected")

LEASE_NAMESPACE = ("file", "tool", "resource")
LEASE_MODE = ("exclusive", "shared")
LEASE_RELEASE = ("released", "expired", "broken")
