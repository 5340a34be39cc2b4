"""Hook implementations of the message store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from cleo_conduit import api
from cleo_core import hookimpl
from cleo_core.api import CommandSpec, Reference, ServiceSpec, StoreSpec

if TYPE_CHECKING:
    from cleo_core.api import Check
    from cleo_core.app import App

CLEO_API = (1, 0)


@hookimpl
def cleo_register_stores() -> Iterable[StoreSpec]:
    """``conduit.db``."""
    return (api.STORE,)


@hookimpl
def cleo_register_commands() -> Iterable[CommandSpec]:
    """``conduit``."""
    return api.COMMANDS


@hookimpl
def cleo_register_references() -> Iterable[Reference]:
    """What this store keeps of other stores' ids."""
    return api.REFERENCES


@hookimpl
def cleo_register_services() -> Iterable[ServiceSpec]:
    """The service ``conduit``."""
    return (ServiceSpec("conduit", "cleo_conduit.service:ConduitService"),)


@hookimpl
def cleo_existing_ids(app: App, kind: str, ids: Iterable[str]) -> frozenset[str] | None:
    """Which ids of this store's kinds exist; no answer where the file cannot say."""
    if kind not in api.STORE.kinds:
        return None
    from cleo_conduit.service.existence import existing_ids

    return existing_ids(app, kind, tuple(ids))


@hookimpl
def cleo_doctor_checks() -> Iterable[Check]:
    """Whether the search index agrees with the messages."""
    from cleo_core.api import Check

    health = "cleo_conduit.service.health"
    return [
        Check(f"conduit.{name}", f"{health}:check_{name}", "conduit", f"{health}:mend_{name}")
        for name in api.CHECKS
    ]
