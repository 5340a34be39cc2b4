"""Private directories for what leaves or enters a bundle, gone when the block ends."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from cleo_core.locks import locked
from cleo_core.paths import check_test_root, ensure_directory, file_error

#: Held in a tier directory while a bundle is made of it or imported into it.
LOCK = "bundle"
_LEFT = re.compile(r"\.bundle(-trial)?\.[0-9a-f]{12}\.tmp")
#: Seconds after which the directory of a dry run, which takes no lock, is nobody's.
_STALE = 86400.0


@contextmanager
def staged(directories: Sequence[str], *, trial: bool = False) -> Iterator[list[str]]:
    """A directory of mode 0700 within each of some tier directories, and so on its file system.

    One process at a time works with bundles in a tier, so that what a killed one left, which may
    be the plain text of an encrypted bundle, is removed by the next.

    :param trial: take no lock and make no other directory.
    :raises CleoError: ``E_LOCK_TIMEOUT``; what the file system refuses.
    """
    with ExitStack() as stack:
        if not trial:
            for directory in directories:
                ensure_directory(directory)
                stack.enter_context(locked(directory, LOCK))
                _sweep(directory)
        yield [stack.enter_context(_made(directory, trial)) for directory in directories]


@contextmanager
def _made(directory: str, trial: bool) -> Iterator[str]:
    while trial and not os.path.isdir(directory):
        directory = os.path.dirname(directory)
    kind = ".bundle-trial" if trial else ".bundle"
    path = os.path.join(directory, f"{kind}.{os.urandom(6).hex()}.tmp")
    check_test_root(path)
    try:
        os.mkdir(path, 0o700)
    except OSError as error:
        raise file_error(error, path) from error
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _sweep(directory: str) -> None:
    for name in os.listdir(directory):
        path = os.path.join(directory, name)
        left = _LEFT.fullmatch(name)
        if left is None or os.path.islink(path) or not os.path.isdir(path):
            continue
        if left[1] is None or time.time() - os.lstat(path).st_mtime > _STALE:
            shutil.rmtree(path, ignore_errors=True)
