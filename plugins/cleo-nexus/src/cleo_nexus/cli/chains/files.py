"""The definition of a chain, as a command is given it."""

from __future__ import annotations

import sys

from cleo_core.errors import CleoError, UsageError


def read_file(path: str) -> bytes:
    """The bytes of a regular file, or of stdin for ``-``; one more than a definition may have.

    :raises CleoError: 2, it is no regular file; 3, it cannot be read.
    """
    from cleo_core.paths.files import file_error, read_bounded
    from cleo_nexus.definitions.text import MOST_BYTES

    try:
        if path == "-":
            return sys.stdin.buffer.read(MOST_BYTES + 1)
        return read_bounded(path, MOST_BYTES)
    except OSError as error:
        if path == "-":
            words = f"standard input: {error.strerror}."
            raise CleoError("E_IO", words, fix="cleo chain validate FILE") from None
        raise file_error(error, path) from None
    except ValueError:
        # A directory, a pipe, a device, or no name that a file can have.
        raise UsageError(
            f"{path[:200]!r} is no regular file.", fix="cleo chain validate FILE"
        ) from None
