"""Time limits without a second thread or process.

A statement of SQLite is interrupted by its progress handler, which runs in the same thread; code
in Python, and calls of the system that wait, by an alarm of the operating system. A thread could
end neither, and a process that is killed would leave the sidecars of the databases it had open.
What runs in C and asks nobody is not interrupted; that it took too long is said when it is back.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")

#: Seconds in which a check may clean up after its alarm. A finalizer or a callback of C drops what
#: is raised in it: whoever is still there after that is rung for again.
GRACE = 5.0


class OutOfTime(BaseException):  # like KeyboardInterrupt, it is no error of the code
    """A check's time is up; no handler of ``Exception`` may keep it."""


class Deadline:
    """The end of the running check's time, for all that looks at it."""

    def __init__(self) -> None:
        self._at: float | None = None

    def passed(self) -> bool:
        """Whether the time is up."""
        return self._at is not None and time.monotonic() > self._at

    def within(self, seconds: float, body: Callable[[], T]) -> T:
        """Let a function run for some seconds; gives what it returned.

        :raises OutOfTime: its time was up, where the system has alarms and this is its main thread;
            elsewhere only statements of SQLite are interrupted.
        """
        alarm = _Alarm()
        # An alarm may ring between any two steps, that of the inner ``finally`` included. Then it
        # is the outer one that ends it: there is no second ring for a while.
        try:
            try:
                self._at = time.monotonic() + seconds
                alarm.set(seconds)
                return body()
            finally:
                alarm.silent = True
        finally:
            alarm.silent = True
            alarm.put_away()
            self._at = None


class _Alarm:
    """The system's one alarm, borrowed.

    :ivar silent: whether a ring does nothing.
    """

    def __init__(self) -> None:
        self.silent = False
        self._before: tuple[Any, float, float, float] | None = None

    def set(self, seconds: float) -> None:
        """Ring after some seconds, and again each :data:`GRACE` after that."""
        if not hasattr(signal, "setitimer"):
            return
        if threading.current_thread() is not threading.main_thread():
            # Only the main thread may set handlers.
            return
        left, interval = signal.setitimer(signal.ITIMER_REAL, 0)
        self._before = (signal.getsignal(signal.SIGALRM), time.monotonic(), left, interval)
        signal.signal(signal.SIGALRM, self._ring)
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def put_away(self) -> None:
        """Put back whatever was set before; once."""
        if self._before is None:
            return
        (handler, started, left, interval), self._before = self._before, None
        signal.setitimer(signal.ITIMER_REAL, 0)
        # None stands for a handler that was not set from Python and cannot be put back.
        signal.signal(signal.SIGALRM, signal.SIG_DFL if handler is None else handler)
        if left:
            # Somebody else's alarm, a test runner's for one, is as far along as it would be.
            rest = max(0.001, left - (time.monotonic() - started))
            signal.setitimer(signal.ITIMER_REAL, rest, interval)

    def _ring(self, number: int, frame: FrameType | None) -> None:
        if self.silent:
            return
        signal.setitimer(signal.ITIMER_REAL, GRACE)
        raise OutOfTime
