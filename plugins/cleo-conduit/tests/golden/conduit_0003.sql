INSERT INTO conversations (id, kind, visibility, dm_key, topic, epic_id, wave, title, created_by, message_count, last_seq, last_message_at, archived_at, created_at, updated_at)
VALUES ('019ac8b0-0000-7000-8000-000000000001', 'dm', 'private', 'ann bob', NULL, NULL, NULL, NULL, 'ann', 2, 2, '2026-11-28T07:00:02.000Z', NULL, '2026-11-28T07:00:01.000Z', '2026-11-28T07:00:02.000Z');
INSERT INTO conversations (id, kind, visibility, dm_key, topic, epic_id, wave, title, created_by, message_count, last_seq, last_message_at, archived_at, created_at, updated_at)
VALUES ('019ac8b0-0000-7000-8000-000000000002', 'topic', 'public', NULL, 'epic-T001.wave-2', 'T001', 2, 'The second wave', 'ann', 1, 3, '2026-11-28T07:00:03.000Z', NULL, '2026-11-28T07:00:03.000Z', '2026-11-28T07:00:03.000Z');
INSERT INTO conversations (id, kind, visibility, dm_key, topic, epic_id, wave, title, created_by, message_count, last_seq, last_message_at, archived_at, created_at, updated_at)
VALUES ('019ac8b0-0000-7000-8000-000000000003', 'group', 'shared', NULL, NULL, NULL, NULL, 'Reviewers', 'bob', 0, NULL, NULL, '2026-11-28T07:00:09.000Z', '2026-11-28T07:00:04.000Z', '2026-11-28T07:00:09.000Z');
INSERT INTO participants (conversation_id, agent_id, role, joined_seq, joined_at, left_seq, left_at, muted, filter)
VALUES ('019ac8b0-0000-7000-8000-000000000001', 'ann', 'owner', 0, '2026-11-28T07:00:01.000Z', NULL, NULL, 0, NULL);
INSERT INTO participants (conversation_id, agent_id, role, joined_seq, joined_at, left_seq, left_at, muted, filter)
VALUES ('019ac8b0-0000-7000-8000-000000000001', 'bob', 'member', 0, '2026-11-28T07:00:01.000Z', NULL, NULL, 0, NULL);
INSERT INTO participants (conversation_id, agent_id, role, joined_seq, joined_at, left_seq, left_at, muted, filter)
VALUES ('019ac8b0-0000-7000-8000-000000000002', 'bob', 'observer', 2, '2026-11-28T07:00:03.000Z', 3, '2026-11-28T07:00:08.000Z', 1, '{"kinds": ["notify"], "tags": []}');
INSERT INTO messages (seq, id, conversation_id, from_agent_id, verified, subject, content, content_type, kind, importance, ack_required, ack_due_at, attachments, payload, metadata, reply_to, thread_id, expires_at, origin, body_hash, redacted_at, created_at, in_reply_to)
VALUES (1, '019ac8b0-0000-7000-8000-000000000011', '019ac8b0-0000-7000-8000-000000000001', 'ann', 1, 'Parser', 'Please look at the parser, @bob #parser T001', 'text', 'request', 'high', 1, '2026-11-28T08:00:01.000Z', '[{"id": "a1", "contentType": "text/plain", "slug": "design-notes"}]', '{"files": ["src/parser.py"]}', '{"mentions": ["bob"], "tags": ["parser"], "taskRefs": ["T001"]}', NULL, '019ac8b0-0000-7000-8000-000000000011', '2026-12-05T07:00:01.000Z', 'local', 'b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c', NULL, '2026-11-28T07:00:01.000Z', NULL);
INSERT INTO messages (seq, id, conversation_id, from_agent_id, verified, subject, content, content_type, kind, importance, ack_required, ack_due_at, attachments, payload, metadata, reply_to, thread_id, expires_at, origin, body_hash, redacted_at, created_at, in_reply_to)
VALUES (2, '019ac8b0-0000-7000-8000-000000000012', '019ac8b0-0000-7000-8000-000000000001', 'bob', 0, NULL, '[redacted]', 'text', 'message', 'normal', 0, NULL, '[]', NULL, '{}', '019ac8b0-0000-7000-8000-000000000011', '019ac8b0-0000-7000-8000-000000000011', NULL, 'https://api.example', '7d865e959b2466918c9863afca942d0fb89d7c9ac0c99bafc3749504ded97730', '2026-11-28T07:00:07.000Z', '2026-11-28T07:00:02.000Z', '019ac8b0-0000-7000-8000-000000000011');
INSERT INTO messages (seq, id, conversation_id, from_agent_id, verified, subject, content, content_type, kind, importance, ack_required, ack_due_at, attachments, payload, metadata, reply_to, thread_id, expires_at, origin, body_hash, redacted_at, created_at, in_reply_to)
VALUES (3, '019ac8b0-0000-7000-8000-000000000013', '019ac8b0-0000-7000-8000-000000000002', 'cleo-system', 1, NULL, 'The second wave begins', 'text', 'notify', 'normal', 0, NULL, '[]', NULL, '{}', NULL, '019ac8b0-0000-7000-8000-000000000013', NULL, 'local', '4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865', NULL, '2026-11-28T07:00:03.000Z', NULL);
INSERT INTO receipts (message_seq, agent_id, role, route, state, claim_owner, claim_until, claims, delivered_at, read_at, acked_at, closed_at, escalated_at, reason, reported_state, ack_required)
VALUES (1, 'bob', 'to', 'local', 'acked', NULL, NULL, 1, '2026-11-28T07:00:02.000Z', '2026-11-28T07:00:02.000Z', '2026-11-28T07:00:02.000Z', NULL, NULL, NULL, NULL, 1);
INSERT INTO receipts (message_seq, agent_id, role, route, state, claim_owner, claim_until, claims, delivered_at, read_at, acked_at, closed_at, escalated_at, reason, reported_state, ack_required)
VALUES (2, 'ann', 'to', 'http', 'pending', 'ann', '2026-11-28T07:01:05.000Z', 2, NULL, NULL, NULL, NULL, NULL, NULL, 'relayed', 0);
INSERT INTO receipts (message_seq, agent_id, role, route, state, claim_owner, claim_until, claims, delivered_at, read_at, acked_at, closed_at, escalated_at, reason, reported_state, ack_required)
VALUES (3, 'bob', 'topic', 'local', 'dead', NULL, NULL, 0, NULL, NULL, NULL, '2026-11-28T07:00:08.000Z', NULL, 'recipient_removed', NULL, 0);
INSERT INTO delivery_jobs (id, message_seq, recipient, transport, payload, state, attempts, max_attempts, next_attempt_at, lease_owner, lease_until, fence, parked_for, last_error, last_status, history, finished_at, created_at, updated_at)
VALUES ('019ac8b0-0000-7000-8000-000000000021', 2, 'ann', 'http', '{"id": "019ac8b0-0000-7000-8000-000000000012"}', 'leased', 2, 6, '2026-11-28T07:00:06.000Z', 'host:1:r', '2026-11-28T07:01:06.000Z', 2, NULL, 'HTTP 500', 500, '[{"at": "2026-11-28T07:00:02.000Z", "status": 500}]', NULL, '2026-11-28T07:00:02.000Z', '2026-11-28T07:00:06.000Z');
INSERT INTO delivery_jobs (id, message_seq, recipient, transport, payload, state, attempts, max_attempts, next_attempt_at, lease_owner, lease_until, fence, parked_for, last_error, last_status, history, finished_at, created_at, updated_at)
VALUES ('019ac8b0-0000-7000-8000-000000000022', 2, 'ann', 'sse', '{"id": "019ac8b0-0000-7000-8000-000000000012"}', 'parked', 0, 6, '2026-11-28T07:00:06.000Z', NULL, NULL, 0, 'offline', NULL, NULL, '[]', NULL, '2026-11-28T07:00:02.000Z', '2026-11-28T07:00:06.000Z');
INSERT INTO dead_letters (id, job_id, message_id, recipient, transport, payload, reason, last_error, last_status, attempts, history, replays, replay_job_id, replayed_at, created_at)
VALUES ('019ac8b0-0000-7000-8000-000000000031', NULL, '019ac8b0-0000-7000-8000-000000000013', 'bob', 'local', '{"content": "The second wave begins"}', 'recipient_removed', NULL, NULL, 0, '[]', 0, NULL, NULL, '2026-11-28T07:00:08.000Z');
INSERT INTO message_pins (id, message_seq, conversation_id, pinned_by, note, created_at)
VALUES ('019ac8b0-0000-7000-8000-000000000041', 1, '019ac8b0-0000-7000-8000-000000000001', 'bob', 'the task', '2026-11-28T07:00:05.000Z');
INSERT INTO attachments (slug, conversation_id, from_agent_id, title, format, mode, required_approvals, current_version, version_count, content_hash, original_size, compressed_size, tokens, expires_at, created_at, updated_at)
VALUES ('design-notes', '019ac8b0-0000-7000-8000-000000000001', 'ann', 'Notes', 'markdown', 'review', 1, 2, 2, '486ea46224d1bb4fb680f34f7c9ad96a8f24ec88be73ea8e5a6c65260e9cb8a7', 5, 5, 2, NULL, '2026-11-28T07:00:01.000Z', '2026-11-28T07:00:05.000Z');
INSERT INTO attachment_blobs (hash, codec, content, original_size, compressed_size, created_at)
VALUES ('2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824', 'raw', X'68656c6c6f', 5, 5, '2026-11-28T07:00:01.000Z');
INSERT INTO attachment_blobs (hash, codec, content, original_size, compressed_size, created_at)
VALUES ('486ea46224d1bb4fb680f34f7c9ad96a8f24ec88be73ea8e5a6c65260e9cb8a7', 'raw', X'776f726c64', 5, 5, '2026-11-28T07:00:05.000Z');
INSERT INTO attachment_versions (id, slug, version_number, base_version, author_agent_id, change_type, patch_text, content_hash, original_size, compressed_size, tokens, change_summary, sections_modified, tokens_added, tokens_removed, created_at)
VALUES ('019ac8b0-0000-7000-8000-000000000051', 'design-notes', 1, NULL, 'ann', 'initial', NULL, '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824', 5, 5, 2, NULL, '[]', 2, 0, '2026-11-28T07:00:01.000Z');
INSERT INTO attachment_versions (id, slug, version_number, base_version, author_agent_id, change_type, patch_text, content_hash, original_size, compressed_size, tokens, change_summary, sections_modified, tokens_added, tokens_removed, created_at)
VALUES ('019ac8b0-0000-7000-8000-000000000052', 'design-notes', 2, 1, 'bob', 'patch', '-hello
+world
', '486ea46224d1bb4fb680f34f7c9ad96a8f24ec88be73ea8e5a6c65260e9cb8a7', 5, 5, 2, 'other word', '[]', 2, 2, '2026-11-28T07:00:05.000Z');
INSERT INTO attachment_approvals (id, slug, reviewer_agent_id, version_reviewed, status, comment, created_at, updated_at)
VALUES ('019ac8b0-0000-7000-8000-000000000061', 'design-notes', 'ann', 2, 'approved', 'fine', '2026-11-28T07:00:06.000Z', '2026-11-28T07:00:06.000Z');
INSERT INTO attachment_contributors (slug, agent_id, version_count, total_tokens_added, total_tokens_removed, first_contribution_at, last_contribution_at)
VALUES ('design-notes', 'ann', 1, 2, 0, '2026-11-28T07:00:01.000Z', '2026-11-28T07:00:01.000Z');
INSERT INTO attachment_contributors (slug, agent_id, version_count, total_tokens_added, total_tokens_removed, first_contribution_at, last_contribution_at)
VALUES ('design-notes', 'bob', 1, 2, 2, '2026-11-28T07:00:05.000Z', '2026-11-28T07:00:05.000Z');
INSERT INTO project_agent_refs (agent_id, attached_at, attached_by, role, capabilities_override, last_used_at, enabled, detached_at, token_hash, updated_at)
VALUES ('ann', '2026-11-28T07:00:00.000Z', 'user', 'lead', '{"add": ["testing"], "remove": []}', '2026-11-28T07:00:05.000Z', 1, NULL, '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', '2026-11-28T07:00:00.000Z');
INSERT INTO project_agent_refs (agent_id, attached_at, attached_by, role, capabilities_override, last_used_at, enabled, detached_at, token_hash, updated_at)
VALUES ('bob', '2026-11-28T07:00:00.000Z', 'user', NULL, NULL, NULL, 0, '2026-11-28T07:00:08.000Z', NULL, '2026-11-28T07:00:08.000Z');
INSERT INTO leases (id, agent_id, pattern, namespace, mode, reason, task_id, fence, acquired_at, renewed_at, expires_at, released_at, release_kind, broken_by)
VALUES ('019ac8b0-0000-7000-8000-000000000071', 'ann', 'src/**', 'file', 'exclusive', 'rewrite', 'T001', 1, '2026-11-28T07:00:04.000Z', '2026-11-28T07:00:04.000Z', '2026-11-28T08:00:04.000Z', NULL, NULL, NULL);
INSERT INTO leases (id, agent_id, pattern, namespace, mode, reason, task_id, fence, acquired_at, renewed_at, expires_at, released_at, release_kind, broken_by)
VALUES ('019ac8b0-0000-7000-8000-000000000072', 'bob', 'db', 'resource', 'shared', NULL, NULL, 2, '2026-11-28T07:00:04.000Z', '2026-11-28T07:00:04.000Z', '2026-11-28T08:00:04.000Z', '2026-11-28T07:00:08.000Z', 'broken', 'ann');
INSERT INTO idempotency_keys (actor, verb, "key", body_hash, result, created_at, expires_at)
VALUES ('ann', 'conduit send', 'k1', '73cd086efa3a184e568e8b519d71f18d624bc1b37dee24972542001d2f693419', '{"id": "019ac8b0-0000-7000-8000-000000000011"}', '2026-11-28T07:00:01.000Z', '2026-12-28T07:00:01.000Z');
INSERT INTO remote_cursors (agent_id, base_url, last_seq, updated_at)
VALUES ('ann', 'https://api.example', 42, '2026-11-28T07:00:02.000Z');
INSERT INTO conduit_audit (seq, at, actor, action, subject_kind, subject_id, details)
VALUES (1, '2026-11-28T07:00:00.000Z', 'user', 'ref.attach', 'agent', 'ann', '{"created": true}');
INSERT OR REPLACE INTO conduit_meta ("key", value)
VALUES ('lease_fence', '2');
