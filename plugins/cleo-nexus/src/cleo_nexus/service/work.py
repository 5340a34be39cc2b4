"""One verb's unit of work, and the audit of what it did or was refused."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, ParamSpec, TypeVar, cast

from cleo_core import clock
from cleo_core.errors import CODES, CleoError, ExitCode, UsageError
from cleo_core.ids import ordered_id
from cleo_core.units import Unit
from cleo_nexus import __version__
from cleo_nexus.api import STORE
from cleo_nexus.errors import NexusError
from cleo_nexus.store import audit, transfers

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Database

T = TypeVar("T")
P = ParamSpec("P")
V = TypeVar("V", bound="Verbs")

LIST_LIMIT = 50
MOST_LISTED = 1000
#: What the operating system or a damaged file is behind: nothing can be read, or put on record.
_UNREADABLE = frozenset(
    {
        *("E_IO", "E_PERMISSION_FS", "E_DISK_FULL", "E_WAL_REFUSED", "E_STORE_CORRUPT"),
        *("E_NO_HOME", "E_PATH_OVERRIDE", "E_TEST_ROOT"),
    }
)
#: Exits of a store that cannot be written now; what is refused so is not put on record.
_UNUSABLE = frozenset(
    {
        ExitCode.CONTENTION,
        ExitCode.STORE_BEHIND,
        ExitCode.STORE_AHEAD,
        ExitCode.STORE_FOREIGN,
        ExitCode.MIGRATION_FAILED,
        70,
    }
)
_SOURCES = {"cli": "cli", "mcp": "server", "server": "server"}


class Work:
    """A unit on the store; its audit row is written at the end.

    :param action: what the audit calls the verb, ``nexus.register``.
    :param started: when the verb began, of :func:`time.monotonic`.
    """

    def __init__(self, unit: Unit, action: str, started: float) -> None:
        self.unit = unit
        self.app = unit.app
        self.action = action
        self.now = unit.now
        self.actor = unit.actor
        self.read = unit.read
        self.one = unit.one
        self.scalar = unit.scalar
        self.execute = unit.execute
        self.executemany = unit.executemany
        self.connection = unit.connection
        self._started = started
        self._project: tuple[str | None, str | None] = (None, None)
        self._details: dict[str, Any] = {}

    def about(self, project_id: str | None, project_hash: str | None = None) -> None:
        """Name the project in the audit row; None for several."""
        self._project = (project_id, project_hash)

    def note(self, **details: Any) -> None:
        """Add to the audit row: ids, counts and column names, never content."""
        self._details.update(details)

    def finish(self) -> None:
        """Write the audit row; called once, at the end of the unit."""
        audit.note_creation(self, self.now, __version__)
        row = audit_row(self.app, self.action, self._started, self.now)
        row |= {"project_id": self._project[0], "project_hash": self._project[1]}
        audit.add(self, row, self._details)


class Verbs:
    """A group of verbs of the ``nexus`` service, bound to an App."""

    #: Whether every verb of the group warns of open transfers by itself.
    TELLS: ClassVar[bool] = True

    def __init__(self, app: App) -> None:
        self.app = app
        self._action = ""
        self._started = 0.0
        self._recorded = False

    @property
    def db(self) -> Database:
        """The store for reading.

        :raises NexusError: 70, it cannot be used.
        """
        found = registry(self.app)
        self.tell(found)
        return found

    def tell(self, db: Database, *, but: str | None = None) -> None:
        """Warn of transfers that were begun and not finished.

        :param but: one that is not to be told of.
        """
        rows = [row for row in transfers.open_states(db) if row["id"] != but]
        if rows:
            first = rows[0]["id"]
            more = f", and {len(rows) - 1} more" if len(rows) > 1 else ""
            self.app.warn(
                "W_TRANSFER_OPEN",
                f"Transfer {first} is not finished ({rows[0]['state']}){more}; "
                f"`cleo nexus transfer --resume {first}` goes on with it.",
                transfers=[row["id"] for row in rows[:20]],
            )

    def write(self, body: Callable[[Work], T], *, audited: bool = True) -> T:
        """Run a body as one unit of the verb that is being called.

        :param audited: False for a unit beside the one that carries the verb's audit row.
        :raises NexusError: 70, the store cannot be used.
        """

        def run(unit: Unit) -> T:
            work = Work(unit, self._action, self._started)
            begun.append(work)
            result = body(work)
            finished[:] = [audited and not unit.replayed]
            if finished[0]:
                work.finish()
            return result

        begun: list[Work] = []
        finished: list[bool] = []
        found = registry(self.app)
        if self.TELLS:
            self.tell(found)
        try:
            result = self.app.write(STORE.name, run)
            self._recorded = self._recorded or finished[0]
            return result
        except CleoError as error:
            if begun or error.code not in _UNREADABLE:
                raise
            raise unavailable(error) from error

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


def mutating(
    action: str,
) -> Callable[[Callable[Concatenate[V, P], T]], Callable[Concatenate[V, P], T]]:
    """Mark a verb that writes: its units are audited as ``action``, and so is its refusal.

    What fails after the unit that carries the verb's audit row leaves no second one.
    """

    def decorate(verb: Callable[Concatenate[V, P], T]) -> Callable[Concatenate[V, P], T]:
        @functools.wraps(verb)
        def called(self: V, *args: P.args, **kwargs: P.kwargs) -> T:
            before = self._action, self._started, self._recorded
            self._action, self._started, self._recorded = action, time.monotonic(), False
            try:
                with reading():
                    return verb(self, *args, **kwargs)
            except CleoError as error:
                if not self._recorded:
                    _keep_refusal(self.app, action, self._started, error)
                raise
            finally:
                self._action, self._started, self._recorded = before

        return cast("Callable[Concatenate[V, P], T]", called)

    return decorate


def registry(app: App) -> Database:
    """The store for reading.

    :raises NexusError: 70, its file cannot be read, or is damaged.
    """
    try:
        return app.store(STORE.name)
    except CleoError as error:
        if error.code not in _UNREADABLE:
            raise
        raise unavailable(error) from error


@contextmanager
def reading() -> Iterator[None]:
    """What cannot be read of the store inside the block is exit 70, and never "not found"."""
    try:
        yield
    except CleoError as error:
        # A project's own files may be out of reach too, which is another matter.
        if error.code not in _UNREADABLE or error.details.get("store") != STORE.name:
            raise
        raise unavailable(error) from error


def unavailable(error: CleoError) -> NexusError:
    """Exit 70 for a store that cannot be used."""
    return NexusError(
        "E_NEXUS_UNAVAILABLE",
        f"The registry of projects cannot be used: {error.message}",
        fix=error.fix,
        details={"cause": error.code},
    )


def audit_row(app: App, action: str, started: float, now: str) -> dict[str, Any]:
    """What an audit row holds of a verb that succeeded."""
    return {
        "id": ordered_id(),
        "timestamp": now,
        "action": action,
        "project_id": None,
        "project_hash": None,
        "operation": action.partition(".")[2].replace(".", " "),
        "session_id": app.session,
        "request_id": app.request_id,
        "source": _SOURCES.get(app.source, "python"),
        "success": 1,
        "duration_ms": max(0, round((time.monotonic() - started) * 1000)),
        "error_code": None,
        "error_message": None,
    }


def _keep_refusal(app: App, action: str, started: float, error: CleoError) -> None:
    """Put a refusal on record, in a unit of its own, where there is a file to do so in."""
    if app.dry_run or error.exit in _UNUSABLE or error.code in _UNREADABLE:
        return
    from cleo_core.states import HEAD

    spec = app.stores.spec(STORE.name)
    details = {key: value for key, value in error.details.items() if key in _NAMED}
    try:
        row = audit_row(app, action, started, clock.now())
        row |= {
            "success": 0,
            "project_id": details.get("projectId"),
            "error_code": error.code,
            # The sentence of the code: the error's own may repeat what the caller wrote.
            "error_message": (error.codes.get(error.code) or CODES[error.code])[1],
        }
        if app.stores.state(spec).state == HEAD:
            app.write(STORE.name, lambda unit: audit.add(unit, row, details))
    except CleoError:
        # The refusal itself is what the caller has to hear of.
        return


#: Details of an error that are ids and words, and may stand in an audit row.
_NAMED = frozenset({"project", "projectId", "granted", "required", "removed"})
