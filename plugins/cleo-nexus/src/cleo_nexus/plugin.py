"""Hook implementations of the map of projects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from cleo_core import hookimpl
from cleo_core.api import CommandSpec, Reference, ServiceSpec, StoreSpec
from cleo_nexus import api

if TYPE_CHECKING:
    from cleo_core.api import Change, Check, Project, Repair, Veto
    from cleo_core.app import App

CLEO_API = (1, 0)
CLEO_CONFIG = api.CONFIG


@hookimpl
def cleo_register_stores() -> Iterable[StoreSpec]:
    """``nexus.db``."""
    return (api.STORE,)


@hookimpl
def cleo_register_commands() -> Iterable[CommandSpec]:
    """``nexus`` and ``chain``."""
    return api.COMMANDS


@hookimpl
def cleo_register_references() -> Iterable[Reference]:
    """Which projects and tasks the edges, instances and transfers name."""
    return api.REFERENCES


@hookimpl
def cleo_register_services() -> Iterable[ServiceSpec]:
    """The service ``nexus``."""
    return (ServiceSpec("nexus", "cleo_nexus.service:NexusService"),)


@hookimpl
def cleo_existing_ids(app: App, kind: str, ids: Iterable[str]) -> frozenset[str] | None:
    """Which projects and tasks of projects exist; no answer where nobody can say."""
    if kind not in api.STORE.kinds:
        return None
    from cleo_nexus.service.existence import existing_ids

    return existing_ids(app, kind, tuple(ids))


@hookimpl
def cleo_guard_change(app: App, change: Change) -> Veto | None:
    """What edges between projects do not allow: loops, work that has to wait, deletions."""
    if change.kind != "task":
        return None
    from cleo_nexus.service import watching

    return watching.guard(app, change)


@hookimpl
def cleo_change_committed(app: App, change: Change) -> None:
    """Hold and release tasks elsewhere that wait for this project's."""
    if change.kind == "task":
        from cleo_nexus.service import watching

        watching.committed(app, change)


@hookimpl
def cleo_reconcile(app: App, apply: bool) -> Iterable[Repair]:
    """Tasks whose block does not fit what they wait for elsewhere."""
    from cleo_nexus.service.refreshing import repairs

    return repairs(app, apply)


@hookimpl
def cleo_project_created(app: App, project: Project) -> None:
    """Register a new project."""
    from cleo_nexus.service.automatic import project_created

    project_created(app, project)


@hookimpl
def cleo_doctor_checks() -> Iterable[Check]:
    """Projects, what joins them, and how long the audit is."""
    from cleo_core.api import Check

    return [
        Check(f"nexus.{name}", f"cleo_nexus.service.checking_{module}:check_{name}", "nexus")
        for module, names in api.CHECKS.items()
        for name in names
    ]
