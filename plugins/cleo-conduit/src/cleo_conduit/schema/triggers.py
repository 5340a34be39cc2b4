"""What SQLAlchemy cannot declare: a view, the full-text table and its triggers, in this order."""

from __future__ import annotations

from cleo_conduit.enums import RECEIPT_CLOSED
from cleo_core.columns import quoted

#: The searched columns of a message.
SEARCHED = ("subject", "content", "from_agent_id")

_COLUMNS = ", ".join(SEARCHED)
_NEW = ", ".join(f"new.{name}" for name in SEARCHED)
_OLD = ", ".join(f"old.{name}" for name in SEARCHED)
_FORGET = f"""\
    INSERT INTO messages_fts (messages_fts, rowid, {_COLUMNS})
    VALUES ('delete', old.seq, {_OLD});"""
_LEARN = f"""\
    INSERT INTO messages_fts (rowid, {_COLUMNS})
    VALUES (new.seq, {_NEW});"""

extra_ddl: tuple[str, ...] = (
    f"""\
CREATE VIEW ack_waiting AS
SELECT
    m.seq AS seq,
    m.id AS id,
    m.from_agent_id AS from_agent_id,
    r.agent_id AS agent_id,
    r.state AS state,
    m.ack_due_at AS ack_due_at
FROM receipts AS r
JOIN messages AS m ON m.seq = r.message_seq
WHERE m.ack_required = 1
    AND r.role = 'to'
    AND r.state NOT IN ({quoted(RECEIPT_CLOSED)})""",
    f"""\
CREATE VIRTUAL TABLE messages_fts USING fts5(
    {_COLUMNS},
    content = 'messages',
    content_rowid = 'seq',
    tokenize = 'unicode61 remove_diacritics 2'
)""",
    f"""\
CREATE TRIGGER messages_fts_insert AFTER INSERT ON messages
BEGIN
{_LEARN}
END""",
    f"""\
CREATE TRIGGER messages_fts_update AFTER UPDATE OF {_COLUMNS} ON messages
BEGIN
{_FORGET}
{_LEARN}
END""",
    f"""\
CREATE TRIGGER messages_fts_delete AFTER DELETE ON messages
BEGIN
{_FORGET}
END""",
)
