"""Hook implementations of the brain store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cleo_brain import api
from cleo_core import hookimpl
from cleo_core.api import CommandSpec, Reference, ServiceSpec, StoreSpec

if TYPE_CHECKING:
    from cleo_core.api import Check, Repair
    from cleo_core.app import App

CLEO_API = (1, 0)
CLEO_CONFIG = api.CONFIG
CLEO_HOOKSPECS = "cleo_brain.hookspecs"


@hookimpl
def cleo_register_stores() -> Iterable[StoreSpec]:
    """``brain.db``."""
    return (api.STORE,)


@hookimpl
def cleo_register_commands() -> Iterable[CommandSpec]:
    """``observe``, ``memory`` and ``sticky``."""
    return api.COMMANDS


@hookimpl
def cleo_register_references() -> Iterable[Reference]:
    """What this store keeps of other stores' ids."""
    return api.REFERENCES


@hookimpl
def cleo_register_services() -> Iterable[ServiceSpec]:
    """The service ``brain``."""
    return (ServiceSpec("brain", "cleo_brain.service:BrainService"),)


@hookimpl
def cleo_existing_ids(app: App, kind: str, ids: Iterable[str]) -> frozenset[str] | None:
    """Which ids of this store's kinds exist; no answer where the file cannot say."""
    if kind not in api.STORE.kinds:
        return None
    from cleo_brain.service.existence import existing_ids

    return existing_ids(app, kind, tuple(ids))


@hookimpl
def cleo_store_opened(spec: StoreSpec, connection: Any) -> None:
    """Leave on the connection what loads sqlite-vec at its first vector use."""
    if spec.name == api.STORE.name:
        from cleo_brain.search.extension import leave_loader

        leave_loader(connection)


@hookimpl
def cleo_brain_embedders() -> Iterable[api.EmbedderSpec]:
    """The one that comes with the extra ``wordllama``."""
    return (api.OURS,)


@hookimpl
def cleo_doctor_checks() -> Iterable[Check]:
    """Whether index, vectors and size are as they should be."""
    from cleo_core.api import Check

    health = "cleo_brain.service.health"
    return [
        Check(f"brain.{name}", f"{health}:check_{name}", "brain", f"{health}:mend_{name}")
        for name in api.CHECKS
    ]


@hookimpl
def cleo_reconcile(app: App, apply: bool) -> Iterable[Repair]:
    """Rows of vec0 tables without a current vector; edges to files that are gone."""
    from cleo_brain.service.reconciling import repairs

    return repairs(app, apply)


@hookimpl
def cleo_store_migrated(app: App, spec: StoreSpec) -> None:
    """Check the search index, and make it anew where it does not agree."""
    if spec.name == api.STORE.name:
        app.service("brain").maintain(only=("search",))
