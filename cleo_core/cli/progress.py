"""A progress bar on stderr, only on a terminal and only for what takes more than two seconds."""

from __future__ import annotations

import sys
import time
from typing import Any, TextIO

#: Seconds before the bar appears.
PATIENCE = 2.0


class Progress:
    """Called with what is counted, how much of it is done and of how much (None: unknown).

    .. code-block:: python

        with Progress() as progress:
            progress("bytes", 4096, 1_000_000)
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._started = time.monotonic()
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """Say how far it is."""
        if not self._terminal or time.monotonic() - self._started < PATIENCE:
            return
        if self._bar is None:
            self._bar = self._made()
        if what not in self._tasks:
            for task in self._tasks.values():
                self._bar.update(task, visible=False)
            self._tasks[what] = self._bar.add_task(what, total=total)
        self._bar.update(self._tasks[what], completed=done, total=total)

    def _made(self) -> Any:
        from rich.console import Console
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=Console(file=self._stream),
            transient=True,
        )
        bar.start()
        return bar
