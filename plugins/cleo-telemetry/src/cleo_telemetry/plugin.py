"""Hook implementations of telemetry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cleo_core import hookimpl
from cleo_core.api import CommandSpec, ServiceSpec, StoreSpec
from cleo_telemetry import api

if TYPE_CHECKING:
    from cleo_core.api import CommandEvent
    from cleo_core.app import App

CLEO_API = (1, 0)
CLEO_CONFIG = api.CONFIG


@hookimpl
def cleo_register_stores() -> Iterable[StoreSpec]:
    """``telemetry.db``, which only ``cleo telemetry enable`` makes."""
    return (api.STORE,)


@hookimpl
def cleo_register_commands() -> Iterable[CommandSpec]:
    """``telemetry``."""
    return api.COMMANDS


@hookimpl
def cleo_register_services() -> Iterable[ServiceSpec]:
    """The service ``telemetry``."""
    return (ServiceSpec("telemetry", "cleo_telemetry.service:TelemetryService"),)


@hookimpl
def cleo_store_opened(spec: StoreSpec, connection: Any) -> None:
    """Have what is deleted from this store overwritten."""
    if spec.name == api.STORE.name:
        connection.execute("PRAGMA secure_delete=ON")


@hookimpl
def cleo_command_finished(app: App, event: CommandEvent) -> None:
    """Record a finished command where the person at this machine agreed to that.

    That is done when nobody waits any more, and nothing of it shows, whatever comes of it. Where
    nobody agreed it costs one look at the configuration, and loads nothing. A repository's own
    setting is passed over and named; what else is wrong there is for others to say.
    """
    told = len(app.warnings)
    agreed = app.config.get(api.ENABLED) is True
    app.warnings[told:] = [one for one in app.warnings[told:] if one["code"] == "W_CONFIG_VALUE"]
    if agreed and api.refused_by(app.env) is None:
        app.afterwards.add(api.STORE.name, lambda: _record(app, event))


def _record(app: App, event: CommandEvent) -> None:
    from cleo_telemetry.writer import record

    record(app, event)
