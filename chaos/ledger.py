"""What a process tried and what it was told, one line each, written before and after."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple


class Fact(NamedTuple):
    """Something that must be true of a store from now on.

    :ivar store: whose file.
    :ivar check: name of the statement in :data:`chaos.operations.CHECKS`.
    :ivar values: what it is asked for.
    :ivar project: ``one`` or ``two``; empty for a store of the machine.
    """

    store: str
    check: str
    values: list[Any]
    project: str = "one"


class Ledger:
    """The lines of one process and of those that came before it under its name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def note(self, **line: Any) -> None:
        """Add a line by one system call, so that a kill leaves whole ones."""
        os.write(self._file, json.dumps(line).encode() + b"\n")


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a ledger, oldest first."""
    if path.exists():
        for line in path.read_text().splitlines():
            yield json.loads(line)
