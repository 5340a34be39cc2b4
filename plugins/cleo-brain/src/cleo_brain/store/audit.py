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
#: ``json.dumps`` would make an encoder for every row.
_ENCODE = json.JSONEncoder(ensure_ascii=False).encode
#: What nearly all rows of an import say.
_STORED = {"outcome": "stored"}
_STORED_TEXT = _ENCODE(_STORED)


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
        [{**row, "details": _text(row["details"])} for row in rows],
    )


def _text(details: Mapping[str, Any]) -> str:
    return _STORED_TEXT if details == _STORED else _ENCODE(details)


def merged_origins(db: Backend) -> dict[str, str]:
    """Origin -> the entry that an import merged it with."""
    return {str(row["origin"]): row["id"] for row in db.read(MERGED_ORIGINS)}
