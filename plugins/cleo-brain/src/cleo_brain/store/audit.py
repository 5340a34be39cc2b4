"""The audit of the store: what was done to which entry, never its text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from cleo_core.database import Backend

INSERT = (
    "INSERT INTO brain_audit (at, actor, session_id, request_id, action, kind, entry_id, "
    "details_json) VALUES (:at, :actor, :session, :request, :action, :kind, :id, :details)"
)


#: Origins that an import merged into entries that are still there.
MERGED_ORIGINS = (
    "SELECT DISTINCT origin.value AS origin, a.entry_id AS id FROM brain_audit AS a, "
    "json_each(a.details_json, '$.origins') AS origin JOIN brain_entries AS e "
    "ON e.id = a.entry_id WHERE a.action = 'memory.import'"
)


def add(tx: Any, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows; their ``details`` are encoded here."""
    tx.executemany(
        INSERT,
        [{**row, "details": json.dumps(row["details"], ensure_ascii=False)} for row in rows],
    )


def merged_origins(db: Backend) -> dict[str, str]:
    """Origin -> the entry that an import merged it with."""
    return {str(row["origin"]): row["id"] for row in db.read(MERGED_ORIGINS)}
