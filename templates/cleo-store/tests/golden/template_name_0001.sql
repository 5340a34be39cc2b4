INSERT INTO items (id, title, importance, tags_json, created_at) VALUES
    ('template-name-1', 'Read the guide', 'normal', '["start"]', '2026-01-01T00:00:00.000Z'),
    ('template-name-2', 'Ünïcødé, ''quotes'' and 100%', 'high', '[]', '2026-01-02T00:00:00.000Z'),
    ('template-name-3', 'Write a test', 'low', '["a", "b"]', '2026-01-03T00:00:00.000Z');
INSERT INTO idempotency_keys (actor, verb, key, body_hash, result, created_at, expires_at) VALUES
    ('', 'template-name add', 'first', 'c0ffee', '{"id": "template-name-1"}',
     '2026-01-01T00:00:00.000Z', '2026-01-31T00:00:00.000Z');
