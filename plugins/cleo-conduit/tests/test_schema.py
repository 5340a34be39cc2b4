"""What a fresh file holds and what SQL itself refuses."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest

from cleo_conduit.schema import metadata
from cleo_core.app import App
from cleo_core.database import driver

_post = runpy.run_path(str(Path(__file__).with_name("post.py")))
AT, uuid, execute, insert = (_post[name] for name in ("AT", "uuid", "execute", "insert"))
conversation, message, receipt = (_post[name] for name in ("conversation", "message", "receipt"))
job, lease = _post["job"], _post["lease"]


def test_a_fresh_file_has_all_tables(cleo_app: App) -> None:
    cleo_app.write("conduit", lambda unit: None)
    found = {name for (name,) in execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    shadows = {name for name in found if name.startswith(("messages_fts", "sqlite_"))}
    assert found - shadows == {*metadata.tables, "alembic_version_conduit"}
    assert len(metadata.tables) == 18
    assert "messages_fts" in found
    assert dict(execute("SELECT key, value FROM conduit_meta")) == {
        "schema_version": "conduit_0003",
        "lease_fence": "0",
    }


def test_a_file_of_before_learns_what_answers_what_and_what_is_to_be_acknowledged(
    cleo_open: Any, cleo_project: Path
) -> None:
    golden = Path(__file__).with_name("golden") / "conduit_0002.db"
    path = cleo_project / ".cleo" / "conduit.db"
    shutil.copyfile(golden, path)
    path.chmod(0o600)
    assert cleo_open(agent="ann").store("conduit") is not None
    assert execute("SELECT seq, in_reply_to FROM messages ORDER BY seq") == [
        (1, None),
        (2, uuid(11)),
        (3, None),
    ]
    asked = execute("SELECT message_seq, agent_id, ack_required FROM receipts ORDER BY message_seq")
    assert asked == [(1, "bob", 1), (2, "ann", 0), (3, "bob", 0)]


def test_every_such_column_is_checked() -> None:
    lacking = []
    for table in metadata.tables.values():
        constraints = [*table.constraints, *(c for one in table.columns for c in one.constraints)]
        checks = " ".join(str(getattr(constraint, "sqltext", "")) for constraint in constraints)
        for column in table.columns:
            kind = column.info.get("kind")
            checked = kind == "enum" or str(kind).startswith("json")
            if (
                checked or kind in ("boolean", "at", "uuid", "agent")
            ) and column.name not in checks:
                lacking.append(f"{table.name}.{column.name}")
    assert not lacking


def test_the_tables_without_rowids_are_those_with_a_key_of_words() -> None:
    without = {
        name
        for name, table in metadata.tables.items()
        if table.dialect_options["sqlite"]["with_rowid"] is False
    }
    assert without == {
        *("participants", "receipts", "attachment_contributors", "idempotency_keys"),
        *("remote_cursors", "conduit_meta"),
    }


VALID = (
    conversation(),
    conversation(2, kind="dm", dm_key="ann bob"),
    conversation(3, kind="topic", topic="news", epic_id="T001", wave=0),
    message(),
    message(12, reply_to=uuid(11), thread_id=uuid(11), subject="s" * 200, content="é" * 32768),
    receipt(),
    job(),
    job(22, transport="sse", state="leased", lease_owner="h:1:r", lease_until=AT),
    job(23, transport="ws", state="parked", parked_for="offline"),
    lease(),
    insert("project_agent_refs", agent_id="a" * 128, attached_at=AT, updated_at=AT),
    insert(
        "attachment_blobs",
        hash="h",
        codec="raw",
        content="",
        original_size=0,
        compressed_size=0,
        created_at=AT,
    ).replace("'', 0, 0", "X'', 0, 0"),
    insert(
        "attachments",
        slug="0-a",
        from_agent_id="ann",
        current_version=1,
        version_count=1,
        content_hash="h",
        original_size=0,
        compressed_size=0,
        tokens=0,
        created_at=AT,
        updated_at=AT,
    ),
    insert(
        "attachment_versions",
        id=uuid(51),
        slug="0-a",
        version_number=1,
        author_agent_id="ann",
        change_type="initial",
        content_hash="h",
        original_size=0,
        compressed_size=0,
        tokens=0,
        created_at=AT,
    ),
    insert("participants", conversation_id=uuid(1), agent_id="ann", joined_at=AT),
)

REFUSED = (
    conversation(4).replace("'group'", "'mob'"),
    conversation(4, visibility="secret"),
    conversation(4, kind="dm"),
    conversation(4, dm_key="x y"),
    conversation(4, kind="topic"),
    conversation(4, topic="x"),
    conversation(4, kind="dm", dm_key="ann bob"),
    conversation(4, kind="topic", topic="news"),
    conversation(4, wave=-1),
    conversation(4, created_by="-ann"),
    conversation(4, created_by="ann bob"),
    conversation(4, created_by=""),
    conversation(4, created_by="ä"),
    conversation(4, created_by="a" * 129),
    conversation(4, created_at="2026-01-01"),
    conversation(4).replace(uuid(4), uuid(4).upper()),
    conversation(4).replace(uuid(4), "4"),
    message(13, conversation=9),
    message(13, subject="s" * 201),
    message(13, content="é" * 32768 + "x"),
    message(13, content_type="hologram"),
    message(13, kind="rumour"),
    message(13, importance="dire"),
    message(13, ack_required=2),
    message(13, verified=-1),
    message(13, attachments="{}"),
    message(13, payload="{"),
    message(13, metadata="[]"),
    message(13, reply_to=uuid(99)),
    message(11),
    receipt(agent="cem", role="bcc"),
    receipt(agent="cem", state="lost"),
    receipt(seq=99),
    receipt(),
    job(24),
    job(24, transport="x", state="leased"),
    job(24, transport="x", state="leased", lease_owner="o"),
    job(24, transport="x", lease_owner="o"),
    job(24, transport="x", lease_until=AT),
    job(24, transport="x", state="parked"),
    job(24, transport="x", parked_for="auth"),
    job(24, transport="x", state="parked", parked_for="weather"),
    job(24, transport="x", last_error="e" * 1001),
    job(24, transport="x", payload="{"),
    job(24, transport="x", history="{}"),
    lease(32, fence=31),
    lease(32, namespace="moon"),
    lease(32, mode="both"),
    lease(32, release_kind="lost"),
    insert("project_agent_refs", agent_id="ann", attached_at=AT, updated_at=AT, enabled=2),
    insert(
        "project_agent_refs",
        agent_id="ann",
        attached_at=AT,
        updated_at=AT,
        capabilities_override="[]",
    ),
    insert("participants", conversation_id=uuid(1), agent_id="bob", joined_at=AT, role="king"),
    insert("participants", conversation_id=uuid(1), agent_id="bob", joined_at=AT, filter="[]"),
    insert("participants", conversation_id=uuid(9), agent_id="bob", joined_at=AT),
    insert(
        "message_pins",
        id=uuid(41),
        message_seq=1,
        conversation_id=uuid(9),
        pinned_by="ann",
        created_at=AT,
    ),
    insert(
        "dead_letters",
        id=uuid(41),
        message_id=uuid(11),
        recipient="bob",
        transport="x",
        payload="{}",
        reason="bored",
        attempts=0,
        created_at=AT,
    ),
    insert(
        "attachments",
        slug="-a",
        from_agent_id="ann",
        current_version=1,
        version_count=1,
        content_hash="h",
        original_size=0,
        compressed_size=0,
        tokens=0,
        created_at=AT,
        updated_at=AT,
    ),
    insert(
        "attachments",
        slug="a" * 65,
        from_agent_id="ann",
        current_version=1,
        version_count=1,
        content_hash="h",
        original_size=0,
        compressed_size=0,
        tokens=0,
        created_at=AT,
        updated_at=AT,
    ),
    insert(
        "attachments",
        slug="a",
        from_agent_id="ann",
        current_version=1,
        version_count=1,
        content_hash="h",
        original_size=0,
        compressed_size=0,
        tokens=0,
        created_at=AT,
        updated_at=AT,
        required_approvals=-1,
    ),
    insert(
        "attachment_versions",
        id=uuid(52),
        slug="0-a",
        version_number=0,
        author_agent_id="ann",
        change_type="initial",
        content_hash="h",
        original_size=0,
        compressed_size=0,
        tokens=0,
        created_at=AT,
    ),
    insert(
        "attachment_versions",
        id=uuid(52),
        slug="0-a",
        version_number=2,
        author_agent_id="ann",
        change_type="initial",
        content_hash="none",
        original_size=0,
        compressed_size=0,
        tokens=0,
        created_at=AT,
    ),
    insert(
        "attachment_versions",
        id=uuid(52),
        slug="0-a",
        version_number=2,
        author_agent_id="ann",
        change_type="full_replace",
        patch_text="+x",
        content_hash="h",
        original_size=0,
        compressed_size=0,
        tokens=0,
        created_at=AT,
    ),
    insert(
        "attachment_approvals",
        id=uuid(61),
        slug="0-a",
        reviewer_agent_id="bob",
        version_reviewed=1,
        status="maybe",
        created_at=AT,
        updated_at=AT,
    ),
    "INSERT INTO conduit_meta (key, value) VALUES ('x', 1.5)".replace("1.5", "NULL"),
)


@pytest.fixture
def filled(cleo_app: App) -> Any:
    """A connection to a file with valid rows."""
    cleo_app.write("conduit", lambda unit: None)
    execute(*VALID)
    connection = cleo_app.store("conduit").connection
    connection.execute("PRAGMA query_only=OFF")
    return connection


def test_sql_refuses_what_the_columns_say_cannot_be(filled: Any) -> None:
    taken = []
    for statement in REFUSED:
        try:
            filled.execute(statement)
        except driver().IntegrityError:
            continue
        taken.append(statement)
    assert taken == []


def test_the_index_follows_what_is_said_and_nothing_else(filled: Any) -> None:
    def found(word: str) -> list[int]:
        sql = "SELECT rowid FROM messages_fts WHERE messages_fts MATCH ? ORDER BY rowid"
        return [seq for (seq,) in filled.execute(sql, (word,))]

    filled.execute(message(13, content="Der Prüfer kommt", subject="Besuch"))
    assert found("prufer") == [3]
    assert found("besuch") == [3]
    assert found("from_agent_id:ann") == [1, 2, 3]
    before = filled.execute("SELECT total_changes()").fetchone()
    filled.execute("UPDATE messages SET verified = 1, redacted_at = ? WHERE seq = 3", (AT,))
    assert filled.execute("SELECT total_changes()").fetchone()[0] == before[0] + 1
    filled.execute("UPDATE messages SET content = '[redacted]', subject = NULL WHERE seq = 3")
    assert (found("prufer"), found("besuch"), found("redacted")) == ([], [], [3])
    filled.execute("DELETE FROM messages WHERE seq = 3")
    assert found("redacted") == []
    filled.execute("INSERT INTO messages_fts (messages_fts, rank) VALUES ('integrity-check', 1)")
    filled.execute(message(14))
    assert filled.execute("SELECT max(seq) FROM messages").fetchone() == (4,), "numbers come once"


def test_what_waits_for_an_acknowledgement_is_seen(filled: Any) -> None:
    filled.execute(message(13, ack_required=1, ack_due_at=AT))
    for agent, state in (("ann", "pending"), ("bob", "read"), ("cem", "acked"), ("dee", "dead")):
        filled.execute(receipt(3, agent, state=state))
    filled.execute(receipt(3, "eve", role="cc"))
    rows = filled.execute("SELECT * FROM ack_waiting ORDER BY agent_id").fetchall()
    assert rows == [
        (3, uuid(13), "ann", "ann", "pending", AT),
        (3, uuid(13), "ann", "bob", "read", AT),
    ]


def test_what_belongs_to_a_message_or_a_document_goes_with_it(filled: Any) -> None:
    filled.execute("DELETE FROM messages WHERE seq = 1")
    for table in ("receipts", "delivery_jobs"):
        assert filled.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    assert filled.execute("SELECT reply_to FROM messages WHERE seq = 2").fetchone() == (None,)
    filled.execute("DELETE FROM attachments")
    assert filled.execute("SELECT count(*) FROM attachment_versions").fetchone() == (0,)
    with pytest.raises(driver().IntegrityError):
        filled.execute("DELETE FROM conversations WHERE id = ?", (uuid(1),))
