"""What becomes of an agent's place in the project when its identity is deleted."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_conduit.api import REFERENCES
from cleo_core.api import Change
from cleo_core.app import App
from cleo_core.references import after_commit
from cleo_core.testing import Outcome

_post = runpy.run_path(str(Path(__file__).with_name("post.py")))
conduit, execute, value = _post["conduit"], _post["execute"], _post["value"]
audits, lease, conversation = _post["audits"], _post["lease"], _post["conversation"]
message, insert, uuid, AT = _post["message"], _post["insert"], _post["uuid"], _post["AT"]
receipt, job, disagreements = _post["receipt"], _post["job"], _post["disagreements"]

Cli = Callable[..., Outcome]


def peopled(app: App) -> None:
    """Bob has mail in every state, jobs in every open state, a lease, a place, a pin."""
    service = conduit(app)
    service.attach("ann")
    service.attach("bob")
    states = ("pending", "relayed", "delivered", "read", "acked", "rejected")
    execute(
        conversation(message_count=9, last_seq=9, last_message_at=AT),
        *(
            insert("participants", conversation_id=uuid(1), agent_id=agent, joined_at=AT)
            for agent in ("ann", "bob")
        ),
        *(message(number) for number in range(11, 20)),
        *(receipt(seq, state=state) for seq, state in enumerate(states, 1)),
        receipt(1, "ann", role="cc"),
        *(receipt(seq, route="http") for seq in (7, 8)),
        receipt(9, route="http", state="relayed"),
        job(21, 7, attempts=2, last_error="HTTP 500", last_status=500, history='[{"status": 500}]'),
        job(22, 8, state="leased", lease_owner="h:1:r", lease_until=AT, fence=1),
        job(23, 9, state="done", finished_at=AT),
        job(24, 7, transport="sse", state="parked", parked_for="offline"),
        job(25, 7, recipient="ann"),
        lease(31, "bob"),
        lease(32, "ann"),
        insert(
            "message_pins",
            id=uuid(41),
            message_seq=1,
            conversation_id=uuid(1),
            pinned_by="bob",
            created_at=AT,
        ),
    )


def delete(app: App, *ids: str) -> None:
    """What core does once an agent's identity is deleted."""
    change = Change(app.project, "registry", "agent", "delete", ids, {}, {}, app.actor, "r")
    after_commit(app.plugins, app, [change])


def test_what_waits_becomes_dead_letters_and_what_was_taken_stays(cleo_open: Any) -> None:
    app = cleo_open(agent="ann")
    peopled(app)
    before = execute("SELECT * FROM messages")
    delete(app, "bob")
    assert app.warnings == [
        warning for warning in app.warnings if warning["code"] == "W_REF_UNCHECKED"
    ]
    rows = execute(
        "SELECT message_seq, state, reason, closed_at IS NULL FROM receipts "
        "WHERE agent_id = 'bob' ORDER BY message_seq"
    )
    assert rows == [
        (1, "dead", "recipient_removed", 0),
        (2, "dead", "recipient_removed", 0),
        (3, "delivered", None, 1),
        (4, "read", None, 1),
        (5, "acked", None, 1),
        (6, "rejected", None, 1),
        (7, "dead", "recipient_removed", 0),
        (8, "dead", "recipient_removed", 0),
        (9, "relayed", None, 1),
    ]
    jobs = execute("SELECT id, state, lease_owner, parked_for FROM delivery_jobs ORDER BY id")
    assert jobs == [
        (uuid(21), "dead", None, None),
        (uuid(22), "dead", None, None),
        (uuid(23), "done", None, None),
        (uuid(24), "dead", None, None),
        (uuid(25), "pending", None, None),
    ]
    letters = execute(
        "SELECT job_id, message_id, transport, reason, attempts, last_status, history "
        "FROM dead_letters ORDER BY message_id, job_id"
    )
    why = "recipient_removed"
    assert letters == [
        (None, uuid(11), "local", why, 0, None, "[]"),
        (None, uuid(12), "local", why, 0, None, "[]"),
        (uuid(21), uuid(17), "http", why, 2, 500, '[{"status": 500}]'),
        (uuid(24), uuid(17), "sse", why, 0, None, "[]"),
        (uuid(22), uuid(18), "http", why, 0, None, "[]"),
    ]
    assert execute("SELECT * FROM messages WHERE seq <= 9") == before
    bounces = execute(
        "SELECT m.kind, m.reply_to, r.agent_id FROM messages AS m "
        "JOIN receipts AS r ON r.message_seq = m.seq WHERE m.seq > 9 ORDER BY m.seq"
    )
    assert bounces == [("bounce", uuid(number), "ann") for number in (11, 12, 17, 18)]
    assert value("SELECT count(*) FROM message_pins") == 1
    assert disagreements() == []


def test_its_ref_leases_and_places_go(cleo_open: Any) -> None:
    app = cleo_open(agent="ann")
    peopled(app)
    delete(app, "bob")
    assert conduit(app).ref("bob") is None
    assert execute("SELECT agent_id, release_kind, broken_by FROM leases ORDER BY fence") == [
        ("bob", "broken", "ann"),
        ("ann", None, None),
    ]
    places = execute("SELECT agent_id, left_seq, left_at IS NULL FROM participants")
    assert places == [("ann", None, 1), ("bob", 9, 0)]
    assert [row for row in audits()[2:] if row[1] == "agent.deleted"] == [
        ("ann", "agent.deleted", "lease", uuid(31)),
        ("ann", "agent.deleted", "agent", "bob"),
    ]
    details = json.loads(
        value(
            "SELECT details FROM conduit_audit WHERE subject_id = 'bob' "
            "AND action = 'agent.deleted'"
        )
    )
    assert details == {"ref": True, "conversations": 1, "leases": 1, "receipts": 2, "jobs": 3}


