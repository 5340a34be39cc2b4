"""Named gates of stages: recording results, and which of them stand."""

from __future__ import annotations

from collections.abc import Sequence

from cleo_tasks.errors import TasksError
from cleo_tasks.service.lifecycle import definitions, editing, entering, outputs, reading
from cleo_tasks.service.lifecycle.editing import Edit
from cleo_tasks.service.lifecycle.outputs import Piece
from cleo_tasks.service.work import Work
from cleo_tasks.store import lifecycle as records

#: Results with which a gate does not hold its stage up.
PASSED = ("pass", "warn")
#: A stage takes results in these: it has been begun and is not over.
OPEN = ("in_progress", "blocked", "failed")


def record(
    work: Work,
    id_: str,
    gate: str,
    result: str,
    *,
    stage: str | None,
    evidence: Sequence[Piece],
    reason: str | None,
    details: str | None,
    if_version: int | None,
) -> None:
    """Record a gate's result in the current attempt of its stage, by default the current one.

    :raises CleoError: 4, 6, 21, 34, 36; ``E_GATE_UNKNOWN`` (42); ``E_STAGE_ORDER`` (83), the stage
        was not begun or is over.
    """
    edit = editing.begin(work, id_, reason=reason, if_version=if_version)
    editing.require_live(edit)
    name = stage or edit.current or definitions.ENTERED[0]
    _require_gate(edit, name, gate)
    status = edit.stages[name]["status"]
    if status not in OPEN:
        raise TasksError(
            "E_STAGE_ORDER",
            f"{name} is {status}; results are recorded while a stage is being worked on.",
            fix=f"cleo lifecycle show {id_}"
            if status in definitions.FINISHED
            else entering.way_to_finish(edit, name),
            details={"stage": name, "status": status},
        )
    number = edit.add_gate_result(name, gate, result, reason=reason, details=details)
    outputs.add_evidence(edit, name, evidence, description=details or reason, gate_result=number)
    edit.finish()


def require_passed(edit: Edit, name: str) -> None:
    """Whether every named gate of a stage stands at pass or warn in its current attempt.

    :raises TasksError: ``E_GATE_UNMET`` (80), naming those that do not.
    """
    definition, row = definitions.BY_NAME[name], edit.stages[name]
    if definition.computed:
        before = reading.missing(name, edit.stages)
        if before:
            entering.require_prerequisites(edit, name)
    if not definition.gates:
        return
    standing = records.standing(edit.work, row["id"], row["attempt"])
    unmet = [gate for gate in definition.gates if standing.get(gate) not in PASSED]
    if unmet:
        states = ", ".join(f"{gate} ({standing.get(gate, 'no result')})" for gate in unmet)
        which = "" if name == edit.current else f" --stage {name}"
        edit.unmet(
            TasksError(
                "E_GATE_UNMET",
                f"Gates of {name} have not passed: {states}.",
                fix=f"cleo lifecycle gate {edit.id} {unmet[0]} pass{which}",
                details={"stage": name, "gates": unmet, "attempt": row["attempt"]},
            )
        )


def _require_gate(edit: Edit, name: str, gate: str) -> None:
    definition = definitions.BY_NAME[name]
    if gate in definition.gates:
        return
    if gate in definition.computed:
        raise TasksError(
            "E_GATE_UNKNOWN",
            f"{gate} is computed and not recorded.",
            fix=f"cleo lifecycle show {edit.id}",
        )
    home = definitions.STAGE_OF_GATE.get(gate)
    known = ", ".join(definition.gates) or "none that are recorded"
    raise TasksError(
        "E_GATE_UNKNOWN",
        f"{gate[:80]!r} is no gate of {name}; its gates: {known}.",
        fix=f"the same command with --stage {home}" if home else "cleo lifecycle stages",
        details={"stage": name, "gates": list(definition.gates)},
    )
