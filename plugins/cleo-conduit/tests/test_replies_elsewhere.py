"""Answers that leave for other machines, and come from there: what they answer, and their thread.

What they answer may be pruned here, and may never have been there.
"""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_conduit.service.accepting import body_of
from cleo_core.testing import Outcome

_post = runpy.run_path(str(Path(__file__).with_name("post.py")))
_carrier = runpy.run_path(str(Path(__file__).with_name("carrier.py")))
conduit, execute, value, uuid = (_post[one] for one in ("conduit", "execute", "value", "uuid"))
disagreements, speakers = _post["disagreements"], _post["speakers"]

Cli = Callable[..., Outcome]
Open = Callable[..., Any]
EVENT: dict[str, Any] = {
    "id": uuid(3),
    "from": "eve",
    "to": ["bob"],
    "cc": [],
    "conversationId": uuid(9),
    "conversationKind": "group",
    "threadId": uuid(1),
    "replyTo": uuid(2),
    "kind": "message",
    "importance": "normal",
    "subject": None,
    "content": "an answer",
    "contentType": "text",
    "attachments": [],
    "metadata": {},
    "payload": None,
    "recipient": "bob",
}


@pytest.fixture
def carrier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cleo_project: Path) -> Any:
    return _carrier["install"](tmp_path / "carrier", monkeypatch)


@pytest.fixture
def there(
    carrier: Any, cleo_cli: Cli, cleo_open: Open, cleo_project: Path, tmp_path: Path
) -> Callable[[str], Any]:
    """Another project: ann and cem live here, bob there, and each is known to both."""
    path = tmp_path / "other"
    path.mkdir()
    assert cleo_cli("init", "--path", str(path)).code == 0
    carrier.agents(ann=_carrier["address"](cleo_project), bob=_carrier["address"](path), cem=None)
    carrier.script(here=str(cleo_project))
    bob = conduit(cleo_open(agent="bob", project=path))
    for name in ("ann", "bob"):
        bob.attach(name)
    ann = conduit(cleo_open(agent="ann"))
    for name in ("ann", "bob", "cem"):
        ann.attach(name)
    return lambda agent: conduit(cleo_open(agent=agent, project=path))


def fits(event: dict[str, Any]) -> bool:
    """Whether whoever gets an event finds that its hash is that of what it says."""
    return bool(body_of(event).hash(event["from"], event["replyTo"]) == event["bodyHash"])


@pytest.mark.guarantee(
    "conduit-17",
    "An answer is fetched by another machine also when what it answers was pruned meanwhile.",
)
def test_an_answer_is_fetched_after_what_it_answers_was_pruned(
    there: Callable[[str], Any], carrier: Any, cleo_open: Open
) -> None:
    ann, cem = (conduit(cleo_open(agent=name)) for name in ("ann", "cem"))
    question = ann.send("question", to=["cem"])
    cem.ack(question.id)
    answer = cem.send("answer", reply_to=question.id, to=["ann"], deliver=False)
    hash_ = value(f"SELECT body_hash FROM messages WHERE id = '{answer.id}'")
    execute(f"DELETE FROM messages WHERE id = '{question.id}'")
    ((_, event),) = ann.waiting("ann", 0, 10)
    assert (event["replyTo"], event["threadId"], fits(event)) == (question.id, question.id, True)
    far = there("ann")
    carrier.change(here=str(far.app.project.root))
    events = list(far.run("ann", once=True))
    assert [one["event"] for one in events] == ["started", "fetched", "stopped"]
    (got,) = far.poll().messages
    assert (got.id, got.content, got.reply_to, got.thread_id) == (
        answer.id,
        "answer",
        None,
        question.id,
    )
    path = f"{far.app.project.directory}/conduit.db"
    assert execute("SELECT body_hash FROM messages", path=path) == [(hash_,)]
    far.ack(got.id)
    list(far.run("ann", once=True))
    assert value("SELECT state FROM receipts WHERE agent_id = 'ann'") == "acked"
    # It can be handed on from there too.
    execute("UPDATE receipts SET state = 'pending'", path=path)
    assert fits(far.waiting("ann", 0, 10)[0][1])


@pytest.mark.guarantee(
    "conduit-17",
    "A dead answer is sent again after it, its job and what it answers were pruned; the recipient "
    "gets the same id and the same text.",
)
def test_a_dead_answer_is_sent_again_after_everything_was_pruned(
    there: Callable[[str], Any], carrier: Any, cleo_open: Open
) -> None:
    ann, bob = conduit(cleo_open(agent="ann")), there("bob")
    question = ann.send("question", to=["bob"])
    carrier.change(answers=[{"outcome": "permanent", "status": 404, "error": "gone"}])
    answer = ann.send("second", reply_to=question.id, to=["bob"])
    hash_ = value(f"SELECT body_hash FROM messages WHERE id = '{answer.id}'")
    (letter,) = ann.dead_list()[0]
    execute("DELETE FROM messages")
    assert ann.dead_replay(letter.id)[0].sent
    assert execute("SELECT body_hash, thread_id, reply_to, in_reply_to FROM messages") == [
        (hash_, question.id, None, question.id)
    ]
    list(ann.run(once=True))
    assert value("SELECT state FROM delivery_jobs") == "done"
    first, second = bob.poll().messages
    assert (second.id, second.content, second.reply_to) == (answer.id, "second", first.id)
    assert second.thread_id == first.thread_id == question.id


