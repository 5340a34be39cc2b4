"""Sticky notes in lists."""

from __future__ import annotations

import json
from collections.abc import Sequence

from cleo_core.database import Backend

#: What a note is at :now: one past its time counts as archived before that is written.
_STATUS = "CASE WHEN s.status = 'active' AND s.expires_at <= :now THEN 'archived' ELSE s.status END"
_WHERE = (
    "FROM brain_sticky_notes AS s JOIN brain_entries AS e ON e.id = s.id "
    f"WHERE {_STATUS} = :status "
    "AND (:color IS NULL OR s.color = :color) AND (:priority IS NULL OR s.priority = :priority) "
    "AND NOT EXISTS (SELECT 1 FROM json_each(:tags) AS wanted WHERE NOT EXISTS (SELECT 1 FROM "
    "brain_tags AS t WHERE t.entry_id = s.id AND t.tag = wanted.value))"
)
LIST = f"SELECT s.id {_WHERE} ORDER BY e.seq DESC LIMIT :limit OFFSET :offset"
COUNT = f"SELECT count(*) {_WHERE}"
#: Notes past their time whose row does not say so yet.
PAST = (
    "SELECT e.seq, e.id, s.expires_at FROM brain_sticky_notes AS s "
    "JOIN brain_entries AS e ON e.id = s.id WHERE e.invalid_at IS NULL AND s.expires_at <= :now "
    "AND e.seq > :after ORDER BY e.seq LIMIT :n"
)
COUNT_ACTIVE = "SELECT count(*) FROM brain_sticky_notes WHERE status = 'active'"


def page(
    db: Backend,
    *,
    now: str,
    status: str,
    color: str | None,
    priority: str | None,
    tags: Sequence[str],
    limit: int,
    offset: int,
) -> tuple[list[str], int]:
    """Ids of the notes of one page, newest first, and how many there are in all."""
    asked = {
        "now": now,
        "status": status,
        "color": color,
        "priority": priority,
        "tags": json.dumps(list(tags)),
    }
    rows = db.read(LIST, limit=limit, offset=offset, **asked)
    return [row["id"] for row in rows], int(db.scalar(COUNT, **asked))
