INSERT INTO phases (slug, name, position, status, started_at) VALUES
    ('core', 'Core', 1, 'active', '2026-01-01T08:00:00.000Z'),
    ('polish', 'Polish', 2, 'pending', NULL);
INSERT INTO sessions (id, name, status, scope_kind, agent_id, notes_json, next_action, handoff_json,
                      started_at, last_activity_at, ended_at) VALUES
    ('ses_golden_1', 'first', 'ended', 'global', 'agent-1', '[]', 'go on with T003', '{"note": "half done"}',
     '2026-01-01T08:00:00.000Z', '2026-01-01T18:00:00.000Z', '2026-01-01T18:00:00.000Z'),
    ('ses_golden_2', 'second', 'active', 'global', 'agent-2', '[]', NULL, NULL,
     '2026-01-02T08:00:00.000Z', '2026-01-02T09:00:00.000Z', NULL);
INSERT INTO tasks (seq, id, title, description, type, priority, phase, position, acceptance_json, notes_json, files_json,
                   metadata_json, session_id, created_by, modified_by, created_at, updated_at) VALUES
    (1, 'T001', 'The parser', 'Reads every file of the corpus.', 'epic', 'high', 'core', 1,
     '["all files", "no crash"]', '[{"at": "2026-01-01T08:00:00.000Z", "by": "user", "text": "begin here"}]',
     '["src/parser.py"]', '{"origin": {"tracker": "none"}}', 'ses_golden_1', 'user', 'user',
     '2026-01-01T08:00:00.000Z', '2026-01-01T08:00:00.000Z');
INSERT INTO tasks (seq, id, title, status, type, role, severity, parent_id, position, assignee, claimed_at, pipeline_stage,
                   session_id, created_by, created_at, updated_at, started_at, completed_at, version) VALUES
    (2, 'T002', 'Tokens, with ''quotes'' and 100% ünïcödé', 'done', 'task', 'work', NULL, 'T001', 1, NULL, NULL,
     'contribution', 'ses_golden_1', 'agent-1', '2026-01-01T08:10:00.000Z', '2026-01-01T12:00:00.000Z',
     '2026-01-01T09:00:00.000Z', '2026-01-01T12:00:00.000Z', 4),
    (3, 'T003', 'Grammar', 'active', 'task', 'work', NULL, 'T001', 2, 'agent-2', '2026-01-02T08:00:00.000Z',
     'implementation', 'ses_golden_2', 'agent-1', '2026-01-01T08:20:00.000Z', '2026-01-02T08:00:00.000Z',
     '2026-01-02T08:00:00.000Z', NULL, 3),
    (4, 'T004', 'Errors point at the line', 'blocked', 'subtask', 'bug', 'P1', 'T003', 1, NULL, NULL,
     'implementation', NULL, 'agent-2', '2026-01-02T08:30:00.000Z', '2026-01-02T08:30:00.000Z', NULL, NULL, 1);
INSERT INTO tasks (seq, id, title, status, position, pipeline_stage, cancelled_at, cancellation_reason, archived_at,
                   archive_reason, archived_from, created_at, updated_at) VALUES
    (5, 'T005', 'Another way', 'cancelled', 2, 'cancelled', '2026-01-01T10:00:00.000Z', 'too slow', NULL, NULL, NULL,
     '2026-01-01T08:40:00.000Z', '2026-01-01T10:00:00.000Z'),
    (6, 'T006', 'A mistake', 'archived', 3, 'implementation', NULL, NULL, '2026-01-01T11:00:00.000Z', 'deleted', 'pending',
     '2026-01-01T08:50:00.000Z', '2026-01-01T11:00:00.000Z');
UPDATE schema_meta SET value = '6' WHERE key = 'task_sequence';
INSERT INTO task_dependencies (task_id, depends_on, created_at, created_by) VALUES
    ('T003', 'T002', '2026-01-01T08:20:00.000Z', 'agent-1'),
    ('T004', 'T002', '2026-01-02T08:30:00.000Z', 'agent-2');
INSERT INTO task_labels (label, task_id) VALUES ('corpus', 'T001'), ('corpus', 'T003'), ('errors', 'T004');
INSERT INTO task_relations (task_id, related_to, relation_type, reason, created_at) VALUES
    ('T005', 'T003', 'duplicates', 'same grammar', '2026-01-01T10:00:00.000Z');
INSERT INTO task_gate_results (task_id, gate, result, round, agent_id, evidence_json, reason, checked_at) VALUES
    ('T002', 'implemented', 'pass', 1, 'agent-1', '["commit:0123abc"]', NULL, '2026-01-01T11:00:00.000Z'),
    ('T002', 'testsPassed', 'warn', 1, 'agent-1', '[]', 'decision only', '2026-01-01T11:30:00.000Z');
INSERT INTO session_tasks (session_id, task_id, kind, at) VALUES
    ('ses_golden_1', 'T002', 'completed', '2026-01-01T12:00:00.000Z');
INSERT INTO task_work_history (session_id, task_id, set_at, cleared_at) VALUES
    ('ses_golden_1', 'T002', '2026-01-01T09:00:00.000Z', '2026-01-01T12:00:00.000Z'),
    ('ses_golden_2', 'T003', '2026-01-02T08:00:00.000Z', NULL);
UPDATE sessions SET current_task_id = 'T003', task_started_at = '2026-01-02T08:00:00.000Z' WHERE id = 'ses_golden_2';
INSERT INTO lifecycle_pipelines (id, task_id, status, started_at, updated_at) VALUES
    ('pl_T001', 'T001', 'active', '2026-01-01T08:00:00.000Z', '2026-01-01T09:00:00.000Z');
