"""Opening closed tasks again, putting them into the archive and taking them back out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.database import Row
from cleo_core.errors import CleoError, UsageError, ValidationError, echoed
from cleo_tasks.bulk_records import Transferred
from cleo_tasks.enums import OPEN_STATUS
from cleo_tasks.errors import TasksError, several
from cleo_tasks.records import Line
from cleo_tasks.service import pipelines, transitions
from cleo_tasks.service.closing import deepest_first, no_change
from cleo_tasks.service.completing import require_no_open_children
from cleo_tasks.service.waiting import Waiting
from cleo_tasks.service.work import Work
from cleo_tasks.store import closing, tasks

#: Status -> the reason for the archive where none is given.
REASON_OF = {"done": "completed", "cancelled": "cancelled"}
#: What ``archive --reason`` takes; the other reasons belong to verbs of their own.
REASONS = ("completed", "cancelled", "superseded", "duplicate")


@record
class ReopenResult(Declared):
    """Tasks that are open again; ``reblocked``: open tasks that wait for them again."""

    tasks: list[Line]
    reblocked: list[Line]


@record
class ArchiveResult(Declared):
    """Tasks that went into or came out of the archive.

    ``skipped``: tasks that a selection left out because of their open children,
    ``{id, code, children}``.
    """

    tasks: list[Line]
    skipped: list[dict[str, Any]]


def reopen_tasks(
    work: Work, ids: Sequence[str], *, status: str = "pending", if_version: int | None = None
) -> ReopenResult:
    """Open done and cancelled tasks again in one unit, parents first.

    :param status: ``pending`` or ``active``.
    :raises CleoError: 2, 4, 21, 34, 36; ``E_INVALID_TRANSITION`` or ``E_PARENT_CLOSED`` (6);
        ``E_DEPENDENCIES_OPEN`` (5) for active; ``E_NO_CHANGE`` (102), all are open already.
    """
    if status not in ("pending", "active"):
        raise UsageError(
            f"A task is reopened as pending or active, not {echoed(status)}.",
            fix="cleo reopen ID --status pending",
        )
    rows = _rows(work, ids, if_version)
    there = [id_ for id_, row in rows.items() if row["status"] in OPEN_STATUS]
    waiting = Waiting(work, ids)

    def reopen(row: Row) -> None:
        work.enter(row["id"])
        transitions.require(work, row, status, "reopen")
        transitions.require_open_parent(work, row)
        if status == "active":
            transitions.require_dependencies(work, row)
        transitions.move(work, row, status, verb="reopen")
        pipelines.reactivate_with_task(work, row["id"])

    changed = _each(work, rows, there, "open", reopen)
    return ReopenResult(tasks.lines(work, changed), waiting.held())


def archive_tasks(
    work: Work,
    ids: Sequence[str] = (),
    *,
    done_before: str | None = None,
    all_done: bool = False,
    cancelled: bool = False,
    reason: str | None = None,
    if_version: int | None = None,
) -> ArchiveResult:
    """Put done and cancelled tasks into the archive: those named, or those selected.

    A named task with open children is refused; a selection passes it over and says so.

    :param done_before: as stored, ``YYYY-MM-DDTHH:MM:SS.mmmZ``.
    :param reason: one of :data:`REASONS`; by default what the status says.
    :raises CleoError: 2, 4, 6, 21; ``E_HAS_CHILDREN`` (16); ``E_NO_CHANGE`` (102), there is nothing
        to put away.
    """
    if reason is not None and reason not in REASONS:
        raise ValidationError(
            f"reason {echoed(reason)} is unknown; it is one of {', '.join(REASONS)}.",
            fix="cleo delete ID" if reason == "deleted" else "cleo archive ID --reason superseded",
        )
    selecting = all_done or cancelled or done_before is not None
    if selecting == bool(ids):
        raise UsageError(
            "Either ids are named or tasks are selected, not both."
            if ids
            else "Name tasks or select them.",
            fix="cleo archive --all-done",
        )
    skipped: list[dict[str, Any]] = []
    if selecting:
        found = closing.closed(work, done=all_done, done_before=done_before, cancelled=cancelled)
        rows = {}
        for id_ in found:
            children = [one["id"] for one in work.read(tasks.OPEN_CHILDREN, id=id_)]
            if children:
                skipped.append({"id": id_, "code": "E_HAS_CHILDREN", "children": children})
            else:
                rows[id_] = work.task(id_)
        if not rows:
            raise TasksError(
                "E_NO_CHANGE",
                "No task that was selected can be put away."
                if skipped
                else "Nothing that was selected is there to be put away.",
                fix="cleo list --status done",
                details={"skipped": skipped},
            )
    else:
        rows = _rows(work, ids, if_version)
    there = [id_ for id_, row in rows.items() if row["status"] == "archived"]

    def archive(row: Row) -> None:
        transitions.require(work, row, "archived", "archive")
        require_no_open_children(work, row, fix=f"cleo list --parent {row['id']}")
        transitions.move(
            work,
            row,
            "archived",
            verb="archive",
            archive_reason=reason or REASON_OF[row["status"]],
        )

    changed = _each(work, rows, there, "archived", archive)
    return ArchiveResult(tasks.lines(work, changed), skipped)


def unarchive_tasks(
    work: Work, ids: Sequence[str], *, if_version: int | None = None
) -> ArchiveResult:
    """Give archived tasks the status back that they had, in one unit, parents first.

    :raises CleoError: 4, 21; ``E_PARENT_CLOSED`` (6), the task would be open under a closed parent;
        ``E_NO_CHANGE`` (102), none is archived.
    """
    rows = _rows(work, ids, if_version)
    there = [id_ for id_, row in rows.items() if row["status"] != "archived"]

    def unarchive(row: Row) -> None:
        status = row["archived_from"]
        if status in OPEN_STATUS:
            transitions.require_open_parent(work, row)
        transitions.move(work, row, status, verb="unarchive")

    changed = _each(work, rows, there, "out of the archive", unarchive)
    return ArchiveResult(tasks.lines(work, changed), [])


def put_away_transferred(
    work: Work, moved: Mapping[str, str], reasons: Mapping[str, str]
) -> Transferred:
    """Put tasks away that are another project's now, in one unit, children first.

    :param moved: id -> what it is called there.
    :param reasons: id -> the note, and what the audit says as reason.
    :raises CleoError: 4; ``E_HAS_CHILDREN`` (16), one has open children that do not go along.
    """
    rows = work.rows(list(moved))
    already = [id_ for id_, row in rows.items() if row["status"] == "archived"]
    todo = [id_ for id_ in rows if id_ not in already]
    problems: list[tuple[str | None, CleoError]] = []
    for id_ in todo:
        try:
            fix = f"cleo list --parent {id_}"
            require_no_open_children(work, rows[id_], fix=fix, but=todo)
        except CleoError as error:
            problems.append((id_ if len(rows) > 1 else None, error))
    if problems:
        raise several(problems, {"moved": dict(moved)})
    for id_ in deepest_first(work, todo):
        row = rows[id_]
        note = {"at": work.now, "by": work.actor, "text": reasons[id_]}
        transitions.move(
            work,
            row,
            "archived",
            verb="transfer",
            reason=reasons[id_],
            details={"transferredTo": moved[id_]},
            archive_reason="transferred",
            notes=[*row["notes"], note],
        )
    return Transferred(todo, already)


def _rows(work: Work, ids: Sequence[str], if_version: int | None) -> dict[str, Row]:
    rows = work.rows(ids)
    if if_version is not None:
        work.require_version(rows[ids[0]], if_version)
    return rows


def _each(
    work: Work, rows: dict[str, Row], there: Sequence[str], state: str, change: Any
) -> list[str]:
    """Change each row that is not there yet, parents first; all problems come together."""
    if len(there) == len(rows):
        raise no_change(there, state)
    for id_ in there:
        work.warn("W_NO_CHANGE", f"{id_} is {state} already.")
    todo = [id_ for id_ in rows if id_ not in there]
    problems: list[tuple[str | None, CleoError]] = []
    for id_ in _parents_first(work, todo):
        try:
            change(rows[id_])
        except CleoError as error:
            problems.append((id_ if len(rows) > 1 else None, error))
    if problems:
        raise several(problems, {"ids": list(rows)})
    return todo


def _parents_first(work: Work, ids: Sequence[str]) -> list[str]:
    if len(ids) == 1:
        return list(ids)
    depth = {id_: len(work.read(tasks.ANCESTORS, id=id_)) for id_ in ids}
    return sorted(ids, key=lambda id_: depth[id_])
