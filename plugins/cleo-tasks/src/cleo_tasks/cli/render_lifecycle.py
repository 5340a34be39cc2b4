"""How pipelines look to people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cleo_core.output import Printer
    from cleo_tasks.lifecycle_records import (
        Gate,
        GateResult,
        Lifecycle,
        Stage,
        StageDefinition,
        Transition,
    )

#: A symbol for each status of a stage.
SYMBOLS = {
    "not_started": "○",
    "in_progress": "●",
    "blocked": "■",
    "completed": "✓",
    "skipped": "–",
    "failed": "✗",
}


def changed(out: Printer, found: Lifecycle) -> None:
    """Where a pipeline stands now."""
    own = found.pipeline
    out.line(f"{own.task_id}: {own.status}, in {_state(found, own.current_stage)}")
    _open_gates(out, found)


def lifecycle(out: Printer, found: Lifecycle) -> None:
    """A pipeline whole."""
    own = found.pipeline
    out.line(f"{own.id}  {own.status}", "bold")
    out.line(f"  started {own.started_at}" + _since("completed", own.completed_at))
    out.line()
    for one in found.stages:
        _stage(out, one, current=one.id == own.current_stage_id)
        for name, gate in found.gates.items():
            if gate.stage == one.stage_name and (gate.results or one.id == own.current_stage_id):
                _gate(out, name, gate)
    if found.transitions:
        out.line()
        transitions(out, found.transitions)


def stages(out: Printer, found: Sequence[StageDefinition]) -> None:
    """The stages that every pipeline has."""
    out.table(
        ("#", "stage", "skippable", "needs", "gates", "back to"),
        [
            (
                one.sequence,
                one.stage_name,
                "yes" if one.skippable else "no",
                ", ".join(one.prerequisites),
                ", ".join((*one.gates, *(f"{gate} (computed)" for gate in one.computed_gates))),
                ", ".join(one.ways_back),
            )
            for one in found
        ],
    )


def transitions(out: Printer, rows: Sequence[Transition]) -> None:
    """Moves as a table."""
    if not rows:
        out.line("No moves.")
        return
    out.table(
        ("when", "from", "to", "how", "who", "session", "reason"),
        [
            (
                row.created_at,
                row.from_stage,
                row.to_stage,
                row.transition_type,
                row.transitioned_by,
                row.session_id,
                row.reason,
            )
            for row in rows
        ],
    )


def gate_results(out: Printer, rows: Sequence[GateResult]) -> None:
    """Gate results as a table."""
    if not rows:
        out.line("No gate results.")
        return
    out.table(
        ("when", "stage", "attempt", "gate", "result", "who", "reason", "details"),
        [
            (
                row.checked_at,
                row.stage_name,
                f"{row.attempt}" if row.counts else f"{row.attempt} (over)",
                row.gate_name,
                row.result,
                row.checked_by,
                row.reason,
                row.details,
            )
            for row in rows
        ],
    )


def _stage(out: Printer, one: Stage, *, current: bool) -> None:
    words = f"  {SYMBOLS[one.status]} {one.sequence:2} {one.stage_name:22} {one.status}"
    if one.attempt > 1:
        words += f", attempt {one.attempt}"
    out.line(words + (" ← now" if current else ""), "bold" if current else None)
    for name, value in (
        ("held up", one.block_reason),
        ("skipped", one.skip_reason),
        ("output", one.output_file),
    ):
        if value:
            out.line(f"       {name}: {value}")
    for note in one.notes:
        out.line(f"       - {note['at']} {note['by']}: {note['text']}")
    for piece in one.evidence:
        out.line(
            f"       {piece.type} {piece.uri}"
            + (f" ({piece.description})" if piece.description else "")
        )


def _gate(out: Printer, name: str, gate: Gate) -> None:
    earlier = ", ".join(f"{one.result} in attempt {one.attempt}" for one in gate.results)
    standing = gate.result or "no result"
    out.line(f"       gate {name}: {standing}" + (f" (recorded: {earlier})" if earlier else ""))


def _open_gates(out: Printer, found: Lifecycle) -> None:
    """Gates that the current stage still has before it."""
    own = found.pipeline
    if not any(
        one.id == own.current_stage_id and one.status == "in_progress" for one in found.stages
    ):
        return
    waiting = [
        name
        for name, gate in found.gates.items()
        if gate.stage == own.current_stage and gate.result not in ("pass", "warn")
    ]
    if waiting:
        out.line(f"  gates before it is complete: {', '.join(waiting)}")


def _state(found: Lifecycle, name: str | None) -> str:
    one = next((stage for stage in found.stages if stage.stage_name == name), None)
    return "no stage" if one is None else f"{one.stage_name} ({one.status})"


def _since(word: str, at: str | None) -> str:
    return f", {word} {at}" if at else ""
