"""Instances of chains, as the service answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_nexus.records.projects import Ref


@record
class GateResult(Declared):
    """The last result of a gate that was recorded.

    :ivar outcome: passed, failed or unknown.
    :ivar forced: whether it was gone past all the same.
    """

    gate_id: str
    stage_id: str
    outcome: str
    forced: bool
    message: str | None
    evaluated_at: str


@record
class Instance(Declared):
    """A chain that an epic goes through.

    :ivar status: pending, active, failed, completed or cancelled.
    :ivar active_stages: the stages that are worked on.
    :ivar waiting_stages: those that a path has come to and that other paths can still reach.
    :ivar current_stage: the last one that was entered.
    :ivar stage_to_task: stage -> the task whose state its gates look at; the epic for all others.
    :ivar gate_results: the last result of each gate that was asked.
    """

    id: str
    chain_id: str
    chain_version: str
    epic: Ref
    status: str
    attempt: int
    active_stages: Sequence[str]
    waiting_stages: Sequence[str]
    current_stage: str
    variables: Mapping[str, Any]
    stage_to_task: Mapping[str, Ref]
    gate_results: Sequence[GateResult]
    created_by: str
    created_at: str
    updated_at: str
    finished_at: str | None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Instance:
        """An Instance from its JSON form."""
        values = _values(cls, data)
        values["epic"] = Ref(**_values(Ref, data["epic"]))
        values["stage_to_task"] = {
            stage: Ref(**_values(Ref, one)) for stage, one in data["stageToTask"].items()
        }
        values["gate_results"] = [
            GateResult(**_values(GateResult, one)) for one in data["gateResults"]
        ]
        return cls(**values)


@record
class GateOutcome(Declared):
    """What asking a gate came to.

    :ivar position: before or after its stage.
    :ivar blocking: whether nobody goes on before it is passed.
    :ivar forced: whether it is gone past all the same.
    """

    gate_id: str
    stage_id: str
    name: str
    position: str
    severity: str
    blocking: bool
    can_force: bool
    outcome: str
    forced: bool
    message: str
    evaluated_at: str

    @property
    def blocks(self) -> bool:
        """Whether it is in the way."""
        return self.blocking and self.outcome != "passed" and not self.forced


@record
class MoveDone(Declared):
    """A move of an instance.

    :ivar stage: the stage that was left.
    :ivar skipped: the stages that were passed over, the one that was left among them.
    :ivar waiting: those that a path came to and that other paths can still reach.
    :ivar forced: the gates that were gone past all the same.
    """

    stage: str
    entered: Sequence[str]
    skipped: Sequence[str]
    waiting: Sequence[str]
    forced: Sequence[str]
    completed: bool


@record
class Moved(Declared):
    """An instance after it was looked at or moved.

    :ivar gates: what the gates that were asked came to.
    """

    instance: Instance
    moves: Sequence[MoveDone]
    gates: Sequence[GateOutcome]


@record
class Stop(Declared):
    """Why a stage was not left.

    :ivar reason: gate, or choice where somebody has to say how to go on.
    """

    stage: str
    reason: str
    message: str


@record
class Run(Declared):
    """How far an instance went.

    :ivar gates: the last outcome of each gate that was asked.
    :ivar stops: one for each stage that is still active.
    """

    instance: Instance
    moves: Sequence[MoveDone]
    gates: Sequence[GateOutcome]
    stops: Sequence[Stop]


@record
class RunFailure(Declared):
    """An instance that could not be moved for another reason than its gates."""

    instance: str
    code: str
    message: str


@record
class Runs(Declared):
    """How far all instances went."""

    runs: Sequence[Run]
    failed: Sequence[RunFailure]


@record
class Event(Declared):
    """One entry of an instance's history.

    :ivar type: created, gate, entered, left, skipped, waiting, failed, resumed, completed or
        cancelled.
    :ivar to_stage_id: where a path leads on to, or which stage it waits for.
    """

    seq: int
    attempt: int
    type: str
    stage_id: str | None
    to_stage_id: str | None
    gate_id: str | None
    outcome: str | None
    forced: bool
    reason: str | None
    message: str | None
    actor: str
    evaluated_at: str


def _values(record: type[Any], data: Mapping[str, Any]) -> dict[str, Any]:
    from cleo_core.output import camel

    return {name: data[camel(name)] for name in record.__dataclass_fields__}
