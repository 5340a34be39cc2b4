"""Summaries that the maintenance makes of observations, and what they are made of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from cleo_core.database import Backend, Row

MEMBERS = (
    "SELECT e.id, e.valid_at, o.title, o.narrative FROM brain_edges AS g "
    "JOIN brain_entries AS e ON e.id = g.to_entry JOIN brain_observations AS o ON o.id = e.id "
    "WHERE g.from_id = :id AND g.edge_type = 'derived_from' AND e.invalid_at IS NULL "
    "ORDER BY e.seq DESC"
)
#: Old observations that no summary speaks of, newest first.
CANDIDATES = (
    "SELECT e.seq, e.id, e.valid_at, o.type, o.title, o.narrative FROM brain_entries AS e "
    "JOIN brain_observations AS o ON o.id = e.id WHERE e.kind = 'observation' "
    "AND e.invalid_at IS NULL AND e.summary_id IS NULL AND e.valid_at < :before "
    "AND o.source_type <> 'maintenance' ORDER BY e.seq DESC"
)
SET_SUMMARY = (
    "UPDATE brain_entries SET summary_id = :summary "
    "WHERE id IN (SELECT value FROM json_each(:ids)) AND summary_id IS NULL"
)


def members(db: Backend, id_: str) -> list[Row]:
    """The live entries that a summary is made of, newest first."""
    return db.read(MEMBERS, id=id_)


def candidates(db: Backend, before: str) -> list[Row]:
    """Live observations older than a time that no summary speaks of, newest first."""
    return db.read(CANDIDATES, before=before)


def set_summary(tx: Any, summary: str, ids: Sequence[str]) -> None:
    """Say of entries which summary speaks of them."""
    tx.execute(SET_SUMMARY, summary=summary, ids=json.dumps(list(ids)))
