"""Jobs: mail for recipients elsewhere, carried by a plugin's transport."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_conduit.service import delivering
from cleo_conduit.store import jobs as store
from cleo_conduit.transport import PushResult
from cleo_core.testing import Outcome

_post = runpy.run_path(str(Path(__file__).with_name("post.py")))
_carrier = runpy.run_path(str(Path(__file__).with_name("carrier.py")))
refused, execute, value = _post["refused"], _post["execute"], _post["value"]
conduit, disagreements, audits = _post["conduit"], _post["disagreements"], _post["audits"]
SERVER, KEY = _carrier["SERVER"], _carrier["KEY"]

Cli = Callable[..., Outcome]
Open = Callable[..., Any]


@pytest.fixture
def carrier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cleo_project: Path) -> Any:
    """The plugin, with ann here and bob at a server."""
    made = _carrier["install"](tmp_path / "carrier", monkeypatch)
    made.agents(ann=SERVER, bob=SERVER, cem=None)
    return made


@pytest.fixture
def ann(carrier: Any, cleo_open: Open) -> Any:
    found = conduit(cleo_open(agent="ann"))
    for name in ("ann", "bob", "cem"):
        found.attach(name)
    return found


def jobs() -> list[tuple[Any, ...]]:
    return execute("SELECT state, parked_for, attempts FROM delivery_jobs ORDER BY message_seq")


def state(seq: int = 1, agent: str = "bob") -> str:
    found: str = value(
        f"SELECT state FROM receipts WHERE message_seq = {seq} AND agent_id = '{agent}'"
    )
    return found


@pytest.mark.guarantee(
    "conduit-21",
    "A message to one who is here and one elsewhere stays for the one and leaves for the other; "
    "polling it here cancels the job.",
)
def test_each_recipient_has_its_own_way(ann: Any, carrier: Any, cleo_open: Open) -> None:
    sent = ann.send("for both", to=["bob", "cem"], deliver=False)
    assert [(one.agent_id, one.route, one.state) for one in sent.recipients] == [
        ("bob", "carrier", "pending"),
        ("cem", "local", "pending"),
    ]
    assert jobs() == [("pending", None, 0)]
    assert [one.content for one in conduit(cleo_open(agent="cem")).poll().messages] == ["for both"]
    second = ann.send("now", conversation=sent.conversation_id, to=["bob"])
    # The first one comes first.
    assert (second.recipients[0].state, jobs()) == ("pending", [("pending", None, 0)] * 2)
    list(ann.run(once=True))
    assert jobs() == [("done", None, 1), ("done", None, 1)]
    assert (state(1), state(2)) == ("relayed", "relayed")
    pushed = carrier.noted["pushed"]
    assert [(one[0], one[1], one[2]) for one in pushed] == [
        (sent.id, "bob", f"{sent.id}:bob"),
        (second.id, "bob", f"{second.id}:bob"),
    ]
    third = ann.send("here after all", to=["bob"], deliver=False)
    bob = conduit(cleo_open(agent="bob"))
    assert [one.content for one in bob.poll(deliver=True).messages][-1] == "here after all"
    assert jobs()[-1] == ("cancelled", None, 0)
    assert state(third.seq) == "delivered"
    list(ann.run(once=True))
    assert len(carrier.noted["pushed"]) == 2


def test_send_delivers_at_once_unless_it_is_told_not_to(ann: Any, carrier: Any) -> None:
    sent = ann.send("x", to=["bob"])
    assert (sent.recipients[0].state, sent.recipients[0].job_id is not None) == ("relayed", True)
    carrier.change(answers=["key"])
    parked = ann.send("y", to=["bob"])
    assert (parked.recipients[0].parked_for, parked.recipients[0].state) == ("auth", "pending")
    assert "no key" in parked.recipients[0].error
    assert carrier.noted["flagged"] == [["ann", "rejected"]]


def test_without_a_transport_a_job_waits_for_one(ann: Any, carrier: Any, cleo_clock: Any) -> None:
    carrier.change(transport=False)
    sent = ann.send("x", to=["bob"])
    assert sent.recipients[0].parked_for == "transport"
    assert "cleo plugins" in sent.recipients[0].error
    carrier.change(transport=True)
    cleo_clock.advance(61)
    list(ann.run(once=True))
    # It was to leave by the way that its identity named, which is no transport.
    assert value("SELECT transport FROM delivery_jobs") == "http"


@pytest.mark.guarantee(
    "conduit-15",
    "Failures are tried again after growing waits, six times, then there is one dead letter; what "
    "cannot succeed is dead at once; a server that asks for time gets it.",
)
def test_outcomes(ann: Any, carrier: Any, cleo_clock: Any) -> None:
    carrier.change(answers=[{"outcome": "retry", "status": 500, "error": "oops"}] * 6)
    sent = ann.send("x", to=["bob"], subject="Hello")
    for attempt in range(1, 6):
        assert jobs() == [("pending", None, attempt)]
        due = value("SELECT next_attempt_at FROM delivery_jobs")
        wait = delivering.clock.parse_time(due) - cleo_clock.now
        assert 0.5 * min(2**attempt, 32) - 0.01 <= wait <= min(2**attempt, 32)
        execute("DELETE FROM conduit_meta WHERE key LIKE 'breaker:%'")
        list(ann.run(once=True))
        assert jobs() == [("pending", None, attempt)]
        cleo_clock.advance(wait + 0.01)
        list(ann.run(once=True))
    assert (jobs(), state()) == ([("dead", None, 6)], "dead")
    (letter,) = ann.dead_list()[0]
    assert (letter.reason, letter.attempts, letter.last_status) == ("max_attempts", 6, 500)
    assert len(ann.dead_show(letter.id).history) == 6
    (bounce,) = ann.inbox().messages
    assert (bounce.kind, bounce.reply_to, bounce.payload["reason"]) == (
        "bounce",
        sent.id,
        "max_attempts",
    )
    carrier.change(answers=[{"outcome": "permanent", "status": 404}])
    execute("DELETE FROM conduit_meta WHERE key LIKE 'breaker:%'")
    cleo_clock.advance(1)
    gone = ann.send("y", to=["bob"])
    assert state(gone.seq) == "dead"
    assert ann.dead_list()[0][0].reason == "permanent"
    carrier.change(answers=[{"outcome": "retry", "status": 429, "retry_after": 90}])
    ann.send("z", to=["bob"])
    due = delivering.clock.parse_time(value("SELECT max(next_attempt_at) FROM delivery_jobs"))
    assert due - cleo_clock.now == pytest.approx(90, abs=0.01)
    carrier.change(answers=["break"])
    cleo_clock.advance(91)
    list(ann.run(once=True))
    assert jobs()[-1] == ("pending", None, 2)
    assert disagreements() == []


def test_a_payload_that_cannot_be_read_is_dead_without_an_attempt(ann: Any, carrier: Any) -> None:
    ann.send("x", to=["bob"], deliver=False)
    execute("UPDATE delivery_jobs SET payload = '{\"id\": 5}'")
    list(ann.run(once=True))
    assert jobs() == [("dead", None, 0)]
    (letter,) = ann.dead_list()[0]
    assert (letter.reason, ann.dead_show(letter.id).payload) == ("undecodable", {"id": 5})
    assert "pushed" not in carrier.noted
    # The message is still here, and what is sent again is made of it.
    ann.dead_replay(letter.id)
    list(ann.run(once=True))
    assert (jobs(), carrier.noted["pushed"][0][3]) == ([("done", None, 1)], "x")
    execute("PRAGMA foreign_keys=ON", "DELETE FROM messages")
    error = refused(lambda: ann.dead_replay(letter.id))
    # Neither the message nor the letter says whose it was.
    assert error.exit == 4


@pytest.mark.guarantee(
    "conduit-16",
    "A recipient whose server is away for a day loses nothing and burns no attempt.",
)
def test_who_is_away_for_a_day_loses_nothing(ann: Any, carrier: Any, cleo_clock: Any) -> None:
    carrier.change(unreachable=True)
    ids = [ann.send(f"number {n}", to=["bob"]).id for n in range(3)]
    for _ in range(24):
        cleo_clock.advance(3600)
        list(ann.run(once=True))
    assert {one[0] for one in jobs()} == {"parked"}
    assert {one[2] for one in jobs()} == {0}
    assert ann.status().breakers.keys() == {SERVER}
    carrier.change(unreachable=False)
    cleo_clock.advance(120)
    list(ann.run(once=True))
    assert {one[0] for one in jobs()} == {"done"}
    assert [one[0] for one in carrier.noted["pushed"]] == ids
    assert ann.status().breakers == {}


def test_what_waits_for_too_long_expires_with_letter_and_bounce(
    ann: Any, carrier: Any, cleo_clock: Any
) -> None:
    carrier.change(unreachable=True)
    ann.send("x", to=["bob"])
    cleo_clock.advance(8 * 86_400)
    list(ann.run(once=True))
    assert (jobs()[0][0], state()) == ("expired", "expired")
    assert [one.reason for one in ann.dead_list()[0]] == ["expired"]
    assert [one.kind for one in ann.inbox().messages] == ["bounce"]


def test_five_failures_leave_a_server_alone_for_a_minute(
    ann: Any, carrier: Any, cleo_clock: Any
) -> None:
    carrier.change(unreachable=True)
    for number in range(5):
        ann.send(str(number), to=["bob"])
        cleo_clock.advance(61)
        list(ann.run(once=True))
        if ann.status().breakers.get(SERVER) == "open":
            break
    assert ann.status().breakers == {SERVER: "open"}
    carrier.change(unreachable=False)
    before = len(carrier.noted.get("pushed", []))
    parked = ann.send("while it is open", to=["bob"])
    # It stands behind those that waited before, for what they wait for.
    assert parked.recipients[0].parked_for == "offline"
    assert len(carrier.noted.get("pushed", [])) == before
    cleo_clock.advance(130)
    list(ann.run(once=True))
    list(ann.run(once=True))
    assert {one[0] for one in jobs()} == {"done"}


@pytest.mark.guarantee(
    "conduit-14",
    "A job whose worker died is finished by the next one; what the first one says later is refused "
    "and noted.",
)
def test_a_lease_that_ran_out_is_taken_over(ann: Any, carrier: Any, cleo_clock: Any) -> None:
    ann.send("x", to=["bob"], deliver=False)
    first, second = delivering.Worker(ann.app), delivering.Worker(ann.app)
    (id_,) = first.due()
    held = first.take(id_)
    assert second.due() == []
    assert second.take(id_) is None
    cleo_clock.advance(61)
    assert second.due() == [id_]
    taken = second.take(id_)
    assert (taken["fence"], taken["attempts"]) == (held["fence"] + 1, 2)
    done = delivering.Completion("done")
    assert not first.complete(held, done, PushResult("accepted"), SERVER)
    assert (jobs()[0][0], state()) == ("leased", "pending")
    assert audits()[-1][1:] == ("job.stale_fence", "job", held["id"])
    second.attempt(taken)
    assert (jobs(), state()) == ([("done", None, 2)], "relayed")
    dead = delivering.Completion("dead", reason="permanent")
    assert not second.complete(taken, dead, PushResult("permanent"), SERVER)
    assert (jobs()[0][0], state(), ann.dead_list()[0]) == ("done", "relayed", [])


@pytest.mark.guarantee(
    "conduit-14", "A long attempt renews its lease, so nobody runs it a second time."
)
def test_a_long_attempt_is_run_once(
    ann: Any, carrier: Any, cleo_open: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "RENEW_SECONDS", 0.05)
    monkeypatch.setattr(delivering, "LEASE_SECONDS", 1.2)
    carrier.change(slow=1.6)
    ann.send("x", to=["bob"], deliver=False)
    worker = delivering.Worker(ann.app)
    job = worker.take(worker.due()[0])
    renewed: list[str] = []
    before = worker._renew

    def renew(job: Any) -> None:
        before(job)
        renewed.append(value("SELECT lease_until FROM delivery_jobs"))
        other = delivering.Worker(cleo_open(agent="ann"))
        assert other.due() == []

    monkeypatch.setattr(worker, "_renew", renew)
    worker.attempt(job)
    assert len(renewed) >= 3
    assert len(carrier.noted["pushed"]) == 1
    assert jobs() == [("done", None, 1)]


def test_two_workers_in_processes_carry_each_message_once(
    ann: Any, carrier: Any, cleo_processes: Any
) -> None:
    ids = [ann.send(f"n {n}", to=["bob"], deliver=False).id for n in range(30)]
    run = ("conduit", "run", "--once")
    results = cleo_processes([[sys.executable, "-m", "cleo_core", *run]] * 3)
    assert [code for code, _, _ in results] == [0, 0, 0], results
    list(ann.run(once=True))
    assert {one[0] for one in jobs()} == {"done"}
    assert value("SELECT max(attempts) FROM delivery_jobs") == 1
    assert value("SELECT count(*) FROM conduit_audit WHERE action = 'job.done'") == len(ids)


@pytest.mark.guarantee(
    "conduit-17",
    "A dead letter is sent again after message and job were pruned; the recipient gets the same id "
    "and the same text.",
)
def test_a_letter_outlives_its_message(
    ann: Any, carrier: Any, cleo_clock: Any, cleo_cli: Cli
) -> None:
    carrier.change(answers=[{"outcome": "permanent", "status": 410}])
    sent = ann.send("keep @bob", to=["bob"], subject="Kept", payload={"n": 1})
    hash_ = value("SELECT body_hash FROM messages WHERE seq = 1")
    ann.read(*[one.id for one in ann.inbox().messages])
    assert cleo_cli("config", "set", "conduit.retention_days", "1").code == 0
    cleo_clock.advance(40 * 86_400)
    again = type(ann)(ann.app.for_project(str(ann.app.project.root)))
    assert again.prune().messages == 2
    assert value("SELECT count(*) FROM delivery_jobs") == 0
    (letter,) = ann.dead_list()[0]
    carrier.change(unreachable=True)
    replay = cleo_cli("conduit", "dead", "replay", letter.id, "--agent", "ann")
    assert replay.data["replayed"][0]["messageId"] == sent.id
    twice = cleo_cli("conduit", "dead", "replay", letter.id, "--agent", "ann")
    assert (twice.code, twice.error["code"]) == (17, "E_REPLAY_RUNNING")
    carrier.change(unreachable=False)
    list(ann.run(once=True))
    assert carrier.noted["pushed"][-1][0::3] == [sent.id, "keep @bob"]
    assert value(f"SELECT body_hash FROM messages WHERE id = '{sent.id}'") == hash_
    assert value("SELECT state FROM delivery_jobs") == "done"
    assert (ann.dead_list()[0], ann.dead_list(everything=True)[0][0].replays) == ([], 1)
    assert ann.dead_purge(letter.id).deleted == [letter.id]
    assert refused(lambda: ann.dead_show(letter.id)).exit == 4
    assert disagreements() == []


@pytest.mark.guarantee(
    "conduit-18", "No key and no token stands in a payload, an audit row, an error or a log."
)
def test_no_secret_is_kept(ann: Any, carrier: Any, cleo_project: Path, cleo_home: Path) -> None:
    token = ann.token("cem").token
    carrier.change(answers=["key", {"outcome": "permanent"}, {"outcome": "retry", "status": 500}])
    for number in range(3):
        ann.send(str(number), to=["bob"])
    list(ann.run(once=True))
    ann.dead_list()
    ann.app.close()
    for path in (*cleo_project.rglob("*"), *cleo_home.rglob("*")):
        if path.is_file() and carrier.folder not in path.parents:
            data = path.read_bytes()
            for secret in (KEY, token):
                assert secret.encode() not in data, path
    assert KEY not in repr(delivering.Identity("ann", SERVER, KEY))


@pytest.fixture
def other(carrier: Any, cleo_cli: Cli, cleo_open: Open, cleo_project: Path, tmp_path: Path) -> Path:
    """Another project, in which bob and ann are seen, and to which bob's mail goes."""
    path = tmp_path / "other"
    path.mkdir()
    assert cleo_cli("init", "--path", str(path)).code == 0
    carrier.agents(ann=_carrier["address"](cleo_project), bob=_carrier["address"](path), cem=None)
    carrier.script(here=str(cleo_project))
    there = conduit(cleo_open(agent="bob", project=path))
    for name in ("ann", "bob"):
        there.attach(name)
    here = conduit(cleo_open(agent="ann"))
    for name in ("ann", "bob", "cem"):
        here.attach(name)
    return path


