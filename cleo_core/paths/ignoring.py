"""The ignore file of a project directory, which keeps git off the data."""

from __future__ import annotations

import os

from cleo_core.paths.files import atomic_write

BLOCK_BEGIN = "# >>> managed by cleo: do not edit between these lines"
BLOCK_END = "# <<< managed by cleo"
#: Ignore everything, let the ignore file and decisions through, then ignore what must never be
#: tracked once more, because a later re-include would win over a parent's rule.
IGNORE_BLOCK = "\n".join(
    (
        BLOCK_BEGIN,
        "*",
        "!.gitignore",
        "!adrs/",
        "!adrs/**",
        "*.db",
        "*.db-wal",
        "*.db-shm",
        "*.db-journal",
        "*.key",
        "*.salt",
        "*.tmp",
        "*.partial",
        BLOCK_END,
        "",
    )
)


def block_is_missing(directory: str) -> bool:
    """Whether a project directory's ignore file lacks the managed block or has another.

    :raises OSError: the file is there and cannot be read.
    """
    present = _present(directory)
    return with_managed_block(present) != present


def write_block(directory: str) -> None:
    """Write the managed block; the lines of others are kept above it.

    :raises OSError: the file is there and cannot be read.
    :raises CleoError: it cannot be written.
    """
    wanted = with_managed_block(_present(directory))
    atomic_write(_path(directory), wanted.encode("utf-8", "surrogateescape"), 0o644)


def with_managed_block(text: str) -> str:
    """An ignore file's text with the managed block at its end, other lines kept above it."""
    head, _, rest = text.partition(BLOCK_BEGIN)
    managed, end, tail = rest.partition(BLOCK_END)
    if not end:
        # Somebody removed the last line: what is not ours stays.
        ours = IGNORE_BLOCK.splitlines()
        tail = "\n".join(line for line in managed.splitlines() if line not in ours)
    tail = tail.lstrip("\n")
    own = head + tail
    if own and not own.endswith("\n"):
        own += "\n"
    return own + IGNORE_BLOCK


def _path(directory: str) -> str:
    return os.path.join(directory, ".gitignore")


def _present(directory: str) -> str:
    try:
        with open(_path(directory), encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except FileNotFoundError:
        return ""
