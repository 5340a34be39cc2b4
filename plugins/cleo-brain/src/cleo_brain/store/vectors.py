"""Models, vectors, and which entries lack a current one.

A vector is current if its slot is the active model's and its ``text_hash`` the entry's. Entries up
to the *mark* that the store keeps about itself have been looked at with the model that it names, so
that only what came later has to be searched for missing vectors. Sticky notes, the only entries
whose text changes, are looked at every time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from cleo_brain.store.entries import meta, set_meta
from cleo_brain.store.live import LIVE
from cleo_core.database import Backend, Row

#: Whose vectors the store holds, up to where they are complete, and how often they changed.
EMBEDDER = "embedder"
MARK = "vector_mark"
GENERATION = "vector_generation"

_LACKING = (
    "NOT EXISTS (SELECT 1 FROM brain_vectors AS v WHERE v.seq = e.seq AND v.slot = :slot "
    "AND v.text_hash = e.text_hash)"
)
_LATE = f"FROM brain_entries AS e WHERE e.seq > :mark AND {LIVE} AND {_LACKING}"
_NOTES = (
    f"FROM brain_entries AS e WHERE e.kind = 'sticky' AND e.seq <= :mark AND {LIVE} AND {_LACKING}"
)
_TEXT = "SELECT e.seq, e.id, e.title, e.body, e.text_hash "

MODEL = "SELECT slot, dims FROM brain_models WHERE model_id = :model"
ADD_MODEL = (
    "INSERT INTO brain_models (model_id, dims, created_at) VALUES (:model, :dims, :now) "
    "RETURNING slot"
)
DROP_MODELS = (
    "DELETE FROM brain_models WHERE slot <> :slot "
    "AND NOT EXISTS (SELECT 1 FROM brain_vectors AS v WHERE v.slot = brain_models.slot)"
)
MODELS = (
    "SELECT m.slot, m.model_id, m.dims, "
    "EXISTS (SELECT 1 FROM brain_vectors AS v WHERE v.slot = m.slot) AS used "
    "FROM brain_models AS m ORDER BY m.slot"
)
PENDING = f"{_TEXT} {_LATE} ORDER BY e.seq DESC LIMIT :n"
PENDING_NOTES = f"{_TEXT} {_NOTES} ORDER BY e.seq DESC LIMIT :n"
PENDING_BELOW = (
    f"{_TEXT} FROM brain_entries AS e WHERE e.seq < :below AND {LIVE} AND {_LACKING} "
    "ORDER BY e.seq DESC LIMIT :n"
)
COUNT_PENDING = f"SELECT count(*) {_LATE}"
COUNT_PENDING_NOTES = f"SELECT count(*) {_NOTES}"
LIVE_BELOW = (
    f"{_TEXT} FROM brain_entries AS e WHERE e.seq < :below AND {LIVE} ORDER BY e.seq DESC LIMIT :n"
)
COUNT_LIVE = f"SELECT count(*) FROM brain_entries AS e WHERE {LIVE}"
COUNT_CURRENT = (
    "SELECT count(*) FROM brain_vectors AS v CROSS JOIN brain_entries AS e ON e.seq = v.seq "
    f"WHERE v.slot = :slot AND v.text_hash = e.text_hash AND {LIVE}"
)
NEWEST = "SELECT coalesce(max(seq), 0) FROM brain_entries"
NEWEST_VECTOR = "SELECT coalesce(max(seq), 0) FROM brain_vectors WHERE slot = :slot"
AT_MOST = "SELECT count(*) FROM (SELECT 1 FROM brain_vectors WHERE slot = :slot LIMIT :n)"
UNCHANGED = (
    "SELECT e.seq FROM json_each(:rows) AS j CROSS JOIN brain_entries AS e "
    "ON e.seq = json_extract(j.value, '$[0]') AND e.text_hash = json_extract(j.value, '$[1]')"
)
EARLIER = "SELECT seq, indexed FROM brain_vectors WHERE seq IN (SELECT value FROM json_each(:seqs))"
DELETE = "DELETE FROM brain_vectors WHERE seq IN (SELECT value FROM json_each(:seqs))"
INSERT = (
    "INSERT INTO brain_vectors (seq, slot, text_hash, code, indexed, created_at) "
    "VALUES (:seq, :slot, :text_hash, :code, :indexed, :now)"
)
INSERT_VALUES = "INSERT INTO brain_vector_values (seq, embedding) VALUES (:seq, :embedding)"
#: What is compared exactly: current vectors of live entries. Left to itself, the planner walks
#: through all live entries instead of the few that are asked for.
NEAR = (
    "SELECT v.seq, x.embedding FROM json_each(:seqs) AS j "
    "CROSS JOIN brain_vectors AS v ON v.seq = j.value AND v.slot = :slot "
    "CROSS JOIN brain_entries AS e ON e.seq = v.seq AND e.text_hash = v.text_hash "
    f"CROSS JOIN brain_vector_values AS x ON x.seq = v.seq WHERE {LIVE}"
)
#: Which of them those are.
NEAR_SEQS = NEAR.replace(", x.embedding FROM", " FROM").replace(
    "CROSS JOIN brain_vector_values AS x ON x.seq = v.seq ", ""
)
#: Vectors of any model, of entries that may be withdrawn or changed: a first look.
RAW = (
    "SELECT x.seq, x.embedding FROM json_each(:seqs) AS j "
    "CROSS JOIN brain_vector_values AS x ON x.seq = j.value"
)
#: Current vectors of entries that may be withdrawn.
VALUES = (
    "SELECT v.seq, x.embedding FROM json_each(:seqs) AS j "
    "CROSS JOIN brain_vectors AS v ON v.seq = j.value AND v.slot = :slot "
    "CROSS JOIN brain_entries AS e ON e.seq = v.seq AND e.text_hash = v.text_hash "
    "CROSS JOIN brain_vector_values AS x ON x.seq = v.seq"
)
ALL_SEQS = "SELECT seq FROM brain_vectors WHERE slot = :slot"
NOT_INDEXED_SEQS = "SELECT seq FROM brain_vectors WHERE indexed = 0 AND slot = :slot"
NOT_INDEXED = (
    f"SELECT v.seq, v.code, x.embedding, {LIVE} AS live FROM brain_vectors AS v "
    "CROSS JOIN brain_entries AS e ON e.seq = v.seq "
    "CROSS JOIN brain_vector_values AS x ON x.seq = v.seq "
    "WHERE v.indexed = 0 AND v.slot = :slot LIMIT :n"
)
_OF_LIVE = (
    "SELECT v.seq FROM brain_vectors AS v CROSS JOIN brain_entries AS e ON e.seq = v.seq "
    f"WHERE v.slot = :slot AND {LIVE}"
)
#: Live entries whose vector is of their text.
LIVE_SEQS = f"{_OF_LIVE} AND v.text_hash = e.text_hash"
INDEXED_SEQS = f"{LIVE_SEQS} AND v.indexed = 1"
#: Live entries, those whose vector is of their text, and those whose vector no index holds.
COUNTS = (
    "SELECT count(*) AS live, total(v.text_hash = e.text_hash) AS current, "
    "total(v.indexed = 0) AS unindexed FROM brain_entries AS e "
    f"LEFT JOIN brain_vectors AS v ON v.seq = e.seq AND v.slot = :slot WHERE {LIVE}"
)
#: In one statement, as every write asks it: the newest entry, the mark, and whether the index is
#: behind.
BEHIND = (
    f"SELECT ({NEWEST}) AS newest, (SELECT value FROM brain_schema_meta WHERE key = '{MARK}') "
    "AS mark, EXISTS (SELECT 1 FROM brain_vec_stale) OR EXISTS (SELECT 1 FROM brain_vectors "
    "WHERE indexed = 0 AND slot = (SELECT slot FROM brain_models WHERE model_id = "
    f"(SELECT value FROM brain_schema_meta WHERE key = '{EMBEDDER}'))) AS waits"
)
SET_INDEXED = (
    "UPDATE brain_vectors SET indexed = :indexed "
    "WHERE indexed <> :indexed AND seq IN (SELECT value FROM json_each(:seqs))"
)
NONE_INDEXED = "UPDATE brain_vectors SET indexed = 0 WHERE indexed = 1"
ALL_STALE = (
    "INSERT INTO brain_vec_stale (seq) SELECT seq FROM brain_vectors WHERE indexed = 1 "
    "ON CONFLICT DO NOTHING"
)
ADD_STALE = (
    "INSERT INTO brain_vec_stale (seq) SELECT value FROM json_each(:seqs) WHERE true "
    "ON CONFLICT DO NOTHING"
)
STALE = "SELECT seq FROM brain_vec_stale LIMIT :n"
COUNT_STALE = "SELECT count(*) FROM brain_vec_stale"
DROP_STALE = "DELETE FROM brain_vec_stale WHERE seq IN (SELECT value FROM json_each(:seqs))"
DROP_ALL_STALE = "DELETE FROM brain_vec_stale"
CODES = "SELECT seq, code FROM brain_vectors WHERE slot = :slot AND seq > :after ORDER BY seq"
CODES_NOT_INDEXED = "SELECT seq, code FROM brain_vectors WHERE indexed = 0 AND slot = :slot"
EMBEDDINGS = (
    "SELECT v.seq, x.embedding FROM brain_vectors AS v CROSS JOIN brain_vector_values AS x "
    "ON x.seq = v.seq WHERE v.slot = :slot AND v.seq > :after ORDER BY v.seq"
)


def listed(seqs: Iterable[int]) -> str:
    """Numbers as the statements take them."""
    return json.dumps(list(seqs))


def model(db: Backend, model_id: str) -> tuple[int, int] | None:
    """Slot and dimensions of a model; None where it has no vectors here."""
    row = db.one(MODEL, model=model_id)
    return None if row is None else (row["slot"], row["dims"])


def mark(db: Backend, model_id: str) -> int:
    """Up to which ``seq`` every live entry has been embedded with a model, notes excepted."""
    if meta(db, EMBEDDER) != model_id:
        return 0
    text = meta(db, MARK)
    return int(text) if text.isdigit() else 0


def set_mark(tx: Any, seq: int) -> None:
    """Say up to where vectors are complete."""
    set_meta(tx, MARK, str(seq))


def newest(db: Backend) -> int:
    """The highest ``seq``."""
    return int(db.scalar(NEWEST))


def pending(db: Backend, slot: int | None, mark: int, now: str, n: int) -> list[Row]:
    """The newest live entries without a current vector, at most ``n``."""
    given = {"slot": slot, "mark": mark, "now": now, "n": n}
    late = db.read(PENDING, **given)
    return late if len(late) >= n else [*late, *db.read(PENDING_NOTES, **given)][:n]


def count_pending(db: Backend, slot: int | None, mark: int, now: str) -> int:
    """Live entries without a current vector."""
    given = {"slot": slot, "mark": mark, "now": now}
    return int(db.scalar(COUNT_PENDING, **given)) + int(db.scalar(COUNT_PENDING_NOTES, **given))


def at_most(db: Backend, slot: int, n: int) -> int:
    """How many vectors a slot has, counted up to ``n``."""
    return int(db.scalar(AT_MOST, slot=slot, n=n))


def near(db: Backend, seqs: Sequence[int], slot: int, now: str) -> list[tuple[int, bytes]]:
    """Current vectors of those entries that are live, as (seq, embedding)."""
    rows = db.read(NEAR, seqs=listed(seqs), slot=slot, now=now)
    return [(row["seq"], row["embedding"]) for row in rows]


def near_seqs(db: Backend, seqs: Sequence[int], slot: int, now: str) -> frozenset[int]:
    """Those of the entries that are live and have a current vector."""
    rows = db.read(NEAR_SEQS, seqs=listed(seqs), slot=slot, now=now)
    return frozenset(row["seq"] for row in rows)


def raw(db: Backend, seqs: Sequence[int]) -> list[tuple[int, bytes]]:
    """Whatever vectors entries have."""
    return [(row["seq"], row["embedding"]) for row in db.read(RAW, seqs=listed(seqs))]


def values(db: Backend, seqs: Sequence[int], slot: int) -> list[tuple[int, bytes]]:
    """Current vectors of entries, withdrawn ones included."""
    rows = db.read(VALUES, seqs=listed(seqs), slot=slot)
    return [(row["seq"], row["embedding"]) for row in rows]


def seqs(db: Backend, statement: str, **params: Any) -> list[int]:
    """The numbers that a statement of one column ``seq`` gives."""
    return [row["seq"] for row in db.read(statement, **params)]