def test_a_hash_that_its_row_no_longer_has_is_not_sent(
    there: Callable[[str], Any], cleo_open: Open
) -> None:
    ann, cem = (conduit(cleo_open(agent=name)) for name in ("ann", "cem"))
    question = ann.send("question", to=["cem"])
    answer = cem.send("answer", reply_to=question.id, to=["ann"], deliver=False)
    ((_, before),) = ann.waiting("ann", 0, 10)
    # As a file from before what it answers was kept.
    execute("UPDATE messages SET reply_to = NULL, in_reply_to = NULL")
    ((_, event),) = ann.waiting("ann", 0, 10)
    assert (event["id"], event["replyTo"], event["bodyHash"]) == (answer.id, None, None)
    far = there("ann")
    assert far.accept_here({**before, "recipient": "bob"}, origin="x") == ("accepted", None)
    assert far.accept_here(event, origin="x") == ("accepted", None), "the same message"
    changed = {**event, "content": "another"}
    assert far.accept_here(changed, origin="x")[0] == "permanent"


def test_an_event_brings_its_thread_with_it(cleo_open: Open) -> None:
    _, bob = speakers(cleo_open, "ann", "bob")
    assert bob.accept_here(EVENT, origin="x") == ("accepted", None)
    rows = execute("SELECT id, thread_id, reply_to, in_reply_to FROM messages")
    assert rows == [(uuid(3), uuid(1), None, uuid(2))]
    # What comes after it belongs to its thread, as does an answer to it from here.
    later = {**EVENT, "id": uuid(4), "replyTo": uuid(3), "threadId": uuid(8)}
    assert bob.accept_here(later, origin="x") == ("accepted", None)
    answer = bob.send("mine", reply_to=uuid(4), conversation=None)
    assert [one.id for one in bob.thread(uuid(3)).messages] == [uuid(3), uuid(4), answer.id]
    # One that answers nothing begins its own, and names no other message's.
    root = {**EVENT, "id": uuid(5), "replyTo": None, "threadId": "no id"}
    assert bob.accept_here(root, origin="x") == ("accepted", None)
    assert value(f"SELECT thread_id FROM messages WHERE id = '{uuid(5)}'") == uuid(5)


@pytest.mark.parametrize(
    "metadata", [{"tags": 5}, {"tags": ["a", 5]}, {"mentions": {"a": 1}}, {"taskRefs": "T1"}]
)
def test_what_was_read_out_of_a_text_comes_as_lists_of_words(
    cleo_open: Open, metadata: dict[str, Any]
) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    event = {**EVENT, "conversationKind": "topic", "topic": "builds", "metadata": metadata}
    outcome, said = bob.accept_here(event, origin="x")
    assert outcome == "permanent"
    assert f"metadata.{next(iter(metadata))}" in said
    assert bob.accept_here({**event, "metadata": {"tags": ["red"]}}, origin="x")[0] == "accepted"
    assert len(ann.topic_read("builds", tags=["red"]).messages) == 1
    assert ann.topic_subscribe("builds", history=True, tags=["red"]).changed


@pytest.mark.guarantee(
    "conduit-15", "What is refused of an agent's mail at its server is told, with the reason."
)
def test_refused_mail_is_told(there: Callable[[str], Any], carrier: Any, cleo_open: Open) -> None:
    from cleo_conduit.service.fetching import fetch, remote_agents

    ann = conduit(cleo_open(agent="ann"))
    carrier.agents(ann=_carrier["SERVER"], bob=None, cem=None)
    carrier.change(inbound=[[1, {**EVENT, "bodyHash": "0" * 64}], [2, {"id": 5}]])
    told: list[tuple[str, str]] = []
    route = remote_agents(ann.app)["ann"]
    assert (
        fetch(ann.app, "ann", route, lambda: False, lambda id_, why: told.append((id_, why))) == 0
    )
    assert told == [(uuid(3), "its hash is another one"), ("?", "it has no id")]
    assert json.loads(value("SELECT max(details) FROM conduit_audit WHERE action LIKE '%refuse'"))
    # Whoever does not ask is warned.
    carrier.change(inbound=[[3, {**EVENT, "bodyHash": "0" * 64}]])
    assert fetch(ann.app, "ann", route, lambda: False) == 0
    (warning,) = [one for one in ann.app.warnings if one["code"] == "W_MAIL_REFUSED"]
    assert uuid(3) in warning["message"]
    assert "its hash is another one" in warning["message"]
