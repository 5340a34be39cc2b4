"""The library that lets disks fail and clocks jump, and the page by which it is steered."""

from __future__ import annotations

import mmap
import os
import shutil
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.c")
_PAGE = struct.Struct("=IIIIq")


def build(folder: Path) -> Path | None:
    """The library, compiled into a folder; None where there is no C compiler or no Linux."""
    compiler = next((word for word in ("cc", "gcc", "clang") if shutil.which(word)), None)
    if compiler is None or not Path("/proc/self/fd").is_dir():
        return None
    target = folder / "shim.so"
    done = subprocess.run(
        [compiler, "-O2", "-fPIC", "-shared", "-o", str(target), str(SOURCE), "-ldl"],
        capture_output=True,
        text=True,
        check=False,
    )
    return target if done.returncode == 0 else None


class Control:
    """What fails, and how far the clock is off, for all processes that preload the library.

    :param path: of the page; it is made where it is missing.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(mmap.PAGESIZE))
        with path.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), 0)

    def set(
        self, *, reads: int = 0, writes: int = 0, syncs: int = 0, full: int = 0, clock_ms: int = 0
    ) -> None:
        """Calls in a million that fail, and milliseconds that the clock is ahead."""
        self._page[: _PAGE.size] = _PAGE.pack(reads, writes, syncs, full, clock_ms)


def environment(library: Path | None, control: Path, root: Path) -> dict[str, str]:
    """Variables with which a process and its children preload the library."""
    if library is None:
        return {}
    return {
        "LD_PRELOAD": str(library),
        "CHAOS_CONTROL": str(control),
        "CHAOS_ROOT": os.path.realpath(root) + os.sep,
    }
