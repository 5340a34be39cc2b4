"""What this store answers to the others: which ids exist, who may not be deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cleo_core.api import Veto
from cleo_core.errors import CleoError
from cleo_tasks.api import STORE
from cleo_tasks.store import project as store

if TYPE_CHECKING:
    from cleo_core.api import Change, Project
    from cleo_core.app import App


def existing_ids(app: App, kind: str, ids: Sequence[str]) -> frozenset[str] | None:
    """Those of the ids that exist, in any status until purged.

    :returns: None where this file cannot say: absent, unreadable, not at head, or another
        project's.
    """
    if app.project_or_none is None or app.stores.state(STORE).state != "head":
        return None
    try:
        db = app.store("tasks")
        if store.project_of(db).get("project_id") != app.project.id:
            return None
        return store.existing(db, kind, ids)
    except CleoError:
        return None


def veto_agent_deletion(app: App, change: Change) -> Veto | None:
    """Refuse to delete an agent that holds an active task or an active session here."""
    if app.project_or_none is None or app.stores.state(STORE).state != "head":
        return None
    held, sessions = store.work_of(app.store("tasks"), change.ids)
    if not held and not sessions:
        return None
    named = [row["id"] for row in (*held, *sessions)]
    agent = next((row.get("assignee") or row.get("agent_id") for row in (*held, *sessions)), "")
    return Veto(
        f"agent {agent} has active work here: {', '.join(named)}",
        f"cleo unclaim --held-by {agent}" if held else f"cleo session end --session {named[0]}",
    )


def store_project(app: App, project: Project) -> None:
    """Store the project's id and name where they differ; an absent file is left to its creation."""
    if app.stores.state(STORE).state != "head":
        return
    wanted = {"project_id": project.id, "project_name": project.name}
    if store.project_of(app.store("tasks")) != wanted:
        app.write("tasks", lambda unit: store.set_project(unit, wanted))
