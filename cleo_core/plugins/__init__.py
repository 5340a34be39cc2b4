"""Plugins: found, filtered, negotiated with, loaded, and put aside when they cannot be used.

A plugin is an entry point of the group ``cleo.plugins`` that names a module. It is taken whole or
not at all: whatever is wrong with one is its own trouble, recorded with a reason, a sentence and a
command that helps, and every other plugin works as if it were not there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from cleo_core.plugins.conflicts import (
    in_order,
    quarantine_cycles,
    quarantine_duplicates,
    quarantine_same_name,
)
from cleo_core.plugins.declarations import declare
from cleo_core.plugins.negotiate import (
    add_hookspecs,
    check_name,
    check_requirements,
    core_specs,
    find_functions,
    import_module,
)
from cleo_core.plugins.record import (
    Outcome,
    Plugin,
    PluginError,
    described,
    interrupts,
    trace_to_stderr,
    warn_on_stderr,
)
from cleo_core.plugins.registry import Plugins
from cleo_core.plugins.scan import EntryPoint, scan

if TYPE_CHECKING:
    from cleo_core.plugins.explain import installed
    from cleo_core.plugins.record import Warn

__all__ = [
    "EntryPoint",
    "Outcome",
    "Plugin",
    "Plugins",
    "installed",
    "load_plugins",
    "load_target",
    "scan",
]


def load_plugins(
    env: Mapping[str, str] = os.environ,
    *,
    warn: Warn = warn_on_stderr,
    entry_points: Iterable[EntryPoint] | None = None,
    reserved_commands: Collection[str] = frozenset(),
    reserved_config: Collection[str] = frozenset(),
) -> Plugins:
    """Find and load the installed plugins.

    :param env: ``CLEO_PLUGINS``, ``CLEO_DISABLE_PLUGINS`` and ``CLEO_TRACE_HOOKS`` are read.
    :param warn: called with a code and a sentence.
    :param entry_points: what is installed, by default what :func:`scan` finds.
    :param reserved_commands: names of the built-in commands.
    :param reserved_config: first words of core's configuration keys.
    """
    trace = trace_to_stderr if env.get("CLEO_TRACE_HOOKS", "") not in ("", "0") else None
    found = scan() if entry_points is None else entry_points
    plugins = sorted(map(Plugin, found), key=lambda plugin: (plugin.name, plugin.distribution))
    _disable(plugins, env, warn)
    specs = core_specs()

    def find(plugin: Plugin) -> None:
        find_functions(plugin, specs, absent)

    _each(plugins, check_name)
    quarantine_same_name(_loaded(plugins))
    _each(plugins, check_requirements)
    _each(plugins, import_module)
    # All hooks are known before any function is held against them.
    _each(plugins, lambda plugin: add_hookspecs(plugin, specs))
    absent = {plugin.prefix for plugin in plugins if plugin.state != "loaded"}
    _each(plugins, find)
    _each(plugins, lambda plugin: declare(plugin, trace))
    quarantine_duplicates(plugins, reserved_commands, reserved_config)
    quarantine_cycles(plugins)
    loaded, store_order = in_order(plugins)
    return Plugins(
        loaded,
        [plugin for plugin in plugins if plugin.state != "loaded"],
        specs=specs,
        store_order=store_order,
        warn=warn,
        trace=trace,
        reserved_commands=reserved_commands,
    )


def load_target(target: str) -> Any:
    """Import what ``module:attr`` names.

    :raises ValueError: it has no colon.
    :raises ImportError: the module cannot be imported.
    :raises AttributeError: the module has no such attribute.
    """
    import sys

    name, colon, attributes = target.partition(":")
    if not colon:
        raise ValueError(f"{target!r} is not module:attr")
    __import__(name)
    value: Any = sys.modules[name]
    for attribute in attributes.split("."):
        value = getattr(value, attribute)
    return value


def __getattr__(name: str) -> Any:
    # The listing by the packaging library is imported by the few commands that show it.
    if name == "installed":
        from cleo_core.plugins.explain import installed

        return installed
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _disable(plugins: list[Plugin], env: Mapping[str, str], warn: Warn) -> None:
    """Leave out what ``CLEO_PLUGINS`` does not name and what ``CLEO_DISABLE_PLUGINS`` does."""
    names = {plugin.name for plugin in plugins}
    for variable in ("CLEO_PLUGINS", "CLEO_DISABLE_PLUGINS"):
        if variable not in env:
            continue
        named = env[variable].replace(",", " ").split()
        for name in sorted({*named} - names):
            warn("W_PLUGIN_UNKNOWN", f"{variable} names {name!r}, which is not installed.")
        for plugin in plugins:
            if (plugin.name in named) == (variable == "CLEO_DISABLE_PLUGINS"):
                plugin.state = "disabled"


def _each(plugins: Iterable[Plugin], step: Callable[[Plugin], None]) -> None:
    """Take every plugin that is still in use one step further, or put it aside."""
    for plugin in _loaded(plugins):
        try:
            step(plugin)
        except PluginError as refused:
            plugin.quarantine(refused.reason, refused.message, refused.fix)
        except BaseException as error:
            # A plugin may hold objects that fail at any touch; that is its own trouble as well.
            if interrupts(error):
                raise
            plugin.quarantine("bad-spec", f"it could not be examined: {described(error)}.")


def _loaded(plugins: Iterable[Plugin]) -> list[Plugin]:
    return [plugin for plugin in plugins if plugin.state == "loaded"]
