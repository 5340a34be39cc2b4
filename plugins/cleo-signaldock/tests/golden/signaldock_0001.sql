INSERT INTO idempotency_keys (verb, key, body_hash, result, created_at, expires_at)
VALUES ('verb', 'key', 'body_hash', '{}', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z');
INSERT INTO legacy_rows (run_id, table_name, row_key)
VALUES ('019b76da-a800-7000-8000-000000000050', 'agents', 'bob');
INSERT INTO rate_windows (bucket, hits, window_start)
VALUES ('sign-in:ann', 1, '2026-01-01T00:00:00.000Z');
INSERT INTO relay_conversations (id, kind, dm_key, created_by, last_seq, message_count, created_at, updated_at)
VALUES ('019b76da-a800-7000-8000-000000000030', 'dm', 'ann|bob', 'bob', 1, 1, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z');
INSERT INTO relay_dead_letters (id, message_id, recipient, transport, payload, reason, attempts, created_at)
VALUES ('019b76da-a800-7000-8000-000000000060', '019b76da-a800-7000-8000-000000000031', 'ann', 'transport', '{}', 'permanent', 1, '2026-01-01T00:00:00.000Z');
INSERT INTO relay_jobs (id, message_id, agent_id, payload, next_attempt_at, created_at, updated_at)
VALUES ('019b76da-a800-7000-8000-000000000032', '019b76da-a800-7000-8000-000000000031', 'ann', '{}', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z');
INSERT INTO relay_pins (agent_id, message_id, conversation_id, created_at)
VALUES ('ann', '019b76da-a800-7000-8000-000000000031', '019b76da-a800-7000-8000-000000000030', '2026-01-01T00:00:00.000Z');
INSERT INTO relay_receipts (agent_id, seq, message_id, conversation_id, role)
VALUES ('ann', 1, '019b76da-a800-7000-8000-000000000031', '019b76da-a800-7000-8000-000000000030', 'to');
INSERT INTO signaldock_audit (actor, action, subject_kind, subject_id, at)
VALUES ('owner', 'agent.register', 'agent', 'ann', '2026-01-01T00:00:00.000Z');
INSERT INTO signaldock_meta (key, value)
VALUES ('legacy:019b76da-a800-7000-8000-000000000050', '{}');
INSERT INTO sync_bases (agent_id, base_url, version, doc, updated_at)
VALUES ('ann', 'https://api.signaldock.io', 1, '{}', '2026-01-01T00:00:00.000Z');
INSERT INTO sync_cursors (base_url, user_id, updated_at)
VALUES ('https://api.signaldock.io', '019b76da-a800-7000-8000-000000000010', '2026-01-01T00:00:00.000Z');
INSERT INTO sync_outbox (id, base_url, agent_id, op, base_version, doc, next_attempt_at, created_at, updated_at)
VALUES ('019b76da-a800-7000-8000-000000000040', 'https://api.signaldock.io', 'ann', 'upsert', 1, '{}', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z');
INSERT INTO users (id, email, name, slug, username, created_at, updated_at)
VALUES ('019b76da-a800-7000-8000-000000000010', 'ann@example.org', 'Ann', 'ann', 'ann', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z');
INSERT INTO verifications (id, identifier, purpose, value_hash, expires_at, created_at, updated_at)
VALUES ('019b76da-a800-7000-8000-000000000013', 'ann@example.org', 'verify_email', '0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z');
INSERT INTO accounts (id, user_id, provider_id, account_id, created_at, updated_at)
VALUES ('019b76da-a800-7000-8000-000000000011', '019b76da-a800-7000-8000-000000000010', 'credential', '019b76da-a800-7000-8000-000000000010', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z');
INSERT INTO organization (id, name, slug, owner_id, created_at, updated_at)
VALUES ('019b76da-a800-7000-8000-000000000020', 'Example', 'example', '019b76da-a800-7000-8000-000000000010', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z');
INSERT INTO relay_messages (conversation_id, seq, id, from_agent_id, content, thread_id, body_hash, created_at)
VALUES ('019b76da-a800-7000-8000-000000000030', 1, '019b76da-a800-7000-8000-000000000031', 'bob', 'Hello', '019b76da-a800-7000-8000-000000000031', '0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e', '2026-01-01T00:00:00.000Z');
INSERT INTO relay_participants (conversation_id, agent_id, joined_at)
VALUES ('019b76da-a800-7000-8000-000000000030', 'ann', '2026-01-01T00:00:00.000Z');
INSERT INTO relay_participants (conversation_id, agent_id, joined_at)
VALUES ('019b76da-a800-7000-8000-000000000030', 'bob', '2026-01-01T00:00:00.000Z');
INSERT INTO sync_counters (owner_id, last_seq)
VALUES ('019b76da-a800-7000-8000-000000000010', 1);
INSERT INTO sync_feed (owner_id, seq, agent_id, op, version, doc, created_at)
VALUES ('019b76da-a800-7000-8000-000000000010', 1, 'ann', 'upsert', 1, '{}', '2026-01-01T00:00:00.000Z');
INSERT INTO agents (id, agent_id, name, description, class, classification, owner_id, organization_id, last_seen, last_used_at, installed_from, installed_at, metadata, created_at, updated_at)
VALUES ('019b76da-a800-7000-8000-000000000001', 'ann', 'Ann', 'reviews; it''s careful', 'code_dev', 'reviewer', '019b76da-a800-7000-8000-000000000010', '019b76da-a800-7000-8000-000000000020', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', 'user', '2026-01-01T00:00:00.000Z', '{"a": 1}', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z');
INSERT INTO agents (id, agent_id, name, class, reports_to, is_active, requires_reauth, reauth_reason, transport_type, api_base_url, created_at, updated_at)
VALUES ('019b76da-a800-7000-8000-000000000002', 'bob', 'Bob', 'research', 'ann', 0, 1, 'migrated', 'sse', 'https://api.signaldock.io', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z');
INSERT INTO organization_members (organization_id, user_id, joined_at)
VALUES ('019b76da-a800-7000-8000-000000000020', '019b76da-a800-7000-8000-000000000010', '2026-01-01T00:00:00.000Z');
INSERT INTO sessions (id, user_id, token_hash, csrf_hash, expires_at, last_seen_at, created_at, updated_at)
VALUES ('019b76da-a800-7000-8000-000000000012', '019b76da-a800-7000-8000-000000000010', '0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a', '0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z');
INSERT INTO agent_capabilities (agent_id, capability_id, attached_at)
VALUES ('ann', 'cap_chat', '2026-01-01T00:00:00.000Z');
INSERT INTO agent_connections (id, agent_id, transport_type, connection_id, process_id, connected_at, last_heartbeat, created_at)
VALUES ('019b76da-a800-7000-8000-000000000003', 'bob', 'sse', 'c1', 'p1', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z');
INSERT INTO agent_skills (agent_id, skill_id, attached_at)
VALUES ('ann', 'skl_go', '2026-01-01T00:00:00.000Z');
INSERT INTO claim_codes (id, agent_id, code_hash, expires_at, created_at)
VALUES ('019b76da-a800-7000-8000-000000000014', 'ann', '0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z');
INSERT INTO org_agent_keys (id, organization_id, agent_id, label, created_by, created_at)
VALUES ('019b76da-a800-7000-8000-000000000015', '019b76da-a800-7000-8000-000000000020', 'ann', 'ci', 'ann', '2026-01-01T00:00:00.000Z');
INSERT INTO relay_inboxes (agent_id, last_seq, received)
VALUES ('ann', 1, 1);
