"""Where a project stands: how many tasks of what kind, and what goes on."""

from __future__ import annotations

from typing import Any

from cleo_core import inputs
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.database import Backend, Row
from cleo_core.errors import NotFoundError
from cleo_tasks.enums import OPEN_STATUS, TASK_PRIORITY, TASK_STATUS, TASK_TYPE
from cleo_tasks.errors import task_not_found
from cleo_tasks.ids import parse_id
from cleo_tasks.service import fields, liveness
from cleo_tasks.service.readiness import Suggestion, candidates
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.session_records import SessionLine
from cleo_tasks.store import project, ready, sessions, tasks
from cleo_tasks.store import stats as store

#: Entries of each list of a dash, of its suggestions and completions, and of what one waits for.
MOST, SUGGESTED, COMPLETED, NAMED = 10, 5, 5, 5


@record
class PhaseCount(Declared):
    """The tasks of a phase; ``phase`` None: those that are in none.

    ``total``: in any status; ``closed``: done, cancelled or archived.
    """

    phase: str | None
    name: str | None
    status: str | None
    started_at: str | None
    open: int
    closed: int
    total: int


@record
class Stats(Declared):
    """Numbers of tasks.

    ``total`` and ``by_status`` count tasks in any status, the archived ones included; ``open`` is
    pending, active, blocked and proposed together, and ``by_priority`` and ``by_type`` count these.
    Words that no task has are 0. ``ready``: what ``cleo ready`` lists, which nobody holds.
    ``blocked``: in that status; ``waiting``: open with an open dependency; ``held_up``: either.
    ``claimed``: open and held by an agent.
    """

    total: int
    open: int
    ready: int
    blocked: int
    waiting: int
    held_up: int
    claimed: int
    by_status: dict[str, int]
    by_priority: dict[str, int]
    by_type: dict[str, int]
    by_phase: list[PhaseCount]


@record
class ActiveTask(Declared):
    """A task that is being worked on: who holds it, which active session has it in focus."""

    id: str
    title: str
    priority: str
    assignee: str | None
    started_at: str | None
    session_id: str | None


@record
class BlockedTask(Declared):
    """An open task that cannot go on, and why.

    ``reason``: as it was given with the status blocked. ``waits_for``: the first open dependencies,
    ``open_dependencies`` of them in all.
    """

    id: str
    title: str
    status: str
    priority: str
    assignee: str | None
    reason: str | None
    waits_for: list[str]
    open_dependencies: int


@record
class StaleClaim(Declared):
    """An open task whose holder shows no sign of life; ``cleo unclaim --stale`` frees it."""

    id: str
    title: str
    status: str
    assignee: str
    claimed_at: str


@record
class CompletedTask(Declared):
    """A task that was completed, archived since or not."""

    id: str
    title: str
    completed_at: str
    assignee: str | None


@record
class ProjectFile(Declared):
    """The project as its file knows it; fields are None where nothing was written yet."""

    id: str | None
    name: str | None
    created_at: str | None
    schema_version: str | None


@record
class Dash(Declared):
    """Where a project stands.

    ``phase``: the active one, or the one asked for. ``active``: begun last first. ``next``: the
    best ready tasks that nobody holds. ``blocked``: those with that status first, then those that
    wait, by priority. ``totals``: how many there are of each list, which are cut.
    """

    project: ProjectFile
    stats: Stats
    phase: PhaseCount | None
    active: list[ActiveTask]
    next: list[Suggestion]
    blocked: list[BlockedTask]
    stale_claims: list[StaleClaim]
    sessions: list[SessionLine]
    completed: list[CompletedTask]
    totals: dict[str, int]


class StatsVerbs(Verbs):
    """``stats``, ``dash``."""

    def stats(self, *, phase: str | None = None, within: str | None = None) -> Stats:
        """Count tasks by status, priority, type and phase, and what can be done about them.

        :param phase: only tasks of this phase.
        :param within: only this task and what is below it.
        :raises CleoError: 2, a value can be no such thing; 4, there is no such phase or task.
        """
        selection = _selection(phase, within)
        with self.db.snapshot() as db:
            _require(db, selection)
            return _stats(db, selection)

    def dash(self, *, phase: str | None = None, within: str | None = None) -> Dash:
        """What to look at first: the numbers, and short lists of what goes on.

        :param phase: only tasks of this phase, and sessions that are about one.
        :param within: only this task and what is below it, likewise.
        :raises CleoError: 2, a value can be no such thing; 4, there is no such phase or task.
        """
        selection = _selection(phase, within)
        stale_times = liveness.stale_times(self.app)
        with self.db.snapshot() as db:
            _require(db, selection)
            numbers = _stats(db, selection)
            stale = store.selected(db, "stale", selection, limit=MOST, **stale_times)
            running, session_count = store.active_sessions(db, selection, MOST)
            return Dash(
                project=_project(db),
                stats=numbers,
                phase=_phase_shown(numbers, phase),
                active=[
                    ActiveTask(**row) for row in store.selected(db, "active", selection, limit=MOST)
                ],
                next=_next(db, selection),
                blocked=[
                    _blocked(db, row)
                    for row in store.selected(db, "blocked", selection, limit=MOST)
                ],
                stale_claims=[StaleClaim(**_without_total(row)) for row in stale],
                sessions=[sessions.line(row) for row in running],
                completed=[
                    CompletedTask(**row)
                    for row in store.selected(db, "completed", selection, limit=COMPLETED)
                ],
                totals={
                    "active": numbers.by_status["active"],
                    "next": numbers.ready,
                    "blocked": numbers.held_up,
                    "staleClaims": int(stale[0]["total"]) if stale else 0,
                    "sessions": session_count,
                    "completed": int(store.selected(db, "completions", selection)[0]["total"]),
                },
            )


