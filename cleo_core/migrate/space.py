"""Whether a directory has room for what is about to be written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable

from cleo_core.errors import CleoError


def require_space(directory: str, files: Iterable[str], *, percent: int, purpose: str) -> None:
    """Refuse to begin where less is free than a share of what some databases take.

    :param files: database files; their write-ahead logs count too, and what is missing counts 0.
    :param percent: the share that must be free.
    :param purpose: what needs it, as the subject of a sentence.
    :raises CleoError: ``E_NO_SPACE``.
    """
    size = sum(_size(file + suffix) for file in files for suffix in ("", "-wal"))
    if not size:
        return
    needed, free = size * percent // 100, shutil.disk_usage(directory).free
    if free < needed:
        raise CleoError(
            "E_NO_SPACE",
            f"{purpose} needs {needed} bytes in {directory}; {free} are free.",
            details={"path": directory, "needed": needed, "free": free},
        )


def _size(path: str) -> int:
    # Not after asking whether it exists: the last connection to close removes the log.
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0
