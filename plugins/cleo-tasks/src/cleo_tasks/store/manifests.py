"""Manifests: texts that work brought forth, each stored once for a task."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cleo_core.database import Backend, Database, Row

#: What services read, by the record's field name.
COLUMNS = (
    *("id", "session_id", "task_id", "epic_id", "type", "title", "content", "content_hash"),
    *("status", "brain_obs_id", "source_file", "metadata", "created_at", "archived_at"),
)
LINE_COLUMNS = (
    *("id", "type", "title", "status", "task_id", "epic_id", "session_id", "brain_obs_id"),
    *("source_file", "created_at", "archived_at"),
)

INSERT = (
    "INSERT INTO pipeline_manifest (id, session_id, task_id, epic_id, type, title, content, "
    "content_hash, status, source_file, metadata_json, created_at) "
    "VALUES (:id, :session_id, :task_id, :epic_id, :type, :title, :content, :content_hash, "
    ":status, :source_file, :metadata, :created_at)"
)
SET_DISTILLED = (
    "UPDATE pipeline_manifest SET status = 'distilled', brain_obs_id = :observation WHERE id = :id"
)
DISTILLED_INTO = (
    "SELECT id, task_id, brain_obs_id FROM pipeline_manifest "
    "WHERE brain_obs_id IN (SELECT value FROM json_each(:observations)) ORDER BY seq"
)
FORGET_OBSERVATION = "UPDATE pipeline_manifest SET brain_obs_id = NULL WHERE id = :id"
SET_ARCHIVED = "UPDATE pipeline_manifest SET status = 'archived', archived_at = :now WHERE id = :id"
EXISTING = "SELECT id FROM pipeline_manifest WHERE id IN (SELECT value FROM json_each(:ids))"
BY_ID = "SELECT * FROM pipeline_manifest WHERE id = :id"
#: Without a task too the same content is one manifest; the index on ``task_id`` finds those.
SAME_CONTENT = (
    "SELECT * FROM pipeline_manifest WHERE task_id IS :task AND content_hash = :hash "
    "ORDER BY seq LIMIT 1"
)
#: Ids that begin with the same words; ``.`` comes right after ``-``.
LIKE_ID = (
    "SELECT id FROM pipeline_manifest WHERE id >= :id AND id < :id || '.' "
    "UNION SELECT id FROM manifest_entries WHERE id >= :id AND id < :id || '.'"
)
BEFORE = (
    "SELECT id FROM pipeline_manifest WHERE created_at < :before "
    "AND status IN ('active', 'distilled') ORDER BY seq"
)

#: Filters of a list: name -> SQL term.
FILTERS = {
    "task": "m.task_id = :task",
    "type": "m.type = :type",
    "status": "m.status = :status",
    "before": "m.created_at < :before",
}


def insert(db: Any, values: Mapping[str, Any]) -> None:
    """Insert one manifest; keys are the record's field names."""
    metadata = json.dumps(values["metadata"], ensure_ascii=False)
    db.execute(INSERT, **{**values, "metadata": metadata})


def get(db: Backend, id_: str) -> Row | None:
    """One manifest's columns with ``metadata`` decoded, or None."""
    found = db.one(BY_ID, id=id_)
    return None if found is None else _decoded(found)


def same_content(db: Backend, task: str | None, digest: str) -> Row | None:
    """The manifest of a task, or of none, whose content has this hash, as :func:`get` gives it."""
    found = db.one(SAME_CONTENT, task=task, hash=digest)
    return None if found is None else _decoded(found)


def free_id(db: Backend, wanted: str) -> str:
    """An id that neither a manifest nor a stage's output has: with ``-2`` and so on if need be."""
    taken = {row["id"] for row in db.read(LIKE_ID, id=wanted)}
    number, id_ = 1, wanted
    while id_ in taken:
        number += 1
        id_ = f"{wanted}-{number}"
    return id_


def older(db: Backend, before: str) -> list[str]:
    """The ids of manifests that were made before a time and are not archived."""
    return [row["id"] for row in db.read(BEFORE, before=before)]


def distilled_into(db: Backend, observations: Sequence[str]) -> list[Row]:
    """The manifests that name one of the observations: ``{id, task_id, brain_obs_id}``."""
    return db.read(DISTILLED_INTO, observations=json.dumps(list(observations)))


def existing(db: Backend, ids: Sequence[str]) -> set[str]:
    """Those of the ids that manifests have."""
    return {found["id"] for found in db.read(EXISTING, ids=json.dumps(list(ids)))}


def listing(
    db: Backend, filters: Mapping[str, Any], *, limit: int, offset: int
) -> tuple[list[Row], int]:
    """A page of manifests without their texts, newest first, and the number of all that match.

    :param filters: name of :data:`FILTERS` -> value.
    """
    page, count = list_statements(filters)
    rows = db.read(page, **filters, limit=limit, offset=offset)
    return rows, int(db.scalar(count, **filters))


def list_statements(filters: Iterable[str]) -> tuple[str, str]:
    """The two statements of a list: its page and its total."""
    where = _where(filters)
    columns = ", ".join(f"m.{name}" for name in LINE_COLUMNS)
    return (
        f"SELECT {columns} FROM pipeline_manifest AS m WHERE {where} "
        "ORDER BY m.seq DESC LIMIT :limit OFFSET :offset",
        f"SELECT count(*) FROM pipeline_manifest AS m WHERE {where}",
    )


def texts(db: Database, filters: Mapping[str, Any]) -> Iterator[Row]:
    """Every manifest that matches with its text, one at a time, newest first."""
    names = (*LINE_COLUMNS, "content")
    for values in db.iterate(text_statement(filters), **filters):
        yield dict(zip(names, values, strict=True))


def text_statement(filters: Iterable[str]) -> str:
    """The statement of :func:`texts`."""
    columns = ", ".join(f"m.{name}" for name in (*LINE_COLUMNS, "content"))
    return (
        f"SELECT {columns} FROM pipeline_manifest AS m WHERE {_where(filters)} ORDER BY m.seq DESC"
    )


def counts(db: Backend, filters: Mapping[str, Any]) -> list[Row]:
    """``{type, status, count}`` of the manifests that match."""
    return db.read(count_statement(filters), **filters)


def count_statement(filters: Iterable[str]) -> str:
    """The statement of :func:`counts`."""
    return (
        "SELECT m.type, m.status, count(*) AS count FROM pipeline_manifest AS m "
        f"WHERE {_where(filters)} GROUP BY m.type, m.status"
    )


def statements() -> Iterator[str]:
    """The statements that are put together from parts."""
    for filters in ((), tuple(FILTERS)):
        yield from list_statements(filters)
        yield text_statement(filters)
        yield count_statement(filters)


def _where(filters: Iterable[str]) -> str:
    return " AND ".join(FILTERS[name] for name in filters) or "true"


def _decoded(found: Row) -> Row:
    found["metadata"] = json.loads(found.pop("metadata_json"))
    del found["seq"]
    return found
