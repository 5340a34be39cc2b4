"""Ending what runs until it is stopped: at once where it waits, else after what is under way."""

from __future__ import annotations

import contextlib
import signal
from typing import Any


class Stopped(BaseException):
    """A signal asked to stop while nothing was under way."""


class Stop:
    """Whether somebody wants a run to end.

    :ivar wanted: it is to end after what is under way.
    """

    wanted = False

    def blocking(self, waits: bool) -> None:
        """Told when nothing is under way, and when something is again."""


class Stopping(Stop):
    """SIGINT, SIGTERM and SIGHUP end waiting at once, anything else after what is under way."""

    def __init__(self) -> None:
        self._waits = False
        self._before: dict[int, Any] = {}

    def blocking(self, waits: bool) -> None:
        """Say whether nothing is under way.

        :raises Stopped: it is to end, and may.
        """
        self._waits = waits
        if waits and self.wanted:
            raise Stopped

    def __enter__(self) -> Stopping:
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            # What is started to outlive its terminal ignores that it is gone.
            if number is None or (name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN):
                continue
            # Only the main thread may set handlers; elsewhere nothing stops it but its time.
            with contextlib.suppress(ValueError):
                self._before[number] = signal.signal(number, self._stop)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _stop(self, number: int, frame: object) -> None:
        self.wanted = True
        if self._waits:
            self._waits = False
            raise Stopped