def _project(db: Backend) -> ProjectFile:
    kept = project.meta(db)
    return ProjectFile(
        kept.get("project_id"),
        kept.get("project_name"),
        kept.get("created_at"),
        kept.get("schema_version"),
    )


def _selection(phase: str | None, within: str | None) -> dict[str, str]:
    chosen: dict[str, str] = {}
    if phase is not None:
        chosen["phase"] = inputs.as_filter(fields.slug, phase)
    if within is not None:
        chosen["within"] = parse_id(within)
    return chosen


def _require(db: Backend, selection: store.Selection) -> None:
    phase, within = selection.get("phase"), selection.get("within")
    if within is not None and not tasks.existing(db, [within]):
        raise task_not_found(within)
    if phase is not None and not store.phase_exists(db, phase):
        raise NotFoundError(f"There is no phase {phase}.", fix="cleo phase list", phase=phase)


def _stats(db: Backend, selection: store.Selection) -> Stats:
    by_status, by_type = dict.fromkeys(TASK_STATUS, 0), dict.fromkeys(TASK_TYPE, 0)
    for row in store.selected(db, "types", selection):
        # A word that is none, in a damaged file, is counted too.
        by_status[row["status"]] = by_status.get(row["status"], 0) + row["tasks"]
        if row["status"] in OPEN_STATUS:
            by_type[row["type"]] = by_type.get(row["type"], 0) + row["tasks"]
    rows = store.selected(db, "open", selection)
    priorities = {row["priority"]: row["tasks"] for row in rows}
    total, opened = sum(by_status.values()), sum(by_status[word] for word in OPEN_STATUS)
    return Stats(
        total=total,
        open=opened,
        ready=_ready(db, selection),
        blocked=by_status["blocked"],
        waiting=sum(row["waiting"] for row in rows),
        held_up=sum(row["held_up"] for row in rows),
        claimed=sum(row["claimed"] for row in rows),
        by_status=by_status,
        by_priority={**dict.fromkeys(TASK_PRIORITY, 0), **priorities},
        by_type=by_type,
        by_phase=_phases(db, selection, total, opened),
    )


def _ready(db: Backend, selection: store.Selection) -> int:
    filters = {name: value for name, value in selection.items() if name == "phase"}
    if "within" in selection:
        return ready.count_below(db, selection["within"], filters)
    return ready.count_free(db, filters)


def _phases(db: Backend, selection: store.Selection, total: int, opened: int) -> list[PhaseCount]:
    """Every phase in its order, below a task the active one and those with tasks; last, of none.

    :param total: tasks of the selection in all, ``opened`` of them open.
    """
    counted: dict[str, list[int]] = {}
    for row in store.selected(db, "phases", selection):
        numbers = counted.setdefault(row["phase"], [0, 0])
        numbers[0] += row["tasks"]
        numbers[1] += row["tasks"] if row["status"] in OPEN_STATUS else 0
    found = []
    for phase in store.phases(db):
        numbers = counted.get(phase["slug"], [0, 0])
        if "phase" in selection:
            shown = phase["slug"] == selection["phase"]
        else:
            shown = not selection or numbers[0] > 0 or phase["status"] == "active"
        if shown:
            found.append(_phase(phase, *numbers))
    outside = total - sum(numbers[0] for numbers in counted.values())
    if outside:
        still = opened - sum(numbers[1] for numbers in counted.values())
        none = dict.fromkeys(("slug", "name", "status", "started_at"))
        found.append(_phase(none, outside, still))
    return found


def _phase(row: Row, total: int, opened: int) -> PhaseCount:
    return PhaseCount(
        phase=row["slug"],
        name=row["name"],
        status=row["status"],
        started_at=row["started_at"],
        open=opened,
        closed=total - opened,
        total=total,
    )


def _phase_shown(numbers: Stats, phase: str | None) -> PhaseCount | None:
    """The phase that was asked for, else the active one."""
    for one in numbers.by_phase:
        if (one.phase is not None) if phase is not None else one.status == "active":
            return one
    return None


def _next(db: Backend, selection: store.Selection) -> list[Suggestion]:
    within = selection.get("within")
    found = candidates(
        db,
        SUGGESTED,
        filters={name: value for name, value in selection.items() if name == "phase"},
        session_scope=None if within is None else {"scope_kind": "task", "scope_task_id": within},
    )
    lines = tasks.lines(db, [one.id for one in found])
    return [Suggestion(line, one.score, None) for line, one in zip(lines, found, strict=True)]


def _blocked(db: Backend, row: Row) -> BlockedTask:
    waiting = row["open_dependency_count"]
    return BlockedTask(
        id=row["id"],
        title=row["title"],
        status=row["status"],
        priority=row["priority"],
        assignee=row["assignee"],
        reason=row["blocked_reason"],
        waits_for=store.waits_for(db, row["id"], NAMED) if waiting else [],
        open_dependencies=waiting,
    )


def _without_total(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "total"}
