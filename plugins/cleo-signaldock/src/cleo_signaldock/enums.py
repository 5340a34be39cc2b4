"""The words of the store's enums, declared once; CHECKs, options and docs are made of them."""

from __future__ import annotations

CLASS = (
    "personal_assistant",
    "code_dev",
    "research",
    "orchestrator",
    "security",
    "devops",
    "data",
    "creative",
    "support",
    "testing",
    "documentation",
    "utility_bot",
    "custom",
)
PRIVACY_TIER = ("public", "discoverable", "private")
PRESENCE = ("online", "offline", "busy", "away")
TRANSPORT = ("local", "http", "sse", "websocket")
REAUTH_REASON = ("salt_lost", "key_lost", "decrypt_failed", "rejected", "migrated")
WEBHOOK_STATE = ("off", "on", "paused")
TIER = ("project", "global", "packaged", "fallback")
INSTALLED_FROM = ("seed", "user", "manual")
SKILL_SOURCE = ("cant", "manual", "computed")
STREAM_TRANSPORT = ("sse", "websocket")

USER_ROLE = ("user", "admin")
MEMBER_ROLE = ("owner", "admin", "member")
VERIFICATION = ("verify_email", "reset_password", "invite")

RELAY_KIND = ("dm", "group")
VISIBILITY = ("private", "shared", "public")
PARTICIPANT_ROLE = ("owner", "member", "observer")
CONTENT_TYPE = ("text", "image", "file", "video", "audio", "link", "rich_text", "mixed")
MESSAGE_KIND = ("message", "request", "notify", "bounce", "lifecycle")
IMPORTANCE = ("low", "normal", "high", "urgent")
RECEIPT_ROLE = ("to", "cc")
RECEIPT_STATE = (
    "pending",
    "relayed",
    "delivered",
    "read",
    "acked",
    "rejected",
    "expired",
    "dead",
)
JOB_STATE = ("pending", "leased", "parked", "done", "dead", "cancelled", "expired")
PARKED_FOR = ("offline", "auth", "breaker", "transport")
DEAD_REASON = ("max_attempts", "permanent", "undecodable", "expired", "recipient_removed")

SYNC_OP = ("upsert", "delete")
OUTBOX_STATE = ("pending", "leased", "done", "conflict", "refused")
