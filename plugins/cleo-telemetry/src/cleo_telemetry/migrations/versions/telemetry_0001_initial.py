"""The first schema of telemetry."""
# ruff: noqa: E501

from __future__ import annotations

from cleo_core.migrate import execute

revision = "telemetry_0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS: tuple[str, ...] = (
    """\
CREATE TABLE telemetry_events (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    anonymous_id TEXT NOT NULL
        CONSTRAINT ck_telemetry_events_anonymous_id CHECK (anonymous_id GLOB '????????-????-????-????-????????????' AND anonymous_id NOT GLOB '*[^0-9a-f-]*'),
    domain TEXT NOT NULL,
    gateway TEXT NOT NULL
        CONSTRAINT ck_telemetry_events_gateway CHECK (gateway IN ('query', 'mutate')),
    operation TEXT NOT NULL,
    command TEXT NOT NULL,
    exit_code INTEGER NOT NULL
        CONSTRAINT ck_telemetry_events_exit_code CHECK (exit_code BETWEEN 0 AND 255),
    duration_ms INTEGER NOT NULL
        CONSTRAINT ck_telemetry_events_duration_ms CHECK (duration_ms >= 0),
    error_code TEXT
        CONSTRAINT ck_telemetry_events_error_code CHECK (error_code GLOB 'E_?*' AND error_code NOT GLOB '*[^A-Z0-9_]*'),
    timestamp TEXT NOT NULL
        CONSTRAINT ck_telemetry_events_timestamp CHECK (timestamp GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'),
    CONSTRAINT ck_telemetry_events_named CHECK (command = domain || '.' || operation),
    CONSTRAINT ck_telemetry_events_failed CHECK (error_code IS NULL OR exit_code <> 0)
) STRICT""",
    """\
CREATE TABLE telemetry_schema_meta (
    "key" TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT pk_telemetry_schema_meta PRIMARY KEY ("key")
) WITHOUT ROWID, STRICT""",
    """\
CREATE INDEX ix_telemetry_events_command ON telemetry_events (command)""",
    """\
CREATE INDEX ix_telemetry_events_exit_code ON telemetry_events (exit_code)""",
    """\
CREATE INDEX ix_telemetry_events_timestamp ON telemetry_events (timestamp)""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        execute(statement)


def downgrade() -> None:
    raise NotImplementedError(
        "migrations only go forward: to return to an earlier schema, restore a snapshot of the file"
    )
