"""Exceptions that someone allowed on purpose, and the record of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from cleo_core.errors import CleoError
from cleo_core.paths.files import append_line, ensure_directory, file_error, quoted
from cleo_core.paths.homes import Warn
from cleo_core.paths.projects import cleo_directory_name, read_marker
from cleo_core.paths.worktrees import main_worktree
from cleo_core.redaction import redacted

_ALLOW_WORKTREE = "CLEO_ALLOW_WORKTREE_DB_CREATE"
#: Below a tier directory.
_FILE = ("audit", "overrides.jsonl")
#: Bytes at the end of the file in which a record of today is looked for.
_TAIL = 16384


def append_override(directory: str, event: str, facts: Mapping[str, Any]) -> None:
    """Add one line to ``audit/overrides.jsonl`` and wait until it is on the disk.

    :param directory: the project directory, or the data directory outside a project.
    :param event: what was done: restore, import, quarantine, worktree, …
    :param facts: JSON-ready names, counts and ids; texts in them are redacted.
    :raises CleoError: ``E_TEST_ROOT``, ``E_PERMISSION_FS``, ``E_DISK_FULL`` or ``E_IO``.
    """
    import json

    from cleo_core import clock

    path = os.path.join(directory, *_FILE)
    ensure_directory(os.path.dirname(path))
    line = json.dumps({"ts": clock.now(), "event": event, **redacted(facts)})
    try:
        append_line(path, line.encode() + b"\n", sync=True)
    except OSError as error:
        raise file_error(error, path) from error


def recorded_today(directory: str, event: str, facts: Mapping[str, Any]) -> bool:
    """Whether the last lines of the file say the same of this UTC day.

    :param facts: what a line has to say at least.
    """
    from cleo_core import clock

    today = clock.now()[:10]
    return any(
        line.get("event") == event
        and str(line.get("ts"))[:10] == today
        and facts.items() <= line.items()
        for line in _latest_lines(directory)
    )


def _latest_lines(directory: str) -> list[dict[str, Any]]:
    """The last records of the file, as far as they can be read."""
    import json

    lines: list[dict[str, Any]] = []
    path = os.path.join(directory, *_FILE)
    # A named pipe in its place would be waited for.
    if not os.path.isfile(path):
        return lines
    try:
        with open(path, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            texts = file.read().splitlines()
    except OSError:
        return lines
    for text in texts:
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            # The first may be cut.
            continue
        if isinstance(line, dict):
            lines.append(line)
    return lines


def check_worktree(root: str, env: Mapping[str, str] = os.environ) -> str | None:
    """The main work tree if a root lies in a linked worktree and that is allowed, else None.

    :raises CleoError: ``E_WORKTREE`` when it lies in one and ``CLEO_ALLOW_WORKTREE_DB_CREATE`` is
        not 1.
    """
    main = main_worktree(root)
    if main is not None and not worktree_allowed(env):
        raise worktree_error(root, main, env)
    return main


def worktree_allowed(env: Mapping[str, str]) -> bool:
    """Whether the caller allows a project directory inside a git worktree."""
    return env.get(_ALLOW_WORKTREE, "").strip() == "1"


def note_worktree(
    root: str, directory: str, main: str, warn: Warn | None, *, record: bool = True
) -> None:
    """Warn of a project inside a worktree, and record it in that project.

    :param record: False where nothing is to be written.
    """
    text = f"{root} lies in a git worktree of {main}, allowed by {_ALLOW_WORKTREE}."
    try:
        if record:
            append_override(directory, "worktree", {"root": root, "main": main})
    except CleoError as error:
        # A project on a read-only file system can still be read.
        text += f" This could not be recorded: {error.message}"
    if warn is not None:
        warn("W_WORKTREE", text)


def worktree_error(root: str, main: str, env: Mapping[str, str]) -> CleoError:
    """The refusal of a project inside a worktree, with the command that uses the main one."""
    is_project = read_marker(os.path.join(main, cleo_directory_name(env))) is not None
    option = f"--project {quoted(main)}" if is_project else f"init --path {quoted(main)}"
    return CleoError(
        "E_WORKTREE",
        f"{root} lies in a git worktree; the project's place is the main repository, {main}.",
        fix=f"cleo {option}",
        details={"root": root, "main": main},
    )
