"""Links of tasks to records of other trackers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from cleo_core.database import Backend, Row
from cleo_tasks.store import transfer

#: Every column of a link.
COLUMNS = (
    *("id", "task_id", "provider_id", "external_id", "external_url", "external_title"),
    *("link_type", "sync_direction", "external_updated_at", "content_hash", "metadata_json"),
    *("linked_at", "last_sync_at"),
)
OF_TASK = (
    "SELECT * FROM external_task_links WHERE task_id = :task AND external_id = :external "
    "AND (:provider IS NULL OR provider_id = :provider) ORDER BY id"
)
#: The one task that a foreign record belongs to; those it was transferred from do not count.
OWNER = (
    "SELECT * FROM external_task_links WHERE provider_id = :provider AND external_id = :external "
    "AND link_type <> 'transferred'"
)
DELETE = "DELETE FROM external_task_links WHERE id = :id"

_TERMS = {
    "task": "task_id = :task",
    "provider": "provider_id = :provider",
    "type": "link_type = :type",
    "direction": "sync_direction = :direction",
}
#: Columns of a link that may change.
CHANGING = (
    *("external_url", "external_title", "link_type", "sync_direction", "external_updated_at"),
    *("content_hash", "metadata", "last_sync_at"),
)


def page_statement(terms: Sequence[str]) -> str:
    """A page of the links that match filters, in the order in which they were made."""
    return (
        f"SELECT * FROM external_task_links {_where(terms)}ORDER BY id LIMIT :limit OFFSET :offset"
    )


def count_statement(terms: Sequence[str]) -> str:
    """How many links match filters."""
    return f"SELECT count(*) FROM external_task_links {_where(terms)}"


def update_statement(names: Sequence[str]) -> str:
    """UPDATE of some columns of one link."""
    columns = ", ".join(
        f"{'metadata_json' if name == 'metadata' else name} = :{name}" for name in names
    )
    return f"UPDATE external_task_links SET {columns} WHERE id = :id"


def statements() -> Iterator[str]:
    """The statements that are put together from parts."""
    for count in range(len(_TERMS) + 1):
        for terms in combinations(_TERMS, count):
            yield page_statement(terms)
            yield count_statement(terms)
    yield update_statement(CHANGING)


def of_task(db: Backend, task: str, external: str, provider: str | None) -> list[Row]:
    """The links of a task to a foreign id, at one provider or all."""
    return list(map(_loaded, db.read(OF_TASK, task=task, external=external, provider=provider)))


def owner(db: Backend, provider: str, external: str) -> Row | None:
    """The link of the task that a foreign record belongs to."""
    row = db.one(OWNER, provider=provider, external=external)
    return None if row is None else _loaded(row)


def page(
    db: Backend, filters: Mapping[str, str], *, limit: int, offset: int
) -> tuple[list[Row], int]:
    """A page of the links that match filters, and how many do."""
    terms = list(filters)
    rows = db.read(page_statement(terms), **filters, limit=limit, offset=offset)
    return list(map(_loaded, rows)), int(db.scalar(count_statement(terms), **filters))


def insert(db: Any, values: Mapping[str, Any]) -> Row:
    """Insert a link; returns it.

    :param values: as :data:`cleo_tasks.store.transfer.INSERT_LINK` names them.
    """
    stored = {**values, "metadata": json.dumps(values["metadata"], ensure_ascii=False)}
    db.execute(transfer.INSERT_LINK, **stored)
    return of_task(db, values["id"], values["external_id"], values["provider"])[0]


def update(db: Any, id_: int, values: Mapping[str, Any]) -> None:
    """Change columns of a link, those of :data:`CHANGING`."""
    stored = dict(values)
    if "metadata" in stored:
        stored["metadata"] = json.dumps(stored["metadata"], ensure_ascii=False)
    db.execute(update_statement(list(stored)), id=id_, **stored)


def delete(db: Any, id_: int) -> None:
    """Remove a link."""
    db.execute(DELETE, id=id_)


def _where(terms: Sequence[str]) -> str:
    return f"WHERE {' AND '.join(_TERMS[term] for term in terms)} " if terms else ""


def _loaded(row: Row) -> Row:
    found = dict(row)
    found["metadata"] = json.loads(found.pop("metadata_json"))
    return found
