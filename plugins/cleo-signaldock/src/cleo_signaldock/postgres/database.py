"""A store on PostgreSQL behind the face of :class:`cleo_core.database.Database`.

The SQL text is the same, ``:name`` parameters included. Errors are those of the SQLite driver
where a service may look at them, so that it need not know which database it works on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cleo_core.database import Database, Scratch, Transaction
from cleo_core.errors import CleoError
from cleo_signaldock.postgres.failures import (
    REPEATED,
    LostConnectionError,
    original,
    refused,
    sqlstate,
    translated,
)
from cleo_signaldock.postgres.urls import OLDEST, engine_for, parsed, shown

if TYPE_CHECKING:
    import sqlalchemy
    from sqlalchemy import Engine

#: Seconds to wait for a lock where a command must not be held up.
_HURRIED = 0.02

BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
BEGIN_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class Answer:
    """What a statement gave, with the names that DB-API 2.0 has for it."""

    def __init__(self, result: Any) -> None:
        self.rowcount: int = result.rowcount
        self.description: Any = None
        self._rows: list[tuple[Any, ...]] = []
        if result.returns_rows:
            self.description = [(name,) for name in result.keys()]  # noqa: SIM118 # no mapping
            self._rows = [tuple(row) for row in result]
        self._next = 0

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row, or None."""
        return next(self, None)

    def fetchall(self) -> list[tuple[Any, ...]]:
        """The rows that are left."""
        return list(self)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self

    def __next__(self) -> tuple[Any, ...]:
        if self._next == len(self._rows):
            raise StopIteration
        self._next += 1
        return self._rows[self._next - 1]


