"""What the plugin declares, as data: its store with the secret files, commands and settings."""

from __future__ import annotations

from cleo_core.api import CommandSpec, ConfigKey, FileSpec, StoreSpec

#: Where the store is when it is not in its file: an address of a PostgreSQL database.
DATABASE_VARIABLE = "CLEO_SIGNALDOCK_DATABASE_URL"

STORE = StoreSpec(
    name="signaldock",
    tier="global",
    file="signaldock.db",
    application_id=0x434C5344,
    head="signaldock_0001",
    schema="cleo_signaldock.schema:metadata",
    migrations="cleo_signaldock.migrations",
    snapshot="cleo_signaldock.snapshot:STATEMENTS",
    kinds={"agent": "agents", "organization": "organization", "user": "users"},
    files=(
        FileSpec("machine-key", "global", secret=True, size=32, fingerprint=True),
        FileSpec(
            "global-salt", "global", secret=True, size=32, backup="include", bundle="same_machine"
        ),
    ),
    backends=("sqlite", "postgresql"),
)

COMMANDS = (
    CommandSpec(
        "agent",
        "cleo_signaldock.cli:agent_command",
        "Who the agents are, and which this project sees.",
        "Agents",
        ("list", "get", "capabilities", "skills", "whoami", "status", "keys status"),
    ),
)

#: The checks that ``cleo doctor --fix`` mends, each by ``mend_<name>`` beside its check.
MENDED = ("refs", "cache")

CONFIG = (
    ConfigKey(
        "signaldock.url",
        "str",
        "https://api.signaldock.io",
        scope="global",
        env="CLEO_SIGNALDOCK_URL",
        help="The server through which agents on different machines reach each other.",
    ),
)

#: Checks ``signaldock.<name>``, each ``check_<name>`` of ``cleo_signaldock.service.health``.
CHECKS = ("keys", "reauth", "blobs", "refs", "cache", "overrides", "legacy")
