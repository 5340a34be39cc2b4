"""Projects and their former names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from cleo_core.database import Backend, Row

_COLUMNS = (
    "project_id, slug, name, project_path, project_hash, permissions, health_status, "
    "health_last_check, task_count, labels_json, registered_at, last_seen, last_sync"
)
BY_ID = f"SELECT {_COLUMNS} FROM project_registry WHERE project_id = :key"
BY_SLUG = f"SELECT {_COLUMNS} FROM project_registry WHERE slug = :key"
BY_HASH = f"SELECT {_COLUMNS} FROM project_registry WHERE project_hash = :key"
BY_PATH = f"SELECT {_COLUMNS} FROM project_registry WHERE project_path = :key"
ALL = f"SELECT {_COLUMNS} FROM project_registry ORDER BY slug"
ALIAS = "SELECT legacy_id, kind, canonical_id FROM project_id_aliases WHERE legacy_id = :key"
IDS = (
    "SELECT project_id FROM project_registry "
    "WHERE project_id IN (SELECT value FROM json_each(:ids))"
)
ADD = (
    "INSERT INTO project_registry (project_id, slug, name, project_path, project_hash, "
    "permissions, registered_at, last_seen) VALUES (:project_id, :slug, :name, :project_path, "
    ":project_hash, :permissions, :now, :now)"
)
COPY = (
    f"INSERT INTO project_registry ({_COLUMNS}) VALUES (:project_id, :slug, :name, "
    ":project_path, :project_hash, :permissions, :health_status, :health_last_check, "
    ":task_count, :labels_json, :registered_at, :last_seen, :last_sync)"
)
RENAME = "UPDATE project_registry SET name = :name, slug = :slug WHERE project_id = :id"
PERMIT = "UPDATE project_registry SET permissions = :level WHERE project_id = :id"
SEEN = "UPDATE project_registry SET last_seen = :now WHERE project_id = :id"
MOVE = (
    "UPDATE project_registry SET project_path = :path, project_hash = :hash, last_seen = :now "
    "WHERE project_id = :id"
)
HEALTH = (
    "UPDATE project_registry SET health_status = :status, health_last_check = :now "
    "WHERE project_id = :id"
)
SYNC = (
    "UPDATE project_registry SET task_count = :tasks, labels_json = :labels, last_sync = :now, "
    "last_seen = :now, health_status = :status, health_last_check = :now WHERE project_id = :id"
)
DELETE = "DELETE FROM project_registry WHERE project_id = :id"
ADD_ALIAS = (
    "INSERT INTO project_id_aliases (legacy_id, kind, canonical_id, created_at) "
    "VALUES (:legacy_id, :kind, :canonical_id, :now)"
)


DELETE_ALIAS = "DELETE FROM project_id_aliases WHERE legacy_id = :key"
ALIASES = "SELECT legacy_id, kind FROM project_id_aliases WHERE canonical_id = :id"
BY_HEALTH = (
    "SELECT health_status, count(*) AS projects FROM project_registry GROUP BY health_status"
)


def by_id(db: Backend, id_: str) -> Row | None:
    """The project of an id."""
    return db.one(BY_ID, key=id_)


def by_slug(db: Backend, slug: str) -> Row | None:
    """The project of a slug."""
    return db.one(BY_SLUG, key=slug)


def by_hash(db: Backend, hash_: str) -> Row | None:
    """The project of a path's hash."""
    return db.one(BY_HASH, key=hash_)


def by_path(db: Backend, path: str) -> Row | None:
    """The project at a canonical path."""
    return db.one(BY_PATH, key=path)


def alias(db: Backend, key: str) -> Row | None:
    """What a former id or slug stands for."""
    return db.one(ALIAS, key=key)


def existing(db: Backend, ids: Iterable[str]) -> frozenset[str]:
    """Those of the ids that are registered."""
    rows = db.read(IDS, ids=json.dumps(list(ids)))
    return frozenset(row["project_id"] for row in rows)


def everything(db: Backend) -> list[Row]:
    """All projects, by slug."""
    return db.read(ALL)


def add(tx: Any, row: Mapping[str, Any]) -> None:
    """Add a project."""
    tx.execute(ADD, **row)


def delete(tx: Any, id_: str) -> None:
    """Remove a project, and with it its former names."""
    tx.execute(DELETE, id=id_)


def add_alias(tx: Any, legacy_id: str, kind: str, canonical_id: str, now: str) -> None:
    """Let a former id or slug stand for a project."""
    tx.execute(ADD_ALIAS, legacy_id=legacy_id, kind=kind, canonical_id=canonical_id, now=now)


def delete_alias(tx: Any, key: str) -> None:
    """Let a former id or slug stand for nothing any more."""
    tx.execute(DELETE_ALIAS, key=key)


def rename(tx: Any, id_: str, name: str, slug: str) -> None:
    """Change what people read and what references use."""
    tx.execute(RENAME, id=id_, name=name, slug=slug)


def permit(tx: Any, id_: str, level: str) -> None:
    """Change what a project lets others do."""
    tx.execute(PERMIT, id=id_, level=level)


def seen(tx: Any, id_: str, now: str) -> None:
    """Note that a project was seen where it is said to be."""
    tx.execute(SEEN, id=id_, now=now)


def move(tx: Any, id_: str, path: str, hash_: str, now: str) -> None:
    """Note where a project is now."""
    tx.execute(MOVE, id=id_, path=path, hash=hash_, now=now)


def set_health(tx: Any, id_: str, status: str, now: str) -> int:
    """Note what a health check found; how many projects have this id."""
    changed: int = tx.execute(HEALTH, id=id_, status=status, now=now)
    return changed


def set_counts(tx: Any, id_: str, tasks: int, labels: Iterable[str], status: str, now: str) -> None:
    """Note what a sync counted."""
    text = json.dumps(sorted(labels), ensure_ascii=False)
    tx.execute(SYNC, id=id_, tasks=tasks, labels=text, status=status, now=now)


def former(db: Backend, id_: str) -> list[tuple[str, str]]:
    """The former ids and slugs of a project, each with its kind."""
    return [(row["legacy_id"], row["kind"]) for row in db.read(ALIASES, id=id_)]


def give_id(tx: Any, old: str, new: str, now: str) -> None:
    """Put another id in a project's place; its former names become those of the new one."""
    row = tx.one(BY_ID, key=old)
    names = former(tx, old)
    # A primary key that others refer to cannot change; the former names go with the row.
    tx.execute(DELETE, id=old)
    tx.execute(COPY, **{**row, "project_id": new, "last_seen": now})
    for name, kind in names:
        add_alias(tx, name, kind, new, now)


def by_health(db: Backend) -> dict[str, int]:
    """How many projects have each health."""
    return {row["health_status"]: row["projects"] for row in db.read(BY_HEALTH)}
