"""Which projects, and which tasks of them, exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_core.errors import CleoError
from cleo_core.references import prefix_of
from cleo_core.states import HEAD
from cleo_nexus.api import STORE
from cleo_nexus.service.elsewhere import opened
from cleo_nexus.store import registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cleo_core.app import App
    from cleo_core.database import Row


def existing_ids(app: App, kind: str, ids: Sequence[str]) -> frozenset[str] | None:
    """Which ids of this store's kinds exist; None where nobody can say.

    Ids of kind ``project_task`` are ``<project id>:<task id>``, of one project in a call. Those of
    a project that is not registered do not exist; those of one that cannot be read are unknown.
    """
    if app.stores.state(STORE).state != HEAD:
        return None
    db = app.store(STORE.name)
    if kind == "project":
        return registry.existing(db, ids)
    found: set[str] = set()
    by_project: dict[str, list[str]] = {}
    for id_ in ids:
        by_project.setdefault(prefix_of(id_), []).append(id_)
    for project_id, group in by_project.items():
        there = _tasks(app, registry.by_id(db, project_id), group)
        if there is None:
            return None
        found |= there
    return frozenset(found)


def _tasks(app: App, row: Row | None, ids: Sequence[str]) -> set[str] | None:
    """Which tasks of one project exist: none of one that is not registered."""
    if row is None:
        return set()
    if not app.has_service("tasks"):
        return None
    try:
        with opened(app, row) as other:
            answers = other.exists("task", [id_.partition(":")[2] for id_ in ids])
    except CleoError:
        return None
    if any(there is None for there in answers.values()):
        return None
    return {id_ for id_ in ids if answers[id_.partition(":")[2]]}
