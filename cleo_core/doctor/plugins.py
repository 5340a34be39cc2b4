"""Plugins: those that could not be used, and whether all of them were found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_core.doctor.finding import Finding
from cleo_core.plugins import installed, scan
from cleo_core.plugins.scan import normalized

if TYPE_CHECKING:
    from cleo_core.doctor.scene import Scene
    from cleo_core.plugins import EntryPoint

#: Milliseconds that importing a plugin may take.
SLOW = 50.0


def load(scene: Scene) -> Finding:
    """Plugins in quarantine."""
    plugins = scene.app.plugins
    bad = plugins.quarantined
    if not bad:
        left_out = [plugin.name for plugin in plugins.disabled]
        words = f"; {', '.join(left_out)} left out by a variable" if left_out else ""
        return Finding("ok", f"{len(plugins.loaded)} plugins are in use{words}.")
    first = bad[0]
    return Finding(
        "error",
        f"Plugin {first.name} ({first.label}) is not used: {first.message}",
        {
            "plugins": [
                {
                    "name": plugin.name,
                    "distribution": plugin.distribution,
                    "reason": plugin.reason,
                    "message": plugin.message,
                    "fix": plugin.fix,
                }
                for plugin in bad
            ]
        },
        first.fix,
    )


def compared(scene: Scene) -> Finding:
    """The fast search for plugins against what the packaging library finds."""
    fast = {_identity(entry) for entry in scan()}
    slow = {_identity(entry) for entry in installed()}
    unseen, unconfirmed = sorted(slow - fast), sorted(fast - slow)
    if not unseen and not unconfirmed:
        return Finding("ok", "The search for plugins finds what importlib_metadata finds.")
    names = ", ".join(sorted({one[0] for one in (*unseen, *unconfirmed)}))
    return Finding(
        "warning",
        f"importlib_metadata and the search for plugins disagree on {names}; one that only a "
        "finder or an archive shows is not used.",
        {
            "unseen": [list(one) for one in unseen],
            "unconfirmed": [list(one) for one in unconfirmed],
        },
        f"pip install --force-reinstall {(unseen or unconfirmed)[0][2]}",
    )


def slow(scene: Scene) -> Finding:
    """Plugins whose import holds every command up."""
    times = {
        plugin.name: round(plugin.ms, 1) for plugin in scene.app.plugins.loaded if plugin.ms > SLOW
    }
    if not times:
        return Finding("ok", f"No plugin takes more than {SLOW:g} ms to import.")
    worst = max(times, key=lambda name: times[name])
    return Finding(
        "info",
        f"Plugin {worst} took {times[worst]:g} ms to import, in every command.",
        {"ms": times},
        f"python -X importtime -c 'import {_module(scene, worst)}'",
    )


def _identity(entry: EntryPoint) -> tuple[str, str, str]:
    return entry.name, entry.value, normalized(entry.distribution)


def _module(scene: Scene, name: str) -> str:
    return next(plugin.value for plugin in scene.app.plugins.loaded if plugin.name == name)
