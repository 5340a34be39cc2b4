"""A progress bar on stderr, only on a terminal and only for what takes more than two seconds."""

from __future__ import annotations

import os
import stat
import sys
import time
from typing import TYPE_CHECKING, Any, TextIO

from cleo_core.errors import shortened

if TYPE_CHECKING:
    from threading import Timer

#: Seconds before the bar appears, or before a silent pipe is spoken of.
PATIENCE = 2.0


class Progress:
    """Called with what is counted, how much of it is done and of how much (None: unknown).

    .. code-block:: python

        with Progress() as progress:
            progress("bytes", 4096, 1_000_000)

    :param reads: the file that is read, ``-`` for stdin. A pipe that nobody writes to is waited
        for without end, and after two seconds one line says so, also where there is no terminal.
    """

    def __init__(self, stream: TextIO | None = None, *, reads: str | None = None) -> None:
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._started = time.monotonic()
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}
        self._reads = reads
        self._waiting: Timer | None = None

    def __enter__(self) -> Progress:
        if self._reads is not None and _may_be_silent(self._reads):
            from threading import Timer

            self._waiting = Timer(PATIENCE, self._say_what_for)
            self._waiting.daemon = True
            self._waiting.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._heard()
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """Say how far it is."""
        self._heard()
        if not self._terminal or time.monotonic() - self._started < PATIENCE:
            return
        if self._bar is None:
            self._bar = self._made()
        if what not in self._tasks:
            for task in self._tasks.values():
                self._bar.update(task, visible=False)
            self._tasks[what] = self._bar.add_task(what, total=total)
        self._bar.update(self._tasks[what], completed=done, total=total)

    def _heard(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _say_what_for(self) -> None:
        name = "standard input" if self._reads == "-" else shortened(str(self._reads))
        print(
            f"waiting for {name}, to which nobody has written yet; Ctrl-C gives up",
            file=self._stream,
            flush=True,
        )

    def _made(self) -> Any:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            ProgressColumn,
            Task,
            TaskProgressColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as Bar
        from rich.text import Text

        class Rate(ProgressColumn):
            """How many a second; bytes say little that way."""

            def render(self, task: Task) -> Text:
                known = task.speed and task.description != "bytes"
                return Text(f"{task.speed:.0f}/s" if known else "")

        bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            Rate(),
            TimeRemainingColumn(),
            console=Console(file=self._stream),
            transient=True,
        )
        bar.start()
        return bar


def _may_be_silent(path: str) -> bool:
    """Whether what is read may keep its reader waiting: a pipe, a socket, a terminal."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode if path == "-" else os.stat(path).st_mode
    except (OSError, ValueError):
        # It is not there, or stdin is no file at all; reading it will tell.
        return False
    return not stat.S_ISREG(mode)
