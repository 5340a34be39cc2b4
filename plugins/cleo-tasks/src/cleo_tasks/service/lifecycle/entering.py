"""Entering stages: the first one, forward, and the ways back."""

from __future__ import annotations

from cleo_core.errors import CleoError, NotFoundError
from cleo_tasks.enums import STAGES
from cleo_tasks.errors import TasksError
from cleo_tasks.service import hierarchy
from cleo_tasks.service.lifecycle import definitions, editing, reading
from cleo_tasks.service.lifecycle.editing import Edit
from cleo_tasks.service.work import Work
from cleo_tasks.store import pipelines

#: Types of tasks that have a lifecycle.
TYPES = ("epic", "task")


def start(
    work: Work,
    id_: str,
    name: str | None,
    *,
    reason: str | None,
    forced: bool,
    if_version: int | None,
) -> None:
    """Create a task's pipeline where it has none, and enter a stage of it.

    :param name: by default the first stage from the current one on that is not finished.
    :raises CleoError: 4, 6, 21, 34, 36, 80, 83; ``E_NO_CHANGE`` (102), it is the current stage.
    """
    if pipelines.of_task(work, id_) is None:
        edit = _created(work, id_, reason=reason, forced=forced, if_version=if_version)
    else:
        edit = editing.begin(work, id_, reason=reason, forced=forced, if_version=if_version)
    current = edit.current
    to = name or following(edit)
    if to is None:
        raise CleoError(
            "E_NO_CHANGE",
            f"Every stage of {id_} is completed or skipped.",
            fix=f"cleo lifecycle show {id_}",
        )
    if current is not None and definitions.position(to) < definitions.position(current):
        _require_way(edit, current, to, by_start=True)
        _back(edit, to)
    else:
        forward(edit, to, "manual")
    edit.finish()


def back(
    work: Work,
    id_: str,
    to: str,
    *,
    reason: str,
    forced: bool,
    if_version: int | None,
) -> None:
    """Go back to an earlier stage; it and those after it are due again, in another attempt.

    :raises CleoError: 4, 6, 21, 34, 36; ``E_STAGE_ORDER`` (83), no such way back.
    """
    edit = editing.begin(work, id_, reason=reason, forced=forced, if_version=if_version)
    current = edit.current
    if current is None or definitions.position(to) >= definitions.position(current):
        raise TasksError(
            "E_STAGE_ORDER",
            f"{to} is not before {current}, in which {id_} is.",
            fix=f"cleo lifecycle start {id_}",
            details={"from": current, "to": to},
        )
    _require_way(edit, current, to)
    _back(edit, to)
    edit.finish()


def following(edit: Edit) -> str | None:
    """The first stage from the current one on that is neither completed nor skipped."""
    first = 0 if edit.current is None else definitions.position(edit.current) - 1
    return next((name for name in definitions.ENTERED[first:] if not edit.finished(name)), None)


def forward(edit: Edit, to: str, kind: str) -> None:
    """Enter a stage that is not before the current one; stages in between are skipped if they may.

    :param kind: ``manual`` or ``automatic``.
    :raises CleoError: 80, 83, 102.
    """
    _require_enterable(edit, to)
    if to == edit.current:
        _require_reentry(edit, to)
    first = 0 if edit.current is None else definitions.position(edit.current)
    between = [
        name
        for name in definitions.ENTERED[first : definitions.position(to) - 1]
        if not edit.finished(name)
    ]
    fixed = [name for name in between if not definitions.BY_NAME[name].skippable]
    if fixed and edit.current is not None:
        edit.out_of_order(
            TasksError(
                "E_STAGE_ORDER",
                f"{to} comes after {', '.join(fixed)}, which cannot be skipped.",
                fix=way_to_finish(edit, fixed[0] if edit.finished(edit.current) else edit.current),
                details={"from": edit.current, "to": to, "between": fixed},
            )
        )
    _below_epic(edit, to)
    require_prerequisites(edit, to, passed_over=[name for name in between if name not in fixed])
    for name in between:
        if name not in fixed:
            skipped(edit, name, edit.reason or f"passed over on the way to {to}")
    edit.enter(to, kind)


def require_prerequisites(edit: Edit, to: str, *, passed_over: list[str] | None = None) -> None:
    """Whether every stage that comes before one is completed or skipped.

    :param passed_over: stages that the same move skips.
    :raises TasksError: ``E_GATE_UNMET`` (80).
    """
    missing = [name for name in reading.missing(to, edit.stages) if name not in (passed_over or ())]
    if missing:
        states = ", ".join(f"{name} ({edit.stages[name]['status']})" for name in missing)
        edit.unmet(
            TasksError(
                "E_GATE_UNMET",
                f"{to} needs stages that are not complete: {states}.",
                fix=way_to_finish(edit, missing[0]),
                details={"stage": to, "prerequisites": missing},
            )
        )


