"""Whether the person at this machine agreed to be measured.

It is asked after every command, so it looks only at what is in memory already and imports nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cleo_core.app import App

KEY = "telemetry.enabled"
#: What may decide, the first that says no before all others.
VARIABLES = ("DO_NOT_TRACK", "CLEO_TELEMETRY")
DEFAULT, UNREADABLE = "default", "global config"


def given(app: App) -> bool:
    """Whether commands are to be recorded; a repository's own setting is passed over and named.

    What else is wrong with the configuration is for the commands that use it to say.
    """
    if refused_by(app.env) is not None:
        return False
    told = len(app.warnings)
    agreed = app.config.get(KEY) is True
    app.warnings[told:] = [one for one in app.warnings[told:] if one["code"] == "W_CONFIG_VALUE"]
    return agreed


def refused_by(env: Mapping[str, str]) -> str | None:
    """The variable that forbids recording, whatever the configuration says; None for none."""
    if env.get("DO_NOT_TRACK", "") not in ("", "0", "false"):
        return "DO_NOT_TRACK"
    if env.get("CLEO_TELEMETRY", "").strip().lower() in ("0", "false", "off"):
        return "CLEO_TELEMETRY"
    return None


def decided(app: App) -> tuple[bool, str]:
    """Whether commands are recorded, and what decided it: a variable, the key, or its default.

    :raises CleoError: ``E_CONFIG``, ``E_PATH_OVERRIDE``: there is no global configuration to ask.
    """
    variable = refused_by(app.env)
    if variable is not None:
        return False, variable
    found = app.config.explain(KEY)
    if found.source != "default":
        return found.value is True, KEY
    unusable = {"W_CONFIG_UNUSABLE", "W_NO_HOME"}
    if any(one["code"] in unusable and _is_global(app, one) for one in app.warnings):
        return False, UNREADABLE
    return False, DEFAULT


def _is_global(app: App, warning: Mapping[str, object]) -> bool:
    if warning["code"] == "W_NO_HOME":
        return True
    return str(warning["message"]).startswith(app.config.path("global"))
