"""Removing what is no longer needed."""

from __future__ import annotations

JOBS = (
    "DELETE FROM delivery_jobs WHERE id IN (SELECT id FROM delivery_jobs "
    "WHERE state IN ('done', 'dead', 'cancelled', 'expired') AND finished_at <= :before "
    "ORDER BY finished_at LIMIT :limit)"
)
KEYS = (
    "DELETE FROM idempotency_keys WHERE (actor, verb, key) IN (SELECT actor, verb, key "
    "FROM idempotency_keys WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit)"
)
MESSAGES = (
    "SELECT m.seq, m.id, m.conversation_id FROM messages AS m WHERE m.created_at <= :before "
    "AND NOT EXISTS (SELECT 1 FROM receipts AS r WHERE r.message_seq = m.seq "
    "AND r.state IN ('pending', 'relayed', 'delivered')) "
    "AND NOT EXISTS (SELECT 1 FROM receipts AS r WHERE r.message_seq = m.seq "
    "AND m.ack_required = 1 AND r.role = 'to' AND r.state = 'read') "
    "AND NOT EXISTS (SELECT 1 FROM message_pins AS p WHERE p.message_seq = m.seq) "
    "AND NOT EXISTS (SELECT 1 FROM delivery_jobs AS j WHERE j.message_seq = m.seq "
    "AND j.state IN ('pending', 'leased', 'parked')) ORDER BY m.seq LIMIT :limit"
)
DELETE_MESSAGE = "DELETE FROM messages WHERE seq = :seq"
RECOUNT = (
    "UPDATE conversations SET message_count = (SELECT count(*) FROM messages AS m "
    "WHERE m.conversation_id = conversations.id), last_seq = (SELECT max(m.seq) "
    "FROM messages AS m WHERE m.conversation_id = conversations.id), last_message_at = "
    "(SELECT max(m.created_at) FROM messages AS m WHERE m.conversation_id = conversations.id), "
    "updated_at = :now WHERE id = :id"
)
REINDEX = "INSERT INTO messages_fts (messages_fts) VALUES ('rebuild')"