def way_to_finish(edit: Edit, name: str) -> str:
    """The command that brings a stage nearer to its completion."""
    status, id_ = edit.stages[name]["status"], edit.id
    which = "" if name == edit.current else f" {name}"
    if status == "in_progress":
        return f"cleo lifecycle complete {id_}{which}"
    if status in ("blocked", "failed"):
        return f"cleo lifecycle set {id_}{which} in_progress"
    if edit.current is not None and definitions.position(name) < definitions.position(edit.current):
        return f"cleo lifecycle skip {id_} {name} --force --reason TEXT"
    return f"cleo lifecycle start {id_} {name}"


def skipped(edit: Edit, name: str, reason: str) -> None:
    """Mark a stage as left out."""
    edit.change(
        name,
        status="skipped",
        skipped_at=edit.work.now,
        skip_reason=reason,
        completed_at=None,
        blocked_at=None,
        block_reason=None,
    )


def _created(
    work: Work, id_: str, *, reason: str | None, forced: bool, if_version: int | None
) -> Edit:
    task = work.task(id_)
    if task["type"] not in TYPES:
        raise NotFoundError(
            f"{id_} is a {task['type']}; lifecycles belong to epics and tasks.",
            fix=f"cleo lifecycle start {task['parent_id']}" if task["parent_id"] else "cleo list",
            ids=[id_],
        )
    if if_version is not None:
        raise reading.no_pipeline(id_)
    return editing.created(work, task, reason=reason, forced=forced)


def _require_enterable(edit: Edit, to: str) -> None:
    if to == definitions.RECORD:
        raise TasksError(
            "E_STAGE_ORDER",
            f"{to} is recorded, not entered.",
            fix=f"cleo lifecycle complete {edit.id} {to} --note TEXT",
        )
    _require_unended(edit, to, ("aborted", "completed"))


def _require_unended(edit: Edit, to: str, ends: tuple[str, ...]) -> None:
    status = edit.pipeline["status"]
    if status in ends:
        edit.out_of_order(
            TasksError(
                "E_STAGE_ORDER",
                f"The pipeline of {edit.id} is {status}.",
                fix=f"cleo lifecycle start {edit.id} {to} --force --reason TEXT",
                details={"status": status},
            )
        )


def _require_reentry(edit: Edit, name: str) -> None:
    """The current stage is entered again only by force: as another attempt."""
    status = edit.stages[name]["status"]
    if edit.forced:
        return
    if status == "in_progress":
        raise CleoError(
            "E_NO_CHANGE",
            f"{edit.id} is in {name} already.",
            fix=f"cleo lifecycle complete {edit.id}",
        )
    again = f"cleo lifecycle start {edit.id} {name} --force --reason TEXT"
    raise TasksError(
        "E_STAGE_ORDER",
        f"{edit.id} is in {name} already, and it is {status}.",
        fix=again if status in definitions.FINISHED else way_to_finish(edit, name),
        details={"stage": name, "status": status},
    )


def _below_epic(edit: Edit, to: str) -> None:
    """No task is ahead of the nearest epic above that goes through stages itself."""
    ceiling = hierarchy.stage_ceiling(edit.work, edit.task["parent_id"])
    if ceiling is not None and STAGES.index(to) > STAGES.index(ceiling["stage"]):
        edit.out_of_order(
            TasksError(
                "E_STAGE_ORDER",
                f"{to} is ahead of epic {ceiling['epic']}, which is at {ceiling['stage']}.",
                fix=f"cleo lifecycle show {ceiling['epic']}",
                details={"epic": ceiling["epic"], "stage": ceiling["stage"]},
            )
        )


def _require_way(edit: Edit, current: str, to: str, *, by_start: bool = False) -> None:
    """Whether the lifecycle knows a way back; ``start`` itself takes none of them unforced."""
    _require_unended(edit, to, ("aborted",))
    known = (current, to) in definitions.WAYS_BACK
    if known and not by_start:
        return
    ways = [target for source, target in definitions.WAYS_BACK if source == current]
    if known:
        rest = "it is entered by going back."
    elif ways:
        rest = f"the way back from there is to {' or '.join(ways)}."
    else:
        rest = "there is no way back from there."
    edit.out_of_order(
        TasksError(
            "E_STAGE_ORDER",
            f"{to} is before {current}, in which {edit.id} is; {rest}",
            fix=f"cleo lifecycle back {edit.id} {to}{'' if known else ' --force'} --reason TEXT",
            details={"from": current, "to": to, "waysBack": ways},
        )
    )


def _back(edit: Edit, to: str) -> None:
    """Enter an earlier stage; those after it that were begun are due again."""
    for name in definitions.ENTERED[definitions.position(to) :]:
        if edit.stages[name]["status"] not in ("not_started", "skipped"):
            edit.reopen(name)
    edit.enter(to, "manual")
