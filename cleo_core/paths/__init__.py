"""Every path CLEO uses: homes, projects, and the few ways files are written.

Paths are ``str``: importing pathlib would cost an eighth of what a command may. What only some
commands need (worktrees, overrides, the rules of ``init``) is loaded when it is first named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cleo_core.paths.files import (
    atomic_file,
    atomic_write,
    ensure_directory,
    file_error,
    read_bounded,
)
from cleo_core.paths.homes import Warn, check_test_root, config_dir, data_dir, path_from
from cleo_core.paths.projects import (
    MARKER,
    SETTINGS,
    cleo_directory_name,
    find_git_root,
    find_project,
    named_project,
    read_marker,
    tier_directory,
)

if TYPE_CHECKING:
    from cleo_core.paths.locations import location_problem
    from cleo_core.paths.outputs import check_output
    from cleo_core.paths.overrides import append_override, check_worktree, note_worktree
    from cleo_core.paths.worktrees import main_worktree

__all__ = [
    "MARKER",
    "SETTINGS",
    "Warn",
    "append_override",
    "atomic_file",
    "atomic_write",
    "check_output",
    "check_test_root",
    "check_worktree",
    "cleo_directory_name",
    "config_dir",
    "data_dir",
    "ensure_directory",
    "file_error",
    "find_git_root",
    "find_project",
    "location_problem",
    "main_worktree",
    "named_project",
    "note_worktree",
    "path_from",
    "read_bounded",
    "read_marker",
    "tier_directory",
]

_LATER = {
    "location_problem": "locations",
    "append_override": "overrides",
    "check_output": "outputs",
    "check_worktree": "overrides",
    "note_worktree": "overrides",
    "main_worktree": "worktrees",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
