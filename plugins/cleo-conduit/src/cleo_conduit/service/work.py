"""One verb's unit of work, and the audit of what it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from cleo_conduit.api import STORE
from cleo_conduit.store import audit
from cleo_core.errors import UsageError
from cleo_core.units import Unit

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Database

T = TypeVar("T")

LIST_LIMIT = 20
MOST_LISTED = 200


class Work:
    """A unit on the message store; audit rows are written at the end.

    :param action: what the audit calls the verb, ``ref.attach``.
    """

    def __init__(self, unit: Unit, action: str) -> None:
        self.unit = unit
        self.action = action
        self.now = unit.now
        self.read = unit.read
        self.one = unit.one
        self.scalar = unit.scalar
        self.execute = unit.execute
        self.executemany = unit.executemany
        self._notes: dict[tuple[str, str], dict[str, Any]] = {}

    def note(self, kind: str, id_: str, **details: Any) -> None:
        """One audit row for a subject: column names, counts and ids, never text."""
        self._notes[kind, id_] = {**self._notes.get((kind, id_), {}), **details}

    def finish(self) -> None:
        """Write the audit rows; called once, at the end of the unit."""
        audit.add(
            self,
            (
                {
                    "at": self.now,
                    "actor": self.unit.actor,
                    "action": self.action,
                    "kind": kind,
                    "id": id_,
                    "details": details,
                }
                for (kind, id_), details in self._notes.items()
            ),
        )


class Verbs:
    """A group of verbs of the ``conduit`` service, bound to an App."""

    def __init__(self, app: App) -> None:
        self.app = app

    @property
    def db(self) -> Database:
        """The store for reading."""
        return self.app.store(STORE.name)

    def write(self, action: str, body: Callable[[Work], T]) -> T:
        """Run a verb's body as one unit and write its audit rows at the end."""

        def run(unit: Unit) -> T:
            work = Work(unit, action)
            result = body(work)
            work.finish()
            return result

        return self.app.write(STORE.name, run)

    def page(self, limit: int | None, offset: int) -> tuple[int, int]:
        """Limit and offset of a list.

        :raises UsageError: a number that is out of range.
        """
        chosen = LIST_LIMIT if limit is None else limit
        whole = all(isinstance(one, int) and one is not True for one in (chosen, offset))
        if not whole or not 1 <= chosen <= MOST_LISTED or not 0 <= offset < 2**62:
            raise UsageError(
                f"A limit is from 1 to {MOST_LISTED} and an offset at least 0.",
                fix=f"--limit {LIST_LIMIT} --offset 0",
            )
        return chosen, offset
