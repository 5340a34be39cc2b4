"""The configuration keys of core; a plugin's stand in its ``CLEO_CONFIG``."""

from __future__ import annotations

from cleo_core.api.specs import ConfigKey

CORE_KEYS: tuple[ConfigKey, ...] = (
    ConfigKey("agent.id", "str", None, env="CLEO_AGENT_ID", help="Who acts, unless --agent says."),
    ConfigKey(
        "output.format",
        "enum",
        "auto",
        env="CLEO_FORMAT",
        choices=("auto", "json", "human"),
        help="Output; auto is for people on a terminal and JSON in a pipe.",
    ),
    ConfigKey("backup.keep_last", "int", 10, help="Newest backup sets that are kept."),
    ConfigKey("backup.keep_daily", "int", 7, help="Days that keep their newest set."),
    ConfigKey("backup.keep_before", "int", 10, help="Newest sets made before a risky step."),
    ConfigKey(
        "backup.debounce_seconds",
        "int",
        30,
        help="A session's end makes no set when the newest is younger.",
    ),
    ConfigKey(
        "logging.level",
        "enum",
        "warning",
        env="CLEO_LOG_LEVEL",
        choices=("debug", "info", "warning", "error"),
        help="Least level that is logged.",
    ),
    ConfigKey("logging.max_bytes", "int", 10485760, help="Size at which the log is rotated."),
    ConfigKey("logging.files", "int", 5, help="Log files that are kept."),
    ConfigKey(
        "migrate.policy",
        "enum",
        "auto",
        env="CLEO_MIGRATE",
        choices=("auto", "refuse"),
        help="Whether a store that is behind is migrated when it is opened.",
    ),
    ConfigKey(
        "database.allow_non_wal",
        "list",
        (),
        scope="global",
        help="Stores that may live where write-ahead logging does not work.",
    ),
    ConfigKey(
        "references.strict",
        "bool",
        False,
        help="Refuse a write when it is unknown whether a referenced id exists.",
    ),
    ConfigKey("audit.warn_rows", "int", 100000, help="Audit rows above which doctor speaks up."),
)
