"""Giving tasks up and deleting them, with what hangs on them; purging what is archived."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.database import Row
from cleo_core.errors import CleoError, UsageError, echoed
from cleo_tasks.enums import OPEN_STATUS
from cleo_tasks.errors import TasksError, several
from cleo_tasks.records import Line
from cleo_tasks.service import fields, pipelines, transitions
from cleo_tasks.service.completing import require_no_open_children
from cleo_tasks.service.waiting import Waiting
from cleo_tasks.service.work import Work
from cleo_tasks.store import closing, relations, tasks

#: What to do with open children of a task that closes.
CHILDREN = ("block", "cascade", "orphan")

Problems = list[tuple[str | None, CleoError]]


@record
class CloseResult(Declared):
    """Tasks that were cancelled, deleted or purged, the named ones first.

    ``moved``: children that got another parent, ``{id, parentId, type}``. ``detached``: edges that
    were removed, ``{id, dependsOn}``. ``unblocked_tasks``: pending tasks that wait for nothing now.
    """

    tasks: list[Line]
    moved: list[dict[str, Any]]
    detached: list[dict[str, str]]
    unblocked_tasks: list[Line]


def cancel_tasks(
    work: Work,
    ids: Sequence[str],
    *,
    reason: str | None = None,
    children: str = "block",
    if_version: int | None = None,
) -> CloseResult:
    """Give tasks up in one unit; those that are cancelled already are named in a warning.

    :param children: one of :data:`CHILDREN`.
    :raises CleoError: 2, 4, 6, 21, 34, 36; ``E_HAS_CHILDREN`` (16); ``E_NO_CHANGE`` (102), all are.
    """
    reason = fields.reason(reason)
    rows, problems = _entered(work, ids, "cancelled", "cancel", if_version)
    plan = _plan(work, rows, children, "cancel", problems)
    if problems:
        raise several(problems, {"ids": list(ids), "children": children})
    moved = _orphan(work, plan)
    waiting = Waiting(work, plan.targets)
    for id_ in plan.targets:
        row = work.task(id_)
        transitions.move(
            work, row, "cancelled", verb="cancel", reason=reason, cancellation_reason=reason
        )
        pipelines.cancel_with_task(work, id_)
    return CloseResult(tasks.lines(work, plan.listed), moved, [], waiting.released())


def delete_tasks(
    work: Work,
    ids: Sequence[str],
    *,
    reason: str | None = None,
    children: str = "block",
    detach: bool = False,
    if_version: int | None = None,
) -> CloseResult:
    """Put tasks into the archive as deleted, in one unit.

    :param detach: remove the edges of open tasks that depend on them.
    :raises CleoError: 2, 4, 6, 21, 34, 36; ``E_HAS_CHILDREN`` (16); ``E_HAS_DEPENDENTS`` (19);
        ``E_NO_CHANGE`` (102), all are archived already.
    """
    reason = fields.reason(reason)
    rows, problems = _entered(work, ids, "archived", "delete", if_version)
    plan = _plan(work, rows, children, "delete", problems)
    edges = [
        edge
        for edge in closing.edges_into(work, plan.targets)
        if edge["status"] in OPEN_STATUS and edge["task_id"] not in plan.targets
    ]
    if not detach:
        problems += [(id_, _has_dependants(id_, edges)) for id_ in _targets_of(edges)]
    if problems:
        raise several(_fields(problems, ids), {"ids": list(ids), "children": children})
    moved = _orphan(work, plan)
    waiting = Waiting(work, plan.targets)
    detached = _detach(work, edges)
    for id_ in plan.targets:
        transitions.move(
            work,
            work.task(id_),
            "archived",
            verb="delete",
            reason=reason,
            archive_reason="deleted",
        )
    return CloseResult(tasks.lines(work, plan.listed), moved, detached, waiting.released())


def purge_tasks(
    work: Work, ids: Sequence[str], *, reason: str | None = None, if_version: int | None = None
) -> CloseResult:
    """Remove archived tasks for good: the only way in which a task's row is deleted.

    The audit rows stay; the last one holds the SHA-256 of the row in place of its text.

    :raises CleoError: 2, 4, 21, 34, 36; ``E_INVALID_TRANSITION`` (6), it is not archived;
        ``E_HAS_CHILDREN`` (16), in whatever status; ``E_HAS_DEPENDENTS`` (19), a release lists it
        or an active session is scoped to it.
    """
    from cleo_tasks.store import transfer

    reason = fields.reason(reason)
    rows = work.rows(ids)
    if if_version is not None:
        work.require_version(rows[ids[0]], if_version)
    problems: Problems = []
    for id_, row in rows.items():
        try:
            work.enter(id_)
            _require_purgeable(work, row, ids)
        except CleoError as error:
            problems.append((id_, error))
    if problems:
        raise several(_fields(problems, ids), {"ids": list(ids)})
    lines = tasks.lines(work, ids)
    edges = [edge for edge in closing.edges_into(work, ids) if edge["task_id"] not in rows]
    detached = _detach(work, edges)
    for id_ in deepest_first(work, ids):
        _unrelate(work, id_, rows)
        _purge(work, rows[id_], reason)
    transfer.give_up_numbers(work, [row["seq"] for row in rows.values()])
    return CloseResult(lines, [], detached, [])


class _Plan:
    """What closes, in which order, and which children move where."""

    def __init__(self) -> None:
        self.targets: list[str] = []
        self.listed: list[str] = []
        self.orphans: list[tuple[str, str | None]] = []


def _entered(
    work: Work, ids: Sequence[str], to: str, verb: str, if_version: int | None
) -> tuple[dict[str, Row], Problems]:
    """The rows that a verb will move, and what stands against it."""
    rows = work.rows(ids)
    if if_version is not None:
        work.require_version(rows[ids[0]], if_version)
    problems: Problems = []
    there = []
    for id_, row in rows.items():
        try:
            work.enter(id_)
            if row["status"] == to:
                there.append(id_)
            else:
                transitions.require(work, row, to, verb)
        except CleoError as error:
            problems.append((id_, error))
    if len(there) == len(ids):
        raise no_change(there, to)
    for id_ in there:
        work.warn("W_NO_CHANGE", f"{id_} is {to} already.")
    return (
        {id_: row for id_, row in rows.items() if id_ not in there},
        _fields(problems, ids),
    )


def no_change(ids: Sequence[str], status: str) -> TasksError:
    """The answer of a verb whose state already holds."""
    verb = "is" if len(ids) == 1 else "are"
    return TasksError(
        "E_NO_CHANGE", f"{', '.join(ids)} {verb} {status} already.", fix=f"cleo show {ids[0]}"
    )


def _plan(work: Work, rows: dict[str, Row], children: str, verb: str, problems: Problems) -> _Plan:
    """What becomes of the tasks' open children; what stands against it goes to ``problems``."""
    if children not in CHILDREN:
        raise UsageError(
            f"children is one of {', '.join(CHILDREN)}, not {echoed(children)}.",
            fix=f"cleo {verb} ID --children cascade",
        )
    plan = _Plan()
    plan.listed = list(rows)
    for id_, row in rows.items():
        if children == "cascade":
            plan.listed += [
                one["id"]
                for one in work.read(tasks.SUBTREE, id=id_)
                if one["status"] in OPEN_STATUS and one["id"] not in plan.listed
            ]
        elif children == "orphan":
            parent = _parent_that_stays(work, row, rows)
            plan.orphans += [
                (one["id"], parent)
                for one in work.read(tasks.OPEN_CHILDREN, id=id_)
                if one["id"] not in rows
            ]
        else:
            try:
                require_no_open_children(
                    work, row, fix=f"cleo {verb} {id_} --children cascade", but=rows
                )
            except CleoError as error:
                problems.append((id_ if len(rows) > 1 else None, error))
    plan.targets = deepest_first(work, plan.listed)
    return plan


