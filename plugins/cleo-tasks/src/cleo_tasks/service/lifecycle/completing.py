"""Finishing stages: completing and skipping them, recording the contribution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.errors import CleoError, UsageError
from cleo_tasks.errors import TasksError
from cleo_tasks.service.lifecycle import definitions, editing, entering, gates, outputs
from cleo_tasks.service.lifecycle.editing import Edit
from cleo_tasks.service.lifecycle.outputs import Output, Piece
from cleo_tasks.service.work import Work


@record
class Delivered(Declared):
    """What a stage delivers, checked and read before the unit begins."""

    artifacts: Sequence[Piece]
    evidence: Sequence[Piece]
    output: Output
    adrs: Sequence[str]
    note: str | None
    metadata: Mapping[str, Any] | None


def complete(
    work: Work,
    id_: str,
    name: str | None,
    delivered: Delivered,
    *,
    advance: bool,
    reason: str | None,
    forced: bool,
    if_version: int | None,
) -> None:
    """Complete a stage, by default the current one; with ``advance`` enter the next.

    :raises CleoError: 4, 6, 21, 34, 36; ``E_STAGE_ORDER`` (83), it is not in progress;
        ``E_GATE_UNMET`` (80), a gate has not passed.
    """
    record = name == definitions.RECORD
    edit = editing.begin(
        work, id_, reason=reason, forced=forced, if_version=if_version, done=record
    )
    editing.require_live(edit, completed=record)
    stage = name or edit.current or definitions.ENTERED[0]
    if record:
        _record(edit, delivered, advance)
    else:
        _complete(edit, stage)
    _deliver(edit, stage, delivered)
    if advance:
        _advance(edit, stage)
    edit.finish()


def skip(
    work: Work,
    id_: str,
    name: str | None,
    *,
    reason: str,
    forced: bool,
    if_version: int | None,
) -> None:
    """Leave a stage out, by default the current one; nothing is entered.

    :raises CleoError: 4, 6, 21, 34, 36; ``E_STAGE_ORDER`` (83), it cannot be skipped;
        ``E_GATE_UNMET`` (80), it would end the pipeline too early; ``E_NO_CHANGE`` (102).
    """
    edit = editing.begin(work, id_, reason=reason, forced=forced, if_version=if_version)
    editing.require_live(edit)
    stage = name or edit.current or definitions.ENTERED[0]
    status = edit.stages[stage]["status"]
    if status == "skipped":
        raise CleoError(
            "E_NO_CHANGE", f"{stage} is skipped already.", fix=f"cleo lifecycle show {id_}"
        )
    if stage == definitions.RECORD:
        raise TasksError(
            "E_STAGE_ORDER",
            f"{stage} is a record beside the stages; leaving it out needs nothing.",
            fix=f"cleo lifecycle show {id_}",
        )
    if not definitions.BY_NAME[stage].skippable or status == "completed":
        edit.out_of_order(
            TasksError(
                "E_STAGE_ORDER",
                f"{stage} is completed." if status == "completed" else f"{stage} is never skipped.",
                fix=f"cleo lifecycle show {id_}"
                if status == "completed"
                else entering.way_to_finish(edit, stage),
                details={"stage": stage, "status": status},
            )
        )
    if stage == definitions.LAST:
        # It ends the pipeline, so it waits for what entering it would wait for.
        entering.require_prerequisites(edit, stage)
    entering.skipped(edit, stage, reason)
    edit.finish()


def _complete(edit: Edit, name: str) -> None:
    row = edit.stages[name]
    if row["status"] == "completed" and edit.forced:
        raise CleoError(
            "E_NO_CHANGE",
            f"{name} is completed already.",
            fix=f"cleo lifecycle start {edit.id}",
        )
    if row["status"] != "in_progress":
        edit.out_of_order(
            TasksError(
                "E_STAGE_ORDER",
                f"{name} is {row['status']}; a stage is completed while it is in progress.",
                fix=f"cleo lifecycle start {edit.id}"
                if row["status"] in definitions.FINISHED
                else entering.way_to_finish(edit, name),
                details={"stage": name, "status": row["status"]},
            )
        )
    gates.require_passed(edit, name)
    edit.change(
        name,
        status="completed",
        completed_at=edit.work.now,
        started_at=row["started_at"] or edit.work.now,
        blocked_at=None,
        skipped_at=None,
        block_reason=None,
        skip_reason=None,
    )


def _record(edit: Edit, delivered: Delivered, advance: bool) -> None:
    """The contribution: who did what, once the implementation is there."""
    name = definitions.RECORD
    if advance:
        raise UsageError(
            f"{name} is recorded beside the stages; nothing comes after it.",
            fix=f"cleo lifecycle complete {edit.id} --advance",
        )
    if not delivered.artifacts and delivered.note is None:
        raise UsageError(
            f"{name} needs an artifact or a note.",
            fix=f"cleo lifecycle complete {edit.id} {name} --note TEXT",
        )
    if edit.stages[name]["status"] == "completed":
        raise CleoError(
            "E_NO_CHANGE", f"{name} is recorded already.", fix=f"cleo lifecycle show {edit.id}"
        )
    before = definitions.RECORD_WAITS_FOR
    if edit.stages[before]["status"] != "completed":
        edit.unmet(
            TasksError(
                "E_GATE_UNMET",
                f"{name} is recorded when {before} is completed; it is "
                f"{edit.stages[before]['status']}.",
                fix=entering.way_to_finish(edit, before),
                details={"stage": name, "prerequisites": [before]},
            )
        )
    now = edit.work.now
    edit.change(name, status="completed", started_at=now, completed_at=now)


def _deliver(edit: Edit, name: str, delivered: Delivered) -> None:
    """Store what was handed in with a stage."""
    row, work = edit.stages[name], edit.work
    if delivered.note is not None:
        note = {"at": work.now, "by": work.actor, "text": delivered.note}
        edit.change(name, notes=[*row["notes"], note])
    if delivered.metadata:
        edit.change(name, metadata={**row["metadata"], **delivered.metadata})
    if delivered.artifacts:
        edit.change(name, output_file=delivered.artifacts[0].uri)
    outputs.store(
        edit,
        name,
        artifacts=delivered.artifacts,
        evidence=delivered.evidence,
        output=delivered.output,
        adrs=delivered.adrs,
        note=delivered.note,
    )


def _advance(edit: Edit, name: str) -> None:
    if name != edit.current:
        raise TasksError(
            "E_STAGE_ORDER",
            f"{name} is not the current stage; {edit.current} is.",
            fix=f"cleo lifecycle complete {edit.id} {name}",
            details={"stage": name, "current": edit.current},
        )
    to = None if edit.finished(definitions.LAST) else entering.following(edit)
    if to is None:
        edit.work.warn("W_LAST_STAGE", f"No stage comes after {name}; the pipeline is complete.")
    else:
        entering.forward(edit, to, "automatic")
