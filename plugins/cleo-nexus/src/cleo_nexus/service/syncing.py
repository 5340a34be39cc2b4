"""Counting what the projects hold, and noting their health."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.errors import CleoError, UsageError
from cleo_core.inputs import as_filter, word_of
from cleo_core.paths.files import read_bounded
from cleo_core.states import ABSENT, HEAD
from cleo_nexus.enums import HEALTH
from cleo_nexus.errors import NexusError, project_unknown
from cleo_nexus.ids import is_project_id
from cleo_nexus.records.projects import Failure, Project, Synced
from cleo_nexus.service import access, places
from cleo_nexus.service.work import Verbs, Work, mutating
from cleo_nexus.store import registry

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Row

#: Bytes of a settings file at most.
_LONGEST = 1 << 20


@record
class _Seen(Declared):
    """What was found at a project.

    :ivar counts: tasks and labels; None where they could not be counted.
    :ivar failure: why not.
    """

    row: Row
    health: str
    counts: tuple[int, list[str]] | None
    failure: Failure | None


class SyncVerbs(Verbs):
    """``sync``, ``set_health``."""

    @mutating("nexus.sync")
    def sync(
        self,
        project: Any = None,
        *,
        everything: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> Synced:
        """Count tasks and labels of a project, by default this one, and note its health.

        The project's files are only read: nothing there is migrated, created or changed.

        :param everything: all registered projects; one that cannot be read never stops the others.
        :param progress: called with how many are done, and of how many.
        :raises UsageError: a project and all of them.
        :raises CleoError: ``E_PLUGIN_MISSING`` (5), no installed plugin keeps tasks.
        :raises NexusError: 71, the project is not registered; 74, nothing could be counted.
        """
        if project is not None and everything:
            raise UsageError("Name a project, or ask for all.", fix="cleo nexus sync --all")
        if everything:
            rows = registry.everything(self.db)
        else:
            rows = [access.project(self.app, self.db, "." if project is None else project)]
        # Without it, nothing can be said of any project.
        self.app.service("tasks")
        current = access.reader_id(self.app)
        seen = []
        for done, row in enumerate(rows):
            if progress is not None:
                progress(done, len(rows))
            access.require(row, "read", current)
            seen.append(_look(self.app, row))
        failed = [one.failure for one in seen if one.failure is not None]
        nothing = bool(failed) and len(failed) == len(seen)

        def body(work: Work) -> list[Project]:
            marked = access.marked_id(self.app, work)
            if len(seen) == 1:
                work.about(seen[0].row["project_id"], seen[0].row["project_hash"])
            work.note(synced=len(seen) - len(failed), failed=len(failed))
            return [
                Project.of(row, marked)
                for one in seen
                if (row := _noted(work, one)) is not None and one.failure is None
            ]

        # The refusal that follows is what the audit keeps of a sync that counted nothing.
        synced = self.write(body, audited=not nothing)
        if nothing:
            raise NexusError(
                "E_INCOMPLETE",
                f"Nothing could be counted. {failed[0].project}: {failed[0].message}",
                fix="cleo nexus list --health unreachable",
                details={"synced": [], "failed": [one.as_json() for one in failed]},
            )
        return Synced(synced, failed)

    @mutating("nexus.set-health")
    def set_health(self, project_id: str, status: str) -> None:
        """Note what a health check found at a project.

        :param status: unknown, healthy, degraded or unreachable.
        :raises UsageError: it is none of them.
        :raises NexusError: 71, no project has this id.
        """
        word = as_filter(word_of(HEALTH, "status"), status)
        if not is_project_id(project_id) or registry.by_id(self.db, project_id) is None:
            raise project_unknown(project_id)

        def body(work: Work) -> None:
            if not registry.set_health(work, project_id, word, work.now):
                raise project_unknown(project_id)
            work.about(project_id)
            work.note(health=word)

        self.write(body)


def _noted(work: Work, seen: _Seen) -> Row | None:
    id_ = seen.row["project_id"]
    if seen.counts is None:
        registry.set_health(work, id_, seen.health, work.now)
    else:
        tasks, labels = seen.counts
        registry.set_counts(work, id_, tasks, labels, seen.health, work.now)
    # None where it was taken out meanwhile.
    return registry.by_id(work, id_)


def _look(app: App, row: Row) -> _Seen:
    """Count what a project holds, and find out its health; its files are only read."""

    def failed(health: str, code: str, message: str) -> _Seen:
        return _Seen(row, health, None, Failure(row["slug"], code, message))

    root = row["project_path"]
    try:
        if places.gone(root):
            return failed("unreachable", "E_NOT_INITIALIZED", f"{root} is gone.")
        held = places.id_held_at(root, app.env)
        if held is None:
            damaged = os.path.lexists(places.marker_path(root, app.env))
            message = f"There is no CLEO project at {root}."
            if damaged:
                message = f"The marker at {root} cannot be read."
            return failed("degraded" if damaged else "unknown", "E_NOT_INITIALIZED", message)
        if held != row["project_id"]:
            return failed("unknown", "E_PROJECT_ID_DRIFT", f"{root} holds another project: {held}.")
        with app.for_project(root, foreign=True) as there:
            return _counted(there, row, failed)
    except CleoError as error:
        return failed("unknown", error.code, error.message)


def _counted(there: App, row: Row, failed: Callable[[str, str, str], _Seen]) -> _Seen:
    states = {
        name: there.stores.state(spec)
        for name, spec in there.plugins.stores.items()
        if spec.tier == "project"
    }
    tasks = states[there.plugins.kinds["task"]]
    sick = any(one.state not in (ABSENT, HEAD) for one in states.values())
    if tasks.state != HEAD:
        refusal = there.stores.refusal(tasks)
        health = "unknown" if tasks.state == ABSENT else "degraded"
        return failed(health, refusal.code, refusal.message)
    try:
        summary = there.service("tasks").summary()
    except CleoError as error:
        return failed("degraded", error.code, error.message)
    health = "degraded" if sick or not _settings_readable(there) else "healthy"
    return _Seen(row, health, (summary.tasks, list(summary.labels)), None)


def _settings_readable(there: App) -> bool:
    """Whether the project's settings are a JSON object, or are not there."""
    import json

    path = os.path.join(there.project.directory, "config.json")
    try:
        return isinstance(json.loads(read_bounded(path, _LONGEST)), dict)
    except FileNotFoundError:
        return True
    except (OSError, ValueError, RecursionError, CleoError):
        return False
