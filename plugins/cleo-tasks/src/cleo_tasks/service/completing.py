"""Completing tasks: the conditions, in their order, and the parents that are complete with them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.database import Row
from cleo_core.errors import CleoError
from cleo_tasks.enums import OPEN_STATUS
from cleo_tasks.errors import TasksError, several
from cleo_tasks.records import Line, Task
from cleo_tasks.service import pipelines, transitions, verification
from cleo_tasks.service.evidence import NotHashedError
from cleo_tasks.service.liveness import alive_since
from cleo_tasks.service.waiting import Waiting, warn_of_cancelled
from cleo_tasks.service.work import Work
from cleo_tasks.store import closing, sessions, tasks


@record
class CompleteResult(Declared):
    """A completed task and what follows from it.

    ``unblocked_tasks``: pending tasks that waited for nothing else. ``auto_completed``: ids of
    the parents that were complete with it, nearest first; ``auto_complete_refused``: the parent
    that could not be completed and why, ``{id, code}``. ``warnings``: ``{code, message}``.
    """

    task: Task
    unblocked_tasks: list[Line]
    auto_completed: list[str]
    auto_complete_refused: list[dict[str, str]]
    warnings: list[dict[str, str]]


def complete_tasks(
    work: Work, ids: Sequence[str], *, note: str | None = None, if_version: int | None = None
) -> list[CompleteResult]:
    """Complete tasks in one unit, dependencies and children first; results in the order given.

    :raises CleoError: as :func:`complete_task`; several problems at once are 6.
    """
    rows = work.rows(ids)
    if if_version is not None:
        work.require_version(rows[ids[0]], if_version)
    results: dict[str, CompleteResult] = {}
    problems: list[tuple[str | None, CleoError]] = []
    for id_ in _in_order(work, ids):
        try:
            results[id_] = complete_task(work, id_, note=note, named=ids)
        except NotHashedError as error:
            # All that may be asked for, so that it is not asked for one task at a time.
            more = verification.evidence_of(work, _in_reach(work, ids))
            raise NotHashedError({*error.paths, *more}) from None
        except CleoError as error:
            problems.append((id_ if len(ids) > 1 else None, error))
    if problems:
        raise several(problems, {"ids": list(ids)})
    closed = {*results, *(above for one in results.values() for above in one.auto_completed)}
    return [
        replace(
            one, unblocked_tasks=[line for line in one.unblocked_tasks if line.id not in closed]
        )
        for one in (results[id_] for id_ in ids)
    ]


def complete_task(
    work: Work,
    id_: str,
    *,
    note: str | None = None,
    named: Collection[str] = (),
    action: str | None = None,
) -> CompleteResult:
    """Complete one task, and upward every parent that is finished with it.

    All conditions are asked before anything is written, so that a refusal leaves no trace.

    :param named: ids that are completed by themselves and not because of their children.
    :param action: what the audit says instead of the verb's name.
    :raises CleoError: 36, 34; ``E_CLAIMED`` (35), ``E_ALREADY_DONE`` (17),
        ``E_INVALID_TRANSITION`` (6), ``E_DEPENDENCIES_OPEN`` (5), too little acceptance (6), 40,
        44, 45, 41, ``E_HAS_CHILDREN`` (16), ``E_GATE_UNMET`` (80); the first in this order.
    """
    row = work.task(id_)
    already = len(work.unit.warnings)
    session = _require_complete(work, row)
    changes: dict[str, Any] = {}
    if note is not None:
        from cleo_tasks.service.adding import note_entries

        changes["notes"] = [*row["notes"], *note_entries(work, [note])]
    warn_of_cancelled(work, [id_])
    waiting = Waiting(work, [id_])
    transitions.move(work, row, "done", verb="complete", action=action, **changes)
    if session is not None and session["status"] == "active":
        sessions.record_task(work, session["id"], id_, "completed", work.now)
    if work.agent is not None:
        closing.count_completed(work, work.agent, id_, alive=alive_since(work.app))
    unblocked = waiting.released()
    above, refused = _complete_parent(work, row["parent_id"], named)
    return CompleteResult(
        task=work.record(id_),
        unblocked_tasks=[*unblocked, *(above.unblocked_tasks if above else ())],
        auto_completed=[above.task.id, *above.auto_completed] if above else [],
        auto_complete_refused=above.auto_complete_refused if above else refused,
        warnings=[
            {"code": code, "message": message} for code, message in work.unit.warnings[already:]
        ],
    )


def require_own(work: Work, row: Row) -> None:
    """Whether no other agent holds a task; a caller without agent id passes.

    :raises TasksError: ``E_CLAIMED`` (35).
    """
    holder = row["assignee"]
    if holder is not None and work.agent is not None and holder != work.agent:
        from cleo_tasks.service.holding import held

        raise held(row)


def require_accepted(work: Work, row: Row) -> None:
    """Apply ``tasks.acceptance.mode`` to a task that is to be completed.

    :raises ValidationError: there are too few criteria.
    """
    if work.setting("acceptance.mode") == "off":
        return
    from cleo_tasks.service.adding import check_acceptance

    try:
        check_acceptance(work, row["acceptance"])
    except CleoError as error:
        error.fix = f"cleo update {row['id']} --add-acceptance TEXT"
        raise


def require_no_open_children(work: Work, row: Row, *, fix: str, but: Collection[str] = ()) -> None:
    """Whether everything directly below a task is closed.

    :param but: ids that close in the same unit.
    :raises TasksError: ``E_HAS_CHILDREN`` (16) with the ids of the open children.
    """
    children = [
        one["id"] for one in work.read(tasks.OPEN_CHILDREN, id=row["id"]) if one["id"] not in but
    ]
    if children:
        raise TasksError(
            "E_HAS_CHILDREN",
            f"{row['id']} has open children: {', '.join(children)}.",
            fix=fix,
            details={"children": children},
        )


def _require_complete(work: Work, row: Row) -> Row | None:
    """Every condition of ``complete``; returns the session it is done in."""
    id_ = row["id"]
    session = work.enter(id_)
    require_own(work, row)
    if row["status"] == "done":
        raise TasksError(
            "E_ALREADY_DONE",
            f"{id_} was completed at {row['completed_at']}.",
            fix=f"cleo reopen {id_}",
            details={"completedAt": row["completed_at"]},
        )
    transitions.require(work, row, "done", "complete")
    transitions.require_dependencies(work, row)
    require_accepted(work, row)
    verification.require_verified(work, row)
    require_no_open_children(work, row, fix=f"cleo list --parent {id_}")
    pipelines.require_finished(work, row)
    return session


def _complete_parent(
    work: Work, parent: str | None, named: Collection[str]
) -> tuple[CompleteResult | None, list[dict[str, str]]]:
    """Complete the parent of a done task if nothing below is open; or say why not."""
    if parent is None or parent in named:
        return None, []
    row = work.task(parent)
    closed = row["status"] not in OPEN_STATUS
    if closed or row["no_auto_complete"] or work.one(tasks.OPEN_CHILDREN, id=parent) is not None:
        return None, []
    already = len(work.unit.warnings)
    try:
        return complete_task(work, parent, named=named, action="task.auto_complete"), []
    except CleoError as error:
        del work.unit.warnings[already:]
        return None, [{"id": parent, "code": error.code}]


def _in_reach(work: Work, ids: Sequence[str]) -> list[str]:
    """The ids and those above them, which may be complete with them."""
    above = [one["id"] for id_ in ids for one in work.read(tasks.ANCESTORS, id=id_)]
    return list(dict.fromkeys([*ids, *above]))


def _in_order(work: Work, ids: Sequence[str]) -> list[str]:
    """The ids so that those which others wait for come first."""
    waits: dict[str, list[str]] = {id_: [] for id_ in ids}
    if len(ids) > 1:
        for id_ in ids:
            for above in work.read(tasks.ANCESTORS, id=id_):
                if above["id"] in waits and above["id"] != id_:
                    waits[above["id"]].append(id_)
            for edge in work.read(tasks.DEPENDENCIES_OF, id=id_):
                if edge["depends_on"] in waits:
                    waits[id_].append(edge["depends_on"])
    ordered: dict[str, None] = {}
    seen: set[str] = set()
    pending = [(id_, False) for id_ in reversed(ids)]
    while pending:
        id_, below_done = pending.pop()
        if below_done:
            ordered[id_] = None
        elif id_ not in seen:
            seen.add(id_)
            pending.append((id_, True))
            pending.extend((one, False) for one in reversed(waits[id_]) if one not in seen)
    return list(ordered)
