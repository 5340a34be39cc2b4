"""Waking: FIFOs, what is planted among them, and watching."""

from __future__ import annotations

import json
import os
import runpy
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cleo_conduit import wake
from cleo_conduit.service import handling
from cleo_conduit.service.handling import run_program
from cleo_core.testing import Outcome

_post = runpy.run_path(str(Path(__file__).with_name("post.py")))
speakers, refused, execute, value = (
    _post[name] for name in ("speakers", "refused", "execute", "value")
)
conduit = _post["conduit"]

Cli = Callable[..., Outcome]
needs_fifos = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")


@pytest.fixture
def run_directory(cleo_project: Path) -> Path:
    return cleo_project / ".cleo" / "run" / "conduit"


def waiter(path: Path, agent: str = "bob") -> wake.Waiter:
    return wake.Waiter(str(path), agent, lambda: 1)


@needs_fifos
def test_a_waiter_has_a_private_fifo_that_goes_with_it(run_directory: Path) -> None:
    with waiter(run_directory) as one:
        assert one.fifo
        assert stat.S_IMODE(run_directory.stat().st_mode) == 0o700
        (name,) = os.listdir(run_directory)
        assert name.startswith(f"bob.{os.getpid()}.")
        found = (run_directory / name).stat()
        assert (stat.S_ISFIFO(found.st_mode), stat.S_IMODE(found.st_mode)) == (True, 0o600)
        assert not one.wait(time.monotonic() + 0.01)
        wake.wake(str(run_directory), ["ann"])
        assert not one.wait(time.monotonic() + 0.01)
        wake.wake(str(run_directory), ["bob"])
        wake.wake(str(run_directory), ["bob"])
        assert one.wait(time.monotonic() + 5)
        assert not one.wait(time.monotonic() + 0.01)
    assert os.listdir(run_directory) == []


@needs_fifos
@pytest.mark.guarantee(
    "conduit-19",
    "A file or a link that somebody planted among the waiting processes is never written to; what "
    "a killed one left is removed.",
)
def test_planted_files_and_links_are_never_written_to(
    cleo_open: Any, run_directory: Path, tmp_path: Path
) -> None:
    ann, _ = speakers(cleo_open, "ann", "bob")
    with waiter(run_directory):
        pass
    target = tmp_path / "precious"
    target.write_text("precious")
    (run_directory / "bob.1.planted").write_text("kept")
    (run_directory / "bob.2.link").symlink_to(target)
    (run_directory / "bob.3.directory").mkdir()
    os.mkfifo(run_directory / "bob.4.stale", 0o600)
    os.mkfifo(tmp_path / "fifo", 0o600)
    (run_directory / "bob.5.to-fifo").symlink_to(tmp_path / "fifo")
    ann.send("hello", to=["bob"])
    assert (run_directory / "bob.1.planted").read_text() == "kept"
    assert target.read_text() == "precious"
    assert not (run_directory / "bob.4.stale").exists()
    assert (run_directory / "bob.5.to-fifo").is_symlink()
    run_directory.rename(tmp_path / "elsewhere")
    run_directory.symlink_to(tmp_path / "elsewhere")
    with waiter(run_directory) as one:
        assert not one.fifo


@needs_fifos
def test_a_full_fifo_and_a_muted_participant(cleo_open: Any, run_directory: Path) -> None:
    ann, _, cem = speakers(cleo_open, "ann", "bob", "cem")
    with waiter(run_directory) as one:
        folder = os.open(run_directory, os.O_RDONLY)
        (name,) = os.listdir(folder)
        for _ in range(70_000):
            wake._wake_one(folder, name)
        ann.send("x", to=["bob"])
        assert one.wait(time.monotonic() + 5)
    sent = ann.send("group", to=["bob", "cem"])
    execute("UPDATE participants SET muted = 1 WHERE agent_id = 'bob'")
    with waiter(run_directory) as one:
        cem.send("quiet", conversation=sent.conversation_id)
        assert not one.wait(time.monotonic() + 0.05)


