"""Entries and their typed rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cleo_core.database import Backend, Row

#: Columns of ``brain_entries`` that a new row brings; the others begin with their defaults.
COLUMNS = (
    *("id", "kind", "title", "body", "extra", "context", "dates", "thread", "origin", "tier"),
    *("tier_changed_at", "tier_reason", "verified", "verified_by", "verified_at"),
    *("source_confidence", "quality", "uses", "last_used_at", "seen", "last_seen_at"),
    *("content_hash", "text_hash", "tokens", "agent", "metadata_json", "valid_at"),
    *("invalid_at", "invalid_reason", "created_at", "updated_at"),
)
#: Kind -> the columns of its table, the id left out.
TYPED: Mapping[str, tuple[str, ...]] = {
    "decision": (
        *("type", "decision", "rationale", "confidence", "outcome", "alternatives_json"),
        *("context_epic_id", "context_task_id", "context_phase", "adr_id", "adr_path"),
        *("confirmation_state", "decided_by"),
    ),
    "pattern": (
        *("type", "pattern", "context", "frequency", "success_rate", "impact", "anti_pattern"),
        *("mitigation", "examples_json"),
    ),
    "learning": (
        *("insight", "source", "confidence", "actionable", "application"),
        *("applicable_types_json", "confirmed_at"),
    ),
    "observation": (
        *("type", "subtitle", "title_derived", "title", "narrative", "facts_json"),
        *("concepts_json", "files_read_json", "files_modified_json", "project"),
        *("source_session_id", "source_type", "discovery_tokens", "attachments_json"),
    ),
    "sticky": ("content", "status", "color", "priority", "converted_to", "expires_at"),
}
TABLE = {
    "decision": "brain_decisions",
    "pattern": "brain_patterns",
    "learning": "brain_learnings",
    "observation": "brain_observations",
    "sticky": "brain_sticky_notes",
}

INSERT = (
    f"INSERT INTO brain_entries ({', '.join(COLUMNS)}) "
    f"VALUES ({', '.join(':' + name for name in COLUMNS)}) RETURNING seq"
)
TYPED_INSERT = {
    kind: f"INSERT INTO {TABLE[kind]} (id, {', '.join(columns)}) "
    f"VALUES (:id, {', '.join(':' + name for name in columns)})"
    for kind, columns in TYPED.items()
}
BY_ID = "SELECT * FROM brain_entries WHERE id = :id"
BY_IDS = "SELECT * FROM brain_entries WHERE id IN (SELECT value FROM json_each(:ids))"
BY_SEQS = "SELECT * FROM brain_entries WHERE seq IN (SELECT value FROM json_each(:seqs))"
TYPED_BY_IDS = {
    kind: f"SELECT * FROM {table} WHERE id IN (SELECT value FROM json_each(:ids))"
    for kind, table in TABLE.items()
}
LIVE_TWIN = (
    "SELECT * FROM brain_entries WHERE kind = :kind AND content_hash = :content_hash "
    "AND invalid_at IS NULL AND kind <> 'sticky'"
)
TAKEN = "SELECT 1 FROM brain_entries WHERE id = :id"
EXISTING = (
    "SELECT id FROM brain_entries WHERE kind = :kind AND id IN (SELECT value FROM json_each(:ids))"
)
HIGHEST = {
    "decision": (
        "SELECT max(CAST(substr(id, 2) AS INTEGER)) FROM brain_entries "
        "WHERE kind = 'decision' AND id GLOB 'D[0-9]*'"
    ),
    "sticky": (
        "SELECT max(CAST(substr(id, 4) AS INTEGER)) FROM brain_entries WHERE kind = 'sticky'"
    ),
}
META = "SELECT value FROM brain_schema_meta WHERE key = :key"
SET_META = (
    "INSERT INTO brain_schema_meta (key, value) VALUES (:key, :value) "
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)
#: Bodies of the live entries next to one in its thread, nearest first.
BEFORE_IN_THREAD = (
    "SELECT seq, substr(body, 1, 400) AS body FROM brain_entries WHERE thread = :thread "
    "AND seq < :seq AND kind = 'observation' AND invalid_at IS NULL ORDER BY seq DESC LIMIT :n"
)
AFTER_IN_THREAD = (
    "SELECT seq, substr(body, 1, 400) AS body FROM brain_entries WHERE thread = :thread "
    "AND seq > :seq AND kind = 'observation' AND invalid_at IS NULL ORDER BY seq LIMIT :n"
)
#: Withdrawn entries of a thread, whose context is as it was when they were withdrawn.
WITHDRAWN_BETWEEN = (
    "SELECT seq FROM brain_entries WHERE thread = :thread AND seq BETWEEN :low AND :high "
    "AND kind = 'observation' AND invalid_at IS NOT NULL ORDER BY seq"
)
#: One statement for all: FTS5 writes its index out for each.
SET_CONTEXTS = (
    "UPDATE brain_entries SET context = new.value FROM json_each(:contexts) AS new "
    "WHERE brain_entries.seq = CAST(new.key AS INTEGER) AND brain_entries.context <> new.value"
)

#: ``json.dumps`` would make an encoder for every value.
_ENCODE = json.JSONEncoder(ensure_ascii=False).encode


def encoded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Columns as SQLite takes them: ``*_json`` as text."""
    return {
        name: as_json(value) if name.endswith("_json") else value for name, value in values.items()
    }


