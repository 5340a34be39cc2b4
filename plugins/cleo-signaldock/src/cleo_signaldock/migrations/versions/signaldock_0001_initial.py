"""The first schema of the identity store."""
# ruff: noqa: E501

from __future__ import annotations

from cleo_core.migrate import execute

revision = "signaldock_0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS: tuple[str, ...] = (
    """\
CREATE TABLE capabilities (
    id TEXT NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT DEFAULT '' NOT NULL,
    category TEXT NOT NULL,
    created_at TEXT NOT NULL
        CONSTRAINT ck_capabilities_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_capabilities PRIMARY KEY (id),
    CONSTRAINT uq_capabilities_slug UNIQUE (slug)
) STRICT""",
    """\
CREATE TABLE idempotency_keys (
    actor TEXT DEFAULT '' NOT NULL,
    verb TEXT NOT NULL,
    "key" TEXT NOT NULL
        CONSTRAINT ck_idempotency_keys_key CHECK (length(key) BETWEEN 1 AND 200),
    body_hash TEXT NOT NULL,
    result TEXT NOT NULL
        CONSTRAINT ck_idempotency_keys_result CHECK (json_valid(result)),
    created_at TEXT NOT NULL
        CONSTRAINT ck_idempotency_keys_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    expires_at TEXT NOT NULL
        CONSTRAINT ck_idempotency_keys_expires_at CHECK (expires_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    status INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (actor, verb, "key")
) STRICT""",
    """\
CREATE TABLE legacy_rows (
    run_id TEXT NOT NULL
        CONSTRAINT ck_legacy_rows_run_id CHECK (run_id GLOB '????????-????-????-????-????????????' AND run_id NOT GLOB '*[^0-9a-f-]*'),
    table_name TEXT NOT NULL,
    row_key TEXT NOT NULL,
    CONSTRAINT pk_legacy_rows PRIMARY KEY (run_id, table_name, row_key)
) STRICT""",
    """\
CREATE TABLE rate_windows (
    bucket TEXT NOT NULL,
    window_start TEXT NOT NULL
        CONSTRAINT ck_rate_windows_window_start CHECK (window_start GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    hits INTEGER NOT NULL
        CONSTRAINT ck_rate_windows_hits CHECK (hits >= 0),
    CONSTRAINT pk_rate_windows PRIMARY KEY (bucket, window_start)
) STRICT""",
    """\
CREATE TABLE relay_conversations (
    id TEXT NOT NULL
        CONSTRAINT ck_relay_conversations_id CHECK (id GLOB '????????-????-????-????-????????????' AND id NOT GLOB '*[^0-9a-f-]*'),
    kind TEXT NOT NULL
        CONSTRAINT ck_relay_conversations_kind CHECK (kind IN ('dm', 'group')),
    dm_key TEXT,
    visibility TEXT DEFAULT 'private' NOT NULL
        CONSTRAINT ck_relay_conversations_visibility CHECK (visibility IN ('private', 'shared', 'public')),
    title TEXT,
    created_by TEXT NOT NULL
        CONSTRAINT ck_relay_conversations_created_by CHECK (created_by GLOB '[A-Za-z0-9]*' AND created_by NOT GLOB '*[^A-Za-z0-9._-]*' AND length(created_by) <= 128),
    last_seq INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_relay_conversations_last_seq CHECK (last_seq >= 0),
    message_count INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_relay_conversations_message_count CHECK (message_count >= 0),
    last_message_at TEXT
        CONSTRAINT ck_relay_conversations_last_message_at CHECK (last_message_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    created_at TEXT NOT NULL
        CONSTRAINT ck_relay_conversations_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    updated_at TEXT NOT NULL
        CONSTRAINT ck_relay_conversations_updated_at CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_relay_conversations PRIMARY KEY (id),
    CONSTRAINT ck_relay_conversations_dm CHECK ((kind = 'dm') = (dm_key IS NOT NULL)),
    CONSTRAINT uq_relay_conversations_dm_key UNIQUE (dm_key)
) STRICT""",
    """\
CREATE TABLE relay_dead_letters (
    id TEXT NOT NULL
        CONSTRAINT ck_relay_dead_letters_id CHECK (id GLOB '????????-????-????-????-????????????' AND id NOT GLOB '*[^0-9a-f-]*'),
    job_id TEXT
        CONSTRAINT ck_relay_dead_letters_job_id CHECK (job_id GLOB '????????-????-????-????-????????????' AND job_id NOT GLOB '*[^0-9a-f-]*'),
    message_id TEXT NOT NULL
        CONSTRAINT ck_relay_dead_letters_message_id CHECK (message_id GLOB '????????-????-????-????-????????????' AND message_id NOT GLOB '*[^0-9a-f-]*'),
    recipient TEXT NOT NULL
        CONSTRAINT ck_relay_dead_letters_recipient CHECK (recipient GLOB '[A-Za-z0-9]*' AND recipient NOT GLOB '*[^A-Za-z0-9._-]*' AND length(recipient) <= 128),
    transport TEXT NOT NULL,
    payload TEXT NOT NULL
        CONSTRAINT ck_relay_dead_letters_payload CHECK (json_valid(payload)),
    reason TEXT NOT NULL
        CONSTRAINT ck_relay_dead_letters_reason CHECK (reason IN ('max_attempts', 'permanent', 'undecodable', 'expired', 'recipient_removed')),
    last_error TEXT,
    last_status INTEGER,
    attempts INTEGER NOT NULL
        CONSTRAINT ck_relay_dead_letters_attempts CHECK (attempts >= 0),
    history TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_relay_dead_letters_history CHECK (json_valid(history) AND json_type(history) = 'array'),
    replays INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_relay_dead_letters_replays CHECK (replays >= 0),
    replay_job_id TEXT
        CONSTRAINT ck_relay_dead_letters_replay_job_id CHECK (replay_job_id GLOB '????????-????-????-????-????????????' AND replay_job_id NOT GLOB '*[^0-9a-f-]*'),
    replayed_at TEXT
        CONSTRAINT ck_relay_dead_letters_replayed_at CHECK (replayed_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    created_at TEXT NOT NULL
        CONSTRAINT ck_relay_dead_letters_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_relay_dead_letters PRIMARY KEY (id)
) STRICT""",
    """\
CREATE TABLE relay_jobs (
    id TEXT NOT NULL
        CONSTRAINT ck_relay_jobs_id CHECK (id GLOB '????????-????-????-????-????????????' AND id NOT GLOB '*[^0-9a-f-]*'),
    message_id TEXT NOT NULL
        CONSTRAINT ck_relay_jobs_message_id CHECK (message_id GLOB '????????-????-????-????-????????????' AND message_id NOT GLOB '*[^0-9a-f-]*'),
    agent_id TEXT NOT NULL
        CONSTRAINT ck_relay_jobs_agent_id CHECK (agent_id GLOB '[A-Za-z0-9]*' AND agent_id NOT GLOB '*[^A-Za-z0-9._-]*' AND length(agent_id) <= 128),
    payload TEXT NOT NULL
        CONSTRAINT ck_relay_jobs_payload CHECK (json_valid(payload)),
    state TEXT DEFAULT 'pending' NOT NULL
        CONSTRAINT ck_relay_jobs_state CHECK (state IN ('pending', 'leased', 'parked', 'done', 'dead', 'cancelled', 'expired')),
    attempts INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_relay_jobs_attempts CHECK (attempts >= 0),
    max_attempts INTEGER DEFAULT 6 NOT NULL
        CONSTRAINT ck_relay_jobs_max_attempts CHECK (max_attempts >= 1),
    next_attempt_at TEXT NOT NULL
        CONSTRAINT ck_relay_jobs_next_attempt_at CHECK (next_attempt_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    lease_owner TEXT,
    lease_until TEXT
        CONSTRAINT ck_relay_jobs_lease_until CHECK (lease_until GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    fence INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_relay_jobs_fence CHECK (fence >= 0),
    parked_for TEXT
        CONSTRAINT ck_relay_jobs_parked_for CHECK (parked_for IN ('offline', 'auth', 'breaker', 'transport')),
    last_error TEXT
        CONSTRAINT ck_relay_jobs_last_error CHECK (length(last_error) <= 1000),
    last_status INTEGER,
    history TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_relay_jobs_history CHECK (json_valid(history) AND json_type(history) = 'array'),
    finished_at TEXT
        CONSTRAINT ck_relay_jobs_finished_at CHECK (finished_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    created_at TEXT NOT NULL
        CONSTRAINT ck_relay_jobs_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    updated_at TEXT NOT NULL
        CONSTRAINT ck_relay_jobs_updated_at CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_relay_jobs PRIMARY KEY (id),
    CONSTRAINT uq_relay_jobs_message_id_agent_id UNIQUE (message_id, agent_id),
    CONSTRAINT ck_relay_jobs_lease CHECK ((state = 'leased') = (lease_owner IS NOT NULL) AND (state = 'leased') = (lease_until IS NOT NULL)),
    CONSTRAINT ck_relay_jobs_parked CHECK ((state = 'parked') = (parked_for IS NOT NULL))
) STRICT""",
    """\
CREATE TABLE relay_pins (
    agent_id TEXT NOT NULL
        CONSTRAINT ck_relay_pins_agent_id CHECK (agent_id GLOB '[A-Za-z0-9]*' AND agent_id NOT GLOB '*[^A-Za-z0-9._-]*' AND length(agent_id) <= 128),
    message_id TEXT NOT NULL
        CONSTRAINT ck_relay_pins_message_id CHECK (message_id GLOB '????????-????-????-????-????????????' AND message_id NOT GLOB '*[^0-9a-f-]*'),
    conversation_id TEXT NOT NULL
        CONSTRAINT ck_relay_pins_conversation_id CHECK (conversation_id GLOB '????????-????-????-????-????????????' AND conversation_id NOT GLOB '*[^0-9a-f-]*'),
    note TEXT,
    created_at TEXT NOT NULL
        CONSTRAINT ck_relay_pins_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_relay_pins PRIMARY KEY (agent_id, message_id)
) STRICT""",
    """\
CREATE TABLE relay_receipts (
    agent_id TEXT NOT NULL
        CONSTRAINT ck_relay_receipts_agent_id CHECK (agent_id GLOB '[A-Za-z0-9]*' AND agent_id NOT GLOB '*[^A-Za-z0-9._-]*' AND length(agent_id) <= 128),
    seq INTEGER NOT NULL
        CONSTRAINT ck_relay_receipts_seq CHECK (seq >= 1),
    message_id TEXT NOT NULL
        CONSTRAINT ck_relay_receipts_message_id CHECK (message_id GLOB '????????-????-????-????-????????????' AND message_id NOT GLOB '*[^0-9a-f-]*'),
    conversation_id TEXT NOT NULL
        CONSTRAINT ck_relay_receipts_conversation_id CHECK (conversation_id GLOB '????????-????-????-????-????????????' AND conversation_id NOT GLOB '*[^0-9a-f-]*'),
    role TEXT NOT NULL
        CONSTRAINT ck_relay_receipts_role CHECK (role IN ('to', 'cc')),
    state TEXT DEFAULT 'pending' NOT NULL
        CONSTRAINT ck_relay_receipts_state CHECK (state IN ('pending', 'relayed', 'delivered', 'read', 'acked', 'rejected', 'expired', 'dead')),
    claim_owner TEXT,
    claim_until TEXT
        CONSTRAINT ck_relay_receipts_claim_until CHECK (claim_until GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    delivered_at TEXT
        CONSTRAINT ck_relay_receipts_delivered_at CHECK (delivered_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    read_at TEXT
        CONSTRAINT ck_relay_receipts_read_at CHECK (read_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    acked_at TEXT
        CONSTRAINT ck_relay_receipts_acked_at CHECK (acked_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    closed_at TEXT
        CONSTRAINT ck_relay_receipts_closed_at CHECK (closed_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    reason TEXT,
    CONSTRAINT pk_relay_receipts PRIMARY KEY (agent_id, seq),
    CONSTRAINT uq_relay_receipts_agent_id_message_id UNIQUE (agent_id, message_id)
) STRICT""",
    """\
CREATE TABLE signaldock_audit (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL
        CONSTRAINT ck_signaldock_audit_at CHECK (at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    details TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_signaldock_audit_details CHECK (json_valid(details) AND json_type(details) = 'object')
) STRICT""",
    """\
CREATE TABLE signaldock_meta (
    "key" TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT pk_signaldock_meta PRIMARY KEY ("key")
) STRICT""",
    """\
CREATE TABLE skills (
    id TEXT NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT DEFAULT '' NOT NULL,
    category TEXT NOT NULL,
    created_at TEXT NOT NULL
        CONSTRAINT ck_skills_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_skills PRIMARY KEY (id),
    CONSTRAINT uq_skills_slug UNIQUE (slug)
) STRICT""",
    """\
CREATE TABLE sync_bases (
    agent_id TEXT NOT NULL
        CONSTRAINT ck_sync_bases_agent_id CHECK (agent_id GLOB '[A-Za-z0-9]*' AND agent_id NOT GLOB '*[^A-Za-z0-9._-]*' AND length(agent_id) <= 128),
    base_url TEXT NOT NULL,
    version INTEGER NOT NULL
        CONSTRAINT ck_sync_bases_version CHECK (version >= 0),
    doc TEXT NOT NULL
        CONSTRAINT ck_sync_bases_doc CHECK (json_valid(doc)),
    updated_at TEXT NOT NULL
        CONSTRAINT ck_sync_bases_updated_at CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_sync_bases PRIMARY KEY (agent_id, base_url)
) STRICT""",
    """\
CREATE TABLE sync_cursors (
    base_url TEXT NOT NULL,
    user_id TEXT NOT NULL,
    last_seq INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_sync_cursors_last_seq CHECK (last_seq >= 0),
    updated_at TEXT NOT NULL
        CONSTRAINT ck_sync_cursors_updated_at CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_sync_cursors PRIMARY KEY (base_url)
) STRICT""",
    """\
CREATE TABLE sync_outbox (
    id TEXT NOT NULL
        CONSTRAINT ck_sync_outbox_id CHECK (id GLOB '????????-????-????-????-????????????' AND id NOT GLOB '*[^0-9a-f-]*'),
    base_url TEXT NOT NULL,
    agent_id TEXT NOT NULL
        CONSTRAINT ck_sync_outbox_agent_id CHECK (agent_id GLOB '[A-Za-z0-9]*' AND agent_id NOT GLOB '*[^A-Za-z0-9._-]*' AND length(agent_id) <= 128),
    op TEXT NOT NULL
        CONSTRAINT ck_sync_outbox_op CHECK (op IN ('upsert', 'delete')),
    base_version INTEGER NOT NULL
        CONSTRAINT ck_sync_outbox_base_version CHECK (base_version >= 0),
    doc TEXT NOT NULL
        CONSTRAINT ck_sync_outbox_doc CHECK (json_valid(doc)),
    state TEXT DEFAULT 'pending' NOT NULL
        CONSTRAINT ck_sync_outbox_state CHECK (state IN ('pending', 'leased', 'done', 'conflict', 'refused')),
    attempts INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_sync_outbox_attempts CHECK (attempts >= 0),
    next_attempt_at TEXT NOT NULL
        CONSTRAINT ck_sync_outbox_next_attempt_at CHECK (next_attempt_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    lease_owner TEXT,
    lease_until TEXT
        CONSTRAINT ck_sync_outbox_lease_until CHECK (lease_until GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    fence INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_sync_outbox_fence CHECK (fence >= 0),
    last_error TEXT,
    created_at TEXT NOT NULL
        CONSTRAINT ck_sync_outbox_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    updated_at TEXT NOT NULL
        CONSTRAINT ck_sync_outbox_updated_at CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_sync_outbox PRIMARY KEY (id)
) STRICT""",
    """\
CREATE TABLE users (
    id TEXT NOT NULL
        CONSTRAINT ck_users_id CHECK (id GLOB '????????-????-????-????-????????????' AND id NOT GLOB '*[^0-9a-f-]*'),
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    slug TEXT,
    username TEXT,
    display_username TEXT,
    image TEXT,
    email_verified INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_users_email_verified CHECK (email_verified IN (0, 1)),
    role TEXT DEFAULT 'user' NOT NULL
        CONSTRAINT ck_users_role CHECK (role IN ('user', 'admin')),
    default_agent_id TEXT,
    banned INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_users_banned CHECK (banned IN (0, 1)),
    ban_reason TEXT,
    ban_expires TEXT
        CONSTRAINT ck_users_ban_expires CHECK (ban_expires GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    metadata TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_users_metadata CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    created_at TEXT NOT NULL
        CONSTRAINT ck_users_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    updated_at TEXT NOT NULL
        CONSTRAINT ck_users_updated_at CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_users PRIMARY KEY (id),
    CONSTRAINT uq_users_slug UNIQUE (slug)
) STRICT""",
    """\
CREATE TABLE verifications (
    id TEXT NOT NULL
        CONSTRAINT ck_verifications_id CHECK (id GLOB '????????-????-????-????-????????????' AND id NOT GLOB '*[^0-9a-f-]*'),
    identifier TEXT NOT NULL,
    purpose TEXT NOT NULL
        CONSTRAINT ck_verifications_purpose CHECK (purpose IN ('verify_email', 'reset_password', 'invite')),
    value_hash TEXT NOT NULL,
    payload TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_verifications_payload CHECK (json_valid(payload) AND json_type(payload) = 'object'),
    expires_at TEXT NOT NULL
        CONSTRAINT ck_verifications_expires_at CHECK (expires_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    used_at TEXT
        CONSTRAINT ck_verifications_used_at CHECK (used_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    created_at TEXT NOT NULL
        CONSTRAINT ck_verifications_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    updated_at TEXT NOT NULL
        CONSTRAINT ck_verifications_updated_at CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_verifications PRIMARY KEY (id),
    CONSTRAINT uq_verifications_value_hash UNIQUE (value_hash)
) STRICT""",
    """\
CREATE TABLE accounts (
    id TEXT NOT NULL
        CONSTRAINT ck_accounts_id CHECK (id GLOB '????????-????-????-????-????????????' AND id NOT GLOB '*[^0-9a-f-]*'),
    user_id TEXT NOT NULL
        CONSTRAINT ck_accounts_user_id CHECK (user_id GLOB '????????-????-????-????-????????????' AND user_id NOT GLOB '*[^0-9a-f-]*'),
    provider_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    password_hash TEXT,
    access_token_encrypted TEXT,
    refresh_token_encrypted TEXT,
    access_token_expires_at TEXT
        CONSTRAINT ck_accounts_access_token_expires_at CHECK (access_token_expires_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    refresh_token_expires_at TEXT
        CONSTRAINT ck_accounts_refresh_token_expires_at CHECK (refresh_token_expires_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    scope TEXT,
    created_at TEXT NOT NULL
        CONSTRAINT ck_accounts_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    updated_at TEXT NOT NULL
        CONSTRAINT ck_accounts_updated_at CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_accounts PRIMARY KEY (id),
    CONSTRAINT uq_accounts_provider_id_account_id UNIQUE (provider_id, account_id),
    CONSTRAINT fk_accounts_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
) STRICT""",
    """\
CREATE TABLE organization (
    id TEXT NOT NULL
        CONSTRAINT ck_organization_id CHECK (id GLOB '????????-????-????-????-????????????' AND id NOT GLOB '*[^0-9a-f-]*'),
    name TEXT NOT NULL,
    slug TEXT,
    logo TEXT,
    metadata TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_organization_metadata CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    owner_id TEXT
        CONSTRAINT ck_organization_owner_id CHECK (owner_id GLOB '????????-????-????-????-????????????' AND owner_id NOT GLOB '*[^0-9a-f-]*'),
    created_at TEXT NOT NULL
        CONSTRAINT ck_organization_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    updated_at TEXT NOT NULL
        CONSTRAINT ck_organization_updated_at CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_organization PRIMARY KEY (id),
    CONSTRAINT uq_organization_slug UNIQUE (slug),
    CONSTRAINT fk_organization_owner_id FOREIGN KEY(owner_id) REFERENCES users (id) ON DELETE SET NULL
) STRICT""",
    """\
CREATE TABLE relay_messages (
    conversation_id TEXT NOT NULL
        CONSTRAINT ck_relay_messages_conversation_id CHECK (conversation_id GLOB '????????-????-????-????-????????????' AND conversation_id NOT GLOB '*[^0-9a-f-]*'),
    seq INTEGER NOT NULL
        CONSTRAINT ck_relay_messages_seq CHECK (seq >= 1),
    id TEXT NOT NULL
        CONSTRAINT ck_relay_messages_id CHECK (id GLOB '????????-????-????-????-????????????' AND id NOT GLOB '*[^0-9a-f-]*'),
    from_agent_id TEXT NOT NULL
        CONSTRAINT ck_relay_messages_from_agent_id CHECK (from_agent_id GLOB '[A-Za-z0-9]*' AND from_agent_id NOT GLOB '*[^A-Za-z0-9._-]*' AND length(from_agent_id) <= 128),
    subject TEXT
        CONSTRAINT ck_relay_messages_subject CHECK (length(subject) <= 200),
    content TEXT NOT NULL
        CONSTRAINT ck_relay_messages_content CHECK (length(CAST(content AS BLOB)) <= 65536),
    content_type TEXT DEFAULT 'text' NOT NULL
        CONSTRAINT ck_relay_messages_content_type CHECK (content_type IN ('text', 'image', 'file', 'video', 'audio', 'link', 'rich_text', 'mixed')),
    kind TEXT DEFAULT 'message' NOT NULL
        CONSTRAINT ck_relay_messages_kind CHECK (kind IN ('message', 'request', 'notify', 'bounce', 'lifecycle')),
    importance TEXT DEFAULT 'normal' NOT NULL
        CONSTRAINT ck_relay_messages_importance CHECK (importance IN ('low', 'normal', 'high', 'urgent')),
    ack_required INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_relay_messages_ack_required CHECK (ack_required IN (0, 1)),
    ack_due_at TEXT
        CONSTRAINT ck_relay_messages_ack_due_at CHECK (ack_due_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    attachments TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_relay_messages_attachments CHECK (json_valid(attachments) AND json_type(attachments) = 'array'),
    payload TEXT
        CONSTRAINT ck_relay_messages_payload CHECK (payload IS NULL OR json_valid(payload)),
    metadata TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_relay_messages_metadata CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    reply_to TEXT
        CONSTRAINT ck_relay_messages_reply_to CHECK (reply_to GLOB '????????-????-????-????-????????????' AND reply_to NOT GLOB '*[^0-9a-f-]*'),
    thread_id TEXT NOT NULL
        CONSTRAINT ck_relay_messages_thread_id CHECK (thread_id GLOB '????????-????-????-????-????????????' AND thread_id NOT GLOB '*[^0-9a-f-]*'),
    expires_at TEXT
        CONSTRAINT ck_relay_messages_expires_at CHECK (expires_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    body_hash TEXT NOT NULL,
    created_at TEXT NOT NULL
        CONSTRAINT ck_relay_messages_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    addressed TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_relay_messages_addressed CHECK (json_valid(addressed) AND json_type(addressed) = 'object'),
    CONSTRAINT pk_relay_messages PRIMARY KEY (conversation_id, seq),
    CONSTRAINT fk_relay_messages_conversation_id FOREIGN KEY(conversation_id) REFERENCES relay_conversations (id) ON DELETE CASCADE,
    CONSTRAINT uq_relay_messages_id UNIQUE (id)
) STRICT""",
    """\
CREATE TABLE relay_participants (
    conversation_id TEXT NOT NULL
        CONSTRAINT ck_relay_participants_conversation_id CHECK (conversation_id GLOB '????????-????-????-????-????????????' AND conversation_id NOT GLOB '*[^0-9a-f-]*'),
    agent_id TEXT NOT NULL
        CONSTRAINT ck_relay_participants_agent_id CHECK (agent_id GLOB '[A-Za-z0-9]*' AND agent_id NOT GLOB '*[^A-Za-z0-9._-]*' AND length(agent_id) <= 128),
    role TEXT DEFAULT 'member' NOT NULL
        CONSTRAINT ck_relay_participants_role CHECK (role IN ('owner', 'member', 'observer')),
    joined_seq INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_relay_participants_joined_seq CHECK (joined_seq >= 0),
    left_seq INTEGER
        CONSTRAINT ck_relay_participants_left_seq CHECK (left_seq >= 0),
    joined_at TEXT NOT NULL
        CONSTRAINT ck_relay_participants_joined_at CHECK (joined_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    left_at TEXT
        CONSTRAINT ck_relay_participants_left_at CHECK (left_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_relay_participants PRIMARY KEY (conversation_id, agent_id),
    CONSTRAINT fk_relay_participants_conversation_id FOREIGN KEY(conversation_id) REFERENCES relay_conversations (id) ON DELETE CASCADE
) STRICT""",
    """\
CREATE TABLE sync_counters (
    owner_id TEXT NOT NULL
        CONSTRAINT ck_sync_counters_owner_id CHECK (owner_id GLOB '????????-????-????-????-????????????' AND owner_id NOT GLOB '*[^0-9a-f-]*'),
    last_seq INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_sync_counters_last_seq CHECK (last_seq >= 0),
    CONSTRAINT pk_sync_counters PRIMARY KEY (owner_id),
    CONSTRAINT fk_sync_counters_owner_id FOREIGN KEY(owner_id) REFERENCES users (id) ON DELETE CASCADE
) STRICT""",
    """\
CREATE TABLE sync_feed (
    owner_id TEXT NOT NULL
        CONSTRAINT ck_sync_feed_owner_id CHECK (owner_id GLOB '????????-????-????-????-????????????' AND owner_id NOT GLOB '*[^0-9a-f-]*'),
    seq INTEGER NOT NULL
        CONSTRAINT ck_sync_feed_seq CHECK (seq >= 1),
    agent_id TEXT NOT NULL
        CONSTRAINT ck_sync_feed_agent_id CHECK (agent_id GLOB '[A-Za-z0-9]*' AND agent_id NOT GLOB '*[^A-Za-z0-9._-]*' AND length(agent_id) <= 128),
    op TEXT NOT NULL
        CONSTRAINT ck_sync_feed_op CHECK (op IN ('upsert', 'delete')),
    version INTEGER NOT NULL
        CONSTRAINT ck_sync_feed_version CHECK (version >= 0),
    doc TEXT NOT NULL
        CONSTRAINT ck_sync_feed_doc CHECK (json_valid(doc)),
    created_at TEXT NOT NULL
        CONSTRAINT ck_sync_feed_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_sync_feed PRIMARY KEY (owner_id, seq),
    CONSTRAINT fk_sync_feed_owner_id FOREIGN KEY(owner_id) REFERENCES users (id) ON DELETE CASCADE
) STRICT""",
    """\
CREATE TABLE agents (
    id TEXT NOT NULL
        CONSTRAINT ck_agents_id CHECK (id GLOB '????????-????-????-????-????????????' AND id NOT GLOB '*[^0-9a-f-]*'),
    agent_id TEXT NOT NULL
        CONSTRAINT ck_agents_agent_id CHECK (agent_id GLOB '[A-Za-z0-9]*' AND agent_id NOT GLOB '*[^A-Za-z0-9._-]*' AND length(agent_id) <= 128),
    name TEXT NOT NULL
        CONSTRAINT ck_agents_name CHECK (length(name) BETWEEN 1 AND 100),
    description TEXT DEFAULT '' NOT NULL,
    class TEXT DEFAULT 'custom' NOT NULL
        CONSTRAINT ck_agents_class CHECK (class IN ('personal_assistant', 'code_dev', 'research', 'orchestrator', 'security', 'devops', 'data', 'creative', 'support', 'testing', 'documentation', 'utility_bot', 'custom')),
    classification TEXT,
    avatar TEXT,
    metadata TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_agents_metadata CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    privacy_tier TEXT DEFAULT 'discoverable' NOT NULL
        CONSTRAINT ck_agents_privacy_tier CHECK (privacy_tier IN ('public', 'discoverable', 'private')),
    owner_id TEXT
        CONSTRAINT ck_agents_owner_id CHECK (owner_id GLOB '????????-????-????-????-????????????' AND owner_id NOT GLOB '*[^0-9a-f-]*'),
    organization_id TEXT
        CONSTRAINT ck_agents_organization_id CHECK (organization_id GLOB '????????-????-????-????-????????????' AND organization_id NOT GLOB '*[^0-9a-f-]*'),
    is_active INTEGER DEFAULT 1 NOT NULL
        CONSTRAINT ck_agents_is_active CHECK (is_active IN (0, 1)),
    status TEXT DEFAULT 'offline' NOT NULL
        CONSTRAINT ck_agents_status CHECK (status IN ('online', 'offline', 'busy', 'away')),
    last_seen TEXT
        CONSTRAINT ck_agents_last_seen CHECK (last_seen GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    last_used_at TEXT
        CONSTRAINT ck_agents_last_used_at CHECK (last_used_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    transport_type TEXT DEFAULT 'local' NOT NULL
        CONSTRAINT ck_agents_transport_type CHECK (transport_type IN ('local', 'http', 'sse', 'websocket')),
    transport_config TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_agents_transport_config CHECK (json_valid(transport_config) AND json_type(transport_config) = 'object'),
    api_base_url TEXT,
    api_key_encrypted TEXT,
    api_key_pending_encrypted TEXT,
    requires_reauth INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_agents_requires_reauth CHECK (requires_reauth IN (0, 1)),
    reauth_reason TEXT
        CONSTRAINT ck_agents_reauth_reason CHECK (reauth_reason IN ('salt_lost', 'key_lost', 'decrypt_failed', 'rejected', 'migrated')),
    key_rotated_at TEXT
        CONSTRAINT ck_agents_key_rotated_at CHECK (key_rotated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    api_key_hash TEXT,
    api_key_hash_prev TEXT,
    api_key_prev_until TEXT
        CONSTRAINT ck_agents_api_key_prev_until CHECK (api_key_prev_until GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    endpoint TEXT,
    webhook_secret_encrypted TEXT,
    webhook_secret_prev_encrypted TEXT,
    webhook_state TEXT DEFAULT 'off' NOT NULL
        CONSTRAINT ck_agents_webhook_state CHECK (webhook_state IN ('off', 'on', 'paused')),
    messages_sent INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_agents_messages_sent CHECK (messages_sent >= 0),
    messages_received INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_agents_messages_received CHECK (messages_received >= 0),
    conversation_count INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_agents_conversation_count CHECK (conversation_count >= 0),
    tier TEXT DEFAULT 'global' NOT NULL
        CONSTRAINT ck_agents_tier CHECK (tier IN ('project', 'global', 'packaged', 'fallback')),
    can_spawn INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_agents_can_spawn CHECK (can_spawn IN (0, 1)),
    orch_level INTEGER DEFAULT 2 NOT NULL
        CONSTRAINT ck_agents_orch_level CHECK (orch_level BETWEEN 0 AND 2),
    reports_to TEXT,
    cant_path TEXT,
    cant_sha256 TEXT,
    installed_from TEXT
        CONSTRAINT ck_agents_installed_from CHECK (installed_from IN ('seed', 'user', 'manual')),
    installed_at TEXT
        CONSTRAINT ck_agents_installed_at CHECK (installed_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    sync_enabled INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_agents_sync_enabled CHECK (sync_enabled IN (0, 1)),
    origin TEXT DEFAULT 'local' NOT NULL,
    version INTEGER DEFAULT 1 NOT NULL
        CONSTRAINT ck_agents_version CHECK (version >= 1),
    created_at TEXT NOT NULL
        CONSTRAINT ck_agents_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    updated_at TEXT NOT NULL
        CONSTRAINT ck_agents_updated_at CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_agents PRIMARY KEY (id),
    CONSTRAINT uq_agents_agent_id UNIQUE (agent_id),
    CONSTRAINT fk_agents_owner_id FOREIGN KEY(owner_id) REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT fk_agents_organization_id FOREIGN KEY(organization_id) REFERENCES organization (id) ON DELETE SET NULL,
    CONSTRAINT uq_agents_api_key_hash UNIQUE (api_key_hash),
    CONSTRAINT uq_agents_api_key_hash_prev UNIQUE (api_key_hash_prev),
    CONSTRAINT fk_agents_reports_to FOREIGN KEY(reports_to) REFERENCES agents (agent_id) ON DELETE SET NULL
) STRICT""",
    """\
CREATE TABLE organization_members (
    organization_id TEXT NOT NULL
        CONSTRAINT ck_organization_members_organization_id CHECK (organization_id GLOB '????????-????-????-????-????????????' AND organization_id NOT GLOB '*[^0-9a-f-]*'),
    user_id TEXT NOT NULL
        CONSTRAINT ck_organization_members_user_id CHECK (user_id GLOB '????????-????-????-????-????????????' AND user_id NOT GLOB '*[^0-9a-f-]*'),
    role TEXT DEFAULT 'member' NOT NULL
        CONSTRAINT ck_organization_members_role CHECK (role IN ('owner', 'admin', 'member')),
    joined_at TEXT NOT NULL
        CONSTRAINT ck_organization_members_joined_at CHECK (joined_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_organization_members PRIMARY KEY (organization_id, user_id),
    CONSTRAINT fk_organization_members_organization_id FOREIGN KEY(organization_id) REFERENCES organization (id) ON DELETE CASCADE,
    CONSTRAINT fk_organization_members_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
) STRICT""",
    """\
CREATE TABLE sessions (
    id TEXT NOT NULL
        CONSTRAINT ck_sessions_id CHECK (id GLOB '????????-????-????-????-????????????' AND id NOT GLOB '*[^0-9a-f-]*'),
    user_id TEXT NOT NULL
        CONSTRAINT ck_sessions_user_id CHECK (user_id GLOB '????????-????-????-????-????????????' AND user_id NOT GLOB '*[^0-9a-f-]*'),
    token_hash TEXT NOT NULL,
    csrf_hash TEXT NOT NULL,
    ip_address TEXT,
    user_agent TEXT,
    expires_at TEXT NOT NULL
        CONSTRAINT ck_sessions_expires_at CHECK (expires_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    last_seen_at TEXT NOT NULL
        CONSTRAINT ck_sessions_last_seen_at CHECK (last_seen_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    active_organization_id TEXT
        CONSTRAINT ck_sessions_active_organization_id CHECK (active_organization_id GLOB '????????-????-????-????-????????????' AND active_organization_id NOT GLOB '*[^0-9a-f-]*'),
    active INTEGER DEFAULT 1 NOT NULL
        CONSTRAINT ck_sessions_active CHECK (active IN (0, 1)),
    created_at TEXT NOT NULL
        CONSTRAINT ck_sessions_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    updated_at TEXT NOT NULL
        CONSTRAINT ck_sessions_updated_at CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_sessions PRIMARY KEY (id),
    CONSTRAINT fk_sessions_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT uq_sessions_token_hash UNIQUE (token_hash),
    CONSTRAINT fk_sessions_active_organization_id FOREIGN KEY(active_organization_id) REFERENCES organization (id) ON DELETE SET NULL
) STRICT""",
    """\
CREATE TABLE agent_capabilities (
    agent_id TEXT NOT NULL,
    capability_id TEXT NOT NULL,
    attached_at TEXT NOT NULL
        CONSTRAINT ck_agent_capabilities_attached_at CHECK (attached_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_agent_capabilities PRIMARY KEY (agent_id, capability_id),
    CONSTRAINT fk_agent_capabilities_agent_id FOREIGN KEY(agent_id) REFERENCES agents (agent_id) ON DELETE CASCADE,
    CONSTRAINT fk_agent_capabilities_capability_id FOREIGN KEY(capability_id) REFERENCES capabilities (id)
) STRICT""",
    """\
CREATE TABLE agent_connections (
    id TEXT NOT NULL
        CONSTRAINT ck_agent_connections_id CHECK (id GLOB '????????-????-????-????-????????????' AND id NOT GLOB '*[^0-9a-f-]*'),
    agent_id TEXT NOT NULL,
    transport_type TEXT NOT NULL
        CONSTRAINT ck_agent_connections_transport_type CHECK (transport_type IN ('sse', 'websocket')),
    connection_id TEXT NOT NULL,
    process_id TEXT NOT NULL,
    connected_at TEXT NOT NULL
        CONSTRAINT ck_agent_connections_connected_at CHECK (connected_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    last_heartbeat TEXT NOT NULL
        CONSTRAINT ck_agent_connections_last_heartbeat CHECK (last_heartbeat GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    connection_metadata TEXT
        CONSTRAINT ck_agent_connections_connection_metadata CHECK (connection_metadata IS NULL OR json_valid(connection_metadata)),
    created_at TEXT NOT NULL
        CONSTRAINT ck_agent_connections_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_agent_connections PRIMARY KEY (id),
    CONSTRAINT fk_agent_connections_agent_id FOREIGN KEY(agent_id) REFERENCES agents (agent_id) ON DELETE CASCADE
) STRICT""",
    """\
CREATE TABLE agent_skills (
    agent_id TEXT NOT NULL,
    skill_id TEXT NOT NULL,
    source TEXT DEFAULT 'manual' NOT NULL
        CONSTRAINT ck_agent_skills_source CHECK (source IN ('cant', 'manual', 'computed')),
    attached_at TEXT NOT NULL
        CONSTRAINT ck_agent_skills_attached_at CHECK (attached_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_agent_skills PRIMARY KEY (agent_id, skill_id),
    CONSTRAINT fk_agent_skills_agent_id FOREIGN KEY(agent_id) REFERENCES agents (agent_id) ON DELETE CASCADE,
    CONSTRAINT fk_agent_skills_skill_id FOREIGN KEY(skill_id) REFERENCES skills (id)
) STRICT""",
    """\
CREATE TABLE claim_codes (
    id TEXT NOT NULL
        CONSTRAINT ck_claim_codes_id CHECK (id GLOB '????????-????-????-????-????????????' AND id NOT GLOB '*[^0-9a-f-]*'),
    agent_id TEXT NOT NULL,
    code_hash TEXT NOT NULL,
    expires_at TEXT NOT NULL
        CONSTRAINT ck_claim_codes_expires_at CHECK (expires_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    used_at TEXT
        CONSTRAINT ck_claim_codes_used_at CHECK (used_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    used_by TEXT
        CONSTRAINT ck_claim_codes_used_by CHECK (used_by GLOB '????????-????-????-????-????????????' AND used_by NOT GLOB '*[^0-9a-f-]*'),
    created_at TEXT NOT NULL
        CONSTRAINT ck_claim_codes_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_claim_codes PRIMARY KEY (id),
    CONSTRAINT fk_claim_codes_agent_id FOREIGN KEY(agent_id) REFERENCES agents (agent_id) ON DELETE CASCADE,
    CONSTRAINT uq_claim_codes_code_hash UNIQUE (code_hash),
    CONSTRAINT fk_claim_codes_used_by FOREIGN KEY(used_by) REFERENCES users (id) ON DELETE SET NULL
) STRICT""",
    """\
CREATE TABLE org_agent_keys (
    id TEXT NOT NULL
        CONSTRAINT ck_org_agent_keys_id CHECK (id GLOB '????????-????-????-????-????????????' AND id NOT GLOB '*[^0-9a-f-]*'),
    organization_id TEXT NOT NULL
        CONSTRAINT ck_org_agent_keys_organization_id CHECK (organization_id GLOB '????????-????-????-????-????????????' AND organization_id NOT GLOB '*[^0-9a-f-]*'),
    agent_id TEXT NOT NULL,
    key_hash TEXT,
    label TEXT DEFAULT '' NOT NULL,
    scopes TEXT DEFAULT '["send","read"]' NOT NULL
        CONSTRAINT ck_org_agent_keys_scopes CHECK (json_valid(scopes) AND json_type(scopes) = 'array'),
    created_by TEXT NOT NULL,
    created_at TEXT NOT NULL
        CONSTRAINT ck_org_agent_keys_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    last_used_at TEXT
        CONSTRAINT ck_org_agent_keys_last_used_at CHECK (last_used_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    expires_at TEXT
        CONSTRAINT ck_org_agent_keys_expires_at CHECK (expires_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    revoked_at TEXT
        CONSTRAINT ck_org_agent_keys_revoked_at CHECK (revoked_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_org_agent_keys PRIMARY KEY (id),
    CONSTRAINT fk_org_agent_keys_organization_id FOREIGN KEY(organization_id) REFERENCES organization (id) ON DELETE CASCADE,
    CONSTRAINT fk_org_agent_keys_agent_id FOREIGN KEY(agent_id) REFERENCES agents (agent_id) ON DELETE CASCADE,
    CONSTRAINT uq_org_agent_keys_key_hash UNIQUE (key_hash)
) STRICT""",
    """\
CREATE TABLE relay_inboxes (
    agent_id TEXT NOT NULL,
    last_seq INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_relay_inboxes_last_seq CHECK (last_seq >= 0),
    sent INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_relay_inboxes_sent CHECK (sent >= 0),
    received INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_relay_inboxes_received CHECK (received >= 0),
    CONSTRAINT pk_relay_inboxes PRIMARY KEY (agent_id),
    CONSTRAINT fk_relay_inboxes_agent_id FOREIGN KEY(agent_id) REFERENCES agents (agent_id) ON DELETE CASCADE
) STRICT""",
    """\
CREATE INDEX ix_idempotency_keys_expires_at ON idempotency_keys (expires_at)""",
    """\
CREATE INDEX ix_relay_dead_letters_message_id ON relay_dead_letters (message_id)""",
    """\
CREATE INDEX ix_relay_dead_letters_waiting ON relay_dead_letters (created_at)
WHERE replayed_at IS NULL""",
    """\
CREATE INDEX ix_relay_jobs_due ON relay_jobs (state, next_attempt_at)
WHERE state IN ('pending', 'leased', 'parked')""",
    """\
CREATE INDEX ix_relay_receipts_message_id ON relay_receipts (message_id)""",
    """\
CREATE INDEX ix_relay_receipts_open ON relay_receipts (agent_id, seq)
WHERE state IN ('pending', 'relayed', 'delivered')""",
    """\
CREATE INDEX ix_signaldock_audit_subject_kind_subject_id_seq ON signaldock_audit (subject_kind, subject_id, seq)""",
    """\
CREATE INDEX ix_sync_outbox_state_next_attempt_at ON sync_outbox (state, next_attempt_at)""",
    """\
CREATE UNIQUE INDEX uq_users_email_lower ON users (lower(email))""",
    """\
CREATE UNIQUE INDEX uq_users_username_lower ON users (lower(username))""",
    """\
CREATE INDEX ix_verifications_identifier ON verifications (identifier)""",
    """\
CREATE INDEX ix_accounts_user_id ON accounts (user_id)""",
    """\
CREATE INDEX ix_relay_messages_from_agent_id_created_at ON relay_messages (from_agent_id, created_at)""",
    """\
CREATE INDEX ix_relay_participants_agent_id ON relay_participants (agent_id)""",
    """\
CREATE INDEX ix_agents_class ON agents (class)""",
    """\
CREATE INDEX ix_agents_is_active ON agents (is_active)""",
    """\
CREATE INDEX ix_agents_last_used_at ON agents (last_used_at)""",
    """\
CREATE INDEX ix_agents_organization_id ON agents (organization_id)""",
    """\
CREATE INDEX ix_agents_owner_id ON agents (owner_id)""",
    """\
CREATE INDEX ix_agents_privacy_tier ON agents (privacy_tier)""",
    """\
CREATE INDEX ix_agents_reports_to ON agents (reports_to)""",
    """\
CREATE INDEX ix_agents_requires_reauth ON agents (agent_id)
WHERE requires_reauth = 1""",
    """\
CREATE INDEX ix_agents_tier ON agents (tier)""",
    """\
CREATE INDEX ix_agents_transport_type ON agents (transport_type)""",
    """\
CREATE UNIQUE INDEX uq_agents_agent_id_lower ON agents (lower(agent_id))""",
    """\
CREATE INDEX ix_organization_members_user_id ON organization_members (user_id)""",
    """\
CREATE INDEX ix_sessions_user_id ON sessions (user_id)""",
    """\
CREATE INDEX ix_agent_capabilities_capability_id ON agent_capabilities (capability_id)""",
    """\
CREATE INDEX ix_agent_connections_last_heartbeat ON agent_connections (last_heartbeat)""",
    """\
CREATE UNIQUE INDEX uq_agent_connections_agent_id_connection_id ON agent_connections (agent_id, connection_id)""",
    """\
CREATE INDEX ix_agent_skills_skill_id ON agent_skills (skill_id)""",
    """\
CREATE INDEX ix_agent_skills_source ON agent_skills (source)""",
    """\
CREATE INDEX ix_claim_codes_agent_id ON claim_codes (agent_id)""",
    """\
CREATE INDEX ix_org_agent_keys_agent_id ON org_agent_keys (agent_id)""",
    """\
CREATE INDEX ix_org_agent_keys_organization_id ON org_agent_keys (organization_id)""",
    """\
INSERT INTO capabilities (id, slug, name, category, created_at) VALUES
    ('cap_chat', 'chat', 'Chat', 'communication', :now),
    ('cap_messaging', 'messaging', 'Messaging', 'communication', :now),
    ('cap_streaming', 'streaming', 'Streaming', 'communication', :now),
    ('cap_webhooks', 'webhooks', 'Webhooks', 'communication', :now),
    ('cap_tools', 'tools', 'Tools', 'execution', :now),
    ('cap_file_operations', 'file_operations', 'File operations', 'execution', :now),
    ('cap_automation', 'automation', 'Automation', 'execution', :now),
    ('cap_file_upload', 'file_upload', 'File upload', 'execution', :now),
    ('cap_autonomous', 'autonomous', 'Autonomous', 'execution', :now),
    ('cap_code_generation', 'code_generation', 'Code generation', 'development', :now),
    ('cap_code_review', 'code_review', 'Code review', 'development', :now),
    ('cap_testing', 'testing', 'Testing', 'development', :now),
    ('cap_git', 'git', 'Git', 'development', :now),
    ('cap_search', 'search', 'Search', 'analysis', :now),
    ('cap_web_browsing', 'web_browsing', 'Web browsing', 'analysis', :now),
    ('cap_reasoning', 'reasoning', 'Reasoning', 'analysis', :now),
    ('cap_orchestration', 'orchestration', 'Orchestration', 'coordination', :now),
    ('cap_deployment', 'deployment', 'Deployment', 'devops', :now),
    ('cap_monitoring', 'monitoring', 'Monitoring', 'devops', :now)""",
    """\
INSERT INTO skills (id, slug, name, category, created_at) VALUES
    ('skl_typescript', 'typescript', 'TypeScript', 'language', :now),
    ('skl_javascript', 'javascript', 'JavaScript', 'language', :now),
    ('skl_python', 'python', 'Python', 'language', :now),
    ('skl_rust', 'rust', 'Rust', 'language', :now),
    ('skl_go', 'go', 'Go', 'language', :now),
    ('skl_java', 'java', 'Java', 'language', :now),
    ('skl_csharp', 'csharp', 'C#', 'language', :now),
    ('skl_sql', 'sql', 'SQL', 'language', :now),
    ('skl_bash', 'bash', 'Bash', 'language', :now),
    ('skl_react', 'react', 'React', 'framework', :now),
    ('skl_nextjs', 'nextjs', 'Next.js', 'framework', :now),
    ('skl_svelte', 'svelte', 'Svelte', 'framework', :now),
    ('skl_express', 'express', 'Express', 'framework', :now),
    ('skl_axum', 'axum', 'Axum', 'framework', :now),
    ('skl_django', 'django', 'Django', 'framework', :now),
    ('skl_electron', 'electron', 'Electron', 'framework', :now),
    ('skl_sqlite', 'sqlite', 'SQLite', 'database', :now),
    ('skl_postgres', 'postgres', 'PostgreSQL', 'database', :now),
    ('skl_redis', 'redis', 'Redis', 'database', :now),
    ('skl_drizzle_orm', 'drizzle_orm', 'Drizzle ORM', 'database', :now),
    ('skl_diesel', 'diesel', 'Diesel', 'database', :now),
    ('skl_api_design', 'api_design', 'API design', 'practice', :now),
    ('skl_testing', 'testing', 'Testing', 'practice', :now),
    ('skl_devops', 'devops', 'DevOps', 'practice', :now),
    ('skl_security', 'security', 'Security', 'practice', :now),
    ('skl_architecture', 'architecture', 'Architecture', 'practice', :now),
    ('skl_documentation', 'documentation', 'Documentation', 'practice', :now),
    ('skl_code_review', 'code_review', 'Code review', 'practice', :now),
    ('skl_debugging', 'debugging', 'Debugging', 'practice', :now),
    ('skl_sse', 'sse', 'SSE', 'practice', :now),
    ('skl_webhooks', 'webhooks', 'Webhooks', 'practice', :now),
    ('skl_orchestration', 'orchestration', 'Orchestration', 'practice', :now),
    ('skl_task_management', 'task_management', 'Task management', 'practice', :now),
    ('skl_research', 'research', 'Research', 'practice', :now),
    ('skl_web_development', 'web_development', 'Web development', 'practice', :now),
    ('skl_monorepo', 'monorepo', 'Monorepo', 'practice', :now)""",
    """\
INSERT INTO signaldock_meta (key, value) VALUES
    ('store', 'cleo-signaldock'),
    ('schema_version', 'signaldock_0001'),
    ('key_generation', '0')""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        execute(statement)


def downgrade() -> None:
    raise NotImplementedError(
        "migrations only go forward: to return to an earlier schema, restore a snapshot of the file"
    )
