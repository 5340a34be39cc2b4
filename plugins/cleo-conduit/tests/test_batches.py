"""Many messages of one unit: written by few statements, as if they had been sent one by one."""

from __future__ import annotations

import json
import runpy
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleo_conduit.service.bodies import body_hash
from cleo_conduit.store import audit, bulk, mail
from cleo_core.database import Transaction

_post = runpy.run_path(str(Path(__file__).with_name("post.py")))
speakers, execute, value = (_post[name] for name in ("speakers", "execute", "value"))
disagreements = _post["disagreements"]

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
_TEXTS = st.none() | st.text(max_size=20)


def test_each_message_of_a_batch_is_what_it_is_when_sent_alone(cleo_open: Any) -> None:
    ann, _ = speakers(cleo_open, "ann", "bob", "cem")[:2]
    first = "019ac8b0-0000-7000-8000-000000000001"
    messages = [
        {"content": "plain @bob #red", "to": ["bob"]},
        {"content": "first", "to": ["bob"], "id": first, "subject": "Build"},
        {"content": "answer", "to": ["bob"], "reply_to": first},
        {"content": "asks", "to": ["bob"], "cc": ["cem"], "ack_required": True, "ttl": 90},
        {"content": "group", "to": ["bob", "cem"], "importance": "urgent", "kind": "request"},
        {"content": "keyed", "to": ["cem"], "payload": {"n": 1}, "idempotency_key": "k"},
        {"content": "keyed", "to": ["cem"], "payload": {"n": 1}, "idempotency_key": "k"},
        {"content": "first", "to": ["bob"], "id": first, "subject": "Build"},
        {"content": "to all", "broadcast": True, "metadata": {"area": "api"}},
    ]
    sent = ann.send_many(messages)
    assert [one.seq for one in sent] == [1, 2, 3, 4, 5, 6, 6, 2, 7]
    assert (sent[2].thread_id, sent[2].conversation_id) == (first, sent[1].conversation_id)
    assert disagreements() == []
    columns = (
        "m.subject, m.content, m.content_type, m.kind, m.importance, m.ack_required, "
        "m.attachments, m.payload, m.metadata, m.origin, m.verified, m.body_hash, "
        "m.expires_at IS NULL, m.ack_due_at IS NULL, group_concat(r.agent_id || r.role || "
        "r.route || r.state || r.ack_required)"
    )
    rows = (
        f"SELECT {columns} FROM messages AS m JOIN receipts AS r ON r.message_seq = m.seq "
        "WHERE m.expires_at IS NULL AND m.reply_to IS NULL AND m.seq {} GROUP BY m.seq ORDER BY 1,2"
    )
    batched = execute(rows.format("<= 7"))
    fresh = "019ac8b0-0000-7000-8000-000000000002"
    for number in (0, 1, 2, 3, 4, 5, 8):
        again = dict(messages[number])
        again.pop("idempotency_key", None)
        if "id" in again:
            again["id"] = fresh
        ann.send(again.pop("content"), **again)
    assert execute(rows.format("> 7")) == batched
    assert value("SELECT count(*) FROM messages_fts WHERE messages_fts MATCH 'plain OR keyed'") == 4
    assert value("SELECT count(*) FROM conduit_audit WHERE action = 'message.send'") == 14


def test_numbers_go_on_where_the_newest_message_was_pruned(cleo_open: Any) -> None:
    ann, _ = speakers(cleo_open, "ann", "bob")
    ann.send_many([{"content": "x", "to": ["bob"]}] * 3)
    execute("DELETE FROM messages WHERE seq = 3")
    assert [one.seq for one in ann.send_many([{"content": "y", "to": ["bob"]}] * 2)] == [4, 5]
    # What SQLite remembers of the numbers may be lost with a table that was made anew.
    execute("DELETE FROM sqlite_sequence WHERE name = 'messages'")
    assert ann.send("z", to=["bob"]).seq == 6


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("messages", mail.MESSAGE_COLUMNS),
        ("receipts", mail.RECEIPT_COLUMNS),
        ("conduit_audit", audit.COLUMNS),
    ],
)
def test_what_is_left_out_of_a_statement_is_the_default_of_the_schema(
    cleo_open: Any, table: str, columns: dict[str, Any]
) -> None:
    speakers(cleo_open, "ann")
    defaults = {row[1]: row[4] or "NULL" for row in execute(f"PRAGMA table_info({table})")}
    found = {name: value(f"SELECT {defaults[name]}") for name in columns}
    required = {name for name, default in columns.items() if default is bulk.REQUIRED}
    assert {name: found[name] for name in columns if name not in required} == {
        name: default for name, default in columns.items() if name not in required
    }


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 2), st.none() | st.text(max_size=3)), max_size=150))
def test_rows_are_stored_in_order_however_many_and_whatever_they_leave_out(
    rows: list[tuple[int, str | None]],
) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(
            "CREATE TABLE t (n INTEGER PRIMARY KEY, a INTEGER NOT NULL DEFAULT 1, b TEXT)"
        )
        columns = {"n": bulk.REQUIRED, "a": 1, "b": None}
        numbered = [(number, *row) for number, row in enumerate(rows)]
        bulk.insert(Transaction(connection), "t", columns, numbered)
        assert connection.execute("SELECT * FROM t ORDER BY n").fetchall() == numbered


@given(
    content=st.text(max_size=40),
    subject=_TEXTS,
    expires_at=_TEXTS,
    reply_to=_TEXTS,
    ack_required=st.booleans(),
    attachments=st.lists(st.dictionaries(st.text(max_size=5), _JSON, max_size=2), max_size=2),
    payload=_JSON,
    metadata=st.dictionaries(st.text(max_size=5), _JSON, max_size=3),
)
def test_the_hash_of_a_message_is_that_of_its_canonical_json(**said: Any) -> None:
    words = {"content_type": "text", "kind": "message", "importance": "normal"}
    named = {
        "from": "ann",
        "subject": said["subject"],
        "content": said["content"],
        "contentType": "text",
        "kind": "message",
        "importance": "normal",
        "ackRequired": said["ack_required"],
        "attachments": said["attachments"],
        "payload": said["payload"],
        "metadata": said["metadata"],
        "replyTo": said["reply_to"],
        "expiresAt": said["expires_at"],
    }
    text = json.dumps(named, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert body_hash(sender="ann", **words, **said) == sha256(text.encode()).hexdigest()
