"""The first schema of the message store."""
# ruff: noqa: E501

from __future__ import annotations

from cleo_core.migrate import execute

revision = "conduit_0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS: tuple[str, ...] = (
    """\
CREATE TABLE attachment_blobs (
    hash TEXT NOT NULL,
    codec TEXT NOT NULL
        CONSTRAINT ck_attachment_blobs_codec CHECK (codec IN ('raw', 'zlib')),
    content BLOB NOT NULL,
    original_size INTEGER NOT NULL,
    compressed_size INTEGER NOT NULL,
    created_at TEXT NOT NULL
        CONSTRAINT ck_attachment_blobs_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_attachment_blobs PRIMARY KEY (hash)
) STRICT""",
    """\
CREATE TABLE conduit_audit (
    seq INTEGER NOT NULL,
    at TEXT NOT NULL
        CONSTRAINT ck_conduit_audit_at CHECK (at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    details TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_conduit_audit_details CHECK (json_valid(details) AND json_type(details) = 'object'),
    CONSTRAINT pk_conduit_audit PRIMARY KEY (seq)
) STRICT""",
    """\
CREATE TABLE conduit_meta (
    "key" TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT pk_conduit_meta PRIMARY KEY ("key")
) WITHOUT ROWID, STRICT""",
    """\
CREATE TABLE conversations (
    id TEXT NOT NULL
        CONSTRAINT ck_conversations_id CHECK (id GLOB '????????-????-????-????-????????????' AND id NOT GLOB '*[^0-9a-f-]*'),
    kind TEXT NOT NULL
        CONSTRAINT ck_conversations_kind CHECK (kind IN ('dm', 'group', 'topic')),
    visibility TEXT DEFAULT 'private' NOT NULL
        CONSTRAINT ck_conversations_visibility CHECK (visibility IN ('private', 'shared', 'public')),
    dm_key TEXT,
    topic TEXT,
    epic_id TEXT,
    wave INTEGER
        CONSTRAINT ck_conversations_wave CHECK (wave >= 0),
    title TEXT,
    created_by TEXT NOT NULL
        CONSTRAINT ck_conversations_created_by CHECK (created_by GLOB '[A-Za-z0-9]*' AND created_by NOT GLOB '*[^A-Za-z0-9._-]*' AND length(created_by) <= 128),
    message_count INTEGER DEFAULT 0 NOT NULL,
    last_seq INTEGER,
    last_message_at TEXT
        CONSTRAINT ck_conversations_last_message_at CHECK (last_message_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    archived_at TEXT
        CONSTRAINT ck_conversations_archived_at CHECK (archived_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    created_at TEXT NOT NULL
        CONSTRAINT ck_conversations_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    updated_at TEXT NOT NULL
        CONSTRAINT ck_conversations_updated_at CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_conversations PRIMARY KEY (id),
    CONSTRAINT ck_conversations_dm CHECK ((kind = 'dm') = (dm_key IS NOT NULL)),
    CONSTRAINT ck_conversations_named_topic CHECK ((kind = 'topic') = (topic IS NOT NULL)),
    CONSTRAINT uq_conversations_dm_key UNIQUE (dm_key),
    CONSTRAINT uq_conversations_topic UNIQUE (topic)
) STRICT""",
    """\
CREATE TABLE dead_letters (
    id TEXT NOT NULL
        CONSTRAINT ck_dead_letters_id CHECK (id GLOB '????????-????-????-????-????????????' AND id NOT GLOB '*[^0-9a-f-]*'),
    job_id TEXT
        CONSTRAINT ck_dead_letters_job_id CHECK (job_id GLOB '????????-????-????-????-????????????' AND job_id NOT GLOB '*[^0-9a-f-]*'),
    message_id TEXT NOT NULL
        CONSTRAINT ck_dead_letters_message_id CHECK (message_id GLOB '????????-????-????-????-????????????' AND message_id NOT GLOB '*[^0-9a-f-]*'),
    recipient TEXT NOT NULL
        CONSTRAINT ck_dead_letters_recipient CHECK (recipient GLOB '[A-Za-z0-9]*' AND recipient NOT GLOB '*[^A-Za-z0-9._-]*' AND length(recipient) <= 128),
    transport TEXT NOT NULL,
    payload TEXT NOT NULL
        CONSTRAINT ck_dead_letters_payload CHECK (json_valid(payload)),
    reason TEXT NOT NULL
        CONSTRAINT ck_dead_letters_reason CHECK (reason IN ('max_attempts', 'permanent', 'undecodable', 'expired', 'recipient_removed')),
    last_error TEXT,
    last_status INTEGER,
    attempts INTEGER NOT NULL,
    history TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_dead_letters_history CHECK (json_valid(history) AND json_type(history) = 'array'),
    replays INTEGER DEFAULT 0 NOT NULL,
    replay_job_id TEXT
        CONSTRAINT ck_dead_letters_replay_job_id CHECK (replay_job_id GLOB '????????-????-????-????-????????????' AND replay_job_id NOT GLOB '*[^0-9a-f-]*'),
    replayed_at TEXT
        CONSTRAINT ck_dead_letters_replayed_at CHECK (replayed_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    created_at TEXT NOT NULL
        CONSTRAINT ck_dead_letters_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_dead_letters PRIMARY KEY (id)
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
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (actor, verb, "key")
) WITHOUT ROWID, STRICT""",
    """\
CREATE TABLE leases (
    id TEXT NOT NULL
        CONSTRAINT ck_leases_id CHECK (id GLOB '????????-????-????-????-????????????' AND id NOT GLOB '*[^0-9a-f-]*'),
    agent_id TEXT NOT NULL
        CONSTRAINT ck_leases_agent_id CHECK (agent_id GLOB '[A-Za-z0-9]*' AND agent_id NOT GLOB '*[^A-Za-z0-9._-]*' AND length(agent_id) <= 128),
    pattern TEXT NOT NULL,
    namespace TEXT NOT NULL
        CONSTRAINT ck_leases_namespace CHECK (namespace IN ('file', 'tool', 'resource')),
    mode TEXT NOT NULL
        CONSTRAINT ck_leases_mode CHECK (mode IN ('exclusive', 'shared')),
    reason TEXT,
    task_id TEXT,
    fence INTEGER NOT NULL,
    acquired_at TEXT NOT NULL
        CONSTRAINT ck_leases_acquired_at CHECK (acquired_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    renewed_at TEXT NOT NULL
        CONSTRAINT ck_leases_renewed_at CHECK (renewed_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    expires_at TEXT NOT NULL
        CONSTRAINT ck_leases_expires_at CHECK (expires_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    released_at TEXT
        CONSTRAINT ck_leases_released_at CHECK (released_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    release_kind TEXT
        CONSTRAINT ck_leases_release_kind CHECK (release_kind IN ('released', 'expired', 'broken')),
    broken_by TEXT,
    CONSTRAINT pk_leases PRIMARY KEY (id),
    CONSTRAINT uq_leases_fence UNIQUE (fence)
) STRICT""",
    """\
CREATE TABLE project_agent_refs (
    agent_id TEXT NOT NULL
        CONSTRAINT ck_project_agent_refs_agent_id CHECK (agent_id GLOB '[A-Za-z0-9]*' AND agent_id NOT GLOB '*[^A-Za-z0-9._-]*' AND length(agent_id) <= 128),
    attached_at TEXT NOT NULL
        CONSTRAINT ck_project_agent_refs_attached_at CHECK (attached_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    attached_by TEXT,
    role TEXT,
    capabilities_override TEXT
        CONSTRAINT ck_project_agent_refs_capabilities_override CHECK (capabilities_override IS NULL OR (json_valid(capabilities_override) AND json_type(capabilities_override) = 'object')),
    last_used_at TEXT
        CONSTRAINT ck_project_agent_refs_last_used_at CHECK (last_used_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    enabled INTEGER DEFAULT 1 NOT NULL
        CONSTRAINT ck_project_agent_refs_enabled CHECK (enabled IN (0, 1)),
    detached_at TEXT
        CONSTRAINT ck_project_agent_refs_detached_at CHECK (detached_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    token_hash TEXT,
    updated_at TEXT NOT NULL
        CONSTRAINT ck_project_agent_refs_updated_at CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_project_agent_refs PRIMARY KEY (agent_id)
) STRICT""",
    """\
CREATE TABLE remote_cursors (
    agent_id TEXT NOT NULL
        CONSTRAINT ck_remote_cursors_agent_id CHECK (agent_id GLOB '[A-Za-z0-9]*' AND agent_id NOT GLOB '*[^A-Za-z0-9._-]*' AND length(agent_id) <= 128),
    base_url TEXT NOT NULL,
    last_seq INTEGER DEFAULT 0 NOT NULL,
    updated_at TEXT NOT NULL
        CONSTRAINT ck_remote_cursors_updated_at CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_remote_cursors PRIMARY KEY (agent_id, base_url)
) WITHOUT ROWID, STRICT""",
    """\
CREATE TABLE attachments (
    slug TEXT NOT NULL
        CONSTRAINT ck_attachments_slug CHECK (slug GLOB '[a-z0-9]*' AND slug NOT GLOB '*[^a-z0-9-]*' AND length(slug) <= 64),
    conversation_id TEXT
        CONSTRAINT ck_attachments_conversation_id CHECK (conversation_id GLOB '????????-????-????-????-????????????' AND conversation_id NOT GLOB '*[^0-9a-f-]*'),
    from_agent_id TEXT NOT NULL
        CONSTRAINT ck_attachments_from_agent_id CHECK (from_agent_id GLOB '[A-Za-z0-9]*' AND from_agent_id NOT GLOB '*[^A-Za-z0-9._-]*' AND length(from_agent_id) <= 128),
    title TEXT,
    format TEXT DEFAULT 'text' NOT NULL
        CONSTRAINT ck_attachments_format CHECK (format IN ('text', 'markdown', 'json', 'code', 'diff', 'binary')),
    mode TEXT DEFAULT 'draft' NOT NULL
        CONSTRAINT ck_attachments_mode CHECK (mode IN ('draft', 'review', 'locked', 'archived')),
    required_approvals INTEGER DEFAULT 1 NOT NULL
        CONSTRAINT ck_attachments_required_approvals CHECK (required_approvals >= 0),
    current_version INTEGER NOT NULL,
    version_count INTEGER NOT NULL,
    content_hash TEXT NOT NULL,
    original_size INTEGER NOT NULL,
    compressed_size INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    expires_at TEXT
        CONSTRAINT ck_attachments_expires_at CHECK (expires_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    created_at TEXT NOT NULL
        CONSTRAINT ck_attachments_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    updated_at TEXT NOT NULL
        CONSTRAINT ck_attachments_updated_at CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_attachments PRIMARY KEY (slug),
    CONSTRAINT fk_attachments_conversation_id FOREIGN KEY(conversation_id) REFERENCES conversations (id) ON DELETE SET NULL
) STRICT""",
    """\
CREATE TABLE messages (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL
        CONSTRAINT ck_messages_id CHECK (id GLOB '????????-????-????-????-????????????' AND id NOT GLOB '*[^0-9a-f-]*'),
    conversation_id TEXT NOT NULL
        CONSTRAINT ck_messages_conversation_id CHECK (conversation_id GLOB '????????-????-????-????-????????????' AND conversation_id NOT GLOB '*[^0-9a-f-]*'),
    from_agent_id TEXT NOT NULL
        CONSTRAINT ck_messages_from_agent_id CHECK (from_agent_id GLOB '[A-Za-z0-9]*' AND from_agent_id NOT GLOB '*[^A-Za-z0-9._-]*' AND length(from_agent_id) <= 128),
    verified INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_messages_verified CHECK (verified IN (0, 1)),
    subject TEXT
        CONSTRAINT ck_messages_subject CHECK (length(subject) <= 200),
    content TEXT NOT NULL
        CONSTRAINT ck_messages_content CHECK (length(CAST(content AS BLOB)) <= 65536),
    content_type TEXT DEFAULT 'text' NOT NULL
        CONSTRAINT ck_messages_content_type CHECK (content_type IN ('text', 'image', 'file', 'video', 'audio', 'link', 'rich_text', 'mixed')),
    kind TEXT DEFAULT 'message' NOT NULL
        CONSTRAINT ck_messages_kind CHECK (kind IN ('message', 'request', 'notify', 'bounce', 'lifecycle')),
    importance TEXT DEFAULT 'normal' NOT NULL
        CONSTRAINT ck_messages_importance CHECK (importance IN ('low', 'normal', 'high', 'urgent')),
    ack_required INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_messages_ack_required CHECK (ack_required IN (0, 1)),
    ack_due_at TEXT
        CONSTRAINT ck_messages_ack_due_at CHECK (ack_due_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    attachments TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_messages_attachments CHECK (json_valid(attachments) AND json_type(attachments) = 'array'),
    payload TEXT
        CONSTRAINT ck_messages_payload CHECK (payload IS NULL OR json_valid(payload)),
    metadata TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_messages_metadata CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    reply_to TEXT
        CONSTRAINT ck_messages_reply_to CHECK (reply_to GLOB '????????-????-????-????-????????????' AND reply_to NOT GLOB '*[^0-9a-f-]*'),
    thread_id TEXT NOT NULL
        CONSTRAINT ck_messages_thread_id CHECK (thread_id GLOB '????????-????-????-????-????????????' AND thread_id NOT GLOB '*[^0-9a-f-]*'),
    expires_at TEXT
        CONSTRAINT ck_messages_expires_at CHECK (expires_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    origin TEXT DEFAULT 'local' NOT NULL,
    body_hash TEXT NOT NULL,
    redacted_at TEXT
        CONSTRAINT ck_messages_redacted_at CHECK (redacted_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    created_at TEXT NOT NULL
        CONSTRAINT ck_messages_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT uq_messages_id UNIQUE (id),
    CONSTRAINT fk_messages_conversation_id FOREIGN KEY(conversation_id) REFERENCES conversations (id),
    CONSTRAINT fk_messages_reply_to FOREIGN KEY(reply_to) REFERENCES messages (id) ON DELETE SET NULL
) STRICT""",
    """\
CREATE TABLE participants (
    conversation_id TEXT NOT NULL
        CONSTRAINT ck_participants_conversation_id CHECK (conversation_id GLOB '????????-????-????-????-????????????' AND conversation_id NOT GLOB '*[^0-9a-f-]*'),
    agent_id TEXT NOT NULL
        CONSTRAINT ck_participants_agent_id CHECK (agent_id GLOB '[A-Za-z0-9]*' AND agent_id NOT GLOB '*[^A-Za-z0-9._-]*' AND length(agent_id) <= 128),
    role TEXT DEFAULT 'member' NOT NULL
        CONSTRAINT ck_participants_role CHECK (role IN ('owner', 'member', 'observer')),
    joined_seq INTEGER DEFAULT 0 NOT NULL,
    joined_at TEXT NOT NULL
        CONSTRAINT ck_participants_joined_at CHECK (joined_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    left_seq INTEGER,
    left_at TEXT
        CONSTRAINT ck_participants_left_at CHECK (left_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    muted INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_participants_muted CHECK (muted IN (0, 1)),
    filter TEXT
        CONSTRAINT ck_participants_filter CHECK (filter IS NULL OR (json_valid(filter) AND json_type(filter) = 'object')),
    CONSTRAINT pk_participants PRIMARY KEY (conversation_id, agent_id),
    CONSTRAINT fk_participants_conversation_id FOREIGN KEY(conversation_id) REFERENCES conversations (id) ON DELETE CASCADE
) WITHOUT ROWID, STRICT""",
    """\
CREATE TABLE attachment_approvals (
    id TEXT NOT NULL
        CONSTRAINT ck_attachment_approvals_id CHECK (id GLOB '????????-????-????-????-????????????' AND id NOT GLOB '*[^0-9a-f-]*'),
    slug TEXT NOT NULL,
    reviewer_agent_id TEXT NOT NULL
        CONSTRAINT ck_attachment_approvals_reviewer_agent_id CHECK (reviewer_agent_id GLOB '[A-Za-z0-9]*' AND reviewer_agent_id NOT GLOB '*[^A-Za-z0-9._-]*' AND length(reviewer_agent_id) <= 128),
    version_reviewed INTEGER NOT NULL,
    status TEXT DEFAULT 'pending' NOT NULL
        CONSTRAINT ck_attachment_approvals_status CHECK (status IN ('pending', 'approved', 'rejected')),
    comment TEXT,
    created_at TEXT NOT NULL
        CONSTRAINT ck_attachment_approvals_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    updated_at TEXT NOT NULL
        CONSTRAINT ck_attachment_approvals_updated_at CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_attachment_approvals PRIMARY KEY (id),
    CONSTRAINT uq_attachment_approvals_slug_reviewer_agent_id_version_reviewed UNIQUE (slug, reviewer_agent_id, version_reviewed),
    CONSTRAINT fk_attachment_approvals_slug FOREIGN KEY(slug) REFERENCES attachments (slug) ON DELETE CASCADE
) STRICT""",
    """\
CREATE TABLE attachment_contributors (
    slug TEXT NOT NULL,
    agent_id TEXT NOT NULL
        CONSTRAINT ck_attachment_contributors_agent_id CHECK (agent_id GLOB '[A-Za-z0-9]*' AND agent_id NOT GLOB '*[^A-Za-z0-9._-]*' AND length(agent_id) <= 128),
    version_count INTEGER DEFAULT 0 NOT NULL,
    total_tokens_added INTEGER DEFAULT 0 NOT NULL,
    total_tokens_removed INTEGER DEFAULT 0 NOT NULL,
    first_contribution_at TEXT NOT NULL
        CONSTRAINT ck_attachment_contributors_first_contribution_at CHECK (first_contribution_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    last_contribution_at TEXT NOT NULL
        CONSTRAINT ck_attachment_contributors_last_contribution_at CHECK (last_contribution_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_attachment_contributors PRIMARY KEY (slug, agent_id),
    CONSTRAINT fk_attachment_contributors_slug FOREIGN KEY(slug) REFERENCES attachments (slug) ON DELETE CASCADE
) WITHOUT ROWID, STRICT""",
    """\
CREATE TABLE attachment_versions (
    id TEXT NOT NULL
        CONSTRAINT ck_attachment_versions_id CHECK (id GLOB '????????-????-????-????-????????????' AND id NOT GLOB '*[^0-9a-f-]*'),
    slug TEXT NOT NULL,
    version_number INTEGER NOT NULL
        CONSTRAINT ck_attachment_versions_version_number CHECK (version_number >= 1),
    base_version INTEGER,
    author_agent_id TEXT NOT NULL
        CONSTRAINT ck_attachment_versions_author_agent_id CHECK (author_agent_id GLOB '[A-Za-z0-9]*' AND author_agent_id NOT GLOB '*[^A-Za-z0-9._-]*' AND length(author_agent_id) <= 128),
    change_type TEXT NOT NULL
        CONSTRAINT ck_attachment_versions_change_type CHECK (change_type IN ('initial', 'patch', 'full_replace')),
    patch_text TEXT
        CONSTRAINT ck_attachment_versions_patch_text CHECK (patch_text IS NULL OR change_type = 'patch'),
    content_hash TEXT NOT NULL,
    original_size INTEGER NOT NULL,
    compressed_size INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    change_summary TEXT,
    sections_modified TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_attachment_versions_sections_modified CHECK (json_valid(sections_modified) AND json_type(sections_modified) = 'array'),
    tokens_added INTEGER DEFAULT 0 NOT NULL,
    tokens_removed INTEGER DEFAULT 0 NOT NULL,
    created_at TEXT NOT NULL
        CONSTRAINT ck_attachment_versions_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_attachment_versions PRIMARY KEY (id),
    CONSTRAINT uq_attachment_versions_slug_version_number UNIQUE (slug, version_number),
    CONSTRAINT fk_attachment_versions_slug FOREIGN KEY(slug) REFERENCES attachments (slug) ON DELETE CASCADE,
    CONSTRAINT fk_attachment_versions_content_hash FOREIGN KEY(content_hash) REFERENCES attachment_blobs (hash)
) STRICT""",
    """\
CREATE TABLE delivery_jobs (
    id TEXT NOT NULL
        CONSTRAINT ck_delivery_jobs_id CHECK (id GLOB '????????-????-????-????-????????????' AND id NOT GLOB '*[^0-9a-f-]*'),
    message_seq INTEGER NOT NULL,
    recipient TEXT NOT NULL
        CONSTRAINT ck_delivery_jobs_recipient CHECK (recipient GLOB '[A-Za-z0-9]*' AND recipient NOT GLOB '*[^A-Za-z0-9._-]*' AND length(recipient) <= 128),
    transport TEXT NOT NULL,
    payload TEXT NOT NULL
        CONSTRAINT ck_delivery_jobs_payload CHECK (json_valid(payload)),
    state TEXT DEFAULT 'pending' NOT NULL
        CONSTRAINT ck_delivery_jobs_state CHECK (state IN ('pending', 'leased', 'parked', 'done', 'dead', 'cancelled', 'expired')),
    attempts INTEGER DEFAULT 0 NOT NULL,
    max_attempts INTEGER DEFAULT 6 NOT NULL,
    next_attempt_at TEXT NOT NULL
        CONSTRAINT ck_delivery_jobs_next_attempt_at CHECK (next_attempt_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    lease_owner TEXT,
    lease_until TEXT
        CONSTRAINT ck_delivery_jobs_lease_until CHECK (lease_until GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    fence INTEGER DEFAULT 0 NOT NULL,
    parked_for TEXT
        CONSTRAINT ck_delivery_jobs_parked_for CHECK (parked_for IN ('offline', 'auth', 'breaker', 'transport')),
    last_error TEXT
        CONSTRAINT ck_delivery_jobs_last_error CHECK (length(last_error) <= 1000),
    last_status INTEGER,
    history TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_delivery_jobs_history CHECK (json_valid(history) AND json_type(history) = 'array'),
    finished_at TEXT
        CONSTRAINT ck_delivery_jobs_finished_at CHECK (finished_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    created_at TEXT NOT NULL
        CONSTRAINT ck_delivery_jobs_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    updated_at TEXT NOT NULL
        CONSTRAINT ck_delivery_jobs_updated_at CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_delivery_jobs PRIMARY KEY (id),
    CONSTRAINT uq_delivery_jobs_message_seq_recipient_transport UNIQUE (message_seq, recipient, transport),
    CONSTRAINT ck_delivery_jobs_lease CHECK ((state = 'leased') = (lease_owner IS NOT NULL) AND (state = 'leased') = (lease_until IS NOT NULL)),
    CONSTRAINT ck_delivery_jobs_parked CHECK ((state = 'parked') = (parked_for IS NOT NULL)),
    CONSTRAINT fk_delivery_jobs_message_seq FOREIGN KEY(message_seq) REFERENCES messages (seq) ON DELETE CASCADE
) STRICT""",
    """\
CREATE TABLE message_pins (
    id TEXT NOT NULL
        CONSTRAINT ck_message_pins_id CHECK (id GLOB '????????-????-????-????-????????????' AND id NOT GLOB '*[^0-9a-f-]*'),
    message_seq INTEGER NOT NULL,
    conversation_id TEXT NOT NULL
        CONSTRAINT ck_message_pins_conversation_id CHECK (conversation_id GLOB '????????-????-????-????-????????????' AND conversation_id NOT GLOB '*[^0-9a-f-]*'),
    pinned_by TEXT NOT NULL
        CONSTRAINT ck_message_pins_pinned_by CHECK (pinned_by GLOB '[A-Za-z0-9]*' AND pinned_by NOT GLOB '*[^A-Za-z0-9._-]*' AND length(pinned_by) <= 128),
    note TEXT,
    created_at TEXT NOT NULL
        CONSTRAINT ck_message_pins_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_message_pins PRIMARY KEY (id),
    CONSTRAINT uq_message_pins_message_seq_pinned_by UNIQUE (message_seq, pinned_by),
    CONSTRAINT fk_message_pins_message_seq FOREIGN KEY(message_seq) REFERENCES messages (seq) ON DELETE CASCADE,
    CONSTRAINT fk_message_pins_conversation_id FOREIGN KEY(conversation_id) REFERENCES conversations (id) ON DELETE CASCADE
) STRICT""",
    """\
CREATE TABLE receipts (
    message_seq INTEGER NOT NULL,
    agent_id TEXT NOT NULL
        CONSTRAINT ck_receipts_agent_id CHECK (agent_id GLOB '[A-Za-z0-9]*' AND agent_id NOT GLOB '*[^A-Za-z0-9._-]*' AND length(agent_id) <= 128),
    role TEXT DEFAULT 'to' NOT NULL
        CONSTRAINT ck_receipts_role CHECK (role IN ('to', 'cc', 'topic', 'broadcast')),
    route TEXT DEFAULT 'local' NOT NULL,
    state TEXT DEFAULT 'pending' NOT NULL
        CONSTRAINT ck_receipts_state CHECK (state IN ('pending', 'relayed', 'delivered', 'read', 'acked', 'rejected', 'expired', 'dead')),
    claim_owner TEXT,
    claim_until TEXT
        CONSTRAINT ck_receipts_claim_until CHECK (claim_until GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    claims INTEGER DEFAULT 0 NOT NULL,
    delivered_at TEXT
        CONSTRAINT ck_receipts_delivered_at CHECK (delivered_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    read_at TEXT
        CONSTRAINT ck_receipts_read_at CHECK (read_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    acked_at TEXT
        CONSTRAINT ck_receipts_acked_at CHECK (acked_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    closed_at TEXT
        CONSTRAINT ck_receipts_closed_at CHECK (closed_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    escalated_at TEXT
        CONSTRAINT ck_receipts_escalated_at CHECK (escalated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    reason TEXT,
    reported_state TEXT,
    CONSTRAINT pk_receipts PRIMARY KEY (message_seq, agent_id),
    CONSTRAINT fk_receipts_message_seq FOREIGN KEY(message_seq) REFERENCES messages (seq) ON DELETE CASCADE
) WITHOUT ROWID, STRICT""",
    """\
CREATE INDEX ix_conversations_epic_id ON conversations (epic_id)
WHERE epic_id IS NOT NULL""",
    """\
CREATE INDEX ix_conversations_last_seq ON conversations (last_seq)""",
    """\
CREATE INDEX ix_dead_letters_message_id ON dead_letters (message_id)""",
    """\
CREATE INDEX ix_dead_letters_waiting ON dead_letters (created_at)
WHERE replayed_at IS NULL""",
    """\
CREATE INDEX ix_idempotency_keys_expires_at ON idempotency_keys (expires_at)""",
    """\
CREATE INDEX ix_leases_namespace_expires_at ON leases (namespace, expires_at)
WHERE released_at IS NULL""",
    """\
CREATE INDEX ix_project_agent_refs_enabled ON project_agent_refs (enabled)
WHERE enabled = 1""",
    """\
CREATE INDEX ix_attachments_conversation_id ON attachments (conversation_id)""",
    """\
CREATE INDEX ix_attachments_from_agent_id ON attachments (from_agent_id)""",
    """\
CREATE INDEX ix_messages_conversation_id_seq ON messages (conversation_id, seq)""",
    """\
CREATE INDEX ix_messages_expires_at ON messages (expires_at)
WHERE expires_at IS NOT NULL""",
    """\
CREATE INDEX ix_messages_from_agent_id_seq ON messages (from_agent_id, seq)""",
    """\
CREATE INDEX ix_messages_reply_to ON messages (reply_to)
WHERE reply_to IS NOT NULL""",
    """\
CREATE INDEX ix_messages_thread_id_seq ON messages (thread_id, seq)""",
    """\
CREATE INDEX ix_participants_agent_id ON participants (agent_id)
WHERE left_at IS NULL""",
    """\
CREATE INDEX ix_attachment_versions_author_agent_id ON attachment_versions (author_agent_id)""",
    """\
CREATE INDEX ix_delivery_jobs_due ON delivery_jobs (state, next_attempt_at)
WHERE state IN ('pending', 'leased', 'parked')""",
    """\
CREATE INDEX ix_message_pins_conversation_id ON message_pins (conversation_id)""",
    """\
CREATE INDEX ix_message_pins_pinned_by ON message_pins (pinned_by)""",
    """\
CREATE INDEX ix_receipts_open ON receipts (agent_id, message_seq)
WHERE state IN ('pending', 'relayed', 'delivered')""",
    """\
CREATE INDEX ix_receipts_reported_state ON receipts (reported_state)
WHERE reported_state IS NOT NULL""",
    """\
INSERT INTO conduit_meta (key, value) VALUES
    ('schema_version', 'conduit_0001'),
    ('lease_fence', '0')""",
    """\
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
    AND r.state NOT IN ('acked', 'rejected', 'expired', 'dead')""",
    """\
CREATE VIRTUAL TABLE messages_fts USING fts5(
    subject, content, from_agent_id,
    content = 'messages',
    content_rowid = 'seq',
    tokenize = 'unicode61 remove_diacritics 2'
)""",
    """\
CREATE TRIGGER messages_fts_insert AFTER INSERT ON messages
BEGIN
    INSERT INTO messages_fts (rowid, subject, content, from_agent_id)
    VALUES (new.seq, new.subject, new.content, new.from_agent_id);
END""",
    """\
CREATE TRIGGER messages_fts_update AFTER UPDATE OF subject, content, from_agent_id ON messages
BEGIN
    INSERT INTO messages_fts (messages_fts, rowid, subject, content, from_agent_id)
    VALUES ('delete', old.seq, old.subject, old.content, old.from_agent_id);
    INSERT INTO messages_fts (rowid, subject, content, from_agent_id)
    VALUES (new.seq, new.subject, new.content, new.from_agent_id);
END""",
    """\
CREATE TRIGGER messages_fts_delete AFTER DELETE ON messages
BEGIN
    INSERT INTO messages_fts (messages_fts, rowid, subject, content, from_agent_id)
    VALUES ('delete', old.seq, old.subject, old.content, old.from_agent_id);
END""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        execute(statement)


def downgrade() -> None:
    raise NotImplementedError(
        "migrations only go forward: to return to an earlier schema, restore a snapshot of the file"
    )
