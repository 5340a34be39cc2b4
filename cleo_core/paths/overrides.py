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


def append_override(directory: str, event: str, facts: Mapping[str, Any]) -> None:
    """Add one line to ``audit/overrides.jsonl`` and wait until it is on the disk.

    :param directory: the project directory, or the data directory outside a project.
    :param event: what was done: restore, import, quarantine, worktree, …
    :param facts: JSON-ready names, counts and ids; texts in them are redacted.
    :raises CleoError: ``E_TEST_ROOT``, ``E_PERMISSION_FS``, ``E_DISK_FULL`` or ``E_IO``.
    """
    import json

    from cleo_core import clock

    folder = os.path.join(directory, "audit")
    path = os.path.join(folder, "overrides.jsonl")
    ensure_directory(folder)
    line = json.dumps({"ts": clock.now(), "event": event, **redacted(facts)})
    try:
        append_line(path, line.encode() + b"\n", sync=True)
    except OSError as error:
        raise file_error(error, path) from error


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
