"""Moving an instance on: through its gates, past a stage, or not at all any more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from cleo_core.errors import ValidationError
from cleo_nexus.records.instances import Moved, MoveDone
from cleo_nexus.service.runs import advancing, opening
from cleo_nexus.service.runs.opening import Opened
from cleo_nexus.service.work import Verbs, Work, mutating
from cleo_nexus.store import instances

if TYPE_CHECKING:
    from cleo_core.database import Row


class ChainMoveVerbs(Verbs):
    """``chain_advance``, ``chain_skip``, ``chain_fail``, ``chain_resume``, ``chain_cancel``.

    All of them compare the version of the instance that they have read in the unit that changes it:
    of two that move it at once, the second one is refused with 21 and nothing of it is recorded.
    """

    @mutating("nexus.chain.advance")
    def chain_advance(
        self,
        instance: str,
        *,
        stage: str | None = None,
        to: str | None = None,
        force: Sequence[str] = (),
        reason: str | None = None,
    ) -> Moved:
        """Leave a stage, and enter those that come after it, through the gates of both.

        What the gates come to is recorded, also where one of them is in the way.

        :param stage: the active stage that is left, where several are.
        :param to: the way that is chosen, where the stage branches.
        :param force: blocking gates that may be gone past though they are not passed.
        :param reason: why, of 5 characters or more.
        :raises UsageError: 2, no reason for a gate that is forced.
        :raises NotFoundError: 4, there is no such instance.
        :raises ValidationError: 6, a choice is needed, the stage is not active, a gate cannot be
            forced, or the instance has failed.
        :raises NexusError: 17, it is over; 72; 78, no link leads there; 79, a blocking gate is not
            passed.
        :raises CleoError: 21, it has moved meanwhile.
        """
        run = self._movable(instance)
        forced, why = advancing.forced_gates(run, force, reason)
        chosen = advancing.stage_of(run, stage, f"cleo chain advance {run.id} --stage {{}}")
        return self._carried(run, chosen, to, force=forced, force_reason=why)

    @mutating("nexus.chain.skip")
    def chain_skip(
        self, instance: str, stage: str, *, to: str | None = None, reason: str | None = None
    ) -> Moved:
        """Pass over an active stage that may be; nothing is asked of it, only of what comes next.

        :param to: the way that is chosen, where the stage branches.
        :raises CleoError: as :meth:`chain_advance`; 6, the stage is not active or not skippable.
        """
        run = self._movable(instance)
        command = f"cleo chain skip {run.id} {{}} --reason TEXT"
        why = opening.reason_of(reason, "A stage is skipped", command.format("STAGE"))
        chosen = advancing.stage_of(run, stage, command)
        found = run.chart.stage(chosen)
        if found is None or not found.skippable:
            raise ValidationError(
                f"Stage {chosen} cannot be skipped.",
                fix=f"cleo chain advance {run.id} --stage {chosen}",
                stage=chosen,
            )
        return self._carried(run, chosen, to, skip=True, reason=why)

    @mutating("nexus.chain.fail")
    def chain_fail(self, instance: str, *, reason: str | None = None) -> Moved:
        """Say that an instance has failed; it can be resumed.

        :raises CleoError: 2, 4, 6, 17, 21, 72.
        """
        run = self._unfinished(instance)
        why = opening.reason_of(
            reason, "An instance fails", f"cleo chain fail {run['id']} --reason TEXT"
        )
        opening.require_movable(run)

        def change(work: Work, row: Row) -> None:
            advancing.add_event(work, row, "failed", reason=why)
            advancing.update(work, row, status="failed")

        return self._changed(run, change)

    @mutating("nexus.chain.resume")
    def chain_resume(self, instance: str) -> Moved:
        """Go on with an instance that has failed, where it stood, in a further attempt.

        :raises CleoError: 4, 6, 17, 21, 72.
        """
        run = self._unfinished(instance)
        if run["status"] != "failed":
            raise ValidationError(
                f"{run['id']} has not failed; it is {run['status']}.",
                fix=f"cleo chain advance {run['id']}",
                status=run["status"],
            )

        def change(work: Work, row: Row) -> None:
            attempt = row["attempt"] + 1
            advancing.add_event(work, row, "resumed", attempt=attempt)
            advancing.update(work, row, status="active", attempt=attempt)

        return self._changed(run, change)

    @mutating("nexus.chain.cancel")
    def chain_cancel(self, instance: str, *, reason: str | None = None) -> Moved:
        """Give an instance up, for good.

        :raises CleoError: 2, 4, 6, 17, 21, 72.
        """
        run = self._unfinished(instance)
        why = opening.reason_of(
            reason, "An instance is cancelled", f"cleo chain cancel {run['id']} --reason TEXT"
        )

        def change(work: Work, row: Row) -> None:
            advancing.add_event(work, row, "cancelled", reason=why)
            advancing.update(work, row, status="cancelled", finished_at=work.now)

        return self._changed(run, change)

    def _movable(self, instance: Any) -> Opened:
        row = self._unfinished(instance)
        opening.require_movable(row)
        return opening.of_row(self.app, self.db, row)

    def _unfinished(self, instance: Any) -> Row:
        row = opening.row_of(self.db, instance)
        opening.require_readable(self.app, self.db, row)
        opening.require_unfinished(row)
        return row

    def _carried(
        self,
        run: Opened,
        stage: str,
        to: str | None,
        *,
        skip: bool = False,
        force: frozenset[str] = frozenset(),
        reason: str | None = None,
        force_reason: str | None = None,
    ) -> Moved:
        asked = advancing.ask(self.app, self.db, run, stage, to, skip=skip, force=force)
        if asked.choice is not None:
            raise asked.choice

        def then(work: Work, row: Row, made: MoveDone) -> Moved:
            return Moved(opening.show(work, row), [made], asked.gates)

        return advancing.carry_out(self, run, asked, then, reason=reason, force_reason=force_reason)

    def _changed(self, read: Row, change: Callable[[Work, Row], None]) -> Moved:
        def body(work: Work) -> Moved:
            row = advancing.current_row(work, read)
            work.about(row["epic_project_id"])
            work.note(instance=row["id"], before=row["status"])
            change(work, row)
            found = instances.by_id(work, row["id"])
            assert found is not None
            return Moved(opening.show(work, found), [], [])

        return self.write(body)
