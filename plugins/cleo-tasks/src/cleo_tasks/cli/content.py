"""The bytes of a file that somebody names, or of stdin."""

from __future__ import annotations

import sys

from cleo_core.errors import CleoError, UsageError


def read_content(path: str, most: int) -> bytes:
    """The bytes of a regular file, or of stdin for ``-``.

    :param most: bytes at most; one more is read, by which the caller sees that it is too long.
    :raises CleoError: 2 it is no regular file; 3 it cannot be read.
    """
    if path == "-":
        try:
            return sys.stdin.buffer.read(most + 1)
        except OSError as error:
            words = f"standard input: {error.strerror}."
            raise CleoError("E_IO", words, fix="a path of a file") from None
    from cleo_core.paths.files import file_error, read_bounded

    try:
        return read_bounded(path, most)
    except OSError as error:
        raise file_error(error, path) from None
    except ValueError:
        # A directory, a pipe, a device, or no name that a file can have.
        raise UsageError(f"{path[:200]!r} is no regular file.", fix="a path of a file") from None
