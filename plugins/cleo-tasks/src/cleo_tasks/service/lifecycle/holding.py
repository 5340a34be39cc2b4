"""Stages that are held up, fail and go on; pipelines that are stopped."""

from __future__ import annotations

from cleo_core.errors import CleoError
from cleo_tasks.errors import TasksError
from cleo_tasks.service.lifecycle import definitions, editing, entering
from cleo_tasks.service.work import Work


def set_status(
    work: Work,
    id_: str,
    status: str,
    name: str | None,
    *,
    reason: str | None,
    if_version: int | None,
) -> None:
    """Give a stage, by default the current one, another status of :data:`STATUS_MOVES`.

    :raises CleoError: 4, 6, 21, 34, 36; ``E_STAGE_ORDER`` (83); ``E_NO_CHANGE`` (102).
    """
    edit = editing.begin(work, id_, reason=reason, if_version=if_version)
    editing.require_live(edit)
    stage = name or edit.current or definitions.ENTERED[0]
    before = edit.stages[stage]["status"]
    if before == status:
        raise CleoError(
            "E_NO_CHANGE", f"{stage} is {status} already.", fix=f"cleo lifecycle show {id_}"
        )
    if (before, status) not in definitions.STATUS_MOVES:
        allowed = [to for source, to in definitions.STATUS_MOVES if source == before]
        raise TasksError(
            "E_STAGE_ORDER",
            f"{stage} is {before}; "
            + (f"it can be set to {' or '.join(allowed)}." if allowed else "it is not set."),
            fix=f"cleo lifecycle show {id_}"
            if before in definitions.FINISHED
            else entering.way_to_finish(edit, stage),
            details={"stage": stage, "from": before, "to": status, "allowed": allowed},
        )
    edit.change(
        stage,
        status=status,
        blocked_at=work.now if status == "blocked" else None,
        block_reason=None if status == "in_progress" else reason,
    )
    edit.finish()


def abort(work: Work, id_: str, *, reason: str, if_version: int | None) -> None:
    """Stop a pipeline; its stages stay as they are.

    :raises CleoError: 4, 6, 21, 34, 36; ``E_STAGE_ORDER`` (83), it is completed; ``E_NO_CHANGE``
        (102), it is aborted.
    """
    edit = editing.begin(work, id_, reason=reason, if_version=if_version, done=True)
    if edit.pipeline["status"] == "aborted":
        raise CleoError(
            "E_NO_CHANGE",
            f"The pipeline of {id_} is aborted already.",
            fix=f"cleo lifecycle show {id_}",
        )
    if edit.pipeline["status"] == "completed":
        raise TasksError(
            "E_STAGE_ORDER",
            f"The pipeline of {id_} is completed; nothing is left to abort.",
            fix=f"cleo lifecycle show {id_}",
        )
    edit.pipeline["status"] = "aborted"
    edit.finish()
