"""How SQLite finds what the statements ask for: by the agent's own rows, never through all mail."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from cleo_conduit.store import access, due, inbound, mail, reading, receiving
from cleo_core.app import App

_post = runpy.run_path(str(Path(__file__).with_name("post.py")))
speakers, execute, value = _post["speakers"], _post["execute"], _post["value"]
OPEN = "ix_receipts_open"
BY_AGENT = "ix_receipts_agent_id"

#: Statement -> the index that finds the receipts.
RECEIPTS = {
    "unreported": (inbound.UNREPORTED, "ix_receipts_unreported"),
    "relayed": (inbound.RELAYED, "ix_receipts_away"),
    "for another machine": (inbound.FOR_AGENT, OPEN),
    "inbox": (reading.INBOX, OPEN),
    "inbox, everything": (reading.INBOX_ALL, BY_AGENT),
    "inbox, to be acknowledged": (reading.INBOX_NEEDS_ACK, "ix_receipts_unacknowledged"),
    "to be acknowledged": (reading.NEEDS_ACK, "ix_receipts_unacknowledged"),
    "unread": (reading.UNREAD, OPEN),
    "pending": (mail.PENDING, OPEN),
    "waiting": (receiving.WAITING, OPEN),
    "claimed": (receiving.CLAIMED, OPEN),
    "the end of claims": (receiving.CLAIM_ENDS, OPEN),
}


def plan(app: App, statement: str) -> list[str]:
    names = set(re.findall(r":([a-z_]+)", statement))
    rows = app.store("conduit").read(f"EXPLAIN QUERY PLAN {statement}", **dict.fromkeys(names))
    return [str(row["detail"]) for row in rows]


@pytest.mark.parametrize("name", RECEIPTS)
def test_receipts_are_found_by_an_index(cleo_app: App, name: str) -> None:
    statement, index = RECEIPTS[name]
    cleo_app.write("conduit", lambda unit: None)
    details = plan(cleo_app, statement)
    found = [one for one in details if re.match(r"(SEARCH|SCAN) (r|receipts)\b", one)]
    assert len(found) == 1, details
    assert f"{index} " in found[0], details
    assert found[0].startswith("SEARCH"), details
    assert not any("TEMP B-TREE" in one for one in details), details
    assert not any(re.match(r"SCAN (m|messages)\b", one) for one in details), details


@pytest.mark.parametrize("statement", [reading.CONVERSATIONS, reading.COUNT_CONVERSATIONS])
def test_conversations_are_found_by_what_an_agent_has(cleo_app: App, statement: str) -> None:
    cleo_app.write("conduit", lambda unit: None)
    details = plan(cleo_app, statement)
    assert not any("CORRELATED" in one for one in details), details
    assert not any(re.match(r"SCAN (m|v|p|messages|receipts)\b", one) for one in details), details
    assert any(BY_AGENT in one for one in details), details
    assert any("ix_participants_agent_id" in one for one in details), details


def test_an_agent_knows_what_it_takes_part_in_what_is_open_and_what_it_was_written(
    cleo_open: Any,
) -> None:
    ann, bob, cem = speakers(cleo_open, "ann", "bob", "cem")
    sent = ann.send("for the two", to=["bob"])
    group = ann.send("for all", to=["bob", "cem"])
    ann.topic_publish("news", "open to all")
    ann.send("to everybody", broadcast=True)
    own = cem.send("mine", to=["ann"])
    for one in (ann, bob, cem):
        for topics in (False, True):
            found, page = one.conversations(topics=topics)
            assert page.total == len(found)
    assert [one.id for one in cem.conversations()[0]] == [
        own.conversation_id,
        group.conversation_id,
    ]
    assert [one.topic for one in cem.conversations(topics=True)[0]] == ["all", "news"]
    # Whoever holds a receipt knows of its conversation, although it takes no part there.
    execute(f"INSERT INTO receipts (message_seq, agent_id) VALUES ({sent.seq}, 'cem')")
    assert sent.conversation_id in [one.id for one in cem.conversations()[0]]
    assert access.KNOWS_CONVERSATION


def test_only_what_is_to_be_acknowledged_counts_as_that(cleo_open: Any) -> None:
    ann, bob, cem = speakers(cleo_open, "ann", "bob", "cem")
    for number in range(3):
        ann.send(f"asked {number}", to=["bob"], cc=["cem"], ack_required=True)
    ann.send("told", to=["bob"])
    ids = [one.id for one in bob.inbox().messages]
    bob.read(ids[0])
    bob.ack(ids[1])
    inbox = bob.inbox(needs_ack=True)
    assert [one.content for one in inbox.messages] == ["asked 0", "asked 2"]
    assert (inbox.needs_ack, inbox.next_after) == (2, 3)
    assert [one.content for one in bob.inbox(needs_ack=True, after=1).messages] == ["asked 2"]
    assert bob.inbox(needs_ack=True, sender="cem").messages == []
    assert (cem.inbox().needs_ack, cem.inbox(needs_ack=True).messages) == (0, [])
    assert len(bob.inbox(everything=True).messages) == 4
    event = bob.waiting("bob", 0, 10)[0][1]
    execute("DELETE FROM messages")
    for agent in ("bob", "cem"):
        copy = {**event, "from": "eve", "bodyHash": None, "cc": ["cem"], "recipient": agent}
        copy["conversationId"] = _post["uuid"](99)
        assert bob.accept_here(copy, origin="x") == ("accepted", None)
    assert (bob.inbox().needs_ack, cem.inbox().needs_ack) == (1, 0)
    assert value("SELECT count(*) FROM ack_waiting") == 1


def test_what_is_due_is_found_by_indexes(cleo_app: App) -> None:
    cleo_app.write("conduit", lambda unit: None)
    details = plan(cleo_app, due.IS_DUE)
    assert not any(one.startswith("SCAN") and "CONSTANT ROW" not in one for one in details), details
    for index in ("ix_messages_expires_at", "ix_messages_ack_due_at", "ix_leases_namespace"):
        assert any(index in one for one in details), details
