"""What happens to a task's own lifecycle pipeline when the task closes or opens again."""

from __future__ import annotations

from cleo_core.database import Row
from cleo_tasks.errors import TasksError
from cleo_tasks.service.work import Work
from cleo_tasks.store import pipelines

#: A pipeline in one of these is neither finished nor given up.
LIVE = ("active", "blocked", "failed")


def require_finished(work: Work, row: Row) -> None:
    """Apply ``tasks.lifecycle.mode`` to a task that is to be completed.

    :raises TasksError: ``E_GATE_UNMET`` (80), its own pipeline has not come to an end.
    """
    mode = work.setting("lifecycle.mode")
    if mode == "off":
        return
    own = pipelines.of_task(work, row["id"])
    if own is None or own["status"] not in LIVE:
        return
    error = TasksError(
        "E_GATE_UNMET",
        f"The pipeline of {row['id']} is {own['status']}, in {own['stage_name'] or 'no stage'}.",
        fix=f"cleo lifecycle show {row['id']}",
        details={"pipeline": own["id"], "status": own["status"], "stage": own["stage_name"]},
    )
    if mode == "strict":
        raise error
    work.warn("W_GATE_UNMET", error.message)


def cancel_with_task(work: Work, task: str) -> None:
    """A live pipeline is cancelled together with its task."""
    own = pipelines.of_task(work, task)
    if own is not None and own["status"] in LIVE:
        _set(work, own, "cancelled", "pipeline.cancel")


def reactivate_with_task(work: Work, task: str) -> None:
    """A pipeline that was cancelled with its task goes on where its current stage stands."""
    own = pipelines.of_task(work, task)
    if own is not None and own["status"] == "cancelled":
        stage = own["stage_status"]
        status = stage if stage in ("blocked", "failed") else "active"
        _set(work, own, status, "pipeline.reactivate")


def _set(work: Work, own: Row, status: str, action: str) -> None:
    pipelines.save(work, {**own, "status": status}, now=work.now)
    work.note(
        "pipeline",
        own["id"],
        {"status": own["status"]},
        {"status": status},
        task_id=own["task_id"],
        action=action,
    )
