"""One move of an instance: planned, its gates asked, then recorded in one unit."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from cleo_core.errors import CleoError, UsageError, ValidationError, echoed
from cleo_nexus.definitions import Gate
from cleo_nexus.errors import NexusError
from cleo_nexus.moves import ChoiceError, Move
from cleo_nexus.records.instances import GateOutcome, MoveDone
from cleo_nexus.service.runs import opening
from cleo_nexus.service.runs.gates import Gates
from cleo_nexus.service.runs.opening import Opened
from cleo_nexus.store import instances

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Backend, Row
    from cleo_core.output import Printer
    from cleo_nexus.service.work import Verbs, Work

T = TypeVar("T")


@dataclass(frozen=True)
class Asked:
    """A move, and what its gates came to.

    :ivar move: None where a choice is needed before anything can be planned.
    :ivar choice: what has to be chosen then.
    """

    move: Move | None
    gates: Sequence[GateOutcome]
    choice: ChoiceError | None = None

    @property
    def blocked(self) -> list[GateOutcome]:
        """The gates that are in the way."""
        return [one for one in self.gates if one.blocks]


def stage_of(run: Opened, stage: Any, command: str) -> str:
    """The active stage that is meant.

    :param command: what to call with another stage, ``{}`` in its place.
    :raises ChoiceError: several are active, and none is named.
    :raises ValidationError: 6, the one that is named is not active.
    """
    active = run.state.active
    if stage is None and len(active) == 1:
        return active[0]
    if stage is not None and stage in active:
        return str(stage)
    names = ", ".join(active) or "none"
    fix = command.format(active[0] if active else "STAGE")
    if stage is None:
        raise ChoiceError(
            f"{run.id} has {len(active)} active stages, and one is to be named: {names}.",
            fix=fix,
            activeStages=list(active),
        )
    raise ValidationError(
        f"Stage {echoed(stage)} is not active in {run.id}; active: {names}.",
        fix=fix,
        activeStages=list(active),
    )


def forced_gates(run: Opened, force: Any, reason: Any) -> tuple[frozenset[str], str | None]:
    """The gates that are to be gone past, and why.

    :raises UsageError: a reason without a gate, or a gate without a reason.
    :raises ValidationError: 6, a gate cannot be forced, or the reason is too short.
    """
    fix = f"cleo chain advance {run.id} --force GATE --reason TEXT"
    if isinstance(force, (str, bytes)) or not isinstance(force, Sequence):
        raise UsageError("Gates to force are a list of their ids.", fix=fix)
    if not force:
        if reason is not None:
            raise UsageError("A reason is given for gates that are forced.", fix=fix)
        return frozenset(), None
    known = {gate.id: gate for gate in run.chart.definition.gates}
    for id_ in force:
        gate = known.get(id_) if isinstance(id_, str) else None
        if gate is None:
            raise ValidationError(
                f"There is no gate {echoed(id_)} in {run.id}.", fix=f"cleo chain check {run.id}"
            )
        if not gate.blocking:
            raise ValidationError(
                f"Gate {gate.id} blocks nothing; there is nothing to force.",
                fix=f"cleo chain advance {run.id}",
            )
        if not gate.can_force:
            raise ValidationError(
                f"Gate {gate.id} cannot be forced.",
                fix=f"cleo chain check {run.id}",
                gate=gate.id,
                canForce=False,
            )
    return frozenset(force), opening.reason_of(reason, "A gate is forced", fix, least=5)


def ask(
    app: App,
    db: Backend,
    run: Opened,
    stage: str,
    to: str | None = None,
    *,
    skip: bool = False,
    force: frozenset[str] = frozenset(),
    ahead: bool = False,
) -> Asked:
    """Plan leaving a stage, and ask the gates on the way.

    The gates of what is entered are asked after those on leaving are passed, and only where the way
    on needs no choice.

    :param ahead: ask them although one on leaving is in the way, for somebody who only looks.

    :raises CleoError: 78, 6, as :meth:`cleo_nexus.moves.Chart.move`; 6, a gate that is to be forced
        is not asked.
    """
    choice: ChoiceError | None = None
    move: Move | None = None
    try:
        move = run.chart.move(run.state, stage, to, skip=skip)
    except (NexusError, ValidationError) as error:
        verb = (
            f"skip {run.id} {stage} --reason TEXT" if skip else f"advance {run.id} --stage {stage}"
        )
        error.fix = f"cleo chain {verb} {error.fix}".rstrip()
        if not isinstance(error, ChoiceError):
            raise
        choice = error
    passed_over = skip or bool((found := run.chart.stage(stage)) and found.skip)
    leaving = () if passed_over else _leaving(run, stage)
    entering = _entering(run, move)
    missing = force - {gate.id for gate in (*leaving, *entering)}
    if missing:
        raise ValidationError(
            f"Gate {sorted(missing)[0]} is not asked in this move.",
            fix=f"cleo chain check {run.id}",
            gates=sorted(missing),
        )
    gates = Gates(app, db, run)
    outcomes = gates.ask(leaving, run.state.complete, force)
    if move is not None and (ahead or not any(one.blocks for one in outcomes)):
        outcomes += gates.ask(entering, run.state.complete, force, move.after.complete)
    return Asked(move, outcomes, choice)


def carry_out(
    verbs: Verbs,
    run: Opened,
    asked: Asked,
    then: Callable[[Work, Row, MoveDone], T],
    *,
    reason: str | None = None,
    force_reason: str | None = None,
) -> T:
    """Record what the gates came to, and the move where none is in its way, in one unit.

    :param then: what is made of the instance's new row and the move, at the end of the unit.
    :param reason: why the stage is skipped.
    :raises CleoError: 21, the instance has moved since it was read; 79, a gate is in the way: what
        the gates came to is recorded then.
    """
    move = asked.move
    if asked.blocked or move is None:
        # The refusal that follows is what the audit keeps of a move that did not happen.
        record(verbs, run, asked.gates, audited=False)
        raise blocked(run, asked.blocked)
    planned = move

    def body(work: Work) -> T:
        row = _begun(work, run)
        for one in asked.gates:
            _add_gate(work, row, one, force_reason if one.forced else None)
        forced = [one.gate_id for one in asked.gates if one.forced]
        made = _add_move(work, row, planned, reason, forced)
        work.note(**vars(made))
        return then(work, opening.row_of(work, run.id), made)

    return verbs.write(body)


def record(verbs: Verbs, run: Opened, gates: Sequence[GateOutcome], *, audited: bool) -> None:
    """Record what gates came to where nothing moves.

    :raises CleoError: 21, the instance has moved since it was read.
    """

    def body(work: Work) -> None:
        row = _begun(work, run)
        for one in gates:
            # Nobody went past it: another gate was in the way.
            _add_gate(work, row, replace(one, forced=False), None)
        work.note(blocked=[one.gate_id for one in gates if one.blocks])

    verbs.write(body, audited=audited)


def _begun(work: Work, run: Opened) -> Row:
    row = current_row(work, run.row)
    work.about(row["epic_project_id"])
    work.note(instance=run.id)
    return row


def current_row(work: Work, read: Row) -> Row:
    """An instance's row, as it was when it was read.

    :raises CleoError: 21, it has moved since.
    """
    id_ = read["id"]
    row = opening.row_of(work, id_)
    if row["row_version"] != read["row_version"]:
        raise CleoError(
            "E_CONCURRENT_MODIFICATION",
            f"{id_} has moved meanwhile; it is {row['status']}.",
            fix=f"cleo chain status {id_}",
            details={"instance": id_, "status": row["status"]},
        )
    return row


def update(work: Work, row: Row, **changes: Any) -> None:
    """Change where an instance stands, and raise its version."""
    values = {
        name: row[name]
        for name in ("status", "active_stages", "current_stage", "attempt", "finished_at")
    }
    changed = instances.move(
        work,
        {**values, **changes, "id": row["id"], "row_version": row["row_version"], "now": work.now},
    )
    assert changed


def add_event(work: Work, row: Row, type_: str, **columns: Any) -> None:
    """Add to the history of an instance."""
    attempt = columns.pop("attempt", row["attempt"])
    instances.add_event(
        work,
        {
            "instance_id": row["id"],
            "attempt": attempt,
            "type": type_,
            "actor": work.actor,
            "evaluated_at": work.now,
            **columns,
        },
    )


def blocked(run: Opened, outcomes: Sequence[GateOutcome]) -> NexusError:
    """Exit 79 with the gates that are in the way."""
    first = outcomes[0]
    more = f" and {len(outcomes) - 1} more" if len(outcomes) > 1 else ""
    error = NexusError(
        "E_GATE_BLOCKED",
        f"Gate {first.gate_id}{more} of {run.id} is not passed: {first.message}",
        fix=f"cleo chain check {run.id}",
        details={"instance": run.id, "gates": list(outcomes)},
    )

    def human(out: Printer) -> None:
        for one in outcomes:
            out.line(f"{one.outcome}  {one.gate_id}  {one.message}")

    error.human = human
    return error


def _leaving(run: Opened, stage: str) -> tuple[Gate, ...]:
    """The gates on leaving a stage; the entry point, which no move enters, is asked for both."""
    definition = run.chart.definition
    after = definition.gates_of(stage, "after")
    if stage == definition.entry_point:
        return (*definition.gates_of(stage, "before"), *after)
    return after


def _entering(run: Opened, move: Move | None) -> tuple[Gate, ...]:
    if move is None:
        return ()
    definition = run.chart.definition
    return tuple(gate for one in move.entered for gate in definition.gates_of(one, "before"))


def _add_gate(work: Work, row: Row, gate: GateOutcome, reason: str | None) -> None:
    add_event(
        work,
        row,
        "gate",
        stage_id=gate.stage_id,
        gate_id=gate.gate_id,
        outcome=gate.outcome,
        forced=int(gate.forced),
        reason=reason,
        message=gate.message,
        evaluated_at=gate.evaluated_at,
    )


def _add_move(
    work: Work, row: Row, move: Move, reason: str | None, forced: Sequence[str]
) -> MoveDone:
    for step in move.steps:
        said: Mapping[str, Any] = {}
        if step.stage == move.stage and step.type == "skipped":
            said = {"reason": reason}
        add_event(work, row, step.type, stage_id=step.stage, to_stage_id=step.to, **said)
    if move.completes:
        add_event(work, row, "completed")
    update(
        work,
        row,
        status="completed" if move.completes else "active",
        active_stages=json.dumps(list(move.after.active)),
        current_stage=move.entered[-1] if move.entered else row["current_stage"],
        finished_at=work.now if move.completes else None,
    )
    return done(move, forced)


def done(move: Move, forced: Sequence[str] = ()) -> MoveDone:
    """A move as it is shown."""
    return MoveDone(
        stage=move.stage,
        entered=list(move.entered),
        skipped=[one.stage for one in move.steps if one.type == "skipped"],
        waiting=[str(one.to) for one in move.steps if one.type == "waiting"],
        forced=list(forced),
        completed=move.completes,
    )
