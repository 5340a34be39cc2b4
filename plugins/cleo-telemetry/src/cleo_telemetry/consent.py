"""Whether the person at this machine agreed to be measured, and what decided it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cleo_telemetry.api import ENABLED, refused_by

if TYPE_CHECKING:
    from cleo_core.app import App

DEFAULT, UNREADABLE = "default", "global config"


def decided(app: App) -> tuple[bool, str]:
    """Whether commands are recorded, and what decided it: a variable, the key, or its default.

    :raises CleoError: ``E_CONFIG``, ``E_PATH_OVERRIDE``: there is no global configuration to ask.
    """
    variable = refused_by(app.env)
    if variable is not None:
        return False, variable
    found = app.config.explain(ENABLED)
    if found.source != "default":
        return found.value is True, ENABLED
    unusable = {"W_CONFIG_UNUSABLE", "W_NO_HOME"}
    if any(one["code"] in unusable and _is_global(app, one) for one in app.warnings):
        return False, UNREADABLE
    return False, DEFAULT


def _is_global(app: App, warning: Mapping[str, object]) -> bool:
    if warning["code"] == "W_NO_HOME":
        return True
    return str(warning["message"]).startswith(app.config.path("global"))
