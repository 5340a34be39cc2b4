"""The installed plugins beside what core itself brings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cleo_core.config import CORE_KEYS
from cleo_core.plugins import Plugins, load_plugins

#: Names of the built-in commands, which no plugin may take.
BUILT_IN_COMMANDS = frozenset(
    (
        *("init", "plugins", "stores", "migrate", "backup", "restore", "doctor", "reconcile"),
        *("config", "version", "completion"),
    )
)


def load_all(env: Mapping[str, str], warnings: list[dict[str, Any]]) -> Plugins:
    """Find and load the installed plugins beside core's own configuration keys."""

    def warn(code: str, message: str) -> None:
        warnings.append({"code": code, "message": message})

    plugins = load_plugins(
        env,
        warn=warn,
        reserved_commands=BUILT_IN_COMMANDS,
        reserved_config={key.name.partition(".")[0] for key in CORE_KEYS},
    )
    for key in CORE_KEYS:
        plugins.config_keys.setdefault(key.name, key)
    return plugins
