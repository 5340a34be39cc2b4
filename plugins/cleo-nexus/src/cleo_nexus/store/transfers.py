"""The journal of transfers, and what of the map names tasks that moved."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cleo_core.database import Backend, Row

_COLUMNS = (
    "id, source_project_id, target_project_id, mode, options, id_map, state, steps, error, "
    "created_by, created_at, updated_at"
)
#: Written out, so that the index on the state is used.
_OPEN = "state IN ('planned', 'imported', 'mapped', 'linked', 'repointed', 'archived')"
OPEN = f"SELECT {_COLUMNS} FROM transfer_journal WHERE {_OPEN} ORDER BY rowid"
OPEN_FROM = (
    f"SELECT id, mode FROM transfer_journal WHERE {_OPEN} AND source_project_id = :project "
    "ORDER BY rowid"
)
MOVED = (
    "SELECT target_project_id, id_map FROM transfer_journal WHERE state = 'done' AND mode = 'move' "
    "AND source_project_id = :project AND EXISTS (SELECT 1 FROM json_each(id_map) AS moved "
    "WHERE moved.key IN (SELECT value FROM json_each(:ids))) ORDER BY rowid"
)
OPEN_STATES = f"SELECT id, state FROM transfer_journal WHERE {_OPEN} ORDER BY rowid"
ONE = f"SELECT {_COLUMNS} FROM transfer_journal WHERE id = :id"
PACKAGE = "SELECT package, package_sha256 FROM transfer_journal WHERE id = :id"
PAGE = f"SELECT {_COLUMNS} FROM transfer_journal ORDER BY rowid DESC LIMIT :limit OFFSET :offset"
COUNT = "SELECT count(*) FROM transfer_journal"
ADD = (
    "INSERT INTO transfer_journal (id, source_project_id, target_project_id, mode, options, "
    "package, package_sha256, state, steps, created_by, created_at, updated_at) VALUES (:id, "
    ":source, :target, :mode, :options, :package, :sha256, 'planned', '{}', :actor, :now, :now)"
)
ADVANCE = (
    "UPDATE transfer_journal SET state = :state, steps = json_patch(steps, :steps), "
    "id_map = coalesce(:id_map, id_map), error = :error, updated_at = :now "
    "WHERE id = :id AND state = :before"
)


def open_ones(db: Backend) -> list[Row]:
    """The transfers that are not over, as they were begun."""
    return db.read(OPEN)


def open_states(db: Backend) -> list[Row]:
    """Id and state of the same; one look into an index."""
    return db.read(OPEN_STATES)


def open_from(db: Backend, project: str) -> list[Row]:
    """Id and mode of the transfers that take tasks from a project and are not finished."""
    return db.read(OPEN_FROM, project=project)


def moved(db: Backend, project: str, ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Those of a project's tasks that a finished move took along -> project and id they got."""
    asked = set(ids)
    return {
        old: (row["target_project_id"], new)
        for row in db.read(MOVED, project=project, ids=json.dumps(sorted(asked)))
        for old, new in json.loads(row["id_map"]).items()
        if old in asked
    }


def one(db: Backend, id_: str) -> Row | None:
    """A transfer, without its package."""
    return db.one(ONE, id=id_)


def package(db: Backend, id_: str) -> tuple[str, str]:
    """A transfer's package as JSON text, and the SHA-256 that it was stored with."""
    row = db.one(PACKAGE, id=id_)
    assert row is not None
    return row["package"], row["package_sha256"]


def page(db: Backend, limit: int, offset: int) -> tuple[list[Row], int]:
    """Some of the transfers, the latest first, and how many there are."""
    return db.read(PAGE, limit=limit, offset=offset), int(db.scalar(COUNT))


def add(tx: Any, row: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Begin a transfer."""
    tx.execute(ADD, **row, options=json.dumps(options, sort_keys=True))


def advance(
    tx: Any,
    id_: str,
    before: str,
    state: str,
    now: str,
    *,
    steps: Mapping[str, Any] | None = None,
    id_map: Mapping[str, str] | None = None,
    error: str | None = None,
) -> bool:
    """Set how far a transfer has come; False where it is not where it was thought to be.

    :param steps: what is to be kept of single steps, beside what was.
    """
    changed = tx.execute(
        ADVANCE,
        id=id_,
        before=before,
        state=state,
        now=now,
        steps=json.dumps(steps or {}),
        id_map=None if id_map is None else json.dumps(id_map),
        error=error,
    )
    return int(changed) == 1
