"""Architecture decisions: reading, writing, lists, and the edges between them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cleo_core.database import Backend, Database, Row

#: Columns of ``architecture_decisions`` that hold JSON, by the record's field name.
JSON_FIELDS = ("keywords", "topics")
#: What services may write, by the record's field name.
COLUMNS = (
    *("id", "number", "title", "content", "content_hash", "status", "date", "accepted_at"),
    *("consensus_manifest_id", "gate", "gate_status", "file_path", "summary", "keywords"),
    *("topics", "created_at", "updated_at", "removed_at"),
)
_LINE_COLUMNS = (
    "d.id, d.number, d.title, d.status, d.date, d.accepted_at, d.gate, d.gate_status, "
    "d.file_path, d.summary, d.keywords_json, d.topics_json, d.updated_at, d.removed_at"
)

BY_ID = "SELECT * FROM architecture_decisions WHERE id = :id"
ALL = (
    "SELECT id, number, title, content_hash, status, date, accepted_at, consensus_manifest_id, "
    "gate, gate_status, file_path, summary, keywords_json, topics_json, created_at, updated_at, "
    "removed_at FROM architecture_decisions ORDER BY number"
)
HIGHEST = "SELECT coalesce(max(number), 0) FROM architecture_decisions"
RELATIONS = (
    "SELECT from_adr_id, to_adr_id, relation_type, source FROM adr_relations "
    "ORDER BY from_adr_id, to_adr_id, relation_type"
)
RELATIONS_OF = (
    "SELECT from_adr_id, to_adr_id, relation_type, source FROM adr_relations "
    "WHERE from_adr_id = :id OR to_adr_id = :id ORDER BY from_adr_id, to_adr_id, relation_type"
)
ADD_RELATION = (
    "INSERT INTO adr_relations (from_adr_id, to_adr_id, relation_type, source) "
    "VALUES (:from_adr, :to_adr, :type, :source) ON CONFLICT DO NOTHING"
)
REMOVE_RELATION = (
    "DELETE FROM adr_relations WHERE from_adr_id = :from_adr AND to_adr_id = :to_adr "
    "AND relation_type = :type AND source = :source"
)
LINKS = (
    "SELECT adr_id, task_id, link_type, source FROM adr_task_links "
    "ORDER BY adr_id, task_id, link_type"
)
REMOVE_LINK = (
    "DELETE FROM adr_task_links WHERE adr_id = :adr AND task_id = :task "
    "AND link_type = :type AND source = :source"
)
EXISTING = "SELECT id FROM architecture_decisions WHERE id IN (SELECT value FROM json_each(:ids))"

#: Filters of ``adr list``: name -> SQL term. ``status`` and ``topic`` are JSON lists of words.
FILTERS = {
    "status": "d.status IN (SELECT value FROM json_each(:status))",
    "topic": "NOT EXISTS (SELECT 1 FROM json_each(:topic) AS wanted WHERE NOT EXISTS ("
    "SELECT 1 FROM json_each(d.topics_json) AS has WHERE lower(has.value) = lower(wanted.value)))",
    "task": "EXISTS (SELECT 1 FROM adr_task_links AS l "
    "WHERE l.adr_id = d.id AND l.task_id = :task)",
}
_PRESENT = "d.removed_at IS NULL"


def row(db: Backend, id_: str) -> Row | None:
    """One decision's columns with JSON decoded under the record's field names, or None."""
    found = db.one(BY_ID, id=id_)
    return None if found is None else decoded(found)


def existing(db: Backend, ids: Sequence[str]) -> set[str]:
    """Those of the ids that exist, with their file or without."""
    return {found["id"] for found in db.read(EXISTING, ids=json.dumps(list(ids)))}


def every(db: Backend) -> dict[str, Row]:
    """All decisions by id, in order, as :func:`row` gives them but without ``content``."""
    return {found["id"]: decoded(found) for found in db.read(ALL)}


def highest(db: Backend) -> int:
    """The highest number that a decision has, removed ones included; 0 for none."""
    return int(db.scalar(HIGHEST))


def insert(db: Any, values: Mapping[str, Any]) -> None:
    """Insert one decision; keys are the record's field names."""
    db.execute(insert_statement(values), **_encoded(values))


def update(db: Any, id_: str, values: Mapping[str, Any]) -> None:
    """Change columns of one decision."""
    db.execute(update_statement(values), **_encoded(values), _id=id_)


def insert_statement(names: Iterable[str]) -> str:
    """The INSERT for these field names."""
    listed = list(names)
    columns = ", ".join(map(_column, listed))
    values = ", ".join(f":{name}" for name in listed)
    return f"INSERT INTO architecture_decisions ({columns}) VALUES ({values})"


