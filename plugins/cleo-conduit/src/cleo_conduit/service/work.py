"""One verb's unit of work, and the audit of what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from cleo_conduit.api import STORE
from cleo_conduit.service import due
from cleo_conduit.service.routing import Routes
from cleo_conduit.store import audit, mail
from cleo_core.database import Transaction
from cleo_core.errors import UsageError
from cleo_core.units import Unit

if TYPE_CHECKING:
    from cleo_conduit.wake import Waiter
    from cleo_core.app import App
    from cleo_core.database import Database, Row

T = TypeVar("T")

LIST_LIMIT = 20
#: What the locks of processes that fetch mail are called, with something after it.
RUN_LOCK = "conduit-run-"
MOST_LISTED = 200


class Work(Transaction):
    """A unit on the message store; audit rows are written at the end.

    Messages and receipts wait until something else is asked of the store, so that many are written
    by few statements.

    :param action: what the audit calls the verb, ``ref.attach``.
    """

    def __init__(self, unit: Unit, action: str) -> None:
        self.unit = unit
        self.action = action
        self.now = unit.now
        self.routes = Routes(unit.app)
        #: Agents whose waiting processes are woken after COMMIT.
        self.woken: set[str] = set()
        #: What was looked up in this unit and only this unit changes.
        self.known: dict[Any, Any] = {}
        self._last_seq: int | None = None
        self._messages: list[tuple[Any, ...]] = []
        self._receipts: list[tuple[Any, ...]] = []
        self._counted: dict[str, tuple[int, int, str]] = {}
        self._notes: dict[tuple[str, str, str], dict[str, Any]] = {}

    @property
    def connection(self) -> Any:
        """The driver's connection, after what waits is written."""
        self._settle()
        return self.unit.connection

    def last_seq(self) -> int:
        """The number of the newest message, of this unit too; 0 without one."""
        if self._last_seq is None:
            self._last_seq = mail.last_seq(self.unit)
        return self._last_seq

    def next_seq(self) -> int:
        """The number of the message that is added next."""
        return self.last_seq() + 1

    def add_message(self, row: Row, receipts: Sequence[tuple[Any, ...]]) -> None:
        """Add a message with its receipts, and count it for its conversation.

        :param row: all its columns.
        :param receipts: values in the order of ``RECEIPT_COLUMNS``.
        """
        seq, at, id_ = row["seq"], row["created_at"], row["conversation_id"]
        self._last_seq = seq
        self._messages.append(mail.values_of(row))
        self._receipts += receipts
        number, _, newest = self._counted.get(id_, (0, 0, at))
        self._counted[id_] = number + 1, seq, max(at, newest)

    def note(self, kind: str, id_: str, *, action: Any = None, **details: Any) -> None:
        """One audit row for a subject: column names, counts and ids, never text.

        :param action: what was done, where it is not what the verb does.
        """
        key = (action or self.action, kind, id_)
        earlier = self._notes.get(key)
        self._notes[key] = details if earlier is None else {**earlier, **details}

    def wake(self, agents: Iterable[str]) -> None:
        """Wake those who wait for an agent's mail, once this unit is committed."""
        self.woken.update(agents)

    def finish(self) -> None:
        """Write what waits, the counters and the audit; called once, at the end of the unit."""
        self.executemany(
            mail.COUNT,
            (
                {"id": id_, "number": number, "seq": seq, "at": at, "now": self.now}
                for id_, (number, seq, at) in self._counted.items()
            ),
        )
        audit.add(self, self.now, self.unit.actor, self._notes.items())

    def _settle(self) -> None:
        if self._messages:
            messages, receipts = self._messages, self._receipts
            self._messages, self._receipts = [], []
            mail.add(self.unit, messages, receipts)


class Verbs:
    """A group of verbs of the ``conduit`` service, bound to an App."""

    def __init__(self, app: App) -> None:
        self.app = app

    @property
    def db(self) -> Database:
        """The store for reading."""
        return self.app.store(STORE.name)

    def write(self, action: str, body: Callable[[Work], T]) -> T:
        """Run a verb's body as one unit: what is due first, its audit rows at the end.

        Those whose mail it wrote are woken once it is committed.
        """

        last: list[Work] = []

        def run(unit: Unit) -> T:
            work = Work(unit, action)
            last[:] = [work]
            due.see_to(work)
            result = body(work)
            work.finish()
            return result

        result = self.app.write(STORE.name, run)
        if last[0].woken and not self.app.dry_run:
            # Not of a unit that wrote no mail: who waits for everybody's would wake itself.
            self.wake(last[0].woken)
        return result

    def wake(self, agents: Iterable[str]) -> None:
        """Wake the processes that wait for mail of agents."""
        from cleo_conduit.wake import directory, wake

        wake(directory(self.app.project.directory), agents)

    def waiter(self, agent_id: str) -> Waiter:
        """Something to wait with until mail comes for an agent."""
        from cleo_conduit.wake import Waiter, directory

        if self.db.stands_in and not self.app.dry_run:
            # Of a file that is not there yet, no change would ever be seen.
            self.app.write(STORE.name, lambda unit: None)
        return Waiter(
            directory(self.app.project.directory),
            agent_id,
            lambda: int(self.db.scalar("PRAGMA data_version")),
        )

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
