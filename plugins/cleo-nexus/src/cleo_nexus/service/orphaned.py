"""What names tasks that are gone: ends of edges, epics and stages of instances."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.errors import CleoError, UsageError
from cleo_nexus.records.edges import Orphan, Orphans
from cleo_nexus.service import access
from cleo_nexus.service.elsewhere import require_tasks
from cleo_nexus.service.enforcing import Targets, enforce, warn
from cleo_nexus.service.work import Verbs, Work, mutating, reading
from cleo_nexus.store import edges, registry

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Backend, Row

NOT_REGISTERED = "project_not_registered"
NOT_FOUND = "task_not_found"


@record
class End(Declared):
    """A task that a row names.

    :ivar kind: source, target, epic or stage.
    :ivar edge: the edge's ids, where it is one's end.
    :ivar instance: the instance and its stage, where it is one's task.
    """

    kind: str
    project: str
    task: str
    edge: dict[str, str] | None = None
    instance: tuple[str, str | None] | None = None

    @property
    def id(self) -> str:
        """The id of kind ``project_task``."""
        return f"{self.project}:{self.task}"


class OrphanVerbs(Verbs):
    """``orphans``."""

    def orphans(self, *, prune: bool = False, yes: bool = False) -> Orphans:
        """What names tasks that are gone, and with ``prune`` and ``yes`` takes it away.

        Edges and the tasks of stages are taken away. An instance whose epic is gone stays until it
        is cancelled, because its history goes with it.

        :param prune: with ``yes`` remove them; without it only count what would be removed.
        :raises CleoError: ``E_NOTHING`` (100), there are none; ``E_PLUGIN_MISSING`` (5).
        """
        if prune not in (True, False) or yes not in (True, False):
            raise UsageError("prune and yes are either true or false.")
        if yes and not self.app.dry_run:
            return self._pruned(prune)
        return self._orphans(prune, yes)[0]

    @mutating("nexus.orphans.prune")
    def _pruned(self, prune: bool) -> Orphans:
        found, wanted = self._orphans(prune, True)
        return replace(found, removed=self._prune(wanted)) if wanted else found

    def _orphans(self, prune: bool, yes: bool) -> tuple[Orphans, Sequence[End]]:
        """What is gone, and what of it is to be removed."""
        if yes and not prune:
            raise UsageError(
                "There is nothing to confirm without --prune.",
                fix="cleo nexus orphans --prune --yes",
            )
        require_tasks(self.app)
        gone, reasons, unknown = gone_ends(self.app, self.db)
        if not gone and not unknown:
            raise CleoError(
                "E_NOTHING", "Every task that is named exists.", fix="cleo nexus deps refresh"
            )
        wanted = [end for end in gone if end.kind != "epic"] if prune else []
        return Orphans(_listed(self.db, gone, reasons), unknown, 0), wanted

    def _prune(self, ends: Sequence[End]) -> int:
        current = access.current_id(self.app)

        def body(work: Work) -> tuple[int, list[End], set[str]]:
            # Asked again: what was registered meanwhile is not taken for gone.
            answers = work.app.exists("project_task", [end.id for end in ends])
            gone = [end for end in ends if answers[end.id] is False]
            kept = {row["slug"] for end in gone if (row := _unwritable(work, end, current))}
            gone = [end for end in gone if _unwritable(work, end, current) is None]
            removed = sum(_remove(work, end) for end in gone)
            work.note(removed=removed)
            return removed, gone, kept

        removed, gone, kept = self.write(body)
        self._release(gone)
        for slug in sorted(kept):
            self.app.warn(
                "W_PERMISSION",
                f"Edges of tasks of {slug} are kept; `cleo nexus permission set {slug} write` "
                "lets them be removed.",
            )
        return removed

    def _release(self, ends: Iterable[End]) -> None:
        """Let those go that waited for what is gone."""
        sources: dict[str, list[str]] = {}
        for end in ends:
            if end.kind == "target" and end.edge is not None:
                sources.setdefault(end.edge["source_project"], []).append(end.edge["source_task"])
        targets = Targets(self.app, self.db, access.current_id(self.app))
        for project, tasks in sources.items():
            warn(self.app, targets.row(project), enforce(targets, project, tasks))


def _unwritable(work: Work, end: End, current: str | None) -> Row | None:
    """The project whose task would lose an edge or an instance, where it does not allow that."""
    project = end.project if end.edge is None else end.edge["source_project"]
    row = registry.by_id(work, project)
    return None if row is None or access.grants(row, "write", current) else row


def gone_ends(app: App, db: Backend) -> tuple[list[End], dict[str, str], int]:
    """Ends that are gone, why by id, and how many ends nobody can say anything about."""
    with reading():
        ends = list(_ends(db))
    ids = list(dict.fromkeys(end.id for end in ends))
    answers = app.exists("project_task", ids)
    with reading():
        registered = registry.existing(db, {end.project for end in ends})
    gone = [end for end in ends if answers[end.id] is False]
    reasons = {end.id: NOT_FOUND if end.project in registered else NOT_REGISTERED for end in gone}
    return gone, reasons, sum(answers[id_] is None for id_ in ids)


def _ends(db: Backend) -> Iterable[End]:
    for row in edges.everything(db):
        edge = edges.named(row)
        for kind in ("source", "target"):
            yield End(kind, edge[f"{kind}_project"], edge[f"{kind}_task"], edge)
    for row in edges.instances(db):
        yield End("epic", row["epic_project_id"], row["epic_id"], instance=(row["id"], None))
        for stage, value in json.loads(row["stage_to_task"]).items():
            project, _, task = str(value).partition(":")
            yield End("stage", project, task, instance=(row["id"], stage))


def _listed(db: Backend, gone: Iterable[End], reasons: dict[str, str]) -> list[Orphan]:
    slugs = {row["project_id"]: row["slug"] for row in registry.everything(db)}

    def name(project: str, task: str) -> str:
        return f"{slugs.get(project, '@' + project)}:{task}"

    found = []
    for end in gone:
        of, stage = end.instance or ("", None)
        if end.edge is not None:
            other = "target" if end.kind == "source" else "source"
            of = name(end.edge[f"{other}_project"], end.edge[f"{other}_task"])
        found.append(Orphan(end.kind, name(end.project, end.task), reasons[end.id], of, stage))
    return found


def _remove(work: Work, end: End) -> int:
    if end.edge is not None:
        return edges.delete(work, end.edge)
    assert end.instance is not None
    instance, stage = end.instance
    return edges.forget_stage(work, instance, f'$."{stage}"', end.id, work.now)
