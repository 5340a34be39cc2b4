INSERT INTO telemetry_schema_meta (key, value) VALUES
    ('anonymous_id', '3f2b8a52-0d3c-4e64-9a0b-1f6f5a7f7a01'),
    ('enabled_at', '2026-01-01T00:00:00.000Z'),
    ('last_prune', '2026-01-02T00:00:00.000Z');
INSERT INTO telemetry_events
    (id, anonymous_id, domain, gateway, operation, command, exit_code, duration_ms, error_code, timestamp)
VALUES
    (7, '3f2b8a52-0d3c-4e64-9a0b-1f6f5a7f7a01', 'tasks', 'mutate', 'add', 'tasks.add', 0, 41, NULL, '2026-01-01T00:00:01.000Z'),
    (8, '3f2b8a52-0d3c-4e64-9a0b-1f6f5a7f7a01', 'tasks', 'query', 'deps.tree', 'tasks.deps.tree', 4, 38, 'E_NOT_FOUND', '2026-01-01T00:00:02.000Z'),
    (9, '3f2b8a52-0d3c-4e64-9a0b-1f6f5a7f7a01', 'core', 'query', 'unknown', 'core.unknown', 2, 30, 'E_USAGE', '2026-01-01T00:00:03.000Z');
