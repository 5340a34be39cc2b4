"""New files beside the ones that they will replace."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress

from cleo_core.backup_sets import BackupSet
from cleo_core.errors import CleoError
from cleo_core.paths import check_test_root, ensure_directory, file_error
from cleo_core.paths.files import sync_directory, write_all
from cleo_core.pending_restore import Replacement, temporary_name
from cleo_core.progress import Progress
from cleo_core.restore.checking import corrupt
from cleo_core.restore.planning import Planned

_BLOCK = 1 << 20


def stage(
    source: BackupSet, items: Sequence[Planned], progress: Progress | None
) -> list[Replacement]:
    """Copy every item beside its target, on the disk and checked once more.

    :param progress: called with (item, bytes copied, bytes in all).
    :raises CleoError: ``E_BACKUP_CORRUPT``, a copy changed meanwhile; ``E_DISK_FULL``,
        ``E_PERMISSION_FS``, ``E_IO``. Nothing is left then.
    """
    made: list[Replacement] = []
    try:
        for one in items:
            ensure_directory(os.path.dirname(one.target))
            made.append(_staged(source, one, progress))
        for folder in dict.fromkeys(os.path.dirname(one.target) for one in items):
            sync_directory(folder)
    except BaseException as error:
        unstage(items, made)
        if isinstance(error, OSError):
            raise file_error(error, str(error.filename or source.path)) from error
        raise
    return made


def unstage(items: Sequence[Planned], made: Sequence[Replacement]) -> None:
    """Remove what :func:`stage` made."""
    for one, replacement in zip(items, made, strict=False):
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(os.path.dirname(one.target), replacement.temporary))


def _staged(source: BackupSet, one: Planned, progress: Progress | None) -> Replacement:
    folder, file = os.path.split(one.target)
    name = temporary_name(file)
    path = os.path.join(folder, name)
    check_test_root(path)
    expected = int(one.item["bytes"])
    digest, size = hashlib.sha256(), 0
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    reading = os.open(one.copy, flags | getattr(os, "O_NONBLOCK", 0))
    try:
        writing = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600
        )
        try:
            while size <= expected and (block := os.read(reading, _BLOCK)):
                write_all(writing, block)
                digest.update(block)
                size += len(block)
                if progress is not None:
                    progress(one.name, size, expected)
            os.fsync(writing)
            inode = os.fstat(writing).st_ino
        finally:
            os.close(writing)
        if (size, digest.hexdigest()) != (expected, one.item["sha256"]):
            raise corrupt(source, f"{one.item['file']} changed while it was read")
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(path)
        raise
    finally:
        os.close(reading)
    return Replacement(one.name, one.kind, file, name, str(one.item["sha256"]), inode)


def refused(error: CleoError) -> CleoError:
    """What failed before anything was replaced, as the refusal of the restore."""
    return CleoError(
        "E_RESTORE_REFUSED",
        f"{error.message.rstrip('.')}; nothing was restored, and every file is as it was.",
        fix=error.fix,
        details={**error.details, "cause": error.code},
    )
