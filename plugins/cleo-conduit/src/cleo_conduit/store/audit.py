"""The audit of the store: what was done to what, never its text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

INSERT = (
    "INSERT INTO conduit_audit (at, actor, action, subject_kind, subject_id, details) "
    "VALUES (:at, :actor, :action, :kind, :id, :details)"
)


def add(tx: Any, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows; their ``details`` are encoded here."""
    tx.executemany(
        INSERT,
        [{**row, "details": json.dumps(row["details"], ensure_ascii=False)} for row in rows],
    )