@pytest.mark.guarantee(
    "conduit-21", "A plugin's transport carries mail between two projects, and what became of it."
)
def test_mail_between_two_projects(
    other: Path, carrier: Any, cleo_open: Open, cleo_project: Path
) -> None:
    ann = conduit(cleo_open(agent="ann"))
    bob = conduit(cleo_open(agent="bob", project=other))
    sent = ann.send("hello over there", to=["bob"], subject="Hi", ack_required=True)
    assert sent.recipients[0].state == "relayed"
    (got,) = bob.poll().messages
    assert (got.id, got.from_, got.content, got.subject, got.verified) == (
        sent.id,
        "ann",
        "hello over there",
        "Hi",
        False,
    )
    bob.ack(got.id)
    assert [one.state for one in ann.receipts(sent.id)] == ["relayed"]
    assert [one.state for one in ann.receipts(sent.id, refresh=True)] == ["acked"]
    answer = bob.send("hello back", reply_to=got.id)
    assert answer.recipients[0].state == "relayed"
    (back,) = ann.poll().messages
    assert (back.id, back.reply_to, back.thread_id) == (answer.id, sent.id, sent.id)
    group = ann.send("to all of us", to=["bob", "cem"])
    (third,) = bob.poll().messages
    assert third.conversation_id == group.conversation_id
    # The same once more is not stored twice, and another text under its id not at all.
    event = bob.waiting("bob", 0, 10)
    assert [one["id"] for _, one in event] == [third.id]
    changed = {**event[0][1], "content": "changed", "bodyHash": None}
    assert bob.accept_here(event[0][1], origin="x") == ("accepted", None)
    assert bob.accept_here(changed, origin="x")[0] == "permanent"
    assert bob.accept_here({**event[0][1], "recipient": "nobody"}, origin="x")[0] == "permanent"


