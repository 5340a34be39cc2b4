"""The server's mailboxes; they stay empty in the machine's own registry."""

from __future__ import annotations

from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint

from cleo_core.columns import (
    agent,
    at,
    boolean,
    check,
    index,
    integer,
    json_list,
    json_object,
    json_value,
    one_of,
    required,
    text,
    uuid,
)
from cleo_signaldock.enums import (
    CONTENT_TYPE,
    DEAD_REASON,
    IMPORTANCE,
    JOB_STATE,
    MESSAGE_KIND,
    PARKED_FOR,
    PARTICIPANT_ROLE,
    RECEIPT_ROLE,
    RECEIPT_STATE,
    RELAY_KIND,
    VISIBILITY,
)
from cleo_signaldock.schema.tables import of_agent, of_row, table

relay_inboxes = table(
    "relay_inboxes",
    of_agent(primary_key=True),
    integer("last_seq", "last_seq >= 0", default=0),
    integer("sent", "sent >= 0", default=0),
    integer("received", "received >= 0", default=0),
)

relay_conversations = table(
    "relay_conversations",
    uuid("id", primary_key=True),
    one_of("kind", RELAY_KIND),
    text("dm_key", unique=True),
    one_of("visibility", VISIBILITY, "private"),
    text("title"),
    agent("created_by"),
    integer("last_seq", "last_seq >= 0", default=0),
    integer("message_count", "message_count >= 0", default=0),
    at("last_message_at"),
    at("created_at", nullable=False),
    at("updated_at", nullable=False),
    check("dm", "(kind = 'dm') = (dm_key IS NOT NULL)"),
)

relay_participants = table(
    "relay_participants",
    of_row("conversation_id", "relay_conversations"),
    agent("agent_id"),
    one_of("role", PARTICIPANT_ROLE, "member"),
    integer("joined_seq", "joined_seq >= 0", default=0),
    integer("left_seq", "left_seq >= 0", nullable=True),
    at("joined_at", nullable=False),
    at("left_at"),
    PrimaryKeyConstraint("conversation_id", "agent_id"),
    index("agent_id"),
)

relay_messages = table(
    "relay_messages",
    of_row("conversation_id", "relay_conversations"),
    integer("seq", "seq >= 1"),
    uuid("id", unique=True),
    agent("from_agent_id"),
    text("subject", "length(subject) <= 200"),
    required("content", "length(CAST(content AS BLOB)) <= 65536"),
    one_of("content_type", CONTENT_TYPE, "text"),
    one_of("kind", MESSAGE_KIND, "message"),
    one_of("importance", IMPORTANCE, "normal"),
    boolean("ack_required"),
    at("ack_due_at"),
    json_list("attachments"),
    json_value("payload", nullable=True),
    json_object("metadata"),
    uuid("reply_to", nullable=True),
    uuid("thread_id"),
    at("expires_at"),
    required("body_hash"),
    at("created_at", nullable=False),
    json_object("addressed"),
    PrimaryKeyConstraint("conversation_id", "seq"),
    index("from_agent_id", "created_at"),
)

relay_receipts = table(
    "relay_receipts",
    agent("agent_id"),
    integer("seq", "seq >= 1"),
    uuid("message_id"),
    uuid("conversation_id"),
    one_of("role", RECEIPT_ROLE),
    one_of("state", RECEIPT_STATE, "pending"),
    text("claim_owner"),
    at("claim_until"),
    at("delivered_at"),
    at("read_at"),
    at("acked_at"),
    at("closed_at"),
    text("reason"),
    PrimaryKeyConstraint("agent_id", "seq"),
    UniqueConstraint("agent_id", "message_id"),
    index("message_id"),
    index(
        "agent_id",
        "seq",
        name="ix_relay_receipts_open",
        where="state IN ('pending', 'relayed', 'delivered')",
    ),
)

relay_jobs = table(
    "relay_jobs",
    uuid("id", primary_key=True),
    uuid("message_id"),
    agent("agent_id"),
    json_value("payload"),
    one_of("state", JOB_STATE, "pending"),
    integer("attempts", "attempts >= 0", default=0),
    integer("max_attempts", "max_attempts >= 1", default=6),
    at("next_attempt_at", nullable=False),
    text("lease_owner"),
    at("lease_until"),
    integer("fence", "fence >= 0", default=0),
    one_of("parked_for", PARKED_FOR, nullable=True),
    text("last_error", "length(last_error) <= 1000"),
    integer("last_status", nullable=True),
    json_list("history"),
    at("finished_at"),
    at("created_at", nullable=False),
    at("updated_at", nullable=False),
    UniqueConstraint("message_id", "agent_id"),
    check(
        "lease",
        "(state = 'leased') = (lease_owner IS NOT NULL) "
        "AND (state = 'leased') = (lease_until IS NOT NULL)",
    ),
    check("parked", "(state = 'parked') = (parked_for IS NOT NULL)"),
    index(
        "state",
        "next_attempt_at",
        name="ix_relay_jobs_due",
        where="state IN ('pending', 'leased', 'parked')",
    ),
)

relay_dead_letters = table(
    "relay_dead_letters",
    uuid("id", primary_key=True),
    uuid("job_id", nullable=True),
    uuid("message_id"),
    agent("recipient"),
    required("transport"),
    json_value("payload"),
    one_of("reason", DEAD_REASON),
    text("last_error"),
    integer("last_status", nullable=True),
    integer("attempts", "attempts >= 0"),
    json_list("history"),
    integer("replays", "replays >= 0", default=0),
    uuid("replay_job_id", nullable=True),
    at("replayed_at"),
    at("created_at", nullable=False),
    index("message_id"),
    index("created_at", name="ix_relay_dead_letters_waiting", where="replayed_at IS NULL"),
)

relay_pins = table(
    "relay_pins",
    agent("agent_id"),
    uuid("message_id"),
    uuid("conversation_id"),
    text("note"),
    at("created_at", nullable=False),
    PrimaryKeyConstraint("agent_id", "message_id"),
)