@pytest.mark.guarantee(
    "conduit-19",
    "A waiting process has its message within a second although no byte reached it, and at once "
    "where FIFOs cannot be made.",
)
@pytest.mark.parametrize("fifos", [True, False], ids=["lost byte", "no FIFOs"])
def test_what_was_committed_is_found_without_the_byte(
    cleo_open: Any, monkeypatch: pytest.MonkeyPatch, fifos: bool
) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    if fifos:
        monkeypatch.setattr(wake, "wake", lambda path, agents: None)
    else:
        monkeypatch.delattr(os, "mkfifo")
    started = threading.Event()

    def later() -> None:
        started.wait()
        time.sleep(0.05)
        mail = conduit(cleo_open(agent="ann"))
        mail.send("late", to=["bob"])
        mail.app.close()

    thread = threading.Thread(target=later)
    thread.start()
    started.set()
    found = bob.poll(wait=10)
    thread.join()
    assert [one.content for one in found.messages] == ["late"]
    # How often it looks: once a second, and fifty times where nobody can wake it.
    assert (wake.LOOK, wake.LOOK_OFTEN) == (1.0, 0.02)
    assert ann.poll(wait=0.01).messages == []


class Watcher:
    """``cleo conduit watch`` in a process of its own."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cleo_core", "conduit", "watch", "--json", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.out = self.process.stdout

    def event(self) -> dict[str, Any]:
        envelope: dict[str, Any] = json.loads(self.out.readline())
        assert envelope["success"] is True
        data: dict[str, Any] = envelope["data"]
        return data

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


@pytest.fixture
def watching() -> Iterator[Callable[..., Watcher]]:
    made: list[Watcher] = []

    def start(*words: str) -> Watcher:
        made.append(Watcher(*words))
        return made[-1]

    yield start
    for one in made:
        one.process.kill()
        one.process.communicate()


def test_watch_prints_messages_and_what_becomes_of_ones_own(
    cleo_open: Any, watching: Callable[..., Watcher], run_directory: Path
) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    ann.send("before", to=["bob"])
    one = watching("--agent", "bob")
    assert one.event()["event"] == "started"
    first = one.event()
    assert (first["event"], first["message"]["content"]) == ("message", "before")
    sent = ann.send("while it watches", to=["bob"])
    assert one.event()["message"]["id"] == sent.id
    own = bob.send("mine", to=["ann"])
    ann.ack(own.id)
    state = one.event()
    assert (state["event"], state["id"], state["agentId"], state["state"]) == (
        "state",
        own.id,
        "ann",
        "acked",
    )
    code, out, err = one.end()
    assert (code, err) == (0, "")
    assert json.loads(out.splitlines()[-1])["data"]["event"] == "stopped"
    assert list(run_directory.iterdir()) == []
    assert {row.state for row in ann.receipts(sent.id)} == {"delivered"}


@pytest.mark.guarantee(
    "conduit-09",
    "A handler that fails, or is killed, leaves the message to be handed over again.",
)
def test_a_handler_that_fails_leaves_the_message(
    cleo_open: Any, cleo_cli: Cli, cleo_clock: Any, tmp_path: Path
) -> None:
    ann, bob, _ = speakers(cleo_open, "ann", "bob", "cem")
    cem = conduit(cleo_open(agent="cem"))
    taken = tmp_path / "taken"
    handler = tmp_path / "handler"
    handler.write_text(
        f"#!{sys.executable}\nimport json, sys, os, signal\n"
        "m = json.load(sys.stdin)\n"
        f"open({str(taken)!r}, 'a').write(m['content'] + ' ')\n"
        "if m['content'] == 'bad': sys.exit(3)\n"
        "if m['content'] == 'worse': os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    handler.chmod(0o700)
    for text in ("good", "bad", "after"):
        ann.send(text, to=["bob"])
    for text in ("worse", "too"):
        cem.send(text, to=["bob"])
    words = ("conduit", "watch", "--once", "--agent", "bob", "--exec", str(handler))
    done = cleo_cli(*words)
    events = [one["data"] for one in done.envelopes]
    assert [(one["message"]["content"], one["handled"]) for one in events[1:-1]] == [
        ("good", True),
        ("bad", False),
        ("worse", False),
    ]
    assert taken.read_text() == "good bad worse "
    assert bob.poll().messages == []
    cleo_clock.advance(61)
    again = bob.poll()
    assert [(one.content, one.redelivered) for one in again.messages] == [
        ("bad", True),
        ("after", True),
        ("worse", True),
        ("too", True),
    ]
    assert cleo_cli(*words[:-1], "/no/such/program").code == 2
    assert cleo_cli(*words[:-1], " ").code == 2


def test_a_handler_that_hangs_is_ended(cleo_open: Any, tmp_path: Path) -> None:
    ann, bob = speakers(cleo_open, "ann", "bob")
    ann.send("x", to=["bob"])
    (message,) = bob.poll().messages
    looks: list[int] = []

    def run(code: str, ends: Callable[[], bool]) -> bool:
        words = [sys.executable, "-c", code]
        return run_program(words, message, ends=ends, meanwhile=lambda: looks.append(1))

    started = time.monotonic()
    hangs = "import time; time.sleep(60)"
    done = run(hangs, lambda: time.monotonic() >= started + 0.5)
    assert not done
    assert time.monotonic() - started < 10
    assert looks
    assert not run(hangs, lambda: True)
    assert run("pass", lambda: False)


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="this system has no process groups")
def test_what_a_handler_started_ends_with_it(
    cleo_open: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handling, "GRACE", 0.5)
    ann, bob = speakers(cleo_open, "ann", "bob")
    ann.send("x", to=["bob"])
    pid = tmp_path / "pid"
    code = (
        "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'import signal,"
        " time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True);"
        " time.sleep(60)'], stdout=subprocess.PIPE); child.stdout.readline();"
        f" open({str(pid)!r}, 'w').write(str(child.pid)); child.wait()"
    )
    (message,) = bob.poll().messages
    assert not run_program(
        [sys.executable, "-c", code], message, ends=pid.exists, meanwhile=lambda: None
    )
    deadline = time.monotonic() + 10
    while _runs(int(pid.read_text())):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] == "Z")


@pytest.mark.guarantee(
    "conduit-10",
    "While a slow handler works on one message, the rest of its batch is no other consumer's.",
)
def test_a_slow_handler_keeps_what_waits_behind_its_message(
    cleo_open: Any, cleo_cli: Cli, tmp_path: Path
) -> None:
    assert cleo_cli("config", "set", "conduit.claim_seconds", "1").code == 0
    ann, bob, _ = speakers(cleo_open, "ann", "bob", "cem")
    cem = conduit(cleo_open(agent="cem"))
    ann.send("slow", to=["bob"])
    cem.send("behind", to=["bob"])
    begun = tmp_path / "begun"
    slow = f"import sys, time; open({str(begun)!r}, 'w'); time.sleep(1.8)"
    quick = "import sys"
    code = f"import json, sys\nif json.load(sys.stdin)['content'] == 'slow':\n  {slow}\n{quick}"
    other = conduit(cleo_open(agent="bob"))
    taken: list[str] = []

    def look() -> None:
        if begun.exists():
            taken.extend(one.content for one in other.poll(consumer="other").messages)

    words = [sys.executable, "-c", code]
    events = list(bob.watch(once=True, consumer="slow", program=words, meanwhile=look))
    assert [one["handled"] for one in events if one["event"] == "message"] == [True, True]
    assert taken == []


def test_what_somebody_else_was_handed_meanwhile_is_left_out(
    cleo_open: Any, cleo_clock: Any
) -> None:
    ann, bob, cem, eve = speakers(cleo_open, "ann", "bob", "cem", "eve")
    for text in ("one", "two", "three"):
        ann.send(text, to=["bob"])
    cem.send("other", to=["bob"])
    gone = eve.send("read elsewhere", to=["bob"])
    eve.send("after it", to=["bob"])
    calls: list[str] = []

    def handler(message: Any) -> bool:
        calls.append(message.content)
        if message.content == "one":
            # It takes longer than the claim, and another consumer comes by.
            cleo_clock.advance(61)
            assert [one.content for one in bob.poll(consumer="other", limit=1).messages] == ["one"]
            bob.ack(gone.id)
        return True

    list(bob.watch(once=True, consumer="slow", handler=handler))
    # Behind what another has, nothing of its conversation is handed over.
    assert calls == ["one", "other", "after it"]


@needs_fifos
def test_a_waiter_in_a_process_with_many_open_files(run_directory: Path) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 1200:
        pytest.skip("this system allows few open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1200), hard))
    open_files = [os.open(os.devnull, os.O_RDONLY) for _ in range(1050)]
    try:
        with waiter(run_directory) as one:
            assert not one.wait(time.monotonic() + 0.01)
    finally:
        for descriptor in open_files:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_watcher_that_was_there_before_the_store(
    cleo_open: Any, cleo_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (cleo_project / ".cleo").glob("conduit.db*"):
        path.unlink()
    monkeypatch.setattr(wake, "wake", lambda path, agents: None)
    bob = conduit(cleo_open(agent="bob"))
    events = bob.watch(timeout=20)
    assert next(events)["event"] == "started"
    ann, _ = speakers(cleo_open, "ann", "bob")
    ann.send("early", to=["bob"])
    assert next(events)["message"]["content"] == "early"
    events.close()
