"""Cross-process locks: the operating system's, so that a process's death frees them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from cleo_core import clock
from cleo_core.errors import CleoError
from cleo_core.paths import check_test_root, ensure_directory, file_error

#: Seconds a command waits for another process's lock.
LOCK_TIMEOUT = 30.0


@contextmanager
def locked(directory: str, name: str, *, timeout: float = LOCK_TIMEOUT) -> Iterator[None]:
    """Hold ``<directory>/locks/<name>.lock``.

    The file tells people who holds it; the lock itself is the operating system's.

    :param directory: a tier directory.
    :param timeout: seconds to wait.
    :raises CleoError: ``E_LOCK_TIMEOUT`` with the holder's process id, host and command.
    """
    # Imported here: filelock costs 0.4 of an empty command, and ordinary commands take no lock.
    from filelock import FileLock, Timeout

    folder = os.path.join(directory, "locks")
    check_test_root(folder)
    ensure_directory(folder)
    path = os.path.join(folder, f"{name}.lock")
    lock = FileLock(path, mode=0o600)
    try:
        lock.acquire(timeout=timeout)
    except Timeout:
        holder = _holder(path)
        raise CleoError(
            "E_LOCK_TIMEOUT",
            f"The lock {name!r} was held for {timeout:g} seconds by {_describe(holder)}.",
            details={"lock": path, "holder": holder},
        ) from None
    except (OSError, NotImplementedError) as error:
        raise file_error(_as_os_error(error), path) from error
    try:
        _write_holder(path)
        yield
    finally:
        lock.release()


def held(directory: str) -> list[dict[str, object]]:
    """The locks of a tier directory that somebody holds at this moment; none is taken.

    :returns: ``{lock, path}`` and what the holder wrote of itself.
    """
    folder = os.path.join(directory, "locks")
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".lock"))
    except OSError:
        return []
    found = []
    for name in names:
        path = os.path.join(folder, name)
        if _is_held(path):
            found.append({"lock": name.removesuffix(".lock"), "path": path, **_holder(path)})
    return found


def host_name() -> str:
    """This machine's name."""
    if sys.platform != "win32":
        # What gethostname(2) gives, without loading all that sockets need.
        return os.uname().nodename
    import socket

    return socket.gethostname()


def describe_holder(holder: dict[str, object]) -> str:
    """Who holds a lock, in words."""
    return _describe(holder)


def _is_held(path: str) -> bool:
    """Whether another descriptor has the lock that ``filelock`` takes: flock(2) on the file."""
    try:
        import fcntl
    except ImportError:
        # On Windows only taking the lock would tell, and that writes.
        return False
    check_test_root(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        # Shared, and let go at once: whoever waits for the lock tries again soon.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def _as_os_error(error: Exception) -> OSError:
    """filelock says NotImplementedError where the file system knows no locks."""
    return error if isinstance(error, OSError) else OSError(str(error))


def _write_holder(path: str) -> None:
    """Say who holds the lock; the lock itself does not need it, so a full disk is no failure."""
    holder = {
        "pid": os.getpid(),
        "host": host_name(),
        "command": os.path.basename(sys.argv[0]) if sys.argv else "",
        "start": clock.now(),
    }
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0))
        try:
            os.write(descriptor, json.dumps(holder).encode())
        finally:
            os.close(descriptor)
    except OSError:
        return


def _holder(path: str) -> dict[str, object]:
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _describe(holder: dict[str, object]) -> str:
    if not holder:
        return "another process"
    return (
        f"process {holder.get('pid')} on {holder.get('host')} "
        f"({holder.get('command')}, since {holder.get('start')})"
    )