def test_a_dead_letter_holds_the_whole_message(cleo_app: App) -> None:
    peopled(cleo_app)
    delete(cleo_app, "bob")
    letter = json.loads(value(f"SELECT payload FROM dead_letters WHERE message_id = '{uuid(11)}'"))
    assert letter["id"] == letter["threadId"] == uuid(11)
    assert (letter["from"], letter["content"]) == ("ann", "hello")
    assert (letter["to"], letter["cc"]) == (["bob"], ["ann"])
    assert (letter["conversationId"], letter["conversationKind"]) == (uuid(1), "group")
    # The hash in its row is not its own.
    assert (letter["bodyHash"], letter["metadata"], letter["payload"]) == (None, {}, None)


def test_an_agent_without_a_ref_loses_its_mail_and_places_too(cleo_app: App) -> None:
    peopled(cleo_app)
    execute("DELETE FROM project_agent_refs WHERE agent_id = 'bob'")
    delete(cleo_app, "bob", "nobody")
    assert value("SELECT count(*) FROM dead_letters") == 5
    assert [row for row in audits() if row[1] == "agent.deleted"][-1][3] == "bob"
    details = json.loads(value("SELECT details FROM conduit_audit ORDER BY seq DESC LIMIT 1"))
    assert details["ref"] is False


def test_doing_it_again_changes_nothing(cleo_app: App) -> None:
    peopled(cleo_app)
    delete(cleo_app, "bob")
    tables = ("receipts", "delivery_jobs", "dead_letters", "participants", "conduit_audit")
    before = [execute(f"SELECT * FROM {table}") for table in tables]
    delete(cleo_app, "bob")
    assert [execute(f"SELECT * FROM {table}") for table in tables] == before


def test_a_deletion_in_a_file_that_is_absent_makes_none(cleo_app: App) -> None:
    Path(".cleo/conduit.db").unlink()
    delete(cleo_app, "bob")
    assert not Path(".cleo/conduit.db").exists()


def test_an_agent_gone_without_any_event_is_found_and_forgotten(
    cleo_app: App, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a registry answers stands in for one."""
    from cleo_core import references

    peopled(cleo_app)
    cleo_app.close()

    def answer(self: Any, kind: str, ids: Any) -> frozenset[str] | None:
        return frozenset(id_ for id_ in ids if id_ != "bob") if kind == "agent" else None

    monkeypatch.setattr(references.Existence, "_answer", answer)
    found = cleo_cli("reconcile", "--reference", "conduit.ref_agent")
    (row,) = found.data["references"]
    assert (row["missing"], row["planned"]) == (1, 1)
    assert conduit(cleo_app).ref("bob") is not None
    cleo_app.close()
    done = cleo_cli("reconcile", "--apply", "--reference", "conduit.ref_agent")
    (row,) = done.data["references"]
    assert row["repaired"] == 1
    assert [ref.agent_id for ref in conduit(cleo_app).refs()] == ["ann"]
    assert value("SELECT count(*) FROM dead_letters") == 5


@pytest.mark.parametrize("kind", ["message", "conversation", "document", "lease"])
def test_ids_of_each_kind_are_known(cleo_app: App, kind: str) -> None:
    peopled(cleo_app)
    execute(
        insert(
            "attachments",
            slug="notes",
            from_agent_id="ann",
            current_version=1,
            version_count=1,
            content_hash="h",
            original_size=0,
            compressed_size=0,
            tokens=0,
            created_at=AT,
            updated_at=AT,
        )
    )
    ids = {"message": uuid(11), "conversation": uuid(1), "document": "notes", "lease": uuid(31)}
    assert cleo_app.exists(kind, [ids[kind], "no-such"]) == {ids[kind]: True, "no-such": False}
    cleo_app.close()
    Path(".cleo/conduit.db").unlink()
    cleo_app.existence.forget()
    assert cleo_app.exists(kind, [ids[kind]]) == {ids[kind]: None}


def test_every_reference_of_the_store_is_declared() -> None:
    declared = {
        (one.source.removeprefix("conduit."), one.target_kind, one.on_missing, one.on_delete)
        for one in REFERENCES
    }
    assert declared == {
        ("project_agent_refs.agent_id", "agent", "reject", "delete"),
        ("attachments.from_agent_id", "agent", "reject", "keep"),
        ("attachment_versions.author_agent_id", "agent", "reject", "keep"),
        ("attachment_approvals.reviewer_agent_id", "agent", "reject", "keep"),
        ("attachment_contributors.agent_id", "agent", "reject", "keep"),
        ("message_pins.pinned_by", "agent", "reject", "keep"),
        ("leases.agent_id", "agent", "reject", "keep"),
        ("leases.task_id", "task", "keep", "null"),
        ("conversations.epic_id", "task", "keep", "null"),
        ("messages.metadata", "task", "keep", "keep"),
    }
