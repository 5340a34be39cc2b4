"""Asking many projects, one after another: each is opened, asked, and closed again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from cleo_nexus.records.found import Match, Matches, Skipped
from cleo_nexus.service import access
from cleo_nexus.service.elsewhere import ABSENT, Unreadable, deadline, tasks_of, warn_of

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Row

T = TypeVar("T")

#: Seconds that a project has at least, however many there are: as long as it may be busy.
LEAST_SHARE = 0.25


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
        self._until = deadline(timeout)
        # Whether there is anything to ask with, before anybody is asked.
        app.service("tasks")
        self._app = app
        self._rows = list(rows)
        self._required = required
        self.searched = 0
        self.skipped: list[Skipped] = []

    def found(self, matches: Sequence[Match]) -> Matches:
        """What was found, with what was asked for it."""
        return Matches(matches, self.searched, self.skipped, not self.skipped)

    def ask(self, question: Callable[[Any, Row], T | None]) -> Iterator[tuple[Row, T]]:
        """Each project with its answer, but those whose answer is None.

        :param question: given the tasks service of the project, and the project.
        """
        current = access.reader_id(self._app)
        for number, row in enumerate(self._rows):
            now = time.monotonic()
            share = max(LEAST_SHARE, (self._until - now) / (len(self._rows) - number))
            until = min(self._until, now + share)
            answer: T | None = None
            try:
                with tasks_of(
                    self._app, row, current, required=self._required, until=until
                ) as tasks:
                    answer = question(tasks, row)
            except Unreadable as reason:
                if reason.reason != ABSENT:
                    self.skipped.append(reason.skipped)
                    continue
            self.searched += 1
            if answer is not None:
                yield row, answer
        warn_of(self._app, self.skipped)
