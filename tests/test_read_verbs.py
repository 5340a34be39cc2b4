"""What a verb that only reads leaves behind: nothing."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.database import connect_for_copy
from cleo_core.testing import Outcome
from cleo_core.testing.fixtures import CLEO

Cli = Callable[..., Outcome]

CARRIED = pytest.mark.guarantee(
    "operations-34",
    "A verb that reads ends in time whatever others do, leaves no process behind, and does not "
    "keep a log from being folded in, even while nobody takes its output.",
)

READS: tuple[tuple[str, ...], ...] = (
    ("list",),
    ("show", "T001"),
    ("find", "title"),
    ("dash",),
    ("ready",),
    ("stats",),
    ("log", "list"),
    ("memory", "find", "parser"),
    ("conduit", "status"),
    ("agent", "list"),
    ("nexus", "list"),
    ("telemetry", "status"),
    ("stores",),
    ("plugins",),
    ("version",),
    ("config", "list"),
    ("backup", "list"),
    ("reconcile",),
    ("doctor",),
)
#: Bytes of a log that core folds in by itself at a thousand pages.
FOLDED = 8_000_000


@pytest.fixture
def busy(cleo_project: Path, cleo_cli: Cli) -> Path:
    """A project with some tasks and a memory."""
    lines = "\n".join(f'{{"title": "title {n}", "description": "{"x" * 900}"}}' for n in range(150))
    assert cleo_cli("add-batch", input=lines).code == 0
    assert cleo_cli("memory", "observe", "the parser drops comments").code == 0
    return cleo_project


@CARRIED
def test_no_process_and_no_thread_is_left(busy: Path, cleo_cli: Cli) -> None:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        faults = []
        try:
            os.setsid()
            for words in READS:
                outcome = cleo_cli(*words)
                if outcome.code not in (0, 6, 100):
                    faults.append(repr(outcome))
                if threading.active_count() != 1:
                    faults.append(f"{words} left {threading.enumerate()}")
        except BaseException as error:
            # Whatever it is, the parent has to hear of it.
            faults.append(repr(error))
        finally:
            os.write(writing, "\n".join(faults).encode()[:60_000])
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        # A process that was left would hold this pipe, and the end of it would not come.
        os.set_blocking(pipe.fileno(), True)
        said = pipe.read().decode()
    assert os.waitpid(pid, 0)[1] == 0
    assert said == ""
    with pytest.raises(ProcessLookupError):
        os.killpg(pid, 0)


@CARRIED
def test_a_reader_whose_output_nobody_takes_holds_no_log(busy: Path, cleo_cli: Cli) -> None:
    reader = subprocess.Popen(
        [*CLEO, "show", *(f"T{number:03d}" for number in range(1, 151)), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert reader.stdout is not None
        assert select.select([reader.stdout], [], [], 60)[0]
        time.sleep(0.05)
        assert reader.poll() is None, "its output is longer than a pipe holds"
        assert cleo_cli("add", "written meanwhile").code == 0
        connection = connect_for_copy(".cleo/tasks.db")
        busy_word, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        connection.close()
        assert busy_word == 0
        assert reader.stdout.read().count(b"x" * 900) == 150
        assert reader.wait(60) == 0
    finally:
        if reader.poll() is None:
            os.killpg(reader.pid, signal.SIGKILL)
        reader.communicate()


@CARRIED
def test_readers_among_writers_let_no_log_grow(busy: Path, cleo_cli: Cli) -> None:
    log = Path(".cleo/tasks.db-wal")
    largest = 0
    for turn in range(12):
        tasks = [
            {"title": f"turn {turn} of {number}", "description": "y" * 9000} for number in range(60)
        ]
        assert cleo_cli("add-batch", input="\n".join(map(json.dumps, tasks))).code == 0
        assert cleo_cli("list", "--limit", "5").code == 0
        largest = max(largest, log.stat().st_size if log.exists() else 0)
    assert Path(".cleo/tasks.db").stat().st_size > 3_000_000
    assert largest < FOLDED


@CARRIED
@pytest.mark.parametrize("words", [("list",), ("show", "T001"), ("stats",), ("doctor",)])
def test_a_reader_that_is_kept_out_says_so_in_time(
    busy: Path, cleo_cli: Cli, words: tuple[str, ...]
) -> None:
    holder: Any = connect_for_copy(".cleo/tasks.db")
    holder.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
    holder.execute("PRAGMA journal_mode = DELETE").fetchall()
    holder.execute("BEGIN EXCLUSIVE")
    try:
        outcome = cleo_cli(*words, env={"CLEO_BUSY_TIMEOUT_MS": "50"})
    finally:
        holder.close()
    if words == ("doctor",):
        assert outcome.code in (0, 6)
    else:
        assert (outcome.code, outcome.error["code"]) == (7, "E_WRITE_CONTENTION")
    assert outcome.envelope["meta"]["durationMs"] < 30_000
