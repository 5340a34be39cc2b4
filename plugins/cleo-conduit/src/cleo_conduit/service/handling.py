"""Giving a message to a program, which may take long, fail, hang or be stopped."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence

from cleo_conduit.records.messages import Claimed
from cleo_core.output import to_json

#: Seconds between two looks whether a program is to end, and from asking it to killing it.
GLANCE = 0.1
GRACE = 5.0


def run_program(
    words: Sequence[str],
    message: Claimed,
    *,
    ends: Callable[[], bool],
    meanwhile: Callable[[], None],
) -> bool:
    """Give a message to a program on its standard input, as JSON.

    It has a process group of its own. When it is to end, all of that is asked to, and killed five
    seconds later. Windows has no such groups: there the program alone is ended, at once.

    :param ends: asked ten times a second whether it is to end.
    :param meanwhile: called as often.
    :returns: whether it ended by itself with 0.
    :raises OSError: the program cannot be run.
    """
    with tempfile.TemporaryFile() as text:
        # A pipe would fill up where the program reads late, and nobody could wait for it then.
        text.write(json.dumps(to_json(message), ensure_ascii=False).encode("utf-8", "replace"))
        text.seek(0)
        process = subprocess.Popen(
            list(words), stdin=text, stdout=subprocess.DEVNULL, start_new_session=True
        )
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(GLANCE) == 0
            if ends():
                _end(process)
                return False
            meanwhile()
    except BaseException:
        _signal(process, "SIGKILL")
        process.wait()
        raise


def _end(process: subprocess.Popen[bytes]) -> None:
    _signal(process, "SIGTERM")
    until = time.monotonic() + GRACE
    while _lives(process):
        if time.monotonic() >= until:
            _signal(process, "SIGKILL")
            break
        time.sleep(GLANCE / 10)
    process.wait()


def _lives(process: subprocess.Popen[bytes]) -> bool:
    """Whether the program, or something that it started, still runs."""
    return process.poll() is None or _signal(process, None)


def _signal(process: subprocess.Popen[bytes], name: str | None) -> bool:
    """Signal a program and what it started.

    :param name: of the signal; None only asks whether there is anything to signal.
    :returns: whether there was.
    """
    if not hasattr(os, "killpg"):
        if name is not None and process.poll() is None:
            process.kill()
        return process.poll() is None
    try:
        os.killpg(process.pid, 0 if name is None else getattr(signal, name))
    except (ProcessLookupError, PermissionError):
        return False
    return True
