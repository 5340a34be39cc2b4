"""One process at a time works on the releases of a project, together with what it started.

Two locks, both the operating system's. The runner holds the first, as everybody holds locks here:
whoever finds it taken is refused. The second lies on an open file that git and the bump command
inherit, which no lock of :mod:`cleo_core.locks` does: when a runner is killed, it is held until
they have come to their end too, and the next runner waits for that, so that nobody repeats what
they are still doing.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator

from cleo_core.errors import CleoError
from cleo_core.locks import describe_holder, locked
from cleo_core.paths import file_error

#: Names of the two locks.
RUNNER, PROGRAMS = "release", "release.programs"
#: Seconds to wait for the first lock: whoever looks at it holds it for a moment.
_MOMENT = 0.2
#: Seconds to wait for what a killed runner has started.
PATIENCE = 60.0
_PAUSE = 0.05


@contextlib.contextmanager
def one_runner(directory: str, version: str) -> Iterator[int | None]:
    """Be the only runner of releases.

    :param directory: the project's ``.cleo``.
    :param version: of the release, for the message.
    :returns: the descriptor that programs are to hold; None where the system has no such locks.
    :raises CleoError: ``E_CONCURRENT_MODIFICATION`` (21), another one is at work.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(directory, RUNNER, timeout=_MOMENT))
        except CleoError as error:
            if error.code != "E_LOCK_TIMEOUT":
                raise
            holder = dict(error.details.get("holder") or {})
            message = f"A release is being worked on by {describe_holder(holder)}."
            raise _busy(version, message, error.details) from None
        yield stack.enter_context(_programs(directory, version))


@contextlib.contextmanager
def _programs(directory: str, version: str) -> Iterator[int | None]:
    """Wait for what a killed runner has started, and hold the lock that programs inherit."""
    if sys.platform == "win32":
        yield None
        return
    import fcntl

    path = os.path.join(directory, "locks", f"{PROGRAMS}.lock")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise file_error(error, path) from error
    try:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    message = (
                        "What an interrupted runner of a release has started is still at work."
                    )
                    raise _busy(version, message, {"lock": path}) from None
                time.sleep(_PAUSE)
            except OSError as error:
                raise file_error(error, path) from error
        try:
            yield descriptor
        finally:
            # Explicitly, since a daemon that a hook has left behind may hold the file for ever.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def _busy(version: str, message: str, details: dict[str, object]) -> CleoError:
    return CleoError(
        "E_CONCURRENT_MODIFICATION",
        message,
        fix=f"cleo release show {version}",
        details=details,
    )
