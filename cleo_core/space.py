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
    size = sum(size_with_log(file) for file in files)
    if size:
        require_free(directory, size * percent // 100, purpose=purpose)


def require_free(directory: str, needed: int, *, purpose: str) -> None:
    """Refuse to begin where fewer bytes are free than are needed.

    :param purpose: what needs them, as the subject of a sentence.
    :raises CleoError: ``E_NO_SPACE``.
    """
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise CleoError(
            "E_NO_SPACE",
            f"{purpose} needs {needed} bytes in {directory}; {free} are free. Nothing was changed.",
            details={"path": directory, "needed": needed, "free": free},
        )


def size_with_log(path: str) -> int:
    """Bytes of a database file and its write-ahead log; what is missing counts 0."""
    return _size(path) + _size(path + "-wal")


def _size(path: str) -> int:
    # Not after asking whether it exists: the last connection to close removes the log.
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0
