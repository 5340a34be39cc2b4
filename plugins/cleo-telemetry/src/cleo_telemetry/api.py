"""What the plugin declares, as data: its store, its command and its settings."""

from __future__ import annotations

from collections.abc import Mapping

from cleo_core.api import CommandSpec, ConfigKey, StoreSpec

STORE = StoreSpec(
    name="telemetry",
    tier="global",
    file="telemetry.db",
    application_id=0x434C544C,
    head="telemetry_0001",
    schema="cleo_telemetry.schema:metadata",
    migrations="cleo_telemetry.migrations",
    snapshot="cleo_telemetry.snapshot:STATEMENTS",
    backup="exclude",
    create="explicit",
)

COMMANDS = (
    CommandSpec(
        "telemetry",
        "cleo_telemetry.cli:telemetry_command",
        "How commands perform, if you want to know; off until you enable it.",
        "Health",
        ("status", "show"),
    ),
)

#: What a person agrees by.
ENABLED = "telemetry.enabled"

# All are global: a repository must neither opt a person in nor thin out what is theirs.
CONFIG = (
    ConfigKey(
        ENABLED,
        "bool",
        False,
        scope="global",
        help="Whether finished commands are timed; `cleo telemetry enable` sets it.",
    ),
    ConfigKey(
        "telemetry.retention_days",
        "int",
        90,
        scope="global",
        help="Days that a timing is kept; 0 keeps all.",
    ),
    ConfigKey(
        "telemetry.max_rows",
        "int",
        50_000,
        scope="global",
        help="Newest timings that are kept; 0 keeps all.",
    ),
)


def refused_by(env: Mapping[str, str]) -> str | None:
    """The variable that forbids recording, whatever the configuration says; None for none."""
    if env.get("DO_NOT_TRACK", "") not in ("", "0", "false"):
        return "DO_NOT_TRACK"
    if env.get("CLEO_TELEMETRY", "").strip().lower() in ("0", "false", "off"):
        return "CLEO_TELEMETRY"
    return None
