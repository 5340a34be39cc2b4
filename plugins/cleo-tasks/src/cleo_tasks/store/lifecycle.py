"""What is recorded of a pipeline's stages and never changed: moves, gate results, evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cleo_core.database import Backend, Row

INSERT_TRANSITION = (
    "INSERT INTO lifecycle_transitions (pipeline_id, from_stage_id, to_stage_id, transition_type, "
    "transitioned_by, session_id, reason, created_at) VALUES (:pipeline_id, :from_stage_id, "
    ":to_stage_id, :transition_type, :transitioned_by, :session_id, :reason, :created_at)"
)
INSERT_GATE_RESULT = (
    "INSERT INTO lifecycle_gate_results "
    "(stage_id, gate_name, result, attempt, checked_at, checked_by, details, reason) "
    "VALUES (:stage_id, :gate_name, :result, :attempt, :checked_at, :checked_by, :details, "
    ":reason) RETURNING id"
)
INSERT_EVIDENCE = (
    "INSERT INTO lifecycle_evidence "
    "(stage_id, gate_result_id, uri, type, sha256, description, recorded_by, recorded_at) "
    "VALUES (:stage_id, :gate_result_id, :uri, :type, :sha256, :description, :recorded_by, "
    ":recorded_at)"
)
TRANSITIONS_OF = (
    "SELECT * FROM lifecycle_transitions WHERE pipeline_id = :id ORDER BY id "
    "LIMIT :limit OFFSET :offset"
)
COUNT_TRANSITIONS = "SELECT count(*) FROM lifecycle_transitions WHERE pipeline_id = :id"
GATE_RESULTS_OF = (
    "SELECT r.*, s.stage_name FROM lifecycle_stages AS s "
    "JOIN lifecycle_gate_results AS r ON r.stage_id = s.id WHERE s.pipeline_id = :id "
    "ORDER BY r.id LIMIT :limit OFFSET :offset"
)
COUNT_GATE_RESULTS = (
    "SELECT count(*) FROM lifecycle_stages AS s "
    "JOIN lifecycle_gate_results AS r ON r.stage_id = s.id WHERE s.pipeline_id = :id"
)
#: The last result of each gate of a stage in one attempt.
STANDING = (
    "SELECT gate_name, result FROM lifecycle_gate_results WHERE id IN ("
    "SELECT max(id) FROM lifecycle_gate_results WHERE stage_id = :stage AND attempt = :attempt "
    "GROUP BY gate_name)"
)
EVIDENCE_OF = (
    "SELECT e.*, s.stage_name FROM lifecycle_stages AS s "
    "JOIN lifecycle_evidence AS e ON e.stage_id = s.id WHERE s.pipeline_id = :id ORDER BY e.id"
)


def add_transition(db: Any, values: Mapping[str, Any]) -> None:
    """Record an entry into a stage; ``from_stage_id`` None is the first one."""
    db.execute(INSERT_TRANSITION, **values)


def add_gate_result(db: Any, values: Mapping[str, Any]) -> int:
    """Record a gate's result; returns its id."""
    return int(db.scalar(INSERT_GATE_RESULT, **values))


def add_evidence(db: Any, values: Mapping[str, Any]) -> None:
    """Record a piece of evidence."""
    db.execute(INSERT_EVIDENCE, **values)


def transitions(db: Backend, id_: str, *, limit: int = -1, offset: int = 0) -> list[Row]:
    """The moves of a pipeline, oldest first; all of them for a limit of -1."""
    return db.read(TRANSITIONS_OF, id=id_, limit=limit, offset=offset)


def count_transitions(db: Backend, id_: str) -> int:
    """How many moves a pipeline has made."""
    return int(db.scalar(COUNT_TRANSITIONS, id=id_))


def gate_results(db: Backend, id_: str, *, limit: int = -1, offset: int = 0) -> list[Row]:
    """The gate results of a pipeline with their ``stage_name``, oldest first."""
    return db.read(GATE_RESULTS_OF, id=id_, limit=limit, offset=offset)


def count_gate_results(db: Backend, id_: str) -> int:
    """How many gate results a pipeline has."""
    return int(db.scalar(COUNT_GATE_RESULTS, id=id_))


def standing(db: Backend, stage: str, attempt: int) -> dict[str, str]:
    """Gate -> its last result in one attempt of a stage."""
    rows = db.read(STANDING, stage=stage, attempt=attempt)
    return {row["gate_name"]: row["result"] for row in rows}


def evidence(db: Backend, id_: str) -> list[Row]:
    """The evidence of a pipeline with its ``stage_name``, oldest first."""
    return db.read(EVIDENCE_OF, id=id_)
