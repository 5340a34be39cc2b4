INSERT INTO nexus_schema_meta (key, value)
VALUES ('created_at', '2026-01-01T00:00:00.000Z'), ('created_by_version', '0.1.0');
INSERT INTO project_registry (project_id, slug, name, project_path, project_hash, permissions, health_status, health_last_check, task_count, labels_json, registered_at, last_seen, last_sync)
VALUES ('019b76da-a800-7000-8000-000000000001', 'web', 'Web', '/golden/web', 'de051d85ed64', 'read', 'unreachable', '2026-01-01T00:00:00.000Z', 2, '["ui"]', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z'),
    ('019b76da-a800-7000-8000-000000000002', 'api', 'Api', '/golden/api', '453170414943', 'write', 'unknown', NULL, 0, '[]', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', NULL);
INSERT INTO project_id_aliases (legacy_id, kind, canonical_id, created_at)
VALUES ('frontend', 'slug', '019b76da-a800-7000-8000-000000000001', '2026-01-01T00:00:00.000Z');
INSERT INTO cross_project_dependencies (source_project_id, source_task_id, target_project_id, target_task_id, note, created_by, created_at)
VALUES ('019b76da-a800-7000-8000-000000000001', 'T001', '019b76da-a800-7000-8000-000000000002', 'T002', 'note', 'user', '2026-01-01T00:00:00.000Z');
INSERT INTO warp_chains (id, version, name, description, definition, definition_sha256, validated, created_by, created_at, updated_at)
VALUES ('two-steps', '1.0.0', 'Two steps', 'description', '{"gates":[{"canForce":true,"check":{"gateName":"implemented","type":"verification_gate"},"id":"built","name":"Built","position":"after","severity":"blocking","stageId":"build","type":"exit"}],"id":"two-steps","name":"Two steps","shape":{"entryPoint":"build","exitPoints":["ship"],"links":[{"from":"build","to":"ship","type":"linear"}],"stages":[{"category":"implementation","id":"build","name":"Build"},{"category":"release","id":"ship","name":"Ship"}]},"version":"1.0.0"}', '9bd9a1764ccf6bbfb337de33281d7ea3ee2daf0e78ac36df09651a5139fc375e', 1, 'user', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z');
INSERT INTO warp_chain_instances (id, chain_id, chain_version, definition, epic_project_id, epic_id, stage_to_task, status, active_stages, current_stage, created_by, created_at, updated_at)
VALUES ('wci-000000000001', 'two-steps', '1.0.0', '{"gates":[{"canForce":true,"check":{"gateName":"implemented","type":"verification_gate"},"id":"built","name":"Built","position":"after","severity":"blocking","stageId":"build","type":"exit"}],"id":"two-steps","name":"Two steps","shape":{"entryPoint":"build","exitPoints":["ship"],"links":[{"from":"build","to":"ship","type":"linear"}],"stages":[{"category":"implementation","id":"build","name":"Build"},{"category":"release","id":"ship","name":"Ship"}]},"version":"1.0.0"}', '019b76da-a800-7000-8000-000000000001', 'T001', '{"build": "019b76da-a800-7000-8000-000000000001:T002"}', 'active', '["build"]', 'build', 'user', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z');
INSERT INTO warp_instance_events (instance_id, attempt, type, stage_id, actor, evaluated_at)
VALUES ('wci-000000000001', 1, 'created', 'build', 'user', '2026-01-01T00:00:00.000Z');
INSERT INTO transfer_journal (id, source_project_id, target_project_id, mode, options, package, package_sha256, id_map, state, steps, created_by, created_at, updated_at)
VALUES ('xfr-000000000001', '019b76da-a800-7000-8000-000000000001', '019b76da-a800-7000-8000-000000000002', 'copy', '{}', '{}', '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a', '{"T001": "T003"}', 'done', '{}', 'user', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z');
INSERT INTO nexus_audit_log (id, timestamp, action, project_id, project_hash, operation, request_id, source, gateway, success, duration_ms, details_json)
VALUES ('019b76da-a800-7000-8000-000000000010', '2026-01-01T00:00:00.000Z', 'nexus.register', '019b76da-a800-7000-8000-000000000001', 'de051d85ed64', 'register', 'request', 'cli', 'mutate', 1, 3, '{}');
INSERT INTO idempotency_keys (verb, key, body_hash, result, created_at, expires_at)
VALUES ('verb', 'key', 'body_hash', '{}', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z');
