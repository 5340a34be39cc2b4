"""The first schema."""
# ruff: noqa: E501

from __future__ import annotations

from cleo_core.migrate import execute

revision = "template_name_0001"
down_revision = None

STATEMENTS = (
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
    PRIMARY KEY (actor, verb, "key")
) STRICT""",
    """\
CREATE TABLE items (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    title TEXT NOT NULL,
    importance TEXT DEFAULT 'normal' NOT NULL
        CONSTRAINT ck_items_importance CHECK (importance IN ('low', 'normal', 'high')),
    tags_json TEXT DEFAULT '[]' NOT NULL
        CONSTRAINT ck_items_tags_json CHECK (json_valid(tags_json) AND json_type(tags_json) = 'array'),
    created_at TEXT NOT NULL
        CONSTRAINT ck_items_created_at CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    UNIQUE (id)
) STRICT""",
    """\
CREATE INDEX ix_idempotency_keys_expires_at ON idempotency_keys (expires_at)""",
)


def upgrade() -> None:
    """Make the tables."""
    for statement in STATEMENTS:
        execute(statement)
