"""One verb's unit of work: who acts, in which session, and the audit of what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from cleo_brain.store import audit, savepoints
from cleo_core.errors import CleoError, UsageError
from cleo_core.units import Unit

if TYPE_CHECKING:
    from cleo_brain.service.embedding import Prepared
    from cleo_brain.service.writing import Draft
    from cleo_core.app import App
    from cleo_core.database import Database

T = TypeVar("T")

LIST_LIMIT = 10
MOST_LISTED = 200


class Caller:
    """Who writes: the agent, the session, and the task that the session works on."""

    __slots__ = ("agent", "session", "task")

    def __init__(self, agent: str | None, session: str | None, task: str | None) -> None:
        self.agent = agent
        self.session = session
        self.task = task


class Work:
    """A unit on the brain store with what every verb needs; audit rows are written at the end.

    :param action: what the audit calls the verb, ``memory.observe``.
    :param prepared: vectors of what it writes.
    """

    def __init__(
        self,
        unit: Unit,
        app: App,
        action: str,
        caller: Caller,
        prepared: Prepared | None = None,
    ) -> None:
        self.unit = unit
        self.app = app
        self.action = action
        self.caller = caller
        self.prepared = prepared
        self.now = unit.now
        self.read = unit.read
        self.one = unit.one
        self.scalar = unit.scalar
        self.execute = unit.execute
        self.executemany = unit.executemany
        self.connection = unit.connection
        self.check = unit.check
        self._notes: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}

    def warn(self, code: str, message: str) -> None:
        """Add a warning to the verb's result."""
        self.unit.warn(code, message)

    def note(self, kind: str, id_: str, action: str | None = None, **details: Any) -> None:
        """One audit row for an entry: column names, counts and ids, never text."""
        earlier = self._notes.get((kind, id_))
        merged = {**(earlier[1] if earlier else {}), **details}
        self._notes[kind, id_] = (action or (earlier[0] if earlier else self.action), merged)

    def attempt(self, body: Callable[[], T]) -> T:
        """Run a part of the unit; what it wrote and noted is taken back where it raises."""
        notes = dict(self._notes)
        collected = {key: dict(rows) for key, rows in self.unit.collected.items()}
        savepoints.begin(self)
        try:
            result = body()
        except CleoError:
            savepoints.undo(self)
            self._notes = notes
            self.unit.collected = collected
            raise
        savepoints.keep(self)
        return result

    def finish(self) -> None:
        """Write the audit rows; called once, at the end of the unit."""
        audit.add(
            self,
            (
                {
                    "at": self.now,
                    "actor": self.unit.actor,
                    "session": self.caller.session,
                    "request": self.unit.request_id,
                    "action": action,
                    "kind": kind,
                    "id": id_,
                    "details": details,
                }
                for (kind, id_), (action, details) in self._notes.items()
            ),
        )


class Verbs:
    """A group of verbs of the ``brain`` service, bound to an App."""

    def __init__(self, app: App) -> None:
        self.app = app

    @property
    def db(self) -> Database:
        """The store for reading."""
        return self.app.store("brain")

    def caller(self) -> Caller:
        """Who acts: the named session, else the agent's active one that service ``tasks`` knows."""
        agent, session, task = self.app.agent, self.app.session, None
        if self.app.has_service("tasks"):
            try:
                found = self.app.service("tasks").session_status()
            except CleoError:
                # None is active, several are, or the task store cannot be read just now.
                return Caller(agent, session, None)
            session, task = found.id, found.current_task_id
        return Caller(agent, session, task)

    def write(
        self,
        action: str,
        body: Callable[[Work], T],
        caller: Caller | None = None,
        drafts: Iterable[Draft] = (),
        embed: str = "lazy",
    ) -> T:
        """Run a verb's body as one unit and write its audit rows at the end.

        :param drafts: what the body stores, to be embedded before the unit where that is cheap.
        :param embed: ``now`` loads the embedder for it, ``off`` leaves it to a later command.
        """
        from cleo_brain.service import embedding

        who = self.caller() if caller is None else caller
        prepared = None
        if embed != "off":
            prepared = embedding.prepare(self.app, drafts, load=embed == "now")

        def run(unit: Unit) -> T:
            work = Work(unit, self.app, action, who, prepared)
            result = body(work)
            work.finish()
            return result

        result = self.app.write("brain", run)
        if embed != "off":
            embedding.arrange(self.app)
        return result

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


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the new values that differ."""
    return {name: value for name, value in after.items() if before.get(name) != value}
