"""Waking processes that wait for mail, without polling: one FIFO for each of them.

Waking is a hint; the rows are the truth. A waiter therefore also looks once a second whether
anything was committed, and where FIFOs cannot be made it looks fifty times a second.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Callable, Iterable
from typing import Final

#: Who waits for mail of everybody.
EVERYBODY: Final = "_all"
#: Who waits for a lease to end.
LEASES: Final = "_leases"
#: Seconds between two looks at the file, with a FIFO and without.
LOOK: Final = 1.0
LOOK_OFTEN: Final = 0.02
#: Seconds after which a FIFO without its final name is nobody's.
STALE: Final = 60.0


def directory(project_directory: str) -> str:
    """Where the FIFOs of a project are."""
    return os.path.join(project_directory, "run", "conduit")


def wake(path: str, agents: Iterable[str]) -> None:
    """Send a byte to every process that waits for one of the agents, or for everybody.

    Only FIFOs are written to, and links are not followed. A FIFO without a reader is removed.

    :param path: the directory of the FIFOs; where it is missing, nobody waits.
    """
    if not hasattr(os, "mkfifo"):
        return
    wanted = {*agents, EVERYBODY}
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    try:
        for name in os.listdir(folder):
            # `<agent>.<pid>.<random>`; an agent's id may contain dots itself.
            if not name.startswith(".") and name.rsplit(".", 2)[0] in wanted:
                _wake_one(folder, name)
    except OSError:
        return
    finally:
        os.close(folder)


def _wake_one(folder: int, name: str) -> None:
    flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(name, flags, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ENXIO and _is_fifo(folder, name):
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=folder)
        return
    try:
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            os.write(descriptor, b"\0")
    except OSError:
        # The pipe is full: it was woken already.
        return
    finally:
        os.close(descriptor)


def _is_fifo(folder: int, name: str) -> bool:
    try:
        return stat.S_ISFIFO(os.lstat(name, dir_fd=folder).st_mode)
    except OSError:
        return False


class Waiter:
    """A process that waits for mail of one agent, or of everybody.

    :param path: the directory of the FIFOs.
    :param agent_id: whose mail; :data:`EVERYBODY` for all.
    :param version: gives a number that is another one after every commit of somebody else
        (``PRAGMA data_version``).
    :ivar fifo: whether it is woken by a FIFO; else it looks often.
    """

    def __init__(self, path: str, agent_id: str, version: Callable[[], int]) -> None:
        self._path = path
        self._agent_id = agent_id
        self._version = version
        self._seen: int | None = None
        self._descriptor: int | None = None
        self._name: str | None = None
        self.fifo = False

    def __enter__(self) -> Waiter:
        self._seen = self._version()
        with contextlib.suppress(OSError, AttributeError, NotImplementedError):
            self._make()
            self.fifo = True
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def wait(self, deadline: float | None) -> bool:
        """Block until something was committed or somebody wakes this process.

        :param deadline: ``time.monotonic()`` at which it gives up; None: never.
        :returns: False at the deadline.
        """
        while True:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return False
            pause = LOOK if self.fifo else LOOK_OFTEN
            woken = self._block(pause if left is None else min(pause, left))
            version = self._version()
            changed, self._seen = version != self._seen, version
            if woken or changed:
                return True

    def close(self) -> None:
        """Remove the FIFO; closing twice is allowed."""
        if self._name is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._name)
            self._name = None
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        self.fifo = False

    def _make(self) -> None:
        _make_directory(self._path)
        with contextlib.suppress(OSError):
            _sweep(self._path)
        random = os.urandom(6).hex()
        final = os.path.join(self._path, f"{self._agent_id}.{os.getpid()}.{random}")
        hidden = os.path.join(self._path, f".{random}")
        os.mkfifo(hidden, 0o600)
        try:
            # Both ends are open here, so that it never reads the end of the file.
            self._descriptor = os.open(hidden, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            os.rename(hidden, final)
        except OSError:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None
            os.unlink(hidden)
            raise
        self._name = final

    def _block(self, seconds: float) -> bool:
        if self._descriptor is None:
            time.sleep(seconds)
            return False
        if not _is_readable(self._descriptor, seconds):
            return False
        with contextlib.suppress(BlockingIOError):
            while len(os.read(self._descriptor, 4096)) == 4096:
                pass
        return True


def _is_readable(descriptor: int, seconds: float) -> bool:
    """Wait until there is something to read; also where a process has very many files open."""
    import select

    if hasattr(select, "poll"):
        waiting = select.poll()
        waiting.register(descriptor, select.POLLIN)
        # Rounded up, or a wait for less than a millisecond would be none.
        return bool(waiting.poll(int(seconds * 1000) + 1))
    ready, _, _ = select.select([descriptor], [], [], seconds)
    return bool(ready)


def _sweep(path: str) -> None:
    """Remove what waiters left that were killed before they had their name."""
    for name in os.listdir(path):
        hidden = os.path.join(path, name)
        found = os.lstat(hidden)
        old = time.time() - found.st_mtime > STALE
        if name.startswith(".") and stat.S_ISFIFO(found.st_mode) and old:
            os.unlink(hidden)


def _make_directory(path: str) -> None:
    """Make the directory, for its owner alone; nothing that is a link is used.

    :raises OSError: it cannot be made, or is not one.
    """
    for one in (os.path.dirname(path), path):
        with contextlib.suppress(FileExistsError):
            os.mkdir(one, 0o700)
        found = os.lstat(one)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise OSError(errno.ENOTDIR, "not a directory of this user", one)
    if stat.S_IMODE(found.st_mode) & 0o077:
        os.chmod(path, 0o700)
