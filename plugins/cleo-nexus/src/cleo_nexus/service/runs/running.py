"""Moving instances on as far as they go."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cleo_core.errors import CleoError, ExitCode
from cleo_nexus.records.instances import (
    GateOutcome,
    Instance,
    MoveDone,
    Run,
    RunFailure,
    Runs,
    Stop,
)
from cleo_nexus.service.runs import advancing, opening
from cleo_nexus.service.runs.advancing import Asked
from cleo_nexus.service.work import Verbs, mutating
from cleo_nexus.store import instances

if TYPE_CHECKING:
    from cleo_core.database import Row

#: How often a run begins anew because somebody else moved its instance.
MOST_LOST = 10


class ChainRunVerbs(Verbs):
    """``chain_run`` and ``chain_run_all``."""

    @mutating("nexus.chain.run")
    def chain_run(self, instance: str) -> Run:
        """Leave one stage after the other until each that is active is held by a gate or a choice.

        Every move is a unit of its own; in a dry run they are only thought through. Where somebody
        else moves the instance meanwhile, it goes on from there.

        :raises CleoError: 4; 6, it has failed; 17, it is over; 21, others moved it all the time;
            72.
        """
        row = opening.row_of(self.db, instance)
        opening.require_readable(self.app, self.db, row)
        opening.require_movable(row)
        return _Course(self, row).run()

    @mutating("nexus.chain.run")
    def chain_run_all(self) -> Runs:
        """The same for every instance that is pending or active, the oldest first.

        What is refused for one of them stops none of the others.
        """
        runs: list[Run] = []
        failed: list[RunFailure] = []
        for id_ in instances.moving(self.db):
            try:
                row = opening.row_of(self.db, id_)
                opening.require_readable(self.app, self.db, row)
                opening.require_movable(row)
                runs.append(_Course(self, row).run())
            except CleoError as error:
                if error.exit == ExitCode.CONTENTION:
                    raise
                failed.append(RunFailure(id_, error.code, error.message))
        return Runs(runs, failed)


class _Course:
    """One instance, moved on."""

    def __init__(self, verbs: Verbs, row: Row) -> None:
        self._verbs = verbs
        self._run = opening.of_row(verbs.app, verbs.db, row)
        self._moves: list[MoveDone] = []
        self._gates: dict[str, GateOutcome] = {}
        self._stops: dict[str, Stop] = {}
        self._lost = 0

    def run(self) -> Run:
        """Move on as far as it goes."""
        while self._pass():
            pass
        stops = [self._stops[stage] for stage in self._run.state.active if stage in self._stops]
        return Run(self._instance(), self._moves, list(self._gates.values()), stops)

    def _pass(self) -> bool:
        """Try each active stage once; whether anything moved."""
        held: dict[str, GateOutcome] = {}
        for stage in self._run.state.active:
            asked = advancing.ask(self._verbs.app, self._verbs.db, self._run, stage)
            self._gates |= {one.gate_id: one for one in asked.gates}
            if asked.move is not None and not asked.blocked:
                return self._moved(asked)
            self._stops[stage] = _stop(stage, asked)
            held |= {one.gate_id: one for one in asked.gates}
        if not held or self._verbs.app.dry_run:
            return False
        try:
            # Only now that nothing moves any more: what held it up is recorded once.
            advancing.record(self._verbs, self._run, list(held.values()), audited=True)
        except CleoError as error:
            return self._go_on_after(error)
        return False

    def _moved(self, asked: Asked) -> bool:
        move = asked.move
        assert move is not None
        if self._verbs.app.dry_run:
            self._moves.append(advancing.done(move))
            self._run = replace(self._run, state=move.after)
            return True
        try:
            row, made = advancing.carry_out(
                self._verbs, self._run, asked, lambda work, row, made: (row, made)
            )
        except CleoError as error:
            return self._go_on_after(error)
        self._lost = 0
        self._moves.append(made)
        self._run = replace(self._run, row=row, state=move.after)
        return True

    def _go_on_after(self, error: CleoError) -> bool:
        """Read the instance anew where somebody else has moved it."""
        self._lost += 1
        if error.exit != ExitCode.CONCURRENT_MODIFICATION or self._lost > MOST_LOST:
            raise error
        self._read()
        return self._run.row["status"] in ("pending", "active")

    def _read(self) -> None:
        run = self._run
        self._run = opening.opened(self._verbs.app, self._verbs.db, run.id, run.chart)

    def _instance(self) -> Instance:
        """The instance as it is, or in a dry run as it would be."""
        row = self._run.row
        found = opening.show(self._verbs.db, row)
        if not self._verbs.app.dry_run:
            return found
        state = self._run.state
        entered = [stage for move in self._moves for stage in move.entered]
        status = found.status if not self._moves else ("active" if state.active else "completed")
        return replace(
            found,
            status=status,
            active_stages=list(state.active),
            waiting_stages=list(state.arrived),
            current_stage=entered[-1] if entered else found.current_stage,
        )


def _stop(stage: str, asked: Asked) -> Stop:
    if asked.blocked:
        first = asked.blocked[0]
        return Stop(stage, "gate", f"{first.gate_id}: {first.message}")
    assert asked.choice is not None
    return Stop(stage, "choice", asked.choice.message)
