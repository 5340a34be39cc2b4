"""Results of verification gates."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from cleo_core.database import Backend
from cleo_tasks.gate_records import GateResult

RESULTS_OF = (
    "SELECT gate, result, round, agent_id, evidence_json, reason, checked_at "
    "FROM task_gate_results WHERE task_id = :id ORDER BY id"
)
INSERT = (
    "INSERT INTO task_gate_results "
    "(task_id, gate, result, round, agent_id, evidence_json, reason, checked_at) "
    "VALUES (:task, :gate, :result, :round, :agent, :evidence, :reason, :now)"
)


def results(db: Backend, id_: str) -> list[GateResult]:
    """Every recorded result of a task, oldest first."""
    return [
        GateResult(
            gate=row["gate"],
            result=row["result"],
            round=row["round"],
            agent_id=row["agent_id"],
            evidence=json.loads(row["evidence_json"]),
            reason=row["reason"],
            checked_at=row["checked_at"],
        )
        for row in db.read(RESULTS_OF, id=id_)
    ]


def insert(
    db: Any,
    task: str,
    *,
    gate: str,
    result: str,
    round_: int,
    agent: str | None,
    evidence: Sequence[Any],
    reason: str | None,
    now: str,
) -> None:
    """Append one result."""
    db.execute(
        INSERT,
        task=task,
        gate=gate,
        result=result,
        round=round_,
        agent=agent,
        evidence=json.dumps(list(evidence), ensure_ascii=False),
        reason=reason,
        now=now,
    )
