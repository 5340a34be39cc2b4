"""What to do next: ready tasks, scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from cleo_core import clock, inputs
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.database import Backend, Row
from cleo_core.errors import UsageError
from cleo_core.output import Page
from cleo_tasks.enums import PRIORITY_ORDER, TASK_ROLE, TASK_TYPE
from cleo_tasks.records import Line
from cleo_tasks.service import fields, scope
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.store import ready as store
from cleo_tasks.store import tasks

#: Points of a score.
PRIORITY_POINTS = {"critical": 100, "high": 75, "medium": 50, "low": 25}
PHASE_POINTS = 20
UNBLOCKED_POINTS = 10
MOST_AGE_POINTS = 15

WEEK = 7 * 24 * 3600
#: A label that fewer tasks have is read through its own index instead of the ranges.
RARE = 1000
#: More than any project has; SQLite's LIMIT takes no larger words.
MOST = 2**31


@record
class Candidate(Declared):
    """A ready task as it is scored; ``parts``: points by name."""

    id: str
    seq: int
    priority: str
    phase: str | None
    assignee: str | None
    created_week: int
    score: int
    parts: dict[str, int]


@record
class Suggestion(Declared):
    """A ready task and its score; ``parts``: the points it is made of."""

    task: Line
    score: int
    parts: dict[str, int] | None

    OPTIONAL: ClassVar[tuple[str, ...]] = ("parts",)


class ReadyVerbs(Verbs):
    """``next``, ``ready``."""

    def next(
        self,
        n: int = 1,
        *,
        labels: Sequence[str] = (),
        phase: str | None = None,
        type: str | None = None,
        role: str | None = None,
        priority: str | int | None = None,
        explain: bool = False,
    ) -> list[Suggestion]:
        """The ready tasks to do next, best first: unassigned ones and the caller's own.

        Ready is a pending task, no epic, that waits for nothing open and has no open children. In
        a session narrower than global only its scope counts. Score: priority 100, 75, 50 or 25;
        20 in the active phase; 10 if it had dependencies, all met now; a point for each week of
        its age, at most 15. Equal scores: the older week, then the lower number.

        :param labels: tasks that have all of them.
        :param explain: with the points of each score.
        :raises CleoError: 2, a number or word that is none; 31, the named session does not exist.
        """
        if n < 1:
            raise UsageError("At least one task is asked for.", fix="cleo next -n 1")
        filters = ready_filters(labels, phase, type, role, priority)
        with self.db.snapshot() as db:
            found = candidates(
                db,
                n,
                filters=filters,
                agent=self.app.agent,
                session_scope=scope.of_caller(self.app, db),
            )
            lines = tasks.lines(db, [one.id for one in found])
        return [
            Suggestion(line, one.score, one.parts if explain else None)
            for line, one in zip(lines, found, strict=True)
        ]

    def ready(
        self,
        *,
        labels: Sequence[str] = (),
        phase: str | None = None,
        type: str | None = None,
        role: str | None = None,
        priority: str | int | None = None,
        mine: bool = False,
        claimed: bool = False,
        limit: int | None = None,
        offset: int = 0,
    ) -> tuple[list[Line], Page]:
        """A page of the ready tasks that nobody holds, in the order of :meth:`next`.

        :param mine: also those that the caller holds.
        :param claimed: also those that anybody holds.
        :raises CleoError: 2; 31, the named session does not exist.
        """
        limit, offset = self.page(limit, offset)
        filters = ready_filters(labels, phase, type, role, priority)
        whose = "all" if claimed else "mine" if mine and self.app.agent else "free"
        with self.db.snapshot() as db:
            below = _scope_task(scope.of_caller(self.app, db))
            found, total = _ranked(
                db, offset + limit, filters, whose=whose, agent=self.app.agent, below=below
            )
            if total is None:
                held = sum(one.assignee is not None for one in found)
                total = store.count_free(db, filters) + held
            lines = tasks.lines(db, [one.id for one in found[offset : offset + limit]])
        return lines, Page(limit, offset, total)


def candidates(
    db: Backend,
    n: int,
    *,
    filters: Mapping[str, Any] | None = None,
    agent: str | None = None,
    session_scope: Row | None = None,
) -> list[Candidate]:
    """The exact top n of the ready tasks, best first; the rule that ``claim --next`` shares.

    :param db: the store, or the unit that is going to claim.
    :param filters: arguments of :func:`ready_filters`.
    :param agent: whose own tasks count too; None leaves only unassigned ones.
    :param session_scope: the session; one narrower than global leaves only tasks in its scope.
    :raises UsageError: a filter is no such word.
    """
    found, _ = _ranked(
        db,
        n,
        ready_filters(**(filters or {})),
        whose="mine" if agent else "free",
        agent=agent,
        below=_scope_task(session_scope),
    )
    return found[:n]


def ready_filters(
    labels: Sequence[str] = (),
    phase: str | None = None,
    type: str | None = None,
    role: str | None = None,
    priority: str | int | None = None,
) -> dict[str, Any]:
    """The filters of ``next``, ``ready`` and ``claim --next``, checked; only those that are set.

    :raises UsageError: a value is no such word.
    """
    checks: dict[str, tuple[Callable[[Any], Any], Any]] = {
        "labels": (fields.labels, labels or None),
        "phase": (fields.slug, phase),
        "type": (inputs.word_of(TASK_TYPE, "type"), type),
        "role": (inputs.word_of(TASK_ROLE, "role"), role),
        "priority": (fields.priority, priority),
    }
    return {
        name: inputs.as_filter(check, value)
        for name, (check, value) in checks.items()
        if value is not None
    }


def _ranked(
    db: Backend,
    n: int,
    filters: Mapping[str, Any],
    *,
    whose: str,
    agent: str | None,
    below: str | None,
) -> tuple[list[Candidate], int | None]:
    """Scored tasks in order, at least the top n and all that somebody holds.

    :param below: the task whose subtree is looked at.
    :returns: the tasks, and how many there are in all; None when not all of them were read.
    """
    n = min(n, MOST)
    active = store.active_phase(db)
    rows: list[Row]
    total: int | None = None
    rarest = _rare_label(db, filters)
    holder = {"agent": agent} if whose == "mine" else {}
    if below is not None:
        rows = store.listed(db, "subtree", filters, whose=whose, scope=below, **holder)
        total = len(rows)
    elif rarest is not None:
        rows = store.listed(db, "label", filters, whose=whose, rarest=rarest, **holder)
        total = len(rows)
    else:
        rows = _free(db, n, filters, active)
        if whose == "mine":
            rows += store.listed(db, "agent", filters, whose="all", agent=agent)
        elif whose == "all":
            rows += store.listed(db, "agents", filters, whose="all")
    week = int(clock.seconds() // WEEK)
    found = [_scored(row, week, active) for row in rows]
    found.sort(key=lambda one: (-one.score, one.created_week, one.seq))
    return found, total


def _free(db: Backend, n: int, filters: Mapping[str, Any], active: str | None) -> list[Row]:
    """The first n of each range.

    Inside a range all scores fall in the order of the index, so that what comes after n others of
    its range is not among the top n; only the active phase is worth more, and has ranges of its
    own.
    """
    inside = {name: filters[name] for name in ("labels", "type", "role") if name in filters}
    phases = [filters["phase"]] if "phase" in filters else [None, *([active] if active else [])]
    found: dict[str, Row] = {}
    for priority in [filters["priority"]] if "priority" in filters else PRIORITY_ORDER:
        for has in (0, 1):
            for phase in phases:
                for row in store.first_of_range(
                    db, n, priority=priority, has_dependencies=has, phase=phase, filters=inside
                ):
                    found[row["id"]] = row
    return list(found.values())


def _rare_label(db: Backend, filters: Mapping[str, Any]) -> str | None:
    """The label to read by, where one of them is on few tasks."""
    counted = [(store.labelled(db, label, RARE), label) for label in filters.get("labels", ())]
    fewest = min(counted, default=(RARE, ""))
    return fewest[1] if fewest[0] < RARE else None


def _scored(row: Row, week: int, active: str | None) -> Candidate:
    parts = {
        "priority": PRIORITY_POINTS[row["priority"]],
        "phase": PHASE_POINTS if active is not None and row["phase"] == active else 0,
        "dependencies": UNBLOCKED_POINTS if row["has_dependencies"] else 0,
        "age": min(max(week - row["created_week"], 0), MOST_AGE_POINTS),
    }
    return Candidate(
        row["id"],
        row["seq"],
        row["priority"],
        row["phase"],
        row["assignee"],
        row["created_week"],
        sum(parts.values()),
        parts,
    )


def _scope_task(session: Row | None) -> str | None:
    """The task that a session is narrowed to; None for a global one or none."""
    if session is None or session["scope_kind"] == "global":
        return None
    # The task of a narrow scope may have been purged; then nothing lies in it.
    return str(session["scope_task_id"] or "")
