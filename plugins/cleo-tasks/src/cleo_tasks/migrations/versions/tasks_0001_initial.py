"""The first schema of the tasks store."""
# ruff: noqa: E501

from __future__ import annotations

from cleo_core.migrate import execute

revision = "tasks_0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS: tuple[str, ...] = (
    """\
CREATE TABLE agent_credentials (
    agent_id TEXT NOT NULL,
    display_name TEXT NOT NULL,
    api_key_encrypted TEXT NOT NULL,
    api_base_url TEXT,
    classification TEXT,
    privacy_tier TEXT DEFAULT 'discoverable' NOT NULL
        CONSTRAINT ck_agent_credentials_privacy_tier CHECK (privacy_tier IN ('public', 'discoverable', 'private')),
    capabilities_json TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_agent_credentials_capabilities_json CHECK (json_valid(capabilities_json) AND json_type(capabilities_json) = 'array'),
    skills_json TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_agent_credentials_skills_json CHECK (json_valid(skills_json) AND json_type(skills_json) = 'array'),
    transport_config_json TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_agent_credentials_transport_config_json CHECK (json_valid(transport_config_json) AND json_type(transport_config_json) = 'object'),
    is_active INTEGER DEFAULT 1 NOT NULL
        CONSTRAINT ck_agent_credentials_is_active CHECK (is_active IN (0, 1)),
    last_used_at TEXT
        CONSTRAINT ck_agent_credentials_last_used_at CHECK (last_used_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    source_updated_at TEXT NOT NULL
        CONSTRAINT ck_agent_credentials_source_updated_at CHECK (source_updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    created_at TEXT NOT NULL
        CONSTRAINT ck_agent_credentials_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    updated_at TEXT NOT NULL
        CONSTRAINT ck_agent_credentials_updated_at CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_agent_credentials PRIMARY KEY (agent_id)
) STRICT""",
    """\
CREATE TABLE audit_log (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    timestamp TEXT NOT NULL
        CONSTRAINT ck_audit_log_timestamp CHECK (timestamp GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    action TEXT NOT NULL,
    entity_kind TEXT NOT NULL
        CONSTRAINT ck_audit_log_entity_kind CHECK (entity_kind IN ('task', 'session', 'pipeline', 'adr', 'release', 'manifest', 'phase', 'link', 'instance', 'credential', 'sequence')),
    entity_id TEXT NOT NULL,
    task_id TEXT,
    actor TEXT NOT NULL,
    session_id TEXT,
    request_id TEXT NOT NULL,
    source TEXT NOT NULL
        CONSTRAINT ck_audit_log_source CHECK (source IN ('cli', 'python', 'mcp', 'import', 'system')),
    forced INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_audit_log_forced CHECK (forced IN (0, 1)),
    reason TEXT,
    details_json TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_audit_log_details_json CHECK (json_valid(details_json) AND json_type(details_json) = 'object'),
    before_json TEXT
        CONSTRAINT ck_audit_log_before_json CHECK (before_json IS NULL OR (json_valid(before_json) AND json_type(before_json) = 'object')),
    after_json TEXT
        CONSTRAINT ck_audit_log_after_json CHECK (after_json IS NULL OR (json_valid(after_json) AND json_type(after_json) = 'object'))
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
) STRICT""",
    """\
CREATE TABLE phases (
    slug TEXT NOT NULL
        CONSTRAINT ck_phases_slug CHECK (slug GLOB '[a-z]*' AND slug NOT GLOB '*[^a-z0-9-]*'),
    name TEXT NOT NULL,
    position INTEGER NOT NULL,
    status TEXT DEFAULT 'pending' NOT NULL
        CONSTRAINT ck_phases_status CHECK (status IN ('pending', 'active', 'completed')),
    started_at TEXT
        CONSTRAINT ck_phases_started_at CHECK (started_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    completed_at TEXT
        CONSTRAINT ck_phases_completed_at CHECK (completed_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_phases PRIMARY KEY (slug),
    CONSTRAINT uq_phases_position UNIQUE (position)
) WITHOUT ROWID, STRICT""",
    """\
CREATE TABLE schema_meta (
    "key" TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT pk_schema_meta PRIMARY KEY ("key")
) WITHOUT ROWID, STRICT""",
    """\
CREATE TABLE status_registry (
    name TEXT NOT NULL,
    entity_type TEXT NOT NULL
        CONSTRAINT ck_status_registry_entity_type CHECK (entity_type IN ('task', 'session', 'lifecycle_pipeline', 'lifecycle_stage', 'adr', 'gate', 'manifest')),
    namespace TEXT NOT NULL
        CONSTRAINT ck_status_registry_namespace CHECK (namespace IN ('workflow', 'governance', 'manifest')),
    description TEXT NOT NULL,
    is_terminal INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_status_registry_is_terminal CHECK (is_terminal IN (0, 1)),
    CONSTRAINT pk_status_registry PRIMARY KEY (name, entity_type)
) WITHOUT ROWID, STRICT""",
    """\
CREATE TABLE tasks (
    seq INTEGER NOT NULL,
    id TEXT NOT NULL
        CONSTRAINT ck_tasks_id CHECK (id = printf('T%03d', seq)),
    title TEXT NOT NULL
        CONSTRAINT ck_tasks_title CHECK (length(title) BETWEEN 1 AND 200 AND title = trim(title, char(9, 10, 13, 32)) AND instr(title, char(10)) = 0 AND instr(title, char(13)) = 0),
    description TEXT,
    status TEXT DEFAULT 'pending' NOT NULL
        CONSTRAINT ck_tasks_status CHECK (status IN ('pending', 'active', 'blocked', 'done', 'cancelled', 'archived', 'proposed')),
    priority TEXT DEFAULT 'medium' NOT NULL
        CONSTRAINT ck_tasks_priority CHECK (priority IN ('critical', 'high', 'medium', 'low')),
    type TEXT DEFAULT 'task' NOT NULL
        CONSTRAINT ck_tasks_type CHECK (type IN ('epic', 'task', 'subtask')),
    role TEXT DEFAULT 'work' NOT NULL
        CONSTRAINT ck_tasks_role CHECK (role IN ('work', 'research', 'experiment', 'bug', 'spike', 'release')),
    scope TEXT DEFAULT 'feature' NOT NULL
        CONSTRAINT ck_tasks_scope CHECK (scope IN ('project', 'feature', 'unit')),
    severity TEXT
        CONSTRAINT ck_tasks_severity CHECK (severity IN ('P0', 'P1', 'P2', 'P3')),
    size TEXT
        CONSTRAINT ck_tasks_size CHECK (size IN ('small', 'medium', 'large')),
    parent_id TEXT
        CONSTRAINT ck_tasks_parent_id CHECK (parent_id <> id),
    phase TEXT,
    position INTEGER DEFAULT 0 NOT NULL,
    acceptance_json TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_tasks_acceptance_json CHECK (json_valid(acceptance_json) AND json_type(acceptance_json) = 'array'),
    notes_json TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_tasks_notes_json CHECK (json_valid(notes_json) AND json_type(notes_json) = 'array'),
    files_json TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_tasks_files_json CHECK (json_valid(files_json) AND json_type(files_json) = 'array'),
    metadata_json TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_tasks_metadata_json CHECK (json_valid(metadata_json) AND json_type(metadata_json) = 'object'),
    blocked_reason TEXT,
    no_auto_complete INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_tasks_no_auto_complete CHECK (no_auto_complete IN (0, 1)),
    assignee TEXT,
    claimed_at TEXT
        CONSTRAINT ck_tasks_claimed_at CHECK (claimed_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    pipeline_stage TEXT DEFAULT 'implementation' NOT NULL
        CONSTRAINT ck_tasks_pipeline_stage CHECK (pipeline_stage IN ('research', 'consensus', 'architecture_decision', 'specification', 'decomposition', 'implementation', 'validation', 'testing', 'release', 'contribution', 'cancelled')),
    verification_round INTEGER DEFAULT 1 NOT NULL,
    session_id TEXT,
    origin TEXT DEFAULT 'native' NOT NULL
        CONSTRAINT ck_tasks_origin CHECK (origin IN ('native', 'imported', 'transferred', 'converted')),
    created_by TEXT,
    modified_by TEXT,
    created_at TEXT NOT NULL
        CONSTRAINT ck_tasks_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    updated_at TEXT NOT NULL
        CONSTRAINT ck_tasks_updated_at CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    started_at TEXT
        CONSTRAINT ck_tasks_started_at CHECK (started_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    completed_at TEXT
        CONSTRAINT ck_tasks_completed_at CHECK (completed_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    cancelled_at TEXT
        CONSTRAINT ck_tasks_cancelled_at CHECK (cancelled_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    archived_at TEXT
        CONSTRAINT ck_tasks_archived_at CHECK (archived_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    cancellation_reason TEXT,
    archive_reason TEXT
        CONSTRAINT ck_tasks_archive_reason CHECK (archive_reason IN ('completed', 'cancelled', 'deleted', 'superseded', 'duplicate', 'transferred')),
    archived_from TEXT
        CONSTRAINT ck_tasks_archived_from CHECK (archived_from IN ('pending', 'active', 'blocked', 'done', 'cancelled', 'proposed')),
    dependency_count INTEGER DEFAULT 0 NOT NULL,
    open_dependency_count INTEGER DEFAULT 0 NOT NULL,
    has_dependencies INTEGER GENERATED ALWAYS AS (dependency_count > 0) VIRTUAL,
    created_week INTEGER GENERATED ALWAYS AS (CAST(strftime('%s', created_at) AS INTEGER) / 604800) VIRTUAL,
    version INTEGER DEFAULT 1 NOT NULL,
    CONSTRAINT pk_tasks PRIMARY KEY (seq),
    CONSTRAINT ck_tasks_claim CHECK ((assignee IS NULL) = (claimed_at IS NULL)),
    CONSTRAINT ck_tasks_counters CHECK (open_dependency_count BETWEEN 0 AND dependency_count),
    CONSTRAINT ck_tasks_done CHECK (status <> 'done' OR (pipeline_stage = 'contribution' AND completed_at IS NOT NULL)),
    CONSTRAINT ck_tasks_cancelled CHECK (status <> 'cancelled' OR (pipeline_stage = 'cancelled' AND cancelled_at IS NOT NULL)),
    CONSTRAINT ck_tasks_open CHECK (status NOT IN ('pending', 'active', 'blocked', 'proposed') OR pipeline_stage NOT IN ('contribution', 'cancelled')),
    CONSTRAINT ck_tasks_archived CHECK ((status = 'archived') = (archived_at IS NOT NULL) AND (status = 'archived') = (archive_reason IS NOT NULL) AND (status = 'archived') = (archived_from IS NOT NULL)),
    CONSTRAINT uq_tasks_id UNIQUE (id),
    CONSTRAINT fk_tasks_parent_id FOREIGN KEY(parent_id) REFERENCES tasks (id) ON DELETE RESTRICT,
    CONSTRAINT fk_tasks_phase FOREIGN KEY(phase) REFERENCES phases (slug) ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT fk_tasks_session_id FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE SET NULL
) STRICT""",
    """\
CREATE TABLE external_task_links (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    task_id TEXT NOT NULL,
    provider_id TEXT NOT NULL
        CONSTRAINT ck_external_task_links_provider_id CHECK (provider_id GLOB '[a-z]*' AND provider_id NOT GLOB '*[^a-z0-9-]*'),
    external_id TEXT NOT NULL,
    external_url TEXT,
    external_title TEXT,
    link_type TEXT NOT NULL
        CONSTRAINT ck_external_task_links_link_type CHECK (link_type IN ('created', 'matched', 'manual', 'transferred')),
    sync_direction TEXT DEFAULT 'inbound' NOT NULL
        CONSTRAINT ck_external_task_links_sync_direction CHECK (sync_direction IN ('inbound', 'outbound', 'bidirectional')),
    external_updated_at TEXT
        CONSTRAINT ck_external_task_links_external_updated_at CHECK (external_updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    content_hash TEXT,
    metadata_json TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_external_task_links_metadata_json CHECK (json_valid(metadata_json) AND json_type(metadata_json) = 'object'),
    linked_at TEXT NOT NULL
        CONSTRAINT ck_external_task_links_linked_at CHECK (linked_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    last_sync_at TEXT
        CONSTRAINT ck_external_task_links_last_sync_at CHECK (last_sync_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT uq_external_task_links_task_id_provider_id_external_id UNIQUE (task_id, provider_id, external_id),
    CONSTRAINT fk_external_task_links_task_id FOREIGN KEY(task_id) REFERENCES tasks (id) ON DELETE CASCADE
) STRICT""",
    """\
CREATE TABLE lifecycle_pipelines (
    id TEXT NOT NULL
        CONSTRAINT ck_lifecycle_pipelines_id CHECK (id = 'pl_' || task_id),
    task_id TEXT NOT NULL,
    status TEXT DEFAULT 'active' NOT NULL
        CONSTRAINT ck_lifecycle_pipelines_status CHECK (status IN ('active', 'completed', 'blocked', 'failed', 'cancelled', 'aborted')),
    current_stage_id TEXT
        CONSTRAINT ck_lifecycle_pipelines_current_stage_id CHECK (substr(current_stage_id, 1, length(id) + 1) = id || '/'),
    started_at TEXT NOT NULL
        CONSTRAINT ck_lifecycle_pipelines_started_at CHECK (started_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    updated_at TEXT NOT NULL
        CONSTRAINT ck_lifecycle_pipelines_updated_at CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    completed_at TEXT
        CONSTRAINT ck_lifecycle_pipelines_completed_at CHECK (completed_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    version INTEGER DEFAULT 1 NOT NULL,
    CONSTRAINT pk_lifecycle_pipelines PRIMARY KEY (id),
    CONSTRAINT uq_lifecycle_pipelines_task_id UNIQUE (task_id),
    CONSTRAINT fk_lifecycle_pipelines_task_id FOREIGN KEY(task_id) REFERENCES tasks (id) ON DELETE CASCADE,
    CONSTRAINT fk_lifecycle_pipelines_current_stage_id FOREIGN KEY(current_stage_id) REFERENCES lifecycle_stages (id) DEFERRABLE INITIALLY DEFERRED
) STRICT""",
    """\
CREATE TABLE sessions (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT DEFAULT 'active' NOT NULL
        CONSTRAINT ck_sessions_status CHECK (status IN ('active', 'ended', 'orphaned', 'suspended')),
    scope_kind TEXT DEFAULT 'global' NOT NULL
        CONSTRAINT ck_sessions_scope_kind CHECK (scope_kind IN ('global', 'epic', 'task')),
    scope_task_id TEXT,
    agent_id TEXT,
    origin TEXT DEFAULT 'explicit' NOT NULL
        CONSTRAINT ck_sessions_origin CHECK (origin IN ('explicit', 'implicit')),
    current_task_id TEXT,
    task_started_at TEXT
        CONSTRAINT ck_sessions_task_started_at CHECK (task_started_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    notes_json TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_sessions_notes_json CHECK (json_valid(notes_json) AND json_type(notes_json) = 'array'),
    next_action TEXT,
    handoff_json TEXT
        CONSTRAINT ck_sessions_handoff_json CHECK (handoff_json IS NULL OR (json_valid(handoff_json) AND json_type(handoff_json) = 'object')),
    handoff_consumed_at TEXT
        CONSTRAINT ck_sessions_handoff_consumed_at CHECK (handoff_consumed_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    handoff_consumed_by TEXT,
    previous_session_id TEXT
        CONSTRAINT ck_sessions_previous_session_id CHECK (previous_session_id <> id),
    resume_count INTEGER DEFAULT 0 NOT NULL,
    suspend_reason TEXT,
    started_at TEXT NOT NULL
        CONSTRAINT ck_sessions_started_at CHECK (started_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    last_activity_at TEXT NOT NULL
        CONSTRAINT ck_sessions_last_activity_at CHECK (last_activity_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    ended_at TEXT
        CONSTRAINT ck_sessions_ended_at CHECK (ended_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    version INTEGER DEFAULT 1 NOT NULL,
    CONSTRAINT ck_sessions_scope CHECK (scope_kind <> 'global' OR scope_task_id IS NULL),
    CONSTRAINT ck_sessions_ended CHECK ((status IN ('ended', 'orphaned')) = (ended_at IS NOT NULL)),
    CONSTRAINT uq_sessions_id UNIQUE (id),
    CONSTRAINT fk_sessions_scope_task_id FOREIGN KEY(scope_task_id) REFERENCES tasks (id) ON DELETE SET NULL,
    CONSTRAINT fk_sessions_current_task_id FOREIGN KEY(current_task_id) REFERENCES tasks (id) ON DELETE SET NULL,
    CONSTRAINT fk_sessions_previous_session_id FOREIGN KEY(previous_session_id) REFERENCES sessions (id) ON DELETE SET NULL
) STRICT""",
    """\
CREATE TABLE task_dependencies (
    task_id TEXT NOT NULL,
    depends_on TEXT NOT NULL,
    created_at TEXT NOT NULL
        CONSTRAINT ck_task_dependencies_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    created_by TEXT,
    CONSTRAINT pk_task_dependencies PRIMARY KEY (task_id, depends_on),
    CONSTRAINT ck_task_dependencies_unequal CHECK (task_id <> depends_on),
    CONSTRAINT fk_task_dependencies_task_id FOREIGN KEY(task_id) REFERENCES tasks (id) ON DELETE CASCADE,
    CONSTRAINT fk_task_dependencies_depends_on FOREIGN KEY(depends_on) REFERENCES tasks (id) ON DELETE CASCADE
) WITHOUT ROWID, STRICT""",
    """\
CREATE TABLE task_gate_results (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    task_id TEXT NOT NULL,
    gate TEXT NOT NULL
        CONSTRAINT ck_task_gate_results_gate CHECK (gate IN ('implemented', 'testsPassed', 'qaPassed', 'documented', 'securityPassed', 'cleanupDone')),
    result TEXT NOT NULL
        CONSTRAINT ck_task_gate_results_result CHECK (result IN ('pass', 'fail', 'warn')),
    round INTEGER NOT NULL,
    agent_id TEXT,
    evidence_json TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_task_gate_results_evidence_json CHECK (json_valid(evidence_json) AND json_type(evidence_json) = 'array'),
    reason TEXT,
    checked_at TEXT NOT NULL
        CONSTRAINT ck_task_gate_results_checked_at CHECK (checked_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT ck_task_gate_results_reasoned CHECK (result = 'pass' OR reason IS NOT NULL),
    CONSTRAINT fk_task_gate_results_task_id FOREIGN KEY(task_id) REFERENCES tasks (id) ON DELETE CASCADE
) STRICT""",
    """\
CREATE TABLE task_labels (
    label TEXT NOT NULL
        CONSTRAINT ck_task_labels_label CHECK (length(label) <= 64 AND label GLOB '[a-z0-9]*' AND label NOT GLOB '*[^a-z0-9._:/-]*'),
    task_id TEXT NOT NULL,
    CONSTRAINT pk_task_labels PRIMARY KEY (label, task_id),
    CONSTRAINT fk_task_labels_task_id FOREIGN KEY(task_id) REFERENCES tasks (id) ON DELETE CASCADE
) WITHOUT ROWID, STRICT""",
    """\
CREATE TABLE task_relations (
    task_id TEXT NOT NULL,
    related_to TEXT NOT NULL,
    relation_type TEXT DEFAULT 'related' NOT NULL
        CONSTRAINT ck_task_relations_relation_type CHECK (relation_type IN ('related', 'blocks', 'duplicates', 'absorbs', 'fixes', 'extends', 'supersedes')),
    reason TEXT,
    created_at TEXT NOT NULL
        CONSTRAINT ck_task_relations_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_task_relations PRIMARY KEY (task_id, related_to, relation_type),
    CONSTRAINT ck_task_relations_unequal CHECK (task_id <> related_to),
    CONSTRAINT fk_task_relations_task_id FOREIGN KEY(task_id) REFERENCES tasks (id) ON DELETE CASCADE,
    CONSTRAINT fk_task_relations_related_to FOREIGN KEY(related_to) REFERENCES tasks (id) ON DELETE CASCADE
) WITHOUT ROWID, STRICT""",
    """\
CREATE TABLE agent_instances (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    agent_id TEXT,
    agent_type TEXT NOT NULL
        CONSTRAINT ck_agent_instances_agent_type CHECK (agent_type IN ('orchestrator', 'executor', 'researcher', 'architect', 'validator', 'documentor', 'custom')),
    status TEXT DEFAULT 'starting' NOT NULL
        CONSTRAINT ck_agent_instances_status CHECK (status IN ('starting', 'active', 'idle', 'error', 'crashed', 'stopped')),
    session_id TEXT,
    task_id TEXT,
    parent_instance_id TEXT,
    host TEXT,
    pid INTEGER,
    started_at TEXT NOT NULL
        CONSTRAINT ck_agent_instances_started_at CHECK (started_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    last_heartbeat_at TEXT NOT NULL
        CONSTRAINT ck_agent_instances_last_heartbeat_at CHECK (last_heartbeat_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    stopped_at TEXT
        CONSTRAINT ck_agent_instances_stopped_at CHECK (stopped_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    error_count INTEGER DEFAULT 0 NOT NULL,
    total_tasks_completed INTEGER DEFAULT 0 NOT NULL,
    last_error TEXT,
    last_error_kind TEXT
        CONSTRAINT ck_agent_instances_last_error_kind CHECK (last_error_kind IN ('retriable', 'permanent', 'unknown')),
    capacity REAL DEFAULT (1.0) NOT NULL
        CONSTRAINT ck_agent_instances_capacity CHECK (capacity BETWEEN 0 AND 1),
    metadata_json TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_agent_instances_metadata_json CHECK (json_valid(metadata_json) AND json_type(metadata_json) = 'object'),
    CONSTRAINT uq_agent_instances_id UNIQUE (id),
    CONSTRAINT fk_agent_instances_session_id FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE SET NULL,
    CONSTRAINT fk_agent_instances_task_id FOREIGN KEY(task_id) REFERENCES tasks (id) ON DELETE SET NULL,
    CONSTRAINT fk_agent_instances_parent_instance_id FOREIGN KEY(parent_instance_id) REFERENCES agent_instances (id) ON DELETE SET NULL
) STRICT""",
    """\
CREATE TABLE lifecycle_stages (
    id TEXT NOT NULL
        CONSTRAINT ck_lifecycle_stages_id CHECK (id = pipeline_id || '/' || stage_name),
    pipeline_id TEXT NOT NULL,
    stage_name TEXT NOT NULL
        CONSTRAINT ck_lifecycle_stages_stage_name CHECK (stage_name IN ('research', 'consensus', 'architecture_decision', 'specification', 'decomposition', 'implementation', 'validation', 'testing', 'release', 'contribution')),
    status TEXT DEFAULT 'not_started' NOT NULL
        CONSTRAINT ck_lifecycle_stages_status CHECK (status IN ('not_started', 'in_progress', 'blocked', 'completed', 'skipped', 'failed')),
    sequence INTEGER NOT NULL
        CONSTRAINT ck_lifecycle_stages_sequence CHECK (sequence BETWEEN 1 AND 10),
    attempt INTEGER DEFAULT 1 NOT NULL,
    started_at TEXT
        CONSTRAINT ck_lifecycle_stages_started_at CHECK (started_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    completed_at TEXT
        CONSTRAINT ck_lifecycle_stages_completed_at CHECK (completed_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    blocked_at TEXT
        CONSTRAINT ck_lifecycle_stages_blocked_at CHECK (blocked_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    skipped_at TEXT
        CONSTRAINT ck_lifecycle_stages_skipped_at CHECK (skipped_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    block_reason TEXT,
    skip_reason TEXT,
    notes_json TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_lifecycle_stages_notes_json CHECK (json_valid(notes_json) AND json_type(notes_json) = 'array'),
    metadata_json TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_lifecycle_stages_metadata_json CHECK (json_valid(metadata_json) AND json_type(metadata_json) = 'object'),
    output_file TEXT,
    created_by TEXT,
    CONSTRAINT pk_lifecycle_stages PRIMARY KEY (id),
    CONSTRAINT ck_lifecycle_stages_skipped CHECK (status <> 'skipped' OR skip_reason IS NOT NULL),
    CONSTRAINT uq_lifecycle_stages_pipeline_id_stage_name UNIQUE (pipeline_id, stage_name),
    CONSTRAINT uq_lifecycle_stages_pipeline_id_sequence UNIQUE (pipeline_id, sequence),
    CONSTRAINT fk_lifecycle_stages_pipeline_id FOREIGN KEY(pipeline_id) REFERENCES lifecycle_pipelines (id) ON DELETE CASCADE
) STRICT""",
    """\
CREATE TABLE pipeline_manifest (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    session_id TEXT,
    task_id TEXT,
    epic_id TEXT,
    type TEXT NOT NULL
        CONSTRAINT ck_pipeline_manifest_type CHECK (type IN ('research', 'implementation', 'specification', 'design', 'analysis', 'decision', 'note')),
    title TEXT NOT NULL,
    content TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    status TEXT DEFAULT 'active' NOT NULL
        CONSTRAINT ck_pipeline_manifest_status CHECK (status IN ('active', 'distilled', 'archived')),
    brain_obs_id TEXT,
    source_file TEXT,
    metadata_json TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_pipeline_manifest_metadata_json CHECK (json_valid(metadata_json) AND json_type(metadata_json) = 'object'),
    created_at TEXT NOT NULL
        CONSTRAINT ck_pipeline_manifest_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    archived_at TEXT
        CONSTRAINT ck_pipeline_manifest_archived_at CHECK (archived_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT uq_pipeline_manifest_id UNIQUE (id),
    CONSTRAINT fk_pipeline_manifest_session_id FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE SET NULL,
    CONSTRAINT fk_pipeline_manifest_task_id FOREIGN KEY(task_id) REFERENCES tasks (id) ON DELETE SET NULL,
    CONSTRAINT fk_pipeline_manifest_epic_id FOREIGN KEY(epic_id) REFERENCES tasks (id) ON DELETE SET NULL
) STRICT""",
    """\
CREATE TABLE release_manifests (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    version TEXT NOT NULL
        CONSTRAINT ck_release_manifests_version CHECK (version GLOB 'v[0-9]*'),
    status TEXT DEFAULT 'draft' NOT NULL
        CONSTRAINT ck_release_manifests_status CHECK (status IN ('draft', 'prepared', 'committed', 'tagged', 'pushed', 'rolled_back')),
    pipeline_id TEXT,
    epic_id TEXT,
    changelog TEXT,
    notes TEXT,
    previous_version TEXT,
    commit_sha TEXT,
    git_tag TEXT,
    dist_tag TEXT,
    created_at TEXT NOT NULL
        CONSTRAINT ck_release_manifests_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    prepared_at TEXT
        CONSTRAINT ck_release_manifests_prepared_at CHECK (prepared_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    committed_at TEXT
        CONSTRAINT ck_release_manifests_committed_at CHECK (committed_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    tagged_at TEXT
        CONSTRAINT ck_release_manifests_tagged_at CHECK (tagged_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    pushed_at TEXT
        CONSTRAINT ck_release_manifests_pushed_at CHECK (pushed_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    rolled_back_at TEXT
        CONSTRAINT ck_release_manifests_rolled_back_at CHECK (rolled_back_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    rollback_reason TEXT,
    row_version INTEGER DEFAULT 1 NOT NULL,
    CONSTRAINT uq_release_manifests_id UNIQUE (id),
    CONSTRAINT fk_release_manifests_pipeline_id FOREIGN KEY(pipeline_id) REFERENCES lifecycle_pipelines (id) ON DELETE SET NULL,
    CONSTRAINT fk_release_manifests_epic_id FOREIGN KEY(epic_id) REFERENCES tasks (id) ON DELETE SET NULL
) STRICT""",
    """\
CREATE TABLE session_tasks (
    session_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    kind TEXT NOT NULL
        CONSTRAINT ck_session_tasks_kind CHECK (kind IN ('created', 'completed')),
    at TEXT NOT NULL
        CONSTRAINT ck_session_tasks_at CHECK (at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_session_tasks PRIMARY KEY (session_id, task_id, kind),
    CONSTRAINT fk_session_tasks_session_id FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE,
    CONSTRAINT fk_session_tasks_task_id FOREIGN KEY(task_id) REFERENCES tasks (id) ON DELETE CASCADE
) WITHOUT ROWID, STRICT""",
    """\
CREATE TABLE task_work_history (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    session_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    set_at TEXT NOT NULL
        CONSTRAINT ck_task_work_history_set_at CHECK (set_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    cleared_at TEXT
        CONSTRAINT ck_task_work_history_cleared_at CHECK (cleared_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT fk_task_work_history_session_id FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE,
    CONSTRAINT fk_task_work_history_task_id FOREIGN KEY(task_id) REFERENCES tasks (id) ON DELETE CASCADE
) STRICT""",
    """\
CREATE TABLE token_usage (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    created_at TEXT NOT NULL
        CONSTRAINT ck_token_usage_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    provider TEXT DEFAULT 'unknown' NOT NULL,
    model TEXT,
    transport TEXT DEFAULT 'unknown' NOT NULL
        CONSTRAINT ck_token_usage_transport CHECK (transport IN ('cli', 'api', 'agent', 'mcp', 'unknown')),
    operation TEXT,
    session_id TEXT,
    task_id TEXT,
    agent_id TEXT,
    request_id TEXT,
    input_chars INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_token_usage_input_chars CHECK (input_chars >= 0),
    output_chars INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_token_usage_output_chars CHECK (output_chars >= 0),
    input_tokens INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_token_usage_input_tokens CHECK (input_tokens >= 0),
    output_tokens INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_token_usage_output_tokens CHECK (output_tokens >= 0),
    total_tokens INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_token_usage_total_tokens CHECK (total_tokens >= 0),
    method TEXT DEFAULT 'heuristic' NOT NULL
        CONSTRAINT ck_token_usage_method CHECK (method IN ('otel', 'provider_api', 'tokenizer', 'heuristic')),
    confidence TEXT DEFAULT 'coarse' NOT NULL
        CONSTRAINT ck_token_usage_confidence CHECK (confidence IN ('real', 'high', 'estimated', 'coarse')),
    request_hash TEXT,
    response_hash TEXT,
    metadata_json TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_token_usage_metadata_json CHECK (json_valid(metadata_json) AND json_type(metadata_json) = 'object'),
    CONSTRAINT fk_token_usage_session_id FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE SET NULL,
    CONSTRAINT fk_token_usage_task_id FOREIGN KEY(task_id) REFERENCES tasks (id) ON DELETE SET NULL
) STRICT""",
    """\
CREATE TABLE lifecycle_gate_results (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    stage_id TEXT NOT NULL,
    gate_name TEXT NOT NULL,
    result TEXT NOT NULL
        CONSTRAINT ck_lifecycle_gate_results_result CHECK (result IN ('pass', 'fail', 'warn')),
    attempt INTEGER NOT NULL,
    checked_at TEXT NOT NULL
        CONSTRAINT ck_lifecycle_gate_results_checked_at CHECK (checked_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    checked_by TEXT NOT NULL,
    details TEXT,
    reason TEXT,
    CONSTRAINT ck_lifecycle_gate_results_reasoned CHECK (result = 'pass' OR reason IS NOT NULL),
    CONSTRAINT fk_lifecycle_gate_results_stage_id FOREIGN KEY(stage_id) REFERENCES lifecycle_stages (id) ON DELETE CASCADE
) STRICT""",
    """\
CREATE TABLE lifecycle_transitions (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    pipeline_id TEXT NOT NULL,
    from_stage_id TEXT,
    to_stage_id TEXT NOT NULL,
    transition_type TEXT DEFAULT 'automatic' NOT NULL
        CONSTRAINT ck_lifecycle_transitions_transition_type CHECK (transition_type IN ('automatic', 'manual', 'forced')),
    transitioned_by TEXT,
    session_id TEXT,
    reason TEXT,
    created_at TEXT NOT NULL
        CONSTRAINT ck_lifecycle_transitions_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT ck_lifecycle_transitions_unequal CHECK (from_stage_id <> to_stage_id),
    CONSTRAINT ck_lifecycle_transitions_reasoned CHECK (transition_type <> 'forced' OR reason IS NOT NULL),
    CONSTRAINT fk_lifecycle_transitions_pipeline_id FOREIGN KEY(pipeline_id) REFERENCES lifecycle_pipelines (id) ON DELETE CASCADE,
    CONSTRAINT fk_lifecycle_transitions_from_stage_id FOREIGN KEY(from_stage_id) REFERENCES lifecycle_stages (id) ON DELETE CASCADE,
    CONSTRAINT fk_lifecycle_transitions_to_stage_id FOREIGN KEY(to_stage_id) REFERENCES lifecycle_stages (id) ON DELETE CASCADE
) STRICT""",
    """\
CREATE TABLE manifest_entries (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    pipeline_id TEXT,
    stage_id TEXT,
    title TEXT NOT NULL,
    date TEXT NOT NULL
        CONSTRAINT ck_manifest_entries_date CHECK (date GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]'),
    status TEXT NOT NULL
        CONSTRAINT ck_manifest_entries_status CHECK (status IN ('completed', 'partial', 'blocked', 'archived')),
    agent_type TEXT,
    output_file TEXT,
    created_by TEXT,
    topics_json TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_manifest_entries_topics_json CHECK (json_valid(topics_json) AND json_type(topics_json) = 'array'),
    findings_json TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_manifest_entries_findings_json CHECK (json_valid(findings_json) AND json_type(findings_json) = 'array'),
    created_at TEXT NOT NULL
        CONSTRAINT ck_manifest_entries_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT uq_manifest_entries_id UNIQUE (id),
    CONSTRAINT fk_manifest_entries_pipeline_id FOREIGN KEY(pipeline_id) REFERENCES lifecycle_pipelines (id) ON DELETE CASCADE,
    CONSTRAINT fk_manifest_entries_stage_id FOREIGN KEY(stage_id) REFERENCES lifecycle_stages (id) ON DELETE CASCADE
) STRICT""",
    """\
CREATE TABLE release_steps (
    release_id TEXT NOT NULL,
    step TEXT NOT NULL
        CONSTRAINT ck_release_steps_step CHECK (step IN ('prepare', 'bump', 'changelog', 'commit', 'tag', 'push')),
    status TEXT DEFAULT 'pending' NOT NULL
        CONSTRAINT ck_release_steps_status CHECK (status IN ('pending', 'running', 'done', 'skipped', 'failed')),
    attempt INTEGER DEFAULT 0 NOT NULL,
    started_at TEXT
        CONSTRAINT ck_release_steps_started_at CHECK (started_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    finished_at TEXT
        CONSTRAINT ck_release_steps_finished_at CHECK (finished_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    detail_json TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_release_steps_detail_json CHECK (json_valid(detail_json) AND json_type(detail_json) = 'object'),
    CONSTRAINT pk_release_steps PRIMARY KEY (release_id, step),
    CONSTRAINT fk_release_steps_release_id FOREIGN KEY(release_id) REFERENCES release_manifests (id) ON DELETE CASCADE
) WITHOUT ROWID, STRICT""",
    """\
CREATE TABLE release_tasks (
    release_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    CONSTRAINT pk_release_tasks PRIMARY KEY (release_id, task_id),
    CONSTRAINT fk_release_tasks_release_id FOREIGN KEY(release_id) REFERENCES release_manifests (id) ON DELETE CASCADE,
    CONSTRAINT fk_release_tasks_task_id FOREIGN KEY(task_id) REFERENCES tasks (id) ON DELETE RESTRICT
) WITHOUT ROWID, STRICT""",
    """\
CREATE TABLE architecture_decisions (
    id TEXT NOT NULL
        CONSTRAINT ck_architecture_decisions_id CHECK (id = printf('ADR-%03d', number)),
    number INTEGER NOT NULL,
    title TEXT NOT NULL,
    content TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    status TEXT DEFAULT 'proposed' NOT NULL
        CONSTRAINT ck_architecture_decisions_status CHECK (status IN ('proposed', 'accepted', 'superseded', 'deprecated')),
    date TEXT
        CONSTRAINT ck_architecture_decisions_date CHECK (date GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]'),
    accepted_at TEXT
        CONSTRAINT ck_architecture_decisions_accepted_at CHECK (accepted_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]'),
    consensus_manifest_id TEXT,
    gate TEXT
        CONSTRAINT ck_architecture_decisions_gate CHECK (gate IN ('HITL', 'automated')),
    gate_status TEXT
        CONSTRAINT ck_architecture_decisions_gate_status CHECK (gate_status IN ('pending', 'passed', 'failed', 'waived')),
    file_path TEXT,
    summary TEXT,
    keywords_json TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_architecture_decisions_keywords_json CHECK (json_valid(keywords_json) AND json_type(keywords_json) = 'array'),
    topics_json TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_architecture_decisions_topics_json CHECK (json_valid(topics_json) AND json_type(topics_json) = 'array'),
    created_at TEXT NOT NULL
        CONSTRAINT ck_architecture_decisions_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    updated_at TEXT NOT NULL
        CONSTRAINT ck_architecture_decisions_updated_at CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    removed_at TEXT
        CONSTRAINT ck_architecture_decisions_removed_at CHECK (removed_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_architecture_decisions PRIMARY KEY (id),
    CONSTRAINT uq_architecture_decisions_number UNIQUE (number),
    CONSTRAINT fk_architecture_decisions_consensus_manifest_id FOREIGN KEY(consensus_manifest_id) REFERENCES manifest_entries (id) ON DELETE SET NULL,
    CONSTRAINT uq_architecture_decisions_file_path UNIQUE (file_path)
) STRICT""",
    """\
CREATE TABLE lifecycle_evidence (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    stage_id TEXT NOT NULL,
    gate_result_id INTEGER,
    uri TEXT NOT NULL,
    type TEXT NOT NULL
        CONSTRAINT ck_lifecycle_evidence_type CHECK (type IN ('file', 'url', 'manifest')),
    sha256 TEXT,
    description TEXT,
    recorded_by TEXT,
    recorded_at TEXT NOT NULL
        CONSTRAINT ck_lifecycle_evidence_recorded_at CHECK (recorded_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT fk_lifecycle_evidence_stage_id FOREIGN KEY(stage_id) REFERENCES lifecycle_stages (id) ON DELETE CASCADE,
    CONSTRAINT fk_lifecycle_evidence_gate_result_id FOREIGN KEY(gate_result_id) REFERENCES lifecycle_gate_results (id) ON DELETE CASCADE
) STRICT""",
    """\
CREATE TABLE manifest_entry_tasks (
    entry_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    CONSTRAINT pk_manifest_entry_tasks PRIMARY KEY (entry_id, task_id),
    CONSTRAINT fk_manifest_entry_tasks_entry_id FOREIGN KEY(entry_id) REFERENCES manifest_entries (id) ON DELETE CASCADE,
    CONSTRAINT fk_manifest_entry_tasks_task_id FOREIGN KEY(task_id) REFERENCES tasks (id) ON DELETE CASCADE
) WITHOUT ROWID, STRICT""",
    """\
CREATE TABLE adr_relations (
    from_adr_id TEXT NOT NULL,
    to_adr_id TEXT NOT NULL,
    relation_type TEXT NOT NULL
        CONSTRAINT ck_adr_relations_relation_type CHECK (relation_type IN ('supersedes', 'amends', 'related')),
    source TEXT DEFAULT 'manual' NOT NULL
        CONSTRAINT ck_adr_relations_source CHECK (source IN ('file', 'manual')),
    CONSTRAINT pk_adr_relations PRIMARY KEY (from_adr_id, to_adr_id, relation_type),
    CONSTRAINT ck_adr_relations_unequal CHECK (from_adr_id <> to_adr_id),
    CONSTRAINT fk_adr_relations_from_adr_id FOREIGN KEY(from_adr_id) REFERENCES architecture_decisions (id) ON DELETE CASCADE,
    CONSTRAINT fk_adr_relations_to_adr_id FOREIGN KEY(to_adr_id) REFERENCES architecture_decisions (id) ON DELETE CASCADE
) WITHOUT ROWID, STRICT""",
    """\
CREATE TABLE adr_task_links (
    adr_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    link_type TEXT DEFAULT 'related' NOT NULL
        CONSTRAINT ck_adr_task_links_link_type CHECK (link_type IN ('related', 'governed_by', 'implements')),
    source TEXT DEFAULT 'manual' NOT NULL
        CONSTRAINT ck_adr_task_links_source CHECK (source IN ('file', 'manual')),
    created_at TEXT NOT NULL
        CONSTRAINT ck_adr_task_links_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_adr_task_links PRIMARY KEY (adr_id, task_id, link_type),
    CONSTRAINT fk_adr_task_links_adr_id FOREIGN KEY(adr_id) REFERENCES architecture_decisions (id) ON DELETE CASCADE,
    CONSTRAINT fk_adr_task_links_task_id FOREIGN KEY(task_id) REFERENCES tasks (id) ON DELETE CASCADE
) WITHOUT ROWID, STRICT""",
    """\
CREATE INDEX ix_agent_credentials_is_active_last_used_at ON agent_credentials (is_active, last_used_at)""",
    """\
CREATE INDEX ix_audit_log_action_id ON audit_log (action, id)""",
    """\
CREATE INDEX ix_audit_log_actor_id ON audit_log (actor, id)""",
    """\
CREATE INDEX ix_audit_log_request_id ON audit_log (request_id)""",
    """\
CREATE INDEX ix_audit_log_session_id_id ON audit_log (session_id, id)""",
    """\
CREATE INDEX ix_audit_log_task_id_id ON audit_log (task_id, id)""",
    """\
CREATE INDEX ix_audit_log_timestamp ON audit_log (timestamp)""",
    """\
CREATE INDEX ix_idempotency_keys_expires_at ON idempotency_keys (expires_at)""",
    """\
CREATE UNIQUE INDEX uq_phases_active ON phases (status)
WHERE status = 'active'""",
    """\
CREATE INDEX ix_status_registry_entity_type ON status_registry (entity_type)""",
    """\
CREATE INDEX ix_status_registry_namespace ON status_registry (namespace)""",
    """\
CREATE INDEX ix_tasks_assignee_status ON tasks (assignee, status)
WHERE assignee IS NOT NULL""",
    """\
CREATE INDEX ix_tasks_parent_id_status_position ON tasks (parent_id, status, position)""",
    """\
CREATE INDEX ix_tasks_phase_status ON tasks (phase, status)
WHERE phase IS NOT NULL""",
    """\
CREATE INDEX ix_tasks_ready ON tasks (priority, has_dependencies, created_week, seq)
WHERE status = 'pending' AND open_dependency_count = 0 AND assignee IS NULL AND type <> 'epic'""",
    """\
CREATE INDEX ix_tasks_ready_phase ON tasks (phase, priority, has_dependencies, created_week, seq)
WHERE status = 'pending' AND open_dependency_count = 0 AND assignee IS NULL AND type <> 'epic' AND phase IS NOT NULL""",
    """\
CREATE INDEX ix_tasks_session_id ON tasks (session_id)
WHERE session_id IS NOT NULL""",
    """\
CREATE INDEX ix_tasks_status_seq ON tasks (status, seq)""",
    """\
CREATE INDEX ix_tasks_title ON tasks (title)""",
    """\
CREATE INDEX ix_tasks_type_status ON tasks (type, status)""",
    """\
CREATE UNIQUE INDEX uq_external_task_links_external ON external_task_links (provider_id, external_id)
WHERE link_type <> 'transferred'""",
    """\
CREATE INDEX ix_lifecycle_pipelines_status ON lifecycle_pipelines (status)""",
    """\
CREATE INDEX ix_sessions_agent_id ON sessions (agent_id)""",
    """\
CREATE INDEX ix_sessions_previous_session_id ON sessions (previous_session_id)""",
    """\
CREATE INDEX ix_sessions_status ON sessions (status)""",
    """\
CREATE UNIQUE INDEX uq_sessions_active ON sessions (coalesce(agent_id, ''), scope_kind, coalesce(scope_task_id, ''))
WHERE status = 'active'""",
    """\
CREATE INDEX ix_task_dependencies_depends_on_task_id ON task_dependencies (depends_on, task_id)""",
    """\
CREATE INDEX ix_task_gate_results_task_id_gate_id ON task_gate_results (task_id, gate, id)""",
    """\
CREATE INDEX ix_task_labels_task_id ON task_labels (task_id)""",
    """\
CREATE INDEX ix_task_relations_related_to ON task_relations (related_to)""",
    """\
CREATE INDEX ix_agent_instances_agent_id ON agent_instances (agent_id)""",
    """\
CREATE INDEX ix_agent_instances_parent_instance_id ON agent_instances (parent_instance_id)""",
    """\
CREATE INDEX ix_agent_instances_session_id ON agent_instances (session_id)""",
    """\
CREATE INDEX ix_agent_instances_status_last_heartbeat_at ON agent_instances (status, last_heartbeat_at)""",
    """\
CREATE INDEX ix_agent_instances_task_id ON agent_instances (task_id)""",
    """\
CREATE INDEX ix_lifecycle_stages_stage_name_status ON lifecycle_stages (stage_name, status)""",
    """\
CREATE INDEX ix_pipeline_manifest_session_id ON pipeline_manifest (session_id)""",
    """\
CREATE INDEX ix_pipeline_manifest_status ON pipeline_manifest (status)""",
    """\
CREATE INDEX ix_pipeline_manifest_task_id ON pipeline_manifest (task_id)""",
    """\
CREATE UNIQUE INDEX uq_pipeline_manifest_content ON pipeline_manifest (content_hash, task_id)
WHERE task_id IS NOT NULL""",
    """\
CREATE INDEX ix_release_manifests_status ON release_manifests (status)""",
    """\
CREATE UNIQUE INDEX uq_release_manifests_version ON release_manifests (version)
WHERE status <> 'rolled_back'""",
    """\
CREATE INDEX ix_session_tasks_task_id ON session_tasks (task_id)""",
    """\
CREATE INDEX ix_task_work_history_task_id ON task_work_history (task_id)""",
    """\
CREATE UNIQUE INDEX uq_task_work_history_open ON task_work_history (session_id)
WHERE cleared_at IS NULL""",
    """\
CREATE INDEX ix_token_usage_created_at ON token_usage (created_at)""",
    """\
CREATE INDEX ix_token_usage_method ON token_usage (method)""",
    """\
CREATE INDEX ix_token_usage_operation ON token_usage (operation)""",
    """\
CREATE INDEX ix_token_usage_provider_model ON token_usage (provider, model)""",
    """\
CREATE INDEX ix_token_usage_session_id ON token_usage (session_id)""",
    """\
CREATE INDEX ix_token_usage_task_id ON token_usage (task_id)""",
    """\
CREATE UNIQUE INDEX uq_token_usage_request_id ON token_usage (request_id)
WHERE request_id IS NOT NULL""",
    """\
CREATE INDEX ix_lifecycle_gate_results_stage_id_gate_name_id ON lifecycle_gate_results (stage_id, gate_name, id)""",
    """\
CREATE INDEX ix_lifecycle_transitions_pipeline_id_id ON lifecycle_transitions (pipeline_id, id)""",
    """\
CREATE INDEX ix_manifest_entries_pipeline_id ON manifest_entries (pipeline_id)""",
    """\
CREATE INDEX ix_manifest_entries_stage_id ON manifest_entries (stage_id)""",
    """\
CREATE INDEX ix_manifest_entries_status ON manifest_entries (status)""",
    """\
CREATE INDEX ix_release_tasks_task_id ON release_tasks (task_id)""",
    """\
CREATE INDEX ix_architecture_decisions_status ON architecture_decisions (status)""",
    """\
CREATE INDEX ix_lifecycle_evidence_gate_result_id ON lifecycle_evidence (gate_result_id)""",
    """\
CREATE INDEX ix_lifecycle_evidence_stage_id ON lifecycle_evidence (stage_id)""",
    """\
CREATE INDEX ix_manifest_entry_tasks_task_id ON manifest_entry_tasks (task_id)""",
    """\
CREATE INDEX ix_adr_relations_to_adr_id ON adr_relations (to_adr_id)""",
    """\
CREATE INDEX ix_adr_task_links_task_id ON adr_task_links (task_id)""",
    """\
INSERT INTO status_registry (name, entity_type, namespace, description, is_terminal) VALUES
    ('pending', 'task', 'workflow', 'Accepted and not begun.', 0),
    ('active', 'task', 'workflow', 'Being worked on.', 0),
    ('blocked', 'task', 'workflow', 'Held up by something outside its dependencies.', 0),
    ('done', 'task', 'workflow', 'Finished.', 1),
    ('cancelled', 'task', 'workflow', 'Given up.', 1),
    ('archived', 'task', 'workflow', 'Put away, and kept.', 1),
    ('proposed', 'task', 'workflow', 'Suggested and not accepted yet.', 0),
    ('active', 'session', 'workflow', 'An agent works in it.', 0),
    ('ended', 'session', 'workflow', 'Closed, with its handoff written.', 1),
    ('orphaned', 'session', 'workflow', 'Left idle until it was collected.', 1),
    ('suspended', 'session', 'workflow', 'Paused, to be resumed.', 0),
    ('active', 'lifecycle_pipeline', 'workflow', 'Moving through its stages.', 0),
    ('completed', 'lifecycle_pipeline', 'workflow', 'Its release stage is completed or skipped.', 1),
    ('blocked', 'lifecycle_pipeline', 'workflow', 'Its current stage is blocked.', 0),
    ('failed', 'lifecycle_pipeline', 'workflow', 'Its current stage has failed.', 1),
    ('cancelled', 'lifecycle_pipeline', 'workflow', 'Cancelled together with its task.', 1),
    ('aborted', 'lifecycle_pipeline', 'workflow', 'Stopped on request, with a reason.', 1),
    ('not_started', 'lifecycle_stage', 'workflow', 'Not entered yet.', 0),
    ('in_progress', 'lifecycle_stage', 'workflow', 'Entered and being worked on.', 0),
    ('blocked', 'lifecycle_stage', 'workflow', 'Entered and held up.', 0),
    ('completed', 'lifecycle_stage', 'workflow', 'Finished, with its gates passed.', 1),
    ('skipped', 'lifecycle_stage', 'workflow', 'Left out, with a reason.', 1),
    ('failed', 'lifecycle_stage', 'workflow', 'Tried without success.', 1),
    ('proposed', 'adr', 'governance', 'Put forward for decision.', 0),
    ('accepted', 'adr', 'governance', 'Decided and in force.', 0),
    ('superseded', 'adr', 'governance', 'Replaced by a later decision.', 1),
    ('deprecated', 'adr', 'governance', 'No longer in force, and not replaced.', 1),
    ('pending', 'gate', 'governance', 'Not decided yet.', 0),
    ('passed', 'gate', 'governance', 'Examined and accepted.', 1),
    ('failed', 'gate', 'governance', 'Examined and refused.', 1),
    ('waived', 'gate', 'governance', 'Let through without examination.', 1),
    ('completed', 'manifest', 'manifest', 'The whole output is there.', 1),
    ('partial', 'manifest', 'manifest', 'Part of the output is there.', 0),
    ('blocked', 'manifest', 'manifest', 'The output is held up.', 0),
    ('archived', 'manifest', 'manifest', 'Put away, and kept.', 1)""",
    """\
INSERT INTO schema_meta (key, value) VALUES
    ('schema_version', 'tasks_0001'),
    ('project_id', :project_id),
    ('project_name', :project_name),
    ('created_at', :now),
    ('task_sequence', '0')""",
    """\
CREATE VIRTUAL TABLE tasks_fts USING fts5(
    title, description, acceptance, notes,
    tokenize = 'porter unicode61 remove_diacritics 2'
)""",
    """\
CREATE TRIGGER tasks_fts_insert AFTER INSERT ON tasks
BEGIN
    INSERT INTO tasks_fts (rowid, title, description, acceptance, notes) VALUES (
        new.seq, new.title, new.description,
        (SELECT group_concat(value, char(10)) FROM json_each(new.acceptance_json)),
        (SELECT group_concat(atom, char(10)) FROM json_tree(new.notes_json) WHERE key = 'text')
    );
END""",
    """\
CREATE TRIGGER tasks_fts_update
AFTER UPDATE OF title, description, acceptance_json, notes_json ON tasks
BEGIN
    UPDATE tasks_fts SET
        title = new.title,
        description = new.description,
        acceptance = (SELECT group_concat(value, char(10)) FROM json_each(new.acceptance_json)),
        notes = (SELECT group_concat(atom, char(10)) FROM json_tree(new.notes_json) WHERE key = 'text')
    WHERE rowid = new.seq;
END""",
    """\
CREATE TRIGGER tasks_fts_delete AFTER DELETE ON tasks
BEGIN
    DELETE FROM tasks_fts WHERE rowid = old.seq;
END""",
    """\
CREATE TRIGGER task_dependencies_count_insert AFTER INSERT ON task_dependencies
BEGIN
    UPDATE tasks SET (dependency_count, open_dependency_count) = (
        SELECT count(*), count(*) FILTER (WHERE target.status IN ('pending', 'active', 'blocked', 'proposed'))
        FROM task_dependencies AS edge LEFT JOIN tasks AS target ON target.id = edge.depends_on
        WHERE edge.task_id = tasks.id
    )
    WHERE id = new.task_id;
END""",
    """\
CREATE TRIGGER task_dependencies_count_update
AFTER UPDATE OF task_id, depends_on ON task_dependencies
BEGIN
    UPDATE tasks SET (dependency_count, open_dependency_count) = (
        SELECT count(*), count(*) FILTER (WHERE target.status IN ('pending', 'active', 'blocked', 'proposed'))
        FROM task_dependencies AS edge LEFT JOIN tasks AS target ON target.id = edge.depends_on
        WHERE edge.task_id = tasks.id
    )
    WHERE id IN (old.task_id, new.task_id);
END""",
    """\
CREATE TRIGGER task_dependencies_count_delete AFTER DELETE ON task_dependencies
BEGIN
    UPDATE tasks SET (dependency_count, open_dependency_count) = (
        SELECT count(*), count(*) FILTER (WHERE target.status IN ('pending', 'active', 'blocked', 'proposed'))
        FROM task_dependencies AS edge LEFT JOIN tasks AS target ON target.id = edge.depends_on
        WHERE edge.task_id = tasks.id
    )
    WHERE id = old.task_id;
END""",
    """\
CREATE TRIGGER tasks_status_count AFTER UPDATE OF status ON tasks
WHEN (old.status IN ('pending', 'active', 'blocked', 'proposed'))
    <> (new.status IN ('pending', 'active', 'blocked', 'proposed'))
BEGIN
    UPDATE tasks SET (dependency_count, open_dependency_count) = (
        SELECT count(*), count(*) FILTER (WHERE target.status IN ('pending', 'active', 'blocked', 'proposed'))
        FROM task_dependencies AS edge LEFT JOIN tasks AS target ON target.id = edge.depends_on
        WHERE edge.task_id = tasks.id
    )
    WHERE id IN (SELECT task_id FROM task_dependencies WHERE depends_on = new.id);
END""",
    """\
CREATE TRIGGER sessions_handoff_once BEFORE UPDATE OF handoff_json ON sessions
WHEN old.handoff_json IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'sessions.handoff_json is written once');
END""",
    """\
CREATE TRIGGER task_gate_results_no_update BEFORE UPDATE ON task_gate_results
BEGIN
    SELECT RAISE(ABORT, 'task_gate_results is append-only');
END""",
    """\
CREATE TRIGGER task_gate_results_no_replace BEFORE INSERT ON task_gate_results
WHEN EXISTS (SELECT 1 FROM task_gate_results WHERE id = new.id)
BEGIN
    SELECT RAISE(ABORT, 'task_gate_results is append-only');
END""",
    """\
CREATE TRIGGER task_gate_results_no_delete BEFORE DELETE ON task_gate_results
WHEN EXISTS (SELECT 1 FROM tasks WHERE id = old.task_id)
BEGIN
    SELECT RAISE(ABORT, 'task_gate_results is append-only');
END""",
    """\
CREATE TRIGGER lifecycle_gate_results_no_update BEFORE UPDATE ON lifecycle_gate_results
BEGIN
    SELECT RAISE(ABORT, 'lifecycle_gate_results is append-only');
END""",
    """\
CREATE TRIGGER lifecycle_gate_results_no_replace BEFORE INSERT ON lifecycle_gate_results
WHEN EXISTS (SELECT 1 FROM lifecycle_gate_results WHERE id = new.id)
BEGIN
    SELECT RAISE(ABORT, 'lifecycle_gate_results is append-only');
END""",
    """\
CREATE TRIGGER lifecycle_gate_results_no_delete BEFORE DELETE ON lifecycle_gate_results
WHEN EXISTS (SELECT 1 FROM lifecycle_stages WHERE id = old.stage_id)
BEGIN
    SELECT RAISE(ABORT, 'lifecycle_gate_results is append-only');
END""",
    """\
CREATE TRIGGER lifecycle_evidence_no_update BEFORE UPDATE ON lifecycle_evidence
BEGIN
    SELECT RAISE(ABORT, 'lifecycle_evidence is append-only');
END""",
    """\
CREATE TRIGGER lifecycle_evidence_no_replace BEFORE INSERT ON lifecycle_evidence
WHEN EXISTS (SELECT 1 FROM lifecycle_evidence WHERE id = new.id)
BEGIN
    SELECT RAISE(ABORT, 'lifecycle_evidence is append-only');
END""",
    """\
CREATE TRIGGER lifecycle_evidence_no_delete BEFORE DELETE ON lifecycle_evidence
WHEN EXISTS (SELECT 1 FROM lifecycle_stages WHERE id = old.stage_id)
BEGIN
    SELECT RAISE(ABORT, 'lifecycle_evidence is append-only');
END""",
    """\
CREATE TRIGGER lifecycle_transitions_no_update BEFORE UPDATE ON lifecycle_transitions
BEGIN
    SELECT RAISE(ABORT, 'lifecycle_transitions is append-only');
END""",
    """\
CREATE TRIGGER lifecycle_transitions_no_replace BEFORE INSERT ON lifecycle_transitions
WHEN EXISTS (SELECT 1 FROM lifecycle_transitions WHERE id = new.id)
BEGIN
    SELECT RAISE(ABORT, 'lifecycle_transitions is append-only');
END""",
    """\
CREATE TRIGGER lifecycle_transitions_no_delete BEFORE DELETE ON lifecycle_transitions
WHEN EXISTS (SELECT 1 FROM lifecycle_pipelines WHERE id = old.pipeline_id)
BEGIN
    SELECT RAISE(ABORT, 'lifecycle_transitions is append-only');
END""",
    """\
CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only');
END""",
    """\
CREATE TRIGGER audit_log_no_replace BEFORE INSERT ON audit_log
WHEN EXISTS (SELECT 1 FROM audit_log WHERE id = new.id)
BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only');
END""",
    """\
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log
WHEN NOT EXISTS (
    SELECT 1 FROM schema_meta
    WHERE key = 'audit_prune_below' AND CAST(value AS INTEGER) > old.id
)
BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only');
END""",
    """\
CREATE TRIGGER status_registry_no_insert BEFORE INSERT ON status_registry
BEGIN
    SELECT RAISE(ABORT, 'status_registry is changed by migrations only');
END""",
    """\
CREATE TRIGGER status_registry_no_update BEFORE UPDATE ON status_registry
BEGIN
    SELECT RAISE(ABORT, 'status_registry is changed by migrations only');
END""",
    """\
CREATE TRIGGER status_registry_no_delete BEFORE DELETE ON status_registry
BEGIN
    SELECT RAISE(ABORT, 'status_registry is changed by migrations only');
END""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        execute(statement)


def downgrade() -> None:
    raise NotImplementedError(
        "migrations only go forward: to return to an earlier schema, restore a snapshot of the file"
    )
