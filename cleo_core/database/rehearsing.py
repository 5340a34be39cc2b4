"""A private copy of an open store, to try there what would be written."""

from __future__ import annotations

import os

from cleo_core.database import Database, driver, sqlite_version
from cleo_core.database.opening import connect, settle


class Rehearsal(Database):
    """A copy of an open store in a file of the system's temporary directory.

    What is written to it keeps nobody waiting, and is gone when it is closed.

    :param original: the open store; it is read once, as one snapshot.
    :raises CleoError: there is no space, the original is damaged.
    """

    def __init__(self, original: Database) -> None:
        self._original = original
        self._file = ""
        super().__init__(original.path, original.name)
        self.rehearses = True
        self.find_fault = original.find_fault
        self.on_open = original.on_open

    def close(self) -> None:
        """Close the connection and remove the copy."""
        super().close()
        self._remove()

    def _open(self) -> None:
        import tempfile

        try:
            descriptor, self._file = tempfile.mkstemp(prefix="cleo-", suffix=".db")
            os.close(descriptor)
            self.connection = connect(driver(), self._file, "mode=rw", 0.0)
            self._fill()
            if os.name != "nt":
                # Without a name it is gone with the process, however that ends.
                self._remove()
            settle(self.connection, sqlite_version(), writable=True)
        except (driver().Error, OSError) as error:
            self.close()
            raise self.translated(error) from error
        except BaseException:
            self.close()
            raise
        if self._original.on_open is not None:
            self._original.on_open(self)

    def _fill(self) -> None:
        execute = self.connection.execute
        execute("PRAGMA locking_mode=EXCLUSIVE")
        execute("PRAGMA journal_mode=OFF")
        execute("PRAGMA synchronous=OFF")
        self._original.connection.backup(self.connection)
        # The original's mode came along; a log beside the file needs its name.
        execute("PRAGMA journal_mode=MEMORY")

    def _remove(self) -> None:
        if self._file and os.path.exists(self._file):
            os.unlink(self._file)