def _parent_that_stays(work: Work, row: Row, closing_ids: Collection[str]) -> str | None:
    """The nearest task above that does not close in this unit; None is the root."""
    if row["parent_id"] is None:
        return None
    above = [one["id"] for one in work.read(tasks.ANCESTORS, id=row["parent_id"])]
    return next((id_ for id_ in above if id_ not in closing_ids), None)


def deepest_first(work: Work, ids: Sequence[str]) -> list[str]:
    """The ids so that children come before their parents."""
    if len(ids) == 1:
        return list(ids)
    depth = {id_: len(work.read(tasks.ANCESTORS, id=id_)) for id_ in ids}
    return sorted(ids, key=lambda id_: -depth[id_])


def _orphan(work: Work, plan: _Plan) -> list[dict[str, Any]]:
    if not plan.orphans:
        return []
    from cleo_tasks.service.placing import reparent_task

    moved = []
    for id_, parent in plan.orphans:
        row = work.task(id_)
        reparent_task(work, row, parent)
        moved.append({"id": id_, "parentId": row["parent_id"], "type": row["type"]})
    return moved


def _detach(work: Work, edges: Sequence[Row]) -> list[dict[str, str]]:
    """Remove edges; each belongs to the task that waits, and is audited there."""
    by_task: dict[str, list[str]] = {}
    for edge in edges:
        by_task.setdefault(edge["task_id"], []).append(edge["depends_on"])
    for id_, targets in by_task.items():
        work.change_edges(work.task(id_), remove=targets)
    return [{"id": edge["task_id"], "dependsOn": edge["depends_on"]} for edge in edges]


