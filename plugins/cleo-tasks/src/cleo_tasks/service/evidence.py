"""Files of the project that are evidence: where they are and what is in them.

Paths are stored relative to the project's root, with ``/``; a linked git worktree has files of its
own, which are what its agent worked on.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, TypeVar

from cleo_core.errors import ValidationError, echoed, shortened

if TYPE_CHECKING:
    from cleo_core.app import App

T = TypeVar("T")

#: Bytes of a file that are hashed at a time.
_BLOCK = 1 << 20


class NotHashedError(Exception):
    """A unit asks for files that are to be hashed before it: that may take long.

    :ivar paths: relative to the project's root.
    """

    def __init__(self, paths: Collection[str]) -> None:
        super().__init__(f"not hashed yet: {len(paths)} files")
        self.paths = paths


def hashed_before(app: App, attempt: Callable[[Mapping[str, str | None]], T]) -> T:
    """Attempt something with the hashes of files, as often as it asks for further ones.

    What a unit asks for is known only from rows; others may add some before it runs again.

    :param attempt: what is given path -> :func:`recorded_hash` of every file asked for so far.
    """
    known: dict[str, str | None] = {}
    while True:
        try:
            return attempt(known)
        except NotHashedError as error:
            tree = tree_root(app.project.root)
            known |= {path: recorded_hash(tree, path) for path in error.paths}


def tree_root(root: str) -> str:
    """A project's root in the git work tree around the working directory."""
    from cleo_core.paths import find_git_root
    from cleo_core.paths.worktrees import linked_main

    top = find_git_root()
    main = None if top is None else linked_main(top)
    if top is None or main is None or os.path.commonpath([root, main]) != main:
        return root
    return os.path.normpath(os.path.join(top, os.path.relpath(root, main)))


def located(root: str, path: str) -> tuple[str, str]:
    """A regular file of the project: its path relative to the root, and its real path.

    :param path: relative to the root, or absolute inside of it.
    :raises ValidationError: nothing is there, it is no regular file, or it lies, links followed,
        outside of the root.
    """
    text = path.strip()
    if not text or "\0" in text:
        raise ValidationError(f"{echoed(path)} is no path of a file.", fix="a path in the project")
    try:
        real_root = os.path.realpath(root)
        real = os.path.realpath(os.path.join(real_root, text))
        mode = os.stat(real).st_mode
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no path"
        raise ValidationError(
            f"{shortened(text, 400)} cannot be read in {root}: {reason}.",
            fix="a path relative to the project",
        ) from None
    if os.path.commonpath([real, real_root]) != real_root:
        raise ValidationError(
            f"{text} lies outside of the project {root}.", fix="a path relative to the project"
        )
    if not stat.S_ISREG(mode):
        raise ValidationError(f"{text} is no regular file.", fix="a path of a file")
    named = os.path.relpath(os.path.join(real_root, text), real_root)
    if named.startswith(os.pardir):
        # An absolute path that leads into the project through a link elsewhere.
        named = os.path.relpath(real, real_root)
    return named.replace(os.sep, "/"), real


def hashed(root: str, path: str) -> tuple[str, str]:
    """A file's path relative to the root, and the SHA-256 of its content in hexadecimal digits.

    :raises ValidationError: as :func:`located`; it cannot be read.
    """
    named, real = located(root, path)
    try:
        return named, sha256(real)
    except OSError as error:
        raise ValidationError(
            f"{named} cannot be read: {error.strerror}.", fix="a file that can be read"
        ) from None


def recorded_hash(root: str, path: str) -> str | None:
    """The hash of a file as it is now, or None where it is not there to be read any more."""
    try:
        return hashed(root, path)[1]
    except ValidationError:
        return None


def sha256(path: str) -> str:
    """The SHA-256 of a file's content in hexadecimal digits.

    :raises OSError: it cannot be read.
    """
    import hashlib

    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
