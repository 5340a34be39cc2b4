"""What a message answers, kept where that is gone; indexes for what an agent has yet to do."""

from __future__ import annotations

from cleo_core.migrate import execute

revision = "conduit_0003"
down_revision = "conduit_0002"
branch_labels = None
depends_on = None

_UUID = (
    "in_reply_to GLOB '????????-????-????-????-????????????' "
    "AND in_reply_to NOT GLOB '*[^0-9a-f-]*'"
)


def upgrade() -> None:
    execute(
        "ALTER TABLE messages ADD COLUMN in_reply_to TEXT "
        f"CONSTRAINT ck_messages_in_reply_to CHECK ({_UUID})"
    )
    execute("UPDATE messages SET in_reply_to = reply_to WHERE reply_to IS NOT NULL")
    execute(
        "ALTER TABLE receipts ADD COLUMN ack_required INTEGER DEFAULT 0 NOT NULL "
        "CONSTRAINT ck_receipts_ack_required CHECK (ack_required IN (0, 1))"
    )
    execute(
        "UPDATE receipts SET ack_required = 1 WHERE role = 'to' AND message_seq IN "
        "(SELECT seq FROM messages WHERE ack_required = 1)"
    )
    execute("DROP INDEX ix_receipts_reported_state")
    execute("DROP INDEX ix_participants_agent_id")
    execute("CREATE INDEX ix_participants_agent_id ON participants (agent_id)")
    execute("CREATE INDEX ix_receipts_agent_id ON receipts (agent_id, message_seq)")
    execute(
        "CREATE INDEX ix_receipts_unacknowledged ON receipts (agent_id, message_seq) "
        "WHERE ack_required = 1 AND state NOT IN ('acked', 'rejected', 'expired', 'dead')"
    )
    execute(
        "CREATE INDEX ix_receipts_unreported ON receipts (agent_id, message_seq) "
        "WHERE reported_state <> state"
    )
    execute(
        "CREATE INDEX ix_receipts_away ON receipts (message_seq) WHERE route <> 'local' "
        "AND (state = 'relayed' OR (ack_required = 1 AND state IN ('delivered', 'read')))"
    )
    execute("UPDATE conduit_meta SET value = 'conduit_0003' WHERE key = 'schema_version'")


def downgrade() -> None:
    raise NotImplementedError(
        "migrations only go forward: to return to an earlier schema, restore a snapshot of the file"
    )
