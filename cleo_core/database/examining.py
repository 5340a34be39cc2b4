"""Opening a store only to look at it: neither the file nor what lies beside it changes.

Closing the last connection to a WAL file folds the log in and removes it, opening one beside a
rollback journal rolls that back, and asking for a journal mode writes the header. Each of these is
right for a command that uses the store and wrong for one that reports what it found.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

from cleo_core.database import Database, driver, sqlite_version
from cleo_core.database.failures import CANTOPEN, READONLY, primary_code
from cleo_core.database.opening import connect, settle
from cleo_core.errors import CleoError

#: Seconds that looking waits for a writer; it waits in C, where no time limit reaches.
BUSY = 0.5
#: Virtual machine instructions between two looks at the clock: some hundred a second.
STEPS = 20_000
#: KiB of pages that are kept: foreign keys are looked up all over a file.
CACHE = 64_000


class Examination:
    """What one run of looking at stores shares.

    :param time_is_up: asked while a statement runs; True interrupts it.
    """

    def __init__(self, time_is_up: Callable[[], bool]) -> None:
        self.time_is_up = time_is_up
        self._directory: str | None = None
        self._copies: dict[str, tuple[object, str]] = {}

    def copy_of(self, path: str) -> str:
        """A private copy of a database with its journals, made once unless they change.

        :raises OSError: it cannot be made.
        """
        files = [path + suffix for suffix in ("", "-wal", "-journal")]
        seen = [_signature(file) for file in files]
        known = self._copies.get(path)
        if known is not None and known[0] == seen:
            return known[1]
        if self._directory is None:
            self._directory = tempfile.mkdtemp(prefix="cleo-")
        folder = tempfile.mkdtemp(dir=self._directory)
        target = os.path.join(folder, os.path.basename(path))
        for file in files:
            if os.path.exists(file):
                shutil.copyfile(file, target + file[len(path) :])
        self._copies[path] = (seen, target)
        return target

    def close(self) -> None:
        """Remove the copies."""
        self._copies.clear()
        if self._directory is not None:
            directory, self._directory = self._directory, None
            shutil.rmtree(directory, ignore_errors=True)


class Examined(Database):
    """A store that is open for examination.

    What is beside the file decides how: a log that other processes share is read through a
    connection that cannot fold it in; a log or journal that SQLite would have to recover is
    recovered in a private copy. ``-shm``, which holds no data, is SQLite's to write.
    """

    def __init__(
        self,
        path: str,
        name: str,
        *,
        examination: Examination,
        profile: str = "normal",
        env: Mapping[str, str] = os.environ,
        warn: Callable[[str, str], None] | None = None,
        identify: Callable[[Any], None] | None = None,
    ) -> None:
        self._examination = examination
        super().__init__(
            path, name, profile=profile, write=False, env=env, warn=warn, identify=identify
        )

    def reopen_for_writing(self) -> None:
        """Refuse: whoever examines a store does not write to it.

        :raises RuntimeError: always.
        """
        raise RuntimeError(f"store {self.name!r} is only being examined")

    def _try_open(self, timeout: float) -> bool:
        module = driver()
        self.close()
        path, mode = self._way()
        try:
            self.connection = connect(module, path, mode, min(timeout, BUSY))
            self.connection.set_progress_handler(self._examination.time_is_up, STEPS)
            self._identify(self.connection)
            settle(self.connection, sqlite_version(), writable=False)
            self.connection.execute(f"PRAGMA cache_size = -{CACHE}")
        except (module.OperationalError, CleoError) as error:
            self.close()
            cause = error.__cause__ if isinstance(error, CleoError) else error
            code = primary_code(cause) if isinstance(cause, module.OperationalError) else None
            if code not in (CANTOPEN, READONLY):
                raise
            self._open_in_readonly_directory(min(timeout, BUSY))
        if self._replaced():
            self.close()
            return False
        return True

    def _way(self) -> tuple[str, str]:
        """Which file to open, and the query part of its URI."""
        log = _has_content(f"{self.path}-wal")
        if _has_content(f"{self.path}-journal") or (log and not os.path.exists(f"{self.path}-shm")):
            return self._examination.copy_of(self.path), "mode=rw"
        return self.path, "mode=ro" if log else "mode=rw"


def _signature(path: str) -> tuple[int, int, int] | None:
    """What changes with a file's content; None where there is no file."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _has_content(path: str) -> bool:
    try:
        return os.path.getsize(path) > 0
    except OSError:
        return False
