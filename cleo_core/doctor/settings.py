"""Settings and environment: files that cannot be read, values and names that nobody takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_core.doctor.finding import Finding
from cleo_core.errors import CleoError

if TYPE_CHECKING:
    from cleo_core.config import Scope
    from cleo_core.doctor.scene import Scene

#: The variables that core reads, and those that several plugins share. A plugin's others are known
#: by its configuration keys, or begin with CLEO_ and its name.
VARIABLES = frozenset(
    (
        *("CLEO_HOME", "CLEO_CONFIG_HOME", "CLEO_ROOT", "CLEO_PROJECT_ROOT", "CLEO_DIR"),
        *("CLEO_AUTO_INIT", "CLEO_ALLOW_WORKTREE_DB_CREATE", "CLEO_FORMAT", "CLEO_QUIET"),
        *("CLEO_AGENT_ID", "CLEO_SESSION_ID", "CLEO_AGENT_TOKEN", "CLEO_HUMAN_TOKEN"),
        *("CLEO_PLUGINS", "CLEO_DISABLE_PLUGINS", "CLEO_TRACE_HOOKS"),
        *("CLEO_BUSY_TIMEOUT_MS", "CLEO_SQLITE", "CLEO_MIGRATE"),
        *("CLEO_BACKUP_PASSPHRASE", "CLEO_BACKUP_PASSPHRASE_FILE"),
        *("CLEO_LOG_LEVEL", "CLEO_LOG_FILE", "CLEO_DISABLE_PROJECT_AUTOREGISTER"),
        *("CLEO_TEST_ROOT", "CLEO_TEST_POSTGRES_URL"),
    )
)


def valid(scene: Scene) -> Finding:
    """Configuration files and variables that are damaged or hold what their key does not take."""
    problems = scene.app.config.validate()
    if not problems:
        return Finding("ok", "Every setting has a value that its key takes.")
    damaged = _damaged(scene)
    first = problems[0]
    return Finding(
        "warning",
        first["message"],
        {"problems": problems},
        "cleo doctor --only config.valid --fix" if damaged else first["fix"],
        fixable=bool(damaged),
    )


def quarantine(scene: Scene) -> list[str]:
    """Move damaged configuration files to quarantine; what they held before takes their place."""
    config = scene.app.config
    return [config.path(scope) for scope in _damaged(scene) if config.repair(scope)]


def unknown(scene: Scene) -> Finding:
    """Keys in the files that nobody declares."""
    keys = scene.app.config.unknown()
    if not keys:
        return Finding("ok", "Every key in the configuration files is declared.")
    first = keys[0]
    option = " --global" if first["scope"] == "global" else ""
    names = ", ".join(one["key"] for one in keys[:5])
    return Finding(
        "warning",
        f"Nobody reads the configured {names}{' …' if len(keys) > 5 else ''}.",
        {"keys": keys},
        f"cleo config unset {first['key']}{option}",
    )


def variables(scene: Scene) -> Finding:
    """Variables whose names begin like CLEO's and that nothing reads; values are not shown."""
    import difflib

    plugins = scene.app.plugins
    known = VARIABLES | {key.env for key in plugins.config_keys.values() if key.env}
    own = tuple(f"CLEO_{plugin.prefix.upper()}" for plugin in plugins.all())
    found = sorted(
        name
        for name in scene.env
        if name.startswith("CLEO_")
        and name not in known
        and not any(name == one or name.startswith(f"{one}_") for one in own)
    )
    if not found:
        return Finding("ok", "Every CLEO_ variable is one that something reads.")
    near = {name: difflib.get_close_matches(name, known, 1, 0.7) for name in found}
    words = [f"{name} (for {near[name][0]}?)" if near[name] else name for name in found]
    return Finding(
        "warning",
        f"Nothing reads {', '.join(words)}.",
        {"variables": found},
        f"unset {' '.join(found)}",
    )


def _damaged(scene: Scene) -> list[Scope]:
    """The files that are no configuration at all."""
    config = scene.app.config
    whole = {problem["origin"] for problem in config.validate() if problem["field"] is None}
    found: list[Scope] = []
    for scope in ("project", "global"):
        try:
            if config.path(scope) in whole:
                found.append(scope)
        except CleoError:
            # No project, or no home: there is no such file.
            continue
    return found