def as_json(value: Any) -> str:
    """A list or a mapping as its column holds it."""
    return _ENCODE(value) if value else "[]" if value == [] else "{}"


def decoded(row: Row) -> dict[str, Any]:
    """The columns of a row with what is JSON decoded."""
    return {
        name: json.loads(value) if name.endswith("_json") else value for name, value in row.items()
    }


def insert(tx: Any, values: Mapping[str, Any], typed: Mapping[str, Any]) -> int:
    """Insert an entry with its typed row; returns its ``seq``."""
    seq = int(tx.scalar(INSERT, **encoded(values)))
    tx.execute(TYPED_INSERT[values["kind"]], id=values["id"], **encoded(typed))
    return seq


def update(tx: Any, id_: str, values: Mapping[str, Any]) -> None:
    """Set columns of an entry."""
    if values:
        columns = ", ".join(f"{name} = :{name}" for name in values)
        tx.execute(
            f"UPDATE brain_entries SET {columns} WHERE id = :entry", entry=id_, **encoded(values)
        )


def update_typed(tx: Any, kind: str, id_: str, values: Mapping[str, Any]) -> None:
    """Set columns of an entry's typed row."""
    if values:
        columns = ", ".join(f"{name} = :{name}" for name in values)
        tx.execute(
            f"UPDATE {TABLE[kind]} SET {columns} WHERE id = :entry", entry=id_, **encoded(values)
        )


def get(db: Backend, id_: str) -> dict[str, Any] | None:
    """An entry's columns, or None."""
    row = db.one(BY_ID, id=id_)
    return None if row is None else decoded(row)


def by_ids(db: Backend, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Columns of entries by id; what does not exist is left out."""
    rows = db.read(BY_IDS, ids=json.dumps(list(ids)))
    return {row["id"]: decoded(row) for row in rows}


def by_seqs(db: Backend, seqs: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Columns of entries by ``seq``."""
    rows = db.read(BY_SEQS, seqs=json.dumps(list(seqs)))
    return {row["seq"]: decoded(row) for row in rows}


def typed_by_ids(db: Backend, kind: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Typed columns of entries of one kind by id."""
    rows = db.read(TYPED_BY_IDS[kind], ids=json.dumps(list(ids)))
    return {row["id"]: decoded(row) for row in rows}


def typed_of(db: Backend, rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Typed columns by id of entries of any kinds, one statement for each kind."""
    kinds: dict[str, list[str]] = {}
    for row in rows:
        kinds.setdefault(row["kind"], []).append(row["id"])
    found: dict[str, dict[str, Any]] = {}
    for kind, ids in kinds.items():
        found.update(typed_by_ids(db, kind, ids))
    return found


def live_twin(db: Backend, kind: str, content_hash: str) -> dict[str, Any] | None:
    """The live entry of a kind that says the same, or None."""
    row = db.one(LIVE_TWIN, kind=kind, content_hash=content_hash)
    return None if row is None else decoded(row)


def taken(db: Backend, id_: str) -> bool:
    """Whether an id is some entry's."""
    return db.scalar(TAKEN, id=id_) is not None


def existing(db: Backend, kind: str, ids: Sequence[str]) -> frozenset[str]:
    """Those of the ids that are entries of the kind."""
    rows = db.read(EXISTING, kind=kind, ids=json.dumps(list(ids)))
    return frozenset(row["id"] for row in rows)


def meta(db: Backend, key: str) -> str:
    """A value that the store keeps about itself; empty where there is none."""
    return str(db.scalar(META, key=key) or "")


def set_meta(tx: Any, key: str, value: str) -> None:
    """Keep a value about the store itself."""
    tx.execute(SET_META, key=key, value=value)


def next_number(tx: Any, kind: str) -> int:
    """Take the next number of decisions or sticky notes; none is given twice."""
    number = last_number(tx, kind) + 1
    keep_number(tx, kind, number)
    return number


def last_number(db: Backend, kind: str) -> int:
    """The highest number that a decision or a sticky note has, or was ever given."""
    return max(int(meta(db, f"{kind}_sequence") or 0), int(db.scalar(HIGHEST[kind]) or 0))


def keep_number(tx: Any, kind: str, number: int) -> None:
    """Note a number as given."""
    set_meta(tx, f"{kind}_sequence", str(number))


def beside(db: Backend, thread: str, seq: int, n: int) -> tuple[list[Row], list[Row]]:
    """The live observations before (nearest first) and after one in its thread."""
    return (
        db.read(BEFORE_IN_THREAD, thread=thread, seq=seq, n=n),
        db.read(AFTER_IN_THREAD, thread=thread, seq=seq, n=n),
    )


def withdrawn_between(db: Backend, thread: str, low: int, high: int) -> list[int]:
    """The ``seq`` of withdrawn observations in a stretch of a thread."""
    rows = db.read(WITHDRAWN_BETWEEN, thread=thread, low=low, high=high)
    return [row["seq"] for row in rows]


def before_in_thread(db: Backend, thread: str, seq: int, n: int) -> list[Row]:
    """The live observations before a place in a thread, nearest first."""
    return db.read(BEFORE_IN_THREAD, thread=thread, seq=seq, n=n)


def set_contexts(tx: Any, contexts: Mapping[int, str]) -> int:
    """Set the context column of entries where it differs; returns the rows changed."""
    return int(tx.execute(SET_CONTEXTS, contexts=_ENCODE(contexts))) if contexts else 0
