"""Topics: who gets what was published, and what is told of sessions."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_conduit.service.naming import epic_of
from cleo_conduit.store import topics
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome

_post = runpy.run_path(str(Path(__file__).with_name("post.py")))
speakers, refused, execute, value = (
    _post[name] for name in ("speakers", "refused", "execute", "value")
)
disagreements, conduit = _post["disagreements"], _post["conduit"]

Cli = Callable[..., Outcome]


def contents(found: Any) -> list[str]:
    return [one.content for one in found.messages]


@pytest.mark.guarantee(
    "conduit-12",
    "A late subscriber gets nothing old, everything with --history, and only what its filter lets "
    "through.",
)
def test_a_late_subscriber_gets_what_it_asks_for(cleo_open: Any) -> None:
    ann, late, whole, picky, kinds = speakers(cleo_open, "ann", "late", "whole", "picky", "kinds")
    for number in range(3):
        ann.topic_publish("builds", f"old {number} #{'red' if number else 'green'}")
    assert late.topic_subscribe("builds").joined_seq == 3
    assert whole.topic_subscribe("builds", history=True).joined_seq == 0
    assert picky.topic_subscribe("builds", history=True, tags=["#red"]).filter == {
        "kinds": [],
        "tags": ["red"],
    }
    kinds.topic_subscribe("builds", kinds=["request"])
    ann.topic_publish("builds", "new #green")
    ann.topic_publish("builds", "help #red", kind="request")
    assert contents(late.poll()) == ["new #green", "help #red"]
    old = ["old 0 #green", "old 1 #red", "old 2 #red"]
    assert contents(whole.poll()) == [*old, "new #green", "help #red"]
    assert contents(picky.poll()) == [*old[1:], "help #red"]
    assert contents(kinds.poll()) == ["help #red"]
    assert ann.poll().messages == []
    assert contents(late.topic_read("builds")) == ["new #green", "help #red"]
    assert contents(late.topic_read("builds", history=True, tags=["red"], limit=2)) == old[1:]
    assert disagreements() == []


def test_subscribing_again_changes_the_filter_and_catches_up(cleo_open: Any) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    ann.topic_publish("builds", "one")
    assert bob.topic_subscribe("builds").changed
    assert not bob.topic_subscribe("builds").changed
    assert bob.topic_subscribe("builds", tags=["x"]).changed
    bob.poll(deliver=True)
    assert bob.topic_subscribe("builds", history=True).changed
    assert contents(bob.poll()) == ["one"]
    assert not bob.topic_subscribe("builds", history=True).changed
    assert bob.topic_unsubscribe("builds").changed
    ann.topic_publish("builds", "two")
    assert bob.topic_subscribe("builds").changed
    assert bob.inbox(after=1).messages == []
    ann.topic_publish("builds", "three")
    assert contents(bob.inbox(after=1)) == ["three"]


def test_names_of_topics(cleo_open: Any) -> None:
    assert epic_of("epic-T1149.wave-2") == ("T1149", 2)
    assert epic_of("T1149.wave-2") == ("T1149", 2)
    assert epic_of("T1149.coordination") == ("T1149", None)
    for name in ("builds", "T1149", "T1149.wave-x", "xT1.wave-2", "T1149.wave-2.more"):
        assert epic_of(name) == (None, None)
    (ann,) = speakers(cleo_open, "ann")
    ann.topic_publish("epic-T1149.wave-2", "begins")
    assert execute("SELECT topic, epic_id, wave, visibility FROM conversations") == [
        ("epic-T1149.wave-2", "T1149", 2, "public")
    ]
    for name in ("", "a b", "-x", "x" * 129, "all", None, 5, "ä"):
        assert refused(lambda name=name: ann.topic_publish(name, "x")).exit == 2
    assert refused(lambda: ann.topic_read("nothing")).exit == 4
    assert refused(lambda: ann.topic_publish("builds", "x", to=["bob"])).exit == 2
    assert [one.topic for one in ann.topic_list()[0]] == ["epic-T1149.wave-2"]


def test_a_key_of_publish_is_no_key_of_send(cleo_open: Any) -> None:
    ann, _ = speakers(cleo_open, "ann", "bob")
    first = ann.topic_publish("builds", "x", idempotency_key="k")
    assert ann.topic_publish("builds", "x", idempotency_key="k") == first
    assert ann.send("x", to=["bob"], idempotency_key="k") != first


def test_sessions_are_told_to_who_subscribes(
    cleo_open: Any, cleo_cli: Cli, cleo_project: Path
) -> None:
    if cleo_cli("session", "start", "--scope", "global").code == 2:
        pytest.skip("cleo-tasks is not installed")
    cleo_cli("session", "end")
    _, bob = speakers(cleo_open, "ann", "bob")
    assert value("SELECT count(*) FROM messages") == 0
    bob.topic_subscribe("lifecycle")
    assert cleo_cli("session", "start", "--scope", "global", "--agent", "ann").code == 0
    (message,) = bob.poll(deliver=True).messages[:1]
    assert (message.kind, message.from_, message.verified) == ("lifecycle", "cleo-system", True)
    assert message.payload["op"] == "create"
    execute("DROP TRIGGER messages_fts_insert", "DROP TABLE messages_fts")
    ended = cleo_cli("session", "end", "--agent", "ann")
    assert ended.code == 0


@pytest.mark.guarantee(
    "conduit-12", "With little room in the inbox history is still searched for what a filter wants."
)
def test_history_is_looked_through_for_what_the_filter_wants(
    cleo_open: Any, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topics, "AT_ONCE", 4)
    assert cleo_cli("config", "set", "conduit.inbox_max", "3").code == 0
    ann, bob = speakers(cleo_open, "ann", "bob")
    for number in range(20):
        ann.topic_publish("builds", f"{number} #{'red' if number < 8 else 'green'}")
    bob.topic_subscribe("builds", history=True, tags=["red"])
    assert contents(bob.poll()) == ["5 #red", "6 #red", "7 #red"]


@pytest.mark.parametrize("tag", ['{"kinds":["notify"]}', "two words", "a,b", "#"])
def test_a_filter_that_no_text_could_fit_is_refused(cleo_open: Any, tag: str) -> None:
    (bob,) = speakers(cleo_open, "bob")
    with pytest.raises(CleoError) as refused:
        bob.topic_subscribe("builds", tags=[tag])
    assert refused.value.exit == 6


def test_history_that_an_inbox_has_no_room_for_is_named(cleo_open: Any, cleo_cli: Any) -> None:
    assert cleo_cli("config", "set", "conduit.inbox_max", "3").code == 0
    ann, bob = speakers(cleo_open, "ann", "bob")
    for number in range(4):
        ann.topic_publish("builds", f"{number} {'#red' if number else '#green'}")
    words = ("topic", "subscribe", "builds", "--history", "--agent", "bob")
    red = cleo_cli(*words, "--filter", "red")
    assert (red.data["complete"], red.warnings, bob.inbox().unread) == (True, [], 3)
    for _ in range(2):
        done = cleo_cli(*words)
        assert (done.code, done.data["complete"], bob.inbox().unread) == (0, False, 3)
        (warning,) = done.warnings
        assert warning["code"] == "W_HISTORY_CUT"
        assert warning["fix"] == "cleo topic read builds --history"
    told = cleo_cli(*words, "--human")
    assert "no room" in told.err + told.out
    bob.poll(deliver=True)
    assert bob.topic_subscribe("builds", history=True).complete
    assert not bob.topic_subscribe("builds", history=True).changed
    assert bob.topic_subscribe("builds").complete
