"""The numbers of tasks: the last one that was given out."""

from __future__ import annotations

from typing import Any

from cleo_core.database import Backend

STORED = "SELECT max(CAST(value AS INTEGER), 0) FROM schema_meta WHERE key = 'task_sequence'"
HIGHEST = "SELECT coalesce(max(seq), 0) FROM tasks"
#: Of purged tasks too: their audit stays.
GIVEN = (
    "SELECT coalesce(max(CAST(substr(entity_id, 2) AS INTEGER)), 0) FROM audit_log "
    "WHERE entity_kind = 'task'"
)
SET = (
    "INSERT INTO schema_meta (key, value) VALUES ('task_sequence', :value) "
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)


def read(db: Backend) -> tuple[int, int]:
    """The last number given out, as stored, and the highest that a task has."""
    return int(db.scalar(STORED) or 0), int(db.scalar(HIGHEST))


def given(db: Backend) -> int:
    """The highest number that a task had, as far as the audit goes back."""
    return int(db.scalar(GIVEN))


def give_out(db: Any, last: int) -> None:
    """Store the last number given out."""
    db.execute(SET, value=str(last))
