"""What holds for every run of this repository's tests."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

# Where Python is told to keep no bytecode, as in many containers, each of the many processes that
# the tests start would compile all of CLEO anew, and every run all of the tests.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Started in the background of a shell, tests ignore interrupts, and so would what they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

#: A file system in memory, and the free bytes with which all that the tests write fits.
MEMORY = Path("/dev/shm")  # noqa: S108 # pytest makes a private directory in it
ENOUGH = 3 << 30

# Every commit of the many databases waits for the disk, which takes longer than all the rest. What
# a process that was killed leaves behind is the same on any file system.
if (
    MEMORY.is_dir()
    and os.access(MEMORY, os.W_OK | os.X_OK)
    and shutil.disk_usage(MEMORY).free >= ENOUGH
):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

# How long an example takes says more about the machine than about the code. The suite tries the
# same examples each time, so that a change fails by its own doing; --hypothesis-profile=search
# looks for new ones.
settings.register_profile(
    "cleo",
    deadline=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "search", settings.get_profile("cleo"), derandomize=False, max_examples=500
)
settings.load_profile("cleo")


def pytest_collection_finish() -> None:
    """Leave what is there for the whole run out of every search for garbage."""
    gc.collect()
    gc.freeze()