@pytest.mark.parametrize(
    "change",
    [
        {"id": 5},
        {"id": "no uuid"},
        {"from": ""},
        {"from": None},
        {"to": "bob"},
        {"cc": [5]},
        {"content": None},
        {"content": "x" * 70_000},
        {"content": "nul\0"},
        {"kind": "order"},
        {"conversationKind": "club"},
        {"metadata": ["x"]},
        {"from": "cem"},
        {"from": "cleo-system"},
        {"from": "HumanOverseer"},
        {"payload": "x" * 70_000},
        {"payload": {"n": float("nan")}},
        {"attachments": ["x"]},
        {"subject": "two\nlines"},
        {"to": [f"a{n}" for n in range(600)]},
        {"conversationKind": "topic", "topic": "bad name"},
        {"conversationKind": "topic", "topic": None},
        {"replyTo": "x"},
        {"bodyHash": "0" * 64},
        {"subject": "x" * 201},
    ],
)
def test_what_is_no_message_is_not_taken_in(
    ann: Any, carrier: Any, change: dict[str, Any], cleo_open: Open
) -> None:
    ann.send("x", to=["cem"])
    ((_, event),) = ann.waiting("cem", 0, 10)
    fresh = {**event, "id": _post["uuid"](5), "threadId": _post["uuid"](5), "recipient": "cem"}
    fresh["from"] = "zoe"
    fresh["bodyHash"] = None
    assert ann.accept_here({**fresh, **change}, origin="x")[0] == "permanent"
    assert value("SELECT count(*) FROM messages") == 1
    assert ann.accept_here(fresh, origin="x") == ("accepted", None)


