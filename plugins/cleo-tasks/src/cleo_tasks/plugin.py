"""Hook implementations of the tasks store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from cleo_core import hookimpl
from cleo_core.api import CommandSpec, Reference, ServiceSpec, StoreSpec
from cleo_tasks import api

if TYPE_CHECKING:
    from cleo_core.api import Change, Check, Project, Repair, Veto
    from cleo_core.app import App

CLEO_API = (1, 0)
CLEO_CONFIG = api.CONFIG


@hookimpl
def cleo_register_stores() -> Iterable[StoreSpec]:
    """``tasks.db``."""
    return (api.STORE,)


@hookimpl
def cleo_register_commands() -> Iterable[CommandSpec]:
    """The daily verbs and nouns."""
    return api.COMMANDS


@hookimpl
def cleo_register_references() -> Iterable[Reference]:
    """What this store keeps of other stores' ids."""
    return api.REFERENCES


@hookimpl
def cleo_register_services() -> Iterable[ServiceSpec]:
    """The service ``tasks``, and the copies of credentials that the agents service keeps here."""
    return (
        ServiceSpec("tasks", "cleo_tasks.service:TasksService"),
        ServiceSpec("credential_cache", "cleo_tasks.service.credential_cache:CredentialCache"),
    )


@hookimpl
def cleo_existing_ids(app: App, kind: str, ids: Iterable[str]) -> frozenset[str] | None:
    """Which ids of this store's kinds exist; no answer where the file cannot say."""
    if kind not in api.STORE.kinds:
        return None
    from cleo_tasks.service.existence import existing_ids

    return existing_ids(app, kind, tuple(ids))


@hookimpl
def cleo_guard_change(app: App, change: Change) -> Veto | None:
    """An agent with work in this project is not deleted."""
    if change.kind != "agent" or change.op != "delete":
        return None
    from cleo_tasks.service.existence import veto_agent_deletion

    return veto_agent_deletion(app, change)


@hookimpl
def cleo_doctor_checks() -> Iterable[Check]:
    """Whether what the store derives agrees with what it was told."""
    from cleo_core.api import Check

    return [
        Check(f"tasks.{name}", f"cleo_tasks.service.health:check_{name}", "tasks")
        for name in api.CHECKS
    ]


@hookimpl
def cleo_reconcile(app: App, apply: bool) -> Iterable[Repair]:
    """Counters, search index, focus and sequence, made again from the rows that they follow."""
    from cleo_tasks.service.reconcile import reconcile

    return reconcile(app, apply=apply)


@hookimpl
def cleo_project_created(app: App, project: Project) -> None:
    """Keep the project's id and name beside its tasks."""
    from cleo_tasks.service.existence import store_project

    store_project(app, project)
