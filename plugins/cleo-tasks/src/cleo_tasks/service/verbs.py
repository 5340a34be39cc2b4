"""What every group of verbs is: bound to an App, reading the store, writing in units."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from cleo_core.errors import UsageError

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.units import Unit
    from cleo_tasks.service.work import Work

T = TypeVar("T")


class Verbs:
    """A group of verbs of the ``tasks`` service, bound to an App."""

    app: App

    def __init__(self, app: App) -> None:
        self.app = app

    @property
    def db(self) -> Any:
        """The store for reading."""
        return self.app.store("tasks")

    def write(self, action: str, body: Callable[[Work], T]) -> T:
        """Run a verb's body as one unit and write its audit rows at the end."""
        # What writes is not loaded by verbs that only read.
        from cleo_tasks.service import evidence
        from cleo_tasks.service.work import Work

        def run(hashes: Mapping[str, str | None], unit: Unit) -> T:
            work = Work(unit, self.app, action, hashes)
            result = body(work)
            work.finish()
            return result

        return evidence.hashed_before(
            self.app,
            lambda hashes: self.app.write("tasks", partial(run, hashes)),
        )

    def page(self, limit: int | None, offset: int, setting: str = "list.limit") -> tuple[int, int]:
        """Limit and offset of a list, the limit by default from the configuration.

        :raises CleoError: a number that is out of range: 2, or the configured one 8.
        """
        if limit is None:
            from cleo_tasks.service import settings

            chosen = settings.number(self.app.config, setting)
        else:
            chosen = limit
        if chosen < 1 or offset < 0:
            raise UsageError("A limit is at least 1 and an offset at least 0.")
        return min(chosen, 2**31), min(offset, 2**62)
