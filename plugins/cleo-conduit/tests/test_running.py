"""Programs that are given messages, and runs that go on while others come, go and write."""

from __future__ import annotations

import hashlib
import json
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cleo_conduit.service import running, watching
from cleo_conduit.service.work import RUN_LOCK
from cleo_core.errors import CleoError
from cleo_core.locks import locked

_post = runpy.run_path(str(Path(__file__).with_name("post.py")))
_carrier = runpy.run_path(str(Path(__file__).with_name("carrier.py")))
execute, value = _post["execute"], _post["value"]
conduit, speakers = _post["conduit"], _post["speakers"]
SERVER = _carrier["SERVER"]
BUSY = CleoError("E_WRITE_CONTENTION", "Others write without pause.")


@pytest.fixture
def carrier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cleo_project: Path) -> Any:
    """A registry of agents and a transport; ann and bob live at a server, cem here."""
    made = _carrier["install"](tmp_path / "carrier", monkeypatch)
    made.agents(ann=SERVER, bob=SERVER, cem=None)
    return made


@pytest.fixture
def ann(carrier: Any, cleo_project: Path, cleo_open: Callable[..., Any]) -> Any:
    found = conduit(cleo_open(agent="ann"))
    for name in ("ann", "bob", "cem"):
        found.attach(name)
    return found


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Whose mail was looked for, instead of looking for it; often, and with new eyes each time."""
    asked: list[str] = []

    def fetch(app: Any, agent_id: str, route: Any, stopped: Any, refused: Any) -> int:
        asked.append(agent_id)
        return 0

    monkeypatch.setattr(running, "fetch", fetch)
    monkeypatch.setattr(running, "REFRESH_SECONDS", 0.0)
    return asked


def test_a_program_that_reads_late_gets_a_message_larger_than_a_pipe(
    cleo_project: Path, cleo_open: Callable[..., Any], tmp_path: Path
) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    ann.send("x" * 65_000, to=["bob"], payload={"p": "y" * 60_000})
    got = tmp_path / "got"
    reads = (
        "import pathlib, sys, time; time.sleep(.3); "
        f"pathlib.Path({str(got)!r}).write_text(str(len(sys.stdin.read())))"
    )
    events = list(bob.watch(once=True, timeout=20, program=[sys.executable, "-c", reads]))
    assert [one.get("handled") for one in events if one["event"] == "message"] == [True]
    assert int(got.read_text()) > 125_000


def test_a_program_is_not_ended_because_others_write(
    cleo_project: Path,
    cleo_open: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    ann.send("x", to=["bob"])
    done, failed = tmp_path / "done", []
    real = watching.receiving.renew

    def renew(*arguments: Any) -> bool:
        if len(failed) < 2:
            failed.append(1)
            raise BUSY
        return bool(real(*arguments))

    monkeypatch.setattr(watching.receiving, "renew", renew)
    bob.app.write("conduit", lambda unit: None)
    batch = watching._Batch
    start = batch.__init__

    def old(self: Any, *arguments: Any) -> None:
        start(self, *arguments)
        self._renewed -= self._seconds / 2

    monkeypatch.setattr(batch, "__init__", old)
    events = list(bob.watch(once=True, program=["sh", "-c", f"sleep 0.5; touch {done}"]))
    assert [one.get("handled") for one in events if one["event"] == "message"] == [True]
    assert done.exists()
    assert len(failed) == 2


def test_a_message_that_somebody_else_was_handed_meanwhile_is_not_said_to_be_handled(
    cleo_project: Path, cleo_open: Callable[..., Any], cleo_clock: Any
) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    ann.send("x", to=["bob"])
    other = conduit(cleo_open(agent="bob"))

    def handler(message: Any) -> bool:
        cleo_clock.advance(61)
        # The same name: a process that was started again.
        assert len(other.poll(consumer="w1").messages) == 1
        return True

    events = list(bob.watch(once=True, consumer="w1", handler=handler))
    (message,) = [one for one in events if one["event"] == "message"]
    assert (message["handled"], message["lost"]) == (False, True)
    assert value("SELECT state FROM receipts") == "pending"


def test_a_handler_that_acknowledges_has_handled(
    cleo_project: Path, cleo_open: Callable[..., Any]
) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    ann.send("x", to=["bob"])
    other = conduit(cleo_open(agent="bob"))
    events = list(bob.watch(once=True, handler=lambda one: bool(other.ack(one.id).changed)))
    assert [one.get("handled") for one in events if one["event"] == "message"] == [True]


def test_a_run_ends_its_program_when_its_time_is_over(
    ann: Any, cleo_open: Callable[..., Any]
) -> None:
    conduit(cleo_open(agent="cem")).send("hi", to=["ann"], deliver=False)
    execute("UPDATE receipts SET route = 'local'")
    started = time.monotonic()
    list(ann.run(timeout=0.5, program=["sleep", "30"]))
    assert time.monotonic() - started < 20


def test_a_run_gives_messages_to_a_program_as_a_watch_does(
    cleo_project: Path, cleo_open: Callable[..., Any], cleo_cli: Callable[..., Any], tmp_path: Path
) -> None:
    ann, _ = speakers(cleo_open, "ann", "bob")
    ann.send("hello", to=["bob"])
    got = tmp_path / "got"
    given = ("--exec", f"sh -c 'cat > {got}'", "--consumer", "w1")
    ran = cleo_cli("conduit", "run", "--once", *given, "--agent", "bob")
    assert ran.code == 0
    assert "hello" in got.read_text()
    assert value("SELECT state FROM receipts") == "delivered"
    assert cleo_cli("conduit", "run", "--once", "--human").out == "started\nstopped\n"
    assert cleo_cli("config", "set", "output.format", "human").code == 0
    assert cleo_cli("conduit", "run", "--once").out == "started\nstopped\n"
    assert cleo_cli("config", "set", "output.format", "auto").code == 0
    refused = cleo_cli("conduit", "run", "--once", "--consumer", "w1")
    assert (refused.code, refused.error["code"]) == (2, "E_USAGE")


def test_a_run_outlives_writers_that_leave_it_no_room(
    ann: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def due(app: Any, stopped: Any) -> int:
        calls.append(1)
        raise BUSY

    monkeypatch.setattr(running, "deliver_due", due)
    monkeypatch.setattr(running, "LOOK", 0.01)
    monkeypatch.setattr(running, "REFRESH_SECONDS", 0.05)
    events = [one["event"] for one in ann.run(timeout=0.5)]
    assert events.count("error") == len(calls) > 1
    assert events[-1] == "stopped"


def test_a_missed_sign_of_life_ends_nothing(ann: Any) -> None:
    beats = []

    def beat() -> None:
        beats.append(1)
        if len(beats) == 1:
            raise BUSY

    assert [one["event"] for one in ann.run(once=True, beat=beat)][-1] == "stopped"
    assert beats


def test_agents_that_come_and_go_are_seen_by_a_run(
    ann: Any, carrier: Any, cleo_open: Callable[..., Any], fetched: list[str]
) -> None:
    carrier.agents(ann=SERVER, bob=SERVER, cem=None, dee=SERVER)
    changed: list[int] = []

    def seen() -> bool:
        if not changed and "bob" in fetched:
            other = conduit(cleo_open(agent="ann"))
            other.attach("dee")
            other.detach("bob")
            changed.append(len(fetched))
        return bool(changed) and "dee" in fetched and "bob" not in fetched[-4:]

    list(ann.run(timeout=20, poll_interval=0.01, stop=_Until(seen)))
    assert "dee" in fetched
    assert "bob" not in fetched[changed[0] + 3 :]


def test_a_run_takes_over_from_one_that_died(ann: Any, fetched: list[str]) -> None:
    name = hashlib.sha256(f"bob {SERVER}".encode()).hexdigest()[:16]
    held = locked(ann.app.project.directory, f"{RUN_LOCK}{name}", timeout=0)
    held.__enter__()
    told = []
    for event in ann.run(timeout=20, poll_interval=0.01, stop=_Until(lambda: "bob" in fetched)):
        if event["event"] == "alreadyRunning":
            told.append(event["agentId"])
            held.__exit__(None, None, None)
    assert told == ["bob"]
    assert "bob" in fetched


def test_a_notice_goes_the_way_that_its_recipient_is_reached(
    ann: Any, cleo_open: Callable[..., Any]
) -> None:
    sent = ann.send("x", to=["bob"], deliver=False)
    documents = ann.app.service("documents")
    documents.create("hello", slug="plan", conversation=sent.conversation_id)
    documents.request("plan", ["bob"])
    assert {row[0] for row in execute("SELECT route FROM receipts WHERE agent_id = 'bob'")} == {
        "carrier"
    }


@pytest.mark.parametrize("spoils", ["filter", "detached"])
def test_what_happens_to_sessions_is_told_to_those_who_want_and_can_get_it(
    cleo_project: Path, cleo_open: Callable[..., Any], spoils: str
) -> None:
    from cleo_conduit.service import lifecycle

    ann, bob, cem = speakers(cleo_open, "ann", "bob", "cem")
    cem.topic_subscribe("lifecycle")
    bob.topic_subscribe("lifecycle", kinds=["request"] if spoils == "filter" else [])
    if spoils == "detached":
        ann.detach("bob")
    change = SimpleNamespace(
        kind="session", op="create", ids=["s1"], after={"s1": {"status": "active"}}
    )
    lifecycle.publish(ann.app, change)
    assert execute("SELECT agent_id FROM receipts") == [("cem",)]


def test_a_signal_ends_the_waiting_of_a_poll_with_0(
    cleo_project: Path, cleo_open: Callable[..., Any]
) -> None:
    (bob,) = speakers(cleo_open, "bob")
    waits = [sys.executable, "-m", "cleo_core", "conduit", "poll", "--wait", "60", "--agent", "bob"]
    poll = subprocess.Popen(waits, cwd=cleo_project, stdout=subprocess.PIPE, text=True)
    fifos = Path(bob.app.project.directory) / "run" / "conduit"
    while not (fifos.is_dir() and list(fifos.glob("bob.*"))):
        assert poll.poll() is None
        time.sleep(0.02)
    time.sleep(0.2)
    poll.send_signal(signal.SIGTERM)
    out, _ = poll.communicate(timeout=20)
    assert (poll.returncode, json.loads(out)["data"]["messages"]) == (0, [])
    assert not list(fifos.glob("bob.*"))


@pytest.mark.guarantee(
    "conduit-10",
    "What could not leave while its recipient was away leaves before what was written after it.",
)
def test_what_waits_for_a_recipient_keeps_its_place(
    ann: Any, carrier: Any, cleo_clock: Any
) -> None:
    carrier.change(unreachable=True)
    first = ann.send("first", to=["bob"])
    assert first.recipients[0].parked_for == "offline"
    carrier.change(unreachable=False)
    second = ann.send("second", to=["bob"])
    cleo_clock.advance(61)
    list(ann.run(once=True))
    assert [one[0] for one in carrier.noted["pushed"]] == [first.id, second.id]


@pytest.mark.parametrize(
    "answer",
    [
        {"outcome": "banana", "status": "x", "retry_after": "soon", "error": "odd"},
        {"outcome": "retry", "retry_after": float("nan"), "error": None},
        {"outcome": ["accepted"], "status": True},
    ],
)
def test_a_transport_that_answers_nonsense_harms_nobody_else(
    ann: Any, carrier: Any, answer: dict[str, Any]
) -> None:
    carrier.change(answers=[answer])
    sent = ann.send("x", to=["bob"])
    assert sent.recipients[0].state == "pending"
    assert value("SELECT state FROM delivery_jobs") == "pending"
    assert value("SELECT attempts FROM delivery_jobs") == 1


def test_a_terminal_that_is_closed_ends_a_watch_and_its_program(
    cleo_project: Path, cleo_open: Callable[..., Any], tmp_path: Path
) -> None:
    ann, _ = speakers(cleo_open, "ann", "bob")
    ann.send("x", to=["bob"])
    started = tmp_path / "started"
    program = f"sh -c 'echo $$ > {started}; sleep 60'"
    words = ["conduit", "watch", "--exec", program, "--agent", "bob"]
    # Under nohup the signal is ignored, and stays so.
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    watch = subprocess.Popen(
        [sys.executable, "-m", "cleo_core", *words], cwd=cleo_project, stdout=subprocess.PIPE
    )
    signal.signal(signal.SIGHUP, before)
    try:
        while not (started.exists() and started.read_text().strip()):
            assert watch.poll() is None
            time.sleep(0.02)
        watch.send_signal(signal.SIGHUP)
        out, _ = watch.communicate(timeout=30)
    finally:
        watch.kill()
        watch.communicate()
    assert watch.returncode == 0
    assert b'"stopped"' in out
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)


class _Until(running.Stop):
    """Wanted as soon as something is so."""

    def __init__(self, so: Callable[[], bool]) -> None:
        self._so = so

    @property
    def wanted(self) -> bool:  # type: ignore[override]  # a question instead of an answer
        return self._so()