@pytest.mark.guarantee(
    "conduit-22",
    "Mail is stored before its server is told, so a kill between the two loses and doubles "
    "nothing; a refused key is an error and no empty inbox.",
)
def test_fetching_survives_a_kill_before_the_report(
    ann: Any, carrier: Any, cleo_processes: Any, cleo_open: Open
) -> None:
    ann.send("x", to=["cem"], subject="template")
    ((_, template),) = ann.waiting("cem", 0, 10)
    events = []
    for number in range(1, 4):
        id_ = _post["uuid"](number)
        events.append(
            (
                number * 10,
                {
                    **template,
                    "id": id_,
                    "threadId": id_,
                    "from": "zoe",
                    "to": ["ann"],
                    "conversationId": _post["uuid"](90),
                    "content": f"inbound {number}",
                    "bodyHash": None,
                    "recipient": "ann",
                },
            )
        )
    carrier.change(inbound=events, ack="die", poll="error")
    (failed,) = [one for one in ann.run("ann", once=True) if one["event"] == "error"]
    assert "401" in failed["message"]
    carrier.change(poll=None)
    run = [sys.executable, "-m", "cleo_core", "conduit", "run", "--once", "--for", "ann"]
    (result,) = cleo_processes([run])
    assert result[0] == -9
    assert value("SELECT count(*) FROM messages WHERE from_agent_id = 'zoe'") == 3
    carrier.change(ack=None)
    assert [one["event"] for one in ann.run("ann", once=True)] == ["started", "stopped"]
    assert carrier.noted["acked"][-1] == [[one["id"] for _, one in events], "relayed"]
    found = ann.poll(deliver=True).messages
    assert [(one.content, one.verified) for one in found] == [
        (f"inbound {n}", True) for n in (1, 2, 3)
    ]
    list(ann.run("ann", once=True))
    assert carrier.noted["acked"][-1][1] == "delivered"
    before = len(carrier.noted["acked"])
    list(ann.run("ann", once=True))
    assert len(carrier.noted["acked"]) == before
    assert value("SELECT last_seq FROM remote_cursors") == 30
    assert disagreements() == []


