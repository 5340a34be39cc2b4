"""Tasks on their way out of the store, and the statements that bring many in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cleo_core.database import Backend, Row
from cleo_tasks.store import tasks

# In

LAST_POSITIONS = (
    "SELECT parent.value AS parent, coalesce(max((SELECT max(position) FROM tasks "
    "WHERE parent_id IS parent.value AND status = word.value)), 0) AS position "
    'FROM json_each(:parents) AS parent, json_each(\'["pending","active","blocked",'
    '"done","cancelled","archived","proposed"]\') AS word GROUP BY parent.key'
)
INSERT_LABEL = (
    "INSERT INTO task_labels (label, task_id) VALUES (:label, :id) ON CONFLICT DO NOTHING"
)
INSERT_GATE = (
    "INSERT INTO task_gate_results (task_id, gate, result, round, agent_id, evidence_json, reason, "
    "checked_at) VALUES (:id, :gate, :result, :round, :agent_id, :evidence, :reason, :checked_at)"
)
INSERT_LINK = (
    "INSERT INTO external_task_links (task_id, provider_id, external_id, external_url, "
    "external_title, link_type, sync_direction, external_updated_at, content_hash, metadata_json, "
    "linked_at, last_sync_at) VALUES (:id, :provider, :external_id, :url, :title, :type, "
    ":direction, :updated_at, :content_hash, :metadata, :linked_at, :last_sync_at)"
)
#: Links that an export brings along give way to those that are there.
INSERT_BROUGHT_LINK = f"{INSERT_LINK} ON CONFLICT DO NOTHING"
INSERT_DEPENDENCY = (
    "INSERT INTO task_dependencies (task_id, depends_on, created_at, created_by) "
    "VALUES (:id, :depends_on, :at, :by) ON CONFLICT DO NOTHING"
)
INSERT_RELATION = (
    "INSERT INTO task_relations (task_id, related_to, relation_type, reason, created_at) "
    "VALUES (:id, :related_to, :type, :reason, :at) ON CONFLICT DO NOTHING"
)
INSERT_PHASE = (
    "INSERT INTO phases (slug, name, position, status, started_at, completed_at) "
    "SELECT :slug, :name, CASE WHEN :position IS NULL "
    "OR EXISTS (SELECT 1 FROM phases WHERE position = :position) "
    "THEN (SELECT coalesce(max(position), 0) + 1 FROM phases) ELSE :position END, "
    "CASE WHEN :status = 'active' AND EXISTS (SELECT 1 FROM phases WHERE status = 'active') "
    "THEN 'pending' ELSE :status END, :started_at, :completed_at"
)
PHASES_OF = "SELECT slug FROM phases WHERE slug IN (SELECT value FROM json_each(:slugs))"
DEPENDENCIES_OF = (
    "SELECT task_id, depends_on FROM task_dependencies "
    "WHERE task_id IN (SELECT value FROM json_each(:ids)) ORDER BY task_id, depends_on"
)
OPEN_PROPOSED = (
    "UPDATE tasks SET status = :status WHERE status = 'proposed' "
    "AND id IN (SELECT value FROM json_each(:ids))"
)
STATUS = "SELECT status FROM tasks WHERE id = :id"
STATUS_OF = "SELECT id, status FROM tasks WHERE id IN (SELECT value FROM json_each(:ids))"
FINISH_LINKS = (
    "UPDATE external_task_links SET last_sync_at = :now, "
    "metadata_json = json_remove(metadata_json, '$.numbers') WHERE provider_id = :provider "
    "AND last_sync_at IS NULL AND task_id IN (SELECT value FROM json_each(:ids))"
)
#: What imports that were cut short have taken: the numbers after the first of each pair, up to the
#: second. Every link that such a run made says it, until its task is finished.
RESERVED = (
    "SELECT DISTINCT json_extract(metadata_json, '$.numbers') AS numbers FROM external_task_links "
    "WHERE link_type = 'created' AND last_sync_at IS NULL AND json_type(metadata_json, '$.numbers')"
    " = 'array'"
)
RESERVE = (
    "UPDATE external_task_links SET metadata_json = "
    "json_set(metadata_json, '$.numbers', json(:numbers)) WHERE link_type = 'created' "
    "AND last_sync_at IS NULL AND json_extract(metadata_json, '$.numbers') = :before"
)
LINK_OF = (
    "SELECT metadata_json FROM external_task_links WHERE provider_id = :provider "
    "AND external_id = :external_id AND link_type <> 'transferred'"
)
SYNC_LINK = (
    "UPDATE external_task_links SET external_url = coalesce(:url, external_url), "
    "external_title = :title, external_updated_at = :updated_at, content_hash = :content_hash, "
    "metadata_json = :metadata, last_sync_at = :now WHERE provider_id = :provider "
    "AND external_id = :external_id AND link_type <> 'transferred'"
)
AGREE = (
    "UPDATE external_task_links SET metadata_json = json_set(metadata_json, '$.agreed', "
    "json(:agreed)) WHERE provider_id = :provider AND external_id = :external_id "
    "AND link_type <> 'transferred'"
)
WAITING_EDGES = (
    "SELECT CAST(substr(task_id, 2) AS INTEGER), CAST(substr(depends_on, 2) AS INTEGER) "
    "FROM task_dependencies UNION ALL "
    "SELECT CAST(substr(parent_id, 2) AS INTEGER), seq FROM tasks WHERE parent_id IS NOT NULL"
)
#: Moves when another connection has committed.
DATA_VERSION = "PRAGMA data_version"
LAST_AUDIT = "SELECT coalesce(max(id), 0) FROM audit_log"
#: Did another command add a way to wait since then? The log of changes knows.
EDGES_SINCE = (
    "SELECT EXISTS (SELECT 1 FROM audit_log WHERE id > :last AND request_id <> :request "
    "AND after_json IS NOT NULL AND (json_array_length(after_json, '$.depends_on') > 0 "
    "OR json_extract(after_json, '$.parent_id') IS NOT NULL))"
)

# Out

_DOWN = (
    "UNION SELECT t.id, inside.depth + 1 FROM inside "
    "JOIN tasks AS t ON t.parent_id = inside.id WHERE inside.depth < 64) "
)
#: What a term needs before the statement.
_SUBTREES = {
    "within": "WITH RECURSIVE inside(id, depth) AS (SELECT id, 0 FROM tasks WHERE id = :within "
    + _DOWN,
    "below": "WITH RECURSIVE inside(id, depth) AS (SELECT value, 0 FROM json_each(:below) " + _DOWN,
}
_TERMS = {
    "within": "t.id IN (SELECT id FROM inside)",
    "below": "t.id IN (SELECT id FROM inside)",
    "ids": "t.id IN (SELECT value FROM json_each(:ids))",
    "status": "t.status IN (SELECT value FROM json_each(:status))",
}
_LABELS = (
    "(SELECT json_group_array(label) FROM (SELECT label FROM task_labels "
    "WHERE task_id = t.id ORDER BY label))"
)
_DEPENDENCIES = (
    "(SELECT json_group_array(json_object('dependsOn', depends_on, 'createdAt', created_at, "
    "'createdBy', created_by)) FROM (SELECT d.* FROM task_dependencies AS d "
    "JOIN tasks AS target ON target.id = d.depends_on WHERE d.task_id = t.id ORDER BY target.seq))"
)
_RELATIONS = (
    "(SELECT json_group_array(json_object('relatedTo', related_to, 'type', relation_type, "
    "'reason', reason, 'createdAt', created_at)) FROM (SELECT r.* FROM task_relations AS r "
    "JOIN tasks AS target ON target.id = r.related_to WHERE r.task_id = t.id "
    "ORDER BY target.seq, r.relation_type))"
)
_GATES = (
    "(SELECT json_group_array(json_object('gate', gate, 'result', result, 'round', round, "
    "'agentId', agent_id, 'evidence', json(evidence_json), 'reason', reason, "
    "'checkedAt', checked_at)) FROM (SELECT * FROM task_gate_results WHERE task_id = t.id "
    "ORDER BY id))"
)
_LINKS = (
    "(SELECT json_group_array(json_object('provider', provider_id, 'externalId', external_id, "
    "'url', external_url, 'title', external_title, 'type', link_type, 'direction', sync_direction, "
    "'externalUpdatedAt', external_updated_at, 'contentHash', content_hash, "
    "'metadata', json(metadata_json), 'linkedAt', linked_at, 'lastSyncAt', last_sync_at)) "
    "FROM (SELECT * FROM external_task_links WHERE task_id = t.id ORDER BY id))"
)

#: Columns of a task's line, in order: all of ``tasks`` but what is counted and what is local.
EXPORTED = tuple(name for name in tasks.COLUMNS if name not in ("seq", "session_id"))

ALL_PHASES = "SELECT * FROM phases ORDER BY position"


def export_statement(terms: Sequence[str], *, links: bool) -> str:
    """The tasks of a selection in the order of their numbers, each with all that belongs to it.

    :param terms: names of the filters: ``within`` one task, ``below`` several, ``ids`` of them
        alone, ``status``.
    """
    columns = ", ".join(
        "t." + (name + "_json" if name in tasks.JSON_FIELDS else name) for name in EXPORTED
    )
    return (
        f"{_before(terms)}SELECT {columns}, {_LABELS}, {_DEPENDENCIES}, "
        f"{_RELATIONS}, {_GATES}, {_LINKS if links else 'NULL'} FROM tasks AS t "
        f"{_where(terms)}ORDER BY t.seq"
    )


def selected_statement(terms: Sequence[str]) -> str:
    """The ids of a selection."""
    return f"{_before(terms)}SELECT t.id FROM tasks AS t {_where(terms)}"


def count_statement(terms: Sequence[str]) -> str:
    """How many tasks a selection has."""
    return f"{_before(terms)}SELECT count(*) AS tasks FROM tasks AS t {_where(terms)}"


def statements() -> Iterator[str]:
    """The statements that are put together from parts."""
    for terms in ((), ("within",), ("status",), ("within", "status"), ("below",), ("ids",)):
        for links in (False, True):
            yield export_statement(terms, links=links)
        yield selected_statement(terms)
        yield count_statement(terms)


def last_positions(db: Backend, parents: Sequence[str | None]) -> dict[str | None, int]:
    """The last position below each parent; None is the root."""
    rows = db.read(LAST_POSITIONS, parents=json.dumps(list(parents)))
    return {row["parent"]: row["position"] for row in rows}


def dependencies_of(db: Backend, ids: Sequence[str]) -> dict[str, list[str]]:
    """What each of the tasks depends on, in order; those that wait for nothing are missing."""
    found: dict[str, list[str]] = {}
    for row in db.read(DEPENDENCIES_OF, ids=json.dumps(list(ids))):
        found.setdefault(row["task_id"], []).append(row["depends_on"])
    return found


def statuses(db: Backend, ids: Sequence[str]) -> dict[str, str]:
    """The status of each of the tasks."""
    return {row["id"]: row["status"] for row in db.read(STATUS_OF, ids=json.dumps(list(ids)))}


def phases(db: Backend) -> list[Row]:
    """All phases in order."""
    return db.read(ALL_PHASES)


def ranges(flat: Sequence[int]) -> list[tuple[int, int]]:
    """The pairs of :data:`RESERVED`."""
    return list(zip(flat[::2], flat[1::2], strict=True))


def give_up_numbers(db: Any, numbers: Iterable[int]) -> None:
    """Take the numbers of purged tasks out of those that an import which was cut short may use."""
    for row in db.read(RESERVED):
        kept = ranges(json.loads(row["numbers"]))
        for number in numbers:
            kept = [
                part
                for low, high in kept
                for part in (
                    ((low, number - 1), (number, high)) if low < number <= high else ((low, high),)
                )
                if part[0] < part[1]
            ]
        now = json.dumps([end for pair in kept for end in pair], separators=(",", ":"))
        if now != row["numbers"]:
            db.execute(RESERVE, numbers=now, before=row["numbers"])


def missing_phases(db: Backend, slugs: Sequence[str]) -> list[str]:
    """Those of the slugs that no phase has."""
    found = {row["slug"] for row in db.read(PHASES_OF, slugs=json.dumps(list(slugs)))}
    return [slug for slug in slugs if slug not in found]


def insert_tasks(db: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Insert many tasks whose values are as they are stored; all have the same field names."""
    db.executemany(tasks.insert_statement(rows[0]), rows)


def encoded(values: dict[str, Any]) -> dict[str, Any]:
    """The values of a task that are stored in another form, in that form."""
    stored: dict[str, Any] = {
        name: _JSON(values[name]) if values[name] else "{}" if name == "metadata" else "[]"
        for name in tasks.JSON_FIELDS
    }
    stored["no_auto_complete"] = int(values["no_auto_complete"])
    return stored


_JSON = json.JSONEncoder(ensure_ascii=False).encode


def _before(terms: Sequence[str]) -> str:
    return "".join(_SUBTREES[term] for term in terms if term in _SUBTREES)


def _where(terms: Sequence[str]) -> str:
    return f"WHERE {' AND '.join(_TERMS[term] for term in terms)} " if terms else ""