def update_statement(names: Iterable[str]) -> str:
    """The UPDATE for these field names."""
    terms = ", ".join(f"{_column(name)} = :{name}" for name in names)
    return f"UPDATE architecture_decisions SET {terms} WHERE id = :_id"


def relations(db: Backend) -> list[Row]:
    """Every edge: ``{from_adr_id, to_adr_id, relation_type, source}``."""
    return db.read(RELATIONS)


def relations_of(db: Backend, id_: str) -> list[Row]:
    """The edges of one decision in both directions, as :func:`relations` gives them."""
    return db.read(RELATIONS_OF, id=id_)


def add_relation(db: Any, from_adr: str, to_adr: str, type_: str, *, source: str) -> bool:
    """Add an edge; returns whether it is new."""
    return bool(
        db.execute(ADD_RELATION, from_adr=from_adr, to_adr=to_adr, type=type_, source=source)
    )


def remove_relation(db: Any, from_adr: str, to_adr: str, type_: str, *, source: str) -> bool:
    """Remove an edge if it has this source; returns whether it was there."""
    return bool(
        db.execute(REMOVE_RELATION, from_adr=from_adr, to_adr=to_adr, type=type_, source=source)
    )


def links(db: Backend) -> list[Row]:
    """Every link to a task: ``{adr_id, task_id, link_type, source}``."""
    return db.read(LINKS)


def remove_link(db: Any, adr: str, task: str, type_: str, *, source: str) -> bool:
    """Remove a link to a task if it has this source; returns whether it was there."""
    return bool(db.execute(REMOVE_LINK, adr=adr, task=task, type=type_, source=source))


def listing(
    db: Backend, filters: Mapping[str, Any], *, removed: bool, limit: int, offset: int
) -> tuple[list[Row], int]:
    """A page of decisions without their text, and the number of all that match.

    :param filters: name of :data:`FILTERS` -> value; lists are matched as sets.
    :param removed: with those whose file is gone.
    """
    params = _bound(filters)
    page, count = list_statements(filters, removed=removed)
    rows = db.read(page, **params, limit=limit, offset=offset)
    return [decoded(found) for found in rows], int(db.scalar(count, **params))


def list_statements(filters: Iterable[str], *, removed: bool) -> tuple[str, str]:
    """The two statements of a list: its page and its total."""
    where = _where(filters, removed=removed)
    return (
        f"SELECT {_LINE_COLUMNS} FROM architecture_decisions AS d WHERE {where} "
        "ORDER BY d.number LIMIT :limit OFFSET :offset",
        f"SELECT count(*) FROM architecture_decisions AS d WHERE {where}",
    )


def texts(db: Database, filters: Mapping[str, Any], *, removed: bool) -> Iterator[Row]:
    """Every decision that matches with its text, one at a time, as :func:`row` gives them."""
    statement = text_statement(filters, removed=removed)
    for values in db.iterate(statement, **_bound(filters)):
        yield decoded(dict(zip(map(_column, COLUMNS), values, strict=True)))


def text_statement(filters: Iterable[str], *, removed: bool) -> str:
    """The statement of :func:`texts`."""
    columns = ", ".join(f"d.{_column(name)}" for name in COLUMNS)
    where = _where(filters, removed=removed)
    return f"SELECT {columns} FROM architecture_decisions AS d WHERE {where} ORDER BY d.number"


def statements() -> Iterator[str]:
    """The statements that are put together from parts."""
    for removed in (False, True):
        for filters in ((), tuple(FILTERS)):
            yield from list_statements(filters, removed=removed)
            yield text_statement(filters, removed=removed)
    yield insert_statement(COLUMNS)
    yield update_statement(COLUMNS)


def decoded(found: Mapping[str, Any]) -> Row:
    """A row's columns under the record's field names."""
    result = dict(found)
    for name in JSON_FIELDS:
        result[name] = json.loads(result.pop(name + "_json"))
    return result


def _encoded(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: json.dumps(value, ensure_ascii=False) if name in JSON_FIELDS else value
        for name, value in values.items()
    }


def _bound(filters: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
        for name, value in filters.items()
    }


def _where(filters: Iterable[str], *, removed: bool) -> str:
    terms = [FILTERS[name] for name in filters]
    if not removed:
        terms.append(_PRESENT)
    return " AND ".join(terms) or "true"


def _column(name: str) -> str:
    return name + "_json" if name in JSON_FIELDS else name
