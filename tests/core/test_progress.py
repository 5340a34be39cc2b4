"""The progress bar: on a terminal, after a while, and nowhere else."""

from __future__ import annotations

import io
import os
import threading
import time
from pathlib import Path

import pytest

from cleo_core.cli import progress
from cleo_core.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any command has taken long enough."""
    monkeypatch.setattr(progress, "PATIENCE", -1.0)


def shown(stream: io.StringIO) -> str:
    with Progress(stream) as bar:
        bar("bytes", 10, 100)
        bar("bytes", 100, 100)
        bar("tasks", 1, None)
    return stream.getvalue()


@pytest.mark.usefixtures("waited")
def test_on_a_terminal_it_shows_what_is_counted() -> None:
    text = shown(Terminal())
    assert "bytes" in text
    assert "tasks" in text


def test_what_is_quick_shows_nothing() -> None:
    assert shown(Terminal()) == ""


@pytest.mark.usefixtures("waited")
def test_a_pipe_gets_nothing() -> None:
    assert shown(io.StringIO()) == ""


# What keeps its reader waiting


@pytest.fixture
def pipe(tmp_path: Path) -> str:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return str(path)


def read(path: str, stream: io.StringIO) -> bytes:
    with Progress(stream, reads=path) as told, open(path, "rb") as file:
        data = file.read()
        told("bytes", len(data), None)
        return data


def test_a_pipe_that_nobody_writes_to_is_spoken_of_once(
    pipe: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.01)
    stream = io.StringIO()

    def write_late() -> None:
        while not stream.getvalue():
            time.sleep(0.01)
        Path(pipe).write_bytes(b"late")

    threading.Thread(target=write_late, daemon=True).start()
    assert read(pipe, stream) == b"late"
    (line,) = stream.getvalue().splitlines()
    assert line.startswith("waiting for /")


def test_a_pipe_that_is_written_to_is_not_spoken_of(pipe: str) -> None:
    stream = io.StringIO()
    threading.Thread(target=Path(pipe).write_bytes, args=(b"x",), daemon=True).start()
    assert read(pipe, stream) == b"x"
    assert stream.getvalue() == ""
    # A timer that was told to stop ends at once, but in its own thread.
    timers = [one for one in threading.enumerate() if isinstance(one, threading.Timer)]
    for timer in timers:
        timer.join(0.5)
    assert not any(timer.is_alive() for timer in timers)


def test_a_file_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    path = tmp_path / "file"
    path.write_bytes(b"x")
    stream = io.StringIO()
    with Progress(stream, reads=str(path)):
        time.sleep(0.05)
    with Progress(stream, reads=str(tmp_path / "none")):
        time.sleep(0.05)
    assert stream.getvalue() == ""
