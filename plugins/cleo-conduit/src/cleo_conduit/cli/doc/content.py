"""The content of a document, as a command is given it."""

from __future__ import annotations

import sys

from cleo_conduit.errors import over_limit
from cleo_core.errors import CleoError, UsageError


def read_content(path: str) -> bytes:
    """The bytes of a regular file, or of stdin for ``-``.

    :raises CleoError: 2, it is no regular file; 3, it cannot be read; 98, it is too long.
    """
    from cleo_conduit.service.documents.contents import MOST_BYTES

    data = _stdin(MOST_BYTES) if path == "-" else _file(path, MOST_BYTES)
    if len(data) > MOST_BYTES:
        raise over_limit(
            f"A version has at most {MOST_BYTES} bytes.", "a shorter file", most=MOST_BYTES
        )
    return data


def _stdin(most: int) -> bytes:
    try:
        return sys.stdin.buffer.read(most + 1)
    except OSError as error:
        words = f"standard input: {error.strerror}."
        raise CleoError("E_IO", words, fix="a path of a file") from None


def _file(path: str, most: int) -> bytes:
    from cleo_core.paths.files import file_error, read_bounded

    try:
        return read_bounded(path, most)
    except OSError as error:
        raise file_error(error, path) from None
    except ValueError:
        # A directory, a pipe, a device, or no name that a file can have.
        raise UsageError(f"{path[:200]!r} is no regular file.", fix="a path of a file") from None
