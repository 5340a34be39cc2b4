"""Step 8 and its way back: the older file under another name, and nothing ever replaced."""

from __future__ import annotations

import os

from cleo_core.errors import ValidationError
from cleo_core.paths import check_test_root
from cleo_core.paths.files import file_error, give_name, quoted, sync_directory
from cleo_signaldock.service.legacy.copying import SIDECARS

_SUFFIX = ".pre-t310.bak"


def free_name(path: str) -> str:
    """The backup's name; numbered where an earlier backup has it."""
    name, number = path + _SUFFIX, 2
    while any(os.path.lexists(name + part) for part in ("", *SIDECARS)):
        name, number = f"{path}.pre-t310.{number}.bak", number + 1
    return name


def move(path: str, target: str) -> None:
    """Give a database and its sidecars another name; doing it again after a kill ends the same.

    :raises ValidationError: 6, another file has the name.
    """
    # The log goes first: a database is nowhere without it under the name that is used.
    try:
        for part in (*SIDECARS, ""):
            _move(path + part, target + part)
        sync_directory(os.path.dirname(path))
    except OSError as error:
        raise file_error(error, path) from error


def _move(path: str, target: str) -> None:
    check_test_root(target)
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return
    if not give_name(path, target) and not os.path.samestat(status, os.lstat(target)):
        raise ValidationError(
            f"{target} is there already, and is not replaced.",
            fix=f"ls -l {quoted(target)}",
            path=target,
        )
    if os.path.lexists(path):
        os.unlink(path)
