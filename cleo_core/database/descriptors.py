"""Reading a database file without SQLite, in a process that may have it open.

POSIX drops all of a process's locks on a file as soon as the process closes any descriptor of it
(fcntl(2)), those that SQLite took through another one too. The next process to close the database
then believes to be the last one that uses it and removes the log, into which this one goes on to
write: what it acknowledges from then on is lost. ("How To Corrupt An SQLite Database File",
sqlite.org, section 2.2.) A descriptor is therefore kept for as long as a connection of this process
leads to the same file.
"""

from __future__ import annotations

import errno
import os
import stat
from _thread import allocate_lock
from typing import Any

#: Device and inode.
_Key = tuple[int, int]
#: Files to remember before those that are open no longer are forgotten.
_MOST = 64

_connections: dict[_Key, list[Any]] = {}
_kept: dict[_Key, list[int]] = {}
_guard = allocate_lock()
#: Other systems keep the locks of one handle when another is closed, and cannot replace open files.
_NEEDED = os.name == "posix"


def remember(connection: Any, path: str) -> None:
    """Note that a connection, which has read nothing yet, leads to a file."""
    if not _NEEDED:
        return
    try:
        status = os.stat(path)
    except OSError:
        return
    with _guard:
        if len(_connections) >= _MOST:
            for key in list(_connections):
                _is_open(key)
        _connections.setdefault((status.st_dev, status.st_ino), []).append(connection)


def head(path: str, length: int) -> tuple[int, bytes]:
    """Size of a file, and its first bytes.

    :raises OSError: the file cannot be read, or is a directory, pipe or device.
    """
    if _kept:
        status = os.stat(path)
        key = (status.st_dev, status.st_ino)
        with _guard:
            if key in _kept and _is_open(key):
                descriptor = _kept[key][0]
                return os.fstat(descriptor).st_size, os.pread(descriptor, length, 0)
    # Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "Not a regular file", path)
        return status.st_size, os.read(descriptor, length)
    finally:
        _let_go(descriptor)


def _let_go(descriptor: int) -> None:
    """Close a descriptor, or keep it while that would drop somebody's locks."""
    with _guard:
        if _connections:
            status = os.fstat(descriptor)
            key = (status.st_dev, status.st_ino)
            if _is_open(key):
                _kept.setdefault(key, []).append(descriptor)
                return
        os.close(descriptor)


def _is_open(key: _Key) -> bool:
    """Whether a connection leads to a file; what was kept for closed ones is let go."""
    found = [one for one in _connections.get(key, ()) if _is_alive(one)]
    if found:
        _connections[key] = found
        return True
    _connections.pop(key, None)
    for descriptor in _kept.pop(key, ()):
        os.close(descriptor)
    return False


def _is_alive(connection: Any) -> bool:
    try:
        connection.in_transaction  # noqa: B018 # it raises where the connection is closed
    except Exception:
        return False
    return True