def test_one_runner_fetches_an_agents_mail(ann: Any, carrier: Any, cleo_open: Open) -> None:
    running = ann.run("ann", timeout=30, poll_interval=0.01)
    next(running)
    other = conduit(cleo_open(agent="bob"))
    assert [one["event"] for one in other.run("ann", once=True)] == ["started", "stopped"]
    # Nothing has asked the first for its next event, so it holds no lock yet; now it does.
    carrier.change(poll="error")
    assert next(running)["event"] == "error"
    events = [one["event"] for one in other.run("ann", once=True)]
    assert events == ["started", "alreadyRunning", "stopped"]
    assert other.status().runners == 1
    running.close()
    assert other.status().runners == 0


def test_jobs_are_listed(ann: Any, carrier: Any, cleo_cli: Cli) -> None:
    ann.send("x", to=["bob"])
    ann.send("y", to=["bob"], deliver=False)
    assert [one["state"] for one in cleo_cli("conduit", "jobs", "--agent", "ann").data["jobs"]] == [
        "pending"
    ]
    everything = cleo_cli("conduit", "jobs", "--all", "--agent", "ann").data["jobs"]
    assert [one["state"] for one in everything] == ["pending", "done"]
    assert cleo_cli("conduit", "jobs", "--state", "done", "--agent", "ann").page["total"] == 1
    assert cleo_cli("conduit", "jobs", "--recipient", "cem", "--agent", "ann").page["total"] == 0
    assert cleo_cli("conduit", "jobs", "--all", "--agent", "cem").data["jobs"] == []


@pytest.mark.guarantee(
    "conduit-14", "Jobs are taken one at a time, so none runs out while another is carried."
)
def test_jobs_behind_a_slow_one_are_carried_once(
    ann: Any, carrier: Any, cleo_open: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "LEASE_SECONDS", 0.4)
    monkeypatch.setattr(delivering, "RENEW_SECONDS", 0.1)
    carrier.change(slow=0.3)
    for number in range(3):
        ann.send(str(number), to=["bob"], deliver=False)
    other = delivering.Worker(cleo_open(agent="cem"))
    before = delivering.Worker.take

    def take(self: Any, id_: str) -> Any:
        other.due()
        assert not any(one[0] == "leased" for one in jobs())
        return before(self, id_)

    monkeypatch.setattr(delivering.Worker, "take", take)
    list(ann.run(once=True))
    assert jobs() == [("done", None, 1)] * 3
    assert [one[3] for one in carrier.noted["pushed"]] == ["0", "1", "2"]
    assert value("SELECT count(*) FROM conduit_audit WHERE action = 'job.stale_fence'") == 0


