"""Step 2: a copy of the older file, which is all that is read from then on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from cleo_core.database.foreign import copy_whole, of_copy
from cleo_core.errors import CleoError, StoreError
from cleo_core.paths import ensure_directory
from cleo_core.paths.files import file_error
from cleo_signaldock.service.legacy.journal import Journal
from cleo_signaldock.service.legacy.source import Source

#: What belongs to an SQLite database; ``-shm`` holds no data and is passed over in comparisons.
SIDECARS = ("-wal", "-journal", "-shm")
_BLOCK = 1 << 20


def copy(journal: Journal, path: str) -> None:
    """Make the copy where there is none that fits, and write it down.

    :raises StoreError: 53, the file is damaged, or the copy is gone and the file has changed.
    """
    if journal.done("copy"):
        if _hash(journal.copy) == journal.data["sha256"]:
            if journal.done("identity") or hashes(path) == journal.data["source"]:
                return
        elif journal.done("identity") and hashes(path) != journal.data["source"]:
            raise StoreError(
                "E_STORE_CORRUPT",
                f"The copy {journal.copy} is gone or damaged, and {path} is not what was copied.",
                fix="cleo agent migrate-legacy --rollback",
                details={"path": journal.copy},
            )
    ensure_directory(journal.folder)
    journal.drop_copy()
    before = hashes(path)
    copy_whole(path, journal.copy)
    counts = read(journal.copy, {}).counts()
    journal.mark("copy", source=before, sha256=_hash(journal.copy), tables=counts)


def read(path: str, renames: Mapping[str, str]) -> Source:
    """The rows of a copy."""
    with of_copy(path) as found:
        tables: dict[str, list[dict[str, Any]]] = {
            name: list(found.rows(name)) for name in found.tables
        }
    return Source(tables, renames)


def hashes(path: str) -> dict[str, str]:
    """Part of the database, ``-wal`` and the like -> SHA-256; empty parts count for nothing."""
    found = {}
    for part in ("", *SIDECARS[:2]):
        digest = _hash(path + part)
        if digest is not None:
            found[part] = digest
    return found


def _hash(path: str) -> str | None:
    """SHA-256 of a file; None where there is none, or nothing in it."""
    digest, size = hashlib.sha256(), 0
    try:
        with open(path, "rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                size += len(block)
    except FileNotFoundError:
        return None
    except OSError as error:
        failed: CleoError = file_error(error, path)
        raise failed from error
    return digest.hexdigest() if size else None
