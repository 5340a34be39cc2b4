"""The scratch tables of an import: what was read from the file, before anything is written."""

from __future__ import annotations

#: Makes the tables in the schema ``scratch``; they are gone when the import ends.
SCRATCH = (
    "CREATE TABLE scratch.import_rows (pos INTEGER PRIMARY KEY, line INTEGER NOT NULL, key TEXT, "
    "hash TEXT, reason TEXT, message TEXT, type TEXT, epic INTEGER, status TEXT, sibling INTEGER, "
    "number INTEGER, labels INTEGER, notes INTEGER, gates INTEGER, phase TEXT, "
    "phase_name TEXT, marks TEXT, body TEXT)",
    "CREATE TABLE scratch.import_edges (ordinal INTEGER PRIMARY KEY, pos INTEGER NOT NULL, "
    "kind TEXT NOT NULL, source TEXT, target TEXT NOT NULL, type TEXT, reason TEXT, at TEXT, "
    "by TEXT)",
)
ADD_ROW = (
    "INSERT INTO scratch.import_rows (pos, line, key, hash, reason, message, type, epic, status, "
    "sibling, number, labels, notes, gates, phase, phase_name, marks, body) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
ADD_EDGE = (
    "INSERT INTO scratch.import_edges (ordinal, pos, kind, source, target, type, reason, at, by) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
#: Made when the rows are in: an index that grows with them costs twice as much.
INDEX_KEYS = "CREATE INDEX scratch.import_rows_key ON import_rows (key) WHERE reason IS NULL"
REFUSE_DUPLICATES = (
    "UPDATE scratch.import_rows SET reason = 'duplicate id', "
    "message = 'the id stands in an earlier row' WHERE reason IS NULL AND EXISTS ("
    "SELECT 1 FROM scratch.import_rows AS earlier WHERE earlier.key = import_rows.key "
    "AND earlier.reason IS NULL AND earlier.pos < import_rows.pos)"
)
ROWS = (
    "SELECT pos, reason, type, epic, status, sibling, number, labels, notes, gates, marks, "
    "phase, phase_name FROM scratch.import_rows ORDER BY pos"
)
BODIES = (
    "SELECT r.pos, r.line, r.key, r.hash, r.status, r.body FROM json_each(:rows) AS wanted "
    "JOIN scratch.import_rows AS r ON r.pos = wanted.value ORDER BY wanted.key"
)
PROBLEMS = (
    "SELECT line, key, reason, message FROM scratch.import_rows "
    "WHERE message IS NOT NULL ORDER BY pos LIMIT :limit"
)
LINE = "SELECT line, key FROM scratch.import_rows WHERE pos = :row"
REPORT = "SELECT pos, line, key, reason, message, marks FROM scratch.import_rows ORDER BY pos"

#: Is anything linked to this provider at all? The partial index answers.
ANY_LINK = (
    "SELECT EXISTS (SELECT 1 FROM external_task_links WHERE provider_id = :provider "
    "AND link_type <> 'transferred')"
)
#: Rows that were imported before, and what has become of their tasks.
MATCHES = (
    "SELECT r.pos, t.seq, l.content_hash = r.hash, l.link_type = 'created' "
    "AND l.last_sync_at IS NULL, t.status, t.archive_reason, t.archived_from, parent.status, "
    "parent.seq, json_extract(l.metadata_json, '$.status'), "
    "json_extract(l.metadata_json, '$.numbers') FROM scratch.import_rows AS r "
    "JOIN external_task_links AS l ON l.provider_id = :provider "
    "AND l.external_id = :prefix || r.key AND l.link_type <> 'transferred' "
    "JOIN tasks AS t ON t.id = l.task_id LEFT JOIN tasks AS parent ON parent.id = t.parent_id "
    "WHERE r.reason IS NULL ORDER BY r.pos"
)
#: Rows that insist on a number which was given out, and whether a task has it.
GIVEN = (
    "SELECT r.pos, r.line, r.key, r.number, EXISTS (SELECT 1 FROM tasks WHERE seq = r.number) "
    "FROM scratch.import_rows AS r WHERE r.reason IS NULL AND r.number <= :given ORDER BY r.pos"
)
#: Edges with the rows they join; an end that is no valid row of the file is NULL.
EDGES = (
    "SELECT e.kind, e.pos, CASE WHEN e.source IS NULL THEN e.pos ELSE (SELECT s.pos "
    "FROM scratch.import_rows AS s WHERE s.key = e.source AND s.reason IS NULL) END, "
    "(SELECT r.pos FROM scratch.import_rows AS r WHERE r.key = e.target AND r.reason IS NULL) "
    "FROM scratch.import_edges AS e ORDER BY e.ordinal"
)
#: Targets outside the file that an earlier import of the same scope brought.
LINKED_TARGETS = (
    "SELECT e.ordinal, CAST(substr(l.task_id, 2) AS INTEGER) FROM scratch.import_edges AS e "
    "JOIN external_task_links AS l ON l.provider_id = :provider "
    "AND l.external_id = :prefix || e.target AND l.link_type <> 'transferred' "
    "WHERE NOT EXISTS (SELECT 1 FROM scratch.import_rows AS r "
    "WHERE r.key = e.target AND r.reason IS NULL)"
)
#: Targets outside the file that are this project's own tasks.
OWN_TARGETS = (
    "SELECT e.ordinal, t.seq FROM scratch.import_edges AS e JOIN tasks AS t ON t.id = e.target "
    "WHERE NOT EXISTS (SELECT 1 FROM scratch.import_rows AS r "
    "WHERE r.key = e.target AND r.reason IS NULL)"
)
#: Edges that say the same as others do, with the first that does.
SAME_EDGES = (
    "SELECT first, ordinal FROM (SELECT e.ordinal, min(e.ordinal) OVER same AS first, "
    "count(*) OVER same AS times FROM scratch.import_edges AS e "
    "JOIN scratch.import_rows AS r ON r.pos = e.pos WHERE e.kind IN ('d', 'r') "
    "WINDOW same AS (PARTITION BY e.kind, coalesce(e.source, r.key), e.target, "
    "coalesce(e.type, 'related'))) WHERE times > 1 ORDER BY first, ordinal"
)
EDGES_BETWEEN = (
    "SELECT ordinal, kind, type, reason, at, by, target FROM scratch.import_edges "
    "WHERE ordinal BETWEEN :first AND :last ORDER BY ordinal"
)
HAS_DEPENDENCY = (
    "SELECT EXISTS (SELECT 1 FROM task_dependencies WHERE task_id = :id AND depends_on = :target)"
)
HAS_RELATION = (
    "SELECT EXISTS (SELECT 1 FROM task_relations WHERE task_id = :id AND related_to = :target "
    "AND relation_type = (SELECT type FROM scratch.import_edges WHERE ordinal = :ordinal))"
)
#: Links of a provider, within a scope of ids, whose record the file that is read does not have.
ABSENT = (
    "SELECT count(*) FROM external_task_links AS l WHERE l.provider_id = :provider "
    "AND l.link_type <> 'transferred' AND substr(l.external_id, 1, length(:prefix)) = :prefix "
    "AND NOT EXISTS (SELECT 1 FROM scratch.import_rows AS r "
    "WHERE r.key = substr(l.external_id, length(:prefix) + 1) AND r.reason IS NULL)"
)
