"""The only place that opens a database: driver, pragmas, read and write units, busy retry.

Every error of the driver leaves here as a :class:`~cleo_core.errors.CleoError` where a user can
do something about it, and as itself where it is a defect of the program.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from cleo_core.database import drivers, failures
from cleo_core.database.drivers import driver, driver_name, sqlite_version
from cleo_core.database.failures import ReplacedError, damaged, primary_code, translate
from cleo_core.database.opening import (
    SWITCH,
    TRUSTED_SCHEMA_SINCE,
    WAL_WAITS,
    busy_timeout,
    connect,
    connect_for_copy,
    header,
    inode,
    load_extension,
    log_size,
    require_wal,
    settle,
    write_new,
)
from cleo_core.database.rows import (
    Backend,
    Row,
    Scratch,
    Transaction,
    all_rows,
    attached,
    first_row,
)
from cleo_core.errors import CleoError
from cleo_core.paths import check_test_root

__all__ = [
    "BUSY_WAITS",
    "TRUSTED_SCHEMA_SINCE",
    "Backend",
    "Database",
    "Row",
    "Scratch",
    "Transaction",
    "connect_for_copy",
    "driver",
    "driver_name",
    "drivers",
    "header",
    "in_memory",
    "sqlite_version",
    "translate",
    "write_new",
]

T = TypeVar("T")

#: Seconds between the attempts of one unit, each varied by half; the first attempt is free.
BUSY_WAITS = (0.1, 0.2, 0.4, 0.8)
#: A unit is given up after this many seconds, whatever the attempts.
BUSY_LIMIT = 60.0

#: Bytes of a log that is left: each process that finds one reads it, which takes its time.
LONGEST_LOG_LEFT = 384 * 1024

#: Times that opening starts anew when the file is replaced meanwhile.
_OPEN_ATTEMPTS = 5


class Database:
    """One open SQLite store.

    :param path: the file, which must exist, or ``:memory:``.
    :param name: the store's name, for messages.
    :param profile: ``normal``; ``quick`` (20 ms busy timeout, no retry); ``foreign`` (another
        project's file: reads only, 250 ms).
    :param write: False sets ``query_only``.
    :param allow_non_wal: open with a rollback journal where WAL is refused.
    :ivar on_open: called whenever the connection was opened anew.
    :ivar find_fault: says what the file lacks, asked when a statement names what is not there.
    :ivar stands_in: this is the empty database that stands for an absent file.
    :ivar rehearses: this is a copy in which a dry run writes.
    :param identify: called with each new connection before anything in the file is set; raises to
        refuse a file that is not the caller's.
    :param finish_restore: asked whenever the file was opened, with the function that closes it;
        True when a restore was pending and is finished, so that the file must be opened anew.
    :raises StoreError: the file is damaged or refuses WAL.
    """

    def __init__(
        self,
        path: str,
        name: str,
        *,
        profile: str = "normal",
        write: bool = True,
        allow_non_wal: bool = False,
        env: Mapping[str, str] = os.environ,
        warn: Callable[[str, str], None] | None = None,
        identify: Callable[[Any], None] | None = None,
        finish_restore: Callable[[Callable[[], None]], bool] | None = None,
    ) -> None:
        self.path = path
        self.name = name
        self.profile = profile
        self.writable = write and profile != "foreign"
        self._allow_non_wal = allow_non_wal
        self._env = env
        self._warn = warn or (lambda code, message: None)
        self._identify = identify or (lambda connection: None)
        self._finish_restore = finish_restore or (lambda close: False)
        self._pid = os.getpid()
        self._inode: int | None = None
        self.on_open: Callable[[Database], None] | None = None
        self.find_fault: Callable[[], str | None] | None = None
        self.stands_in = self.rehearses = False
        self.connection: Any = None
        self._open()

    def read(self, sql: str, /, **params: Any) -> list[Row]:
        """Rows as mappings from column name to value.

        :raises CleoError: the file is busy beyond the timeout, damaged or out of reach.
        """
        try:
            return all_rows(self._connected().execute(sql, params))
        except driver().Error as error:
            raise self.translated(error) from error

    def one(self, sql: str, /, **params: Any) -> Row | None:
        """The first row, or None; raises as :meth:`read`."""
        try:
            return first_row(self._connected().execute(sql, params))
        except driver().Error as error:
            raise self.translated(error) from error

    def scalar(self, sql: str, /, **params: Any) -> Any:
        """The first column of the first row, or None; raises as :meth:`read`."""
        try:
            row = self._connected().execute(sql, params).fetchone()
        except driver().Error as error:
            raise self.translated(error) from error
        return None if row is None else row[0]

    def iterate(self, sql: str, /, **params: Any) -> Iterator[tuple[Any, ...]]:
        """Rows as tuples, one at a time, for reading more than fits in memory.

        :raises CleoError: as :meth:`read`.
        """
        try:
            yield from self._connected().execute(sql, params)
        except driver().Error as error:
            raise self.translated(error) from error

    @contextmanager
    def snapshot(self) -> Iterator[Database]:
        """One deferred read transaction: all reads inside see the same committed state."""
        connection = self._connected()
        if connection.in_transaction:
            yield self
            return
        connection.execute("BEGIN")
        try:
            yield self
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    @contextmanager
    def scratch(self, statements: Iterable[str]) -> Iterator[Scratch]:
        """A schema ``scratch`` that lives until the end of the block, across write units.

        It lies in a file of the system's temporary directory that only this process can open. TEMP
        tables would do but for builds of SQLite that keep them in memory whatever is asked.

        :param statements: what makes its tables.
        :raises CleoError: as :meth:`write`.
        """
        connection = self._connected()
        try:
            with attached(connection, statements, lambda: self.connection is connection) as made:
                yield made
        except driver().Error as error:
            raise self.translated(error) from error

    @contextmanager
    def write(self, *, dry_run: bool = False) -> Iterator[Transaction]:
        """One write unit: ``BEGIN IMMEDIATE``, the body, ``COMMIT``; any exception rolls back.

        The body runs once. Where it has no effect outside the database, :meth:`unit` is better: it
        runs again when another writer is in the way.

        :param dry_run: roll back at the end.
        :raises CleoError: ``E_WRITE_CONTENTION`` and the other translations of driver errors.
        """
        connection = self._connected()
        if not self.writable:
            raise RuntimeError(f"store {self.name!r} was opened for reading")
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                if self._replaced():
                    raise ReplacedError(self.name, self.path)
                yield Transaction(connection)
                connection.execute("ROLLBACK" if dry_run else "COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except driver().Error as error:
            raise self.translated(error) from error

    def unit(self, body: Callable[[Transaction], T], *, dry_run: bool = False) -> T:
        """Run a body as one write unit, again from its beginning while other writers are busy.

        :param body: a callable without effects outside the transaction.
        :returns: what the body returns.
        :raises CleoError: ``E_WRITE_CONTENTION`` after four repetitions or sixty seconds.
        """
        started = time.monotonic()
        waits = iter(BUSY_WAITS if self.profile == "normal" else ())
        while True:
            try:
                with self.write(dry_run=dry_run) as tx:
                    return body(tx)
            except CleoError as error:
                if not self._may_retry(error):
                    raise
                wait = next(waits, None)
                if wait is None or time.monotonic() - started + wait > BUSY_LIMIT:
                    raise
                time.sleep(wait * (0.5 + os.urandom(1)[0] / 255))

    def tables(self) -> frozenset[str]:
        """The names of the store's tables; raises as :meth:`read`."""
        rows = self.read("SELECT name FROM sqlite_master WHERE type = 'table'")
        return frozenset(row["name"] for row in rows)

    def load_extension(self, path: str) -> tuple[bool, str]:
        """Load an SQLite extension and close the door behind it.

        :returns: whether it is loaded, and the reason when it is not.
        """
        return load_extension(self._connected(), path, driver().Error)

    def close(self) -> None:
        """Close the connection; closing twice is allowed."""
        if self.connection is not None:
            connection, self.connection = self.connection, None
            connection.close()

    def leave(self) -> None:
        """Close, and leave a short write-ahead log to whoever opens the file next.

        Who closes a file last folds the log in, locks everybody out meanwhile and waits for the
        disk. A connection that may only read cannot do that, so one is closed after this.
        """
        module = driver()
        last: Any = None
        try:
            if log_size(self.path) > LONGEST_LOG_LEFT:
                # While others write; what is left for closing is done in a moment.
                self._connected().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            else:
                last = connect(module, self.path, "mode=ro", 0.0)
                last.execute("PRAGMA application_id").fetchall()
        except module.Error:
            # The row is stored; without the connection below the log is folded in as usual.
            pass
        finally:
            self.close()
            if last is not None:
                last.close()

    @contextmanager
    def hurried(self) -> Iterator[None]:
        """Wait for other writers no longer than the quick profile does, and do not repeat.

        For what can be done later just as well and must not hold a command up.
        """
        before, self.profile = self.profile, "quick"
        self._set_busy_timeout()
        try:
            yield
        finally:
            self.profile = before
            if self.connection is not None:
                self._set_busy_timeout()

    def translated(self, error: Exception) -> Exception:
        """The error a user should see for one of the driver's."""
        words = str(error)
        if self.find_fault is not None and ("no such " in words or "has no column" in words):
            fault = self.find_fault()
            if fault is not None:
                return damaged(self.name, self.path, fault)
        return translate(error, self.name, self.path)

    def reopen_for_writing(self) -> None:
        """Let a connection that was opened for reading write too."""
        if not self.writable and self.profile != "foreign":
            self.writable = True
            self._connected().execute("PRAGMA query_only=OFF")

    def _may_retry(self, error: CleoError) -> bool:
        cause = error.__cause__
        code = primary_code(cause) if isinstance(cause, driver().Error) else None
        if code in (failures.BUSY, failures.LOCKED, failures.PROTOCOL):
            return True
        if isinstance(error, ReplacedError) or (code == failures.READONLY and self._replaced()):
            self.close()
            self._open()
            return True
        return False

    def _replaced(self) -> bool:
        """Whether the path leads to another file than the one that is open: a restore.

        SQLite itself does not notice in WAL mode, and would write into the file that is gone.
        """
        return self._inode is not None and inode(self.path) != self._inode

    def _connected(self) -> Any:
        if self.connection is None:
            self._open()
        elif self._pid != os.getpid():
            raise RuntimeError(f"the connection to {self.path} was opened before a fork")
        return self.connection

    def _open(self) -> None:
        module = driver()
        if self.path == ":memory:":
            self.connection = module.connect(":memory:", isolation_level=None)
            settle(self.connection, sqlite_version(), writable=self.writable)
            return
        check_test_root(self.path)
        self._pid = os.getpid()
        timeout = busy_timeout(self.profile, self._env)
        try:
            for _ in range(_OPEN_ATTEMPTS):
                self._inode = inode(self.path)
                # A restore that is decided later has to wait for this connection to be closed.
                if self._try_open(timeout) and not self._finish_restore(self.close):
                    break
            else:
                raise ReplacedError(self.name, self.path)
        except module.Error as error:
            self.close()
            raise self.translated(error) from error
        except BaseException:
            self.close()
            raise
        if self.on_open is not None:
            self.on_open(self)

    def _try_open(self, timeout: float) -> bool:
        """Connect; False when meanwhile the path came to lead to another file."""
        module = driver()
        foreign = self.profile == "foreign"
        if foreign and not os.access(self.path, os.W_OK) and not os.path.exists(self.path + "-wal"):
            # A connection that may not write makes sidecars and cannot take them away again.
            self._open_unwritable(("immutable=1",), timeout)
            return True
        self.connection = connect(driver(), self.path, "mode=rw", timeout)
        try:
            # Before the journal mode is set: a file that is refused keeps every byte.
            self._identify(self.connection)
            if not foreign:
                require_wal(
                    self.connection,
                    self.name,
                    self.path,
                    allow_non_wal=self._allow_non_wal,
                    warn=self._warn,
                    waits=() if self.profile == "quick" else WAL_WAITS,
                    patience=min(timeout, SWITCH) if self.profile == "normal" else 0.0,
                )
            settle(self.connection, sqlite_version(), writable=self.writable)
        except (module.OperationalError, CleoError) as error:
            self.close()
            # What identified the file has translated the driver's error already.
            cause = error.__cause__ if isinstance(error, CleoError) else error
            code = primary_code(cause) if isinstance(cause, module.OperationalError) else None
            if code == failures.READONLY and self._replaced():
                return False
            if code not in (failures.CANTOPEN, failures.READONLY) or self.writable:
                raise
            self._open_in_readonly_directory(timeout)
        if self._replaced():
            self.close()
            return False
        return True

    def _set_busy_timeout(self) -> None:
        milliseconds = int(busy_timeout(self.profile, self._env) * 1000)
        self._connected().execute(f"PRAGMA busy_timeout={milliseconds}")

    def _open_in_readonly_directory(self, timeout: float) -> None:
        """A WAL file in a directory that cannot be written: read it without its sidecars."""
        if not os.path.exists(self.path + "-wal"):
            self._open_unwritable(("mode=ro", "immutable=1"), timeout)
        else:
            self._open_unwritable(("mode=ro",), timeout)

    def _open_unwritable(self, modes: Sequence[str], timeout: float) -> None:
        """Open for reading in the first of some modes that serves, and say so."""
        module = driver()
        last: Exception | None = None
        for mode in modes:
            try:
                self.connection = connect(module, self.path, mode, timeout)
                self.connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
                self._identify(self.connection)
                settle(self.connection, sqlite_version(), writable=self.writable)
                self._warn("W_READ_ONLY", f"{self.path} can only be read here.")
                return
            except module.OperationalError as error:
                last = error
                self.close()
        assert last is not None
        raise last


def in_memory(name: str, statements: Sequence[str], params: Mapping[str, Any]) -> Database:
    """An empty store at head that exists only in memory: what reading an absent store sees."""
    database = Database(":memory:", name)
    try:
        for statement in statements:
            database.connection.execute(statement, params)
    except BaseException:
        database.close()
        raise
    return database
