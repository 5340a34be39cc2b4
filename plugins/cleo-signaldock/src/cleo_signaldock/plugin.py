"""Hook implementations of the identity store."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from cleo_core import hookimpl
from cleo_core.api import CommandSpec, ServiceSpec, StoreSpec
from cleo_signaldock import api

if TYPE_CHECKING:
    from cleo_core.api import Check, Repair
    from cleo_core.app import App
    from cleo_core.database import Database

CLEO_API = (1, 0)
CLEO_CONFIG = api.CONFIG


@hookimpl
def cleo_register_stores() -> Iterable[StoreSpec]:
    """``signaldock.db``, with the machine's key and salt beside it."""
    return (api.STORE,)


@hookimpl
def cleo_open_store(spec: StoreSpec, path: str) -> Database | None:
    """The database that ``CLEO_SIGNALDOCK_DATABASE_URL`` names, in the place of the file."""
    if spec.name != api.STORE.name or not os.environ.get(api.DATABASE_VARIABLE, "").strip():
        return None
    from cleo_signaldock.postgres import open_store

    return open_store(spec, path, os.environ)


@hookimpl
def cleo_register_commands() -> Iterable[CommandSpec]:
    """``agent``."""
    return api.COMMANDS


@hookimpl
def cleo_register_services() -> Iterable[ServiceSpec]:
    """The service ``agents``."""
    return (ServiceSpec("agents", "cleo_signaldock.service:AgentsService"),)


@hookimpl
def cleo_existing_ids(app: App, kind: str, ids: Iterable[str]) -> frozenset[str] | None:
    """Which agents, organisations and users exist; no answer where the file cannot say."""
    if kind not in api.STORE.kinds:
        return None
    from cleo_signaldock.service.existence import existing_ids

    return existing_ids(app, kind, tuple(ids))


@hookimpl
def cleo_doctor_checks() -> Iterable[Check]:
    """Key files, stored keys, refs of this project, copies of credentials."""
    from cleo_core.api import Check

    health = "cleo_signaldock.service.health"
    return [
        Check(
            f"signaldock.{name}",
            f"{health}:check_{name}",
            "signaldock",
            f"{health}:mend_{name}" if name in api.MENDED else None,
        )
        for name in api.CHECKS
    ]


@hookimpl
def cleo_reconcile(app: App, apply: bool) -> Iterable[Repair]:
    """Copies of credentials in this project's task store."""
    from cleo_signaldock.service.reconciling import repairs

    return repairs(app, apply)
