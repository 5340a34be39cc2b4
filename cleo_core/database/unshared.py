"""Databases that nobody else uses: copies at rest, and live files held by one process alone."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import Any

from cleo_core.database.descriptors import head
from cleo_core.database.drivers import driver
from cleo_core.database.failures import BUSY, FULL, LOCKED, PROTOCOL, primary_code, translate
from cleo_core.database.opening import connect
from cleo_core.errors import CleoError
from cleo_core.paths import check_test_root, file_error
from cleo_core.paths.files import quoted

#: What SQLite puts beside a database.
_BESIDE = ("-wal", "-shm", "-journal")
#: Seconds between two attempts to get a file alone.
_PAUSE = 0.05
#: The bytes that SQLite locks: pending, reserved, and 510 for readers
#: (https://www.sqlite.org/src/file/src/os.h).
_LOCK_BYTES, _LOCK_START = 512, 0x40000000


class Held:
    """A live file that no other process can use until it is released.

    While it is held this process must not open the file in any other way: closing any descriptor
    of it would let go of the locks.

    :ivar connection: to the file; None where it was taken without SQLite.
    :ivar descriptor: of the file where it was taken without SQLite.
    """

    def __init__(
        self, path: str, *, connection: Any = None, was_wal: bool = False, descriptor: int = -1
    ) -> None:
        self.path = path
        self.connection = connection
        self.descriptor = descriptor
        self._was_wal = was_wal

    def release(self, *, replaced: bool = False) -> None:
        """Let go; a file that was not replaced keeps its log from before."""
        if self.descriptor >= 0:
            descriptor, self.descriptor = self.descriptor, -1
            os.close(descriptor)
        if self.connection is None:
            return
        connection, self.connection = self.connection, None
        try:
            if self._was_wal and not replaced:
                # Where this fails, whoever opens the file next asks for it.
                with suppress(driver().Error):
                    connection.execute("PRAGMA query_only = OFF")
                    connection.execute("PRAGMA locking_mode = NORMAL")
                    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
                    connection.execute("PRAGMA journal_mode = WAL").fetchone()
        finally:
            connection.close()


def hold(path: str, store: str, *, until: float) -> Held:
    """Take a live database for this process alone; its log is folded in and gone.

    :param until: moment of ``time.monotonic`` up to which other processes are waited for.
    :raises CleoError: ``E_STORE_IN_USE``; the translations of what SQLite says.
    """
    check_test_root(path)
    module = driver()
    try:
        connection = connect(module, path, "mode=rw", 0.0)
    except module.Error as error:
        raise translate(error, store, path) from error
    was_wal: bool | None = None
    try:
        while True:
            try:
                if was_wal is None:
                    was_wal = connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
                # Leaving the log fails while any other process has the file open.
                if connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0] == "delete":
                    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
                    connection.execute("BEGIN EXCLUSIVE")
                    connection.execute("COMMIT")
                    return Held(path, connection=connection, was_wal=was_wal)
            except module.Error as error:
                if primary_code(error) not in (BUSY, LOCKED, PROTOCOL):
                    raise translate(error, store, path) from error
                connection.execute("PRAGMA locking_mode = NORMAL")
            _pause(path, store, until)
    except BaseException:
        Held(path, connection=connection, was_wal=bool(was_wal)).release()
        raise


def hold_unopened(path: str, store: str, *, until: float) -> Held:
    """Take a file that SQLite cannot open, by the locks that SQLite would take.

    On Windows the file is only opened: there nothing can be proved.

    :raises CleoError: ``E_STORE_IN_USE``, ``E_PERMISSION_FS``, ``E_IO``.
    """
    check_test_root(path)
    flags = getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, os.O_RDWR | flags)
    except OSError as error:
        raise file_error(error, path) from error
    try:
        while not _locked(descriptor):
            _pause(path, store, until)
    except BaseException:
        os.close(descriptor)
        raise
    return Held(path, descriptor=descriptor)


def connect_at_rest(path: str) -> Any:
    """A connection to a copy that nobody writes; nothing appears beside it, and what lies there is
    not looked at.

    In a database that may only be read SQLite passes over every CHECK. One that may not be written
    to, or that SQLite would recover from what lies beside it, is therefore looked at in a private
    copy of its own, which is gone with the connection. Where that has no room the CHECKs are not
    looked at.

    :raises CleoError: the file cannot be opened.
    """
    check_test_root(path)
    module = driver()
    try:
        if os.access(path, os.W_OK) and not _may_change(path):
            made = connect(module, path, "mode=rw", 5.0)
            made.execute("PRAGMA query_only = ON")
            return made
        original = connect(module, path, "mode=ro&immutable=1", 0.0)
    except (module.Error, OSError) as error:
        raise translate(error, os.path.basename(path), path) from error
    # A name that is empty is a file of this connection alone, which has no name in any directory.
    private = module.connect("", isolation_level=None)
    try:
        original.backup(private)
        private.execute("PRAGMA query_only = ON")
    except module.Error as error:
        private.close()
        if primary_code(error) == FULL:
            return original
        original.close()
        raise translate(error, os.path.basename(path), path) from error
    original.close()
    return private


def _may_change(path: str) -> bool:
    """Whether SQLite would write to a file, or beside it, as soon as it is read.

    Bytes 18 and 19 are above 1 where there may be a write-ahead log
    (https://www.sqlite.org/fileformat2.html#file_format_version_numbers).
    """
    beside = any(os.path.lexists(path + suffix) for suffix in _BESIDE)
    return beside or head(path, 20)[1][18:] != b"\1\1"


def in_use(path: str, store: str) -> CleoError:
    """Another process uses a file."""
    return CleoError(
        "E_STORE_IN_USE",
        f"Another process uses {path} and did not let go of it; nothing was changed. End it, and "
        "run the command again.",
        fix=f"fuser -v {quoted(path)}",
        details={"store": store, "path": path},
    )


def _pause(path: str, store: str, until: float) -> None:
    if time.monotonic() >= until:
        raise in_use(path, store)
    time.sleep(_PAUSE)


def _locked(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, _LOCK_BYTES, _LOCK_START)
    except OSError:
        return False
    return True
