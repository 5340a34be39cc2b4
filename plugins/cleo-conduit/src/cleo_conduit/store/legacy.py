"""Rows that come from an older file, and taking them out again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from cleo_core.database import Row


class Table(NamedTuple):
    """A table that rows of an older file go to.

    :ivar key: the columns that name a row, as it is handed over.
    :ivar columns: what may be given. ``message_id`` stands for ``message_seq``.
    :ivar select: SQL that finds rows by ``:keys``, a JSON list; their key is in ``row_key``.
    :ivar delete: SQL that deletes rows by ``:keys``.
    """

    key: tuple[str, ...]
    columns: tuple[str, ...]
    select: str
    delete: str


_KEYS = "(SELECT value FROM json_each(:keys))"


def _plain(table: str, key: tuple[str, ...], columns: tuple[str, ...]) -> Table:
    named = " || ' ' || ".join(key)
    return Table(
        key,
        columns,
        f"SELECT *, {named} AS row_key FROM {table} WHERE {named} IN {_KEYS}",
        f"DELETE FROM {table} WHERE {named} IN {_KEYS}",
    )


_OF_RECEIPT = (
    "FROM receipts AS r JOIN messages AS m ON m.seq = r.message_seq "
    f"WHERE m.id || ' ' || r.agent_id IN {_KEYS}"
)

#: In the order in which rows are added.
TABLES: dict[str, Table] = {
    "conversations": _plain(
        "conversations",
        ("id",),
        (
            *("id", "kind", "visibility", "dm_key", "topic", "epic_id", "wave", "title"),
            *("created_by", "archived_at", "created_at", "updated_at"),
        ),
    ),
    "participants": _plain(
        "participants",
        ("conversation_id", "agent_id"),
        (
            *("conversation_id", "agent_id", "role", "joined_seq", "joined_at", "left_seq"),
            *("left_at", "muted", "filter"),
        ),
    ),
    "messages": _plain(
        "messages",
        ("id",),
        (
            *("id", "conversation_id", "from_agent_id", "verified", "subject", "content"),
            *("content_type", "kind", "importance", "ack_required", "ack_due_at", "attachments"),
            *("payload", "metadata", "reply_to", "thread_id", "expires_at", "origin"),
            *("body_hash", "redacted_at", "created_at"),
        ),
    ),
    "receipts": Table(
        ("message_id", "agent_id"),
        (
            *("message_id", "agent_id", "role", "route", "state", "claim_owner", "claim_until"),
            *("claims", "delivered_at", "read_at", "acked_at", "closed_at", "escalated_at"),
            *("reason", "reported_state"),
        ),
        f"SELECT r.*, m.id || ' ' || r.agent_id AS row_key {_OF_RECEIPT}",
        "DELETE FROM receipts WHERE (message_seq, agent_id) IN "
        f"(SELECT r.message_seq, r.agent_id {_OF_RECEIPT})",
    ),
    "dead_letters": _plain(
        "dead_letters",
        ("id",),
        (
            *("id", "job_id", "message_id", "recipient", "transport", "payload", "reason"),
            *("last_error", "last_status", "attempts", "history", "replays", "replay_job_id"),
            *("replayed_at", "created_at"),
        ),
    ),
    "project_agent_refs": _plain(
        "project_agent_refs",
        ("agent_id",),
        (
            *("agent_id", "attached_at", "attached_by", "role", "capabilities_override"),
            *("last_used_at", "enabled", "detached_at", "updated_at"),
        ),
    ),
    "message_pins": _plain(
        "message_pins",
        ("id",),
        ("id", "message_id", "conversation_id", "pinned_by", "note", "created_at"),
    ),
}

#: Whose ``message_id`` is kept as the number of the message.
NUMBERED = ("receipts", "message_pins")

SAME_PAIR = "SELECT id FROM conversations WHERE dm_key = :name"
SAME_TOPIC = "SELECT id FROM conversations WHERE topic = :name"
SAME_PIN = (
    "SELECT p.id FROM message_pins AS p JOIN messages AS m ON m.seq = p.message_seq "
    "WHERE m.id = :message_id AND p.pinned_by = :pinned_by"
)
SEQS = f"SELECT id, seq FROM messages WHERE id IN {_KEYS}"
REPLY = (
    "UPDATE messages SET reply_to = :reply_to, in_reply_to = :reply_to WHERE id = :id "
    "AND EXISTS (SELECT 1 FROM messages AS p WHERE p.id = :reply_to)"
)
ASKED = (
    "UPDATE receipts SET ack_required = 1 WHERE role = 'to' AND message_seq IN "
    f"(SELECT seq FROM messages WHERE ack_required = 1 AND id IN {_KEYS})"
)
RECOUNT = (
    "UPDATE conversations SET "
    "message_count = (SELECT count(*) FROM messages AS m WHERE m.conversation_id = :id), "
    "last_seq = (SELECT max(m.seq) FROM messages AS m WHERE m.conversation_id = :id), "
    "last_message_at = "
    "(SELECT max(m.created_at) FROM messages AS m WHERE m.conversation_id = :id) WHERE id = :id"
)
MOVED = "UPDATE conversations SET updated_at = :now WHERE id = :id"
CONVERSATIONS_OF = f"SELECT DISTINCT conversation_id FROM messages WHERE id IN {_KEYS}"

#: Table of the parent, table of the child -> parent and key of each child.
CHILDREN: dict[tuple[str, str], str] = {
    ("conversations", "participants"): (
        "SELECT conversation_id AS parent, conversation_id || ' ' || agent_id AS row_key "
        f"FROM participants WHERE conversation_id IN {_KEYS}"
    ),
    ("conversations", "messages"): (
        "SELECT conversation_id AS parent, id AS row_key "
        f"FROM messages WHERE conversation_id IN {_KEYS}"
    ),
    ("conversations", "message_pins"): (
        "SELECT conversation_id AS parent, id AS row_key "
        f"FROM message_pins WHERE conversation_id IN {_KEYS}"
    ),
    ("conversations", "attachments"): (
        "SELECT conversation_id AS parent, slug AS row_key "
        f"FROM attachments WHERE conversation_id IN {_KEYS}"
    ),
    ("messages", "receipts"): (
        "SELECT m.id AS parent, m.id || ' ' || r.agent_id AS row_key FROM receipts AS r "
        f"JOIN messages AS m ON m.seq = r.message_seq WHERE m.id IN {_KEYS}"
    ),
    ("messages", "message_pins"): (
        "SELECT m.id AS parent, p.id AS row_key FROM message_pins AS p "
        f"JOIN messages AS m ON m.seq = p.message_seq WHERE m.id IN {_KEYS}"
    ),
    ("messages", "delivery_jobs"): (
        "SELECT m.id AS parent, j.id AS row_key FROM delivery_jobs AS j "
        f"JOIN messages AS m ON m.seq = j.message_seq WHERE m.id IN {_KEYS}"
    ),
    ("messages", "messages"): (
        f"SELECT reply_to AS parent, id AS row_key FROM messages WHERE reply_to IN {_KEYS}"
    ),
    ("project_agent_refs", "leases"): (
        f"SELECT agent_id AS parent, id AS row_key FROM leases WHERE agent_id IN {_KEYS}"
    ),
}


def statements() -> list[str]:
    """What is prepared against the schema."""
    found = [sql for table in TABLES.values() for sql in (table.select, table.delete)]
    found += [_insert(name, stored(name, table.columns)) for name, table in TABLES.items()]
    return [*found, *CHILDREN.values()]


def rows(tx: Any, table: str, keys: Iterable[str]) -> dict[str, Row]:
    """Key -> row, of those that are there."""
    return {row.pop("row_key"): row for row in tx.read(TABLES[table].select, keys=_json(keys))}


def insert(tx: Any, table: str, values: Mapping[str, Any]) -> None:
    """Add a row of columns as they are stored; those that are not given take their defaults."""
    tx.execute(_insert(table, values), **values)


def delete(tx: Any, table: str, keys: Iterable[str]) -> None:
    """Delete rows."""
    tx.execute(TABLES[table].delete, keys=_json(keys))


def seqs(tx: Any, ids: Iterable[str]) -> dict[str, int]:
    """Message id -> its number."""
    return {row["id"]: row["seq"] for row in tx.read(SEQS, keys=_json(ids))}


def ask_recipients(tx: Any, ids: Iterable[str]) -> None:
    """Note on the receipts of messages which of them are to be acknowledged."""
    tx.execute(ASKED, keys=_json(ids))


def conversations_of(tx: Any, ids: Iterable[str]) -> set[str]:
    """The conversations of messages."""
    return {row["conversation_id"] for row in tx.read(CONVERSATIONS_OF, keys=_json(ids))}


def children(tx: Any, parent: str, child: str, keys: Iterable[str]) -> list[Row]:
    """``parent`` and ``row_key`` of what belongs to rows."""
    found: list[Row] = tx.read(CHILDREN[parent, child], keys=_json(keys))
    return found


def _insert(table: str, columns: Iterable[str]) -> str:
    names = list(columns)
    values = ", ".join(f":{name}" for name in names)
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({values})"


def stored(table: str, columns: Iterable[str]) -> list[str]:
    """The columns of the table: rows are handed over before their messages have numbers."""
    if table not in NUMBERED:
        return list(columns)
    return ["message_seq" if name == "message_id" else name for name in columns]


def _json(keys: Iterable[str]) -> str:
    return json.dumps(list(keys))
