"""Links of tasks to records of other trackers."""

from __future__ import annotations

import json
import string
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
#: Providers whose ids mean the same in capitals; they are stored in small letters.
CASELESS = ("github",)
_CASELESS = f"provider_id IN ({', '.join(map(repr, CASELESS))})"
#: Where a task is linked to a record in several spellings, the given one comes first.
OF_TASK = (
    "SELECT * FROM external_task_links WHERE task_id = :task AND (external_id = :external "
    f"OR ({_CASELESS} AND external_id = :external COLLATE NOCASE)) "
    "AND (:provider IS NULL OR provider_id = :provider) ORDER BY external_id <> :external, id"
)
#: The one task that a foreign record belongs to; those it was transferred from do not count.
OWNER = (
    "SELECT * FROM external_task_links WHERE provider_id = :provider AND external_id = :external "
    "AND link_type <> 'transferred'"
)
#: The same for an id that may have been stored with capitals.
CASELESS_OWNER = (
    "SELECT * FROM external_task_links WHERE provider_id = :provider "
    "AND external_id = :external COLLATE NOCASE AND link_type <> 'transferred' ORDER BY id LIMIT 1"
)
#: Ids that were stored with capitals, and not in small letters as well.
SPELLINGS = (
    "SELECT external_id FROM external_task_links AS l WHERE provider_id = :provider "
    "AND link_type <> 'transferred' AND external_id GLOB '*[A-Z]*' AND NOT EXISTS (SELECT 1 "
    "FROM external_task_links AS small WHERE small.provider_id = l.provider_id "
    "AND small.external_id = lower(l.external_id) AND small.link_type <> 'transferred') "
    "ORDER BY id DESC"
)
DELETE = "DELETE FROM external_task_links WHERE id = :id"

_SMALL = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
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
    """The links of a task to a foreign id, at one provider or all; one for each provider."""
    found: dict[str, Row] = {}
    for row in db.read(OF_TASK, task=task, external=external, provider=provider):
        found.setdefault(row["provider_id"], row)
    return list(map(_loaded, found.values()))


def owner(db: Backend, provider: str, external: str) -> Row | None:
    """The link of the task that a foreign record belongs to."""
    row = db.one(OWNER, provider=provider, external=external)
    if row is None and provider in CASELESS:
        row = db.one(CASELESS_OWNER, provider=provider, external=external)
    return None if row is None else _loaded(row)


def folded(provider: str, external: str) -> str:
    """A foreign id as it is stored."""
    # As SQLite folds: other letters than those of ASCII stay as they are.
    return external.translate(_SMALL) if provider in CASELESS else external


def spellings(db: Backend, provider: str) -> dict[str, str]:
    """Ids that are stored with capitals, by what they would be stored as today."""
    if provider not in CASELESS:
        return {}
    rows = db.read(SPELLINGS, provider=provider)
    return {folded(provider, row["external_id"]): row["external_id"] for row in rows}


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
