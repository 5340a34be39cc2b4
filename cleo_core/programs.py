"""Running other programs: argument lists, an end in time, no shell and no prompt."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from subprocess import Popen

#: Bytes of what a program said that are read back.
_MOST = 1 << 26
#: Seconds that a program has to end when it is told to.
_GRACE = 2.0
#: Characters of it that people are shown.
_SHOWN = 2000
#: Schemes of git-clone(1) whose user is a name and no secret.
_BY_SSH = ("ssh", "git+ssh", "ssh+git")


class Finished(NamedTuple):
    """How a program ended.

    :ivar code: its exit code, minus the signal that ended it; None where it was ended for taking
        too long, or could not be started.
    :ivar out: what it wrote to stdout.
    :ivar err: what it wrote to stderr, or why it could not be started.
    :ivar started: whether it could be.
    """

    code: int | None
    out: bytes
    err: bytes
    started: bool = True

    @property
    def end(self) -> str:
        """How it ended, in words that follow its name."""
        if self.code is not None:
            return f"ended with {self.code}"
        return "took too long" if self.started else "could not be started"

    @property
    def words(self) -> str:
        """The end of what it said, as text without passwords."""
        parts = [part.decode("utf-8", "replace").strip() for part in (self.err, self.out)]
        return without_passwords("\n".join(part for part in parts if part))[-_SHOWN:]


def run(
    argv: Sequence[str],
    *,
    cwd: str,
    env: Mapping[str, str],
    timeout: float,
    input: bytes = b"",
    holds: int | None = None,
) -> Finished:
    """Run a program to its end, or for so many seconds.

    When it takes longer, or when the call is interrupted, it is ended with all that it started.

    :param env: all of its environment.
    :param input: what it reads from stdin.
    :param holds: a descriptor that it and what it starts keep open.
    """
    import subprocess
    import tempfile

    # Files, since a daemon that the program leaves behind would keep pipes open.
    with contextlib.ExitStack() as files:
        more: dict[str, Any] = {} if holds is None else {"pass_fds": (holds,)}
        try:
            stdin, out, err = (files.enter_context(tempfile.TemporaryFile()) for _ in range(3))
            stdin.write(input)
            stdin.seek(0)
            process = subprocess.Popen(
                list(argv),
                cwd=cwd,
                env=dict(env),
                stdin=stdin,
                stdout=out,
                stderr=err,
                start_new_session=True,
                **more,
            )
        except (OSError, ValueError) as error:
            return Finished(None, b"", _reason(error).encode("utf-8", "replace"), started=False)
        code: int | None = None
        try:
            code = _wait(process, timeout)
        except subprocess.TimeoutExpired:
            _end(process)
        except BaseException:
            _end(process)
            raise
        late = b"" if code is not None else f"\nIt was ended after {timeout:g} seconds.".encode()
        return Finished(code, _read(out), _read(err) + late)


def without_passwords(text: str) -> str:
    """A text whose URLs name no password, and no user but the one that SSH logs in as."""
    import re

    def masked(found: re.Match[str]) -> str:
        is_name = found[1].lower() in _BY_SSH and ":" not in found[2]
        return found[0] if is_name else f"{found[1]}://***@"

    return re.sub(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/\s]*)@", masked, text)


def _wait(process: Popen[bytes], timeout: float) -> int:
    """Wait for a program to end; where Linux tells of it, without looking again and again.

    :raises TimeoutExpired: it takes longer.
    """
    if sys.platform == "linux":
        import select

        try:
            descriptor = os.pidfd_open(process.pid)
        except OSError:
            # Old kernels and some sandboxes have no such call.
            return process.wait(timeout)
        try:
            poller = select.poll()
            poller.register(descriptor, select.POLLIN)
            ended = poller.poll(timeout * 1000)
        finally:
            os.close(descriptor)
        return process.wait(None if ended else 0)
    return process.wait(timeout)


def _end(process: Popen[bytes]) -> None:
    """End a program and what it started: politely, so that git takes its locks away, then not."""
    import subprocess

    try:
        _signal(process, "SIGTERM")
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
    finally:
        # Though the wait be interrupted too.
        _signal(process, "SIGKILL")
        process.wait()


def _signal(process: Popen[bytes], name: str) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, getattr(signal, name))
        else:
            process.kill()


def _read(file: Any) -> bytes:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _MOST))
    found: bytes = file.read(_MOST)
    return found


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
