"""What an App lets happen that is refused otherwise, as records in ``audit/overrides.jsonl``.

What is recorded has happened: a record that cannot be written is a warning, and undoes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cleo_core.errors import CleoError
from cleo_core.paths import append_override, data_dir
from cleo_core.paths.overrides import recorded_today

if TYPE_CHECKING:
    from cleo_core.app import App

_LEFT_OUT = "plugins-left-out"


def note_forced(app: App, options: Sequence[str]) -> None:
    """Record that somebody had the running verb do what it refuses unless it is forced.

    :param options: the names of those that force it.
    """
    facts = {
        "command": app.verb,
        "options": list(options),
        "actor": app.actor,
        "requestId": app.request_id,
    }
    try:
        append_override(_directory(app), "forced", facts)
    except CleoError as error:
        app.warn("W_NOT_RECORDED", f"That this was forced is not recorded: {error.message}")


def note_left_out(app: App) -> None:
    """Record that a change went past the guards of plugins that a variable leaves out.

    Once a UTC day for the same plugins and actor: who sets the variable for good changes things all
    day long.
    """
    names = sorted(plugin.name for plugin in app.plugins.disabled)
    facts = {"plugins": names, "actor": app.actor}
    try:
        directory = _directory(app)
        if not recorded_today(directory, _LEFT_OUT, facts):
            append_override(directory, _LEFT_OUT, facts)
    except CleoError as error:
        app.warn("W_NOT_RECORDED", f"Plugins left out are not recorded: {error.message}")


def _directory(app: App) -> str:
    """The project's directory, else the data directory.

    :raises CleoError: ``E_NO_HOME`` or ``E_PATH_OVERRIDE``.
    """
    project = app.project_or_none
    return project.directory if project is not None else data_dir(app.env)
