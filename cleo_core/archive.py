"""Putting rows away before they are deleted, for every store that prunes its records.

An archive is a gzip'd file of JSON lines that is on the disk, read back and counted before the
first row goes; whatever fails before that leaves the rows where they are.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cleo_core.errors import CleoError
from cleo_core.locks import locked
from cleo_core.paths import check_test_root, ensure_directory
from cleo_core.paths.files import file_error, give_name, sync_directory

#: Below a tier directory.
FOLDER = ("backups", "logs")


def archive_and_delete(
    directory: str,
    name: str,
    rows: Iterable[Mapping[str, Any]],
    delete: Callable[[], int],
    *,
    expected: int,
) -> str:
    """Write rows to a new file of their own, prove that it holds them, then delete them.

    :param directory: the tier directory; the file is
        ``backups/logs/<name>-<n>.jsonl.gz`` with the first free number.
    :param rows: JSON-ready mappings, one line each.
    :param delete: removes exactly these rows in one unit; returns how many it removed, or raises.
    :param expected: how many rows there are.
    :returns: the file's path.
    :raises CleoError: ``E_ARCHIVE_FAILED``; the rows are kept. ``details.path`` names a complete
        archive, where it was the deletion that failed; ``details.cause`` the code of what did.
    """
    folder = os.path.join(directory, *FOLDER)
    path = None
    try:
        ensure_directory(folder)
        path = _written(directory, folder, name, rows, expected)
        deleted = delete()
        if deleted != expected:
            raise CleoError(
                "E_ARCHIVE_FAILED", f"{expected} rows were archived and {deleted} deleted"
            )
    except (OSError, EOFError, ValueError, zlib.error, CleoError) as error:
        known = file_error(error, folder) if isinstance(error, OSError) else error
        raise CleoError(
            "E_ARCHIVE_FAILED",
            f"Nothing was pruned: {str(known).rstrip('.')}.",
            fix=known.fix if isinstance(known, CleoError) else None,
            details={
                "path": path,
                "folder": folder,
                "cause": known.code if isinstance(known, CleoError) else None,
            },
        ) from error
    return path


def _written(
    directory: str, folder: str, name: str, rows: Iterable[Mapping[str, Any]], expected: int
) -> str:
    """A complete archive under a name that none had; only complete ones ever have a name."""
    partial = os.path.join(folder, f".{name}.{os.urandom(6).hex()}.partial")
    check_test_root(partial)
    try:
        count, digest = _fill(partial, rows)
        found = _examined(partial)
        if (count, digest) != found or count != expected:
            raise CleoError(
                "E_ARCHIVE_FAILED",
                f"{expected} rows were to be archived, {count} were written and {found[0]} "
                "could be read back",
            )
        path = _published(partial, directory, folder, name)
    finally:
        if os.path.lexists(partial):
            os.unlink(partial)
    sync_directory(folder)
    return path


def _fill(path: str, rows: Iterable[Mapping[str, Any]]) -> tuple[int, str]:
    """Write and sync the rows; their number and the SHA-256 of their text."""
    digest, count = hashlib.sha256(), 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
            for row in rows:
                line = json.dumps(row, ensure_ascii=False).encode() + b"\n"
                packed.write(line)
                digest.update(line)
                count += 1
        file.flush()
        os.fsync(file.fileno())
    return count, digest.hexdigest()


def _examined(path: str) -> tuple[int, str]:
    digest, count = hashlib.sha256(), 0
    with gzip.open(path, "rb") as packed:
        for line in packed:
            json.loads(line)
            digest.update(line)
            count += 1
    return count, digest.hexdigest()


def _published(partial: str, directory: str, folder: str, name: str) -> str:
    """Give the file the first free name; no file that is there is ever replaced."""
    number = 0
    while True:
        number += 1
        path = os.path.join(folder, f"{name}-{number}.jsonl.gz")
        if give_name(partial, path, lambda: locked(directory, "backups")):
            return path
