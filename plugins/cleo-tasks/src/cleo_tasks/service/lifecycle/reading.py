"""What a pipeline looks like: rows of its tables as one record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cleo_core.database import Backend, Row
from cleo_core.errors import NotFoundError
from cleo_tasks.lifecycle_records import (
    Evidence,
    Gate,
    GateResult,
    Lifecycle,
    Pipeline,
    Stage,
    StageDefinition,
    Transition,
)
from cleo_tasks.service.fields import STAGE_SPELLINGS
from cleo_tasks.service.lifecycle import definitions
from cleo_tasks.store import lifecycle as records
from cleo_tasks.store import pipelines, tasks


def definition_records() -> list[StageDefinition]:
    """The stages as they are for every pipeline, in order."""
    return [
        StageDefinition(
            sequence=one.number,
            stage_name=one.name,
            skippable=one.skippable,
            prerequisites=list(definitions.prerequisites(one.name)),
            gates=list(one.gates),
            computed_gates=list(one.computed),
            ways_back=[to for source, to in definitions.WAYS_BACK if source == one.name],
            spellings=[word for word, name in STAGE_SPELLINGS.items() if name == one.name],
        )
        for one in definitions.DEFINITIONS
    ]


def pipeline_of(db: Backend, task: str) -> Row:
    """The pipeline of a task.

    :raises NotFoundError: there is no such task, or it has none.
    """
    found = pipelines.of_task(db, task)
    if found is not None:
        return found
    if not tasks.existing(db, [task]):
        from cleo_tasks.errors import task_not_found

        raise task_not_found(task)
    raise no_pipeline(task)


def no_pipeline(task: str) -> NotFoundError:
    """The refusal of a verb that needs a pipeline."""
    return NotFoundError(
        f"{task} has no pipeline.", fix=f"cleo lifecycle start {task}", ids=[f"pl_{task}"]
    )


def lifecycle(db: Backend, task: str) -> Lifecycle:
    """A task's pipeline whole.

    :raises NotFoundError: there is no such task, or it has none.
    """
    row = pipeline_of(db, task)
    stages = pipelines.stages(db, row["id"])
    results = gate_results(db, row["id"], stages)
    return Lifecycle(
        _pipeline(row),
        _stages(db, row["id"], stages),
        {name: _gate(name, stage, stages, results) for name, stage in _gates()},
        transitions(db, row["id"]),
    )


def transitions(db: Backend, id_: str, *, limit: int = -1, offset: int = 0) -> list[Transition]:
    """The moves of a pipeline, oldest first."""
    return [
        Transition(**row, from_stage=_name_in(row["from_stage_id"]), to_stage=_last(row))
        for row in records.transitions(db, id_, limit=limit, offset=offset)
    ]


def gate_results(
    db: Backend, id_: str, stages: Mapping[str, Row], *, limit: int = -1, offset: int = 0
) -> list[GateResult]:
    """The gate results of a pipeline, oldest first."""
    found = []
    for row in records.gate_results(db, id_, limit=limit, offset=offset):
        del row["stage_id"]
        stage = stages[row["stage_name"]]
        found.append(GateResult(**row, counts=row["attempt"] == stage["attempt"]))
    return found


def missing(name: str, stages: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Prerequisites of a stage that are neither completed nor skipped."""
    return [
        one
        for one in definitions.prerequisites(name)
        if stages[one]["status"] not in definitions.FINISHED
    ]


def _pipeline(row: Row) -> Pipeline:
    values = {name: row[name] for name in Pipeline.__dataclass_fields__ if name != "current_stage"}
    return Pipeline(**values, current_stage=row["stage_name"])


def _stages(db: Backend, id_: str, stages: Mapping[str, Row]) -> list[Stage]:
    evidence: dict[str, list[Evidence]] = {}
    for row in records.evidence(db, id_):
        del row["stage_id"]
        evidence.setdefault(row.pop("stage_name"), []).append(Evidence(**row))
    return [
        Stage(
            **{key: value for key, value in row.items() if key != "pipeline_id"},
            missing=missing(name, stages) if row["status"] == "not_started" else [],
            evidence=evidence.get(name, []),
        )
        for name, row in stages.items()
    ]


def _gates() -> list[tuple[str, str]]:
    return list(definitions.STAGE_OF_GATE.items())


def _gate(name: str, stage: str, stages: Mapping[str, Row], results: list[GateResult]) -> Gate:
    own = [one for one in results if one.gate_name == name]
    standing = next((one.result for one in reversed(own) if one.counts), None)
    computed = name in definitions.BY_NAME[stage].computed
    if computed:
        standing = "fail" if missing(stage, stages) else "pass"
    return Gate(stage, standing, computed, own)


def _name_in(stage_id: str | None) -> str | None:
    return None if stage_id is None else stage_id.rpartition("/")[2]


def _last(row: Row) -> str:
    return str(row["to_stage_id"]).rpartition("/")[2]
