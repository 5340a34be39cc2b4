"""Results of verification gates."""

from __future__ import annotations

import json

from cleo_core.database import Backend, Row

RESULTS_OF = (
    "SELECT id, gate, result, round, agent_id, evidence_json, reason, checked_at "
    "FROM task_gate_results WHERE task_id = :id ORDER BY id"
)


def results(db: Backend, id_: str) -> list[Row]:
    """Every recorded result of a task, oldest first, evidence decoded under ``evidence``."""
    found = db.read(RESULTS_OF, id=id_)
    for row in found:
        row["evidence"] = json.loads(row.pop("evidence_json"))
    return found
