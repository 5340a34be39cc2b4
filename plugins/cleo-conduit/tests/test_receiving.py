"""Receiving: claims, confirmations, order, cursors; and what only looks."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_conduit.service.receiving import ReceiveVerbs
from cleo_core import clock
from cleo_core.database import connect_for_copy
from cleo_core.testing import Outcome

_post = runpy.run_path(str(Path(__file__).with_name("post.py")))
speakers, refused, execute, value = (
    _post[name] for name in ("speakers", "refused", "execute", "value")
)
audits, disagreements, conduit = _post["audits"], _post["disagreements"], _post["conduit"]

Cli = Callable[..., Outcome]


def contents(found: Any) -> list[str]:
    return [one.content for one in found.messages]


@pytest.mark.guarantee(
    "conduit-08",
    "Only a recipient confirms a message; unknown ids are named; what was read does not fall back.",
)
def test_only_a_recipient_confirms(cleo_open: Any) -> None:
    ann, bob, cem = speakers(cleo_open, "ann", "bob", "cem")
    mine = ann.send("for bob", to=["bob"]).id
    other = ann.send("for cem", to=["cem"]).id
    for verb in ("ack", "read", "reject"):
        error = refused(lambda verb=verb: getattr(cem, verb)(mine))
        assert (error.exit, error.details["notYours"]) == (99, [mine])
    unknown = _post["uuid"](9)
    assert refused(lambda: bob.ack(unknown)).details["unknown"] == [unknown]
    done = bob.ack(mine, other, unknown)
    assert (done.changed, done.unchanged, done.not_yours, done.unknown) == (
        [mine],
        [],
        [other],
        [unknown],
    )
    assert bob.ack(mine).unchanged == [mine]
    assert bob.read(mine).unchanged == [mine]
    assert bob.poll(deliver=True).messages == []
    (row,) = execute("SELECT state, delivered_at, read_at, acked_at FROM receipts LIMIT 1")
    assert row[0] == "acked"
    assert None not in row
    assert bob.reject(mine, reason="late").unchanged == [mine]
    assert cem.reject(other, reason="not mine").changed == [other]
    assert cem.ack(other).unchanged == [other]
    (line,) = ann.receipts(other)
    assert (line.state, line.reason, line.read_at is not None) == ("rejected", "not mine", True)


@pytest.mark.guarantee(
    "conduit-10",
    "Two consumers of an agent never hold one message at once; what was not confirmed comes again "
    "after the claim; the order within a conversation holds.",
)
def test_a_message_is_one_consumers_until_its_claim_ends(cleo_open: Any, cleo_clock: Any) -> None:
    ann, bob, cem = speakers(cleo_open, "ann", "bob", "cem")
    for number in range(3):
        ann.send(f"ann {number}", to=["bob"])
        cem.send(f"cem {number}", to=["bob"])
    first = bob.poll(consumer="one", limit=1)
    assert contents(first) == ["ann 0"]
    # The rest of that conversation waits for the first to be confirmed.
    assert contents(bob.poll(consumer="two")) == ["cem 0", "cem 1", "cem 2"]
    assert bob.poll(consumer="three").messages == []
    assert bob.poll(consumer="one").messages == []
    assert bob.poll(consumer="one", confirm=first.next_after).confirmed == 1
    cleo_clock.advance(30)
    assert bob.poll(consumer="three").messages == []
    cleo_clock.advance(31)
    again = bob.poll(consumer="three")
    assert contents(again) == ["cem 0", "ann 1", "cem 1", "ann 2", "cem 2"]
    assert [(one.claims, one.redelivered) for one in again.messages] == [(2, True)] * 5
    # Who was too slow has nothing left to confirm.
    assert bob.poll(consumer="two", confirm=again.next_after).confirmed == 0
    assert bob.poll(consumer="three", confirm=again.next_after).confirmed == 5
    assert bob.inbox().unread == 6
    found = execute("SELECT DISTINCT state, claim_owner FROM receipts ORDER BY claim_owner")
    assert found == [("delivered", "one"), ("delivered", "three")]


def test_a_clock_that_was_set_back_frees_what_it_would_hold_for_long(
    cleo_open: Any, cleo_clock: Any
) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    ann.send("x", to=["bob"])
    cleo_clock.advance(10 * 86_400)
    assert contents(bob.poll(consumer="one")) == ["x"]
    cleo_clock.advance(-10 * 86_400)
    assert contents(bob.poll(consumer="two")) == ["x"]


@pytest.mark.guarantee(
    "conduit-11",
    "Whoever follows the cursor misses no message and sees none twice, whatever the clock does.",
)
@pytest.mark.parametrize("step", [0.0, -0.7])
def test_the_cursor_misses_nothing(cleo_open: Any, cleo_clock: Any, step: float) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    seen: list[str] = []
    after = 0
    for block in range(20):
        cleo_clock.advance(step * 50)
        ann.send_many([{"content": f"{block}.{n}", "to": ["bob"]} for n in range(50)])
        for _ in range(block % 4):
            found = bob.inbox(after=after, limit=27)
            seen += contents(found)
            after = found.next_after
    while (found := bob.inbox(after=after, limit=200)).messages:
        seen += contents(found)
        after = found.next_after
    assert seen == [f"{block}.{n}" for block in range(20) for n in range(50)]


def test_what_expired_is_not_handed_over_and_its_sender_is_told(
    cleo_open: Any, cleo_clock: Any
) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    sent = ann.send("soon", to=["bob"], ttl="10s", subject="Hurry")
    kept = ann.send("later", to=["bob"], ttl="1h")
    cleo_clock.advance(11)
    assert contents(bob.poll()) == ["later"]
    (bounce,) = ann.inbox().messages
    assert (bounce.kind, bounce.from_, bounce.verified) == ("bounce", "cleo-system", True)
    assert (bounce.reply_to, bounce.thread_id) == (sent.id, sent.id)
    assert bounce.payload == {"recipient": "bob", "state": "expired", "reason": "expired"}
    assert [one.state for one in ann.receipts(sent.id)] == ["expired"]
    assert bob.ack(sent.id).unchanged == [sent.id]
    # The clock is set back, and what expires then is seen to all the same.
    cleo_clock.advance(-3600)
    late = ann.send("again", to=["bob"], ttl="10s")
    cleo_clock.advance(20)
    bob.poll(confirm=kept.seq)
    assert [one.state for one in ann.receipts(late.id)] == ["expired"]
    assert disagreements() == []


def test_bounces_notices_topics_and_broadcasts_never_bounce(
    cleo_open: Any, cleo_clock: Any
) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    bob.topic_subscribe("builds")
    ann.send("all", broadcast=True, ttl="5s")
    ann.topic_publish("builds", "red", ttl="5s")
    ann.send("just so", to=["bob"], kind="notify", ttl="5s")
    cleo_clock.advance(6)
    ann.touch("ann")
    ann.prune()
    assert execute("SELECT DISTINCT state FROM receipts") == [("expired",)]
    assert ann.inbox(everything=True).messages == []


def test_overdue_acknowledgements_are_told_once(cleo_open: Any, cleo_clock: Any) -> None:
    ann, bob, cem = speakers(cleo_open, "ann", "bob", "cem")
    urgent = ann.send("now", to=["bob"], cc=["cem"], ack_required=True, importance="urgent")
    slow = ann.send("soon", to=["bob"], ack_required=True)
    early = ann.send("at once", to=["cem"], ack_within="30s")
    assert cem.inbox(needs_ack=True).messages[0].id == early.id
    cem.ack(early.id)
    cleo_clock.advance(3601)
    bob.read(urgent.id)
    (notice,) = ann.poll(deliver=True).messages
    assert (notice.kind, notice.from_, notice.payload["messageId"]) == (
        "notify",
        "cleo-system",
        urgent.id,
    )
    assert notice.payload["recipient"] == "bob"
    found, page = ann.overdue()
    assert ([one.id for one in found], page.total) == ([urgent.id], 1)
    assert [one.id for one in bob.overdue(mine=True)[0]] == [urgent.id]
    assert ann.overdue(mine=True)[0] == []
    assert cem.overdue()[0] == []
    cleo_clock.advance(60)
    bob.poll()
    assert ann.poll().messages == []
    bob.ack(urgent.id)
    assert ann.overdue()[0] == []
    cleo_clock.advance(86_400)
    bob.poll()
    assert [one.payload["messageId"] for one in ann.poll(deliver=True).messages] == [slow.id]


@pytest.mark.guarantee(
    "conduit-13",
    "Looking at mail, searching it and every dry run change no byte.",
)
def test_looking_changes_no_byte(
    cleo_open: Any, cleo_cli: Cli, cleo_project: Path, frozen_bytes: Any, cleo_clock: Any
) -> None:
    ann, _ = speakers(cleo_open, "ann", "bob")
    sent = ann.send("hello there", to=["bob"], ack_required=True, ttl="10s")
    ann.topic_publish("builds", "red")
    ann.app.close()
    cleo_clock.advance(3600)
    id_ = sent.id
    reads: list[tuple[str, ...]] = [
        ("conduit", "inbox"),
        ("conduit", "inbox", "--all"),
        ("conduit", "show", id_),
        ("conduit", "thread", id_),
        ("conduit", "conversation", sent.conversation_id),
        ("conduit", "conversations"),
        ("conduit", "receipts", id_),
        ("conduit", "overdue"),
        ("conduit", "search", "hello"),
        ("conduit", "pins"),
        ("conduit", "jobs"),
        ("conduit", "dead", "list"),
        ("conduit", "status"),
        ("topic", "list"),
        ("topic", "read", "builds"),
    ]
    dry = [
        ("conduit", "send", "x", "--to", "ann"),
        ("conduit", "poll"),
        ("conduit", "poll", "--wait", "5"),
        ("conduit", "ack", id_),
        ("conduit", "read", id_),
        ("conduit", "reject", id_),
        ("conduit", "pin", id_),
        ("conduit", "prune"),
        ("conduit", "reindex"),
        ("conduit", "dead", "replay", "--all"),
        ("topic", "publish", "new", "x"),
        ("topic", "subscribe", "builds", "--history"),
    ]
    with frozen_bytes(cleo_project):
        for words in (*reads, *((*words, "--dry-run") for words in dry)):
            outcome = cleo_cli(*words, "--agent", "bob")
            assert outcome.code == 0, (words, outcome)


def test_nobody_reads_or_acts_for_another(cleo_open: Any) -> None:
    ann, bob, eve = speakers(cleo_open, "ann", "bob", "eve")
    sent = ann.send("secret plan", to=["bob"], subject="Secret")
    group = ann.send("group secret", to=["bob"], cc=["ann"])
    for call in (
        lambda: eve.show(sent.id),
        lambda: eve.show(sent.seq),
        lambda: eve.thread(sent.id),
        lambda: eve.receipts(sent.id),
        lambda: eve.conversation(sent.conversation_id),
        lambda: eve.pin(sent.id),
        lambda: eve.unpin(sent.id),
        lambda: eve.redact(sent.id),
        lambda: eve.ack(sent.id),
        lambda: eve.read(sent.id),
        lambda: eve.reject(sent.id),
        lambda: eve.send("x", reply_to=sent.id),
        lambda: eve.send("x", conversation=group.conversation_id),
        lambda: bob.redact(sent.id),
    ):
        error = refused(call)
        assert error.exit == 99, error
        assert "secret" not in f"{error.message} {error.details}".lower()
    assert eve.search("secret")[0].hits == []
    assert eve.conversations()[0] == []
    assert eve.poll().messages == []
    assert bob.search("secret")[1].total == 2
    # A broadcast, and a topic, is for everybody whom the project sees.
    ann.topic_publish("builds", "public knowledge")
    assert [hit.from_ for hit in eve.search("public")[0].hits] == ["ann"]


def test_who_left_a_topic_reads_what_was_said_before(cleo_open: Any) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    bob.topic_subscribe("builds")
    ann.topic_publish("builds", "one")
    bob.topic_unsubscribe("builds")
    ann.topic_publish("builds", "two")
    assert contents(bob.poll()) == ["one"]
    assert not bob.topic_unsubscribe("builds").changed


def test_redaction_takes_the_text_out_of_the_file(cleo_open: Any, cleo_project: Path) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    sent = ann.send(
        "zanzibar @bob #zulu",
        to=["bob"],
        subject="zanzibar",
        payload={"k": "zanzibar"},
        metadata={"own": "kept"},
    )
    assert ann.redact(sent.id).changed
    assert not ann.redact(sent.id).changed
    shown = bob.show(sent.id).message
    assert (shown.subject, shown.content, shown.payload) == ("[redacted]", "[redacted]", None)
    assert (shown.metadata, shown.attachments) == ({"own": "kept"}, [])
    assert bob.search("zanzibar")[0].hits == []
    for suffix in ("", "-wal"):
        file = cleo_project / ".cleo" / f"conduit.db{suffix}"
        assert not file.exists() or b"zanzibar" not in file.read_bytes()
    assert disagreements() == []


def test_pins(cleo_open: Any) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    sent = ann.send("keep me", to=["bob"])
    assert bob.pin(sent.id, note="why").changed
    assert not bob.pin(sent.id).changed
    assert bob.pin(sent.id, note="better").changed
    (pin,) = bob.pins()[0]
    assert (pin.message_id, pin.note, pin.content) == (sent.id, "better", "keep me")
    assert ann.pins()[0] == []
    assert bob.unpin(sent.id).changed
    assert not bob.unpin(sent.id).changed


def test_pruning_keeps_what_is_unread_or_pinned(
    cleo_open: Any, cleo_clock: Any, cleo_cli: Cli
) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    read, unread, pinned, owed = (
        ann.send(text, to=["bob"], **more)
        for text, more in (
            ("read", {}),
            ("unread", {}),
            ("pinned", {}),
            ("owed", {"ack_required": True}),
        )
    )
    bob.read(read.id, pinned.id, owed.id)
    bob.pin(pinned.id)
    answer = bob.send("answer", reply_to=read.id)
    ann.read(answer.id)
    cleo_clock.advance(40 * 86_400)
    assert ann.prune().messages == 0
    assert cleo_cli("config", "set", "conduit.retention_days", "30").code == 0
    ann = conduit(cleo_open(agent="ann"))
    with ann.app.dry_running():
        assert ann.prune().messages == 2
    assert ann.prune().messages == 2
    left = [row[0] for row in execute("SELECT content FROM messages WHERE kind = 'message'")]
    assert left == ["unread", "pinned", "owed"]
    assert (unread.seq, disagreements()) == (2, [])
    # Numbers of what was pruned do not come again.
    assert ann.send("new", to=["bob"]).seq > answer.seq


def test_a_claim_that_runs_out_is_waited_for(cleo_open: Any, cleo_cli: Cli) -> None:
    assert cleo_cli("config", "set", "conduit.claim_seconds", "1").code == 0
    ann, bob = speakers(cleo_open, "ann", "bob")
    ann.send("one", to=["bob"])
    assert contents(bob.poll(consumer="dead")) == ["one"]
    assert contents(bob.poll(consumer="alive", wait=20)) == ["one"]


@pytest.mark.guarantee(
    "conduit-10", "A watcher hands nothing over that comes after a message it has yet to confirm."
)
def test_a_watcher_goes_on_in_turn(cleo_open: Any, cleo_cli: Cli) -> None:
    assert cleo_cli("config", "set", "conduit.claim_seconds", "1").code == 0
    ann, bob = speakers(cleo_open, "ann", "bob")
    ann.send("one", to=["bob"])
    calls: list[str] = []

    def handler(message: Any) -> bool:
        calls.append(message.content)
        if len(calls) == 1:
            ann.send("two", to=["bob"])
            return False
        return True

    for event in bob.watch(timeout=20, handler=handler):
        if event["event"] == "message" and event["message"]["content"] == "two":
            break
    assert calls == ["one", "one", "two"]


def test_delivery_at_once_says_so(cleo_open: Any) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    sent = ann.send("x", to=["bob"])
    (one,) = bob.poll(deliver=True).messages
    assert (one.state, one.claim_until) == ("delivered", None)
    assert bob.ack(sent.id, sent.seq, str(sent.seq)).changed == [sent.id]
    for odd in ((["a"],), ({},), (None,), (1.5,), (True,)):
        assert refused(lambda odd=odd: bob.ack(*odd)).exit == 2
    for wait in (float("nan"), float("inf"), -1, "5"):
        assert refused(lambda wait=wait: bob.poll(wait=wait)).exit == 2


def test_who_left_neither_writes_nor_sees_who_is_left(cleo_open: Any) -> None:
    ann, bob, cem = speakers(cleo_open, "ann", "bob", "cem")
    sent = ann.send("plan", to=["bob", "cem"])
    ann.remove_ref("cem")
    ann.attach("cem")
    ann.send("later", conversation=sent.conversation_id)
    for call in (
        lambda: cem.send("x", conversation=sent.conversation_id),
        lambda: cem.send("x", reply_to=sent.id),
        lambda: cem.send("x", reply_to=sent.id, reply_all=True),
    ):
        assert refused(call).exit == 99
    found = cem.conversation(sent.conversation_id)
    assert contents(found) == ["plan"]
    assert (found.conversation.participants, found.conversation.message_count) == ([], 1)
    assert bob.conversation(sent.conversation_id).conversation.message_count == 2


def test_what_was_redacted_is_gone_from_the_file(cleo_open: Any, cleo_project: Path) -> None:
    ann, bob, cem = speakers(cleo_open, "ann", "bob", "cem")
    group = ann.send("zanzibar " * 40, to=["bob", "cem"], subject="quokka", ack_within="1h")
    ann.send("something else", to=["bob"])
    assert ann.redact(group.id).changed
    for one in (ann, bob, cem):
        one.app.close()
    data = b"".join(path.read_bytes() for path in (cleo_project / ".cleo").glob("conduit.db*"))
    assert b"zanzibar" not in data
    assert b"quokka" not in data
    assert disagreements() == []


def test_the_time_of_a_watch_ends_also_in_a_stream(cleo_open: Any) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    ann.send("first", to=["bob"])
    count = 0
    for event in bob.watch(timeout=0.5):
        if event["event"] == "message":
            count += 1
            assert count < 100_000
            ann.send("and another", to=["bob"])
    assert count >= 1


@pytest.mark.guarantee(
    "conduit-01",
    "A consumer that died and is started again under its name confirms nothing that it never saw.",
)
def test_a_consumer_confirms_what_it_was_handed_last(cleo_open: Any, cleo_clock: Any) -> None:
    ann, bob, cem = speakers(cleo_open, "ann", "bob", "cem")
    ann.send("never seen", to=["bob"])
    bob.poll(consumer="worker")
    cleo_clock.advance(1)
    cem.send("seen", to=["bob"])
    seen = bob.poll(consumer="worker")
    assert contents(seen) == ["seen"]
    for confirmed in (1, 0, 0):
        done = bob.poll(consumer="worker", confirm=seen.next_after, wait=0.01)
        assert done.confirmed == confirmed
    cleo_clock.advance(61)
    again = bob.poll(consumer="worker")
    assert contents(again) == ["never seen"]
    assert bob.poll(consumer="worker", confirm=again.next_after).confirmed == 1


@pytest.mark.guarantee(
    "conduit-10", "Confirming up to a message that was acknowledged confirms what came before it."
)
@pytest.mark.parametrize("verb", ["ack", "read", "reject"])
def test_what_was_dealt_with_still_confirms_its_batch(cleo_open: Any, verb: str) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    for text in ("one", "two", "three"):
        ann.send(text, to=["bob"])
    found = bob.poll(consumer="worker")
    getattr(bob, verb)(found.next_after)
    assert bob.poll(consumer="other", confirm=found.next_after).confirmed == 0
    assert bob.poll(consumer="worker", confirm=found.next_after).confirmed == 2
    assert execute("SELECT count(*) FROM receipts WHERE state = 'pending'") == [(0,)]


@pytest.mark.guarantee(
    "conduit-10",
    "Confirming up to a message whose time is over, or that was confirmed before, confirms what "
    "came before.",
)
@pytest.mark.parametrize("end", ["over", "confirmed"])
def test_what_was_closed_still_confirms_its_batch(
    cleo_open: Any, cleo_clock: Any, end: str
) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    for text in ("one", "two"):
        ann.send(text, to=["bob"])
    ann.send("three", to=["bob"], ttl=30 if end == "over" else None)
    found = bob.poll(consumer="worker")
    assert contents(found) == ["one", "two", "three"]
    if end == "over":
        cleo_clock.advance(40)
    else:
        assert bob.confirm([3], consumer="worker") == 1
    left = 3 if end == "over" else 2
    assert bob.poll(consumer="other", confirm=found.next_after).confirmed == 0
    assert bob.poll(consumer="worker", confirm=found.next_after).confirmed == left
    assert bob.poll(consumer="worker", confirm=found.next_after).confirmed == 0
    states = [one for (one,) in execute("SELECT state FROM receipts ORDER BY message_seq LIMIT 3")]
    assert states == ["delivered"] * 3


def test_a_claim_that_ended_behind_another_is_not_looked_at_all_the_time(
    cleo_open: Any, cleo_clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    for text in ("one", "two"):
        ann.send(text, to=["bob"])
    assert len(bob.poll(consumer="slow").messages) == 2
    cleo_clock.advance(61)
    looks: list[int] = []
    plain = ReceiveVerbs._waits

    def look(*given: Any) -> bool:
        looks.append(1)
        return plain(*given)

    monkeypatch.setattr(ReceiveVerbs, "_waits", look)
    # Its consumer still works on the first, and has kept that alone.
    until = clock.format_time(cleo_clock.now + 50)
    execute(f"UPDATE receipts SET claim_until = '{until}' WHERE message_seq = 1")
    assert bob.poll(consumer="other", wait=0.6).messages == []
    assert len(looks) <= 3


def test_redaction_leaves_nothing_in_a_file_of_many_sizes(
    cleo_open: Any, cleo_project: Path
) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    sent = []
    for number in range(60):
        words = "" if number % 2 else f"zanzibar{number:03} " * (1 + number * 7)
        sent.append(ann.send(f"message {number} {words}", to=["bob"], subject=f"s {words[:90]}"))
    for one in sent[::3]:
        bob.ack(one.id)
    for one in sent[::2]:
        assert ann.redact(one.id).changed
    for one in (ann, bob):
        one.app.close()
    data = b"".join(path.read_bytes() for path in (cleo_project / ".cleo").glob("conduit.db*"))
    assert b"zanzibar" not in data
    assert disagreements() == []


def test_text_that_stays_in_the_log_is_named_and_taken_out_later(
    cleo_open: Any, cleo_cli: Cli, cleo_project: Path
) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    sent = ann.send("zanzibar", to=["bob"])
    for one in (ann, bob):
        one.app.close()
    reader = connect_for_copy(".cleo/conduit.db")
    try:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM messages").fetchone()
        done = cleo_cli("conduit", "redact", sent.id, "--agent", "ann")
    finally:
        reader.close()
    assert (done.code, done.data["redacted"][0]["changed"]) == (0, True)
    assert [one["code"] for one in done.warnings] == ["W_NOT_WIPED"]
    assert value("SELECT count(*) FROM conduit_meta WHERE key = 'unwiped'") == 1
    assert cleo_cli("conduit", "prune").code == 0
    assert value("SELECT count(*) FROM conduit_meta WHERE key = 'unwiped'") == 0
    data = b"".join(path.read_bytes() for path in (cleo_project / ".cleo").glob("conduit.db*"))
    assert b"zanzibar" not in data


def test_who_was_removed_is_told_nothing_more(cleo_open: Any, cleo_clock: Any) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    sent = ann.send("soon", to=["bob"], ack_within="10s")
    bob.remove_ref("ann")
    cleo_clock.advance(11)
    bob.poll()
    assert value("SELECT count(*) FROM messages WHERE kind = 'notify'") == 0
    assert value(f"SELECT escalated_at IS NOT NULL FROM receipts WHERE message_seq = {sent.seq}")
    bob.attach("ann")
    assert ann.poll().messages == []


def test_what_somebody_is_dealing_with_does_not_expire(
    cleo_open: Any, cleo_project: Path, cleo_clock: Any
) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    ann.send("x", to=["bob"], ttl=2)
    (taken,) = bob.poll().messages
    cleo_clock.advance(5)
    ann.send("another unit", to=["bob"])
    assert execute("SELECT state FROM receipts WHERE message_seq = 1") == [("pending",)]
    assert bob.confirm([taken.seq], consumer="bob") == 1
    assert [one.kind for one in ann.inbox().messages] == []


def test_what_was_held_and_let_go_expires(
    cleo_open: Any, cleo_project: Path, cleo_clock: Any
) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    ann.send("x", to=["bob"], ttl=2)
    assert len(bob.poll().messages) == 1
    cleo_clock.advance(5)
    ann.send("another unit", to=["bob"])
    cleo_clock.advance(60)
    ann.send("and another", to=["bob"])
    assert execute("SELECT state FROM receipts WHERE message_seq = 1") == [("expired",)]
    assert [one.kind for one in ann.inbox().messages] == ["bounce"]


def test_expired_mail_is_not_handed_over_however_much_of_it_there_is(
    cleo_open: Any, cleo_project: Path, cleo_clock: Any
) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    ann.send_many([{"content": f"m{n}", "to": ["bob"], "ttl": 3} for n in range(250)])
    cleo_clock.advance(4)
    assert bob.poll(limit=3).messages == []


def test_a_list_says_that_there_is_more(cleo_cli: Any, cleo_open: Any, cleo_project: Path) -> None:
    ann, _ = speakers(cleo_open, "ann", "bob")
    first = ann.send("root", to=["bob"])
    for number in range(3):
        ann.send(f"answer {number}", reply_to=first.id, to=["bob"])
    for words in (("thread", "1"), ("inbox",), ("conversation", first.conversation_id)):
        call = ("conduit", *words, "--agent", "bob")
        assert cleo_cli(*call, "--limit", "4").data["hasMore"] is False
        part = cleo_cli(*call, "--limit", "2").data
        assert (part["hasMore"], part["nextAfter"]) == (True, 2)
        assert "There is more: --after 2" in cleo_cli(*call, "--limit", "2", "--human").out
    ann.topic_publish("builds", "red")
    ann.topic_publish("builds", "green")
    read = cleo_cli("topic", "read", "builds", "--limit", "1", "--agent", "bob").data
    assert (read["hasMore"], read["nextAfter"]) == (True, 5)
