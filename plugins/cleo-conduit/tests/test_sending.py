"""Sending: who gets a message, what is written with it, and what is refused."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_conduit.service.accepting import body_of
from cleo_conduit.service.bodies import extracted
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome

_post = runpy.run_path(str(Path(__file__).with_name("post.py")))
speakers, refused, execute, value = (
    _post[name] for name in ("speakers", "refused", "execute", "value")
)
audits, disagreements, conduit = _post["audits"], _post["disagreements"], _post["conduit"]

AT = _post["AT"]

Cli = Callable[..., Outcome]
STATES = "SELECT agent_id, state FROM receipts ORDER BY message_seq, agent_id"


def names(sent: Any) -> list[tuple[str, str]]:
    return [(one.agent_id, one.role) for one in sent.recipients]


@pytest.mark.guarantee(
    "conduit-03",
    "A message that was just sent waits for its recipient: nobody says that it was delivered.",
)
def test_a_message_to_one_waits_in_the_conversation_of_the_two(cleo_open: Any) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    sent = ann.send("hello", to=["bob"], subject="Build")
    assert [(one.agent_id, one.role, one.route, one.state) for one in sent.recipients] == [
        ("bob", "to", "local", "pending")
    ]
    assert (sent.seq, sent.thread_id, sent.verified, sent.skipped) == (1, sent.id, False, [])
    assert execute("SELECT state, delivered_at, read_at, acked_at FROM receipts") == [
        ("pending", None, None, None)
    ]
    answer = bob.send("yes", reply_to=sent.id)
    assert (answer.conversation_id, answer.thread_id) == (sent.conversation_id, sent.id)
    assert names(answer) == [("ann", "to")]
    assert audits()[-1] == ("bob", "message.send", "message", answer.id)
    assert disagreements() == []


@pytest.mark.guarantee(
    "conduit-04",
    "The counters of a conversation and the time of its last message follow each send.",
)
def test_counters_follow_every_send(cleo_open: Any, cleo_clock: Any) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    for number in range(1, 4):
        cleo_clock.advance(5)
        who, other = ((ann, "bob"), (bob, "ann"))[number % 2]
        sent = who.send(f"number {number}", to=[other])
        (row,) = execute("SELECT message_count, last_seq, last_message_at FROM conversations")
        at = value(f"SELECT created_at FROM messages WHERE seq = {sent.seq}")
        assert row == (number, sent.seq, at)
    ann.send_many([{"content": f"more {n}", "to": ["bob"]} for n in range(250)])
    assert value("SELECT message_count FROM conversations") == 253
    cleo_clock.advance(-1000)
    ann.send("the clock was set back", to=["bob"])
    assert disagreements() == []


@pytest.mark.guarantee(
    "conduit-05", "A message to a conversation reaches everybody who takes part in it."
)
def test_a_conversation_without_recipients_reaches_all_of_it(cleo_open: Any) -> None:
    ann, bob, cem, dan = speakers(cleo_open, "ann", "bob", "cem", "dan")
    first = ann.send("plan", to=["bob"], cc=["cem"])
    assert names(first) == [("bob", "to"), ("cem", "cc")]
    again = bob.send("fine", conversation=first.conversation_id)
    assert names(again) == [("ann", "to"), ("cem", "to")]
    assert [one.content for one in cem.poll().messages] == ["plan", "fine"]
    named = bob.send("you", conversation=first.conversation_id, to=["cem"])
    assert names(named) == [("cem", "to")]
    outside = refused(lambda: dan.send("me too", conversation=first.conversation_id))
    assert (outside.exit, outside.code) == (99, "E_NOT_PARTICIPANT")
    no_part = refused(lambda: ann.send("x", conversation=first.conversation_id, to=["dan"]))
    assert (no_part.exit, no_part.code) == (95, "E_RECIPIENT_UNKNOWN")
    assert names(cem.send("all", reply_to=named.id, reply_all=True)) == [
        ("bob", "to"),
        ("ann", "to"),
    ]
    assert disagreements() == []


@pytest.mark.guarantee(
    "conduit-07",
    "A sender gets neither receipt nor wake-up for its own message; nobody gets mail of others.",
)
def test_who_sends_gets_no_receipt_and_a_third_gets_nothing(cleo_open: Any) -> None:
    ann, _, cem = speakers(cleo_open, "ann", "bob", "cem")
    ann.send("for two", to=["bob", "ann", "bob"], cc=["bob"])
    ann.send("for all", broadcast=True)
    assert execute(STATES) == [("bob", "pending"), ("bob", "pending"), ("cem", "pending")]
    assert ann.inbox(everything=True).messages == []
    assert [one.content for one in cem.inbox().messages] == ["for all"]
    assert refused(lambda: ann.send("me", to=["ann"])).exit == 2


@pytest.mark.guarantee(
    "conduit-02",
    "The same idempotency key with the same message gives the first result again, with another "
    "message an error; two processes at once make one message.",
)
def test_a_key_stands_for_one_message(
    cleo_open: Any, cleo_project: Path, cleo_processes: Any
) -> None:
    ann, _ = speakers(cleo_open, "ann", "bob")
    first = ann.send("once", to=["bob"], idempotency_key="k")
    assert ann.send("once", to=["bob"], idempotency_key="k") == first
    other = refused(lambda: ann.send("twice", to=["bob"], idempotency_key="k"))
    assert (other.exit, other.code) == (6, "E_IDEMPOTENCY_MISMATCH")
    words = ("conduit", "send", "x", "--to", "bob", "--agent", "ann", "--idempotency-key", "j")
    results = cleo_processes([[sys.executable, "-m", "cleo_core", *words]] * 4)
    sent = [json.loads(out)["data"] for code, out, _ in results if code == 0]
    assert len(sent) == 4
    assert len({one["id"] for one in sent}) == 1
    assert value("SELECT count(*) FROM messages") == 2
    # Another agent's key of the same name is another key.
    assert conduit(cleo_open(agent="bob")).send("y", to=["ann"], idempotency_key="k") != first


def test_an_id_of_the_senders_choice_is_sent_once(cleo_open: Any, cleo_clock: Any) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    id_ = _post["uuid"](7)
    first = ann.send("once", to=["bob"], id=id_, ttl="1h")
    cleo_clock.advance(60)
    again = ann.send("once", to=["bob"], id=id_, ttl="1h")
    assert (again.id, again.seq) == (first.id, first.seq)
    assert refused(lambda: ann.send("other", to=["bob"], id=id_)).code == "E_ID_COLLISION"
    assert refused(lambda: bob.send("once", to=["ann"], id=id_, ttl="1h")).exit == 22
    assert value("SELECT count(*) FROM messages") == 1


@pytest.mark.guarantee(
    "conduit-06", "Sixteen processes that write to each other first make one conversation."
)
def test_processes_that_open_the_same_conversation_make_one(
    cleo_open: Any, cleo_processes: Any
) -> None:
    speakers(cleo_open, "ann", "bob")
    code = (
        "import sys\nfrom cleo_core import open_app\n"
        "me, other = ('ann', 'bob')[:: 1 if int(sys.argv[1]) % 2 else -1]\n"
        "with open_app(agent=me) as app:\n    app.service('conduit').send('hi', to=[other])\n"
    )
    results = cleo_processes([[sys.executable, "-c", code, str(n)] for n in range(16)])
    assert [err for code_, _, err in results if code_] == []
    assert execute("SELECT kind, dm_key, message_count FROM conversations") == [
        ("dm", "ann bob", 16)
    ]
    assert value("SELECT count(*) FROM participants") == 2
    assert disagreements() == []


@pytest.mark.guarantee(
    "conduit-25",
    "Reserved names are refused as agents in every letter case; a broadcast names whom it skips.",
)
def test_reserved_names_and_skips(cleo_open: Any) -> None:
    ann, _ = speakers(cleo_open, "ann", "bob", "cem", "dan")[:2]
    for name in ("HumanOverseer", "cleo-system", "cleo-orchestrator", "all", "me"):
        for spelt in (name, name.upper(), name.lower(), name.title()):
            as_agent = conduit(cleo_open(agent=spelt))
            assert refused(lambda app=as_agent: app.send("x", to=["bob"])).exit == 2
            assert refused(lambda app=as_agent: app.inbox()).exit == 2
    for name in ("cleo-system", "cleo-orchestrator"):
        assert refused(lambda name=name: ann.send("x", to=[name])).exit == 95
    for name in ("all", "ME", "humanoverseer", "CLEO-SYSTEM"):
        assert refused(lambda name=name: ann.send("x", to=[name])).exit == 2
    assert names(ann.send("for the person", to=["HumanOverseer"])) == [("HumanOverseer", "to")]
    ann.detach("dan")
    sent = ann.send("to all", broadcast=True)
    assert names(sent) == [("bob", "broadcast"), ("cem", "broadcast")]
    assert [(one.agent_id, one.reason) for one in sent.skipped] == [("dan", "disabled")]


def test_unknown_and_disabled_recipients_stop_everything(cleo_open: Any) -> None:
    ann, _ = speakers(cleo_open, "ann", "bob", "cem")[:2]
    ann.detach("cem")
    before = execute("SELECT count(*) FROM conversations"), value("SELECT count(*) FROM messages")
    for to in (["nobody"], ["bob", "nobody"], ["cem"], ["bob", "cem"]):
        error = refused(lambda to=to: ann.send("x", to=to))
        assert (error.exit, error.fix.split()[:3]) == (95, ["cleo", "conduit", "join"])
    assert before == (
        execute("SELECT count(*) FROM conversations"),
        value("SELECT count(*) FROM messages"),
    )


def test_without_a_registry_a_sender_is_taken_at_its_word(cleo_open: Any) -> None:
    new = conduit(cleo_open(agent="new"))
    new.attach("bob")
    new.send("hello", to=["bob"])
    assert new.ref("new").enabled
    new.detach("new")
    left = refused(lambda: new.send("again", to=["bob"]))
    assert (left.exit, left.fix) == (99, "cleo conduit join new")
    assert refused(lambda: conduit(cleo_open()).send("x", to=["bob"])).code == "E_AGENT_REQUIRED"


def test_a_full_inbox_refuses_one_and_is_skipped_by_all(cleo_open: Any, cleo_cli: Cli) -> None:
    assert cleo_cli("config", "set", "conduit.inbox_max", "3").code == 0
    ann, bob = speakers(cleo_open, "ann", "bob")
    for number in range(3):
        ann.send(str(number), to=["bob"])
    full = refused(lambda: ann.send("one too many", to=["bob"]))
    assert (full.exit, full.code, full.details) == (98, "E_LIMIT", {"agentId": "bob"})
    sent = ann.send("all", broadcast=True)
    assert (names(sent), [one.reason for one in sent.skipped]) == ([], ["inbox_full"])
    bob.poll(deliver=True, limit=2)
    ann.send("room again", to=["bob"])
    ann.send("and again", to=["bob"])
    assert refused(lambda: ann.send("full", to=["bob"])).exit == 98


def test_an_answer_to_a_full_inbox_is_over_the_limit(cleo_open: Any, cleo_cli: Cli) -> None:
    assert cleo_cli("config", "set", "conduit.inbox_max", "1").code == 0
    ann, bob, cem = speakers(cleo_open, "ann", "bob", "cem")
    question = ann.send("question", to=["bob"])
    cem.send("fills it", to=["ann"])
    for more in ({}, {"reply_all": True}):
        full = refused(lambda more=more: bob.send("answer", reply_to=question.id, **more))
        assert (full.exit, full.code, full.details) == (98, "E_LIMIT", {"agentId": "ann"})
    ann.detach("ann")
    gone = refused(lambda: bob.send("answer", reply_to=question.id))
    assert (gone.exit, gone.code) == (95, "E_RECIPIENT_UNKNOWN")


def test_what_is_for_many_reaches_five_hundred_and_names_the_others(cleo_open: Any) -> None:
    (ann,) = speakers(cleo_open, "ann")
    ann.topic_subscribe("news")
    crowd = [f"a{number:03}" for number in range(503)]
    ann.app.store("conduit")
    execute(
        *(
            "INSERT INTO project_agent_refs (agent_id, attached_at, updated_at) "
            f"VALUES ('{name}', '{AT}', '{AT}')"
            for name in crowd
        ),
        "INSERT INTO participants (conversation_id, agent_id, joined_at) "
        f"SELECT c.id, r.agent_id, '{AT}' FROM conversations AS c, project_agent_refs AS r "
        "WHERE r.agent_id <> 'ann'",
    )
    for sent in (ann.send("to all", broadcast=True), ann.topic_publish("news", "to many")):
        assert [one.agent_id for one in sent.recipients] == crowd[:500]
        skipped = [(one.agent_id, one.reason) for one in sent.skipped]
        assert skipped == [(name, "too_many") for name in crowd[500:]]


def test_what_is_read_out_of_a_text_counts_for_the_size_of_its_metadata(cleo_open: Any) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    text = " ".join(f"@a{number:06}" for number in range(7000))
    error = refused(lambda: ann.send(text, to=["bob"]))
    assert (error.exit, error.code, error.details) == (98, "E_LIMIT", {"field": "metadata"})
    more = {"own": "x" * 60_000}
    assert refused(lambda: ann.send(text[:8_000], to=["bob"], metadata=more)).exit == 98
    assert value("SELECT count(*) FROM messages") == 0
    ann.send(text[:40_000], to=["bob"])
    # What was sent is what every receiver takes.
    ((_, event),) = bob.waiting("bob", 0, 10)
    assert body_of(event).metadata == event["metadata"]


@pytest.mark.parametrize(
    ("arguments", "exit_"),
    [
        ({"to": ["bob"], "content": ""}, 6),
        ({"to": ["bob"], "content": "x" * 65_537}, 98),
        ({"to": ["bob"], "content": "é" * 40_000}, 98),
        ({"to": ["bob"], "content": "nul \0"}, 6),
        ({"to": ["bob"], "content": "\udcff"}, 6),
        ({"to": ["bob"], "content": 5}, 6),
        ({"to": ["bob"], "content": "x", "subject": "y" * 201}, 6),
        ({"to": ["bob"], "content": "x", "subject": "two\nlines"}, 6),
        ({"to": ["bob"], "content": "x", "kind": "bounce"}, 6),
        ({"to": ["bob"], "content": "x", "kind": "lifecycle"}, 6),
        ({"to": ["bob"], "content": "x", "importance": "dire"}, 6),
        ({"to": ["bob"], "content": "x", "metadata": []}, 6),
        ({"to": ["bob"], "content": "x", "metadata": {"tags": "one"}}, 6),
        ({"to": ["bob"], "content": "x", "metadata": {"a": "b" * 70_000}}, 98),
        ({"to": ["bob"], "content": "x", "payload": {"a": float("nan")}}, 6),
        ({"to": ["bob"], "content": "x", "payload": object()}, 6),
        ({"to": ["bob"], "content": "x", "ttl": 0}, 2),
        ({"to": ["bob"], "content": "x", "ttl": "never"}, 2),
        ({"to": ["bob"], "content": "x", "ack_within": True}, 2),
        ({"to": ["bob"], "content": "x", "ack_required": "yes"}, 6),
        ({"to": ["bob"], "content": "x", "id": "42"}, 6),
        ({"to": ["bob"], "content": "x", "attach": ["nothing"]}, 99),
        ({"to": ["bob"], "content": "x", "reply_to": "nothing"}, 2),
        ({"to": ["bob"], "content": "x", "reply_to": 77}, 4),
        ({"to": ["bob"], "content": "x", "broadcast": True}, 2),
        ({"content": "x"}, 2),
        ({"cc": ["bob"], "content": "x"}, 2),
        ({"to": ["b b"], "content": "x"}, 2),
        ({"to": {"bob": 1}, "content": "x"}, 6),
        ({"to": [f"a{n}" for n in range(501)], "content": "x"}, 98),
        ({"conversation": _post["uuid"](3), "content": "x"}, 4),
        ({"conversation": "x", "content": "x"}, 2),
        ({"conversation": _post["uuid"](3), "reply_to": 1, "content": "x"}, 2),
        ({"reply_all": True, "to": ["bob"], "content": "x"}, 2),
    ],
)
def test_what_cannot_be_sent_is_refused_and_stored_nowhere(
    cleo_open: Any, arguments: dict[str, Any], exit_: int
) -> None:
    ann, _ = speakers(cleo_open, "ann", "bob")
    error = refused(lambda: ann.send(**arguments))
    assert error.exit == exit_, error
    assert error.fix
    assert value("SELECT count(*) FROM messages") == 0
    assert value("SELECT count(*) FROM conversations") == 0


def test_text_names_agents_tags_tasks_and_directives(cleo_open: Any) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    ann.send(
        "@bob see T12 and #parser.\n/claim T12\nmail a@b.example, @all. #parser",
        to=["bob"],
        subject="T7 #ci",
        metadata={"tags": ["mine", "ci"], "area": "api"},
    )
    (message,) = bob.inbox().messages
    assert message.metadata == {
        "tags": ["mine", "ci", "parser"],
        "area": "api",
        "mentions": ["bob", "all"],
        "directives": ["claim"],
        "taskRefs": ["T7", "T12"],
    }


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300))
def test_extraction_takes_any_text(text: str) -> None:
    for words in extracted(text).values():
        assert len(set(words)) == len(words) > 0
        assert all(word in text for word in words)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    content=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1),
    payload=st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.just("k"), inner),
        max_leaves=5,
    ),
)
def test_what_is_sent_is_what_is_read(cleo_open: Any, content: str, payload: Any) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    sent = ann.send(content, to=["bob"], payload=payload)
    (message,) = [one for one in bob.poll(deliver=True).messages if one.id == sent.id]
    assert (message.content, message.payload, message.from_) == (content, payload, "ann")


def test_a_batch_is_checked_whole_before_the_first_is_sent(
    cleo_open: Any, cleo_cli: Cli, tmp_path: Path
) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    lines = [{"content": f"number {n}", "to": ["bob"]} for n in range(130)]
    file = tmp_path / "batch.jsonl"
    file.write_text("\n".join(map(json.dumps, [*lines, {"content": "", "to": ["bob"]}])))
    bad = cleo_cli("conduit", "send", "--batch", file, "--agent", "ann")
    assert (bad.code, bad.error["details"]["number"]) == (6, 131)
    assert value("SELECT count(*) FROM messages") == 0
    file.write_text("\n".join(map(json.dumps, lines)))
    done = cleo_cli("conduit", "send", "--batch", file, "--agent", "ann")
    assert [one["seq"] for one in done.data["messages"]] == list(range(1, 131))
    assert len(bob.poll(limit=200).messages) == 130
    for text in ("no json", '["list"]', '{"content": "x", "too": ["bob"]}'):
        file.write_text(text)
        assert cleo_cli("conduit", "send", "--batch", file, "--agent", "ann").code == 6
    wrong = {"content": "x", "conversation": "019ac8b0-0000-7000-8000-000000000099"}
    unknown = refused(lambda: ann.send_many([*lines, wrong]))
    # The hundred of the first unit stand; the unit with the wrong one is not written.
    assert (unknown.exit, unknown.details["number"]) == (4, 131)
    assert len(unknown.details["sent"]) == 100
    assert "The 100 before line 101 are sent." in unknown.message
    assert value("SELECT count(*) FROM messages") == 230


def test_send_waits_until_everybody_took_delivery(
    cleo_open: Any, cleo_cli: Cli, cleo_processes: Any
) -> None:
    speakers(cleo_open, "ann", "bob")
    late = cleo_cli("conduit", "send", "x", "--to", "bob", "--agent", "ann", "--wait", "0.1")
    assert (late.code, late.error["code"]) == (96, "E_UNDELIVERED")
    sent = late.error["details"]["result"]
    assert late.error["fix"] == f"cleo conduit receipts {sent['id']}"
    assert sent["recipients"][0]["state"] == "pending"
    words = ("conduit", "send", "y", "--to", "bob", "--agent", "ann", "--wait", "20")
    poll = ("conduit", "poll", "--deliver", "--agent", "bob", "--wait", "20", "--limit", "1")
    code = "import sys, cleo_core.cli as c\nsys.exit(c.main(sys.argv[1:]) or c.main(sys.argv[1:]))"
    results = cleo_processes(
        [[sys.executable, "-m", "cleo_core", *words], [sys.executable, "-c", code, *poll]]
    )
    assert [code for code, _, _ in results] == [0, 0], results
    assert json.loads(results[0][1])["data"]["recipients"][0]["state"] == "delivered"


def test_an_id_is_looked_for_before_its_recipients(cleo_open: Any) -> None:
    ann, _, _ = speakers(cleo_open, "ann", "bob", "cem")
    id_ = _post["uuid"](7)
    first = ann.send("once", to=["bob"], id=id_)
    ann.detach("bob")
    assert ann.send("once", to=["bob"], id=id_).seq == first.seq
    assert refused(lambda: ann.send("once", to=["cem"], id=id_)).code == "E_ID_COLLISION"


def test_a_key_answers_after_its_message_was_pruned(
    cleo_open: Any, cleo_cli: Cli, cleo_clock: Any
) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    sent = ann.send("x", to=["bob"], idempotency_key="k")
    bob.read(sent.id)
    assert cleo_cli("config", "set", "conduit.retention_days", "1").code == 0
    cleo_clock.advance(5 * 86_400)
    later = conduit(cleo_open(agent="ann"))
    assert later.prune().messages == 1
    assert later.send("x", to=["bob"], idempotency_key="k") == sent
    assert refused(lambda: later.wait_for(sent, 0.0)).exit == 4


def test_waiting_ends_where_nothing_more_can_come(cleo_open: Any) -> None:
    import time

    ann, bob = speakers(cleo_open, "ann", "bob")
    sent = ann.send("x", to=["bob"])
    bob.reject(sent.id)
    assert ann.wait_for(sent, time.monotonic() + 60).recipients[0].state == "rejected"
    asked = ann.send("y", to=["bob"], ack_required=True)
    bob.reject(asked.id)
    error = refused(lambda: ann.wait_for(asked, time.monotonic() + 60))
    assert error.code == "E_UNDELIVERED"


@pytest.mark.parametrize("word", ["nan", "inf", "-1", "1e99"])
def test_seconds_are_seconds(cleo_cli: Cli, cleo_project: Path, word: str) -> None:
    for words in (
        ("conduit", "poll", f"--wait={word}"),
        ("conduit", "watch", f"--timeout={word}"),
        ("conduit", "run", f"--timeout={word}"),
        ("conduit", "send", "x", "--to", "bob", f"--wait={word}"),
    ):
        assert cleo_cli(*words, "--agent", "ann").code == 2


def test_a_pipe_is_no_file(cleo_cli: Cli, cleo_project: Path, tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    for option in ("--batch", "--file"):
        words = ("conduit", "send", "--to", "bob") if option == "--file" else ("conduit", "send")
        for path in (tmp_path / "pipe", tmp_path, tmp_path / "nothing"):
            assert cleo_cli(*words, option, path, "--agent", "ann").code == 2


def test_history_counts_for_the_room_of_an_inbox(cleo_open: Any, cleo_cli: Cli) -> None:
    assert cleo_cli("config", "set", "conduit.inbox_max", "5").code == 0
    ann, bob = speakers(cleo_open, "ann", "bob")
    for number in range(4):
        ann.topic_publish("builds", str(number))
    ann.send("x", to=["bob"])
    bob.topic_subscribe("builds", history=True)
    assert refused(lambda: ann.send("y", to=["bob"])).exit == 98
    assert value("SELECT count(*) FROM receipts WHERE state = 'pending'") == 5


def test_a_batch_that_names_a_stranger_at_its_end_sends_nothing(
    cleo_open: Any, cleo_project: Path
) -> None:
    ann, _ = speakers(cleo_open, "ann", "bob")
    lines = [{"content": f"m{n}", "to": ["bob"]} for n in range(120)]
    with pytest.raises(CleoError) as refused:
        ann.send_many([*lines, {"content": "x", "to": ["nobody"]}])
    assert (refused.value.exit, refused.value.details["number"]) == (95, 121)
    assert value("SELECT count(*) FROM messages") == 0


def test_an_answer_that_everybody_may_read_says_so(
    cleo_cli: Any, cleo_open: Any, cleo_project: Path
) -> None:
    ann, _ = speakers(cleo_open, "ann", "bob")
    sent = ann.send("standup?", broadcast=True)
    answer = cleo_cli("conduit", "send", "mine", "--reply-to", sent.id, "--agent", "bob")
    assert [one["code"] for one in answer.envelope["meta"]["warnings"]] == ["W_SHARED"]
