"""Looking at instances, their history, and their gates."""

from __future__ import annotations

from collections.abc import Sequence

from cleo_core.errors import CleoError, ExitCode
from cleo_core.inputs import as_filter, word_of
from cleo_core.output import Page
from cleo_nexus.enums import INSTANCE_STATUS
from cleo_nexus.records.instances import Event, GateOutcome, Instance, Moved
from cleo_nexus.service import access
from cleo_nexus.service.runs import advancing, opening
from cleo_nexus.service.runs.instantiating import referred
from cleo_nexus.service.work import Verbs
from cleo_nexus.store import instances


class ChainRunListVerbs(Verbs):
    """``chain_instances``, ``chain_status``, ``chain_history`` and ``chain_check``."""

    def chain_instances(
        self,
        *,
        status: str | None = None,
        epic: str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> tuple[Sequence[Instance], Page]:
        """A page of the instances, the newest first.

        :param status: only those in it.
        :param epic: only those of this task.
        :raises UsageError: no such status, or a number that is out of range.
        :raises CleoError: 4, 5, there is no such task; 71, 72, 73, 77.
        """
        chosen, start = self.page(limit, offset)
        if status is not None:
            status = as_filter(word_of(INSTANCE_STATUS, "status"), status)
        named = None if epic is None else self._epic(epic)
        with self.db.snapshot() as db:
            rows, total = instances.listed(
                db, status=status, epic=named, limit=chosen, offset=start
            )
            return opening.shown(db, rows), Page(chosen, start, total)

    def _epic(self, epic: str) -> tuple[str, str]:
        """An epic's project and id; one that is gone is known by the instances that it had."""
        try:
            return referred(self, epic)
        except CleoError as error:
            if error.exit not in (ExitCode.NOT_FOUND, ExitCode.DEPENDENCY):
                raise
            row, named = access.locate(self.app, self.db, epic, "read")
            found = (row["project_id"], named.task)
            if not instances.listed(self.db, status=None, epic=found, limit=1, offset=0)[1]:
                raise
            return found

    def chain_status(self, instance: str) -> Instance:
        """An instance, with the last result of each gate.

        :raises NotFoundError: 4, there is none of this id.
        """
        with self.db.snapshot() as db:
            return opening.show(db, opening.row_of(db, instance))

    def chain_history(
        self, instance: str, *, limit: int | None = None, offset: int = 0
    ) -> tuple[Sequence[Event], Page]:
        """A page of what became of an instance, the oldest first.

        :raises UsageError: a number that is out of range.
        :raises NotFoundError: 4, there is none of this id.
        """
        chosen, start = self.page(limit, offset)
        with self.db.snapshot() as db:
            id_ = opening.row_of(db, instance)["id"]
            rows, total = instances.events(db, id_, limit=chosen, offset=start)
        found = [
            Event(
                **{name: row[name] for name in Event.__dataclass_fields__ if name != "forced"},
                forced=bool(row["forced"]),
            )
            for row in rows
        ]
        return found, Page(chosen, start, total)

    def chain_check(
        self, instance: str, *, stage: str | None = None, to: str | None = None
    ) -> Moved:
        """Ask the gates that an advance would ask now; nothing is written.

        Of a stage whose way on has yet to be chosen, only the gates on leaving are asked.

        :param stage: only those of leaving this active stage; by default of each that is active.
        :param to: the way that would be chosen, where the stage branches.
        :raises NotFoundError: 4, there is none of this id.
        :raises ValidationError: 6, the stage is not active.
        :raises NexusError: 72; 78, no link leads there.
        """
        run = opening.opened(self.app, self.db, instance)
        command = f"cleo chain check {run.id} --stage {{}}"
        if stage is not None or to is not None:
            stages: Sequence[str] = (advancing.stage_of(run, stage, command),)
        else:
            stages = run.state.active
        gates: dict[str, GateOutcome] = {}
        for one in stages:
            asked = advancing.ask(self.app, self.db, run, one, to, ahead=True)
            gates |= {gate.gate_id: gate for gate in asked.gates}
        return Moved(opening.show(self.db, run.row), [], list(gates.values()))
