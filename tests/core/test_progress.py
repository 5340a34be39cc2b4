"""The progress bar: on a terminal, after a while, and nowhere else."""

from __future__ import annotations

import io

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
