"""The ways CLEO reads and writes small files: bounded, private, all or nothing."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import BinaryIO

from cleo_core.errors import CleoError, shortened
from cleo_core.paths.homes import check_test_root

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
#: What file systems without hard links say.
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)


def read_bounded(path: str, limit: int, *, follow: bool = True) -> bytes:
    """The first ``limit`` bytes of a regular file, and one more if it is longer.

    :param follow: whether a symbolic link is followed.
    :raises OSError: it cannot be read.
    :raises ValueError: it is no regular file.
    :raises CleoError: ``E_TEST_ROOT``.
    """
    check_test_root(path)
    # Without O_NONBLOCK a named pipe of that name would hang the command.
    flags = os.O_RDONLY | _NONBLOCK | _BINARY | _CLOEXEC | (0 if follow else _NOFOLLOW)
    descriptor = os.open(path, flags)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("not a regular file")
        parts: list[bytes] = []
        missing = limit + 1
        while missing > 0 and (part := os.read(descriptor, missing)):
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def ensure_directory(path: str) -> None:
    """Make a directory and its missing parents, each 0700; one that is there stays as it is.

    :raises CleoError: ``E_TEST_ROOT``, ``E_PERMISSION_FS``, ``E_DISK_FULL`` or ``E_IO``.
    """
    check_test_root(path)
    try:
        _make_directories(path)
    except OSError as error:
        raise file_error(error, path) from error


def atomic_write(path: str, data: bytes, mode: int = 0o600) -> None:
    """Give a file a new content: after a kill or a full disk it holds all of one or of the other.

    The directory must exist. A temporary ``.<name>.<random>.tmp`` may stay behind after a kill.

    :raises CleoError: ``E_TEST_ROOT``; ``E_IO`` when the path is a symbolic link or the system
        refuses; ``E_PERMISSION_FS``; ``E_DISK_FULL``.
    """
    temporary = _temporary_for(path)
    try:
        try:
            _write_new(temporary, data, mode)
            os.replace(temporary, path)
        except BaseException:
            _unlink_quietly(temporary)
            raise
        sync_directory(os.path.dirname(path))
    except OSError as error:
        raise file_error(error, path) from error


@contextmanager
def atomic_file(path: str, mode: int = 0o600) -> Iterator[BinaryIO]:
    """A file to write piece by piece that gets its name only when the block ends well.

    What :func:`atomic_write` promises holds here too. Its temporary,
    ``.<name>.part.<random>.tmp``, is locked while its writer lives; one that a kill left behind is
    removed when the same file is next written so.

    :raises CleoError: as there.
    """
    temporary = _temporary_for(path, ".part")
    try:
        _remove_left_parts(path)
        descriptor = _make_locked(temporary, mode)
        # A copy of the descriptor keeps the lock until the file has its name.
        lock = os.dup(descriptor)
        try:
            with open(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if os.name == "nt":
                os.close(lock)
                lock = -1
            os.replace(temporary, path)
        except BaseException:
            _unlink_quietly(temporary)
            raise
        finally:
            if lock >= 0:
                os.close(lock)
        sync_directory(os.path.dirname(path))
    except OSError as error:
        raise file_error(error, path) from error


def append_line(path: str, line: bytes, *, sync: bool) -> None:
    """Add one line (its newline included) with one write to a file of mode 0600.

    :param sync: wait until the line, and a new file's name, are on the disk.
    :raises OSError: the system refuses.
    :raises CleoError: ``E_TEST_ROOT``.
    """
    check_test_root(path)
    existed = os.path.lexists(path)
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | _NOFOLLOW | _NONBLOCK | _BINARY | _CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        # A line cut by a full disk or a power failure must not swallow this one.
        if not _ends_with_newline(descriptor):
            line = b"\n" + line
        if os.write(descriptor, line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        if sync:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if sync and not existed:
        sync_directory(os.path.dirname(path))


def give_name(
    temporary: str, path: str, locked: Callable[[], AbstractContextManager[None]] = nullcontext
) -> bool:
    """Give a finished file a name that nothing has; no file that is there is ever replaced.

    :param locked: makes the lock that keeps others off the name where the file system has no hard
        links, which alone cannot replace anything; by default the caller holds it.
    :returns: False, the name is taken.
    :raises OSError: the system refuses.
    """
    try:
        if os.name == "nt":
            os.rename(temporary, path)
        else:
            os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        with locked():
            if os.path.lexists(path):
                return False
            os.rename(temporary, path)
    return True


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of some bytes, however few of them the system takes at once.

    :raises OSError: the system refuses.
    """
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def sync_directory(path: str) -> None:
    """Wait until the names in a directory are on the disk, where the system can do that."""
    if os.name == "nt":
        return
    descriptor = os.open(path or ".", os.O_RDONLY | _CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot sync a directory; they have no later moment to offer.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def file_error(error: OSError, path: str) -> CleoError:
    """The operating system's refusal as ``E_DISK_FULL``, ``E_PERMISSION_FS`` or ``E_IO``."""
    reason = error.strerror or str(error)
    directory = quoted(os.path.dirname(path) or ".")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        code, fix = "E_DISK_FULL", f"df -h {directory}"
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        code, fix = "E_PERMISSION_FS", f"ls -ld {directory} {quoted(path)}"
    elif error.errno == errno.ENAMETOOLONG:
        code, fix, path = "E_IO", "the same command with a shorter name", shortened(path)
    else:
        code, fix = "E_IO", f"ls -ld {directory} {quoted(path)}"
    return CleoError(code, f"{path}: {reason}.", fix=fix, details={"path": path})


def quoted(path: str) -> str:
    """A path as one word of a shell command."""
    from shlex import quote

    return quote(path)


def _make_directories(path: str) -> None:
    if os.path.isdir(path):
        return
    parent = os.path.dirname(path)
    if parent not in ("", path):
        _make_directories(parent)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        # Another process was faster, or the name belongs to something else.
        if not os.path.isdir(path):
            raise


def _temporary_for(path: str, kind: str = "") -> str:
    check_test_root(path)
    if os.path.islink(path):
        raise CleoError(
            "E_IO",
            f"{path} is a symbolic link; CLEO does not replace links.",
            fix=f"ls -l {quoted(path)}",
            details={"path": path},
        )
    directory, name = os.path.split(path)
    return os.path.join(directory, f".{name}{kind}.{os.urandom(6).hex()}.tmp")


def _make_new(path: str, mode: int) -> int:
    """A descriptor of a file that was not there, of exactly this mode."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | _BINARY | _CLOEXEC
    descriptor = os.open(path, flags, mode)
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, mode)
    return descriptor


def _make_locked(path: str, mode: int) -> int:
    """The same, locked where the system can, so that others see that somebody writes it."""
    while True:
        descriptor = _make_new(path, mode)
        try:
            # Between making and locking it, another process may have taken it for left behind.
            if not _lock(descriptor) or os.fstat(descriptor).st_nlink:
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _remove_left_parts(path: str) -> None:
    """Remove the temporaries of a file whose writer was killed: those that nobody has locked."""
    directory, name = os.path.split(path)
    left = re.compile(re.escape(f".{name}.part.") + r"[0-9a-f]{12}\.tmp")
    try:
        found = [one for one in os.listdir(directory or os.curdir) if left.fullmatch(one)]
    except OSError:
        return
    for one in found:
        temporary = os.path.join(directory, one)
        try:
            descriptor = os.open(temporary, os.O_RDWR | _NOFOLLOW | _NONBLOCK | _CLOEXEC)
        except OSError:
            continue
        try:
            if (
                stat.S_ISREG(os.fstat(descriptor).st_mode)
                and _lock(descriptor, wait=False)
                # Who lost its file to another process has made a new one of that name.
                and _is_named(descriptor, temporary)
            ):
                _unlink_quietly(temporary)
        finally:
            os.close(descriptor)


def _is_named(descriptor: int, path: str) -> bool:
    """Whether an open file is the one of that name."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except OSError:
        return False


def _lock(descriptor: int, *, wait: bool = True) -> bool:
    """Lock an open file; False where somebody else has, or the system knows no such locks."""
    try:
        import fcntl
    except ImportError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


def _write_new(path: str, data: bytes, mode: int) -> None:
    descriptor = _make_new(path, mode)
    try:
        write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unlink_quietly(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        # The first error is the one to show.
        return


def _ends_with_newline(descriptor: int) -> bool:
    size = os.lseek(descriptor, 0, os.SEEK_END)
    if size == 0:
        return True
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1) == b"\n"
