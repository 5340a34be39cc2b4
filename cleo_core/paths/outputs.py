"""Files that a person asks a command to write."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping

from cleo_core.errors import CleoError, UsageError, echoed, shortened
from cleo_core.paths.homes import config_dir, data_dir, is_inside
from cleo_core.paths.projects import cleo_directory_name, read_marker

#: Characters of a path in a message; its end is what tells it from others, so it is not cut early.
_MOST_SHOWN = 400


def check_output(
    path: str,
    *,
    project_directory: str | None,
    env: Mapping[str, str] = os.environ,
    inputs: Iterable[str] = (),
    force: bool = False,
) -> None:
    """Whether a command may put a new file at a path; asked before any work is done.

    :param project_directory: the ``.cleo`` directory, which no output belongs in.
    :param inputs: files that the same command reads.
    :param force: whether a regular file that is there may be replaced.
    :raises CleoError: ``E_USAGE`` (2), the path is no name of a file, or a file is there;
        ``E_LOCATION_REFUSED`` (3), CLEO's own files are there, a link, a pipe or a device.
    """
    if not isinstance(path, str) or not path.strip() or "\0" in path:
        raise UsageError(
            f"{echoed(str(path))} is no name of a file.", fix="the same command with a path"
        )
    if path == "-":
        raise UsageError("- is no name of a file here.", fix="the same command with a path")
    try:
        real = os.path.realpath(path)
    except ValueError:
        # Half a surrogate pair, which no file system takes.
        raise UsageError(f"{shortened(path)!a} is no name of a file.", fix="ls") from None
    shown = shortened(path, _MOST_SHOWN)
    for own in _own_directories(real, project_directory, env):
        if is_inside(real, own) or _below(real, own):
            raise CleoError(
                "E_LOCATION_REFUSED",
                f"{shown} lies in {own}, where CLEO keeps its own files.",
                fix="the same command with a path elsewhere",
                details={"path": shown},
            )
    if any(real == os.path.realpath(one) for one in inputs):
        raise UsageError(
            f"{shown} is what the command reads.", fix="the same command, another path"
        )
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        # Nothing is there, or it is out of reach, which opening it will tell.
        return
    if not stat.S_ISREG(mode):
        what = "a link" if stat.S_ISLNK(mode) else "a directory, pipe or device"
        raise CleoError(
            "E_LOCATION_REFUSED",
            f"{shown} is {what}, and no file is put in its place.",
            fix="the same command with a path elsewhere",
            details={"path": shown},
        )
    if not force:
        raise UsageError(
            f"{shown} is there already.", fix="the same command with --force, or another path"
        )


def _below(real: str, directory: str) -> bool:
    """Whether a path lies in a directory that its file system knows by several names."""
    at = real
    while at != os.path.dirname(at):
        at = os.path.dirname(at)
        try:
            if os.path.samefile(at, directory):
                return True
        except OSError:
            continue
    return False


def _own_directories(
    real: str, project_directory: str | None, env: Mapping[str, str]
) -> Iterable[str]:
    if project_directory is not None:
        yield project_directory
    at = real
    while at != os.path.dirname(at):
        at = os.path.dirname(at)
        # Another project's files are CLEO's too.
        if os.path.basename(at) == cleo_directory_name(env) and read_marker(at) is not None:
            yield at
    for directory in (data_dir, config_dir):
        try:
            yield directory(env)
        except CleoError:
            # Without a home there is nothing of CLEO's in one.
            continue
