"""The driver's errors in the words of what a user can do about them."""

from __future__ import annotations

import os
from typing import Any

from cleo_core.errors import CleoError, StoreError

#: SQLite's primary result codes (https://www.sqlite.org/rescode.html).
BUSY, LOCKED, READONLY, IOERR, CORRUPT = 5, 6, 8, 10, 11
FULL, CANTOPEN, PROTOCOL, NOTADB = 13, 14, 15, 26


class ReplacedError(StoreError):
    """The path of an open store leads to another file, or to none."""

    def __init__(self, name: str, path: str) -> None:
        super().__init__(
            "E_IO",
            f"{path} was replaced while store {name} was open; nothing was written.",
            details={"store": name, "path": path},
        )


def translate(error: Exception, store: str, path: str) -> Exception:
    """The error a user should see for one of the driver's or the operating system's.

    An error that is a defect of the program (a constraint, a misspelt statement) comes back as
    itself.
    """
    if isinstance(error, CleoError):
        return error
    details = {"store": store, "path": path}
    if isinstance(error, OSError):
        return _translate_os(error, path, details)
    code = primary_code(error)
    words = str(error)
    if code in (BUSY, LOCKED, PROTOCOL):
        return CleoError(
            "E_WRITE_CONTENTION",
            f"Other processes kept store {store} busy for too long; nothing was written.",
            details=details,
        )
    if code == FULL:
        return CleoError(
            "E_DISK_FULL",
            f"No space was left while writing store {store}; nothing was changed.",
            details=details,
        )
    if code in (CORRUPT, NOTADB):
        return damaged(store, path, words)
    if code == IOERR:
        return CleoError("E_IO", f"Reading or writing {path} failed: {words}.", details=details)
    if code in (CANTOPEN, READONLY):
        return CleoError(
            "E_PERMISSION_FS",
            f"{path} cannot be opened for this: {words}.",
            fix=f"ls -la {os.path.dirname(path) or '.'}",
            details=details,
        )
    return error


def damaged(store: str, path: str, words: str) -> StoreError:
    return StoreError(
        "E_STORE_CORRUPT",
        f"Store {store} is damaged: {words}.",
        fix=f"cleo restore latest --store {store}",
        details={"store": store, "path": path},
    )


def _translate_os(error: OSError, path: str, details: dict[str, Any]) -> CleoError:
    import errno

    words = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return CleoError("E_DISK_FULL", f"No space was left for {path}.", details=details)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return CleoError(
            "E_PERMISSION_FS",
            f"{path}: {words}.",
            fix=f"ls -la {os.path.dirname(path) or '.'}",
            details=details,
        )
    return CleoError("E_IO", f"{path}: {words}.", details=details)


def primary_code(error: Exception) -> int:
    """SQLite's primary result code, which is the low byte of the extended one.

    Python before 3.11 and some drivers give no code; the words of the library stand in.
    """
    words = str(error)
    if words == "unsupported file format":
        # The schema format number in the header is none that SQLite writes; the code given is 1.
        return CORRUPT
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(code, int):
        return code & 0xFF
    for text, number in (
        ("locked", BUSY),
        ("readonly", READONLY),
        ("full", FULL),
        ("malformed", CORRUPT),
        ("not a database", NOTADB),
        ("unable to open", CANTOPEN),
        ("disk I/O", IOERR),
    ):
        if text in words:
            return number
    return 1
