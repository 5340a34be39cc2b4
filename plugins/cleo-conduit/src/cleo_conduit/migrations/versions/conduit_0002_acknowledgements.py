"""An index of the messages that ask for an acknowledgement, by when it is due."""

from __future__ import annotations

from cleo_core.migrate import execute

revision = "conduit_0002"
down_revision = "conduit_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute("CREATE INDEX ix_messages_ack_due_at ON messages (ack_due_at) WHERE ack_required = 1")
    execute("UPDATE conduit_meta SET value = 'conduit_0002' WHERE key = 'schema_version'")


def downgrade() -> None:
    raise NotImplementedError(
        "migrations only go forward: to return to an earlier schema, restore a snapshot of the file"
    )
