"""Which entries a context may be made of, all live."""

from __future__ import annotations

import json
from collections.abc import Sequence

from cleo_brain.store.live import LIVE
from cleo_core.database import Backend

LINKED = (
    "SELECT e.seq AS seq FROM brain_entries AS e WHERE (e.id IN (SELECT memory_id FROM "
    "brain_memory_links WHERE task_id IN (SELECT value FROM json_each(:tasks))) OR e.id IN (SELECT "
    "id FROM brain_decisions WHERE context_task_id IN (SELECT value FROM json_each(:tasks)) "
    "OR context_epic_id IN (SELECT value FROM json_each(:tasks)))) AND " + LIVE
)
NEWEST_OF_KIND = (
    f"SELECT e.seq AS seq FROM brain_entries AS e WHERE e.kind = :kind AND {LIVE} "
    "ORDER BY e.seq DESC LIMIT :most"
)
VERIFIED_ANTI_PATTERNS = (
    "SELECT e.seq AS seq FROM brain_entries AS e JOIN brain_patterns AS p ON p.id = e.id "
    f"WHERE p.type = 'anti-pattern' AND e.verified = 1 AND {LIVE}"
)
URGENT_NOTES = (
    "SELECT e.seq AS seq FROM brain_entries AS e JOIN brain_sticky_notes AS s ON s.id = e.id "
    f"WHERE s.status = 'active' AND s.priority = 'high' AND {LIVE}"
)
#: Of entries that a live summary stands for: the entry and the summary.
SUMMARIES = (
    "SELECT m.seq AS seq, e.seq AS summary FROM brain_entries AS m JOIN brain_entries AS e "
    "ON e.id = m.summary_id WHERE m.seq IN (SELECT value FROM json_each(:seqs)) AND " + LIVE
)


def linked(db: Backend, tasks: Sequence[str], now: str) -> list[int]:
    """Entries that are linked to tasks, or decide about them."""
    return _seqs(db, LINKED, tasks=json.dumps(list(tasks)), now=now)


def newest_of_kind(db: Backend, kind: str, most: int, now: str) -> list[int]:
    """The newest entries of a kind."""
    return _seqs(db, NEWEST_OF_KIND, kind=kind, most=most, now=now)


def verified_anti_patterns(db: Backend, now: str) -> list[int]:
    """What somebody verified that it must not be done."""
    return _seqs(db, VERIFIED_ANTI_PATTERNS, now=now)


def urgent_notes(db: Backend, now: str) -> list[int]:
    """Active sticky notes of high priority."""
    return _seqs(db, URGENT_NOTES, now=now)


def summaries(db: Backend, seqs: Sequence[int], now: str) -> dict[int, int]:
    """Entry -> the live summary that stands for it."""
    rows = db.read(SUMMARIES, seqs=json.dumps(list(seqs)), now=now)
    return {row["seq"]: row["summary"] for row in rows}


def _seqs(db: Backend, sql: str, **params: object) -> list[int]:
    return [row["seq"] for row in db.read(sql, **params)]
