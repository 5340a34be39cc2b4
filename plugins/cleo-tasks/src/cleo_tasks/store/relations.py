"""Relations between tasks, which never affect what is ready."""

from __future__ import annotations

from typing import Any

from cleo_core.database import Backend, Row

GET = (
    "SELECT reason FROM task_relations "
    "WHERE task_id = :task AND related_to = :other AND relation_type = :type"
)
PUT = (
    "INSERT INTO task_relations (task_id, related_to, relation_type, reason, created_at) "
    "VALUES (:task, :other, :type, :reason, :now) "
    "ON CONFLICT (task_id, related_to, relation_type) DO UPDATE SET reason = excluded.reason"
)
DELETE = (
    "DELETE FROM task_relations WHERE task_id = :task AND related_to = :other "
    "AND (:type IS NULL OR relation_type = :type)"
)
FROM = (
    "SELECT related_to, relation_type, reason FROM task_relations WHERE task_id = :id "
    "ORDER BY related_to, relation_type"
)
_OF = (
    "SELECT task_id, related_to, relation_type, reason, created_at, related_to AS other "
    "FROM task_relations WHERE task_id = :id "
    "UNION ALL SELECT task_id, related_to, relation_type, reason, created_at, task_id "
    "FROM task_relations WHERE related_to = :id"
)
OF = (
    f"SELECT r.* FROM ({_OF}) AS r JOIN tasks AS t ON t.id = r.other "
    "ORDER BY t.seq, r.relation_type, r.task_id LIMIT :limit OFFSET :offset"
)
COUNT_OF = (
    "SELECT (SELECT count(*) FROM task_relations WHERE task_id = :id) "
    "+ (SELECT count(*) FROM task_relations WHERE related_to = :id)"
)
# Without a shared label the other points stay below what is shown, so labels find all.
_SIMILAR = (
    "SELECT t.id, t.seq, shared.labels, t.phase IS NOT NULL AND t.phase IS me.phase AS phase, "
    "t.parent_id IS NOT NULL AND t.parent_id IS me.parent_id AS parent, "
    "20 * shared.labels + 15 * (t.phase IS NOT NULL AND t.phase IS me.phase) "
    "+ 25 * (t.parent_id IS NOT NULL AND t.parent_id IS me.parent_id) AS score "
    "FROM (SELECT theirs.task_id AS id, count(*) AS labels FROM task_labels AS mine "
    "JOIN task_labels AS theirs ON theirs.label = mine.label "
    "WHERE mine.task_id = :id AND theirs.task_id <> :id GROUP BY theirs.task_id) AS shared "
    "JOIN tasks AS t ON t.id = shared.id JOIN tasks AS me ON me.id = :id "
    "WHERE t.status IN ('pending', 'active', 'blocked', 'done', 'cancelled', 'proposed') "
    "AND NOT EXISTS (SELECT 1 FROM task_relations WHERE task_id = :id AND related_to = t.id) "
    "AND NOT EXISTS (SELECT 1 FROM task_relations WHERE task_id = t.id AND related_to = :id)"
)
SIMILAR = (
    f"SELECT * FROM ({_SIMILAR}) WHERE score >= :least ORDER BY score DESC, seq "
    "LIMIT :limit OFFSET :offset"
)
COUNT_SIMILAR = f"SELECT count(*) FROM ({_SIMILAR}) WHERE score >= :least"


def reason_of(db: Backend, task: str, other: str, type_: str) -> Row | None:
    """``{reason}`` of a relation, or None where there is none."""
    return db.one(GET, task=task, other=other, type=type_)


def put(db: Any, task: str, other: str, type_: str, *, reason: str | None, now: str) -> None:
    """Make a relation, or give it another reason."""
    db.execute(PUT, task=task, other=other, type=type_, reason=reason, now=now)


def remove(db: Any, task: str, other: str, type_: str | None) -> int:
    """Remove the relations of a task to another one, of all types or one; returns how many."""
    return int(db.execute(DELETE, task=task, other=other, type=type_))


def named_first(db: Backend, id_: str) -> list[Row]:
    """The relations that belong to a task, as its audit shows them."""
    return db.read(FROM, id=id_)


def page(db: Backend, id_: str, *, limit: int, offset: int) -> tuple[list[Row], int]:
    """Relations of a task in both directions, with the ``other`` end, and their number."""
    return db.read(OF, id=id_, limit=limit, offset=offset), int(db.scalar(COUNT_OF, id=id_))


def similar(db: Backend, id_: str, *, least: int, limit: int, offset: int) -> tuple[list[Row], int]:
    """Unrelated tasks like this one: ``{id, score, labels, phase, parent}``, and their number."""
    rows = db.read(SIMILAR, id=id_, least=least, limit=limit, offset=offset)
    return rows, int(db.scalar(COUNT_SIMILAR, id=id_, least=least))
