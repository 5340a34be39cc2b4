"""Faults at a chosen statement: an exception, a full disk, a kill."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cleo_core.testing.runner import EVERYTHING, Run, Runner, job, kill_points, run_all, watch


class Faults:
    """Makes statements fail; they are counted from 1 over all files that a command opens.

    A fault comes before its statement, so a kill at the last one leaves all others done.
    """

    def __init__(self, cwd: Path) -> None:
        self.cwd = cwd
        self._runner: Runner | None = None
        self._made_for: object = None

    def statements(self, *argv: str, env: Mapping[str, str] | None = None) -> list[str]:
        """The statements that a command runs, in order; it runs in a process of its own."""
        return self._run(job(argv, self.cwd, env)).statements

    def points(self, *argv: str, env: Mapping[str, str] | None = None) -> list[int]:
        """Run a command to its end; before which of its statements to kill others like it.

        See :func:`cleo_core.testing.runner.kill_points`; project and home are looked at.
        """
        found = self._run(job(argv, self.cwd, env, looks=[self.cwd.parent]), more=True).found
        return kill_points(found)

    def killed_at(self, statement: int, *argv: str, env: Mapping[str, str] | None = None) -> Run:
        """Run a command in a process of its own and end it with SIGKILL before a statement.

        :returns: the run; its code is -9, or the command's own where it had fewer statements.
        """
        return self._run(job(argv, self.cwd, env, kill_at=statement))

    @contextlib.contextmanager
    def raising_at(
        self, statement: int, error: Callable[[], BaseException] | None = None
    ) -> Iterator[list[str]]:
        """Have a statement of this process raise, by default as if the disk were full.

        Gives the list of the statements so far.
        """
        found: list[str] = []

        def seen(sql: str) -> None:
            found.append(sql)
            if len(found) == statement:
                raise error() if error is not None else disk_full()

        end = watch(seen)
        try:
            yield found
        finally:
            end()

    def close(self) -> None:
        """End the process that the runs are forked from."""
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.close()

    def _run(self, one: Mapping[str, Any], *, more: bool = False) -> Run:
        """Run a job; those after the first one from a process that stays, while it fits.

        :param more: whether it is sure that others follow.
        """
        here = (_variables(), tuple(sys.path))
        if self._made_for != here:
            self.close()
            self._made_for = here
            if not more:
                (done,) = run_all([one])
                return done
        if self._runner is None:
            self._runner = Runner(warm=EVERYTHING)
        return self._runner.run(one)


def _variables() -> dict[str, str]:
    """The environment, but for where pytest notes which test runs."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


def disk_full() -> Exception:
    """What SQLite raises when no space is left."""
    from cleo_core.database import driver

    error: Any = driver().OperationalError("database or disk is full")
    error.sqlite_errorcode = 13
    made: Exception = error
    return made


@pytest.fixture
def cleo_faults(cleo_project: Path) -> Iterator[Faults]:
    """Raise or kill at statement n of a command on ``cleo_project``; see :class:`Faults`."""
    made = Faults(cleo_project)
    yield made
    made.close()
