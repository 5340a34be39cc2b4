"""Entries of one kind that share words with a text."""

from __future__ import annotations

from collections.abc import Iterable

from cleo_core.database import Backend, Row

CANDIDATES = (
    "SELECT e.* FROM brain_fts AS f JOIN brain_entries AS e ON e.seq = f.rowid "
    "WHERE brain_fts MATCH :match AND e.kind = :kind AND e.invalid_at IS NULL AND e.id <> :id "
    "ORDER BY f.rank LIMIT 50"
)


def candidates(db: Backend, kind: str, words: Iterable[str], id_: str) -> list[Row]:
    """The live entries of a kind that share most words with some, but for one entry."""
    match = " OR ".join('"' + word.replace('"', '""') + '"' for word in words)
    return db.read(CANDIDATES, match=match, kind=kind, id=id_) if match else []
