"""Lifecycle pipelines and the rows of their stages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cleo_core.database import Backend, Row

OF_TASK = (
    "SELECT p.*, s.stage_name, s.status AS stage_status FROM lifecycle_pipelines AS p "
    "LEFT JOIN lifecycle_stages AS s ON s.id = p.current_stage_id WHERE p.task_id = :task"
)
STAGES_OF = "SELECT * FROM lifecycle_stages WHERE pipeline_id = :id ORDER BY sequence"
INSERT = (
    "INSERT INTO lifecycle_pipelines "
    "(id, task_id, status, current_stage_id, started_at, updated_at, completed_at) "
    "VALUES (:id, :task_id, :status, :current_stage_id, :now, :now, :completed_at)"
)
INSERT_STAGE = (
    "INSERT INTO lifecycle_stages (id, pipeline_id, stage_name, sequence, created_by) "
    "VALUES (:id, :pipeline_id, :stage_name, :sequence, :created_by)"
)
#: Compare-and-set: it changes no row when the pipeline has moved on.
SAVE = (
    "UPDATE lifecycle_pipelines SET status = :status, current_stage_id = :current_stage_id, "
    "completed_at = :completed_at, updated_at = :now, version = version + 1 "
    "WHERE id = :id AND version = :version"
)

#: Columns of a stage that hold JSON, by the name under which rows here have them.
JSON_FIELDS = ("notes", "metadata")
#: Columns of a stage that change.
STAGE_COLUMNS = (
    *("status", "attempt", "started_at", "completed_at", "blocked_at", "skipped_at"),
    *("block_reason", "skip_reason", "notes", "metadata", "output_file"),
)


def of_task(db: Backend, task: str) -> Row | None:
    """A task's pipeline with its current stage as ``stage_name`` and ``stage_status``, or None."""
    return db.one(OF_TASK, task=task)


def stages(db: Backend, id_: str) -> dict[str, Row]:
    """The stages of a pipeline in order, by name; ``notes`` and ``metadata`` decoded."""
    found = {}
    for row in db.read(STAGES_OF, id=id_):
        for name in JSON_FIELDS:
            row[name] = json.loads(row.pop(f"{name}_json"))
        found[row["stage_name"]] = row
    return found


def insert(db: Any, values: Mapping[str, Any], *, now: str) -> None:
    """Insert a pipeline; its current stage may be inserted after it."""
    names = ("id", "task_id", "status", "current_stage_id", "completed_at")
    db.execute(INSERT, **{name: values[name] for name in names}, now=now)


def insert_stage(db: Any, stage: Mapping[str, Any]) -> None:
    """Insert a stage that was not entered yet."""
    names = ("id", "pipeline_id", "stage_name", "sequence", "created_by")
    db.execute(INSERT_STAGE, **{name: stage[name] for name in names})


def save(db: Any, pipeline: Mapping[str, Any], *, now: str) -> bool:
    """Write a pipeline's columns over the version that it was read at; False if that is gone."""
    names = ("id", "status", "current_stage_id", "completed_at", "version")
    return bool(db.execute(SAVE, **{name: pipeline[name] for name in names}, now=now))


def update_stage(db: Any, id_: str, values: Mapping[str, Any]) -> None:
    """Change columns of one stage."""
    encoded = {
        name: json.dumps(value, ensure_ascii=False) if name in JSON_FIELDS else value
        for name, value in values.items()
    }
    db.execute(update_statement(values), **encoded, _id=id_)


def update_statement(names: Iterable[str]) -> str:
    """The UPDATE of a stage for these field names."""
    terms = (
        f"{name}_json = :{name}" if name in JSON_FIELDS else f"{name} = :{name}" for name in names
    )
    return f"UPDATE lifecycle_stages SET {', '.join(terms)} WHERE id = :_id"


def statements() -> Iterator[str]:
    """The statements that are put together from parts."""
    yield update_statement(STAGE_COLUMNS)
