"""The process ``cleo``; also ``python -m cleo_core``."""

from __future__ import annotations

# `signal` without the enums that it makes of its numbers: a millisecond of each command.
import _signal as signal  # type: ignore[import-not-found] # typeshed has only the public one

#: An interrupt before the command line is there ends the process at once, without a traceback.
_EARLY = signal.getsignal(signal.SIGINT) is signal.default_int_handler
if _EARLY:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import gc  # noqa: E402 # after the handler, on purpose
import io  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
from typing import Any, NoReturn  # noqa: E402

#: Objects made before the first garbage collection: a daily command ends with fewer.
GC_THRESHOLD = 50_000


def run() -> NoReturn:
    """Run the command line and end the process with its exit code.

    Every store is closed and every stream flushed by then, and nothing of CLEO runs at exit, so the
    interpreter is not taken down object by object: that would take 6 ms of a command's 45.
    """
    gc.set_threshold(GC_THRESHOLD)
    if None in (sys.stdin, sys.stdout, sys.stderr):
        _open_missing_streams()
    if isinstance(sys.stdout.buffer, io.RawIOBase):
        _buffer_stdout()
    try:
        from cleo_core.cli import main

        if _EARLY:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        code = main()
    except KeyboardInterrupt:
        # Before main could answer it.
        code = 130
    if "coverage" in sys.modules:
        sys.exit(code)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = code or 141
    os._exit(code)


def _open_missing_streams() -> None:
    """Put the null device where the caller closed a stream, so that no file gets its number."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        if getattr(sys, name) is None:
            stream = io.TextIOWrapper(io.FileIO(number, mode), "utf-8", "backslashreplace")
            setattr(sys, name, stream)


def _buffer_stdout() -> None:
    """Undo PYTHONUNBUFFERED: without a buffer, what a full disk or pipe did not take is dropped."""
    encoding, errors = sys.stdout.encoding, sys.stdout.errors
    raw: Any = sys.stdout.detach()  # type: ignore[union-attr]
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors)


if __name__ == "__main__":
    run()
