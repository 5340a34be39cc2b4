"""Many entries at once: what is there already, and rows in one statement each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cleo_brain.store import blocks, entries, graph
from cleo_core.database import Backend

_ENTRIES = ("seq", *entries.COLUMNS)
LAST_SEQ = (
    "SELECT max(coalesce((SELECT max(seq) FROM brain_entries), 0), coalesce("
    "(SELECT seq FROM sqlite_sequence WHERE name = 'brain_entries'), 0))"
)
TWINS = (
    "SELECT id, kind, content_hash FROM brain_entries WHERE invalid_at IS NULL "
    "AND kind <> 'sticky' AND (kind, content_hash) IN (SELECT json_extract(value, '$[0]'), "
    "json_extract(value, '$[1]') FROM json_each(:wanted))"
)
TAKEN = "SELECT id FROM brain_entries WHERE id IN (SELECT value FROM json_each(:ids))"
BY_ORIGINS = (
    "SELECT origin, id FROM brain_entries WHERE origin IN (SELECT value FROM json_each(:origins))"
)
SET_SUMMARY = "UPDATE brain_entries SET summary_id = :summary WHERE id = :id AND summary_id IS NULL"


def statements() -> Iterator[str]:
    """The statements that are put together here."""
    for columns, table in (
        (_ENTRIES, "brain_entries"),
        *((("id", *columns), entries.TABLE[kind]) for kind, columns in entries.TYPED.items()),
    ):
        yield blocks.insertion(table, columns, 1)
        yield blocks.insertion(table, columns, blocks.ROWS)


def insert(tx: Any, rows: Sequence[Mapping[str, Any]], typed: Sequence[Mapping[str, Any]]) -> None:
    """Insert entries that have their ``seq``, and their typed rows."""
    blocks.insert(tx, "brain_entries", _ENTRIES, rows)
    kinds: dict[str, list[dict[str, Any]]] = {}
    for row, values in zip(rows, typed, strict=True):
        kinds.setdefault(row["kind"], []).append({"id": row["id"], **values})
    for kind, listed in kinds.items():
        blocks.insert(tx, entries.TABLE[kind], ("id", *entries.TYPED[kind]), listed)


def add_tags(tx: Any, pairs: Iterable[tuple[str, str]]) -> None:
    """Give entries tags: (id, tag)."""
    tx.executemany(graph.ADD_TAG, [{"id": id_, "tag": tag} for id_, tag in pairs])


def last_seq(db: Backend) -> int:
    """The highest ``seq`` that was ever given."""
    return int(db.scalar(LAST_SEQ))


def twins(db: Backend, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """(kind, content hash) -> the live entry that says so."""
    rows = db.read(TWINS, wanted=json.dumps(wanted))
    return {(row["kind"], row["content_hash"]): row["id"] for row in rows}


def taken(db: Backend, ids: Sequence[str]) -> set[str]:
    """Those of the ids that are entries."""
    return {row["id"] for row in db.read(TAKEN, ids=json.dumps(ids))}


def by_origins(db: Backend, origins: Sequence[str]) -> dict[str, str]:
    """Origin -> the entry that came from there."""
    rows = db.read(BY_ORIGINS, origins=json.dumps(origins))
    return {row["origin"]: row["id"] for row in rows}


def set_summary(tx: Any, id_: str, summary: str) -> bool:
    """Say which entry sums another one up; False where that is said."""
    return bool(tx.execute(SET_SUMMARY, id=id_, summary=summary))
