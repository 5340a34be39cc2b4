"""Asking many projects, one after another: each is opened, asked, and closed again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from cleo_core.database import driver
from cleo_core.errors import CleoError, ExitCode, UsageError
from cleo_nexus.records.found import Match, Matches, Skipped
from cleo_nexus.service import access, places

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Row

T = TypeVar("T")

#: Seconds for all projects together.
TIMEOUT = 10.0
MOST_SECONDS = 86_400.0
#: Seconds that a project has at least, however many there are: as long as it may be busy.
LEAST_SHARE = 0.25
#: Steps of SQLite between two looks at the clock.
STEPS = 10_000
#: Exit of a store that cannot be read -> why its project is skipped.
REASONS = {
    ExitCode.CONTENTION: "busy",
    ExitCode.STORE_BEHIND: "behind",
    ExitCode.STORE_AHEAD: "ahead",
    ExitCode.STORE_FOREIGN: "foreign",
    ExitCode.STORE_CORRUPT: "broken",
}


class UnreachableError(Exception):
    """A project is not where it is registered."""


@contextmanager
def looking(app: App, row: Row) -> Iterator[App]:
    """An App that only looks at a registered project, and is closed at the end.

    :raises UnreachableError: the project is not there, or something else is.
    """
    if places.marker_id(row["project_path"], app.env) != row["project_id"]:
        raise UnreachableError
    try:
        there = app.for_project(row["project_path"], foreign=True)
    except CleoError as error:
        raise UnreachableError from error
    with there:
        yield there


class Fan:
    """Projects that are asked one after another, within a time.

    :param rows: the projects, in the order in which they are asked.
    :param required: what each must grant.
    :param timeout: seconds for all of them.
    :ivar searched: how many answered.
    :ivar skipped: those that did not, and why.
    """

    def __init__(
        self, app: App, rows: Iterable[Row], *, required: str = "read", timeout: float | None = None
    ) -> None:
        seconds = TIMEOUT if timeout is None else timeout
        number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
        if not number or not 0 < seconds <= MOST_SECONDS:
            raise UsageError("--timeout is a number of seconds above 0.", fix="--timeout 10")
        # Whether there is anything to ask with, before anybody is asked.
        app.service("tasks")
        self._app = app
        self._rows = list(rows)
        self._required = required
        self._until = time.monotonic() + seconds
        self.searched = 0
        self.skipped: list[Skipped] = []

    def found(self, matches: Sequence[Match]) -> Matches:
        """What was found, with what was asked for it."""
        return Matches(matches, self.searched, self.skipped, not self.skipped)

    def ask(self, question: Callable[[Any, Row], T | None]) -> Iterator[tuple[Row, T]]:
        """Each project with its answer, but those whose answer is None.

        :param question: given the tasks service of the project, and the project.
        """
        current = access.current_id(self._app)
        for number, row in enumerate(self._rows):
            now = time.monotonic()
            if now >= self._until:
                self._skip(row, "timeout")
            elif not access.grants(row, self._required, current):
                self._skip(row, "permission")
            else:
                share = max(LEAST_SHARE, (self._until - now) / (len(self._rows) - number))
                try:
                    answer = self._asked(row, question, min(self._until, now + share))
                except UnreachableError:
                    self._skip(row, "unreachable")
                except _TooSlowError:
                    self._skip(row, "slow")
                except CleoError as error:
                    if error.exit == ExitCode.USAGE:
                        # It is the question that is wrong, and not the project.
                        raise
                    self._skip(row, REASONS.get(error.exit, "unreachable"))
                else:
                    self.searched += 1
                    if answer is not None:
                        yield row, answer
        if self.skipped:
            named = ", ".join(f"{one.project} ({one.reason})" for one in self.skipped[:5])
            more = f" and {len(self.skipped) - 5} more" if len(self.skipped) > 5 else ""
            self._app.warn("W_INCOMPLETE", f"Projects were not asked: {named}{more}.")

    def _asked(self, row: Row, question: Callable[[Any, Row], T | None], until: float) -> T | None:
        """The answer of one project; None where it has no tasks at all."""
        with looking(self._app, row) as there:
            try:
                connection = there.store("tasks").connection
            except CleoError as error:
                if error.code == "E_NOT_INITIALIZED":
                    return None
                raise
            connection.set_progress_handler(lambda: time.monotonic() >= until, STEPS)
            try:
                return question(there.service("tasks"), row)
            except driver().OperationalError as error:
                if time.monotonic() >= until:
                    raise _TooSlowError from error
                raise

    def _skip(self, row: Row, reason: str) -> None:
        self.skipped.append(Skipped(row["slug"], reason))


class _TooSlowError(Exception):
    """A project took longer than its share of the time."""
