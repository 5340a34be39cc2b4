"""What messages cost: sending, polling, waking up, waiting; each beside a floor of the same run."""

from __future__ import annotations

import os
import select
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cleo_core
from benchmarks.measure import CLEO, FLOOR, PYTHON, Cost, alternate, clean_env, run, table
from cleo_core.app import create_app
from cleo_core.database import Transaction
from cleo_core.ids import ordered_id
from cleo_core.initialize import initialize

if TYPE_CHECKING:
    from cleo_core.app import App

BATCHES = 40
BATCH = 50
WAKES = 200
IDLE_SECONDS = 30
PROCESSES = 15
BACKLOGS = (1_000, 100_000)
POLLS = 60
AT = "2026-11-28T12:00:00.000Z"
#: Columns of a message and what they hold, without its indexes: what the bare loop inserts.
BARE = (
    "CREATE TABLE bare (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT, conversation_id TEXT, "
    "from_agent_id TEXT, content TEXT, metadata TEXT, body_hash TEXT, created_at TEXT)"
)
ADD = (
    "INSERT INTO bare (id, conversation_id, from_agent_id, content, metadata, body_hash, "
    "created_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
)


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory(prefix="cleo-bench-") as name:
        folder = Path(name)
        env = {**clean_env(folder / "home"), "CLEO_DISABLE_PLUGINS": "signaldock"}
        root = _project(folder / "project", env)
        sending = _sending(root, env)
        waking = _waking(root, env)
        idle = _idle(root, env)
        commands = _commands(root, env, _registered(folder / "registered", env))
        roots = [_filled(_project(folder / f"p{size}", env), env, size) for size in BACKLOGS]
        polls = _polling(roots, env)
    table(
        "Messages",
        ("what", "measured", "goal"),
        [
            *sending,
            *waking,
            *idle,
            *commands,
            (
                f"`poll` with 10 waiting, ms among {BACKLOGS[1]:,}",
                polls[1] * 1000,
                "",
            ),
            (f"÷ among {BACKLOGS[0]:,}", polls[1] / polls[0], "≤ 1.5"),
        ],
    )


def _project(root: Path, env: dict[str, str]) -> Path:
    root.mkdir()
    initialize(str(root), plugins=create_app(env=env).plugins, env=env)
    with cleo_core.open_app(str(root), env=env) as app:
        for name in ("ann", "bob", "cem"):
            app.service("conduit").attach(name)
    return root


def _sending(root: Path, env: dict[str, str]) -> list[tuple[object, ...]]:
    with cleo_core.open_app(str(root), agent="ann", env=env) as app:
        mail = app.service("conduit")
        mail.send("warm", to=["bob"])

        def batch() -> None:
            mail.send_many(
                [{"content": f"message {n} about the parser", "to": ["bob"]} for n in range(BATCH)]
            )

        bare = _Bare(root / "bare.db")
        rows = _Rows(app)
        ours, single, floor, plain, lone = [], [], [], [], []
        # In turn, so that all see the same disk.
        for _ in range(BATCHES):
            ours.append(_time(batch) / BATCH)
            single += [_time(lambda: mail.send("one", to=["bob"])) for _ in range(8)]
            floor.append(_time(lambda: bare.insert(BATCH)) / BATCH)
            plain.append(_time(lambda: rows.insert(BATCH)) / BATCH)
            lone += [_time(lambda: rows.insert(1)) for _ in range(8)]
        one = sum(floor) / len(floor)
        batched = sum(ours) / len(ours)
        alone = sum(single) / len(single)
    return [
        ("one bare insert and commit, µs", one * 1e6, ""),
        (f"`send_many` in batches of {BATCH}, messages a second", 1 / batched, ""),
        ("÷ the bare loop", one / batched, "≥ 0.5"),
        (
            "the same rows by bare SQL, in the same batches, ÷ the bare loop",
            one / (sum(plain) / len(plain)),
            "",
        ),
        ("`send`, messages a second", 1 / alone, ""),
        ("÷ the bare loop", one / alone, "≥ 0.12"),
        (
            "the same rows by bare SQL, each message in a unit of its own, ÷ the bare loop",
            one / (sum(lone) / len(lone)),
            "",
        ),
    ]


class _Bare:
    """A loop that inserts and commits one row each."""

    def __init__(self, path: Path) -> None:
        from cleo_core.database import connect_for_copy

        path.touch()
        self._connection = connect_for_copy(str(path))
        self._connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-8000"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute(BARE)

    def insert(self, count: int) -> None:
        for number in range(count):
            id_ = ordered_id()
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(
                ADD,
                (id_, id_, "ann", f"message {number} about the parser", "{}", "0" * 64, "x" * 24),
            )
            self._connection.execute("COMMIT")


