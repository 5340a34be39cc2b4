"""Chains, and how many instances go through each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from cleo_core.database import Backend, Row

_COLUMNS = "id, version, name, description, definition, definition_sha256, tessera"
BY_ID = f"SELECT {_COLUMNS} FROM warp_chains WHERE id = :id"
BY_IDS = (
    f"SELECT {_COLUMNS} FROM warp_chains WHERE id IN (SELECT value FROM json_each(:ids)) "
    "ORDER BY id"
)
IDS = "SELECT id FROM warp_chains ORDER BY id"
MATCHING = (
    "SELECT c.id FROM warp_chains AS c WHERE (:templates = 0 "
    "OR EXISTS (SELECT 1 FROM json_each(c.definition, '$.variables'))) "
    "AND (:category IS NULL OR EXISTS (SELECT 1 FROM json_each(c.definition, '$.shape.stages') "
    "AS s WHERE json_extract(s.value, '$.category') = :category)) ORDER BY c.id"
)
ADD = (
    "INSERT INTO warp_chains (id, version, name, description, definition, definition_sha256, "
    "tessera, validated, created_by, created_at, updated_at) VALUES (:id, :version, :name, "
    ":description, :definition, :sha256, NULL, 1, :actor, :now, :now)"
)
REPLACE = (
    "UPDATE warp_chains SET version = :version, name = :name, description = :description, "
    "definition = :definition, definition_sha256 = :sha256, tessera = NULL, validated = 1, "
    "updated_at = :now WHERE id = :id"
)
DELETE = "DELETE FROM warp_chains WHERE id = :id"
INSTANCES = (
    "SELECT chain_id, status, COUNT(*) AS instances FROM warp_chain_instances "
    "WHERE chain_id IN (SELECT value FROM json_each(:ids)) GROUP BY chain_id, status"
)
DELETE_FINAL = (
    "DELETE FROM warp_chain_instances WHERE chain_id = :id AND status IN ('completed', 'cancelled')"
)


def by_id(db: Backend, id_: str) -> Row | None:
    """The chain of an id."""
    return db.one(BY_ID, id=id_)


def by_ids(db: Backend, ids: Iterable[str]) -> list[Row]:
    """Those of the chains that are stored, by id."""
    return db.read(BY_IDS, ids=json.dumps(list(ids)))


def ids(db: Backend) -> list[str]:
    """The ids of all chains."""
    return [row["id"] for row in db.read(IDS)]


def matching(db: Backend, *, templates: bool, category: str | None) -> list[str]:
    """The ids of the chains that have variables, or a stage of a category."""
    return [row["id"] for row in db.read(MATCHING, templates=int(templates), category=category)]


def add(tx: Any, row: Mapping[str, Any]) -> None:
    """Add a chain."""
    tx.execute(ADD, **row)


def replace(tx: Any, row: Mapping[str, Any]) -> None:
    """Give a chain another definition."""
    tx.execute(REPLACE, **{key: value for key, value in row.items() if key != "actor"})


def delete(tx: Any, id_: str) -> None:
    """Remove a chain."""
    tx.execute(DELETE, id=id_)


def instances(db: Backend, ids: Iterable[str]) -> dict[str, dict[str, int]]:
    """Chain -> status -> how many of its instances are in it."""
    found: dict[str, dict[str, int]] = {}
    for row in db.read(INSTANCES, ids=json.dumps(list(ids))):
        found.setdefault(row["chain_id"], {})[row["status"]] = row["instances"]
    return found


def delete_final(tx: Any, id_: str) -> int:
    """Remove the instances of a chain that are over, with their history; how many there were."""
    return int(tx.execute(DELETE_FINAL, id=id_))
