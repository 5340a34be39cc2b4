"""The first schema of the map of projects."""
# ruff: noqa: E501

from __future__ import annotations

from cleo_core.migrate import execute

revision = "nexus_0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS: tuple[str, ...] = (
    """\
CREATE TABLE cross_project_dependencies (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    source_project_id TEXT NOT NULL
        CONSTRAINT ck_cross_project_dependencies_source_project_id CHECK (length(source_project_id) BETWEEN 8 AND 64 AND source_project_id NOT GLOB '*[^0-9a-z-]*'),
    source_task_id TEXT NOT NULL
        CONSTRAINT ck_cross_project_dependencies_source_task_id CHECK (source_task_id GLOB 'T[0-9]*' AND substr(source_task_id, 2) NOT GLOB '*[^0-9]*'),
    target_project_id TEXT NOT NULL
        CONSTRAINT ck_cross_project_dependencies_target_project_id CHECK (length(target_project_id) BETWEEN 8 AND 64 AND target_project_id NOT GLOB '*[^0-9a-z-]*'),
    target_task_id TEXT NOT NULL
        CONSTRAINT ck_cross_project_dependencies_target_task_id CHECK (target_task_id GLOB 'T[0-9]*' AND substr(target_task_id, 2) NOT GLOB '*[^0-9]*'),
    note TEXT,
    created_by TEXT NOT NULL,
    created_at TEXT NOT NULL
        CONSTRAINT ck_cross_project_dependencies_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT uq_cross_project_dependencies_source_project_id_source_task_id_target_project_id_target_task_id UNIQUE (source_project_id, source_task_id, target_project_id, target_task_id),
    CONSTRAINT ck_cross_project_dependencies_ends CHECK (source_project_id <> target_project_id)
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
CREATE TABLE nexus_audit_log (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    timestamp TEXT NOT NULL
        CONSTRAINT ck_nexus_audit_log_timestamp CHECK (timestamp GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    action TEXT NOT NULL
        CONSTRAINT ck_nexus_audit_log_action CHECK (action GLOB '[a-z]*' AND action NOT GLOB '*[^a-z.-]*'),
    project_id TEXT,
    project_hash TEXT,
    domain TEXT DEFAULT 'nexus' NOT NULL
        CONSTRAINT ck_nexus_audit_log_domain CHECK (domain = 'nexus'),
    operation TEXT NOT NULL,
    session_id TEXT,
    request_id TEXT NOT NULL,
    source TEXT NOT NULL
        CONSTRAINT ck_nexus_audit_log_source CHECK (source IN ('cli', 'python', 'server')),
    gateway TEXT NOT NULL
        CONSTRAINT ck_nexus_audit_log_gateway CHECK (gateway IN ('query', 'mutate')),
    success INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_nexus_audit_log_success CHECK (success IN (0, 1)),
    duration_ms INTEGER NOT NULL
        CONSTRAINT ck_nexus_audit_log_duration_ms CHECK (duration_ms >= 0),
    details_json TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_nexus_audit_log_details_json CHECK (json_valid(details_json) AND json_type(details_json) = 'object'),
    error_code TEXT,
    error_message TEXT,
    CONSTRAINT uq_nexus_audit_log_id UNIQUE (id)
) STRICT""",
    """\
CREATE TABLE nexus_schema_meta (
    "key" TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT pk_nexus_schema_meta PRIMARY KEY ("key")
) WITHOUT ROWID, STRICT""",
    """\
CREATE TABLE project_registry (
    project_id TEXT NOT NULL
        CONSTRAINT ck_project_registry_project_id CHECK (length(project_id) BETWEEN 8 AND 64 AND project_id NOT GLOB '*[^0-9a-z-]*'),
    slug TEXT NOT NULL
        CONSTRAINT ck_project_registry_slug CHECK (slug GLOB '[a-z0-9]*' AND slug NOT GLOB '*[^a-z0-9_-]*' AND length(slug) <= 63),
    name TEXT NOT NULL
        CONSTRAINT ck_project_registry_name CHECK (length(name) BETWEEN 1 AND 100),
    project_path TEXT NOT NULL,
    project_hash TEXT NOT NULL
        CONSTRAINT ck_project_registry_project_hash CHECK (length(project_hash) = 12 AND project_hash NOT GLOB '*[^0-9a-f]*'),
    permissions TEXT DEFAULT 'read' NOT NULL
        CONSTRAINT ck_project_registry_permissions CHECK (permissions IN ('read', 'write', 'execute')),
    health_status TEXT DEFAULT 'unknown' NOT NULL
        CONSTRAINT ck_project_registry_health_status CHECK (health_status IN ('unknown', 'healthy', 'degraded', 'unreachable')),
    health_last_check TEXT
        CONSTRAINT ck_project_registry_health_last_check CHECK (health_last_check GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    task_count INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_project_registry_task_count CHECK (task_count >= 0),
    labels_json TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_project_registry_labels_json CHECK (json_valid(labels_json) AND json_type(labels_json) = 'array'),
    registered_at TEXT NOT NULL
        CONSTRAINT ck_project_registry_registered_at CHECK (registered_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    last_seen TEXT NOT NULL
        CONSTRAINT ck_project_registry_last_seen CHECK (last_seen GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    last_sync TEXT
        CONSTRAINT ck_project_registry_last_sync CHECK (last_sync GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_project_registry PRIMARY KEY (project_id),
    CONSTRAINT uq_project_registry_slug UNIQUE (slug),
    CONSTRAINT uq_project_registry_project_path UNIQUE (project_path),
    CONSTRAINT uq_project_registry_project_hash UNIQUE (project_hash)
) STRICT""",
    """\
CREATE TABLE transfer_journal (
    id TEXT NOT NULL
        CONSTRAINT ck_transfer_journal_id CHECK (id GLOB 'xfr-????????????' AND substr(id, 5) NOT GLOB '*[^0-9a-f]*'),
    source_project_id TEXT NOT NULL
        CONSTRAINT ck_transfer_journal_source_project_id CHECK (length(source_project_id) BETWEEN 8 AND 64 AND source_project_id NOT GLOB '*[^0-9a-z-]*'),
    target_project_id TEXT NOT NULL
        CONSTRAINT ck_transfer_journal_target_project_id CHECK (length(target_project_id) BETWEEN 8 AND 64 AND target_project_id NOT GLOB '*[^0-9a-z-]*'),
    mode TEXT NOT NULL
        CONSTRAINT ck_transfer_journal_mode CHECK (mode IN ('copy', 'move')),
    options TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_transfer_journal_options CHECK (json_valid(options) AND json_type(options) = 'object'),
    package TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_transfer_journal_package CHECK (json_valid(package) AND json_type(package) = 'object'),
    package_sha256 TEXT NOT NULL,
    id_map TEXT
        CONSTRAINT ck_transfer_journal_id_map CHECK (id_map IS NULL OR (json_valid(id_map) AND json_type(id_map) = 'object')),
    state TEXT DEFAULT 'planned' NOT NULL
        CONSTRAINT ck_transfer_journal_state CHECK (state IN ('planned', 'imported', 'mapped', 'linked', 'repointed', 'archived', 'done', 'aborted')),
    steps TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_transfer_journal_steps CHECK (json_valid(steps) AND json_type(steps) = 'object'),
    error TEXT,
    created_by TEXT NOT NULL,
    created_at TEXT NOT NULL
        CONSTRAINT ck_transfer_journal_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    updated_at TEXT NOT NULL
        CONSTRAINT ck_transfer_journal_updated_at CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_transfer_journal PRIMARY KEY (id)
) STRICT""",
    """\
CREATE TABLE warp_chains (
    id TEXT NOT NULL
        CONSTRAINT ck_warp_chains_id CHECK (id GLOB '[a-z]*' AND id NOT GLOB '*[^a-z0-9._+-]*' AND length(id) <= 128),
    version TEXT NOT NULL
        CONSTRAINT ck_warp_chains_version CHECK (version GLOB '[0-9]*.[0-9]*.[0-9]*' AND version NOT GLOB '*[^0-9.]*'),
    name TEXT NOT NULL,
    description TEXT,
    definition TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_warp_chains_definition CHECK (json_valid(definition) AND json_type(definition) = 'object'),
    definition_sha256 TEXT NOT NULL,
    tessera TEXT,
    validated INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_warp_chains_validated CHECK (validated IN (0, 1)),
    created_by TEXT NOT NULL,
    created_at TEXT NOT NULL
        CONSTRAINT ck_warp_chains_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    updated_at TEXT NOT NULL
        CONSTRAINT ck_warp_chains_updated_at CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_warp_chains PRIMARY KEY (id)
) STRICT""",
    """\
CREATE TABLE project_id_aliases (
    legacy_id TEXT NOT NULL,
    kind TEXT NOT NULL
        CONSTRAINT ck_project_id_aliases_kind CHECK (kind IN ('id', 'slug')),
    canonical_id TEXT NOT NULL,
    created_at TEXT NOT NULL
        CONSTRAINT ck_project_id_aliases_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_project_id_aliases PRIMARY KEY (legacy_id),
    CONSTRAINT fk_project_id_aliases_canonical_id FOREIGN KEY(canonical_id) REFERENCES project_registry (project_id) ON DELETE CASCADE
) WITHOUT ROWID, STRICT""",
    """\
CREATE TABLE warp_chain_instances (
    id TEXT NOT NULL
        CONSTRAINT ck_warp_chain_instances_id CHECK (id GLOB 'wci-????????????' AND substr(id, 5) NOT GLOB '*[^0-9a-f]*'),
    chain_id TEXT NOT NULL,
    chain_version TEXT NOT NULL,
    definition TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_warp_chain_instances_definition CHECK (json_valid(definition) AND json_type(definition) = 'object'),
    epic_project_id TEXT NOT NULL
        CONSTRAINT ck_warp_chain_instances_epic_project_id CHECK (length(epic_project_id) BETWEEN 8 AND 64 AND epic_project_id NOT GLOB '*[^0-9a-z-]*'),
    epic_id TEXT NOT NULL
        CONSTRAINT ck_warp_chain_instances_epic_id CHECK (epic_id GLOB 'T[0-9]*' AND substr(epic_id, 2) NOT GLOB '*[^0-9]*'),
    variables TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_warp_chain_instances_variables CHECK (json_valid(variables) AND json_type(variables) = 'object'),
    stage_to_task TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_warp_chain_instances_stage_to_task CHECK (json_valid(stage_to_task) AND json_type(stage_to_task) = 'object'),
    status TEXT DEFAULT 'pending' NOT NULL
        CONSTRAINT ck_warp_chain_instances_status CHECK (status IN ('pending', 'active', 'failed', 'completed', 'cancelled')),
    active_stages TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_warp_chain_instances_active_stages CHECK (json_valid(active_stages) AND json_type(active_stages) = 'array'),
    current_stage TEXT NOT NULL,
    attempt INTEGER DEFAULT 1 NOT NULL
        CONSTRAINT ck_warp_chain_instances_attempt CHECK (attempt >= 1),
    row_version INTEGER DEFAULT 1 NOT NULL
        CONSTRAINT ck_warp_chain_instances_row_version CHECK (row_version >= 1),
    created_by TEXT NOT NULL,
    created_at TEXT NOT NULL
        CONSTRAINT ck_warp_chain_instances_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    updated_at TEXT NOT NULL
        CONSTRAINT ck_warp_chain_instances_updated_at CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    finished_at TEXT
        CONSTRAINT ck_warp_chain_instances_finished_at CHECK (finished_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_warp_chain_instances PRIMARY KEY (id),
    CONSTRAINT fk_warp_chain_instances_chain_id FOREIGN KEY(chain_id) REFERENCES warp_chains (id) ON DELETE RESTRICT
) STRICT""",
    """\
CREATE TABLE warp_instance_events (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    instance_id TEXT NOT NULL,
    attempt INTEGER NOT NULL
        CONSTRAINT ck_warp_instance_events_attempt CHECK (attempt >= 1),
    type TEXT NOT NULL
        CONSTRAINT ck_warp_instance_events_type CHECK (type IN ('created', 'gate', 'entered', 'left', 'skipped', 'waiting', 'failed', 'resumed', 'completed', 'cancelled')),
    stage_id TEXT,
    to_stage_id TEXT,
    gate_id TEXT,
    outcome TEXT
        CONSTRAINT ck_warp_instance_events_outcome CHECK (outcome IN ('passed', 'failed', 'unknown')),
    forced INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_warp_instance_events_forced CHECK (forced IN (0, 1)),
    reason TEXT,
    message TEXT,
    actor TEXT NOT NULL,
    evaluated_at TEXT NOT NULL
        CONSTRAINT ck_warp_instance_events_evaluated_at CHECK (evaluated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT fk_warp_instance_events_instance_id FOREIGN KEY(instance_id) REFERENCES warp_chain_instances (id) ON DELETE CASCADE
) STRICT""",
    """\
CREATE INDEX ix_cross_project_dependencies_target_project_id_target_task_id ON cross_project_dependencies (target_project_id, target_task_id)""",
    """\
CREATE INDEX ix_idempotency_keys_expires_at ON idempotency_keys (expires_at)""",
    """\
CREATE INDEX ix_nexus_audit_log_action ON nexus_audit_log (action)""",
    """\
CREATE INDEX ix_nexus_audit_log_project_id ON nexus_audit_log (project_id)""",
    """\
CREATE INDEX ix_nexus_audit_log_session_id ON nexus_audit_log (session_id)""",
    """\
CREATE INDEX ix_nexus_audit_log_timestamp ON nexus_audit_log (timestamp)""",
    """\
CREATE INDEX ix_project_registry_health_status ON project_registry (health_status)""",
    """\
CREATE INDEX ix_transfer_journal_state ON transfer_journal (state)""",
    """\
CREATE INDEX ix_warp_chains_name ON warp_chains (name)""",
    """\
CREATE INDEX ix_project_id_aliases_canonical_id ON project_id_aliases (canonical_id)""",
    """\
CREATE INDEX ix_warp_chain_instances_chain_id ON warp_chain_instances (chain_id)""",
    """\
CREATE INDEX ix_warp_chain_instances_epic_project_id_epic_id ON warp_chain_instances (epic_project_id, epic_id)""",
    """\
CREATE INDEX ix_warp_chain_instances_status ON warp_chain_instances (status)""",
    """\
CREATE INDEX ix_warp_instance_events_instance_id_seq ON warp_instance_events (instance_id, seq)""",
    """\
CREATE TRIGGER warp_chain_instances_final BEFORE UPDATE ON warp_chain_instances
WHEN old.status IN ('completed', 'cancelled')
BEGIN
    SELECT RAISE(ABORT, 'a finished instance does not change');
END""",
    """\
CREATE TRIGGER warp_instance_events_unchanged BEFORE UPDATE ON warp_instance_events
BEGIN
    SELECT RAISE(ABORT, 'the history of an instance is only added to');
END""",
    """\
CREATE TRIGGER warp_instance_events_kept BEFORE DELETE ON warp_instance_events
WHEN EXISTS (SELECT 1 FROM warp_chain_instances WHERE id = old.instance_id)
BEGIN
    SELECT RAISE(ABORT, 'the history of an instance goes only with it');
END""",
    """\
CREATE TRIGGER nexus_audit_log_unchanged BEFORE UPDATE ON nexus_audit_log
BEGIN
    SELECT RAISE(ABORT, 'the audit is only added to');
END""",
    """\
CREATE TRIGGER nexus_audit_log_kept BEFORE DELETE ON nexus_audit_log
WHEN NOT EXISTS (
    SELECT 1 FROM nexus_schema_meta WHERE "key" = 'audit_prune' AND value = '1'
)
BEGIN
    SELECT RAISE(ABORT, 'the audit is deleted only when it is pruned');
END""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        execute(statement)


def downgrade() -> None:
    raise NotImplementedError(
        "migrations only go forward: to return to an earlier schema, restore a snapshot of the file"
    )
