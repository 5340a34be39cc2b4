"""Where a project may be made."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from cleo_core.errors import CleoError
from cleo_core.paths.files import quoted
from cleo_core.paths.homes import check_test_root, data_dir, inside_test_root, is_inside
from cleo_core.paths.overrides import check_worktree
from cleo_core.paths.projects import cleo_directory_name, is_home, is_never_found, read_marker


def location_problem(
    root: str, env: Mapping[str, str] = os.environ, *, nested: bool = False
) -> CleoError | None:
    """Why no project can be made in a directory; None when one can.

    :param root: the directory; it need not exist.
    :param nested: whether it may lie inside another project.
    :returns: ``E_LOCATION_REFUSED``, ``E_WORKTREE``, ``E_PATH_OVERRIDE`` or ``E_TEST_ROOT``.
    """
    root = os.path.realpath(root)
    try:
        check_test_root(root)
        name = cleo_directory_name(env)
        reason = _reason(root, name, env)
        if reason is not None:
            return _refused(root, reason, "cleo init --path DIR")
        check_worktree(root, env)
    except CleoError as error:
        return error
    if nested or read_marker(os.path.join(root, name)) is not None:
        return None
    for outer in _above(root):
        if not is_never_found(outer, env) and read_marker(os.path.join(outer, name)) is not None:
            fix = f"cleo init --nested --path {quoted(root)}"
            return _refused(root, f"it lies in the project {outer}", fix)
    return None


def _reason(root: str, name: str, env: Mapping[str, str]) -> str | None:
    if os.path.dirname(root) == root:
        return "it is the root of a file system"
    if is_home(root, env):
        return "it is the home directory"
    if _in_data_directory(root, env):
        return "it lies in CLEO's data directory"
    for directory in (root, *_above(root)):
        if os.path.basename(directory) in (name, ".cleo") and _is_project_directory(directory):
            return f"it lies in the project directory {directory}"
    return None


def _in_data_directory(root: str, env: Mapping[str, str]) -> bool:
    try:
        return is_inside(root, data_dir(env))
    except CleoError as error:
        if error.code == "E_NO_HOME":
            # Without a home there is no data directory to protect.
            return False
        raise


def _is_project_directory(directory: str) -> bool:
    # Another name than .cleo may also be that of an ordinary directory.
    return os.path.basename(directory) == ".cleo" or read_marker(directory) is not None


def _refused(root: str, reason: str, fix: str) -> CleoError:
    return CleoError(
        "E_LOCATION_REFUSED",
        f"{root} cannot be a project: {reason}.",
        fix=fix,
        details={"root": root},
    )


def _above(root: str) -> Iterator[str]:
    while (parent := os.path.dirname(root)) != root and inside_test_root(parent):
        yield parent
        root = parent
