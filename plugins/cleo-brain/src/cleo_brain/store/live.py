"""What counts as live: neither withdrawn nor, for a sticky note, past its time."""

from __future__ import annotations

#: Condition over ``brain_entries`` under the alias e; ``:now`` is the time of the question.
LIVE = (
    "e.invalid_at IS NULL AND (e.kind <> 'sticky' OR NOT EXISTS (SELECT 1 FROM "
    "brain_sticky_notes AS note WHERE note.id = e.id AND note.expires_at <= :now))"
)
