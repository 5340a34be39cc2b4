"""All SQL of the store."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from cleo_core.database import Backend, Row

#: The words of ``items.importance``.
IMPORTANCE = ("low", "normal", "high")

NEXT = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'items'), 0) + 1"
INSERT = (
    "INSERT INTO items (seq, id, title, importance, tags_json, created_at) "
    "VALUES (:seq, :id, :title, :importance, :tags, :now)"
)
BY_ID = "SELECT * FROM items WHERE id = :id"
PAGE = (
    "SELECT * FROM items WHERE :importance IS NULL OR importance = :importance "
    "ORDER BY seq LIMIT :limit OFFSET :offset"
)
COUNT = "SELECT count(*) FROM items WHERE :importance IS NULL OR importance = :importance"
EXISTING = "SELECT id FROM items WHERE id IN (SELECT value FROM json_each(:ids))"


def insert(db: Any, title: str, importance: str, tags: Sequence[str], now: str) -> Row:
    """Store an item and return its row; a number is never given twice."""
    seq = db.scalar(NEXT)
    id_ = f"template-name-{seq}"
    db.execute(
        INSERT,
        seq=seq,
        id=id_,
        title=title,
        importance=importance,
        tags=json.dumps(list(tags), ensure_ascii=False),
        now=now,
    )
    row = by_id(db, id_)
    assert row is not None
    return row


def by_id(db: Backend, id_: str) -> Row | None:
    """An item's row, or None."""
    return db.one(BY_ID, id=id_)


def page(db: Backend, importance: str | None, limit: int, offset: int) -> tuple[list[Row], int]:
    """Rows in the order they were made, and how many there are in all."""
    rows = db.read(PAGE, importance=importance, limit=limit, offset=offset)
    return rows, int(db.scalar(COUNT, importance=importance))


def existing(db: Backend, ids: Iterable[str]) -> frozenset[str]:
    """Those of the ids that there are."""
    return frozenset(row["id"] for row in db.read(EXISTING, ids=json.dumps(list(ids))))