class _Rows:
    """The rows of a message, its receipt and its audit, written by bare statements."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._connection = app.store("conduit").connection
        (self._conversation,) = self._connection.execute(
            "SELECT id FROM conversations WHERE kind = 'dm'"
        ).fetchone()

    def insert(self, count: int) -> None:
        from cleo_conduit.store import audit, mail

        tx = Transaction(self._connection)
        tx.execute("BEGIN IMMEDIATE")
        first = mail.last_seq(tx) + 1
        messages = []
        for number in range(count):
            id_ = ordered_id()
            row = {
                **dict.fromkeys(mail.MESSAGE_COLUMNS),
                "seq": first + number,
                "id": id_,
                "conversation_id": self._conversation,
                "from_agent_id": "ann",
                "verified": 0,
                "content": f"message {number} about the parser",
                "content_type": "text",
                "kind": "message",
                "importance": "normal",
                "ack_required": 0,
                "attachments": "[]",
                "metadata": "{}",
                "thread_id": id_,
                "origin": "local",
                "body_hash": "0" * 64,
                "created_at": AT,
            }
            messages.append(mail.values_of(row))
        receipts = [(seq, "bob", "to", "local", 0) for seq in range(first, first + count)]
        mail.add(tx, messages, receipts)
        notes = [(("message.send", "message", row[1]), {"recipients": 1}) for row in messages]
        audit.add(tx, AT, "ann", notes)
        counted = {"number": count, "seq": first + count - 1, "at": AT, "now": AT}
        tx.execute(mail.COUNT, id=self._conversation, **counted)
        tx.execute("COMMIT")


_WATCHER = """\
import sys, time
from cleo_core import open_app
with open_app(agent="bob") as app:
    mail = app.service("conduit")
    for event in mail.watch():
        print(event["event"], time.time(), flush=True)
"""
_FLOOR_WATCHER = """\
import os, select, sqlite3, sys, time
fifo = os.open(sys.argv[1], os.O_RDWR | os.O_NONBLOCK)
db = sqlite3.connect(sys.argv[2], isolation_level=None)
print("started", 0, flush=True)
while True:
    select.select([fifo], [], [])
    os.read(fifo, 4096)
    db.execute("SELECT max(n) FROM t").fetchone()
    db.execute("INSERT INTO claims VALUES (1)")
    print("message", time.time(), flush=True)
"""


def _waking(root: Path, env: dict[str, str]) -> list[tuple[object, ...]]:
    with cleo_core.open_app(str(root), agent="bob", env=env) as app:
        app.service("conduit").poll(deliver=True, limit=200)
        while app.service("conduit").poll(deliver=True, limit=200).messages:
            pass
    with cleo_core.open_app(str(root), agent="ann", env=env) as app:
        mail = app.service("conduit")
        ours = _latencies(
            [PYTHON, "-c", _WATCHER], root, env, lambda: mail.send("wake up", to=["bob"])
        )
    fifo, path = root / "fifo", root / "floor.db"
    os.mkfifo(fifo)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("CREATE TABLE t (n INTEGER)")
    db.execute("CREATE TABLE claims (n INTEGER)")

    def commit() -> None:
        db.execute("INSERT INTO t VALUES (1)")
        end = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        os.write(end, b"\0")
        os.close(end)

    floor = _latencies([PYTHON, "-c", _FLOOR_WATCHER, str(fifo), str(path)], root, env, commit)
    p95 = sorted(ours)[int(len(ours) * 0.95)]
    return [
        ("`watch` prints after `send` returned, median ms", statistics.median(ours) * 1000, "< 50"),
        ("the same, 95th of 100, ms", p95 * 1000, "< 50"),
        (
            "median ÷ a bare insert and byte, and in the other process a select and insert",
            _ratio(ours, floor),
            "≤ 5",
        ),
    ]


def _ratio(ours: list[float], floor: list[float]) -> float:
    return statistics.median(ours) / statistics.median(floor)


def _latencies(
    argv: list[str], root: Path, env: dict[str, str], act: Callable[[], object]
) -> list[float]:
    """Seconds from the return of an act to the line that it causes in another process."""
    process = subprocess.Popen(argv, cwd=root, env=env, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    found = []
    try:
        process.stdout.readline()
        time.sleep(0.2)
        for _ in range(WAKES):
            act()
            at = time.time()
            line = process.stdout.readline().split()
            found.append(max(0.0, float(line[1]) - at))
            time.sleep(0.005)
    finally:
        process.kill()
        process.wait()
    return found


def _idle(root: Path, env: dict[str, str]) -> list[tuple[object, ...]]:
    """CPU of a watcher that has nothing to do, without what its start costs."""
    read, write = os.pipe()
    watcher = f"import os\n{_WATCHER}".replace(
        'print(event["event"], time.time(), flush=True)',
        "os.write(1, b's')",
    )
    process = subprocess.Popen(
        [PYTHON, "-c", watcher], cwd=root, env=env, stdout=write, close_fds=True
    )
    select.select([read], [], [], 30)
    time.sleep(1)
    before = _cpu(process.pid)
    time.sleep(IDLE_SECONDS)
    used = _cpu(process.pid) - before
    process.kill()
    process.wait()
    os.close(read)
    os.close(write)
    return [
        (f"CPU of an idle `watch` over {IDLE_SECONDS} s, %", used / IDLE_SECONDS * 100, "≤ 0.5")
    ]


def _cpu(pid: int) -> float:
    """Seconds of CPU of a running process, by ``/proc/<pid>/stat``."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _registered(root: Path, env: dict[str, str]) -> Path:
    """A project whose agents a registry knows."""
    root.mkdir()
    with_registry = {**env, "CLEO_DISABLE_PLUGINS": ""}
    run([CLEO, "init"], with_registry, root)
    for name in ("ann", "cem"):
        run([CLEO, "agent", "register", name], with_registry, root)
    return root