def _targets_of(edges: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(edge["depends_on"] for edge in edges))


def _has_dependants(id_: str, edges: Sequence[Row]) -> TasksError:
    waiting = [edge["task_id"] for edge in edges if edge["depends_on"] == id_]
    return TasksError(
        "E_HAS_DEPENDENTS",
        f"Open tasks depend on {id_}: {', '.join(waiting)}.",
        fix=f"cleo delete {id_} --detach",
        details={"dependants": waiting},
    )


def _fields(problems: Problems, ids: Sequence[str]) -> Problems:
    """With one task named, a problem needs no field to say which it is about."""
    return [(None, error) for _, error in problems] if len(ids) == 1 else problems


def _require_purgeable(work: Work, row: Row, ids: Collection[str]) -> None:
    id_ = row["id"]
    if row["status"] != "archived":
        raise TasksError(
            "E_INVALID_TRANSITION",
            f"{id_} is {row['status']}; only archived tasks are purged.",
            fix=f"cleo delete {id_}",
            details={"from": row["status"]},
        )
    children = [one["id"] for one in work.read(tasks.CHILDREN, id=id_) if one["id"] not in ids]
    if children:
        raise TasksError(
            "E_HAS_CHILDREN",
            f"{id_} is the parent of {', '.join(children)}.",
            fix=f"cleo reparent {children[0]} --to root",
            details={"children": children},
        )
    releases = [one["release_id"] for one in work.read(closing.RELEASES_OF, id=id_)]
    if releases:
        raise TasksError(
            "E_HAS_DEPENDENTS",
            f"{id_} is listed by {', '.join(releases)}; what was released is kept.",
            fix=f"cleo show {id_}",
            details={"releases": releases},
        )
    sessions = [one["id"] for one in work.read(closing.SESSIONS_ON, id=id_)]
    if sessions:
        raise TasksError(
            "E_HAS_DEPENDENTS",
            f"{id_} is the scope of the active session {', '.join(sessions)}.",
            fix=f"cleo session end --session {sessions[0]}",
            details={"sessions": sessions},
        )


def _unrelate(work: Work, id_: str, purged: Collection[str]) -> None:
    """Relations of others to a task go with it; they belong to the others and are audited there."""
    for other in [one["task_id"] for one in work.read(closing.RELATED_TO, id=id_)]:
        if other not in purged:
            before = relations.named_first(work, other)
            after = [one for one in before if one["related_to"] != id_]
            work.bump(work.task(other), {"relations": before}, {"relations": after})


def _purge(work: Work, row: Row, reason: str | None) -> None:
    import hashlib
    import json

    id_ = row["id"]
    whole = {
        **{name: row[name] for name in tasks.COLUMNS if name != "seq"},
        "labels": tasks.labels(work, id_),
        "depends_on": [one["depends_on"] for one in work.read(tasks.DEPENDENCIES_OF, id=id_)],
    }
    text = json.dumps(whole, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    closing.delete(work, id_)
    entry = work.note(
        "task", id_, {"sha256": digest}, None, task_id=id_, action="task.purge", emit=False
    )
    entry.reason = reason
    work.unit.deleted("task", id_, whole)
