"""Searching messages: by the full-text table, or by LIKE where SQLite has none."""

from __future__ import annotations

from typing import Any

from cleo_conduit.store.access import VISIBLE
from cleo_core.database import Backend, Row

_FILTERS = (
    "AND (:sender IS NULL OR m.from_agent_id = :sender) "
    "AND (:conversation IS NULL OR m.conversation_id = :conversation) "
)
FTS = (
    "SELECT m.id, m.seq, m.from_agent_id, m.conversation_id, m.subject, m.created_at, "
    "snippet(messages_fts, -1, '[', ']', '…', 16) AS snippet, -bm25(messages_fts) AS score "
    "FROM messages_fts JOIN messages AS m ON m.seq = messages_fts.rowid "
    "JOIN conversations AS c ON c.id = m.conversation_id "
    f"WHERE messages_fts MATCH :query {_FILTERS}AND {VISIBLE} "
    "ORDER BY bm25(messages_fts), m.seq DESC LIMIT :limit OFFSET :offset"
)
COUNT_FTS = (
    "SELECT count(*) FROM messages_fts JOIN messages AS m ON m.seq = messages_fts.rowid "
    "JOIN conversations AS c ON c.id = m.conversation_id "
    f"WHERE messages_fts MATCH :query {_FILTERS}AND {VISIBLE}"
)
#: Every word, given as a JSON list of patterns, stands in one of the searched columns.
_LIKE = (
    "FROM messages AS m JOIN conversations AS c ON c.id = m.conversation_id "
    "WHERE NOT EXISTS (SELECT 1 FROM json_each(:patterns) AS w "
    "WHERE coalesce(m.subject, '') || char(10) || m.content || char(10) || m.from_agent_id "
    f"NOT LIKE w.value ESCAPE '\\') {_FILTERS}AND {VISIBLE}"
)
LIKE = (
    "SELECT m.id, m.seq, m.from_agent_id, m.conversation_id, m.subject, m.created_at, "
    "substr(m.content, 1, 160) AS snippet, 0.0 AS score "
    f"{_LIKE} ORDER BY m.seq DESC LIMIT :limit OFFSET :offset"
)
COUNT_LIKE = f"SELECT count(*) {_LIKE}"
HAS_FTS = "SELECT 1 FROM pragma_module_list WHERE name = 'fts5'"


def has_fts(db: Backend) -> bool:
    """Whether this SQLite can read full-text tables."""
    return db.scalar(HAS_FTS) is not None


def found(db: Backend, arm: str, **params: Any) -> tuple[list[Row], int]:
    """Messages and how many there are in all."""
    limits = ("limit", "offset")
    counted = {name: value for name, value in params.items() if name not in limits}
    rows, count = (FTS, COUNT_FTS) if arm == "fts" else (LIKE, COUNT_LIKE)
    return db.read(rows, **params), int(db.scalar(count, **counted))
