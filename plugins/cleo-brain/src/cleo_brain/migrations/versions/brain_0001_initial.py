"""The first schema of the brain store."""
# ruff: noqa: E501

from __future__ import annotations

from cleo_core.migrate import execute

revision = "brain_0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS: tuple[str, ...] = (
    """\
CREATE TABLE brain_audit (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL
        CONSTRAINT ck_brain_audit_at CHECK (at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    actor TEXT NOT NULL,
    session_id TEXT,
    request_id TEXT NOT NULL,
    action TEXT NOT NULL,
    kind TEXT NOT NULL
        CONSTRAINT ck_brain_audit_kind CHECK (kind IN ('decision', 'pattern', 'learning', 'observation', 'sticky')),
    entry_id TEXT NOT NULL,
    details_json TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_brain_audit_details_json CHECK (json_valid(details_json) AND json_type(details_json) = 'object')
) STRICT""",
    """\
CREATE TABLE brain_entries (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    kind TEXT NOT NULL
        CONSTRAINT ck_brain_entries_kind CHECK (kind IN ('decision', 'pattern', 'learning', 'observation', 'sticky')),
    title TEXT DEFAULT '' NOT NULL,
    body TEXT NOT NULL,
    extra TEXT DEFAULT '' NOT NULL,
    context TEXT DEFAULT '' NOT NULL,
    dates TEXT NOT NULL,
    thread TEXT,
    origin TEXT,
    tier TEXT NOT NULL
        CONSTRAINT ck_brain_entries_tier CHECK (tier IN ('short', 'medium', 'long')),
    tier_changed_at TEXT
        CONSTRAINT ck_brain_entries_tier_changed_at CHECK (tier_changed_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    tier_reason TEXT,
    verified INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_brain_entries_verified CHECK (verified IN (0, 1)),
    verified_by TEXT,
    verified_at TEXT
        CONSTRAINT ck_brain_entries_verified_at CHECK (verified_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    source_confidence TEXT NOT NULL
        CONSTRAINT ck_brain_entries_source_confidence CHECK (source_confidence IN ('owner', 'task-outcome', 'agent', 'speculative')),
    quality REAL NOT NULL
        CONSTRAINT ck_brain_entries_quality CHECK (quality BETWEEN 0 AND 1),
    uses INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_brain_entries_uses CHECK (uses >= 0),
    last_used_at TEXT
        CONSTRAINT ck_brain_entries_last_used_at CHECK (last_used_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    seen INTEGER DEFAULT 1 NOT NULL
        CONSTRAINT ck_brain_entries_seen CHECK (seen >= 1),
    last_seen_at TEXT NOT NULL
        CONSTRAINT ck_brain_entries_last_seen_at CHECK (last_seen_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    content_hash TEXT NOT NULL,
    text_hash TEXT NOT NULL,
    tokens INTEGER NOT NULL
        CONSTRAINT ck_brain_entries_tokens CHECK (tokens > 0),
    agent TEXT,
    summary_id TEXT,
    metadata_json TEXT DEFAULT '{}' NOT NULL
        CONSTRAINT ck_brain_entries_metadata_json CHECK (json_valid(metadata_json) AND json_type(metadata_json) = 'object'),
    valid_at TEXT NOT NULL
        CONSTRAINT ck_brain_entries_valid_at CHECK (valid_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    invalid_at TEXT
        CONSTRAINT ck_brain_entries_invalid_at CHECK (invalid_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    invalid_reason TEXT
        CONSTRAINT ck_brain_entries_invalid_reason CHECK (invalid_reason IN ('superseded', 'evicted', 'decayed', 'archived', 'converted', 'expired')),
    created_at TEXT NOT NULL
        CONSTRAINT ck_brain_entries_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    updated_at TEXT NOT NULL
        CONSTRAINT ck_brain_entries_updated_at CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT ck_brain_entries_id_fits_kind CHECK ((kind = 'decision' AND ((id GLOB 'D[0-9][0-9][0-9]*' AND substr(id, 2) NOT GLOB '*[^0-9]*') OR id GLOB 'AGT-?*')) OR (kind = 'pattern' AND (id GLOB 'P-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]' OR (id GLOB 'P[0-9][0-9][0-9]*' AND substr(id, 2) NOT GLOB '*[^0-9]*'))) OR (kind = 'learning' AND (id GLOB 'L-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]' OR (id GLOB 'L[0-9][0-9][0-9]*' AND substr(id, 2) NOT GLOB '*[^0-9]*'))) OR (kind = 'observation' AND (id GLOB 'O-?*' OR id GLOB 'CM-?*')) OR (kind = 'sticky' AND ((id GLOB 'SN-[0-9][0-9][0-9]*' AND substr(id, 4) NOT GLOB '*[^0-9]*')))),
    CONSTRAINT ck_brain_entries_invalid CHECK ((invalid_at IS NULL) = (invalid_reason IS NULL)),
    CONSTRAINT ck_brain_entries_verified_once CHECK (verified = (verified_at IS NOT NULL)),
    CONSTRAINT ck_brain_entries_reason_fits_kind CHECK (invalid_reason IS NULL OR (kind = 'sticky') = (invalid_reason IN ('archived', 'converted', 'expired'))),
    CONSTRAINT uq_brain_entries_id UNIQUE (id),
    CONSTRAINT fk_brain_entries_summary_id FOREIGN KEY(summary_id) REFERENCES brain_entries (id) ON DELETE SET NULL
) STRICT""",
    """\
CREATE TABLE brain_models (
    slot INTEGER NOT NULL,
    model_id TEXT NOT NULL,
    dims INTEGER NOT NULL
        CONSTRAINT ck_brain_models_dims CHECK (dims BETWEEN 64 AND 4096 AND dims % 64 = 0),
    created_at TEXT NOT NULL
        CONSTRAINT ck_brain_models_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_brain_models PRIMARY KEY (slot),
    CONSTRAINT uq_brain_models_model_id UNIQUE (model_id)
) STRICT""",
    """\
CREATE TABLE brain_retrieval_log (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL
        CONSTRAINT ck_brain_retrieval_log_at CHECK (at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    source TEXT NOT NULL
        CONSTRAINT ck_brain_retrieval_log_source CHECK (source IN ('fetch', 'context')),
    "query" TEXT,
    entry_ids_json TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_brain_retrieval_log_entry_ids_json CHECK (json_valid(entry_ids_json) AND json_type(entry_ids_json) = 'array'),
    tokens INTEGER NOT NULL
        CONSTRAINT ck_brain_retrieval_log_tokens CHECK (tokens >= 0),
    session_id TEXT,
    agent TEXT
) STRICT""",
    """\
CREATE TABLE brain_schema_meta (
    "key" TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT pk_brain_schema_meta PRIMARY KEY ("key")
) WITHOUT ROWID, STRICT""",
    """\
CREATE TABLE brain_vec_stale (
    seq INTEGER NOT NULL,
    CONSTRAINT pk_brain_vec_stale PRIMARY KEY (seq)
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
CREATE TABLE brain_decisions (
    id TEXT NOT NULL
        CONSTRAINT ck_brain_decisions_id CHECK ((id GLOB 'D[0-9][0-9][0-9]*' AND substr(id, 2) NOT GLOB '*[^0-9]*') OR id GLOB 'AGT-?*'),
    type TEXT DEFAULT 'technical' NOT NULL
        CONSTRAINT ck_brain_decisions_type CHECK (type IN ('architecture', 'technical', 'process', 'strategic', 'tactical')),
    decision TEXT NOT NULL,
    rationale TEXT NOT NULL,
    confidence TEXT DEFAULT 'medium' NOT NULL
        CONSTRAINT ck_brain_decisions_confidence CHECK (confidence IN ('low', 'medium', 'high')),
    outcome TEXT
        CONSTRAINT ck_brain_decisions_outcome CHECK (outcome IN ('success', 'failure', 'mixed', 'pending')),
    alternatives_json TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_brain_decisions_alternatives_json CHECK (json_valid(alternatives_json) AND json_type(alternatives_json) = 'array'),
    context_epic_id TEXT,
    context_task_id TEXT,
    context_phase TEXT,
    adr_id TEXT,
    adr_path TEXT,
    confirmation_state TEXT DEFAULT 'accepted' NOT NULL
        CONSTRAINT ck_brain_decisions_confirmation_state CHECK (confirmation_state IN ('proposed', 'accepted')),
    decided_by TEXT DEFAULT 'agent' NOT NULL
        CONSTRAINT ck_brain_decisions_decided_by CHECK (decided_by IN ('owner', 'council', 'agent')),
    CONSTRAINT pk_brain_decisions PRIMARY KEY (id),
    CONSTRAINT fk_brain_decisions_id FOREIGN KEY(id) REFERENCES brain_entries (id) ON DELETE CASCADE
) STRICT""",
    """\
CREATE TABLE brain_edges (
    edge_id INTEGER NOT NULL,
    from_id TEXT NOT NULL,
    edge_type TEXT NOT NULL
        CONSTRAINT ck_brain_edges_edge_type CHECK (edge_type IN ('supersedes', 'contradicts', 'supports', 'derived_from', 'related', 'references')),
    to_entry TEXT,
    to_node TEXT,
    reason TEXT,
    agent TEXT,
    created_at TEXT NOT NULL
        CONSTRAINT ck_brain_edges_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_brain_edges PRIMARY KEY (edge_id),
    CONSTRAINT ck_brain_edges_one_target CHECK ((to_entry IS NULL) <> (to_node IS NULL)),
    CONSTRAINT ck_brain_edges_not_to_itself CHECK (to_entry IS NULL OR to_entry <> from_id),
    CONSTRAINT ck_brain_edges_outside_by_reference CHECK (to_node IS NULL OR edge_type = 'references'),
    CONSTRAINT fk_brain_edges_from_id FOREIGN KEY(from_id) REFERENCES brain_entries (id) ON DELETE CASCADE,
    CONSTRAINT fk_brain_edges_to_entry FOREIGN KEY(to_entry) REFERENCES brain_entries (id) ON DELETE CASCADE
) STRICT""",
    """\
CREATE TABLE brain_learnings (
    id TEXT NOT NULL
        CONSTRAINT ck_brain_learnings_id CHECK (id GLOB 'L-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]' OR (id GLOB 'L[0-9][0-9][0-9]*' AND substr(id, 2) NOT GLOB '*[^0-9]*')),
    insight TEXT NOT NULL,
    source TEXT NOT NULL,
    confidence REAL DEFAULT (0.5) NOT NULL
        CONSTRAINT ck_brain_learnings_confidence CHECK (confidence BETWEEN 0 AND 1),
    actionable INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_brain_learnings_actionable CHECK (actionable IN (0, 1)),
    application TEXT,
    applicable_types_json TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_brain_learnings_applicable_types_json CHECK (json_valid(applicable_types_json) AND json_type(applicable_types_json) = 'array'),
    confirmed_at TEXT NOT NULL
        CONSTRAINT ck_brain_learnings_confirmed_at CHECK (confirmed_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_brain_learnings PRIMARY KEY (id),
    CONSTRAINT fk_brain_learnings_id FOREIGN KEY(id) REFERENCES brain_entries (id) ON DELETE CASCADE
) STRICT""",
    """\
CREATE TABLE brain_memory_links (
    memory_type TEXT NOT NULL
        CONSTRAINT ck_brain_memory_links_memory_type CHECK (memory_type IN ('decision', 'pattern', 'learning', 'observation', 'sticky')),
    memory_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    link_type TEXT NOT NULL
        CONSTRAINT ck_brain_memory_links_link_type CHECK (link_type IN ('produced_by', 'applies_to', 'informed_by', 'contradicts')),
    agent TEXT,
    created_at TEXT NOT NULL
        CONSTRAINT ck_brain_memory_links_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_brain_memory_links PRIMARY KEY (memory_type, memory_id, task_id, link_type),
    CONSTRAINT fk_brain_memory_links_memory_id FOREIGN KEY(memory_id) REFERENCES brain_entries (id) ON DELETE CASCADE
) WITHOUT ROWID, STRICT""",
    """\
CREATE TABLE brain_observations (
    id TEXT NOT NULL
        CONSTRAINT ck_brain_observations_id CHECK (id GLOB 'O-?*' OR id GLOB 'CM-?*'),
    type TEXT NOT NULL
        CONSTRAINT ck_brain_observations_type CHECK (type IN ('discovery', 'change', 'feature', 'bugfix', 'refactor', 'decision', 'diary', 'session-summary')),
    subtitle TEXT,
    title_derived INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_brain_observations_title_derived CHECK (title_derived IN (0, 1)),
    title TEXT NOT NULL,
    narrative TEXT NOT NULL,
    facts_json TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_brain_observations_facts_json CHECK (json_valid(facts_json) AND json_type(facts_json) = 'array'),
    concepts_json TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_brain_observations_concepts_json CHECK (json_valid(concepts_json) AND json_type(concepts_json) = 'array'),
    files_read_json TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_brain_observations_files_read_json CHECK (json_valid(files_read_json) AND json_type(files_read_json) = 'array'),
    files_modified_json TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_brain_observations_files_modified_json CHECK (json_valid(files_modified_json) AND json_type(files_modified_json) = 'array'),
    project TEXT,
    source_session_id TEXT,
    source_type TEXT DEFAULT 'agent' NOT NULL
        CONSTRAINT ck_brain_observations_source_type CHECK (source_type IN ('agent', 'manual', 'session-debrief', 'claude-mem', 'cleo', 'markdown', 'jsonl', 'sticky', 'maintenance')),
    discovery_tokens INTEGER
        CONSTRAINT ck_brain_observations_discovery_tokens CHECK (discovery_tokens >= 0),
    attachments_json TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_brain_observations_attachments_json CHECK (json_valid(attachments_json) AND json_type(attachments_json) = 'array'),
    CONSTRAINT pk_brain_observations PRIMARY KEY (id),
    CONSTRAINT fk_brain_observations_id FOREIGN KEY(id) REFERENCES brain_entries (id) ON DELETE CASCADE
) STRICT""",
    """\
CREATE TABLE brain_patterns (
    id TEXT NOT NULL
        CONSTRAINT ck_brain_patterns_id CHECK (id GLOB 'P-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]' OR (id GLOB 'P[0-9][0-9][0-9]*' AND substr(id, 2) NOT GLOB '*[^0-9]*')),
    type TEXT DEFAULT 'recurring' NOT NULL
        CONSTRAINT ck_brain_patterns_type CHECK (type IN ('recurring', 'anti-pattern', 'improvement', 'workflow', 'blocker', 'success', 'failure', 'optimization')),
    pattern TEXT NOT NULL,
    context TEXT NOT NULL,
    frequency INTEGER DEFAULT 1 NOT NULL
        CONSTRAINT ck_brain_patterns_frequency CHECK (frequency >= 1),
    success_rate REAL
        CONSTRAINT ck_brain_patterns_success_rate CHECK (success_rate BETWEEN 0 AND 1),
    impact TEXT
        CONSTRAINT ck_brain_patterns_impact CHECK (impact IN ('low', 'medium', 'high')),
    anti_pattern TEXT,
    mitigation TEXT,
    examples_json TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_brain_patterns_examples_json CHECK (json_valid(examples_json) AND json_type(examples_json) = 'array'),
    CONSTRAINT pk_brain_patterns PRIMARY KEY (id),
    CONSTRAINT fk_brain_patterns_id FOREIGN KEY(id) REFERENCES brain_entries (id) ON DELETE CASCADE
) STRICT""",
    """\
CREATE TABLE brain_sticky_notes (
    id TEXT NOT NULL
        CONSTRAINT ck_brain_sticky_notes_id CHECK ((id GLOB 'SN-[0-9][0-9][0-9]*' AND substr(id, 4) NOT GLOB '*[^0-9]*')),
    content TEXT NOT NULL,
    status TEXT DEFAULT 'active' NOT NULL
        CONSTRAINT ck_brain_sticky_notes_status CHECK (status IN ('active', 'converted', 'archived')),
    color TEXT DEFAULT 'yellow' NOT NULL
        CONSTRAINT ck_brain_sticky_notes_color CHECK (color IN ('yellow', 'blue', 'green', 'red', 'purple')),
    priority TEXT DEFAULT 'medium' NOT NULL
        CONSTRAINT ck_brain_sticky_notes_priority CHECK (priority IN ('low', 'medium', 'high')),
    converted_to TEXT,
    expires_at TEXT
        CONSTRAINT ck_brain_sticky_notes_expires_at CHECK (expires_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_brain_sticky_notes PRIMARY KEY (id),
    CONSTRAINT ck_brain_sticky_notes_converted_once CHECK ((status = 'converted') = (converted_to IS NOT NULL)),
    CONSTRAINT fk_brain_sticky_notes_id FOREIGN KEY(id) REFERENCES brain_entries (id) ON DELETE CASCADE
) STRICT""",
    """\
CREATE TABLE brain_tags (
    entry_id TEXT NOT NULL,
    tag TEXT NOT NULL
        CONSTRAINT ck_brain_tags_tag CHECK (length(tag) BETWEEN 1 AND 64 AND tag NOT GLOB '*[ ,]*'),
    CONSTRAINT pk_brain_tags PRIMARY KEY (entry_id, tag),
    CONSTRAINT fk_brain_tags_entry_id FOREIGN KEY(entry_id) REFERENCES brain_entries (id) ON DELETE CASCADE
) WITHOUT ROWID, STRICT""",
    """\
CREATE TABLE brain_vectors (
    seq INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    text_hash TEXT NOT NULL,
    code BLOB NOT NULL,
    "indexed" INTEGER DEFAULT 0 NOT NULL
        CONSTRAINT ck_brain_vectors_indexed CHECK (indexed IN (0, 1)),
    created_at TEXT NOT NULL
        CONSTRAINT ck_brain_vectors_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT pk_brain_vectors PRIMARY KEY (seq),
    CONSTRAINT fk_brain_vectors_seq FOREIGN KEY(seq) REFERENCES brain_entries (seq) ON DELETE CASCADE,
    CONSTRAINT fk_brain_vectors_slot FOREIGN KEY(slot) REFERENCES brain_models (slot)
) STRICT""",
    """\
CREATE TABLE brain_vector_values (
    seq INTEGER NOT NULL,
    embedding BLOB NOT NULL,
    CONSTRAINT pk_brain_vector_values PRIMARY KEY (seq),
    CONSTRAINT fk_brain_vector_values_seq FOREIGN KEY(seq) REFERENCES brain_vectors (seq) ON DELETE CASCADE
) STRICT""",
    """\
CREATE INDEX ix_brain_audit_entry_id_seq ON brain_audit (entry_id, seq)""",
    """\
CREATE INDEX ix_brain_entries_agent_seq ON brain_entries (agent, seq)
WHERE agent IS NOT NULL""",
    """\
CREATE INDEX ix_brain_entries_invalid_at ON brain_entries (invalid_at)
WHERE invalid_at IS NOT NULL""",
    """\
CREATE INDEX ix_brain_entries_kind_seq ON brain_entries (kind, seq)""",
    """\
CREATE INDEX ix_brain_entries_summary_id ON brain_entries (summary_id)
WHERE summary_id IS NOT NULL""",
    """\
CREATE INDEX ix_brain_entries_thread_seq ON brain_entries (thread, seq)
WHERE thread IS NOT NULL""",
    """\
CREATE INDEX ix_brain_entries_tier_created_at ON brain_entries (tier, created_at)
WHERE invalid_at IS NULL""",
    """\
CREATE INDEX ix_brain_entries_valid_at ON brain_entries (valid_at)""",
    """\
CREATE UNIQUE INDEX uq_brain_entries_content ON brain_entries (kind, content_hash)
WHERE invalid_at IS NULL AND kind <> 'sticky'""",
    """\
CREATE UNIQUE INDEX uq_brain_entries_origin ON brain_entries (origin)
WHERE origin IS NOT NULL""",
    """\
CREATE INDEX ix_brain_retrieval_log_at ON brain_retrieval_log (at)""",
    """\
CREATE INDEX ix_brain_retrieval_log_session_id ON brain_retrieval_log (session_id)
WHERE session_id IS NOT NULL""",
    """\
CREATE INDEX ix_idempotency_keys_expires_at ON idempotency_keys (expires_at)""",
    """\
CREATE INDEX ix_brain_decisions_adr_id ON brain_decisions (adr_id)""",
    """\
CREATE INDEX ix_brain_decisions_context_epic_id ON brain_decisions (context_epic_id)""",
    """\
CREATE INDEX ix_brain_decisions_context_task_id ON brain_decisions (context_task_id)""",
    """\
CREATE INDEX ix_brain_decisions_outcome ON brain_decisions (outcome)""",
    """\
CREATE INDEX ix_brain_decisions_type ON brain_decisions (type)""",
    """\
CREATE INDEX ix_brain_edges_to_entry ON brain_edges (to_entry)
WHERE to_entry IS NOT NULL""",
    """\
CREATE INDEX ix_brain_edges_to_node ON brain_edges (to_node)
WHERE to_node IS NOT NULL""",
    """\
CREATE UNIQUE INDEX uq_brain_edges_contradicts ON brain_edges (min(from_id, to_entry), max(from_id, to_entry))
WHERE edge_type = 'contradicts'""",
    """\
CREATE UNIQUE INDEX uq_brain_edges_once ON brain_edges (from_id, edge_type, coalesce(to_entry, to_node))""",
    """\
CREATE UNIQUE INDEX uq_brain_edges_one_successor ON brain_edges (to_entry)
WHERE edge_type = 'supersedes'""",
    """\
CREATE INDEX ix_brain_learnings_actionable ON brain_learnings (actionable)""",
    """\
CREATE INDEX ix_brain_learnings_confidence ON brain_learnings (confidence)""",
    """\
CREATE INDEX ix_brain_memory_links_memory_id ON brain_memory_links (memory_id)""",
    """\
CREATE INDEX ix_brain_memory_links_task_id ON brain_memory_links (task_id)""",
    """\
CREATE INDEX ix_brain_observations_project ON brain_observations (project)""",
    """\
CREATE INDEX ix_brain_observations_source_session_id ON brain_observations (source_session_id)""",
    """\
CREATE INDEX ix_brain_observations_source_type ON brain_observations (source_type)""",
    """\
CREATE INDEX ix_brain_observations_type ON brain_observations (type)""",
    """\
CREATE INDEX ix_brain_patterns_frequency ON brain_patterns (frequency)""",
    """\
CREATE INDEX ix_brain_patterns_impact ON brain_patterns (impact)""",
    """\
CREATE INDEX ix_brain_patterns_type ON brain_patterns (type)""",
    """\
CREATE INDEX ix_brain_sticky_notes_expires_at ON brain_sticky_notes (expires_at)
WHERE expires_at IS NOT NULL""",
    """\
CREATE INDEX ix_brain_sticky_notes_status ON brain_sticky_notes (status)""",
    """\
CREATE INDEX ix_brain_tags_tag ON brain_tags (tag)""",
    """\
CREATE INDEX ix_brain_vectors_not_indexed ON brain_vectors (seq)
WHERE indexed = 0""",
    """\
CREATE INDEX ix_brain_vectors_slot_seq ON brain_vectors (slot, seq)""",
    """\
INSERT INTO brain_schema_meta (key, value) VALUES
    ('schema_version', 'brain_0001'),
    ('decision_sequence', '0'),
    ('sticky_sequence', '0'),
    ('embedder', ''),
    ('vector_generation', '0')""",
    """\
CREATE VIRTUAL TABLE brain_fts USING fts5(
    title, body, extra, context, dates,
    content = 'brain_entries',
    content_rowid = 'seq',
    tokenize = 'porter unicode61 remove_diacritics 2'
)""",
    """\
INSERT INTO brain_fts (brain_fts, rank)
VALUES ('rank', 'bm25(2.0, 1.0, 0.7, 0.5, 1.0)')""",
    """\
CREATE TRIGGER brain_fts_insert AFTER INSERT ON brain_entries
BEGIN
    INSERT INTO brain_fts (rowid, title, body, extra, context, dates)
    VALUES (new.seq, new.title, new.body, new.extra, new.context, new.dates);
END""",
    """\
CREATE TRIGGER brain_fts_update AFTER UPDATE OF title, body, extra, context, dates ON brain_entries
BEGIN
    INSERT INTO brain_fts (brain_fts, rowid, title, body, extra, context, dates)
    VALUES ('delete', old.seq, old.title, old.body, old.extra, old.context, old.dates);
    INSERT INTO brain_fts (rowid, title, body, extra, context, dates)
    VALUES (new.seq, new.title, new.body, new.extra, new.context, new.dates);
END""",
    """\
CREATE TRIGGER brain_fts_delete AFTER DELETE ON brain_entries
BEGIN
    INSERT INTO brain_fts (brain_fts, rowid, title, body, extra, context, dates)
    VALUES ('delete', old.seq, old.title, old.body, old.extra, old.context, old.dates);
END""",
    """\
CREATE TRIGGER brain_audit_no_update BEFORE UPDATE ON brain_audit
BEGIN
    SELECT RAISE(ABORT, 'brain_audit is append-only');
END""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        execute(statement)


def downgrade() -> None:
    raise NotImplementedError(
        "migrations only go forward: to return to an earlier schema, restore a snapshot of the file"
    )