INSERT INTO lifecycle_stages (id, pipeline_id, stage_name, status, sequence, skipped_at, skip_reason) VALUES
    ('pl_T001/research', 'pl_T001', 'research', 'in_progress', 1, NULL, NULL),
    ('pl_T001/consensus', 'pl_T001', 'consensus', 'skipped', 2, '2026-01-01T09:00:00.000Z', 'nobody to ask');
UPDATE lifecycle_pipelines SET current_stage_id = 'pl_T001/research' WHERE id = 'pl_T001';
INSERT INTO lifecycle_transitions (pipeline_id, to_stage_id, transition_type, transitioned_by, created_at) VALUES
    ('pl_T001', 'pl_T001/research', 'manual', 'agent-1', '2026-01-01T08:00:00.000Z');
INSERT INTO lifecycle_gate_results (stage_id, gate_name, result, attempt, checked_at, checked_by, reason) VALUES
    ('pl_T001/research', 'prerequisites-met', 'warn', 1, '2026-01-01T08:05:00.000Z', 'agent-1', 'none needed');
INSERT INTO lifecycle_evidence (stage_id, gate_result_id, uri, type, recorded_by, recorded_at) VALUES
    ('pl_T001/research', 1, 'https://example.org/paper', 'url', 'agent-1', '2026-01-01T08:06:00.000Z');
INSERT INTO manifest_entries (id, pipeline_id, stage_id, title, date, status, created_at) VALUES
    ('me_1', 'pl_T001', 'pl_T001/research', 'What others do', '2026-01-01', 'completed', '2026-01-01T08:07:00.000Z');
INSERT INTO manifest_entry_tasks (entry_id, task_id) VALUES ('me_1', 'T001');
INSERT INTO pipeline_manifest (id, session_id, task_id, epic_id, type, title, content, content_hash, brain_obs_id, created_at) VALUES
    ('pm_1', 'ses_golden_1', 'T002', 'T001', 'research', 'Tokenizers', 'Three of them, compared.', 'c0ffee', 'O-1',
     '2026-01-01T10:00:00.000Z');
INSERT INTO architecture_decisions (id, number, title, content, content_hash, status, date, file_path, created_at, updated_at) VALUES
    ('ADR-001', 1, 'One grammar', '# One grammar', 'beef', 'accepted', '2026-01-01', '.cleo/adrs/ADR-001-one-grammar.md',
     '2026-01-01T08:00:00.000Z', '2026-01-01T08:00:00.000Z'),
    ('ADR-002', 2, 'Two grammars', '# Two grammars', 'feed', 'proposed', NULL, NULL,
     '2026-01-01T08:00:00.000Z', '2026-01-01T08:00:00.000Z');
INSERT INTO adr_relations (from_adr_id, to_adr_id, relation_type, source) VALUES ('ADR-002', 'ADR-001', 'amends', 'manual');
INSERT INTO adr_task_links (adr_id, task_id, link_type, created_at) VALUES
    ('ADR-001', 'T003', 'governed_by', '2026-01-01T08:00:00.000Z');
INSERT INTO release_manifests (id, version, status, pipeline_id, epic_id, changelog, created_at) VALUES
    ('rel_1', 'v0.1.0', 'draft', 'pl_T001', 'T001', '- tokens', '2026-01-02T10:00:00.000Z');
INSERT INTO release_steps (release_id, step, status, attempt, started_at, finished_at) VALUES
    ('rel_1', 'prepare', 'done', 1, '2026-01-02T10:00:00.000Z', '2026-01-02T10:00:01.000Z');
INSERT INTO release_tasks (release_id, task_id) VALUES ('rel_1', 'T002');
INSERT INTO external_task_links (task_id, provider_id, external_id, link_type, content_hash, linked_at) VALUES
    ('T002', 'beads', 'bd-1', 'created', 'abad1dea', '2026-01-01T08:10:00.000Z');
INSERT INTO agent_instances (id, agent_id, agent_type, status, session_id, task_id, host, pid, started_at, last_heartbeat_at) VALUES
    ('ai_1', 'agent-2', 'executor', 'active', 'ses_golden_2', 'T003', 'here', 4711,
     '2026-01-02T08:00:00.000Z', '2026-01-02T09:00:00.000Z');
INSERT INTO agent_credentials (agent_id, display_name, api_key_encrypted, source_updated_at, created_at, updated_at) VALUES
    ('agent-2', 'Second', 'opaque', '2026-01-02T08:00:00.000Z', '2026-01-02T08:00:00.000Z', '2026-01-02T08:00:00.000Z');
INSERT INTO token_usage (created_at, provider, model, transport, operation, session_id, task_id, agent_id, request_id,
                         input_chars, output_chars, input_tokens, output_tokens, total_tokens, method, confidence) VALUES
    ('2026-01-01T09:00:00.000Z', 'a-provider', 'a-model', 'cli', 'add', 'ses_golden_1', 'T002', 'agent-1', 'r-1',
     400, 200, 100, 50, 150, 'heuristic', 'estimated');
INSERT INTO audit_log (timestamp, action, entity_kind, entity_id, task_id, actor, session_id, request_id, source, before_json, after_json) VALUES
    ('2026-01-01T08:00:00.000Z', 'task.add', 'task', 'T001', 'T001', 'user', NULL, 'r-0', 'cli', NULL, '{"title": "The parser"}'),
    ('2026-01-01T12:00:00.000Z', 'task.complete', 'task', 'T002', 'T002', 'agent-1', 'ses_golden_1', 'r-1', 'cli',
     '{"status": "active"}', '{"status": "done"}');
INSERT INTO idempotency_keys (actor, verb, key, body_hash, result, created_at, expires_at) VALUES
    ('', 'add', 'first', 'c0ffee', '{"id": "T001"}', '2026-01-01T08:00:00.000Z', '2026-01-31T08:00:00.000Z');
