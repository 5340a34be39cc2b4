"""Phases: their rows, their order, and how many tasks are in each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cleo_core.database import Backend, Row

BY_SLUG = (
    "SELECT slug, name, position, status, started_at, completed_at FROM phases WHERE slug = :slug"
)
PAGE = (
    "SELECT slug, name, position, status, started_at, completed_at FROM phases "
    "ORDER BY position LIMIT :limit OFFSET :offset"
)
TOTAL = "SELECT count(*) FROM phases"
POSITIONS = "SELECT slug, position FROM phases ORDER BY position"
COUNTS = (
    "SELECT phase, status, count(*) AS tasks FROM tasks "
    "WHERE phase IN (SELECT value FROM json_each(:slugs)) GROUP BY phase, status"
)
TASKS_OF = "SELECT id FROM tasks WHERE phase = :slug ORDER BY seq LIMIT :limit"
OPEN_TASKS_OF = (
    "SELECT id FROM tasks WHERE phase = :slug "
    "AND status IN ('pending', 'active', 'blocked', 'proposed') ORDER BY seq LIMIT :limit"
)
#: Below all others for now: the order is given afterwards.
INSERT = (
    "INSERT INTO phases (slug, name, position) "
    "SELECT :slug, :name, min(0, coalesce(min(position), 0)) - 1 FROM phases"
)
PLACE = "UPDATE phases SET position = :position WHERE slug = :slug"
UPDATE = (
    "UPDATE phases SET slug = :to, name = :name, status = :status, started_at = :started_at, "
    "completed_at = :completed_at WHERE slug = :slug"
)
DELETE = "DELETE FROM phases WHERE slug = :slug"


def row(db: Backend, slug: str) -> Row | None:
    """One phase, or None."""
    return db.one(BY_SLUG, slug=slug)


def page(db: Backend, *, limit: int, offset: int) -> tuple[list[Row], int]:
    """A page of the phases in their order, and how many there are."""
    return db.read(PAGE, limit=limit, offset=offset), int(db.scalar(TOTAL))


def counts(db: Backend, slugs: Sequence[str]) -> dict[str, dict[str, int]]:
    """Slug -> status -> number of tasks, of those that there are."""
    found: dict[str, dict[str, int]] = {slug: {} for slug in slugs}
    for one in db.read(COUNTS, slugs=json.dumps(list(slugs))):
        found[one["phase"]][one["status"]] = one["tasks"]
    return found


def tasks_of(db: Backend, slug: str, *, limit: int, only_open: bool = False) -> list[str]:
    """The first ids of a phase's tasks, in any status or open ones."""
    statement = OPEN_TASKS_OF if only_open else TASKS_OF
    return [one["id"] for one in db.read(statement, slug=slug, limit=limit)]


def insert(db: Any, slug: str, name: str, position: int | None = None) -> Row:
    """Make a phase at a place counted from 1, by default the last; returns its columns."""
    slugs = [one["slug"] for one in db.read(POSITIONS)]
    place = len(slugs) if position is None else min(position - 1, len(slugs))
    db.execute(INSERT, slug=slug, name=name)
    _number(db, [*slugs[:place], slug, *slugs[place:]])
    return dict(row(db, slug) or {})


def update(db: Any, slug: str, values: Mapping[str, Any]) -> None:
    """Set every column but the position; tasks follow another slug by their foreign key."""
    db.execute(
        UPDATE,
        slug=slug,
        to=values["slug"],
        **{name: values[name] for name in ("name", "status", "started_at", "completed_at")},
    )


def delete(db: Any, slug: str) -> None:
    """Delete a phase that no task is in, and close the gap."""
    db.execute(DELETE, slug=slug)
    _number(db, [one["slug"] for one in db.read(POSITIONS)])


def _number(db: Any, slugs: Sequence[str]) -> None:
    """Give the phases the positions 1…n in this order."""
    standing = {one["slug"]: one["position"] for one in db.read(POSITIONS)}
    wrong = [
        {"slug": slug, "position": place}
        for place, slug in enumerate(slugs, 1)
        if standing[slug] != place
    ]
    if not wrong:
        return
    # Positions are unique at any moment, so those that change first move out of the way.
    lowest = min(0, *standing.values())
    db.executemany(
        PLACE,
        [{**one, "position": lowest - number} for number, one in enumerate(wrong, 1)],
    )
    db.executemany(PLACE, wrong)
