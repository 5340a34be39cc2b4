"""Files of a project that git tracks though it must not: a branch switch would replace them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from cleo_core import git
from cleo_core.paths.files import quoted

#: Seconds that git has to say it.
TIMEOUT = 5.0


def warn_tracked(
    root: str, directory: str, env: Mapping[str, str], warnings: list[dict[str, Any]]
) -> None:
    """Add ``W_TRACKED`` when git tracks a database, sidecar, key or setting of the project."""
    tracked = tracked_files(root, directory, env)
    if tracked is None:
        warnings.append(
            {"code": "W_TRACKED_UNKNOWN", "message": "git could not say whether data is tracked."}
        )
    elif tracked:
        warnings.append(tracked_warning(root, tracked))


def tracked_files(root: str, directory: str, env: Mapping[str, str]) -> list[str] | None:
    """Files under the project directory that git tracks though they must not be.

    :returns: paths relative to the root; None where git cannot say.
    """
    if not _in_repository(root):
        return []
    relative = os.path.relpath(directory, root)
    done = git.run("ls-files", "-z", "--", relative, cwd=root, env=env, timeout=TIMEOUT)
    if done.code != 0:
        return None
    names = [name for name in done.out.decode("utf-8", "surrogateescape").split("\0") if name]
    allowed = (f"{relative}/.gitignore", f"{relative}/adrs/")
    return [name for name in names if name != allowed[0] and not name.startswith(allowed[1])]


def tracked_warning(root: str, tracked: list[str]) -> dict[str, Any]:
    """The warning that names tracked files and the command that mends it."""
    place = "" if _is_here(root) else f" -C {quoted(root)}"
    command = f"git{place} rm --cached -- " + " ".join(map(quoted, tracked))
    return {
        "code": "W_TRACKED",
        "message": f"git tracks {', '.join(tracked)}: an ignore rule does not untrack, and a "
        f"branch switch would replace a live file. Run: {command}",
        "fix": command,
    }


def _is_here(root: str) -> bool:
    try:
        return os.path.samefile(os.curdir, root)
    except OSError:
        return False


def _in_repository(root: str) -> bool:
    current = root
    while True:
        if os.path.lexists(os.path.join(current, ".git")):
            return True
        parent = os.path.dirname(current)
        if parent == current:
            return False
        current = parent