class Connection:
    """One connection to the server, with the methods that core and services use of SQLite's.

    :param shared: SQLAlchemy's connection, which commits each statement by itself.
    :param translate: makes the error that leaves here from the driver's.
    """

    def __init__(
        self, shared: sqlalchemy.Connection, translate: Callable[[BaseException, bool], Exception]
    ) -> None:
        self.shared = shared
        self._translate = translate
        self._texts: dict[str, Any] = {}

    def execute(self, sql: str, params: Mapping[str, Any] | None = None, /) -> Answer:
        """Run one statement with ``:name`` parameters.

        :raises Exception: the translation of what the server answers.
        """
        return Answer(self._run(sql, dict(params or {})))

    def executemany(self, sql: str, rows: Iterable[Mapping[str, Any]], /) -> Answer:
        """Run one statement for each mapping of parameters; raises as :meth:`execute`."""
        given = [dict(row) for row in rows]
        if not given:
            return _NOTHING
        return Answer(self._run(sql, given))

    def stream(self, sql: str, params: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
        """Rows as they come, read in blocks; raises as :meth:`execute`.

        Outside of a transaction they are read at once: a cursor would end with its statement.
        """
        if not self.in_transaction:
            yield from self.execute(sql, params)
            return
        options = {"stream_results": True, "yield_per": 500}
        for row in self._run(sql, dict(params), options):
            yield tuple(row)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction was begun and not yet ended."""
        from psycopg.pq import TransactionStatus

        if not self.alive:
            return False
        status = self._raw.info.transaction_status
        return bool(status in (TransactionStatus.INTRANS, TransactionStatus.INERROR))

    @property
    def alive(self) -> bool:
        """Whether the server is still there, as far as is known."""
        # SQLAlchemy has no connection any more to ask where it knows of the loss.
        return not (self.shared.closed or self.shared.invalidated or self._raw.closed)

    @property
    def _raw(self) -> Any:
        return self.shared.connection.driver_connection

    def close(self) -> None:
        """Give the connection back; closing twice is allowed."""
        try:
            self.shared.close()
        except Exception:
            # A connection that is lost cannot be closed properly, and need not be.
            self.shared.invalidate()

    def _run(self, sql: str, params: Any, options: Mapping[str, Any] | None = None) -> Any:
        from sqlalchemy import text

        statement = self._texts.get(sql)
        if statement is None:
            statement = self._texts[sql] = text(sql)
        try:
            return self.shared.execute(statement, params, execution_options=dict(options or {}))
        # Whatever comes from the driver is told apart and raised again as what callers know.
        except Exception as error:
            cause = original(error)
            if not from_driver(cause):
                raise
            alive = not getattr(error, "connection_invalidated", False) and self.alive
            made = self._translate(error, alive)
            # SQLAlchemy's error prints the statement; its cause does not.
            raise made from cause


class PostgresDatabase(Database):
    """One connection to a store on PostgreSQL.

    :param url: the address; see :func:`cleo_signaldock.postgres.urls.parsed`.
    :param name: the store's name, for messages.
    :param engine: where connections come from, for processes that keep a pool.
    :ivar path: the address without its password.
    :raises CleoError: the address is not supported, the server cannot be reached or is too old.
    """

    def __init__(
        self,
        url: str,
        name: str,
        *,
        write: bool = True,
        env: Mapping[str, str] = os.environ,
        engine: Engine | None = None,
    ) -> None:
        address = parsed(url)
        self._engine = engine or engine_for(address)
        self._owned = engine is None
        super().__init__(shown(address), name, write=write, env=env)

    @property
    def engine(self) -> Engine:
        """Where the connection comes from."""
        return self._engine

    def iterate(self, sql: str, /, **params: Any) -> Iterator[tuple[Any, ...]]:
        """Rows as tuples; inside :meth:`snapshot` or a unit they are read in blocks."""
        yield from self._connected().stream(sql, params)

    @contextmanager
    def snapshot(self) -> Iterator[Database]:
        """One read transaction: all reads inside see the same committed state."""
        connection = self._connected()
        if connection.in_transaction:
            yield self
            return
        connection.execute(BEGIN_SNAPSHOT)
        try:
            yield self
        finally:
            self._roll_back(connection)

    @contextmanager
    def scratch(self, statements: Iterable[str]) -> Iterator[Scratch]:
        """There are no tables beside a store on a server.

        :raises RuntimeError: always.
        """
        raise RuntimeError(f"store {self.name!r} is on a server, where there is no scratch schema")
        yield

    @contextmanager
    def write(self, *, dry_run: bool = False) -> Iterator[Transaction]:
        """One write unit, READ COMMITTED; any exception rolls back.

        :param dry_run: roll back at the end.
        :raises CleoError: ``E_WRITE_CONTENTION`` and the other translations of driver errors.
        """
        if not self.writable:
            raise RuntimeError(f"store {self.name!r} was opened for reading")
        connection = self._connected()
        ending = False
        try:
            connection.execute(BEGIN)
            yield Transaction(connection)
            ending = True
            connection.execute("ROLLBACK" if dry_run else "COMMIT")
        except BaseException as error:
            self._roll_back(connection)
            if isinstance(error, LostConnectionError):
                self.close()
                if ending and not dry_run:
                    raise CleoError(
                        "E_IO",
                        f"The connection to {self.path} was lost while a change was committed; "
                        "it may have been made or not.",
                        fix="the show verb, then the command again",
                        details={"store": self.name, "path": self.path},
                    ) from error
            raise

    def load_extension(self, path: str) -> tuple[bool, str]:
        """A server loads nothing for a client."""
        return False, "the store is on a server"

    def close(self) -> None:
        """Close the connection; closing twice is allowed."""
        super().close()
        if self._owned:
            self._engine.dispose()

    def translated(self, error: Exception) -> Exception:
        """Errors were translated where they arose."""
        return error

    def tables(self) -> frozenset[str]:
        """The names of the store's tables."""
        rows = self.read(
            "SELECT table_name AS name FROM information_schema.tables "
            "WHERE table_schema = current_schema()"
        )
        return frozenset(row["name"] for row in rows)

    def _may_retry(self, error: CleoError) -> bool:
        if isinstance(error, LostConnectionError):
            return True
        return sqlstate(error.__cause__) in REPEATED

    def _set_busy_timeout(self) -> None:
        wait = int(_HURRIED * 1000) if self.profile == "quick" else 0
        self._connected().execute(
            "SELECT set_config('lock_timeout', :ms, false)", {"ms": str(wait)}
        )

    def _roll_back(self, connection: Connection) -> None:
        if connection.alive and connection.in_transaction:
            connection.execute("ROLLBACK")

    def _connected(self) -> Any:
        connection = self.connection
        if connection is not None and self._pid == os.getpid() and not connection.alive:
            super().close()
        return super()._connected()

    def reopen_for_writing(self) -> None:
        """Let a connection that was opened for reading write too."""
        self.writable = True

    def _open(self) -> None:
        self._pid = os.getpid()
        self._inode = None
        try:
            shared = self._engine.connect()
        # Whatever kept the driver from connecting is raised again as what callers know.
        except Exception as error:
            if not from_driver(original(error)):
                raise
            raise refused(error, self.name, self.path) from None
        version = shared.dialect.server_version_info or OLDEST
        if version < OLDEST:
            shared.close()
            raise CleoError(
                "E_CONFIG",
                f"The server of {self.path} is PostgreSQL {version[0]}; "
                f"{OLDEST[0]} is the oldest that works.",
                fix="export CLEO_SIGNALDOCK_DATABASE_URL=postgresql://USER@HOST/DATABASE",
            )
        self.connection = Connection(shared, self._translation)
        if self.on_open is not None:
            self.on_open(self)

    def _translation(self, error: BaseException, alive: bool) -> Exception:
        return translated(error, self.name, self.path, alive=alive)


class _Nothing(Answer):
    def __init__(self) -> None:
        self.rowcount = 0
        self.description = None
        self._rows = []
        self._next = 0


_NOTHING = _Nothing()


def from_driver(cause: BaseException) -> bool:
    """Whether an error is one of the driver's own."""
    import psycopg

    return isinstance(cause, psycopg.Error)
