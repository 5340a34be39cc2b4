"""Reading another program's database from a private copy, so that nothing of it moves."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cleo_core.database import driver
from cleo_core.database.opening import connect, header
from cleo_core.errors import StoreError, ValidationError, shortened
from cleo_core.paths import file_error

#: Copies made before a file that is being written to is given up.
_TRIES = 5
_PARTS = ("", "-wal", "-journal")
#: Bytes of a value at most; a database can claim a gigabyte in a few bytes.
_LONGEST = 16 * 1024 * 1024


class Foreign:
    """The tables of a foreign database.

    :ivar tables: table -> its columns; views and virtual tables are left out.
    """

    def __init__(self, connection: Any, path: str) -> None:
        self._connection = connection
        self._path = path
        with self._told():
            names = [
                name
                for name, text in connection.execute(
                    "SELECT name, sql FROM sqlite_schema WHERE type = 'table'"
                )
                if not str(text).upper().startswith("CREATE VIRTUAL")
            ]
            self.tables: dict[str, list[str]] = {
                name: [row[1] for row in connection.execute(f"PRAGMA table_info({_quoted(name)})")]
                for name in names
            }

    def rows(self, table: str) -> Iterator[dict[str, Any]]:
        """All rows of a table, column -> value; text that is no UTF-8 is read leniently.

        :raises ValidationError: the file is damaged.
        """
        columns = self.tables[table]
        with self._told():
            for row in self._connection.execute(f"SELECT * FROM {_quoted(table)}"):
                yield dict(zip(columns, row, strict=False))

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except driver().Error as error:
            raise unreadable(self._path, str(error)) from error


@contextmanager
def foreign(path: str) -> Iterator[Foreign]:
    """Open a copy of another program's database, its unfinished log included.

    The file itself is only read, and nothing is put beside it.

    :raises ValidationError: it is no SQLite database, damaged, or written to without pause.
    :raises CleoError: ``E_IO``, ``E_PERMISSION_FS`` (3), it cannot be read.
    """
    try:
        if header(path)[1] is None:
            raise unreadable(path, "it is no SQLite database")
        with tempfile.TemporaryDirectory(prefix="cleo-") as folder:
            target = _copied(path, folder)
            with _read(target, path) as found:
                yield found
    except OSError as error:
        raise file_error(error, path) from error


@contextmanager
def of_copy(path: str) -> Iterator[Foreign]:
    """Open a copy that :func:`copy_whole` made.

    :raises ValidationError: it is no SQLite database, or damaged.
    """
    with _read(path, path) as found:
        yield found


def has_table(path: str, table: str) -> bool:
    """Whether a file is an SQLite database with a table; nothing of it or beside it changes."""
    try:
        if header(path)[1] is None:
            return False
        if _signature(path + "-wal") is not None or _signature(path + "-journal") is not None:
            with foreign(path) as found:
                return table in found.tables
        with _read(path, path, "immutable=1") as found:
            return table in found.tables
    except (OSError, ValidationError):
        return False


def copy_whole(path: str, target: str) -> None:
    """Copy another program's database, its unfinished log included, and check the copy.

    A file without a log is read as one that nobody changes, so nothing is put beside it. One with a
    log is copied with it first, and the log folded in there: even a connection that only reads
    would write beside the original.

    :param target: a name that nothing has; what was begun there is removed where this fails.
    :raises StoreError: ``E_STORE_CORRUPT`` (53), it is no SQLite database, or damaged.
    :raises ValidationError: it is written to without pause.
    :raises CleoError: the file cannot be read, or the copy not written.
    """
    if os.path.lexists(target):
        raise file_error(FileExistsError(errno.EEXIST, "File exists", target), target)
    try:
        if header(path)[1] is None:
            raise _corrupt(path, "it is no SQLite database")
        try:
            if all(_signature(path + part) is None for part in _PARTS[1:]):
                before = _signature(path)
                _back_up(path, "immutable=1", target)
                if _signature(path) != before:
                    raise unreadable(path, "another program writes to it")
            else:
                folder = os.path.dirname(target)
                with tempfile.TemporaryDirectory(prefix="cleo-", dir=folder) as private:
                    _back_up(_copied(path, private), "mode=rw", target)
            _check(target)
        except driver().Error as error:
            raise _corrupt(path, str(error)) from error
    except BaseException as error:
        if os.path.lexists(target):
            os.unlink(target)
        if isinstance(error, OSError):
            raise file_error(error, path) from error
        if isinstance(error, StoreError) and error.code == "E_STORE_CORRUPT":
            raise _corrupt(path, str(error.details.get("fault", "it is damaged"))) from error
        raise


def _back_up(path: str, mode: str, target: str) -> None:
    """Copy with SQLite's backup API into a new private file."""
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    source = connect(driver(), path, mode, 5.0)
    try:
        copy = connect(driver(), target, "mode=rw", 5.0)
        try:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
        finally:
            copy.close()
    finally:
        source.close()
    descriptor = os.open(target, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check(path: str) -> None:
    connection = connect(driver(), path, "mode=ro", 5.0)
    try:
        words = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(5)")]
    finally:
        connection.close()
    if words != ["ok"]:
        raise _corrupt(path, "; ".join(words)[:300])


def _corrupt(path: str, fault: str) -> StoreError:
    return StoreError(
        "E_STORE_CORRUPT",
        f"{shortened(path)} is damaged: {fault}.",
        fix="the same command after the file was restored from a backup",
        details={"path": path, "fault": fault},
    )


@contextmanager
def _read(path: str, named: str, mode: str = "mode=rw") -> Iterator[Foreign]:
    connection = connect(driver(), path, mode, 5.0)
    try:
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        if hasattr(connection, "setlimit"):
            connection.setlimit(driver().SQLITE_LIMIT_LENGTH, _LONGEST)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA query_only = ON")
        yield Foreign(connection, named)
    except driver().Error as error:
        raise unreadable(named, str(error)) from error
    finally:
        connection.close()


def unreadable(path: str, words: str) -> ValidationError:
    """The error of a file that is no database to read."""
    return ValidationError(
        f"{shortened(path)} cannot be read as a database: {words}.",
        fix="the same command with the path of the database",
    )


def _copied(path: str, folder: str) -> str:
    """A copy of which no part changed while it was made."""
    target = os.path.join(folder, "copy.db")
    for _ in range(_TRIES):
        before = [_signature(path + part) for part in _PARTS]
        for part, signature in zip(_PARTS, before, strict=True):
            if signature is not None:
                shutil.copyfile(path + part, target + part)
            elif os.path.exists(target + part):
                os.unlink(target + part)
        if before == [_signature(path + part) for part in _PARTS]:
            return target
    raise unreadable(path, "another program does not stop writing to it")


def _signature(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
