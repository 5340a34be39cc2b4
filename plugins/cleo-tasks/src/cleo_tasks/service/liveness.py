"""When an instance counts as alive: one threshold for everybody who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_core.durations import ago
from cleo_tasks.service import settings

if TYPE_CHECKING:
    from cleo_core.app import App


def alive_since(app: App) -> str:
    """A heartbeat at or after this time is a sign of life.

    :raises CleoError: ``E_CONFIG`` (8), ``tasks.agents.stale_seconds`` is out of range.
    """
    return ago(settings.number(app.config, "agents.stale_seconds"))


def stale_times(app: App) -> dict[str, str]:
    """What makes a claim stale: made ``before`` this, its agent's instances silent since ``alive``.

    :raises CleoError: ``E_CONFIG`` (8), a number is out of range.
    """
    return {
        "before": ago(settings.number(app.config, "claims.stale_hours") * 3600),
        "alive": alive_since(app),
    }
