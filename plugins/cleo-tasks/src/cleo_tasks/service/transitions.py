"""The one table of status changes, and the one function that carries them out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cleo_core.database import Row
from cleo_core.errors import CleoError
from cleo_tasks.enums import OPEN_STATUS, STAGES
from cleo_tasks.errors import TasksError
from cleo_tasks.service import hierarchy
from cleo_tasks.service.work import Work
from cleo_tasks.store import focus, tasks

#: (from, to) -> verbs that make the change.
TRANSITIONS: dict[tuple[str, str], tuple[str, ...]] = {
    ("pending", "active"): ("start", "update"),
    ("pending", "blocked"): ("update",),
    ("active", "blocked"): ("update",),
    ("active", "pending"): ("update", "stop"),
    ("blocked", "pending"): ("update",),
    ("blocked", "active"): ("update",),
    ("proposed", "pending"): ("update",),
    ("pending", "done"): ("complete",),
    ("active", "done"): ("complete",),
    ("pending", "cancelled"): ("cancel",),
    ("active", "cancelled"): ("cancel",),
    ("blocked", "cancelled"): ("cancel",),
    ("proposed", "cancelled"): ("cancel",),
    ("done", "pending"): ("reopen",),
    ("done", "active"): ("reopen",),
    ("cancelled", "pending"): ("reopen",),
    ("cancelled", "active"): ("reopen",),
    ("done", "archived"): ("archive", "delete", "transfer"),
    ("cancelled", "archived"): ("archive", "delete", "transfer"),
    ("pending", "archived"): ("delete", "transfer"),
    ("active", "archived"): ("delete", "transfer"),
    ("blocked", "archived"): ("delete", "transfer"),
    ("proposed", "archived"): ("delete", "transfer"),
    **{("archived", status): ("unarchive",) for status in ("done", "cancelled", *OPEN_STATUS)},
}

#: Stages before work begins; ``start`` lifts them to implementation.
PLANNING = STAGES[: STAGES.index("implementation")]


def allowed_from(status: str) -> dict[str, tuple[str, ...]]:
    """Target status -> verbs, from a status."""
    return {to: verbs for (source, to), verbs in TRANSITIONS.items() if source == status}


def require(work: Work, row: Row, to: str, verb: str) -> None:
    """Whether a verb may move a task to a status.

    :raises TasksError: ``E_INVALID_TRANSITION`` naming what is allowed, or the plugin that would
        refuse the status whatever led there, with its fix.
    """
    if verb in TRANSITIONS.get((row["status"], to), ()):
        return
    allowed = allowed_from(row["status"])
    if row["status"] == "archived":
        allowed = {row["archived_from"]: ("unarchive",)}
    refused = f"{row['id']} is {row['status']} and cannot become {to} by {verb}"
    details = {"from": row["status"], "to": to, "allowed": allowed}
    held = _guarded(work, row, to) if row["status"] == "blocked" else None
    if held is not None:
        raise TasksError(
            "E_INVALID_TRANSITION",
            f"{refused}: {held.message}",
            fix=held.fix,
            details={**details, **held.details},
        )
    words = ", ".join(f"{target} ({' or '.join(verbs)})" for target, verbs in allowed.items())
    raise TasksError(
        "E_INVALID_TRANSITION",
        f"{refused}; it can become {words}.",
        fix=_way(row, to),
        details=details,
    )


def require_dependencies(work: Work, row: Row) -> None:
    """Whether everything a task waits for is satisfied.

    :raises TasksError: ``E_DEPENDENCIES_OPEN`` (5) with the open ids.
    """
    waiting = [
        one["depends_on"]
        for one in work.read(tasks.DEPENDENCIES_OF, id=row["id"])
        if one["status"] in OPEN_STATUS
    ]
    if waiting:
        raise TasksError(
            "E_DEPENDENCIES_OPEN",
            f"{row['id']} waits for {', '.join(waiting)}.",
            fix=f"cleo deps show {row['id']}",
            details={"openDependencies": waiting},
        )


def require_open_parent(work: Work, row: Row) -> None:
    """Whether the parent can take an open child.

    :raises TasksError: ``E_PARENT_CLOSED`` (6).
    """
    if row["parent_id"] is not None:
        hierarchy.find_parent(work, row["parent_id"])


def move(
    work: Work,
    row: Row,
    to: str,
    *,
    verb: str,
    action: str | None = None,
    reason: str | None = None,
    details: Mapping[str, Any] | None = None,
    **values: Any,
) -> None:
    """Give a task another status; stage, times and focus follow in the same UPDATE.

    The caller has checked the verb's own conditions.

    :param reason: what the audit row says as reason; ``details``: what else it says.
    :param values: further columns to set.
    :raises TasksError: ``E_INVALID_TRANSITION``.
    """
    require(work, row, to, verb)
    changes: dict[str, Any] = {"status": to}
    # What comes out of the archive was done or cancelled when it was, not now.
    kept = row["status"] == "archived"
    if to == "done":
        changes |= {
            "pipeline_stage": "contribution",
            "completed_at": (kept and row["completed_at"]) or work.now,
        }
    elif to == "cancelled":
        changes |= {
            "pipeline_stage": "cancelled",
            "cancelled_at": (kept and row["cancelled_at"]) or work.now,
        }
    elif to == "archived":
        changes |= {"archived_at": work.now, "archived_from": row["status"]}
    if kept:
        changes |= {"archived_at": None, "archived_from": None, "archive_reason": None}
    if row["status"] == "done" and to != "archived":
        changes["completed_at"] = None
    if row["status"] == "cancelled" and to != "archived":
        changes |= {"cancelled_at": None, "cancellation_reason": None}
    if to in OPEN_STATUS and row["pipeline_stage"] in ("contribution", "cancelled"):
        changes["pipeline_stage"] = open_stage(work, row)
    if to == "active" and not kept:
        changes["started_at"] = row["started_at"] or work.now
        changes |= _lifted(work, row, str(changes.get("pipeline_stage") or row["pipeline_stage"]))
    if row["status"] == "blocked" and to != "archived":
        changes["blocked_reason"] = None
    work.change(row, {**changes, **values}, action=action, reason=reason, details=details)
    if to not in OPEN_STATUS:
        focus.leave_task(work, row["id"], work.now)


def _guarded(work: Work, row: Row, to: str) -> CleoError | None:
    """What the guards would refuse a status with: who holds a task knows the way out."""
    from cleo_core.references import build_changes, guard

    app, id_ = work.app, row["id"]
    moved = {("task", "update"): {id_: ({"status": row["status"]}, {"status": to})}}
    try:
        guard(
            app.plugins,
            app,
            build_changes(
                moved,
                project=app.project_or_none,
                store="tasks",
                actor=work.actor,
                request_id=app.request_id,
            ),
        )
    except CleoError as error:
        return error
    return None


def _way(row: Row, to: str) -> str:
    """The command that leads to a status, or the first of several on the way there."""
    status = row["status"]
    step, verbs = to, TRANSITIONS.get((status, to))
    if verbs is None:
        for target, through in allowed_from(status).items():
            if (target, to) in TRANSITIONS:
                step, verbs = target, through
                break
    if verbs is None:
        return f"cleo show {row['id']}"
    return f"cleo {verbs[0]} {row['id']}" + (f" --status {step}" if verbs[0] == "update" else "")


def open_stage(work: Work, row: Row) -> str:
    """The stage of a task that opens again: its own pipeline's, else its type's default."""
    return own_stage(work, row["id"]) or ("research" if row["type"] == "epic" else "implementation")


def own_stage(work: Work, id_: str) -> str | None:
    """The current stage of a task's own pipeline, if it has one."""
    own = work.one(tasks.OWN_PIPELINE, id=id_)
    return None if own is None else own["stage"]


def _lifted(work: Work, row: Row, stage: str) -> dict[str, Any]:
    """Work that begins leaves planning, unless the epic above is still there."""
    if stage not in PLANNING or row["type"] == "epic":
        return {}
    if work.one(tasks.OWN_PIPELINE, id=row["id"]) is not None:
        return {}
    ceiling = hierarchy.stage_ceiling(work, row["parent_id"])
    if ceiling is not None and STAGES.index(ceiling["stage"]) < STAGES.index("implementation"):
        work.warn(
            "W_STAGE_KEPT",
            f"{row['id']} stays in {stage}: epic {ceiling['epic']} is at {ceiling['stage']}.",
        )
        return {}
    return {"pipeline_stage": "implementation"}