def _commands(root: Path, env: dict[str, str], registered: Path) -> list[tuple[object, ...]]:
    def cleo(*words: str) -> Cost:
        return run([CLEO, *words, "--json"], env, root)

    def known(*words: str) -> Cost:
        return run([CLEO, *words, "--json"], {**env, "CLEO_DISABLE_PLUGINS": ""}, registered)

    message = ("conduit", "send", "hello", "--to", "cem", "--agent", "ann")
    plain = {name: value for name, value in env.items() if name != "CLEO_DISABLE_PLUGINS"}
    costs = alternate(
        {
            "floor": lambda: run(FLOOR, plain, root),
            "version": lambda: cleo("version"),
            "send": lambda: cleo(*message),
            "known": lambda: known(*message),
            "poll": lambda: cleo("conduit", "poll", "--limit", "1", "--agent", "cem"),
            "inbox": lambda: cleo("conduit", "inbox", "--limit", "1", "--agent", "cem"),
        },
        PROCESSES,
    )
    floor, version = costs["floor"].cpu, costs["version"].cpu
    poll = costs["poll"].cpu / version
    return [
        ("CPU of `cleo conduit send --json` ÷ floor", costs["send"].cpu / floor, "≤ 1.6"),
        ("the same with a registry of agents", costs["known"].cpu / floor, "≤ 1.6"),
        ("CPU of `cleo conduit poll --json` ÷ `cleo version`", poll, "≤ 1.5"),
        ("CPU of `cleo conduit inbox --json` ÷ floor", costs["inbox"].cpu / floor, ""),
    ]


def _polling(roots: list[Path], env: dict[str, str]) -> list[float]:
    """Seconds of a poll that finds ten, in projects of different size, in turn."""
    with ExitStack() as stack:

        def opened(root: Path, agent: str) -> App:
            return stack.enter_context(cleo_core.open_app(str(root), agent=agent, env=env))

        pairs = [(opened(root, "ann"), opened(root, "bob")) for root in roots]
        times: list[list[float]] = [[] for _ in roots]
        new = [{"content": f"new {n}", "to": ["bob"]} for n in range(10)]
        for _ in range(POLLS):
            for (ann, bob), found in zip(pairs, times, strict=True):
                ann.service("conduit").send_many(new)
                found.append(_time(partial(bob.service("conduit").poll, deliver=True)))
        return [statistics.median(found) for found in times]


def _filled(root: Path, env: dict[str, str], size: int) -> Path:
    """A project in which so many messages were delivered to bob."""
    with cleo_core.open_app(str(root), agent="ann", env=env) as app:
        mail = app.service("conduit")
        for first in range(0, size, 5_000):
            block = min(5_000, size - first)
            mail.send_many([{"content": f"old {n}", "to": ["bob"]} for n in range(block)])
            _deliver(app)
    return root


def _deliver(app: App) -> None:
    """Have bob take delivery of everything, without a unit for each twenty."""

    def body(unit: Any) -> None:
        unit.execute(
            "UPDATE receipts SET state = 'delivered', delivered_at = :now WHERE state = 'pending'",
            now=unit.now,
        )

    app.write("conduit", body)


def _time(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
