"""Changes of tasks that edges between projects have to do with.

This runs with every change of a task, so it asks one indexed query and imports nothing before a
project is known to have an edge.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from cleo_core.errors import CleoError
from cleo_nexus.api import STORE
from cleo_nexus.store import edges

if TYPE_CHECKING:
    from cleo_core.api import Change, Veto
    from cleo_core.app import App
    from cleo_core.database import Database

_OPEN = ("pending", "active", "blocked", "proposed")
#: Whether this plugin is blocking and releasing tasks; what that changes need not be looked at
#: again. An actor's name would not say so: anybody may use it.
_SETTLING: ContextVar[bool] = ContextVar("cleo_nexus_settling", default=False)


class Concerns:
    """What of a change may matter elsewhere.

    :ivar grown: tasks that wait for more than before -> (who waits, for what) that is new.
    :ivar starting: tasks that become active or done.
    :ivar leaving: open tasks that are deleted, and all that are purged.
    """

    __slots__ = ("grown", "leaving", "starting")

    def __init__(self, change: Change) -> None:
        self.grown: list[tuple[str, str]] = []
        self.starting: list[str] = []
        self.leaving: list[str] = []
        if change.op == "delete":
            self.leaving = list(change.ids)
            return
        for id_, after in change.after.items():
            before = change.before.get(id_, {})
            had = before.get("depends_on", ())
            self.grown += [(id_, one) for one in after.get("depends_on", ()) if one not in had]
            # A new task is waited for by its parent, but waits for nothing by that itself.
            if change.op == "update" and after.get("parent_id") is not None:
                self.grown.append((after["parent_id"], id_))
            if change.op == "create" and after.get("depends_on") and after.get("parent_id"):
                self.grown.append((after["parent_id"], id_))
            was, status = before.get("status"), after.get("status")
            if change.op == "update" and was != "archived" and status in ("active", "done"):
                self.starting.append(id_)
            if was == "archived" and status == "active":
                self.starting.append(id_)
            if status == "archived" and was in _OPEN:
                self.leaving.append(id_)

    def __bool__(self) -> bool:
        return bool(self.grown or self.starting or self.leaving)


def guard(app: App, change: Change) -> Veto | None:
    """Refuse what edges between projects do not allow; what cannot be read only warns."""
    concerns = Concerns(change)
    if not concerns or change.project is None or not app.has_service("tasks"):
        return None
    try:
        return _vetoed(app, change.project.id, concerns)
    except CleoError as error:
        # What cannot be read does not stop the work of a project.
        _unavailable(app, error.message)
        return None


def _vetoed(app: App, project: str, concerns: Concerns) -> Veto | None:
    with registry(app) as db:
        if db is None:
            return None
        outward, inward = edges.at(db, project)
        grown = concerns.grown if outward and inward else []
        waiting = edges.out_of(db, project, concerns.starting) if outward else []
        needed = edges.into(db, project, concerns.leaving) if inward else []
        if not (grown or waiting or needed):
            return None
        from cleo_nexus.service.guarding import veto

        return veto(app, db, project, grown, waiting, needed)


def committed(app: App, change: Change) -> None:
    """Hold and release the tasks elsewhere that wait for what was closed or opened here.

    Where tasks wait for more than before it is looked once more whether they wait for themselves:
    an edge that was made in the same moment was not seen by the guard, and did not see this.
    """
    if change.op == "delete" or change.project is None or not app.has_service("tasks"):
        return
    turned, waiting = [], []
    for id_, after in change.after.items() if change.op == "update" else ():
        was, status = change.before.get(id_, {}).get("status"), after.get("status")
        if status is None:
            continue
        if (was in _OPEN) != (status in _OPEN):
            turned.append(id_)
        if status == "pending" and not _SETTLING.get():
            waiting.append(id_)
    grown = Concerns(change).grown
    if not (turned or waiting or grown):
        return
    # Asked anew, not taken from the guard: an edge that was made meanwhile has seen this project as
    # it was before the commit.
    with registry(app) as db:
        if db is None:
            return
        project = change.project.id
        outward, inward = edges.at(db, project)
        rows = edges.into(db, project, turned) if inward and turned else []
        rows += edges.out_of(db, project, waiting) if outward and waiting else []
        if rows:
            from cleo_nexus.service.guarding import follow

            follow(app, db, project, rows)
        if grown and outward and inward:
            from cleo_nexus.service.guarding import warn_of_loop

            warn_of_loop(app, db, project, grown)


@contextmanager
def settling() -> Iterator[None]:
    """Tasks that become pending inside the block are let go by this plugin."""
    token = _SETTLING.set(True)
    try:
        yield
    finally:
        _SETTLING.reset(token)


@contextmanager
def registry(app: App) -> Iterator[Database | None]:
    """The registry for reading, as it is; None, and where there is one a warning, if it cannot be.

    Another program's command goes on without it: it is never created or migrated from here.
    """
    try:
        db, state = app.stores.open(STORE, write=False, profile="foreign")
    except CleoError as error:
        _unavailable(app, error.message)
        yield None
        return
    if db is None or state.state != "head":
        if state.state != "absent":
            _unavailable(app, f"{state.path} is {state.state}")
        if db is not None:
            _close(app, db)
        yield None
        return
    try:
        yield db
    finally:
        _close(app, db)


def _close(app: App, db: Database) -> None:
    """Close what was opened here, not what a plugin keeps open elsewhere."""
    if db is not app.stores.elsewhere(STORE):
        db.close()


def _unavailable(app: App, why: str) -> None:
    app.warn(
        "W_NEXUS_UNAVAILABLE",
        f"What waits for tasks of other projects was not looked at: {why.rstrip('.')}.",
    )
