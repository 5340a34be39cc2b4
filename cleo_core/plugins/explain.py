"""The slow answers: why a command is missing, what the packaging library says is installed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from cleo_core.errors import CleoError, UsageError
from cleo_core.plugins.record import one_line
from cleo_core.plugins.scan import (
    GROUP,
    EntryPoint,
    distribution_headers,
    normalized,
    split_requirement,
)

if TYPE_CHECKING:
    from cleo_core.plugins.record import Plugin


def explain_missing(
    command: str,
    *,
    known: Collection[str],
    loaded: Collection[str],
    quarantined: Iterable[Plugin],
    disabled: Iterable[Plugin],
) -> CleoError:
    """See :meth:`cleo_core.plugins.Plugins.explain_missing`."""
    quarantined, disabled = list(quarantined), list(disabled)
    for plugin in quarantined:
        if command == plugin.name or command in {spec.name for spec in plugin.commands}:
            return _quarantined(command, plugin)
    for plugin in disabled:
        if command == plugin.name:
            return CleoError(
                "E_PLUGIN_MISSING",
                f"Plugin {command!r} is installed, and CLEO_PLUGINS or CLEO_DISABLE_PLUGINS leaves "
                "it out.",
                fix="unset CLEO_PLUGINS CLEO_DISABLE_PLUGINS",
                details={"command": command, "plugin": plugin.name},
            )
    if command not in loaded and normalized(command) in core_extras():
        extra = normalized(command)
        return CleoError(
            "E_PLUGIN_MISSING",
            f"The command {command!r} belongs to a plugin that is not installed.",
            fix=f'pip install "cleo-core[{extra}]"',
            details={"command": command, "extra": extra},
        )
    return _unknown(command, known, quarantined, disabled)


def core_extras() -> set[str]:
    """The extras of the installed cleo-core, as its metadata names them."""
    extras: set[str] = set()
    for key, value in distribution_headers("cleo-core"):
        if key == "provides-extra":
            extras.add(normalized(value))
        elif key == "requires-dist":
            _, _, marker = value.partition(";")
            words = marker.replace("==", " == ").replace("(", " ").replace(")", " ").split()
            extras |= {
                normalized(words[at + 2].strip("'\""))
                for at, word in enumerate(words[:-2])
                if word == "extra" and words[at + 1] == "=="
            }
    return extras


def installed() -> list[EntryPoint]:
    """What ``importlib_metadata`` finds: slow, complete, and what the fast scan is held against."""
    import importlib_metadata

    found: list[EntryPoint] = []
    seen: set[str] = set()
    for distribution in importlib_metadata.distributions():
        found += _entry_points(distribution, seen)
    return found


def _entry_points(distribution: Any, seen: set[str]) -> list[EntryPoint]:
    """A distribution's plugins, unless an earlier one has its name."""
    try:
        name = distribution.name
        if not name or normalized(name) in seen:
            return []
        seen.add(normalized(name))
        entries = [entry for entry in distribution.entry_points if entry.group == GROUP]
        if not entries:
            # What it requires would take reading its metadata again.
            return []
        requires = tuple(
            requirement
            for requirement in distribution.requires or ()
            if split_requirement(requirement)[0] == "cleo-core"
        )
        return [
            EntryPoint(entry.name, entry.value, name, distribution.version or "", requires)
            for entry in entries
        ]
    except Exception:
        # Metadata of any package on the machine may be broken, and is no reason to fail here.
        return []


def _quarantined(command: str, plugin: Plugin) -> CleoError:
    return CleoError(
        "E_PLUGIN_QUARANTINED",
        one_line(
            f"The command {command!r} belongs to plugin {plugin.name} ({plugin.label}), which is "
            f"not used: {plugin.message} [{plugin.reason}]"
        ),
        fix=plugin.fix,
        details={"command": command, "plugin": plugin.name, "reason": plugin.reason},
    )


def _unknown(
    command: str, known: Collection[str], quarantined: list[Plugin], disabled: list[Plugin]
) -> CleoError:
    from difflib import get_close_matches

    nearest = get_close_matches(command, sorted(known), n=3)
    message = f"There is no command {one_line(command, 80)!r}."
    if nearest:
        message += f" Did you mean {' or '.join(nearest)}?"
    mute = sorted({plugin.name for plugin in quarantined if not plugin.commands})
    if mute:
        message += f" It may be one of plugin {', '.join(mute)}, which could not be loaded."
    left_out = ", ".join(sorted(plugin.name for plugin in disabled))
    if left_out:
        message += f" CLEO_PLUGINS or CLEO_DISABLE_PLUGINS leaves out plugin {left_out}."
    fix = "unset CLEO_PLUGINS CLEO_DISABLE_PLUGINS" if left_out else "cleo --help"
    return UsageError(
        message,
        fix=f"cleo {nearest[0]}" if nearest else fix,
        command=command,
        nearest=nearest,
    )
