"""Finding by state which tasks are blocked and should not be, or are not and should."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cleo_core.api import Repair
from cleo_core.states import HEAD
from cleo_nexus.api import STORE
from cleo_nexus.errors import NexusError
from cleo_nexus.records.edges import Refreshed
from cleo_nexus.records.found import Skipped
from cleo_nexus.records.projects import Ref
from cleo_nexus.service import access
from cleo_nexus.service.elsewhere import ABSENT, Unreadable, tasks_of, warn_of
from cleo_nexus.service.enforcing import PREFIX, Targets, enforce, settled, warn
from cleo_nexus.service.work import Verbs, Work, mutating, reading
from cleo_nexus.store import edges, registry

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Backend, Row

#: Blocked tasks of one project that are read at most; a file has no more.
_ALL = 2**31 - 1


@dataclass
class Plan:
    """What is to be done in one project.

    :ivar waits: task -> why it is to be blocked, or None where it is to be released.
    :ivar tasks: how many tasks were looked at.
    """

    row: Row
    blocked: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    reworded: list[str] = field(default_factory=list)
    waits: dict[str, str | None] = field(default_factory=dict)
    unknown: int = 0
    tasks: int = 0

    def settle(self, task: str, status: str, said: str, why: str | None) -> None:
        """Note what one task's state asks for."""
        word = settled(status, said, why)
        if word is not None:
            getattr(self, word).append(task)
            self.waits[task] = why


class RefreshVerbs(Verbs):
    """``deps_refresh``."""

    @mutating("nexus.deps.refresh")
    def deps_refresh(self, *, progress: Callable[[int, int], None] | None = None) -> Refreshed:
        """Block and release tasks by what they wait for in other projects, and nothing else.

        Every registered project is looked at: whatever took an edge away, what it held is let go.

        :param progress: called with how many are looked at, and of how many.
        :raises CleoError: ``E_PLUGIN_MISSING`` (5), no installed plugin keeps tasks.
        """
        current = access.current_id(self.app)
        plans, skipped = plans_of(self.app, self.db, current, everywhere=True, progress=progress)
        for plan in plans:
            if plan.waits and not self.app.dry_run:
                problem = carry_out(self.app, self.db, current, plan)
                if problem is not None:
                    warn(self.app, plan.row, problem)
                    skipped.append(Skipped(plan.row["slug"], problem))
                    plan.blocked, plan.released, plan.reworded = [], [], []
        blocked, released, reworded = (
            [ref for plan in plans for ref in _refs(plan, word)] for word in _WORDS
        )
        found = Refreshed(
            blocked,
            released,
            reworded,
            unknown=sum(plan.unknown for plan in plans),
            skipped=skipped,
        )
        warn_of(self.app, skipped)

        def body(work: Work) -> None:
            work.note(**{word: len(getattr(found, word)) for word in _WORDS})

        self.write(body)
        return found


_WORDS = ("blocked", "released", "reworded")


def plans_of(
    app: App,
    db: Backend,
    current: str | None,
    *,
    everywhere: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Plan], list[Skipped]]:
    """What is to be done in each project whose tasks may wait for others, by slug.

    :param everywhere: look at every project: also at one whose edges are all gone, and of which no
        record says that it had any.
    """
    targets = Targets(app, db, current)
    with reading():
        ids = dict.fromkeys([*edges.sources(db), *edges.released(db)])
        if everywhere:
            ids |= dict.fromkeys(row["project_id"] for row in registry.everything(db))
    if current is not None:
        ids[current] = None
    rows = [row for id_ in ids for row in [targets.row(id_)] if row is not None]
    plans, skipped = [], []
    for done, row in enumerate(sorted(rows, key=lambda one: str(one["slug"]))):
        if progress is not None:
            progress(done, len(rows))
        try:
            plans.append(_plan(app, targets, row))
        except Unreadable as reason:
            # What keeps no tasks has none that are held.
            if reason.reason != ABSENT:
                skipped.append(reason.skipped)
    return plans, skipped


def carry_out(app: App, db: Backend, current: str | None, plan: Plan) -> str | None:
    """Do what is planned, as far as it still holds.

    :returns: why it could not be done; None where it was.
    """
    return enforce(Targets(app, db, current), plan.row["project_id"], plan.waits)


def repairs(app: App, apply: bool) -> list[Repair]:
    """What ``cleo reconcile`` finds, and with ``apply`` mends."""
    if not app.has_service("tasks") or app.stores.state(STORE).state != HEAD:
        return []
    try:
        current = access.current_id(app)
    except NexusError as error:
        return [Repair("nexus.blocked", 0, 0, 0, 0, 0, error.message)]
    plans, skipped = plans_of(app, app.store(STORE.name), current, everywhere=True)
    planned = sum(len(plan.waits) for plan in plans)
    repaired = 0
    for plan in plans:
        if apply and plan.waits:
            problem = carry_out(app, app.store(STORE.name), current, plan)
            warn(app, plan.row, problem)
            repaired += 0 if problem is not None else len(plan.waits)
    unknown = sum(plan.unknown for plan in plans)
    scanned = sum(plan.tasks for plan in plans)
    refused = None
    if skipped:
        refused = "could not be read: " + ", ".join(one.project for one in skipped)
    return [Repair("nexus.blocked", scanned, 0, unknown, planned, repaired, refused)]


def _plan(app: App, targets: Targets, row: Row) -> Plan:
    """What one project's tasks wait for, held against the states that they are in.

    :raises Unreadable: it cannot be looked at.
    """
    project = row["project_id"]
    with reading():
        rows = edges.out_of(targets.db, project)
    sources = list(dict.fromkeys(row["source_task_id"] for row in rows))
    with tasks_of(app, row, targets.current) as tasks:
        lines, _ = tasks.list(status=["blocked"], limit=_ALL)
        said = {
            task.id: task.blocked_reason or "" for task in tasks.show(*(line.id for line in lines))
        }
        states = {one.id: one.status for one in tasks.features(sources)}
    states |= {id_: "blocked" for id_, text in said.items() if text.startswith(PREFIX)}
    plan = Plan(row, tasks=len(states))
    verdict = targets.verdict(project, states)
    plan.unknown = verdict.unknown
    for task, why in verdict.waits.items():
        plan.settle(task, states[task], said.get(task, ""), why)
    return plan


def _refs(plan: Plan, word: str) -> list[Ref]:
    row = plan.row
    return [Ref.of(row["slug"], row["project_id"], task) for task in getattr(plan, word)]