def test_a_transport_that_cannot_be_loaded_burns_no_attempt(
    ann: Any, carrier: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(target: str) -> Any:
        raise ImportError(f"no module for {target}")

    monkeypatch.setattr(delivering, "load_target", missing)
    sent = ann.send("x", to=["bob"])
    assert (sent.recipients[0].parked_for, jobs()) == ("transport", [("parked", "transport", 0)])
    sent = ann.send("x", to=["bob"], deliver=False)
    execute(f"UPDATE delivery_jobs SET transport = 'gone' WHERE message_seq = {sent.seq}")
    list(ann.run(once=True))
    assert jobs()[-1] == ("parked", "transport", 0)


def test_a_server_that_answers_is_no_broken_one(ann: Any, carrier: Any) -> None:
    answers = [{"outcome": "retry", "status": 503}, {"outcome": "permanent", "status": 404}]
    for answer in answers * 5:
        carrier.change(answers=[answer])
        ann.send("x", to=["cem", "bob"])
    assert ann.status().breakers.get(SERVER) != "open"


def test_a_clock_that_was_set_back_holds_no_job(ann: Any, carrier: Any, cleo_clock: Any) -> None:
    ann.send("x", to=["bob"], deliver=False)
    worker = delivering.Worker(ann.app)
    cleo_clock.advance(86_400)
    worker.take(worker.due()[0])
    cleo_clock.advance(-86_400)
    list(ann.run(once=True))
    assert jobs() == [("done", None, 2)]


@pytest.mark.guarantee("conduit-16", "Thousands of waiting jobs are looked through in one pass.")
def test_a_long_queue_is_looked_through_once(ann: Any, carrier: Any) -> None:
    carrier.change(unreachable=True)
    ann.send_many([{"content": str(n), "to": ["bob"]} for n in range(600)], deliver=False)
    steps: list[int] = []
    connection = ann.app.store("conduit").connection
    connection.set_progress_handler(lambda: steps.append(1), 1000)
    found = delivering.Worker(ann.app).due()
    connection.set_progress_handler(None, 0)
    assert len(found) == delivering.BATCH
    # A step for each job and its index entries, and not one for each pair of jobs.
    assert len(steps) < 100


def test_inbound_mail_enters_no_conversation_of_others(
    ann: Any, carrier: Any, cleo_open: Open
) -> None:
    cem = conduit(cleo_open(agent="cem"))
    private = cem.send("private words", to=["HumanOverseer"])
    group = cem.send("group words", to=["HumanOverseer", "bob"], deliver=False)
    ann.send("template", to=["cem"])
    event = cem.waiting("cem", 0, 10)[-1][1]
    for number, conversation in enumerate((private.conversation_id, group.conversation_id)):
        forged = {
            **event,
            "id": _post["uuid"](40 + number),
            "from": "evil",
            "to": ["ann"],
            "recipient": "ann",
            "conversationKind": "group",
            "conversationId": conversation,
            "bodyHash": None,
        }
        assert ann.accept_here(forged, origin="x")[0] == "permanent"
        assert refused(lambda c=conversation: ann.conversation(c)).exit == 99
    fresh = {**forged, "conversationId": _post["uuid"](60)}
    assert ann.accept_here(fresh, origin="x")[0] == "accepted"
    later = {**fresh, "id": _post["uuid"](61), "recipient": "cem", "to": ["ann", "cem"]}
    assert ann.accept_here(later, origin="x")[0] == "accepted"
    # Who came later reads what was said then, and nothing of before.
    assert len(ann.conversation(_post["uuid"](60)).messages) == 2
    assert len(cem.conversation(_post["uuid"](60)).messages) == 1


@pytest.mark.guarantee(
    "conduit-22", "One event that is no message holds nothing up: the others are stored."
)
def test_a_spoilt_event_holds_nothing_up(ann: Any, carrier: Any) -> None:
    ann.send("template", to=["cem"])
    ((_, event),) = ann.waiting("cem", 0, 10)
    good = {
        **event,
        "id": _post["uuid"](50),
        "from": "zoe",
        "to": ["ann"],
        "conversationId": _post["uuid"](51),
        "bodyHash": None,
    }
    assert ann.accept_here({**good, "id": "\ud800", "recipient": "ann"}, origin="x")[0] == (
        "permanent"
    )
    spoilt = [None, "x", 5, [], {**good, "payload": "\ud800"}, {**good, "topic": "\ud800"}]
    inbound = [(number, one) for number, one in enumerate([*spoilt[:5], good], 1)]
    carrier.change(inbound=inbound)
    list(ann.run("ann", once=True))
    assert [one.content for one in ann.poll().messages] == ["template"]
    assert value("SELECT last_seq FROM remote_cursors") == 6


def test_a_late_copy_of_an_old_message_is_handed_over(
    ann: Any, carrier: Any, cleo_open: Open
) -> None:
    cem = conduit(cleo_open(agent="cem"))
    ann.send("template", to=["cem"])
    ((_, event),) = ann.waiting("cem", 0, 10)
    both = {
        **event,
        "id": _post["uuid"](70),
        "from": "zoe",
        "to": ["ann", "cem"],
        "conversationKind": "group",
        "conversationId": _post["uuid"](71),
        "bodyHash": None,
    }
    assert ann.accept_here({**both, "recipient": "ann"}, origin="x")[0] == "accepted"
    ann.send_many([{"content": str(n), "to": ["cem"]} for n in range(60)])
    while cem.poll(deliver=True, limit=200).messages:
        pass
    assert ann.accept_here({**both, "recipient": "cem"}, origin="x")[0] == "accepted"
    assert [one.id for one in cem.poll().messages] == [both["id"]]


def test_letters_and_jobs_are_their_senders(
    ann: Any, carrier: Any, cleo_open: Open, cleo_cli: Cli
) -> None:
    carrier.change(answers=[{"outcome": "permanent"}])
    ann.send("secret", to=["bob"])
    cem = conduit(cleo_open(agent="cem"))
    (letter,) = ann.dead_list()[0]
    assert (cem.dead_list()[0], cem.jobs(everything=True)[0]) == ([], [])
    for call in (
        lambda: cem.dead_show(letter.id),
        lambda: cem.dead_replay(letter.id),
        lambda: cem.dead_purge(letter.id),
        lambda: ann.dead_show("x"),
        lambda: ann.dead_replay(["x"]),
    ):
        assert refused(call).exit == 4
    assert cem.dead_purge(everything=True).deleted == []
    for words in (("dead", "list"), ("dead", "show", letter.id), ("jobs",)):
        assert cleo_cli("conduit", *words).code == 2
    ann.detach("bob")
    gone = refused(lambda: ann.dead_replay(letter.id))
    assert (gone.exit, ann.dead_list()[1].total) == (95, 1)


def test_a_redacted_letter_is_sent_again_without_its_text(ann: Any, carrier: Any) -> None:
    carrier.change(answers=[{"outcome": "permanent"}])
    sent = ann.send("secret", to=["bob"])
    ann.redact(sent.id)
    (letter,) = ann.dead_list()[0]
    assert ann.dead_show(letter.id).payload["content"] == "[redacted]"
    execute("PRAGMA foreign_keys=ON", f"DELETE FROM messages WHERE id = '{sent.id}'")
    replay = ann.dead_replay(letter.id)[0]
    assert value(f"SELECT route FROM receipts WHERE message_seq = {replay.seq}") == "carrier"
    list(ann.run(once=True))
    assert carrier.noted["pushed"][-1][0::3] == [sent.id, "[redacted]"]


def test_a_registered_agent_is_written_to(
    cleo_home: Path, cleo_project: Path, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLEO_DISABLE_PLUGINS", raising=False)
    if cleo_cli("agent", "register", "ann", "--name", "Ann").code == 2:
        pytest.skip("cleo-signaldock is not installed")
    for name in ("ann", "bob"):
        cleo_cli("agent", "register", name, "--name", name.title())
        cleo_cli("agent", "attach", name)
    url = ("--transport", "http", "--url", "https://server.test")
    assert cleo_cli("agent", "register", "far", "--name", "Far", *url).code == 0
    cleo_cli("agent", "attach", "far")
    sent = cleo_cli("conduit", "send", "hello", "--to", "bob", "--agent", "ann")
    assert sent.data["recipients"][0]["route"] == "local"
    away = cleo_cli("conduit", "send", "hello", "--to", "far", "--agent", "ann")
    assert away.data["recipients"][0]["parkedFor"] == "transport"
    assert cleo_cli("conduit", "send", "all", "--broadcast", "--agent", "ann").code == 0
    assert cleo_cli("conduit", "poll", "--agent", "bob").data["messages"][0]["from"] == "ann"
    assert cleo_cli("conduit", "run", "--once").code == 0
    assert cleo_cli("conduit", "inbox", "--agent", "nobody").code == 99
    assert cleo_cli("conduit", "join", "x").code == 6


def test_an_agent_is_started(
    cleo_home: Path,
    cleo_project: Path,
    cleo_cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.delenv("CLEO_DISABLE_PLUGINS", raising=False)
    if cleo_cli("agent", "register", "ann", "--name", "Ann").code == 2:
        pytest.skip("cleo-signaldock is not installed")
    cleo_cli("agent", "register", "bob", "--name", "Bob")
    for name in ("ann", "bob"):
        cleo_cli("agent", "attach", name)
    assert cleo_cli("conduit", "send", "go", "--to", "bob", "--agent", "ann").code == 0
    taken = tmp_path / "taken"
    code = f"import sys, json; open({str(taken)!r}, 'a').write(json.load(sys.stdin)['content'])"
    program = f"{sys.executable} -c {code!r}"
    done = cleo_cli("agent", "start", "bob", "--once", "--exec", program)
    assert [one["data"]["event"] for one in done.envelopes] == ["started", "message", "stopped"]
    assert taken.read_text() == "go"
    assert cleo_cli("agent", "get", "bob").data["agents"][0]["status"] == "offline"
    assert cleo_cli("conduit", "receipts", "1", "--agent", "ann").data["receipts"][0]["state"] == (
        "delivered"
    )
    cleo_cli("agent", "detach", "bob")
    assert cleo_cli("agent", "start", "bob", "--once").code == 99
    assert cleo_cli("agent", "start", "nobody", "--once").code == 99
    monkeypatch.setenv("CLEO_DISABLE_PLUGINS", "conduit")
    assert cleo_cli("agent", "start", "bob", "--once").code == 5


def test_an_idle_runner_writes_nothing_of_its_own_accord(ann: Any, carrier: Any) -> None:
    units: list[str] = []
    plain = delivering.Worker.due

    def due(self: Any, ids: Any = None) -> Any:
        units.append("due")
        return plain(self, ids)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delivering.Worker, "due", due)
        list(ann.run(timeout=0.6, poll_interval=60.0))
    assert len(units) <= 5


def test_a_job_that_another_worker_has_just_tried_waits_its_time(ann: Any, carrier: Any) -> None:
    carrier.change(answers=[{"outcome": "retry", "status": 503, "retry_after": 600}])
    ann.send("x", to=["bob"], deliver=False)
    one, two = delivering.Worker(ann.app), delivering.Worker(ann.app)
    (id_,) = two.due()
    one.attempt(one.take(one.due()[0]))
    assert two.take(id_) is None
    assert jobs() == [("pending", None, 1)]


def test_a_runner_does_not_look_all_the_time_at_what_stands_behind_another(
    ann: Any, carrier: Any, cleo_clock: Any
) -> None:
    carrier.change(answers=[{"outcome": "retry", "status": 503, "retry_after": 600}])
    for number in range(2):
        ann.send(str(number), to=["bob"], deliver=False)
    list(ann.run(once=True))
    cleo_clock.advance(30)
    looks: list[int] = []
    plain = delivering.Worker.due

    def due(self: Any, ids: Any = None) -> Any:
        looks.append(1)
        return plain(self, ids)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delivering.Worker, "due", due)
        list(ann.run(timeout=0.6, poll_interval=60.0))
    assert len(looks) <= 3
    assert jobs() == [("pending", None, 1), ("pending", None, 0)]


def test_many_jobs_that_wait_hold_no_other_recipient_up(
    ann: Any, carrier: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "AT_ONCE", 7)
    carrier.agents(ann=SERVER, bob=SERVER, far=SERVER, cem=None)
    ann.attach("far")
    carrier.change(answers=[{"outcome": "retry", "status": 503, "retry_after": 600}])
    for number in range(40):
        ann.send(str(number), to=["bob"], deliver=False)
    ann.send("last", to=["far"], deliver=False)
    list(ann.run(once=True))
    assert [one[1::2] for one in carrier.noted["pushed"]] == [["bob", "0"], ["far", "last"]]


def test_what_expired_and_was_pruned_does_not_expire_again(
    ann: Any, carrier: Any, cleo_clock: Any, cleo_cli: Cli
) -> None:
    carrier.change(unreachable=True)
    sent = ann.send("soon", to=["bob"], ttl="1h")
    cleo_clock.advance(3601)
    ann.prune()
    (letter,) = ann.dead_list()[0]
    execute("PRAGMA foreign_keys=ON", f"DELETE FROM messages WHERE id = '{sent.id}'")
    carrier.change(unreachable=False)
    cleo_clock.advance(60)
    assert ann.dead_replay(letter.id)[0].sent
    list(ann.run(once=True))
    assert carrier.noted["pushed"][-1][0] == sent.id
    assert [row[0] for row in jobs()] == ["done"]
    assert ann.dead_list()[0] == []


def test_letters_of_one_message_are_sent_again_once(ann: Any, carrier: Any, cleo_cli: Cli) -> None:
    carrier.change(answers=[{"outcome": "permanent"}] * 2)
    sent = ann.send("x", to=["bob"])
    ((first,), _) = ann.dead_list()
    ann.dead_replay(first.id)
    list(ann.run(once=True))
    ((second,), _) = ann.dead_list()
    carrier.change(unreachable=True)
    ann.dead_replay(second.id)
    for letter in (first, second):
        assert refused(lambda letter=letter: ann.dead_replay(letter.id)).code == "E_REPLAY_RUNNING"
    assert ann.dead_replay(everything=True) == []
    carrier.change(unreachable=False)
    list(ann.run(once=True))
    before = len(carrier.noted["pushed"])
    execute("UPDATE receipts SET state = 'acked'")
    done = cleo_cli("conduit", "dead", "replay", first.id, "--agent", "ann")
    assert (done.data["replayed"][0]["sent"], done.data["replayed"][0]["messageId"]) == (
        False,
        sent.id,
    )
    list(ann.run(once=True))
    assert len(carrier.noted["pushed"]) == before
    assert value("SELECT state FROM receipts WHERE agent_id = 'bob'") == "acked"


def test_all_letters_are_all(ann: Any, carrier: Any, cleo_cli: Cli) -> None:
    ann.send_many([{"content": str(n), "to": ["bob"]} for n in range(230)], deliver=False)
    ann.detach("bob")
    ann.app.store("conduit")
    execute(
        "UPDATE delivery_jobs SET state = 'dead'",
        "UPDATE receipts SET state = 'dead'",
        "INSERT INTO dead_letters (id, job_id, message_id, recipient, transport, payload, reason, "
        "attempts, history, created_at) SELECT j.id, j.id, m.id, j.recipient, j.transport, "
        "j.payload, 'permanent', 1, '[]', j.created_at FROM delivery_jobs AS j "
        "JOIN messages AS m ON m.seq = j.message_seq",
    )
    ann.attach("bob")
    done = cleo_cli("conduit", "dead", "replay", "--all", "--agent", "ann")
    assert len(done.data["replayed"]) == 230
    assert ann.dead_list()[1].total == 0


def test_a_letter_of_a_pruned_message_is_redacted_with_its_errors(
    ann: Any, carrier: Any, cleo_open: Open, cleo_project: Path
) -> None:
    cem = conduit(cleo_open(agent="cem"))
    answer = {"outcome": "permanent", "status": 400, "error": "I do not take zanzibar"}
    carrier.change(answers=[answer, answer])
    gone, kept = (ann.send("zanzibar", to=["bob"]) for _ in range(2))
    execute("PRAGMA foreign_keys=ON", f"DELETE FROM messages WHERE id = '{gone.id}'")
    assert refused(lambda: cem.redact(gone.id)).exit == 4
    for sent in (gone, kept):
        done = ann.redact(sent.id)
        assert (done.id, done.changed) == (sent.id, True)
        again = ann.redact(sent.id)
        assert (again.changed, again.redacted_at) == (False, done.redacted_at)
    letters = ann.dead_list()[0]
    assert len(letters) == 2
    for letter in letters:
        shown = ann.dead_show(letter.id)
        assert (shown.payload["content"], shown.last_error) == ("[redacted]", None)
        assert [one["status"] for one in shown.history] == [400]
    for one in (ann, cem):
        one.app.close()
    data = b"".join(path.read_bytes() for path in (cleo_project / ".cleo").glob("conduit.db*"))
    assert b"zanzibar" not in data


def test_an_event_that_no_reader_can_take_is_refused(ann: Any, carrier: Any) -> None:
    ann.send("template", to=["cem"])
    ((_, event),) = ann.waiting("cem", 0, 10)
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    odd = {**event, "id": _post["uuid"](70), "from": "zoe", "bodyHash": None}
    topic = {**odd, "conversationKind": "topic", "topic": deep}
    assert ann.accept_here({**topic, "recipient": "cem"}, origin="x")[0] == "permanent"
    assert ann.accept_here({**odd, "recipient": "\ud800"}, origin="x")[0] == "permanent"
