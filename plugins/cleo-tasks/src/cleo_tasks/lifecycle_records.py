"""A pipeline as services return it: typed records, as in :mod:`cleo_tasks.records`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.output import camel

R = TypeVar("R")


@record
class StageDefinition(Declared):
    """One stage of the lifecycle, as it is for every pipeline.

    ``computed_gates``: gates that are found out and not recorded. ``ways_back``: the earlier stages
    that it leads back to without force. ``spellings``: other words for it.
    """

    sequence: int
    stage_name: str
    skippable: bool
    prerequisites: list[str]
    gates: list[str]
    computed_gates: list[str]
    ways_back: list[str]
    spellings: list[str]


@record
class Pipeline(Declared):
    """A task's pipeline; ``current_stage`` is the name in ``current_stage_id``."""

    id: str
    task_id: str
    status: str
    current_stage_id: str | None
    current_stage: str | None
    started_at: str
    updated_at: str
    completed_at: str | None
    version: int


@record
class Evidence(Declared):
    """A file, address or manifest entry that shows what a stage did."""

    id: int
    gate_result_id: int | None
    uri: str
    type: str
    sha256: str | None
    description: str | None
    recorded_by: str | None
    recorded_at: str


@record
class Stage(Declared):
    """One stage of one pipeline; ``missing``: prerequisites neither completed nor skipped."""

    id: str
    stage_name: str
    status: str
    sequence: int
    attempt: int
    missing: list[str]
    started_at: str | None
    completed_at: str | None
    blocked_at: str | None
    skipped_at: str | None
    block_reason: str | None
    skip_reason: str | None
    notes: list[dict[str, Any]]
    metadata: dict[str, Any]
    output_file: str | None
    created_by: str | None
    evidence: list[Evidence]


@record
class GateResult(Declared):
    """One recorded result; ``counts``: it is of the current attempt of its stage."""

    id: int
    stage_name: str
    gate_name: str
    result: str
    attempt: int
    counts: bool
    checked_at: str
    checked_by: str
    details: str | None
    reason: str | None


@record
class Gate(Declared):
    """A named gate: its standing in the current attempt, None if none; all results, oldest first.

    ``computed``: it is found out and not recorded.
    """

    stage: str
    result: str | None
    computed: bool
    results: list[GateResult]


@record
class Transition(Declared):
    """One entry into a stage; ``from_stage`` and ``to_stage`` are the names in the ids."""

    id: int
    pipeline_id: str
    from_stage_id: str | None
    to_stage_id: str
    from_stage: str | None
    to_stage: str
    transition_type: str
    transitioned_by: str | None
    session_id: str | None
    reason: str | None
    created_at: str


@record
class Lifecycle(Declared):
    """A pipeline whole: its stages in order, its gates by name, its moves oldest first."""

    pipeline: Pipeline
    stages: list[Stage]
    gates: dict[str, Gate]
    transitions: list[Transition]


def from_json(data: Mapping[str, Any]) -> Lifecycle:
    """A Lifecycle from its JSON form."""
    return Lifecycle(
        _made(Pipeline, data["pipeline"]),
        [
            _made(Stage, one, evidence=[_made(Evidence, piece) for piece in one["evidence"]])
            for one in data["stages"]
        ],
        {
            name: _made(Gate, one, results=[_made(GateResult, item) for item in one["results"]])
            for name, one in data["gates"].items()
        },
        [_made(Transition, one) for one in data["transitions"]],
    )


def _made(record: type[R], data: Mapping[str, Any], **given: Any) -> R:
    names = record.__dataclass_fields__  # type: ignore[attr-defined] # every record here has them
    return record(**{**{name: data[camel(name)] for name in names}, **given})
