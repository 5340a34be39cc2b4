"""Which importer reads a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from cleo_brain.importers import claude_mem, cleo, files, jsonl, markdown
from cleo_brain.importers.item import Item
from cleo_core.database.foreign import foreign
from cleo_core.errors import ValidationError, shortened

READERS = {
    "claude-mem": claude_mem.read,
    "cleo": cleo.read,
    "markdown": markdown.read,
    "jsonl": jsonl.read,
}


def source(path: str, format_: str) -> str:
    """The importer of a file.

    :param format_: its name, or ``auto``.
    :raises CleoError: 3, the file cannot be read; 6, no importer reads it.
    """
    files.require_file(path)
    if format_ == "cleo" and not files.is_database(path):
        raise ValidationError(
            f"{shortened(path)} is no SQLite database.", fix="cleo memory import .cleo/brain.db"
        )
    return detected(path) if format_ == "auto" else format_


def items(path: str, format_: str, project: str | None) -> Iterator[Item]:
    """The items of a file."""
    return READERS[format_](path, project)


def detected(path: str) -> str:
    """The importer that reads a file.

    :raises ValidationError: none does.
    """
    if files.is_database(path):
        with foreign(path) as database:
            if claude_mem.fits_tables(database.tables):
                return "claude-mem"
            if cleo.fits_tables(database.tables):
                return "cleo"
        raise _unknown(path)
    if os.path.splitext(path)[1].casefold() in (".md", ".markdown"):
        return "markdown"
    first: Any = None
    for _, line in files.lines(path):
        if line is None or line.strip():
            first = line
            break
    if first is not None and first.lstrip().startswith("{"):
        try:
            value = files.parsed(first)
        except ValueError:
            value = None
        if isinstance(value, dict) and not claude_mem.fits_json(value):
            return "jsonl"
        try:
            if claude_mem.fits_json(value) or claude_mem.fits_json(files.parsed(files.text(path))):
                return "claude-mem"
        except ValueError:
            if os.path.splitext(path)[1].casefold() in (".jsonl", ".ndjson"):
                return "jsonl"
    raise _unknown(path)


def _unknown(path: str) -> ValidationError:
    return ValidationError(
        f"{shortened(path)} is of no kind that is known.",
        fix="cleo memory import FILE --from markdown",
    )
