"""Copies of small files that are no databases: declared ones, the marker, settings."""

from __future__ import annotations

import json
import os
from typing import Any

from cleo_core.backup.inventory import LARGEST_FILE, Item
from cleo_core.database import translate
from cleo_core.errors import CleoError
from cleo_core.hashing import sha256
from cleo_core.paths import check_test_root, read_bounded
from cleo_core.paths.files import write_all


def copied_file(item: Item, target: str) -> dict[str, Any]:
    """Copy a file into a new one, of mode 0600, that is on the disk and read back.

    :returns: the copy's item in a manifest: name, kind, store where a plugin declares it, file,
        bytes, sha256.
    :raises CleoError: ``E_BACKUP_FAILED``; nothing is left at ``target``. ``details.cause`` is the
        code of what failed.
    """
    check_test_root(target)
    try:
        # Settings may be a link into a collection of such files; where a link to a secret or a
        # marker leads, nobody knows.
        content = read_bounded(item.path, LARGEST_FILE, follow=item.kind == "config")
        fault = file_fault(item.kind, content, item.declared.size if item.declared else None)
        if fault:
            raise _failed(item, fault)
        _write(target, content)
    except (OSError, ValueError) as error:
        known = translate(error, item.name, item.path)
        code = known.code if isinstance(known, CleoError) else None
        raise _failed(item, str(known), code, getattr(known, "fix", None)) from error
    return {
        "name": item.name,
        "kind": item.kind,
        **({"store": item.spec.name} if item.spec else {}),
        "file": os.path.basename(target),
        "bytes": len(content),
        "sha256": sha256(content),
    }


def file_fault(kind: str, content: bytes, size: int | None) -> str:
    """Why a file's content cannot be what it ought to be, in words; else nothing.

    :param size: the bytes that it must have, if any.
    """
    if len(content) > LARGEST_FILE:
        return f"it has more than {LARGEST_FILE} bytes"
    if size is not None and len(content) != size:
        return f"it has {len(content)} bytes instead of {size}"
    if kind in ("marker", "config"):
        try:
            if isinstance(json.loads(content), dict):
                return ""
        except (ValueError, RecursionError):
            pass
        return "it holds no JSON object"
    return ""


def _write(target: str, content: bytes) -> None:
    descriptor = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "rb+", buffering=0) as file:
            write_all(descriptor, content)
            os.fsync(file.fileno())
            file.seek(0)
            if file.read() != content:
                raise OSError("what was read back is not what was written")
    except BaseException:
        os.unlink(target)
        raise


def _failed(item: Item, reason: str, cause: str | None = None, fix: str | None = None) -> CleoError:
    return CleoError(
        "E_BACKUP_FAILED",
        f"{item.path} could not be copied: {reason.rstrip('.')}.",
        fix=fix,
        details={"path": item.path, "cause": cause},
    )
