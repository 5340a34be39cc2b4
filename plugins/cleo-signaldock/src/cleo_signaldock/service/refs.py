"""Which agents this project sees, as the service ``conduit`` keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cleo_core.errors import CleoError

if TYPE_CHECKING:
    from cleo_core.app import App

Ref = Mapping[str, Any]


def are_kept(app: App) -> bool:
    """Whether there is a project here and a plugin that keeps its refs."""
    return app.project_or_none is not None and app.has_service("conduit")


def require(app: App) -> Any:
    """The service that keeps this project's refs.

    :raises CleoError: ``E_NOT_INITIALIZED`` outside a project; ``E_PLUGIN_MISSING`` (5).
    """
    _ = app.project
    if not app.has_service("conduit"):
        raise CleoError(
            "E_PLUGIN_MISSING",
            "Which agents a project sees is kept by cleo-conduit, which is not installed.",
            fix="pip install cleo-conduit",
        )
    return app.service("conduit")


def of_project(app: App, *, enabled_only: bool = True) -> dict[str, Ref]:
    """Agent id -> this project's ref; empty where no refs are kept."""
    if not are_kept(app):
        return {}
    found = app.service("conduit").refs(enabled_only=enabled_only)
    return {ref.agent_id: as_mapping(ref) for ref in found}


def seen(app: App) -> dict[str, Ref]:
    """The same, for what is not of the project: refs that cannot be read are a warning."""
    try:
        return of_project(app)
    except CleoError as error:
        app.warn("W_REFS_UNREAD", f"Which agents this project sees is not known: {error.message}")
        return {}


def as_mapping(ref: Any) -> Ref:
    """A ref of the service as plain values."""
    return {
        "enabled": bool(ref.enabled),
        "role": ref.role,
        "capabilities_override": ref.capabilities_override,
        "attached_at": ref.attached_at,
        "last_used_at": ref.last_used_at,
    }


def shown(ref: Any) -> dict[str, Any]:
    """A ref as results show it."""
    return {
        "enabled": bool(ref.enabled),
        "role": ref.role,
        "capabilitiesOverride": ref.capabilities_override,
        "attachedAt": ref.attached_at,
        "lastUsedAt": ref.last_used_at,
    }
